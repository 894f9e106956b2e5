"""The model XTTS-v2, from its card on Hugging Face, and what is known of its languages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studio.models.entries import ModelEntry, ModelFile

XTTS = "XTTS"
_LICENSE = "Coqui Public Model License 1.0.0"
_LICENSE_URL = "https://huggingface.co/coqui/XTTS-v2/blob/main/LICENSE.txt"

#: Characters that it speaks well at once, by language (BCP 47, lower case): beyond them speech is cut
#: short or loses its way (TTS.tts.layers.xtts.tokenizer of coqui-tts 0.28).
CHARACTERS: Mapping[str, int] = MappingProxyType(
    {
        **{"en": 250, "de": 253, "fr": 273, "es": 239, "it": 213, "pt": 203, "pl": 224, "zh-cn": 82},
        **{"ar": 166, "cs": 186, "ru": 182, "nl": 251, "tr": 226, "ja": 71, "hu": 224, "ko": 95},
        "hi": 150,
    }
)

#: What training needs besides; speech does without.
TRAINING_FILES = ("dvae.pth", "mel_stats.pth")


def _files(sizes: Mapping[str, int]) -> tuple[ModelFile, ...]:
    def file(name: str, why: str, required: bool = True) -> ModelFile:
        return ModelFile(name, why, sizes.get(name), required)

    return (
        file("config.json", "It says how the model is built."),
        file("model.pth", "It holds the weights."),
        file("vocab.json", "It turns text into tokens."),
        file("speakers_xtts.pth", "It holds the built-in voices; cloning works without.", False),
        file("dvae.pth", "Training needs it; speech works without.", False),
        file("mel_stats.pth", "Training needs it; speech works without.", False),
    )


ENTRIES = (
    ModelEntry(
        key="xtts-v2",
        label="XTTS v2",
        family=XTTS,
        folder="XTTS-v2",
        hugging_face="coqui/XTTS-v2",
        modelscope="",
        files=_files(
            {
                "config.json": 4_368,
                "model.pth": 1_867_929_118,
                "vocab.json": 361_219,
                "speakers_xtts.pth": 7_754_818,
                "dvae.pth": 210_514_388,
                "mel_stats.pth": 1_067,
            }
        ),
        license=_LICENSE,
        license_url=_LICENSE_URL,
        serves="Speech: clone a voice or take one of 58, in 17 languages; training",
        engine="xtts",
        modes=frozenset({"clone", "preset"}),
        vram_gb=3.0,  # in float32, in which it runs everywhere
        consent=(
            "The weights and what they speak may be used for non-commercial purposes only, under the "
            f"{_LICENSE}."
        ),
        legacy=("tts_models--multilingual--multi-dataset--xtts_v2", "xtts_v2"),
        model="xtts",
    ),
    ModelEntry(
        key="xtts-practice",
        label="Practice model of XTTS (random weights: noise)",
        family=XTTS,
        folder="practice",
        hugging_face="",
        modelscope="",
        files=tuple(ModelFile(file.name, file.why, None) for file in _files({})),
        license="made on this machine",
        license_url="",
        serves="Trying the clone and preset tabs, and training, without a download",
        engine="xtts",
        modes=frozenset({"clone", "preset"}),
        model="xtts",
        practice=True,
    ),
)
