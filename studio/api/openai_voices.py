"""Which voice a name stands for, as OpenAI's clients name voices, and all the names there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines.base import Capability, EngineInfo, Speaker
from engines.choosing import of_owner
from studio.errors import NotFound, unknown
from studio.models.trained import TRAINED
from studio.services.performance_values import PerformOrder
from studio.services.planning import speaker_named
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, SpeechOrder
from studio.services.voice_records import folded
from studio.text.language import closest, detect

#: OpenAI's voices in the order in which an engine's own are given to them, and as what they are heard.
OPENAI_VOICES: Mapping[str, str] = {
    "alloy": "female",
    "echo": "male",
    "nova": "female",
    "onyx": "male",
    "shimmer": "female",
    "ash": "male",
    "coral": "female",
    "fable": "male",
    "sage": "female",
    "ballad": "male",
    "marin": "female",
    "verse": "male",
    "cedar": "male",
}


@dataclass(frozen=True)
class VoiceFinder:
    """Finds what `owner` may speak with. `engine`: id of the one that was asked for, "" where any will do."""

    studio: Studio
    owner: str
    engine: str = ""

    def order(self, voice: str, order: SpeechOrder) -> SpeechOrder | PerformOrder:
        """`order` as the voice `voice` speaks it.

        The name is looked for among the engine's own voices (those trained here too), the saved voices,
        the personalities, OpenAI's names, and last the voices of other engines. Raises NotFound.
        """
        found = (
            self._own(voice, order)
            or self._saved(voice, order)
            or self._personality(voice, order)
            or self._openai(voice, order)
            or self._elsewhere(voice, order)
        )
        if found is None:
            raise self._unknown(voice, order.engine)
        return found

    def own(self, voice: str, order: SpeechOrder) -> SpeechOrder:
        """The same with voices that engines bring only. Raises NotFound."""
        found = self._own(voice, order) or self._openai(voice, order) or self._elsewhere(voice, order)
        if found is None:
            raise self._unknown(voice, order.engine)
        return found

    def saved(self, voice: str, order: SpeechOrder) -> SpeechOrder:
        """The same with saved voices only. Raises NotFound."""
        found = self._saved(voice, order)
        if found is None:
            names = [each.name for each in self.studio.voices.list(self.owner)]
            raise unknown("saved voice", voice, names)
        return found

    def _own(self, voice: str, order: SpeechOrder) -> SpeechOrder | None:
        speaker = speaker_named(voice, speakers(self.studio, order.engine, self.owner))
        return replace(order, speaker=speaker.id) if speaker is not None else None

    def _saved(self, voice: str, order: SpeechOrder) -> SpeechOrder | None:
        for each in self.studio.voices.list(self.owner):
            if voice == each.id or folded(voice) == folded(each.name):
                engine = order.engine if self.engine else with_capability(self.studio, Capability.CLONE)
                reference = self.studio.voices.reference(each)
                return replace(order, mode=Capability.CLONE, engine=engine, reference=reference)
        return None

    def _personality(self, voice: str, order: SpeechOrder) -> PerformOrder | None:
        for each in self.studio.personalities.list(self.owner):
            if voice == each.id or folded(voice) == folded(each.name):
                return PerformOrder(
                    each.id,
                    order.text,
                    self.engine,
                    order.model,
                    order.language,
                    order.speed,
                    order.seed,
                    sampling=order.sampling,
                )
        return None

    def _openai(self, voice: str, order: SpeechOrder) -> SpeechOrder | None:
        if voice.lower() not in OPENAI_VOICES:
            return None
        own = speakers(self.studio, order.engine, self.owner)
        trained = next((each for each in own if each.model and each.model == order.model), None)
        if trained is not None:  # a model with a voice of its own: OpenAI's clients have to name one
            return replace(order, speaker=trained.id)
        info = self.studio.engines.registry.get(order.engine).info
        found = standing_for(voice.lower(), own, self._language(order, info))
        return replace(order, speaker=found.id) if found is not None else None

    def _elsewhere(self, voice: str, order: SpeechOrder) -> SpeechOrder | None:
        if self.engine:
            return None
        for engine in self.studio.engines.registry.ids:
            if engine != order.engine:
                found = self._own(voice, replace(order, engine=engine))
                if found is not None:
                    return found
        return None

    def _language(self, order: SpeechOrder, info: EngineInfo) -> str:
        if order.language != AUTO_LANGUAGE:
            return order.language
        return detect(order.text, info.languages, self.studio.settings.default_language).code

    def _unknown(self, voice: str, engine: str) -> NotFound:
        names = [
            *(each.name for each in self.studio.voices.list(self.owner)),
            *(each.name for each in self.studio.personalities.list(self.owner)),
            *(each.id for each in speakers(self.studio, engine, self.owner)),
            *OPENAI_VOICES,
        ]
        return unknown("voice", voice, names)


def with_capability(studio: Studio, capability: Capability) -> str:
    """The studio's default engine where it can do that, else the first one that can."""
    registry, default = studio.engines.registry, studio.settings.default_engine
    for engine in (default, *registry.ids):
        if capability in registry.get(engine).info.capabilities:
            return engine
    return default


def speakers(studio: Studio, engine: str, owner: str) -> tuple[Speaker, ...]:
    """The voices that an engine brings, and those of the owner's own training."""
    speech = studio.engines.registry.get(engine)
    if Capability.PRESET not in speech.info.capabilities:
        return ()
    return of_owner(speech.speakers(), owner)


def standing_for(name: str, of: Sequence[Speaker], language: str) -> Speaker | None:
    """Who speaks for OpenAI's voice `name` in `language`: the engine's voices for it in their order, the
    women's for women's names where the engine says who is what. None where it brings no voices."""
    published = [each for each in of if not each.id.startswith(TRAINED)]
    code = closest(language.lower(), {each.language for each in published})
    able = [each for each in published if each.multilingual or each.language == code] or published
    gender = OPENAI_VOICES[name]
    alike = [each for each in able if each.gender == gender]
    names = [each for each, whose in OPENAI_VOICES.items() if whose == gender]
    if not alike:
        alike, names = able, list(OPENAI_VOICES)
    return alike[names.index(name) % len(alike)] if alike else None


def listed(studio: Studio, owner: str, engine: str = "") -> Iterator[dict[str, Any]]:
    """Every voice that the owner may name, of one engine or of all."""
    registry = studio.engines.registry
    for engine_id in (engine,) if engine else registry.ids:
        for each in speakers(studio, engine_id, owner):
            yield {
                "id": each.id,
                "name": each.label,
                "kind": "trained" if each.id.startswith(TRAINED) else "engine",
                "engine": engine_id,
                "language": each.language,
                "gender": each.gender or None,
            }
    for saved in studio.voices.list(owner):
        yield {
            "id": saved.id,
            "name": saved.name,
            "kind": "saved",
            "engine": engine or None,
            "language": saved.language or None,
            "gender": None,
        }
    for personality in studio.personalities.list(owner):
        yield {
            "id": personality.id,
            "name": personality.name,
            "kind": "personality",
            "engine": engine or None,
            "language": personality.language or None,
            "gender": None,
        }
    default = engine or studio.settings.default_engine
    own = speakers(studio, default, owner)
    for name in OPENAI_VOICES:
        found = standing_for(name, own, studio.settings.default_language)
        if found is not None:
            yield {
                "id": name,
                "name": f"{name.capitalize()} ({found.label})",
                "kind": "openai",
                "engine": default,
                "language": found.language,
                "gender": found.gender or None,
            }
