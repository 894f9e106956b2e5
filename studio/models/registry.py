"""Every model the studio can use, in one table that drives downloads, validation, page and engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.errors import unknown


@dataclass(frozen=True)
class ModelFile:
    """A file of a model's folder."""

    name: str  # below the folder, with "/"
    why: str  # what goes wrong without it, for people
    size: int | None = None  # bytes, where the published file's is known
    required: bool = True


@dataclass(frozen=True)
class ModelEntry:
    """A model as its authors publish it."""

    key: str
    label: str
    family: str  # the folder of its kind below the models folder
    folder: str  # its own folder's name, that of the repository
    hugging_face: str  # repository; "" for what is made here
    modelscope: str
    files: tuple[ModelFile, ...]
    license: str  # SPDX where it has one
    license_url: str
    serves: str  # what it is for, in a few words
    engine: str = ""  # the speech engine that uses it
    modes: frozenset[str] = frozenset()  # of engines.base.Capability, as text
    vram_gb: float | None = None  # memory it takes in bfloat16, about
    consent: str = ""  # what must be accepted before it is downloaded
    legacy: tuple[str, ...] = ()  # names of folders that other tools give it
    variant: str = ""  # tts_model_type in a Qwen config
    size: str = ""  # tts_model_size in a Qwen config
    model_type: str = ""  # in config.json, for models that are told by it
    practice: bool = False  # random weights made here, for trying the pipeline

    @property
    def published_bytes(self) -> int:
        """Bytes of the published files whose size is known: nearly all of a download; 0: not known."""
        return sum(file.size or 0 for file in self.files)

    @property
    def identity(self) -> Mapping[str, str]:
        """What config.json says in this model and in no other; empty where that is not known."""
        known = {
            "model_type": self.model_type,
            "tts_model_type": self.variant,
            "tts_model_size": self.size,
        }
        return {name: value for name, value in known.items() if value}


QWEN = "Qwen"
_APACHE = "https://www.apache.org/licenses/LICENSE-2.0"

_CODEC_BYTES = 682_293_092


def _qwen_files(weights: int, below: str = "speech_tokenizer/") -> tuple[ModelFile, ...]:
    return (
        ModelFile("config.json", "It says what kind of model this is."),
        ModelFile(
            "generation_config.json", "It holds the sampling defaults; loading breaks off without."
        ),
        ModelFile("tokenizer_config.json", "Without it the model loads with wrong tokens and no error."),
        ModelFile("vocab.json", "It holds the text tokenizer's tokens."),
        ModelFile("merges.txt", "It holds the text tokenizer's merges."),
        ModelFile("model.safetensors", "It holds the weights.", weights),
        *_codec_files(below),
        ModelFile("preprocessor_config.json", "Not needed.", required=False),
        ModelFile(f"{below}configuration.json", "Not needed.", required=False),
    )


def _codec_files(below: str = "") -> tuple[ModelFile, ...]:
    return (
        ModelFile(f"{below}config.json", "It says how the codec is built."),
        ModelFile(f"{below}preprocessor_config.json", "It says how the codec takes in sound."),
        ModelFile(f"{below}model.safetensors", "It holds the codec's weights.", _CODEC_BYTES),
    )


def _qwen(size: str, variant: str, weights: int, vram_gb: float, serves: str) -> ModelEntry:
    names = {"base": "Base", "custom_voice": "CustomVoice", "voice_design": "VoiceDesign"}
    modes = {"base": "clone", "custom_voice": "preset", "voice_design": "design"}
    legacy = {"base": ("base",), "custom_voice": ("custom", "custom_voice")}.get(
        variant, ("design", "voice_design")
    )
    folder = f"Qwen3-TTS-12Hz-{size}-{names[variant]}"
    return ModelEntry(
        key=f"qwen-{size.lower()}-{variant.replace('_', '-')}",
        label=f"Qwen3-TTS {size} {names[variant]}",
        family=QWEN,
        folder=folder,
        hugging_face=f"Qwen/{folder}",
        modelscope=f"Qwen/{folder}",
        files=_qwen_files(weights),
        license="Apache-2.0",
        license_url=_APACHE,
        serves=serves,
        engine="qwen",
        modes=frozenset({modes[variant]}),
        vram_gb=vram_gb,
        legacy=legacy,
        variant=variant,
        size={"0.6B": "0b6", "1.7B": "1b7"}[size],
    )


def _practice(variant: str, size: str, mode: str, serves: str) -> ModelEntry:
    name = f"practice-{variant.replace('_', '-')}"
    return ModelEntry(
        key=f"qwen-{name}",
        label=f"Practice model, {variant.replace('_', ' ')} (random weights: noise)",
        family=QWEN,
        folder=name,
        hugging_face="",
        modelscope="",
        files=tuple(ModelFile(file.name, file.why, None, file.required) for file in _qwen_files(0)),
        license="made on this machine",
        license_url="",
        serves=serves,
        engine="qwen",
        modes=frozenset({mode}),
        variant=variant,
        size=size,
        practice=True,
    )


_ENTRIES = (
    _qwen("1.7B", "base", 3_857_413_744, 5.5, "Speech: clone a voice"),
    _qwen("1.7B", "custom_voice", 3_833_402_552, 5.5, "Speech: preset voices with instructions"),
    _qwen("1.7B", "voice_design", 3_833_402_552, 5.5, "Speech: design a voice from words"),
    _qwen("0.6B", "base", 1_829_344_272, 3.0, "Speech: clone a voice, smaller and faster"),
    _qwen("0.6B", "custom_voice", 1_811_626_576, 3.0, "Speech: preset voices, smaller and faster"),
    ModelEntry(
        key="qwen-tokenizer",
        label="Qwen3-TTS Tokenizer 12Hz",
        family=QWEN,
        folder="Qwen3-TTS-Tokenizer-12Hz",
        hugging_face="Qwen/Qwen3-TTS-Tokenizer-12Hz",
        modelscope="Qwen/Qwen3-TTS-Tokenizer-12Hz",
        files=_codec_files(),
        license="Apache-2.0",
        license_url=_APACHE,
        serves="Training: turns recordings into codes (the speech models carry their own copy)",
        vram_gb=0.7,
        legacy=("tokenizer",),
        model_type="qwen3_tts_tokenizer_12hz",
    ),
    _practice("base", "0b6", "clone", "Trying the clone tab without a download"),
    _practice("custom_voice", "1b7", "preset", "Trying the preset tab without a download"),
    _practice("voice_design", "1b7", "design", "Trying the design tab without a download"),
)

MODELS: Mapping[str, ModelEntry] = {entry.key: entry for entry in _ENTRIES}


def entry_of(key: str, table: Mapping[str, ModelEntry] = MODELS) -> ModelEntry:
    """The entry `key`; raises NotFound naming the nearest keys."""
    if key not in table:
        raise unknown("model", key, table)
    return table[key]
