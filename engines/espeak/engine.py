"""The embedded speech engine."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.base import (
    Capability,
    EngineFolders,
    EngineInfo,
    ModelChoice,
    Placement,
    Speaker,
    SpeechChunk,
    SpeechRequest,
    VoicePrompt,
)
from engines.espeak import options, voices
from engines.espeak.client import EspeakProcess, Utterance
from engines.espeak.phonemes import parsed
from engines.espeak.timings import Timeline
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput

if TYPE_CHECKING:
    from engines.espeak.matching import Matcher, Reference

SAMPLE_RATE = 22_050  # Hz, of every voice

#: Longest text of one request, characters: about 20 minutes of sound are held in memory.
MAX_CHARS = 20_000

_PHONEMES = re.compile(r"\[\[[^\[\]]+\]\]")
_KANJI = re.compile("[\u3400-\u9fff\uf900-\ufaff]")

_DESCRIPTION = (
    "Speaks about 140 languages at once and without a model; plainly synthetic. Voice match and design "
    "bend pitch, pace and timbre towards the reference or the words: approximate, never the person."
)


class EspeakEngine:
    """eSpeak NG behind engines.base.SpeechEngine.

    Preset voices come from eSpeak NG as they are; voice match and design pass its sound through the
    WORLD vocoder. A seed other than 0 makes another take of a designed voice: its numbers move a
    little; preset and matched voices do not depend on the seed.
    """

    def __init__(self, folders: EngineFolders) -> None:
        self._cache = folders.cache / "espeak"
        self._process = EspeakProcess()

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            id="espeak",
            label="eSpeak NG, synthetic; approximate voice match",
            license="GPL-3.0-or-later",
            description=_DESCRIPTION,
            capabilities=frozenset(
                {
                    Capability.PRESET,
                    Capability.CLONE,
                    Capability.DESIGN,
                    Capability.STREAM,
                    Capability.TIMING,
                    Capability.SEEDED,
                    Capability.SPEED,
                }
            ),
            languages=voices.language_names(),
            sample_rate=SAMPLE_RATE,
            options=options.OPTIONS,
            phonemes="espeak",
            # Measured with Russian: мо́локо and моло́ко both came out as моло́ко.
            stress_marks=False,
            embedded=True,
        )

    @property
    def is_loaded(self) -> bool:
        return self._process.pid is not None

    @property
    def loaded_model(self) -> str:
        return ""

    def models(self, mode: Capability) -> tuple[ModelChoice, ...]:
        return ()

    def load(self, placement: Placement, model: str) -> None:
        """Start eSpeak NG; the placement does not matter to it."""
        self._process.start()

    def unload(self) -> None:
        self._process.close()

    def speakers(self) -> tuple[Speaker, ...]:
        return voices.speakers()

    def create_voice_prompt(
        self,
        ref_audio: Path,
        ref_text: str,
        language: str,
        x_vector_only: bool,
        control: Control,
        more: tuple[Path, ...] = (),
    ) -> VoicePrompt:
        """A voice matched to `ref_audio`, kept on disk by content; `x_vector_only` leaves out the
        recording's own sounds. Takes 1-8 s for a new recording; of several the first is used.

        Raises BadInput for a recording without enough voice, EngineFailed without pyworld.
        """
        prompt = VoicePrompt("espeak", ref_audio, ref_text, language.lower(), x_vector_only)
        path, voice = self._matcher.prepare(_reference(prompt), control)
        unused = ("Only the first recording is used: this engine matches one.",) if more else ()
        return replace(prompt, cache=path, notes=(*voice.notes, *unused), more=more)

    def design(self, description: str) -> Mapping[str, float]:
        """The options of the voice that `description` asks for, in English or in simple German, French
        or Spanish words."""
        from engines.espeak.design import design

        return design(description)

    def understood(self, description: str) -> tuple[str, ...]:
        from engines.espeak.design import understood

        return understood(description)

    def phonemes(
        self, texts: Sequence[str], language: str, control: Control
    ) -> tuple[tuple[str, ...] | None, ...]:
        """The IPA phonemes of each text in `language` (BCP 47), without stress or tone; "" stands between
        clauses. None for what it cannot read, which is Japanese with kanji. Makes no sound.

        Raises NotFound for a language there is not, BadInput for a text that is too long, EngineFailed,
        Cancelled.
        """
        voice = voices.language_for(language)
        spoken = [_plain(text) for text in texts]
        read = self._process.read(voice.id, spoken, control)
        return tuple(
            None if voice.code == "ja" and _KANJI.search(text) else parsed(said)
            for text, said in zip(spoken, read, strict=True)
        )

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        """Speak one part. A speaker's own language wins over the request's; for a matched or
        designed voice the request's language counts.

        In the text, [[...]] holds phonemes in eSpeak NG's notation; markup is read as plain text.
        Raises BadInput, NotFound, EngineFailed, Cancelled.
        """
        values = options.option_values(request.options)
        speed = options.check_speed(request.speed)
        text = _speakable(request.text)
        phonemes = _PHONEMES.search(text) is not None
        if request.voice_prompt is not None:
            language = voices.language_for(request.language)
            _refuse_kanji(text, language)
            return self._cloned(request.voice_prompt, language, text, phonemes, speed, values, control)
        given = {key: values[key] for key in request.options}
        if request.speaker is None and (request.instruct.strip() or options.DESIGN_KEYS & given.keys()):
            language = voices.language_for(request.language)
            _refuse_kanji(text, language)
            return self._designed(request, text, phonemes, language, speed, given, control)
        language, variant = _voice(request)
        _refuse_kanji(text, language)
        utterance = Utterance(
            text=text,
            voice=voices.identifier(language, variant),
            parameters=options.espeak_parameters(values, speed),
            phonemes=phonemes,
        )
        return self._preset(utterance, control)

    @functools.cached_property
    def _matcher(self) -> Matcher:
        # Brings scipy along, which preset voices do without.
        from engines.espeak.matching import Matcher

        return Matcher(self._process, self._cache)

    def _cloned(
        self, prompt: VoicePrompt, language: voices.Language, text: str, phonemes: bool, speed: float,
        values: dict[str, float], control: Control,
    ) -> Iterator[SpeechChunk]:  # fmt: skip
        voice = self._matcher.load(prompt.cache)
        if voice is None:  # the cache was emptied
            _, voice = self._matcher.prepare(_reference(prompt), control)
        yield from self._matcher.stream(voice, language, text, phonemes, speed, values, control)

    def _designed(
        self, request: SpeechRequest, text: str, phonemes: bool, language: voices.Language,
        speed: float, given: dict[str, float], control: Control,
    ) -> Iterator[SpeechChunk]:  # fmt: skip
        from engines.espeak import design

        yield from design.stream(
            self._matcher, text, phonemes, language, speed, given, request.instruct,
            request.sampling.seed, control,
        )  # fmt: skip

    def _preset(self, utterance: Utterance, control: Control) -> Iterator[SpeechChunk]:
        timeline = Timeline(utterance.text, SAMPLE_RATE)
        samples = 0
        held: SpeechChunk | None = None  # the last chunk also carries what the end makes known
        for sound in self._process.speak(utterance, control):
            words, phonemes = timeline.feed(sound.events)
            samples += len(sound.samples)
            if held is not None:
                yield held
            audio = Audio(sound.samples.astype(np.float32) / np.float32(32768), SAMPLE_RATE)
            held = SpeechChunk(audio, tuple(words), tuple(phonemes))
        if held is not None:
            words, phonemes = timeline.finish(samples)
            yield SpeechChunk(held.audio, (*held.words, *words), (*held.phonemes, *phonemes))


def _reference(prompt: VoicePrompt) -> Reference:
    from engines.espeak.matching import Reference

    text = " ".join(prompt.ref_text.split())
    return Reference(prompt.ref_audio, text, prompt.language, prompt.x_vector_only)


def _voice(request: SpeechRequest) -> tuple[voices.Language, voices.Variant]:
    if request.speaker is not None:
        return voices.resolve(request.speaker)
    return voices.language_for(request.language), voices.VARIANTS[""]


def _speakable(text: str) -> str:
    """`text` without the characters that mean something to a C library but nothing to a voice.

    Raises BadInput when nothing is left or it is longer than MAX_CHARS.
    """
    kept = _plain(text)
    if not kept:
        raise BadInput("There is nothing to say.", "Type some text.")
    return kept


def _plain(text: str) -> str:
    """The same, where nothing may be left."""
    # Cc, Cs: control characters (a NUL ends a C string) and halves of characters.
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    kept = " ".join(kept.split())
    if len(kept) > MAX_CHARS:
        raise BadInput(f"The text has {len(kept)} characters.", f"Give at most {MAX_CHARS} at once.")
    return kept


def _refuse_kanji(text: str, language: voices.Language) -> None:
    if language.code == "ja" and _KANJI.search(text):
        raise BadInput(
            "eSpeak NG reads kana only, and the text has kanji.",
            "Write it in hiragana or katakana, or choose another engine.",
        )
