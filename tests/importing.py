"""Recordings, texts and zips to import from, and what is found in them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from studio.control import Control
from studio.dataset.cache import PreparedCache
from studio.dataset.values import PrepareSettings
from tests.audio_files import tone, wav
from training.prepare.importing import find
from training.prepare.values import Found, Recording


def sound(path: Path, hertz: float = 440.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return wav(path, tone(0.3, 8_000, hertz), 8_000)


def sounds(folder: Path, *names: str) -> Path:
    for index, name in enumerate(names):
        sound(folder / name, 300 + 10 * index)
    return folder


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def found(tmp_path: Path, *inputs: Path, **settings: object) -> Found:
    settings_ = PrepareSettings(**settings)  # type: ignore[arg-type]
    return find(inputs, PreparedCache(tmp_path), settings_, Control())


def by_name(what: Found) -> dict[str, Recording]:
    return {recording.name: recording for recording in what.recordings}


def texts(what: Found) -> dict[str, str]:
    """The one text of each recording that has one."""
    return {name: each.given[0].text for name, each in by_name(what).items() if each.given}


def packed(path: Path, files: Mapping[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def content(tmp_path: Path) -> bytes:
    return sound(tmp_path / "content.wav").read_bytes()
