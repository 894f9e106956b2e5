"""The test sentences of an epoch, spoken and kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.memory import is_lack_of_memory, memory_limit
from studio.audio.types import Audio
from studio.audio.wav import WavWriter, join_files
from studio.control import Control
from studio.errors import BadInput, EngineFailed
from studio.files import publishing, storage_errors
from studio.runs.run_folder import RunFolder
from training.family import TrainingFamily

log = logging.getLogger(__name__)

#: Between two sentences where all are in one file, seconds.
_PAUSE_S = 0.4


@dataclass(frozen=True)
class Sentences:
    """What is spoken at each epoch's end, and how."""

    texts: tuple[str, ...]
    language: str  # BCP 47
    seed: int


@dataclass(frozen=True, eq=False)
class Sample:
    """A sentence as an epoch speaks it."""

    text: str
    audio: Audio


@dataclass(frozen=True)
class Samples:
    """What came of an epoch's sentences."""

    spoken: tuple[Sample, ...]
    problems: tuple[str, ...]  # sentences that could not be spoken, each with its reason


def speak(
    family: TrainingFamily, sentences: Sentences, folder: RunFolder, epoch: int, control: Control
) -> Samples:
    """Speak all sentences with the weights as they are now, and write them as the folder says, in place of
    what an earlier attempt left of this epoch.

    What cannot be spoken hides no other sentence. Raises StorageFailed, Cancelled.
    """
    spoken: list[tuple[int, Sample]] = []
    problems: list[str] = []
    for number, text in enumerate(sentences.texts, 1):
        control.progress(f"test sentence {number}", (number - 1) / len(sentences.texts))
        path = folder.sample(epoch, number)
        with storage_errors(path):
            path.unlink(missing_ok=True)
        try:
            audio = _said(family, text, sentences, control.within())
        except (BadInput, EngineFailed) as error:
            log.warning("epoch %d, sentence %d: %s", epoch, number, error)
            problems.append(f"Test sentence {number} was not spoken. {error.message}")
            continue
        with publishing(path) as partial, WavWriter(partial, audio.sample_rate) as writer:
            writer.append(audio.samples)
        spoken.append((number, Sample(text, audio)))
    _write_whole(folder, epoch, spoken)
    return Samples(tuple(sample for _, sample in spoken), tuple(problems))


def _said(family: TrainingFamily, text: str, sentences: Sentences, control: Control) -> Audio:
    """Raises EngineFailed where no sound comes as well: weights that have gone astray give none."""
    with memory_limit("The memory did not suffice.", "Make the batches smaller."):
        try:
            audio = family.speak(text, sentences.language, sentences.seed, control)
        except RuntimeError as error:  # torch's for scores that are NaN
            if is_lack_of_memory(error):
                raise
            log.exception("speaking failed")
            raise EngineFailed(f"The model broke off: {str(error)[:200]}") from error
    if not len(audio.samples):
        raise EngineFailed("The model said nothing.")
    if not np.isfinite(audio.samples).all():
        raise EngineFailed("The model gave no sound but NaN.")
    return audio


def _write_whole(folder: RunFolder, epoch: int, spoken: Sequence[tuple[int, Sample]]) -> None:
    """All sentences, each with its number, one after another."""
    target = folder.sample(epoch)
    if not spoken:
        with storage_errors(target):
            target.unlink(missing_ok=True)
        return
    rate = spoken[0][1].audio.sample_rate
    pieces: list[Path | int] = []
    for number, _ in spoken:
        pieces += [folder.sample(epoch, number), round(_PAUSE_S * rate)]
    with publishing(target) as partial:
        join_files(partial, rate, pieces[:-1])
