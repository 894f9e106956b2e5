"""Which recognizer writes a recording down, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engines.base import ModelChoice
from engines.recognition import AUTO_LANGUAGE, Recognizer, RecognizerInfo, Task
from engines.registry import Registry
from studio.errors import BadInput, ModelMissing, unknown
from studio.services.transcripts import AUTO, TranscribeOrder
from studio.text.language import closest

#: From the most exact to the roughest; at one size the reference implementation first. A model that
#: stands nowhere here comes after them all.
_RANKING = (
    "whisper-large-v3",
    "whisper-turbo",
    "faster-whisper-large-v3",
    "whisper-medium.en",
    "whisper-medium",
    "faster-whisper-medium",
    "whisper-small.en",
    "whisper-small",
    "faster-whisper-small",
    "whisper-base.en",
    "whisper-base",
    "faster-whisper-base",
    "whisper-tiny.en",
    "whisper-tiny",
    "faster-whisper-tiny",
)

#: What is proposed where nothing suitable is installed.
PROPOSED = "whisper-turbo"
PROPOSED_TO_TRANSLATE = "whisper-medium"

#: Models that know English only, by their key's end, and those that do not translate.
_ENGLISH = ".en"
_NO_TRANSLATION = ("whisper-turbo", _ENGLISH)


@dataclass(frozen=True)
class Choice:
    """A recognizer with its model."""

    info: RecognizerInfo
    model: str  # "" where it has none
    label: str
    reason: str  # a sentence for people
    language: str  # BCP 47 or "auto"


def choose(order: TranscribeOrder, registry: Registry) -> Choice:
    """The recognizer that `order` names, or the best one that is installed for its language and task.

    Practice models are taken only when they are named. Raises NotFound for unknown names, BadInput
    for what the chosen one cannot do, ModelMissing with the remedy.
    """
    language = _known_language(order.language, registry.recognizer_infos())
    if order.engine != AUTO:
        return _named(order, registry.recognizer(order.engine), language)
    if order.model:
        return _named(order, _owner_of(order.model, registry), language)
    for wanted in _languages(language):
        for recognizer, model in _candidates(registry):
            info = recognizer.info
            key = model.key if model else ""
            if _unable(info, key, wanted, order.task):
                continue
            label = model.label if model else info.label
            reason = f"{label}: {_why(wanted, language, info)}."
            return Choice(info, key, label, reason, _code(info, wanted))
    raise _missing(language, order.task, registry.recognizer_infos())


def _candidates(registry: Registry) -> Iterable[tuple[Recognizer, ModelChoice | None]]:
    """Whatever can be used at once, the best first; what is a draft last."""
    found: list[tuple[int, Recognizer, ModelChoice | None]] = []
    for engine_id in registry.recognizer_ids:
        recognizer = registry.recognizer(engine_id)
        info = recognizer.info
        if info.missing:
            continue
        if not info.model_keys:
            found.append((len(_RANKING) + info.draft, recognizer, None))
        for model in recognizer.models():
            if model.installed and not model.practice:
                found.append((_rank(model.key), recognizer, model))
    found.sort(key=lambda entry: entry[0])
    return [(recognizer, model) for _, recognizer, model in found]


def _named(order: TranscribeOrder, recognizer: Recognizer, language: str) -> Choice:
    info = recognizer.info
    if info.missing:
        raise ModelMissing(f"{info.label} cannot be used here.", info.missing)
    models = {model.key: model for model in recognizer.models()}
    if not models:
        if order.model:
            raise BadInput(f"{info.label} has no models to choose from.", "Name the recognizer alone.")
        chosen = None
    elif order.model:
        if order.model not in models:
            raise unknown(f"model of {info.label}", order.model, models)
        chosen = models[order.model]
    else:
        chosen = _best(models.values(), info, language, order.task)
    key = chosen.key if chosen else ""
    able = [wanted for wanted in _languages(language) if not _unable(info, key, wanted, order.task)]
    if not able:
        why_not = _unable(info, key, language, order.task)
        raise BadInput(why_not, "Choose another recognizer, or leave the choice to auto.")
    if chosen is not None and not chosen.installed:
        get = f"practice {info.id}" if chosen.practice else f"download {chosen.key}"
        raise ModelMissing(
            f"{chosen.label} is not on this machine.", f"Get it with: python app.py models {get}"
        )
    label = chosen.label if chosen else info.label
    return Choice(info, key, label, f"{label}, as asked for.", _code(info, able[0]))


def _best(models: Iterable[ModelChoice], info: RecognizerInfo, language: str, task: Task) -> ModelChoice:
    ranked = sorted(models, key=lambda model: _rank(model.key))
    for wanted in _languages(language):
        for model in ranked:
            if model.installed and not model.practice and not _unable(info, model.key, wanted, task):
                return model
    raise _missing(language, task, (info,))


def _rank(key: str) -> int:
    return _RANKING.index(key) if key in _RANKING else len(_RANKING)


def _owner_of(model: str, registry: Registry) -> Recognizer:
    infos = registry.recognizer_infos()
    owners = [info.id for info in infos if model in info.model_keys]
    if not owners:
        raise unknown("model of recognition", model, [key for info in infos for key in info.model_keys])
    return registry.recognizer(owners[0])


def _unable(info: RecognizerInfo, model: str, language: str, task: Task) -> str:
    """Why it cannot do that, as a sentence; "" where it can."""
    label = model or info.label
    if task not in info.tasks or (task is Task.TRANSLATE and model.endswith(_NO_TRANSLATION)):
        return f"{label} does not translate."
    english = closest("en", (language,)) is not None
    if language != AUTO_LANGUAGE and closest(language, info.languages) is None:
        return f"{label} does not know {language}."
    if model.endswith(_ENGLISH) and not english:
        return f"{label} knows English only; the language has to be named."
    if language == AUTO_LANGUAGE and not info.detects_language:
        return f"{label} cannot tell the language; name it."
    return ""


def _languages(language: str) -> tuple[str, ...]:
    """What to look for, in order: where nothing can tell the language, English is assumed."""
    return (language, "en") if language == AUTO_LANGUAGE else (language,)


def _code(info: RecognizerInfo, language: str) -> str:
    return language if language == AUTO_LANGUAGE else closest(language, info.languages) or language


def _known_language(language: str, infos: Iterable[RecognizerInfo]) -> str:
    """The code as the recognizers have it. Raises NotFound for one that none of them knows."""
    if language.strip().lower() in (AUTO_LANGUAGE, ""):
        return AUTO_LANGUAGE
    known = {code for info in infos for code in info.languages}
    found = closest(language, known)
    if found is None:
        raise unknown("language", language, known)
    return found


def _why(wanted: str, asked: str, info: RecognizerInfo) -> str:
    if asked == AUTO_LANGUAGE and wanted != AUTO_LANGUAGE:
        return "nothing that tells languages apart is installed, so all is taken for English"
    name = "any language" if wanted == AUTO_LANGUAGE else info.languages.get(_code(info, wanted), wanted)
    return f"the best that is installed for {name}"


def _missing(language: str, task: Task, infos: Iterable[RecognizerInfo]) -> ModelMissing:
    names = [info.languages[language] for info in infos if language in info.languages]
    name = names[0] if names else "a language that has to be told first"
    what = f"translates {name}" if task is Task.TRANSLATE else f"writes down {name}"
    proposed = PROPOSED_TO_TRANSLATE if task is Task.TRANSLATE else PROPOSED
    return ModelMissing(
        f"No recognizer that {what} is installed.",
        f"Get one with: python app.py models download {proposed}",
    )
