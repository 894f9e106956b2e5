"""The take guard: whether a part that a generative engine spoke is what a listener would accept.

Such engines draw their sound by chance, and now and then a part goes wrong in a way that can be
measured: it never ends (a missing end token), ends too soon, stays silent or is clipped. The guard
looks for these only; whether the words are right it cannot tell.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import Enum

import numpy as np

from studio.audio.types import Samples

#: The fastest speakers say fewer than 30 letters a second; this many are not speech.
MAX_LETTERS_PER_SECOND = 40.0
#: Below this many letters a part may be as short as it likes ("No.").
_ENOUGH_LETTERS = 12
#: A Chinese character, kana pair or Hangul syllable takes as long to say as about three letters.
_IDEOGRAPH_LETTERS = 3
_IDEOGRAPHS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")

_WINDOW_S = 0.05
_SILENT_RMS = 10 ** (-50 / 20)
MIN_SOUNDING_SHARE = 0.2
_FULL_SCALE = 0.999
MAX_CLIPPED_SHARE = 0.01


class Fault(Enum):
    """What can be wrong with a part, the least bad first: when every try has a fault, the best of
    them is kept."""

    CLIPPED = "it is clipped"
    RUNAWAY = "it did not come to an end"
    TOO_SHORT = "it is too short for its text"
    SILENT = "it is mostly silent"

    @property
    def severity(self) -> int:
        return list(Fault).index(self)


@dataclass
class Meter:
    """Measures sound as it comes; `samples` at `sample_rate` Hz."""

    sample_rate: int
    samples: int = 0
    clipped: int = 0
    windows: int = 0
    sounding: int = 0

    def feed(self, block: Samples) -> None:
        """Take in float32 [n]. A window of 50 ms that two blocks share is judged in two pieces."""
        self.samples += len(block)
        self.clipped += int(np.count_nonzero(np.abs(block) >= _FULL_SCALE))
        size = int(_WINDOW_S * self.sample_rate)
        for start in range(0, len(block), size):
            window = block[start : start + size]
            self.windows += 1
            self.sounding += bool(np.sqrt(np.mean(np.square(window))) > _SILENT_RMS)

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate


def judge(text: str, meter: Meter, cut_off: bool) -> Fault | None:
    """The worst fault of what `meter` heard of `text`; None when it will do. `cut_off`: the engine
    ran into its limit instead of ending."""
    if meter.sounding < MIN_SOUNDING_SHARE * meter.windows or not meter.samples:
        return Fault.SILENT
    count = letters(text)
    if count >= _ENOUGH_LETTERS and meter.seconds < count / MAX_LETTERS_PER_SECOND:
        return Fault.TOO_SHORT
    if cut_off:
        return Fault.RUNAWAY
    if meter.clipped > MAX_CLIPPED_SHARE * meter.samples:
        return Fault.CLIPPED
    return None


def letters(text: str) -> int:
    """How many letters and digits `text` has to be spoken, ideographs counted by their length."""
    return sum(
        _IDEOGRAPH_LETTERS if unicodedata.name(char, "").startswith(_IDEOGRAPHS) else 1
        for char in text
        if char.isalnum()
    )
