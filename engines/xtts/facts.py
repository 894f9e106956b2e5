"""What is known of XTTS-v2 without loading it: its voices, its languages, its settings.

From its card at https://huggingface.co/coqui/XTTS-v2, its config.json and coqui-tts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engines.base import Capability, Option, Sampling, SamplingField, SamplingParams, Speaker
from studio.errors import unknown

SAMPLE_RATE = 24_000  # Hz, of what it speaks
CONDITIONING_RATE = 22_050  # Hz, of what it hears
#: Of one audio token, in seconds: 1024 samples at 22,050 Hz.
TOKEN_S = 1024 / CONDITIONING_RATE

#: BCP 47 code -> name in English.
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "es": "Spanish",
        "fr": "French",
        "de": "German",
        "it": "Italian",
        "pt": "Portuguese",
        "pl": "Polish",
        "tr": "Turkish",
        "ru": "Russian",
        "nl": "Dutch",
        "cs": "Czech",
        "ar": "Arabic",
        "zh-cn": "Chinese",
        "hu": "Hungarian",
        "ko": "Korean",
        "ja": "Japanese",
        "hi": "Hindi",
    }
)


def language_code(code: str) -> str:
    """What the model calls the language `code`; "en-us" counts as "en", "zh" as "zh-cn".

    Raises NotFound naming the codes that there are.
    """
    primary = code.lower().replace("_", "-").partition("-")[0]
    primary = "zh-cn" if primary == "zh" else primary
    if primary not in LANGUAGES:
        raise unknown("language of XTTS", code, LANGUAGES)
    return primary


#: The voices of speakers_xtts.pth, as the model's authors call them and in their order.
SPEAKER_NAMES = (
    "Claribel Dervla", "Daisy Studious", "Gracie Wise", "Tammie Ema", "Alison Dietlinde",
    "Ana Florence", "Annmarie Nele", "Asya Anara", "Brenda Stern", "Gitta Nikolina", "Henriette Usha",
    "Sofia Hellen", "Tammy Grit", "Tanja Adelina", "Vjollca Johnnie", "Andrew Chipper",
    "Badr Odhiambo", "Dionisio Schuyler", "Royston Min", "Viktor Eka", "Abrahan Mack", "Adde Michal",
    "Baldur Sanjin", "Craig Gutsy", "Damien Black", "Gilberto Mathias", "Ilkin Urbano",
    "Kazuhiko Atallah", "Ludvig Milivoj", "Suad Qasim", "Torcull Diarmuid", "Viktor Menelaos",
    "Zacharie Aimilios", "Nova Hogarth", "Maja Ruoho", "Uta Obando", "Lidiya Szekeres",
    "Chandra MacFarland", "Szofi Granger", "Camilla Holmström", "Lilya Stainthorpe",
    "Zofija Kendrick", "Narelle Moon", "Barbora MacLean", "Alexandra Hisakawa", "Alma María",
    "Rosemary Okafor", "Ige Behringer", "Filip Traverse", "Damjan Chapman", "Wulf Carlevaro",
    "Aaron Dreschner", "Kumar Dahl", "Eugenio Mataracı", "Ferran Simen", "Xavier Hayasaka",
    "Luis Moray", "Marcos Rudaski",
)  # fmt: skip


def speaker_id(name: str) -> str:
    """The id of the voice `name` of a speakers_xtts.pth: "ana_florence"."""
    return "_".join(name.lower().split())


def speaker(name: str) -> Speaker:
    """The voice `name`; each speaks every language, and of none is its native one published."""
    return Speaker(speaker_id(name), name, "en", recommended=True, multilingual=True)


SPEAKERS = tuple(speaker(name) for name in SPEAKER_NAMES)

_MODES = frozenset({Capability.CLONE, Capability.PRESET})

BEAMS, LENGTH_PENALTY = "beams", "length_penalty"

OPTIONS = (
    Option(
        BEAMS, "Beams", 1, 8, 1, 1,
        "With 2 or more, several readings are followed and the likeliest is spoken: steadier, as many "
        "times slower, and nothing is heard before the part is finished.",
        _MODES,
    ),
    Option(
        LENGTH_PENALTY, "Length penalty", -2.0, 2.0, 1.0, 0.1,
        "With 2 beams or more: above 0 favours longer readings, below 0 shorter ones.",
        _MODES,
    ),
)  # fmt: skip

#: The defaults are those of the published config.json.
SAMPLING = Sampling(
    fields=(
        SamplingField(
            "temperature", "Temperature", 0.0, 1.5, 0.75, 0.05,
            "Higher is livelier and riskier, lower is flatter; 0 always takes the likeliest.",
        ),
        SamplingField(
            "top_p", "Top p", 0.05, 1.0, 0.85, 0.05,
            "Draw from the likeliest with this share; 1 is all.",
        ),
        SamplingField(
            "top_k", "Top k", 0, 500, 50, 1, "Draw from so many of the likeliest; 0 is all."
        ),
        SamplingField(
            "repetition_penalty", "Repetition penalty", 1.0, 20.0, 5.0, 0.5,
            "Above 1, sounds that were there already become less likely: against long silences and "
            "“uhhh”.",
        ),
        SamplingField(
            "max_new_tokens", "Longest part", 25, 602, 602, 1,
            "In tokens, 21.5 a second; the model knows no more than 602, which are 28 s.",
        ),
    ),
    presets=MappingProxyType(
        {
            "Steady": SamplingParams(temperature=0.5, top_p=0.8, repetition_penalty=5.0),
            "Lively": SamplingParams(temperature=0.95, top_p=0.95),
            "Greedy (always the same)": SamplingParams(temperature=0.0),
        }
    ),
)  # fmt: skip
