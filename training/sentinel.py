"""Listens at each epoch's end: what the test sentences sound like, which epoch is the best, and whether the
run gets worse."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from studio.control import Control
from studio.dataset.ledger import from_row
from studio.dataset.metadata import Row
from studio.errors import Busy, Damaged, EngineFailed, ModelMissing
from studio.files import make_folder, read_json, write_json
from studio.models.registry import MODELS
from studio.runs.judging import best_of, reason_to_stop, warnings_of
from studio.runs.run_folder import RunFolder
from studio.runs.sentences import language_of, sentences_for
from studio.runs.values import RunSettings, SampleReport, StepRow
from studio.settings import Settings
from training.agreement import Understander, agreement, understander
from training.family import EpochEnd, Judgement, TrainingFamily
from training.manner import Manner, manner_of, manner_of_rows
from training.samples import Sample, Sentences, speak

log = logging.getLogger(__name__)

_UNHEARD = (
    "No recognizer for this language is installed, so nobody checks what the samples say. Get one with: "
    "python app.py models download whisper-small"
)
_PRACTICE = (
    "This is a practice model, so nobody checks what the samples say: there are no words in them."
)
_UNCOMPARED = "None of the data set's recordings can be read, so the samples are compared with nothing."


def listening(root: Path, settings: RunSettings, rows: Sequence[Row], studio: Settings) -> EpochEnd:
    """What the job calls at each epoch's end; see training.family.Listening."""
    return Sentinel(RunFolder(root), settings, rows, studio)


class Sentinel:
    """Of one run. It keeps nothing that the folder and the history do not say."""

    def __init__(
        self, folder: RunFolder, settings: RunSettings, rows: Sequence[Row], studio: Settings
    ) -> None:
        self._folder, self._settings, self._rows, self._studio = folder, settings, rows, studio
        language = language_of([row.language for row in rows], [row.text for row in rows])
        texts = settings.sentences or sentences_for(language)
        self._sentences = Sentences(texts, language, settings.seed)

    def __call__(
        self, family: TrainingFamily, row: StepRow, history: Sequence[StepRow], control: Control
    ) -> Judgement:
        """Raises StorageFailed, Cancelled."""
        heard: SampleReport | None = None
        said: tuple[str, ...] = ()
        if self._is_due(int(row.epoch)):
            first = all(each.heard is None for each in history)
            heard, said = self._listen(family, int(row.epoch), first, control)
        rows = (*history, replace(row, heard=heard))
        best = best_of(rows)
        stop = reason_to_stop(rows) if self._settings.stop_when_worse else ""
        return Judgement(heard, (*said, *warnings_of(rows)), best.epoch if best else None, stop)

    def _is_due(self, epoch: int) -> bool:
        every = self._settings.sample_every
        return every > 0 and (epoch % every == 0 or epoch == self._settings.epochs)

    def _listen(
        self, family: TrainingFamily, epoch: int, first: bool, control: Control
    ) -> tuple[SampleReport | None, tuple[str, ...]]:
        """What is heard of the samples, and what is to be said of them; the latter about all of the run as
        well where they are its `first`."""
        self._write_sentences()
        samples = speak(family, self._sentences, self._folder, epoch, control.between(0.0, 0.7))
        usual = self._expected(control.between(0.7, 0.8))
        notes = list(samples.problems)
        if not samples.spoken:
            return None, tuple(notes)
        by = self._understander()
        share, why_not = self._agreement(samples.spoken, by, control.between(0.8, 1.0))
        if first:
            notes += _general(usual, by, self._is_practice)
        if why_not:
            notes.append(why_not)
        manner = manner_of(
            [(each.text, each.audio) for each in samples.spoken], self._sentences.language
        )
        return _report(manner, usual, share, by), tuple(notes)

    @property
    def _is_practice(self) -> bool:
        return self._settings.base in MODELS and MODELS[self._settings.base].practice

    def _understander(self) -> Understander | None:
        """None for a practice model too: there are no words in what random weights say."""
        return None if self._is_practice else understander(self._sentences.language, self._studio)

    def _agreement(
        self, samples: Sequence[Sample], by: Understander | None, control: Control
    ) -> tuple[float | None, str]:
        """The agreement, or why it could not be told."""
        if by is None:
            return None, ""
        try:
            return agreement(samples, by, self._sentences.language, self._studio, control), ""
        except (EngineFailed, ModelMissing, Busy) as error:
            log.exception("%s failed", by.label)
            return None, f"{by.label} could not listen to the samples. {error}"

    def _expected(self, control: Control) -> Manner:
        """How the data set sounds, told once a run: it may be deleted later."""
        path = self._folder.expected
        try:
            if path.exists():
                return from_row(Manner, read_json(path))
        except (Damaged, TypeError, AttributeError):
            log.warning("%s is damaged and made again", path)
        found = manner_of_rows(self._rows, self._sentences.language, control)
        write_json(path, asdict(found))
        return found

    def _write_sentences(self) -> None:
        make_folder(self._folder.samples)
        content = {"language": self._sentences.language, "sentences": list(self._sentences.texts)}
        write_json(self._folder.sentences, content)


def _general(usual: Manner, by: Understander | None, practice: bool) -> list[str]:
    """What holds for all epochs."""
    notes = []
    if usual == Manner():
        notes.append(_UNCOMPARED)
    if by is None:
        notes.append(_PRACTICE if practice else _UNHEARD)
    elif by.rough:
        notes.append(
            f"{by.label} checks what the samples say; it mishears clear speech as well, so its agreement "
            "is a rough figure, good for comparing epochs."
        )
    return notes


def _report(manner: Manner, usual: Manner, share: float | None, by: Understander | None) -> SampleReport:
    return SampleReport(
        seconds_per_character=manner.seconds_per_character,
        expected_seconds_per_character=usual.seconds_per_character,
        silence_share=manner.silence_share,
        expected_silence_share=usual.silence_share,
        loudness_lufs=manner.loudness_lufs,
        expected_loudness_lufs=usual.loudness_lufs,
        f0_hz=manner.f0_hz,
        expected_f0_hz=usual.f0_hz,
        agreement=share,
        recognizer=by.label if by is not None and share is not None else "",
        rough=by is not None and share is not None and by.rough,
    )
