"""Text on pictures: burnt-in subtitles, and the label that says that a video is AI-generated."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from studio.errors import BadInput, EngineFailed
from studio.text.subtitles import TimedWord, cues
from studio.video.types import Picture

if TYPE_CHECKING:
    from PIL import ImageFont

LABEL = "AI-generated"

_SUBTITLE_HEIGHT = 0.050  # of the picture's shorter side, with some regard to the other
_LABEL_HEIGHT = 0.032
_LEAST_PX = 9
_MARGIN = 0.03  # of the shorter side, between the text and the edges
_WIDEST = 0.92  # of the width
_MAX_LINES = 3
_BOX = (0, 0, 0, 150)  # behind the letters: they are read on any picture
_LETTERS = (255, 255, 255, 255)

#: What is not written as a letter: emoji and other signs, marks that choose their form.
_SIGNS = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe00-\ufe0f]")
_KEPT = "\n\u200c"  # Persian parts letters within a word by the second


@dataclass(frozen=True)
class Caption:
    """What is shown at once, its lines parted by \n, from `start` to `end` seconds."""

    text: str
    start: float
    end: float


def captions_of(words: Iterable[TimedWord]) -> tuple[Caption, ...]:
    """Captions for `words`, which are in order of time, as studio.text.subtitles divides them."""
    return tuple(Caption("\n".join(cue.lines), cue.start, cue.end) for cue in cues(words))


class _Patch(NamedTuple):
    """Rendered text: picture = (picture * keep + add) / 256 on its box."""

    top: int
    left: int
    keep: npt.NDArray[np.uint16]  # [height, width, 1], 0 to 256
    add: npt.NDArray[np.uint16]  # [height, width, 3]


class Overlay:
    """Draws subtitles below and a label above onto the pictures of one video.

    Each text is rendered once; a picture costs the blending of its boxes. For pictures in order: only the
    newest caption is kept rendered.
    """

    def __init__(
        self,
        size: tuple[int, int],
        fps: float,
        captions: Sequence[Caption] = (),
        label: str = "",
    ) -> None:
        """`size` is width and height in pixels; captions are in order of time; "": no label. Raises
        BadInput where the font lacks letters of a caption."""
        self._size = size
        self._fps = fps
        self._captions = captions
        self._starts = [caption.start for caption in captions]
        _check_letters("".join(caption.text for caption in captions))
        self._label = _rendered(label, size, label=True) if label else None
        self._newest: tuple[Caption, _Patch | None] | None = None

    def draw(self, picture: Picture, index: int) -> Picture:
        """Picture number `index` with what belongs on it; the one given is left as it is."""
        patches = [
            patch for patch in (self._label, self._subtitle(index / self._fps)) if patch is not None
        ]
        if not patches:
            return picture
        drawn = picture.copy()
        for patch in patches:
            height, width = patch.keep.shape[:2]
            box = drawn[patch.top : patch.top + height, patch.left : patch.left + width]
            blended = np.multiply(box, patch.keep, dtype=np.uint16)
            blended += patch.add
            blended >>= 8
            box[:] = blended
        return drawn

    def _subtitle(self, seconds: float) -> _Patch | None:
        at = bisect_right(self._starts, seconds + 1e-6) - 1
        if at < 0 or seconds >= self._captions[at].end:
            return None
        caption = self._captions[at]
        if self._newest is None or self._newest[0] is not caption:
            self._newest = caption, _rendered(caption.text, self._size)
        return self._newest[1]


def _rendered(text: str, size: tuple[int, int], label: bool = False) -> _Patch | None:
    from PIL import Image, ImageDraw

    text = _letters(text)
    if not text.strip():
        return None
    width, height = size
    side = min(width, height * 1.2)
    pixels = max(_LEAST_PX, round(side * (_LABEL_HEIGHT if label else _SUBTITLE_HEIGHT)))
    lines, font = _laid_out(text, pixels, width * _WIDEST)
    layout = "\n".join(lines)
    pad = max(2, round(font.size * 0.3))
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = measure.multiline_textbbox((0, 0), layout, font, align="center")
    box_width = min(width, round(right - left) + 2 * pad)
    box_height = min(height, round(bottom - top) + 2 * pad)
    image = Image.new("RGBA", (box_width, box_height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, box_width - 1, box_height - 1), pad, _BOX)
    pen.multiline_text((pad - left, pad - top), layout, _LETTERS, font, align="center")
    margin = round(min(size) * _MARGIN)
    if label:
        place = min(margin, height - box_height), max(0, width - box_width - margin)
    else:
        place = max(0, height - box_height - margin), (width - box_width) // 2
    pixels_of = np.asarray(image).astype(np.uint16)
    alpha = pixels_of[..., 3:] + (pixels_of[..., 3:] > 127)  # 0 to 256
    return _Patch(*place, keep=256 - alpha, add=pixels_of[..., :3] * alpha)


def _laid_out(text: str, pixels: int, widest: float) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The lines as they are given where they fit, else broken anew; in smaller letters where that would be
    more than three."""
    while True:
        font = _font(pixels)
        given = text.split("\n")
        if all(font.getlength(line) <= widest for line in given):
            return given, font
        lines = _broken(given, font, widest)
        if len(lines) <= _MAX_LINES or pixels <= _LEAST_PX:
            # No line that is left with one word, where they could be more even.
            narrower = (_broken(given, font, widest * share / 20) for share in range(10, 20))
            return next((even for even in narrower if len(even) == len(lines)), lines), font
        pixels = max(_LEAST_PX, pixels * 9 // 10)


def _broken(given: list[str], font: ImageFont.FreeTypeFont, widest: float) -> list[str]:
    """As many words on each line as fit; one that is too long for a line is cut up."""
    lines = [""]
    for word in " ".join(given).split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= widest:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if lines[-1] and font.getlength(lines[-1] + char) > widest:
                lines.append("")
            lines[-1] += char
    return lines


def _letters(text: str) -> str:
    """What of `text` is written: letters composed with their marks, no emoji nor other signs that the font
    has not, no control characters."""
    composed = _SIGNS.sub("", unicodedata.normalize("NFC", text))
    lines = "".join(char for char in composed if char in _KEPT or _is_written(char)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _is_written(char: str) -> bool:
    category = unicodedata.category(char)
    return category not in ("Cc", "Cf") and not (category in ("So", "Me") and _is_missing(char))


@lru_cache(maxsize=4096)
def _is_missing(char: str) -> bool:
    """Whether the font lacks it."""
    font = _font(24)
    return _shape(font, char) == _shape(font, "\U0010ffff")


def _check_letters(text: str) -> None:
    from PIL import features

    letters = sorted({char for char in _letters(text) if char not in _KEPT and not char.isspace()})
    missing = [char for char in letters if _is_missing(char)]
    # Written from right to left and joined: that takes a library that not every system has.
    turned = [char for char in letters if unicodedata.bidirectional(char) in ("R", "AL")]
    if turned and not (features.check("raqm") and features.check("fribidi")):
        missing = missing or turned
    if missing:
        raise BadInput(
            f"Subtitles in this script cannot be drawn into the picture (no letters for {''.join(missing[:8])}).",
            "Choose subtitles in a file of their own.",
        )


def _shape(font: ImageFont.FreeTypeFont, char: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(char)
    return mask.size, bytes(mask)


@cache
def _font(pixels: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(_font_file(), pixels)


@cache
def _font_file() -> str:
    """DejaVu Sans, which lies in the wheel of Matplotlib: some 5,900 letters of Latin, Cyrillic, Greek,
    Arabic, Hebrew, Armenian and Georgian script. Matplotlib itself is not loaded."""
    spec = importlib.util.find_spec("matplotlib")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        path = Path(place) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return str(path)
    raise EngineFailed(
        "The font for text on pictures is missing.",
        "Install the requirements again: pip install -r requirements.txt.",
    )
