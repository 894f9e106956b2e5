"""Voice design: from a description in words to numbers, and their speech."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from engines.base import Capability, SpeechChunk
from engines.espeak import options, vocabulary, voices
from engines.espeak.matching import Matcher
from engines.espeak.spoken import chunks, speak, utterance_of
from engines.world.design import DesignedVoice
from engines.world.vocoder import Floats
from studio.control import Control

#: The standard deviations by which a seed moves a designed voice: factors as logs, then amounts.
_JITTER_FACTORS = {"f0": 0.03, "f0_range": 0.08, "tract": 0.008, "rate": 0.03}
_JITTER_AMOUNTS = {"tilt": 0.3, "creak": 0.004}


def design(description: str) -> dict[str, float]:
    """The values of all options of a designed voice that `description` asks for. Words that are not
    understood change nothing; `understood` tells which were."""
    words = list(vocabulary.read(description))
    persons = [vocabulary.PERSONS[each.word] for each in words if each.word in vocabulary.PERSONS]
    person = persons[0] if persons else vocabulary.NEUTRAL
    values = {
        option.key: float(option.default)
        for option in options.OPTIONS
        if Capability.DESIGN in option.modes
    }
    values |= {key: float(getattr(person, key)) for key in ("voice", "f0", "tract", "f0_range", "rate")}
    # A robot may be a woman, too: the second person brings the pitch, the first the manner.
    for other in persons[1:2]:
        values |= {"voice": float(other.voice), "f0": other.f0, "tract": other.tract}
    female = options.DESIGN_VARIANTS[int(values["voice"])].startswith("f")
    for each in words:
        if each.word not in vocabulary.EFFECTS:
            continue
        effect = vocabulary.EFFECTS[each.word].times(each.strength)
        for key in ("f0", "f0_range", "rate", "tract"):
            values[key] *= getattr(effect, key)
        for key in ("tilt", "breath", "creak"):
            values[key] += getattr(effect, key)
        if effect.voice is not None and female:
            values["voice"] = float(effect.voice)
    return {key: _rounded(key, value) for key, value in values.items()}


def understood(description: str) -> tuple[str, ...]:
    """The words of `description` that changed the voice, as they were written."""
    return tuple(each.written for each in vocabulary.read(description))


def stream(
    matcher: Matcher, text: str, phonemes: bool, language: voices.Language, speed: float,
    given: Mapping[str, float], instruct: str, seed: int, control: Control,
) -> Iterator[SpeechChunk]:  # fmt: skip
    """`text` in the voice of the values `given`, over those that `instruct` stands for."""
    values = _another_take({**design(instruct), **given}, seed)
    variant = voices.VARIANTS[options.DESIGN_VARIANTS[round(values["voice"])]]
    source = voices.identifier(language, variant)
    profile = matcher.profile(source, language.code, control)
    utterance = utterance_of(text, source, values["rate"] * speed, phonemes, values["word_gap"])
    spoken = speak(matcher.process, utterance, control)
    voice = DesignedVoice(
        source_log_f0=profile.log_f0,
        source_level=profile.speech_level,
        f0=values["f0"],
        f0_range=values["f0_range"],
        tract=values["tract"],
        tilt=values["tilt"],
        breath=values["breath"],
        creak=values["creak"],
    )
    noise = np.random.default_rng(seed)

    def convert(start: int, end: int) -> Floats:
        return voice.convert(spoken.samples[start:end], noise)

    yield from chunks(spoken, convert, voice.gain * values["volume"] / 100, control)


def _another_take(values: dict[str, float], seed: int) -> dict[str, float]:
    """`values` moved a little by `seed`; 0 leaves them as they are."""
    if seed == 0:
        return values
    draw = np.random.default_rng(seed)
    moved = dict(values)
    for key, deviation in _JITTER_FACTORS.items():
        moved[key] *= float(np.exp(draw.normal(0, deviation)))
    for key, deviation in _JITTER_AMOUNTS.items():
        moved[key] += float(draw.normal(0, deviation))
    return moved | {"creak": max(moved["creak"], 0.0)}


def _rounded(key: str, value: float) -> float:
    """Within the option's range and on its steps, as the page shows it."""
    option = next(option for option in options.OPTIONS if option.key == key)
    value = min(max(value, option.minimum), option.maximum)
    steps = round((value - option.minimum) / option.step)
    return round(min(option.minimum + steps * option.step, option.maximum), 6)
