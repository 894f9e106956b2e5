"""Whether a segment is spoken by its speaker: how alike its voice is to that of the speaker's others.

Measured by the speaker encoder of a base model of Qwen3-TTS, where one is installed.
"""

from __future__ import annotations

import logging
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engines.base import Capability, SpeechEngine
from engines.manager import EngineManager, Lease
from studio.audio.fingerprint import fingerprint
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.values import Segment
from studio.errors import BadInput
from studio.files import publishing

log = logging.getLogger(__name__)

ENGINE = "qwen"

#: Shorter segments do not show a voice, seconds.
_LEAST_S = 1.0
#: A speaker with fewer segments has no usual voice.
_LEAST_SEGMENTS = 3
#: So much work a kill may lose, seconds.
_SAVE_S = 3.0
#: Changes whenever embeddings are made or kept otherwise.
_FORMAT = 1

Vector = npt.NDArray[np.float32]


@runtime_checkable
class SpeakerEncoder(Protocol):
    """What a speech engine can do besides, where its models tell voices apart."""

    def speaker_embedding(self, audio: Audio, control: Control) -> Vector:
        """[n] float32: the timbre of the speaker of `audio`, mono at the engine's rate. Raises BadInput
        where the loaded model has no encoder, Cancelled, OutOfMemory."""


@dataclass(frozen=True)
class Compared:
    """Segments with their similarities, and what they were measured with, or why they were not."""

    segments: list[Segment]
    reason: str  # a sentence


def with_speakers(
    segments: Sequence[Segment],
    audio: Callable[[Segment], Path],
    engines: EngineManager,
    store: Path,
    control: Control,
    model: str = "",
) -> Compared:
    """The segments with `speaker_similarity`: the cosine of their voice to the mean of the other
    segments of their speaker, -1 to 1; None for short ones and for speakers with too few.

    `model`: "" for the best one installed; a practice model only where it is named. Embeddings are kept
    in `store`. Raises what leasing and encoding raise, StorageFailed, Cancelled.
    """
    model = model or _installed(engines)
    if not model:
        why = (
            "Voices were not compared: that needs a base model of Qwen3-TTS, such as qwen-tts-0b6-base."
        )
        return Compared(list(segments), why)
    vectors = _Embeddings(audio, engines, model, store, control).of(segments)
    speakers: dict[str, list[str]] = defaultdict(list)
    for segment in segments:
        if segment.id in vectors:
            speakers[segment.speaker].append(segment.id)
    similar: dict[str, float] = {}
    for ids in speakers.values():
        if len(ids) >= _LEAST_SEGMENTS:
            similar |= zip(ids, _to_the_others([vectors[id] for id in ids]), strict=True)
    compared = [replace(each, speaker_similarity=similar.get(each.id)) for each in segments]
    practice = " A practice model: its figures mean nothing." if "practice" in model else ""
    return Compared(compared, f"Voices were compared by {model}.{practice}")


class _Embeddings:
    """The voices of segments, from the store or now."""

    def __init__(
        self,
        audio: Callable[[Segment], Path],
        engines: EngineManager,
        model: str,
        store: Path,
        control: Control,
    ) -> None:
        self._audio, self._engines, self._model = audio, engines, model
        self._store, self._control = store, control

    def of(self, segments: Sequence[Segment]) -> dict[str, Vector]:
        sources: dict[str, list[Segment]] = defaultdict(list)
        for segment in segments:
            if segment.duration >= _LEAST_S:
                sources[segment.source].append(segment)
        total, done = sum(segment.duration for own in sources.values() for segment in own), 0.0
        found: dict[str, Vector] = {}
        with ExitStack() as stack:
            lease: Lease[SpeechEngine] | None = None

            def encoded(segment: Segment) -> Vector:
                nonlocal lease
                if lease is None:
                    lease = stack.enter_context(self._engines.lease(ENGINE, self._control, self._model))
                else:
                    lease.give_way()
                return self._encoded(lease.engine, segment)

            for source, own in sources.items():
                with _Kept(self._store / f"{source}.npz") as kept:
                    for segment in own:
                        self._control.progress("comparing voices", done / total)
                        done += segment.duration
                        key = fingerprint(self._audio(segment), _FORMAT, ENGINE, self._model)
                        if key not in kept.vectors:
                            kept.put(key, encoded(segment))
                        found[segment.id] = kept.vectors[key]
        return found

    def _encoded(self, engine: SpeechEngine, segment: Segment) -> Vector:
        if not isinstance(engine, SpeakerEncoder):
            raise BadInput(f"{engine.info.label} does not tell voices apart.", "Choose another engine.")
        sound = read(self._audio(segment), engine.info.sample_rate)
        return engine.speaker_embedding(sound, self._control.within(None))


class _Kept:
    """The embeddings of one source, by sound and model, in a file; whole once the block ends."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.vectors = _read(file)
        self._changed, self._saved = False, time.monotonic()

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self.save()

    def put(self, key: str, vector: Vector) -> None:
        """Kept from now on; written every few seconds."""
        self.vectors[key] = vector
        self._changed = True
        if time.monotonic() - self._saved > _SAVE_S:
            self.save()

    def save(self) -> None:
        """Raises StorageFailed."""
        if self._changed:
            with publishing(self._file) as partial, partial.open("wb") as file:
                np.savez(file, **self.vectors)  # type: ignore[arg-type]
        self._changed, self._saved = False, time.monotonic()


def _read(file: Path) -> dict[str, Vector]:
    if not file.exists():
        return {}
    try:
        with np.load(file, allow_pickle=False) as kept:
            return {key: kept[key] for key in kept.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        log.warning("compared anew: %s cannot be read (%s)", file.name, error)
        return {}


def _installed(engines: EngineManager) -> str:
    """The best model that can do it; "" where none is installed."""
    choices = engines.registry.get(ENGINE).models(Capability.CLONE)
    return next((each.key for each in choices if each.installed and not each.practice), "")


def _to_the_others(vectors: Sequence[Vector]) -> list[float]:
    """The cosine of each to the mean direction of the others."""
    stacked = np.stack(vectors).astype(np.float64)
    directions = stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-12)
    others = directions.sum(axis=0) - directions
    lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-12)
    cosines = (directions * others).sum(axis=1) / lengths
    return [round(float(cosine), 4) for cosine in cosines]
