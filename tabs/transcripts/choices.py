"""What can be chosen in the Transcribe tab, which depends on the recognizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.base import ModelChoice
from engines.recognition import AUTO_LANGUAGE, RecognizerInfo, Task
from studio.errors import StudioError
from studio.services.recognizers import choose
from studio.services.studio import Studio
from studio.services.transcripts import AUTO, TranscribeOrder
from tabs.speech.choices import Choices

AUTO_CHOICE = ("Auto: the best installed", "")

_TASKS = {
    Task.TRANSCRIBE: "Write down what is said",
    Task.TRANSLATE: "Translate it into English",
}


@dataclass(frozen=True)
class Needs:
    """Which models a choice of recognizer, language and task has, and whether one can be used."""

    models: tuple[ModelChoice, ...]  # to choose from, or to get where none can be used
    ready: bool
    reason: str  # who would write it down, or why nobody can


def engines(studio: Studio) -> Choices:
    return [
        ("Auto: the best installed for the language", AUTO),
        *((_with_marks(info), info.id) for info in studio.transcripts.recognizers()),
    ]


def languages(studio: Studio, engine: str) -> Choices:
    named = {code: name for info in _infos(studio, engine) for code, name in info.languages.items()}
    return [
        ("Auto: told from the first speech", AUTO_LANGUAGE),
        *sorted((f"{name} ({code})", code) for code, name in named.items()),
    ]


def tasks(studio: Studio, engine: str) -> Choices:
    offered = {task for info in _infos(studio, engine) for task in info.tasks}
    return [(label, str(task)) for task, label in _TASKS.items() if task in offered]


def models(known: tuple[ModelChoice, ...]) -> Choices:
    """The sizes of a recognizer. Automatic choice takes no practice model."""
    best = next((model for model in known if model.installed and not model.practice), None)
    auto = f"Auto: the best installed, {best.label if best else 'none yet'}"
    return [(auto, ""), *((_marked(model), model.key) for model in known)]


def preset_model(known: tuple[ModelChoice, ...], chosen: str | None) -> str:
    """The chosen model if it is there, else the automatic choice, else what is there."""
    if chosen in {model.key for model in known}:
        return chosen or ""
    installed = [model for model in known if model.installed]
    only_practice = installed and all(model.practice for model in installed)
    return installed[0].key if only_practice else ""


def needs(studio: Studio, engine: str, language: str, task: str) -> Needs:
    """How a choice in the form stands. Raises NotFound for a recognizer that there is not."""
    registry = studio.engines.registry
    if engine == AUTO:
        order = TranscribeOrder(Path(), language=language, task=Task(task))
        try:
            return Needs((), True, choose(order, registry).reason)
        except StudioError as error:
            # Whisper is the one that writes down, and translates, nearly everything.
            return Needs(registry.recognizer("whisper").models(), False, error.message)
    recognizer = registry.recognizer(engine)
    info, known = recognizer.info, recognizer.models()
    if info.missing:
        return Needs(known, True, info.missing)  # a model would not help
    ready = not known or any(model.installed for model in known)
    return Needs(known, ready, "" if ready else f"{info.label} needs a model, and none is ready.")


def _infos(studio: Studio, engine: str) -> tuple[RecognizerInfo, ...]:
    known = studio.transcripts.recognizers()
    return known if engine == AUTO else tuple(info for info in known if info.id == engine)


def _with_marks(info: RecognizerInfo) -> str:
    marks = ["draft"] if info.draft and "draft" not in info.label else []
    if info.missing:
        marks.append("not installed")
    return f"{info.label} ({', '.join(marks)})" if marks else info.label


def _marked(model: ModelChoice) -> str:
    return model.label if model.installed else f"{model.label} (not installed)"
