"""What is known of Qwen3-TTS without loading it: its voices, its languages, its settings.

From the model cards at https://huggingface.co/Qwen and the models' configuration files.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engines.base import Sampling, SamplingField, SamplingParams, Speaker
from studio.errors import unknown

SAMPLE_RATE = 24_000  # Hz
FRAMES_PER_SECOND = 12.5

#: BCP 47 code -> name in English, which is also what the model calls the language.
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "zh": "Chinese",
        "en": "English",
        "ja": "Japanese",
        "ko": "Korean",
        "de": "German",
        "fr": "French",
        "ru": "Russian",
        "pt": "Portuguese",
        "es": "Spanish",
        "it": "Italian",
    }
)


def language_name(code: str) -> str:
    """What the model calls the language `code`; "en-us" counts as "en".

    Raises NotFound naming the codes that there are.
    """
    primary = code.lower().replace("_", "-").partition("-")[0]
    if primary not in LANGUAGES:
        raise unknown("language of Qwen3-TTS", code, LANGUAGES)
    return LANGUAGES[primary]


def _speaker(name: str, language: str, gender: str, description: str) -> Speaker:
    return Speaker(
        id=name.lower(),  # as in the models' spk_id
        label=name.replace("_", " "),
        language=language,
        gender=gender,
        description=description,
        recommended=True,
        multilingual=True,
    )


#: The voices of the custom_voice models. Each speaks every language, its native one best; Dylan and
#: Eric speak their dialect when the language is Chinese.
SPEAKERS: tuple[Speaker, ...] = (
    _speaker("Ryan", "en", "male", "A dynamic man's voice with a strong rhythm."),
    _speaker("Aiden", "en", "male", "A sunny American man's voice with clear mids."),
    _speaker("Vivian", "zh", "female", "A bright, slightly edgy young woman's voice."),
    _speaker("Serena", "zh", "female", "A warm, gentle young woman's voice."),
    _speaker("Uncle_Fu", "zh", "male", "A seasoned man's voice, low and mellow."),
    _speaker("Dylan", "zh", "male", "A youthful, clear man's voice from Beijing, in its dialect."),
    _speaker("Eric", "zh", "male", "A lively, slightly husky man's voice from Chengdu, in its dialect."),
    _speaker("Ono_Anna", "ja", "female", "A playful, light and nimble woman's voice."),
    _speaker("Sohee", "ko", "female", "A warm woman's voice, rich in feeling."),
)


def found_speaker(name: str) -> Speaker:
    """A voice that only a model's configuration tells of, as one's own training leaves it."""
    label = name.replace("_", " ").title()
    return Speaker(name, label, "en", description="A voice of your own training.", multilingual=True)


_TEMPERATURE_HELP = "Higher is livelier and riskier, lower is flatter; 0 always takes the likeliest."

SAMPLING = Sampling(
    fields=(
        SamplingField("temperature", "Temperature", 0.0, 1.5, 0.9, 0.05, _TEMPERATURE_HELP),
        SamplingField(
            "top_p", "Top p", 0.05, 1.0, 1.0, 0.05, "Draw from the likeliest with this share; 1 is all."
        ),
        SamplingField("top_k", "Top k", 0, 500, 50, 1, "Draw from so many of the likeliest; 0 is all."),
        SamplingField(
            "repetition_penalty", "Repetition penalty", 1.0, 2.0, 1.05, 0.01,
            "Above 1, sounds that were there already become less likely.",
        ),
        SamplingField(
            "sub_temperature", "Temperature, detail", 0.0, 1.5, 0.9, 0.05,
            "The same for the fine detail of the sound, which a second sampler draws.",
        ),
        SamplingField("sub_top_p", "Top p, detail", 0.05, 1.0, 1.0, 0.05, "The same for the detail."),
        SamplingField("sub_top_k", "Top k, detail", 0, 500, 50, 1, "The same for the detail; 0 is all."),
        SamplingField(
            "max_new_tokens", "Longest part", 25, 8192, 8192, 25,
            "In frames, 12.5 a second. A part also ends when it is far too long for its text.",
        ),
    ),
    presets=MappingProxyType(
        {
            "Steady": SamplingParams(temperature=0.6, top_p=0.9, sub_temperature=0.6, sub_top_p=0.9),
            "Lively": SamplingParams(temperature=1.1, sub_temperature=1.0),
            "Greedy (always the same)": SamplingParams(temperature=0.0, sub_temperature=0.0),
        }
    ),
)  # fmt: skip
