"""Makes docs/images/avatar-frames.png anew: frames of the animator, to be looked at.

    python -m benchmarks.avatar_contact_sheet [FILE]

Needs scikit-image, whose astronaut is the photograph.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.avatar_run import Standing, portrait
from engines.animator import AnimatorEngine
from engines.avatar import AnimationRequest
from engines.base import EngineFolders, PhonemeTiming
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.services.built_in_avatars import built_in
from studio.settings import CHECKOUT
from studio.video.types import Face, Picture, Shot

SHEET = CHECKOUT / "docs" / "images" / "avatar-frames.png"

#: What is said for each column; the middle of it is shown.
_SOUNDS = {
    "at rest": "",
    "a": "a",
    "i": "i",
    "u": "u",
    "o": "o",
    "p, b, m": "m",
    "f, v": "f",
    "s": "s",
    "th": "θ",
}
_CELL, _LINE, _SIDE = (150, 176), 22, 84
_COLOURS = 255


def main(path: Path) -> None:
    engine = AnimatorEngine(EngineFolders(Path(), ModelFolders(Path(), Path())))
    rows = dict(_faces())
    labels = [*_SOUNDS, "blink"]
    sheet = Image.new("RGB", (_SIDE + len(labels) * _CELL[0], _LINE + len(rows) * _CELL[1]), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, label in enumerate(labels):
        draw.text((_SIDE + (column + 0.5) * _CELL[0], _LINE / 2), label, "black", font, "mm")
    for row, (name, shot) in enumerate(rows.items()):
        top = _LINE + row * _CELL[1]
        draw.text((6, top + _CELL[1] / 2), name, "black", font, "lm")
        for column, picture in enumerate(_frames(engine, shot)):
            sheet.paste(_cell(picture, shot.face), (_SIDE + column * _CELL[0], top))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(_COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _faces() -> Iterator[tuple[str, Shot]]:
    yield "photograph", portrait(512)
    for avatar in built_in():
        with Image.open(avatar.picture) as picture:
            yield avatar.label, Shot(np.asarray(picture.convert("RGB")), avatar.face)


def _frames(engine: AnimatorEngine, shot: Shot) -> Iterator[Picture]:
    """One for each column."""
    for symbol in _SOUNDS.values():
        yield _said(engine, shot, symbol, 0.6, blinks=0)[7]
    silent = _said(engine, shot, "", 8, blinks=30)
    yield max(silent, key=lambda picture: float(np.abs(picture.astype(np.int16) - shot.picture).mean()))


def _said(
    engine: AnimatorEngine, shot: Shot, symbol: str, seconds: float, blinks: float
) -> list[Picture]:
    options = {"blinks": blinks, "head_motion": 0.0}
    phonemes = (PhonemeTiming(symbol, 0.0, seconds),)
    request = AnimationRequest(Standing(shot), Path(), seconds, phonemes, 25, options)
    return list(engine.animate(request, Control()))


def _cell(picture: Picture, face: Face) -> Image.Image:
    """The face, from above the eyes to below the chin."""
    marks = face.landmarks
    eyes = marks.right_eye.x - marks.left_eye.x
    x = (marks.left_eye.x + marks.right_eye.x) / 2
    y = marks.nose.y
    height = 3.1 * eyes
    width = height * _CELL[0] / _CELL[1]
    box = (x - width / 2, y - 0.47 * height, x + width / 2, y + 0.53 * height)
    return Image.fromarray(picture).resize(_CELL, Image.Resampling.LANCZOS, box=box)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHEET)
