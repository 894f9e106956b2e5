"""From an order to a plan: every check that can be made before the first sound, and every choice
that "auto" leaves to the studio."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from engines.base import Capability, EngineInfo, ModelChoice, Speaker, SpeechEngine
from engines.choosing import of_owner
from engines.option_values import check_values
from studio.errors import BadInput, ModelMissing, unknown
from studio.models.trained import TRAINED
from studio.services.takes import AUTO_LANGUAGE, MAX_SEED, MODES, SpeechOrder
from studio.settings import Settings
from studio.text.language import closest, detect
from studio.text.parts import Part, parts
from studio.text.pronunciation import Spoken
from studio.text.sentences import clean, speakable

MIN_SPEED, MAX_SPEED = 0.5, 2.0


@dataclass(frozen=True)
class Plan:
    """An order in which nothing is left open."""

    order: SpeechOrder
    engine: EngineInfo
    model: str  # key of the model; "" where the engine needs none
    language: str  # one of the engine's
    parts: tuple[Part, ...]
    spoken: Spoken  # what the parts are of: the text as the engine gets it
    speaker: Speaker | None
    voice: str  # for people
    seed: int
    notes: tuple[str, ...]
    prepared: str = ""  # the language model's version of the text; "" where it was not asked

    @property
    def characters(self) -> int:
        return sum(len(part.text) for part in self.parts)


def make_plan(order: SpeechOrder, engine: SpeechEngine, settings: Settings, owner: str = "") -> Plan:
    """Check `order` against what `engine` can do and settle what it leaves open. What somebody other
    than `owner` has trained is not found.

    Raises BadInput (NotFound for an unknown voice or language) with the remedy.
    """
    info = engine.info
    if order.mode not in MODES or order.mode not in info.capabilities:
        able = ", ".join(sorted(str(mode) for mode in MODES if mode in info.capabilities))
        raise BadInput(f"{info.label} cannot do “{order.mode}”.", f"It can do: {able}.")
    if len(order.text) > settings.max_text_chars:
        raise BadInput(
            f"The text has {len(order.text):,} characters.",
            f"Speak at most {settings.max_text_chars:,} at once, or raise max_text_chars.",
        )
    text = clean(order.text)
    speakable(text)
    _check_numbers(order, info)
    speaker = _speaker(order, engine, owner)
    model, model_notes = _model(_with_model_of(speaker, order), engine, owner)
    language, notes = _language(order, info, speaker, text, settings)
    seed = order.seed if order.seed is not None else secrets.randbelow(MAX_SEED)
    return Plan(
        order=replace(order, text=text, seed=seed, model=model),
        engine=info,
        model=model,
        language=language,
        parts=parts(text, language, part_limit(info, language, settings)),
        spoken=Spoken(text),
        speaker=speaker,
        voice=_voice_name(order, speaker),
        seed=seed,
        notes=(*model_notes, *notes),
    )


def reworded(plan: Plan, spoken: Spoken, settings: Settings) -> Plan:
    """`plan` with `spoken` said for its text; the order keeps the text as typed."""
    limit = part_limit(plan.engine, plan.language, settings)
    return replace(plan, spoken=spoken, parts=parts(spoken.text, plan.language, limit))


def part_limit(info: EngineInfo, language: str, settings: Settings) -> int:
    """Characters of a part: as many as are set, unless the engine speaks fewer well."""
    return min(settings.part_chars, info.part_characters.get(language, settings.part_chars))


def _check_numbers(order: SpeechOrder, info: EngineInfo) -> None:
    if not MIN_SPEED <= order.speed <= MAX_SPEED:
        raise BadInput(f"Speed {order.speed:g} is out of range.", f"Use {MIN_SPEED:g} to {MAX_SPEED:g}.")
    if order.speed != 1.0 and Capability.SPEED not in info.capabilities:
        raise BadInput(
            f"{info.label} cannot speak faster or slower by a number.",
            "Leave the speed at 1; where it follows instructions, say there how fast.",
        )
    _check_sampling(order, info)
    if order.seed is not None and not 0 <= order.seed <= MAX_SEED:
        raise BadInput(f"Seed {order.seed} is out of range.", f"Use 0 to {MAX_SEED}.")
    known = [option for option in info.options if order.mode in option.modes]
    check_values(order.options, known, f"option for {order.mode}")


def _check_sampling(order: SpeechOrder, info: EngineInfo) -> None:
    given = {key: value for key, value in asdict(order.sampling).items() if value is not None}
    given.pop("seed")
    if given and info.sampling is None:
        raise BadInput(
            f"{info.label} does not draw by chance, so {', '.join(given)} would do nothing.",
            "Leave the sampling out, or choose another engine.",
        )
    known = info.sampling.fields if info.sampling else ()
    check_values(given, known, f"sampling parameter for {info.label}")


def _model(order: SpeechOrder, engine: SpeechEngine, owner: str) -> tuple[str, tuple[str, ...]]:
    """The key of the model that will speak, and what the person should know of it."""
    choices = of_owner(engine.models(order.mode), owner)
    if not choices:
        if order.model:
            raise BadInput(f"{engine.info.label} has no models to choose from.", "Leave the model out.")
        return "", ()
    if order.model:
        chosen = next((choice for choice in choices if _is_called(choice, order.model)), None)
        if chosen is None:
            raise unknown(f"model for {order.mode}", order.model, [choice.key for choice in choices])
    else:
        chosen = next((choice for choice in choices if choice.installed), choices[0])
    if not chosen.installed and chosen.key.startswith(TRAINED):
        raise ModelMissing(
            f"{chosen.label} cannot be used: its checkpoint or its base model is not whole.",
            f"{chosen.note} Check that in the Models tab.",
        )
    if not chosen.installed:
        practice = next((choice for choice in choices if choice.practice), None)
        hint = (
            f"Get it in the Models tab, or with: python app.py models download {chosen.key}"
            if not chosen.practice
            else f"Make it in the Models tab, or with: python app.py models practice {order.engine}"
        )
        if practice is not None and not chosen.practice:
            hint += f". To try without a download: python app.py models practice {order.engine}"
        raise ModelMissing(f"{chosen.label} is not installed.", hint)
    return chosen.key, (f"Model: {chosen.label}",) + ((chosen.note,) if chosen.note else ())


def _with_model_of(speaker: Speaker | None, order: SpeechOrder) -> SpeechOrder:
    """A voice that only one model has is spoken by that one, whichever was chosen."""
    return replace(order, model=speaker.model) if speaker is not None and speaker.model else order


def _is_called(choice: ModelChoice, name: str) -> bool:
    """Whether `name` is its key, its label, or a word of the label such as "0.6B" or "practice"."""
    wanted, label = name.lower(), choice.label.lower()
    return wanted in (choice.key, label) or wanted in label.replace(",", "").split()


def _speaker(order: SpeechOrder, engine: SpeechEngine, owner: str) -> Speaker | None:
    if order.mode is Capability.PRESET:
        speakers = of_owner(engine.speakers(), owner)
        own = [speaker.id for speaker in speakers if speaker.model and speaker.model == order.model]
        wanted = order.speaker or (own or [_native(order.language, speakers).id])[0]
        speaker = speaker_named(wanted, speakers)
        if speaker is None:
            raise unknown("voice", wanted, [speaker.id for speaker in speakers])
        return speaker
    if order.mode is Capability.CLONE and order.reference is None:
        raise BadInput(
            "There is no recording to speak like.", "Upload or record 6-15 s of clean speech."
        )
    if order.mode is Capability.DESIGN and not (order.description.strip() or order.options):
        raise BadInput(
            "There is no description of the voice.", "Write a few words, such as “an old man, slow”."
        )
    return None


def _native(language: str, speakers: tuple[Speaker, ...]) -> Speaker:
    """The first voice that speaks `language`; the first of all where none does or it is left open."""
    code = closest(language.lower(), {speaker.language for speaker in speakers})
    able = (each for each in speakers if each.multilingual or each.language == code)
    return next(able, speakers[0]) if language != AUTO_LANGUAGE else speakers[0]


def speaker_named(name: str, speakers: Iterable[Speaker]) -> Speaker | None:
    """The voice with that id, that label, or that name at its label's beginning ("Fiona")."""
    wanted = name.lower()
    for speaker in speakers:
        label = speaker.label.lower()
        if wanted in (speaker.id.lower(), label, label.split(",")[0]):
            return speaker
    return None


def _language(
    order: SpeechOrder, info: EngineInfo, speaker: Speaker | None, text: str, settings: Settings
) -> tuple[str, tuple[str, ...]]:
    if order.language != AUTO_LANGUAGE:
        code = closest(order.language.lower(), info.languages)
        if code is None:
            raise unknown("language", order.language, info.languages)
        return code, ()
    if speaker is not None and not speaker.multilingual:  # it has a language of its own
        return speaker.language, ()
    guess = detect(text, info.languages, settings.default_language)
    name = info.languages.get(guess.code, guess.code)
    return guess.code, (f"Language: {name} ({guess.reason})",)


def _voice_name(order: SpeechOrder, speaker: Speaker | None) -> str:
    if speaker is not None:
        return speaker.label
    if order.mode is Capability.CLONE and order.reference is not None:
        # A file's name may hold bytes that are no text; the history cannot.
        name = order.reference.name or order.reference.audio.stem
        return f"like {name[:40].encode('utf-8', 'replace').decode()}"
    return clean(order.description).strip()[:60] or "designed voice"
