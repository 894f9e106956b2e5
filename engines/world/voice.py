"""A voice matched to a recording: everything needed to convert its source voice, kept in one file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engines.world.exemplars import Bank, Labels, Normaliser, blend
from engines.world.match import Match
from engines.world.vocoder import FRAME_S, SAMPLE_RATE, Floats, analyse, synthesise
from studio.files import publishing

_Value = TypeVar("_Value")

#: Speech is brought to this root mean square, of full scale.
_SPEECH_RMS = 0.09
#: Unless its peaks, of full scale, would then exceed this: a vocoder's low voices are spiky.
_PEAK = 0.8


@dataclass(frozen=True, eq=False)
class MatchedVoice:
    """How to turn one source voice into the reference's."""

    source: str  # eSpeak NG's identifier of the source voice
    pace: float  # words a minute
    gain: float
    speech_s: float  # of the reference
    speech_level: float  # dB, of the source after the match
    match: Match
    normaliser: Normaliser
    bank: Bank | None
    notes: tuple[str, ...]

    def convert(self, samples: Floats, labels: Labels, weight: float) -> Floats:
        """The source's `samples` [n] in this voice, float64 [n], before the gain. `labels` [t] are
        its phones by frame; `weight` is how far the sounds move to the reference's examples."""
        frames = self.match.apply(analyse(samples))
        if self.bank is not None and weight > 0:
            labels = np.pad(labels, (0, max(0, len(frames) - len(labels))), "edge")[: len(frames)]
            frames = blend(frames, labels, self.normaliser, self.speech_level, self.bank, weight)
        return synthesise(frames, len(samples))


def gain_for(sound: Floats) -> float:
    """The fixed factor that brings a voice to the studio's level, from some of its speech."""
    hop = int(FRAME_S * SAMPLE_RATE)
    power = np.square(sound[: len(sound) // hop * hop]).reshape(-1, hop).mean(1)
    # Pauses do not count: they are as long as the text makes them.
    loud = power[power > 0.003 * np.percentile(power, 97)]
    peak = float(np.percentile(np.abs(sound), 99.98))
    return min(_SPEECH_RMS / max(float(np.sqrt(loud.mean())), 1e-6), _PEAK / max(peak, 1e-6))


def save(path: Path, voice: MatchedVoice) -> None:
    """Write `voice` to `path`, whole or not at all."""
    arrays: dict[str, Any] = {
        field.name: getattr(voice, field.name)
        for field in fields(MatchedVoice)
        if field.name not in ("match", "normaliser", "bank")
    }
    arrays |= packed(voice.match, "match.") | packed(voice.normaliser, "normaliser.")
    if voice.bank is not None:
        arrays |= packed(voice.bank, "bank.")
    save_arrays(path, arrays)


def load(path: Path) -> MatchedVoice | None:
    """The voice in `path`; None where there is none or it cannot be read, to be made again."""
    arrays = load_arrays(path)
    if arrays is None:
        return None
    try:
        return MatchedVoice(
            source=str(arrays["source"]),
            pace=float(arrays["pace"]),
            gain=float(arrays["gain"]),
            speech_s=float(arrays["speech_s"]),
            speech_level=float(arrays["speech_level"]),
            match=unpacked(Match, arrays, "match."),
            normaliser=unpacked(Normaliser, arrays, "normaliser."),
            bank=unpacked(Bank, arrays, "bank.") if "bank.labels" in arrays else None,
            notes=tuple(str(note) for note in arrays["notes"]),
        )
    except KeyError:
        return None


def packed(value: Any, prefix: str = "") -> dict[str, Any]:
    """The fields of a dataclass of numbers and arrays, by name."""
    return {prefix + field.name: getattr(value, field.name) for field in fields(value)}


def unpacked(kind: type[_Value], arrays: dict[str, Any], prefix: str = "") -> _Value:
    """The inverse of `packed`. Raises KeyError when a field is missing."""
    values = {field.name: arrays[prefix + field.name] for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value if value.ndim else value.item() for name, value in values.items()})


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    with publishing(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)


def load_arrays(path: Path) -> dict[str, Any] | None:
    """The arrays in `path`; None where it is missing or damaged: a cache is made again."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile):
        return None
