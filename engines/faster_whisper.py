"""Whisper by the optional package faster-whisper (CTranslate2): int8 on the processor, float16 on CUDA.

It is not among our requirements; where it is installed, it reads folders of the models service and
fetches nothing itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from typing import Any

from engines.base import EngineFolders, ModelChoice, Placement
from engines.recognition import (
    AUTO_LANGUAGE,
    RECOGNITION_RATE,
    Recognition,
    RecognitionRequest,
    RecognizerInfo,
    Segment,
    Task,
    Word,
)
from engines.whisper.languages import LANGUAGES, from_whisper, to_whisper
from studio.control import Control
from studio.errors import BadInput, EngineFailed, ModelMissing
from studio.models.registry import FASTER_WHISPER, MODELS, entry_of
from studio.models.validation import report

PACKAGE = "faster_whisper"
MISSING = "The optional package faster-whisper is not installed: pip install faster-whisper"

_ENTRIES = tuple(entry for entry in MODELS.values() if entry.family == FASTER_WHISPER)


class FasterWhisperRecognizer:
    """faster-whisper behind engines.recognition.Recognizer. It is stopped between two of its
    segments; one takes up to some seconds on a slow processor."""

    def __init__(self, folders: EngineFolders) -> None:
        self._folders = folders.models
        self._model: Any = None
        self._key = ""

    @property
    def info(self) -> RecognizerInfo:
        return RecognizerInfo(
            id="faster_whisper",
            label="faster-whisper (optional)",
            license="MIT",
            description="Whisper's models at several times the speed on the processor, with 8-bit weights.",
            languages=LANGUAGES,
            tasks=frozenset(Task),
            detects_language=True,
            model_keys=tuple(entry.key for entry in _ENTRIES),
            missing="" if _installed() else MISSING,
        )

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    @property
    def loaded_model(self) -> str:
        return self._key

    def models(self) -> tuple[ModelChoice, ...]:
        """Installed where the package and the folder are both there."""
        return tuple(
            ModelChoice(
                entry.key,
                entry.label,
                _installed() and report(self._folders, entry.key).valid,
                note="" if _installed() else MISSING,
            )
            for entry in _ENTRIES
        )

    def load(self, placement: Placement, model: str) -> None:
        """Read the folder of `model`; raises EngineFailed where the package is missing, ModelMissing."""
        entry = entry_of(model)
        if not _installed():
            raise EngineFailed(f"{entry.label} cannot be used.", MISSING)
        found = report(self._folders, model)
        if not found.valid or found.folder is None:
            why = found.problems[0].message if found.problems else "it is not on this machine."
            raise ModelMissing(
                f"{entry.label}: {why}", f"Get it with: python app.py models download {model}"
            )
        self.unload()
        device, _, index = placement.device.partition(":")
        on_card = device == "cuda"
        # By name: the package is an optional extra that most machines do not have.
        package = importlib.import_module(PACKAGE)
        try:
            self._model = package.WhisperModel(
                str(found.folder),
                device="cuda" if on_card else "cpu",
                device_index=int(index or 0) if on_card else 0,
                compute_type="float16" if on_card else "int8",
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineFailed(
                f"{entry.label} could not be loaded: {error}.",
                f"Delete it (python app.py models delete {model} --yes) and download it again.",
            ) from error
        self._key = model

    def unload(self) -> None:
        self._model, self._key = None, ""

    def recognize(self, request: RecognitionRequest, control: Control) -> Recognition:
        assert request.audio.sample_rate == RECOGNITION_RATE
        language = None
        if request.language != AUTO_LANGUAGE:
            language = to_whisper(request.language)
            if language is None:
                raise BadInput(
                    f"Whisper does not know the language “{request.language}”.", "Choose another."
                )
        pieces, facts = self._model.transcribe(
            request.audio.samples,
            language=language,
            task=str(request.task),
            initial_prompt=request.prompt or None,
            word_timestamps=request.word_times and request.task is Task.TRANSCRIBE,
            vad_filter=False,  # that has been done
        )
        ours = from_whisper(facts.language)
        spoken = "en" if request.task is Task.TRANSLATE else ours
        segments = []
        for piece in pieces:
            control.check()
            segments.append(_segment(piece, spoken))
        control.check()
        probability = float(facts.language_probability) if language is None else None
        return Recognition(tuple(each for each in segments if each.text), ours, probability)


def _installed() -> bool:
    return importlib.util.find_spec(PACKAGE) is not None


def _segment(found: Any, language: str) -> Segment:
    words = tuple(
        Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for word in found.words or ()
        if word.word.strip()
    )
    return Segment(
        text=found.text.strip(),
        start=float(found.start),
        end=float(found.end),
        words=words,
        probability=min(math.exp(float(found.avg_logprob)), 1.0),
        language=language,
    )
