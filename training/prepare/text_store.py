"""What was recognised, kept by the sound it was recognised in: no second build does it again."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines.recognition import Recognition
from studio.audio.fingerprint import fingerprint
from studio.dataset.ledger import from_row
from studio.errors import Damaged
from studio.files import read_json, write_bytes
from studio.text.sentences import clean
from studio.text.transcripts import plain
from training.prepare.values import RecognizerChoice

log = logging.getLogger(__name__)

#: So much work a kill may lose, seconds.
_SAVE_S = 3.0

#: Changes whenever recognitions are made or kept otherwise.
_FORMAT = 1


@dataclass(frozen=True)
class Heard:
    """What a recognizer wrote down of a segment."""

    text: str  # on one line; "" where nothing was said
    language: str  # BCP 47, lower case
    language_probability: float | None = None  # 0 to 1, where it was detected
    confidence: float | None = None  # 0 to 1, where the recognizer tells


def heard_in(found: Recognition) -> Heard:
    """A recognition as it is kept; its segments' probabilities weigh as much as they have letters."""
    text = " ".join(clean(plain(found.segments)).split())
    weighed = [
        (segment.probability, max(1, len(segment.text)))
        for segment in found.segments
        if segment.probability is not None
    ]
    total = sum(weight for _, weight in weighed)
    confidence = sum(sure * weight for sure, weight in weighed) / total if weighed else None
    return Heard(text, found.language, _rounded(found.language_probability), _rounded(confidence))


class TextStore:
    """The texts of one source, in `folder`/<source>.json.

    Keyed by the sound of a segment and by what recognised it. A sound is known by its content; while
    its file's size and time are as they were, it is not read again.
    """

    def __init__(self, folder: Path, source: str) -> None:
        self._file = folder / f"{source}.json"
        self._rows = _read(self._file)
        self._changed = False
        self._saved = time.monotonic()

    def key(self, segment_id: str, sound: Path, choice: RecognizerChoice, language: str) -> str:
        """Of the text that `choice` makes of `sound` when it is asked for `language`. Raises BadInput
        where there is no such file."""
        facts = sound.stat() if sound.is_file() else None
        stamp = [facts.st_size, facts.st_mtime_ns] if facts else []
        known = self._rows["sounds"].get(segment_id)
        if known is None or known[:2] != stamp:
            known = [*stamp, fingerprint(sound)]
            self._rows["sounds"][segment_id] = known
            self._changed = True
        about = (_FORMAT, known[-1], choice.engine, choice.model, language)
        return hashlib.sha256(repr(about).encode()).hexdigest()[:32]

    def get(self, key: str) -> Heard | None:
        row = self._rows["texts"].get(key)
        return None if row is None else from_row(Heard, row)

    def put(self, key: str, heard: Heard) -> None:
        """Kept from now on; written to the disk every few seconds and by `save`."""
        self._rows["texts"][key] = asdict(heard)
        self._changed = True
        if time.monotonic() - self._saved > _SAVE_S:
            self.save()

    def save(self) -> None:
        """Raises StorageFailed."""
        if self._changed:
            write_bytes(self._file, json.dumps(self._rows, ensure_ascii=False).encode())
        self._changed = False
        self._saved = time.monotonic()


def _read(file: Path) -> dict[str, Any]:
    empty: dict[str, Any] = {"sounds": {}, "texts": {}}
    if not file.exists():
        return empty
    try:
        rows = read_json(file)
    except Damaged as error:
        log.warning("recognised anew: %s", error.message)
        return empty
    whole = isinstance(rows, Mapping) and all(isinstance(rows.get(name), dict) for name in empty)
    if not whole:
        log.warning("recognised anew: %s is none of ours", file.name)
        return empty
    return dict(rows)


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)
