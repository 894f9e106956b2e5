"""What words about a voice stand for, in English and the commonest of German, French and Spanish.

Every word is kept without accents and in lower case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Person:
    """Who speaks; the rest of the words change this."""

    voice: int  # index into options.DESIGN_VARIANTS
    f0: float  # Hz
    tract: float = 1.0
    f0_range: float = 1.0
    rate: float = 175.0  # words a minute


@dataclass(frozen=True)
class Effect:
    """What one word changes: factors and, where said, amounts added."""

    f0: float = 1.0
    f0_range: float = 1.0
    rate: float = 1.0
    tract: float = 1.0
    tilt: float = 0.0  # dB an octave, added
    breath: float = 0.0  # added
    creak: float = 0.0  # added
    voice: int | None = None  # takes the place of the person's, where it suits the person

    def times(self, strength: float) -> Effect:
        """The same effect, stronger (above 1) or weaker."""
        return replace(
            self,
            f0=self.f0**strength,
            f0_range=self.f0_range**strength,
            rate=self.rate**strength,
            tract=self.tract**strength,
            tilt=self.tilt * strength,
            breath=self.breath * strength,
            creak=self.creak * strength,
        )


@dataclass(frozen=True)
class Understood:
    """A word that was understood, as it was written, and how strongly it was meant."""

    written: str
    word: str
    strength: float


_MAN, _WOMAN = Person(voice=1, f0=105), Person(voice=4, f0=195)
NEUTRAL = _MAN

_PERSONS: Mapping[str, Person] = {
    "man male masculine guy gentleman father king mann mannlich herr homme masculin hombre masculino": _MAN,
    "woman female feminine lady mother queen frau weiblich dame femme feminine mujer femenina": _WOMAN,
    "child kid kind enfant nino": Person(voice=4, f0=274, tract=1.15, f0_range=1.2, rate=190),
    "boy junge garcon chico": Person(voice=4, f0=260, tract=1.13, f0_range=1.2, rate=190),
    "girl madchen fille chica nina": Person(voice=4, f0=285, tract=1.15, f0_range=1.2, rate=190),
    "teenager teen jugendlicher adolescent": Person(voice=4, f0=215, tract=1.08, f0_range=1.1, rate=195),
    "robot robotic roboter machine maquina": Person(voice=0, f0=100, f0_range=0.0, rate=185),
}

_OLD = Effect(f0=0.86, rate=0.9, tract=0.96, f0_range=0.9, tilt=-0.5, creak=0.02)
_HOARSE = Effect(creak=0.03, breath=1.0, tilt=-0.5)

_EFFECTS: Mapping[str, Effect] = {
    "old elderly aged senior alt alte alter altes vieux vieil vieille age agee viejo vieja anciano "
    "anciana": _OLD,
    "young youthful jung junger junges jeune joven": Effect(
        f0=1.06, rate=1.06, tract=1.03, f0_range=1.1, tilt=0.5
    ),
    "deep low bass tief tiefe tiefer tiefes dunkle grave graves profond profunda profundo": Effect(
        f0=0.88, tract=0.96, tilt=-0.5
    ),
    "high squeaky shrill hoch hohe hoher aigu aigue agudo aguda": Effect(f0=1.2, tract=1.03),
    "slow slowly langsam langsame langsamer lent lente lentement lento lenta": Effect(rate=0.8),
    "fast quick quickly rapid brisk schnell schnelle schneller rapide vite rapido rapida": Effect(
        rate=1.25
    ),
    "lively energetic cheerful happy excited expressive animated lebhaft lebhafte frohlich vif vive "
    "joyeux joyeuse animado animada alegre": Effect(f0=1.04, f0_range=1.35, rate=1.06),
    "calm relaxed gentle soft soothing serene ruhig ruhige ruhiger sanft sanfte calme doux douce "
    "tranquilo tranquila suave": Effect(f0_range=0.75, rate=0.92, tilt=-0.75),
    "monotone monotonous flat bored monoton monotono monotona": Effect(f0_range=0.15),
    "sad tired weary traurig mude triste fatigue cansado cansada": Effect(
        f0=0.95, f0_range=0.65, rate=0.85, tilt=-1.0
    ),
    "angry harsh stern wutend streng furieux enfadado": Effect(f0_range=1.25, rate=1.08, tilt=1.5),
    "whisper whispers whispering whispered flusternd flustern chuchotant chuchote susurro susurrando": (
        Effect(breath=6.0, rate=0.92)
    ),
    "whispery hushed murmure": Effect(breath=3.0, tilt=-1.0, voice=5),
    "breathy airy hauchig hauchige souffle aerien aireado": Effect(breath=2.5, voice=5),
    "bright clear crisp sharp hell helle heller klar clair claire brillante claro clara": Effect(
        tract=1.02, tilt=1.5
    ),
    "dark warm mellow dull muffled dunkel dunkler warme sombre chaud chaude oscuro oscura calido "
    "calida": Effect(tract=0.98, tilt=-1.5),
    "hoarse creaky raspy rough gravelly heiser heisere rau raue rauque enroue ronco ronca": _HOARSE,
    "husky smoky rauchig": Effect(creak=0.015, breath=1.5, tilt=-1.0),
    "big large huge giant gross grosse grand grande enorme": Effect(f0=0.9, tract=0.93),
    "small little tiny klein kleine petit petite pequeno pequena": Effect(f0=1.1, tract=1.06),
}

#: Words that are both a person and an effect.
_BOTH: Mapping[str, tuple[Person, Effect]] = {
    "grandfather grandpa granddad opa grossvater grand-pere abuelo": (_MAN, _OLD),
    "grandmother grandma granny oma grossmutter grand-mere abuela": (_WOMAN, _OLD),
}

_STRENGTHS: Mapping[str, float] = {
    "very extremely really sehr tres muy": 1.6,
    "slightly somewhat rather quite bit leicht etwas legerement peu ligeramente poco": 0.5,
    "not no without never nicht kein keine ohne pas sans sin": 0.0,
}


def _by_word(table: Mapping[str, _Value]) -> dict[str, _Value]:
    return {word: value for words, value in table.items() for word in words.split()}


PERSONS = _by_word(_PERSONS) | {word: both[0] for word, both in _by_word(_BOTH).items()}
EFFECTS = _by_word(_EFFECTS) | {word: both[1] for word, both in _by_word(_BOTH).items()}
_STRENGTH = _by_word(_STRENGTHS)


def read(description: str) -> Iterator[Understood]:
    """The words of `description` that mean something here, in order; negated ones are left out."""
    strength = 1.0
    for written in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", description):
        plain = _plain(written)
        # "high-pitched" counts by its first part, "grand-mère" as a whole.
        candidates = [plain, *plain.split("-")]
        word = next((each for each in candidates if each in PERSONS or each in EFFECTS), None)
        if word is not None:
            if strength > 0:
                yield Understood(written, word, strength)
            strength = 1.0
        elif plain in _STRENGTH:
            strength = _STRENGTH[plain]


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.lower().replace("ß", "ss"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))
