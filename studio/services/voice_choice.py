"""From a few plain words to an order of speech: a name is a voice of the engine's, or a saved one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engines.base import Capability
from engines.choosing import of_owner
from engines.registry import Registry
from studio.errors import unknown
from studio.services.planning import speaker_named
from studio.services.takes import AUTO_LANGUAGE, SpeechOrder
from studio.services.voice_records import folded
from studio.services.voices import VoiceService


@dataclass(frozen=True)
class VoiceChooser:
    """Thread-safe."""

    registry: Registry
    voices: VoiceService
    default_engine: str

    def order(
        self,
        text: str,
        language: str,
        voice: str,
        description: str,
        engine: str,
        owner: str,
    ) -> SpeechOrder:
        """Who speaks `text`: `voice` by its name or id, else what `description` says, else the engine's first
        voice for the language. Raises NotFound for a voice that neither the engine nor the owner
        has."""
        speech = self.registry.get(engine or self.default_engine)
        order = SpeechOrder(Capability.PRESET, text, speech.info.id, language or AUTO_LANGUAGE)
        if description and not voice:
            return replace(order, mode=Capability.DESIGN, description=description)
        own = Capability.PRESET in speech.info.capabilities
        speakers = of_owner(speech.speakers(), owner) if own else ()
        if not voice:
            return order
        speaker = speaker_named(voice, speakers)
        if speaker is not None:
            return replace(order, speaker=speaker.id)
        saved = self.voices.list(owner)
        for each in saved:
            if voice == each.id or folded(voice) == folded(each.name):
                reference = self.voices.reference(each)
                return replace(order, mode=Capability.CLONE, reference=reference)
        raise unknown("voice", voice, [*(each.name for each in saved), *(each.id for each in speakers)])
