"""Spoken sentences, kept by everything they were made of, so that what stays the same in a text is not
spoken again. All of it can be removed at any time."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.base import PhonemeTiming, WordTiming
from studio import __version__
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.audio.wav import WavWriter
from studio.errors import BadInput, Damaged
from studio.files import publishing, read_json, write_json
from studio.services.phoneme_rows import packed, unpacked

log = logging.getLogger(__name__)

#: How much is kept; what was not used for longest goes first.
MAX_BYTES = 1 << 30
#: What was used this lately stays whatever its size, seconds.
_RECENT_S = 3_600
#: Raised whenever the same engine's sound is treated in another way before it is kept.
_RECIPE = 1


@dataclass(frozen=True)
class Cached:
    """A sentence as it was spoken."""

    audio: Audio
    words: tuple[WordTiming, ...]  # s from its beginning
    phonemes: tuple[PhonemeTiming, ...] = ()  # the same; () where the engine does not tell


def key_of(made_of: Mapping[str, Any]) -> str:
    """32 hex digits for what a sentence is made of but its seed: plain values, as JSON has them."""
    text = json.dumps([__version__, _RECIPE, made_of], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class PartCache:
    """Thread-safe, and safe beside other processes: every file appears when it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str, seed: int) -> Cached | None:
        """What was kept; None where there is nothing, or it cannot be read."""
        path = self._path(key, seed)
        facts = path.with_suffix(".json")
        try:
            kept = read_json(facts)
            words = tuple(WordTiming(*word) for word in kept["words"])
            phonemes = unpacked(kept.get("phonemes", ""))
            audio = read(path)
            if len(audio.samples) != kept["samples"]:
                raise Damaged(f"{path} has not the length that it had.")
            for used in (path, facts):
                used.touch()
        except FileNotFoundError:
            return None
        except (Damaged, BadInput, KeyError, TypeError, ValueError) as error:
            if path.exists():
                log.warning("a kept part cannot be used", extra={"path": str(path), "why": str(error)})
            return None
        return Cached(audio, words, phonemes)

    def has(self, key: str, seed: int) -> bool:
        """Whether `find` will most likely find it."""
        return self._path(key, seed).with_suffix(".json").exists()

    def keep(self, key: str, seed: int, spoken: Cached) -> None:
        """Raises StorageFailed."""
        path = self._path(key, seed)
        with publishing(path) as partial, WavWriter(partial, spoken.audio.sample_rate) as writer:
            writer.append(spoken.audio.samples)
        # The facts come last: without them the sound does not count.
        words = [[word.text, word.start, word.end] for word in spoken.words]
        facts = {"samples": len(spoken.audio.samples), "words": words}
        write_json(path.with_suffix(".json"), facts | {"phonemes": packed(spoken.phonemes)})

    def preferred(self, key: str) -> int | None:
        """The seed that was chosen for it, where one was."""
        try:
            return int(read_json(self._folder / f"{key}.json")["seed"])
        except (FileNotFoundError, Damaged, KeyError, TypeError, ValueError):
            return None

    def prefer(self, key: str, seed: int) -> None:
        write_json(self._folder / f"{key}.json", {"seed": seed})

    def forget(self, keys: Iterable[str]) -> None:
        """Remove what was spoken of each, with every seed."""
        for key in keys:
            for path in self._folder.glob(f"{key}*"):
                path.unlink(missing_ok=True)

    def trim(self, most: int = MAX_BYTES) -> None:
        """Remove the oldest until at most `most` bytes are left."""
        found = []
        for path in self._folder.glob("*.wav"):
            try:
                facts = path.stat()
            except FileNotFoundError:  # another process was quicker
                continue
            found.append((facts.st_mtime, facts.st_size, path))
        left = sum(size for _, size, _ in found)
        for used, size, path in sorted(found):
            if left <= most or used > time.time() - _RECENT_S:
                return
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            left -= size

    def _path(self, key: str, seed: int) -> Path:
        return self._folder / f"{key}-{seed}.wav"
