"""The numbers that people can set, and what eSpeak NG is told for them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engines.base import Capability, Option
from engines.espeak.child import PITCH, RANGE, RATE, VOLUME, WORD_GAP
from studio.errors import BadInput, unknown

_PRESET = frozenset({Capability.PRESET})
_CLONE = frozenset({Capability.CLONE})
_DESIGN = frozenset({Capability.DESIGN})
_ALL = _PRESET | _CLONE | _DESIGN

#: A designed voice starts from one of these variants; the option "voice" is the index.
DESIGN_VARIANTS = ("", "m5", "Diogo", "m1", "f2", "f5", "f1", "f3")

#: From this much speech on, a recording holds enough examples to weigh more than half, seconds.
HEAVY_EXEMPLARS_S = 30.0
LIGHT_EXEMPLAR_WEIGHT = 0.5

OPTIONS: tuple[Option, ...] = (
    Option("rate", "Pace", 95, 400, 180, 5, "Words a minute, at speed 1.", _PRESET | _DESIGN),
    Option("pitch", "Pitch", 0, 100, 50, 1, "Of the voice; 50 is its own.", _PRESET),
    Option("range", "Liveliness", 0, 100, 50, 1, "How far the pitch moves; 0 is a monotone.", _PRESET),
    Option("volume", "Volume", 0, 200, 100, 5, "Per cent; above 150 loud sounds are squeezed.", _ALL),
    Option("word_gap", "Gap between words", 0, 500, 0, 10, "Milliseconds, at speed 1.", _ALL),
    Option(
        "exemplar_weight",
        "Likeness",
        0,
        0.7,
        LIGHT_EXEMPLAR_WEIGHT,
        0.05,
        "How much of each sound comes from the recording; more is more alike and less clear. Above "
        f"{LIGHT_EXEMPLAR_WEIGHT} only from {HEAVY_EXEMPLARS_S:.0f} s of speech on.",
        _CLONE,
    ),
    Option(
        "voice",
        "Starting voice",
        0,
        len(DESIGN_VARIANTS) - 1,
        1,
        1,
        "0 plain, 1-3 men (Martin, Diogo, Miles), 4-7 women (Fiona, Flora, Faye, Freya).",
        _DESIGN,
    ),
    Option(
        "f0", "Pitch", 60, 400, 110, 1, "Median pitch in Hz; men about 110, women about 200.", _DESIGN
    ),
    Option("f0_range", "Liveliness", 0, 2, 1, 0.05, "Times the voice's own; 0 is a monotone.", _DESIGN),
    Option(
        "tract",
        "Head size",
        0.85,
        1.2,
        1,
        0.01,
        "Factor on the resonances: below 1 a larger head, above 1 a smaller one.",
        _DESIGN,
    ),
    Option("tilt", "Brightness", -6, 6, 0, 0.5, "dB an octave; above 0 brighter.", _DESIGN),
    Option("breath", "Breath", 0, 6, 0, 0.25, "0 none, 3 breathy, 6 a whisper.", _DESIGN),
    Option("creak", "Roughness", 0, 0.1, 0, 0.005, "Irregularity of the pitch; 0.03 hoarse.", _DESIGN),
)
_BY_KEY = {option.key: option for option in OPTIONS}
#: Options that only a designed voice has; one of them in a request asks for one.
DESIGN_KEYS = frozenset(option.key for option in OPTIONS if option.modes == _DESIGN)

SPEEDS = (0.5, 2.0)

#: eSpeak NG speaks faster than its rate parameter says: running English text, pauses included, came
#: out at 1.16 to 1.22 times the words a minute.
_RATE_EXCESS = 1.17
#: What its rate parameter takes; other values are cut to these without a word.
_RATES = (80, 450)


def option_values(given: Mapping[str, float]) -> dict[str, float]:
    """Every option's value: `given` over the defaults.

    Raises BadInput for a number outside the option's range, NotFound for an option there is not.
    """
    values = {option.key: float(option.default) for option in OPTIONS}
    for key, value in given.items():
        if key not in _BY_KEY:
            raise unknown("option of eSpeak NG", key, _BY_KEY)
        option = _BY_KEY[key]
        if not (math.isfinite(value) and option.minimum <= value <= option.maximum):
            raise BadInput(
                f"{option.label} ({key}) is {value:g}.",
                f"Choose a number from {option.minimum:g} to {option.maximum:g}.",
            )
        values[key] = float(value)
    return values


def check_speed(speed: float) -> float:
    """`speed`, or BadInput outside SPEEDS."""
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise BadInput(
            f"The speed is {speed:g}.", f"Choose a number from {SPEEDS[0]:g} to {SPEEDS[1]:g}."
        )
    return speed


def espeak_parameters(values: Mapping[str, float], speed: float) -> dict[int, int]:
    """speak_lib.h's parameters for option values. A pace beyond what eSpeak NG can is its nearest:
    about 94 to 526 words a minute."""
    rate = round(values["rate"] * speed / _RATE_EXCESS)
    return {
        RATE: min(max(rate, _RATES[0]), _RATES[1]),
        PITCH: round(values["pitch"]),
        RANGE: round(values["range"]),
        VOLUME: round(values["volume"]),
        WORD_GAP: round(values["word_gap"] / 10),  # in units of 10 ms at its normal pace
    }
