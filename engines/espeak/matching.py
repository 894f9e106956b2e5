"""Voice match: from a recording to a MatchedVoice, and its speech.

A variant of eSpeak NG near in pitch and envelope is chosen, then bent by the WORLD vocoder: pitch, vocal
tract, long-term spectrum, breath, and, where an English transcript can be aligned, examples of the
recording's own sounds. Pitch, pace and timbre lean towards the reference; it stays a synthetic voice.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.base import SpeechChunk
from engines.espeak import options, voices
from engines.espeak.client import EspeakProcess
from engines.espeak.spoken import chunks, speak, utterance_of
from engines.world import alignment, exemplars, match, phones
from engines.world.profile import VoiceProfile, clearly_voiced, measure
from engines.world.vocoder import (
    FOR_MEANS,
    FRAME_S,
    SAMPLE_RATE,
    Floats,
    Frames,
    analyse,
    synthesise,
)
from engines.world.voice import (
    MatchedVoice,
    gain_for,
    load,
    load_arrays,
    packed,
    save,
    save_arrays,
    unpacked,
)
from studio.audio.fingerprint import fingerprint
from studio.audio.reading import probe, read
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput

#: Raised whenever the same recording would give another voice.
RECIPE = 2

MIN_REFERENCE_S, MIN_VOICED_S = 1.0, 0.5
#: More adds little; a longer recording's first part is used, seconds.
_USED_S = 60.0
#: Without a transcript a rough one is drafted from this much, seconds.
_DRAFTED_S = 30.0
_SILENCE = 1e-3  # of full scale
_REMEDY = "Upload 6-15 s of clean speech."

#: Below it men's variants are tried, above it women's, Hz.
_SPLIT_F0 = 155.0
_MEN, _WOMEN = ("", "m1", "m5", "Diogo"), ("f2", "f5", "f1", "f3", "anika")

_CALIBRATION = {
    "en": "The quick brown fox jumps over the lazy dog. She had your dark suit in greasy wash water all "
    "year. We were away a year ago, and he sold the boat.",
}
#: eSpeak NG reads numbers in every language.
#: No commas: a list is read lower.
_CALIBRATION_ELSEWHERE = "1 2 3 4 5 6 7. 8 9 10 11 12. 13 14 15 16 17. 18 19 20 21 22."
_CALIBRATION_CHARS = 600
_PACE = (0.7, 1.5)  # of the default


@dataclass(frozen=True)
class Reference:
    """What a voice is made from."""

    audio: Path
    text: str
    language: str
    timbre_only: bool  # without examples of the recording's sounds


class Matcher:
    """Makes matched voices, kept in `cache`, and speaks with them. Thread-safe."""

    def __init__(self, process: EspeakProcess, cache: Path) -> None:
        self.process, self._cache = process, cache
        self._loaded = functools.lru_cache(maxsize=4)(load)

    def prepare(self, reference: Reference, control: Control) -> tuple[Path, MatchedVoice]:
        """The voice of `reference` and the file it is kept in; made unless it is there already.

        Raises BadInput with a remedy when the recording cannot be used.
        """
        path = self._cache / "voices" / f"{_fingerprint(reference)}.npz"
        voice = self.load(path)
        if voice is None:
            voice = self._build(reference, control)
            save(path, voice)
            self._loaded.cache_clear()
        return path, voice

    def load(self, path: Path | None) -> MatchedVoice | None:
        """The voice kept in `path`; None where it is gone or damaged, to be prepared again."""
        return self._loaded(path) if path is not None and path.exists() else None

    def stream(
        self, voice: MatchedVoice, language: voices.Language, text: str, phonemes: bool, speed: float,
        values: dict[str, float], control: Control,
    ) -> Iterator[SpeechChunk]:  # fmt: skip
        """`text`, of `language`, in `voice`, piece by piece; `values` are those of option_values."""
        weight = values["exemplar_weight"]
        if voice.speech_s < options.HEAVY_EXEMPLARS_S:
            weight = min(weight, options.LIGHT_EXEMPLAR_WEIGHT)
        # The variant is what was matched; it speaks every language.
        source = voices.identifier(language, voices.resolve(voice.source)[1])
        utterance = utterance_of(text, source, voice.pace * speed, phonemes, values["word_gap"])
        spoken = speak(self.process, utterance, control)
        labels = spoken.labels()

        def convert(start: int, end: int) -> Floats:
            first = round(start / SAMPLE_RATE / FRAME_S)
            return voice.convert(spoken.samples[start:end], labels[first:], weight)

        yield from chunks(spoken, convert, voice.gain * values["volume"] / 100, control)

    def profile(self, voice: str, language: str, control: Control) -> VoiceProfile:
        """The profile of one of eSpeak NG's voices, measured once and kept."""
        name = hashlib.sha256(f"{RECIPE} {voice} {_calibration(language)}".encode()).hexdigest()[:24]
        path = self._cache / "variants" / f"{name}.npz"
        arrays = load_arrays(path)
        if arrays is not None:
            return unpacked(VoiceProfile, arrays)
        spoken = speak(self.process, utterance_of(_calibration(language), voice), control)
        frames = analyse(spoken.samples, FOR_MEANS)
        if clearly_voiced(frames).sum() * FRAME_S < MIN_VOICED_S:
            # A few languages do not read numbers; the same variant in English is close enough.
            variant = voices.resolve(voice)[1]
            english = voices.identifier(voices.language_for("en-us"), variant)
            return self.profile(english, "en-us", control)
        profile = measure(frames)
        save_arrays(path, packed(profile))
        return profile

    def _build(self, reference: Reference, control: Control) -> MatchedVoice:
        control.progress("listening to the reference", 0.0)
        audio, sample_rate, notes = _read(reference.audio)
        # Only examples of the recording's sounds need its every frame.
        frames = analyse(audio.samples, FOR_MEANS if reference.timbre_only else 1)
        if clearly_voiced(frames).sum() * FRAME_S < MIN_VOICED_S:
            raise BadInput("No voice can be heard in the reference.", _REMEDY)
        target = measure(frames, min(SAMPLE_RATE, sample_rate))
        control.progress("choosing the nearest voice", 0.2)
        source = self._nearest(target, reference.language, control)
        control.progress("fitting the voice", 0.5)
        # The reference's own words where known: what differs then is the voice, not the text.
        text = reference.text[:_CALIBRATION_CHARS] or _calibration(reference.language)
        spoken = speak(self.process, utterance_of(text, source), control)
        if len(spoken.samples) < MIN_REFERENCE_S * SAMPLE_RATE:
            spoken = speak(self.process, utterance_of(_calibration(reference.language), source), control)
        source_frames = analyse(spoken.samples, FOR_MEANS)
        measured = measure(source_frames)
        usual = self.profile(source, reference.language, control)
        # One sentence may be spoken a semitone or two above or below the voice's usual pitch.
        measured = replace(measured, log_f0=usual.log_f0, log_f0_deviation=usual.log_f0_deviation)
        fitted = match.fit(measured, target)
        converted = fitted.apply(source_frames)
        speech = source_frames.level > measured.speech_level
        examples, more = self._examples(reference, audio, frames, target, source, control)
        voice = MatchedVoice(
            source=source,
            pace=_pace(reference, measured, target, usual),
            gain=gain_for(synthesise(converted, len(spoken.samples))),
            speech_s=target.speech_s,
            speech_level=float(np.percentile(converted.level, 97)) - 35.0,
            match=fitted,
            normaliser=exemplars.Normaliser.of(converted, speech),
            bank=examples,
            notes=(*notes, *more),
        )
        control.progress("voice ready", 1.0)
        return voice

    def _nearest(self, target: VoiceProfile, language: str, control: Control) -> str:
        base = voices.language_for(language)
        pool = _WOMEN if target.f0 > _SPLIT_F0 else _MEN
        candidates = [voices.identifier(base, voices.VARIANTS[variant]) for variant in pool]

        def distance(voice: str) -> float:
            profile = self.profile(voice, language, control)
            return match.envelope_distance(profile, target) + 0.5 * abs(profile.log_f0 - target.log_f0)

        return min(candidates, key=distance)

    def _examples(
        self, reference: Reference, audio: Audio, frames: Frames, target: VoiceProfile,
        source: str, control: Control,
    ) -> tuple[exemplars.Bank | None, list[str]]:  # fmt: skip
        """The reference's sounds with their phones, or None, and what to say of it."""
        if reference.timbre_only:
            return None, ["Only the timbre was taken: the recording's own sounds are not used."]
        if voices.language_for(reference.language).code.split("-")[0] != "en":
            return None, [
                "The recording's own sounds are used for English only; pitch, pace and timbre are."
            ]
        notes = []
        control.progress("finding the sounds of the reference", 0.7)
        try:
            text = reference.text
            if not text:
                head = audio.samples[: int(_DRAFTED_S * SAMPLE_RATE)]
                text = alignment.draft(Audio(head, SAMPLE_RATE))
                audio = Audio(head, SAMPLE_RATE)
                notes.append(
                    "Without a transcript a rough one was guessed; type the words for a better match."
                )

            def pronounce(word: str) -> tuple[str, ...]:
                symbols = speak(self.process, utterance_of(word, source), control).phonemes
                return tuple(phone for symbol in symbols for phone in phones.from_ipa(symbol.symbol))

            labels = alignment.labels(audio, text, len(frames), pronounce)
        except alignment.AlignmentFailed as error:
            return None, [
                f"{error.message} The recording's own sounds are not used; pitch, pace and timbre are."
            ]
        if target.speech_s < options.HEAVY_EXEMPLARS_S:
            notes.append(
                f"The recording has {target.speech_s:.0f} s of speech; a likeness above "
                f"{options.LIGHT_EXEMPLAR_WEIGHT} takes effect from {options.HEAVY_EXEMPLARS_S:.0f} s on."
            )
        return exemplars.bank(
            frames, frames.level > target.speech_level, labels, target.bandwidth
        ), notes


def _read(path: Path) -> tuple[Audio, int, list[str]]:
    """The reference at SAMPLE_RATE, at most _USED_S of it, its own sample rate, and notes.

    Raises BadInput.
    """
    facts = probe(path)
    audio = read(path, sample_rate=SAMPLE_RATE, end=_USED_S)
    if audio.duration < MIN_REFERENCE_S:
        raise BadInput(f"The reference lasts only {audio.duration:.1f} s.", _REMEDY)
    if float(np.abs(audio.samples).max(initial=0)) < _SILENCE:
        raise BadInput("The reference is silent.", _REMEDY)
    notes = []
    if facts.duration > _USED_S:
        notes.append(f"Only the first {_USED_S:.0f} s of the reference are used.")
    return audio, facts.sample_rate, notes


def _pace(
    reference: Reference, same_text: VoiceProfile, target: VoiceProfile, usual: VoiceProfile
) -> float:
    """Words a minute. With a transcript, by how long both speak the same words; else by syllables."""
    default = options.option_values({})["rate"]
    factor = target.syllables / max(usual.syllables, 0.1)
    if reference.text and len(reference.text) <= _CALIBRATION_CHARS:
        by_words = same_text.speech_s / max(target.speech_s, 0.1)
        # Far off, the transcript is of something else.
        if 0.5 < by_words < 2:
            factor = by_words
    return float(np.clip(factor, *_PACE)) * default


def _calibration(language: str) -> str:
    return _CALIBRATION.get(language.lower().split("-")[0], _CALIBRATION_ELSEWHERE)


def _fingerprint(reference: Reference) -> str:
    """Of the recording's content and all that shapes the voice."""
    about = (RECIPE, reference.text, reference.language, reference.timbre_only)
    return fingerprint(reference.audio, *about)
