"""Whether what a model says is understood: by a recognizer that is installed, in all epochs the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.recognition import RECOGNITION_RATE, RecognitionRequest, RecognizerInfo
from engines.registry import RECOGNIZERS, Registry
from studio.audio.resampling import resample
from studio.audio.types import Audio
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.models.registry import entry_of
from studio.settings import Settings
from studio.text.language import closest
from studio.workspace import Workspace
from training.manner import character_count
from training.prepare.given_check import given_error
from training.samples import Sample

#: Larger models take minutes on the processor, where this works: the card's memory is the run's own.
_LARGEST_BYTES = 1_000_000_000
#: A recognizer is given at most so much at once, seconds.
_LONGEST_S = 30.0
#: Models that know English only, by the end of their keys.
_ENGLISH = ".en"


@dataclass(frozen=True)
class Understander:
    """A recognizer with its model."""

    engine: str
    model: str  # "" where it has none
    label: str
    rough: bool  # it mishears clear speech as well


def understander(language: str, studio: Settings) -> Understander | None:
    """The largest installed model for `language` (BCP 47) that is quick enough on the processor, else the
    smallest, else a draft recognizer. None where there is none; practice models never count."""
    registry = Registry(_folders(studio))
    sized, drafts = [], []
    for engine in registry.recognizer_ids:
        recognizer = registry.recognizer(engine)
        info = recognizer.info
        if info.missing or closest(language, info.languages) is None:
            continue
        if not info.model_keys:
            drafts.append(Understander(engine, "", info.label, info.draft))
        for model in recognizer.models():
            if model.installed and not model.practice and _knows(model.key, language):
                size = entry_of(model.key).published_bytes
                sized.append((size, Understander(engine, model.key, model.label, info.draft)))
    quick = [each for each in sized if each[0] <= _LARGEST_BYTES]
    if quick:
        return max(quick, key=lambda each: each[0])[1]
    if sized:
        return min(sized, key=lambda each: each[0])[1]
    return drafts[0] if drafts else None


def agreement(
    samples: Sequence[Sample], by: Understander, language: str, studio: Settings, control: Control
) -> float | None:
    """The share of the characters of all samples that is recognised as written, in [0, 1]; None without
    any. It is loaded for this and unloaded again. Raises what leasing and recognising raise, Cancelled.
    """
    weights = [character_count(sample.text, language) for sample in samples]
    if not sum(weights):
        return None
    right = 0.0
    with (
        _manager(by, studio) as engines,
        engines.lease_recognizer(by.engine, control, by.model) as lease,
    ):
        info: RecognizerInfo = lease.engine.info
        code = closest(language, info.languages) or language
        for number, (sample, weight) in enumerate(zip(samples, weights, strict=True), 1):
            control.progress("listening to the samples", (number - 1) / len(samples))
            sound = _first(resample(sample.audio, RECOGNITION_RATE))
            request = RecognitionRequest(sound, code, word_times=False, model=by.model)
            recognition = lease.engine.recognize(request, control.within())
            heard = " ".join(segment.text for segment in recognition.segments)
            right += weight * (1 - given_error(sample.text, heard, language))
    return right / sum(weights)


@contextmanager
def _manager(by: Understander, studio: Settings) -> Iterator[EngineManager]:
    """On the processor, with this recognizer alone: a manager that closes looks at every one there is."""
    table = {by.engine: RECOGNIZERS[by.engine]}
    manager = EngineManager(
        Registry(_folders(studio), {}, table), studio.engine_idle_s, device="cpu", dtype="auto"
    )
    try:
        yield manager
    finally:
        manager.close()


def _folders(studio: Settings) -> EngineFolders:
    models = ModelFolders(studio.models_dir, studio.qwen_dir)
    return EngineFolders(Workspace(studio.home).voice_prompts, models)


def _knows(model: str, language: str) -> bool:
    return not model.endswith(_ENGLISH) or closest(language, ("en",)) is not None


def _first(audio: Audio) -> Audio:
    return Audio(audio.samples[: round(_LONGEST_S * audio.sample_rate)], audio.sample_rate)
