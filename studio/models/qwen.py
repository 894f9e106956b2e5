"""The models of Qwen3-TTS, from their cards on Hugging Face and ModelScope."""

from __future__ import annotations

from studio.models.entries import ModelEntry, ModelFile

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


ENTRIES = (
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
