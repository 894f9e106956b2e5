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
    engine: str = ""  # the speech engine or recognizer that uses it
    modes: frozenset[str] = frozenset()  # of engines.base.Capability, as text, or TRANSCRIBE
    vram_gb: float | None = None  # memory it takes in bfloat16, about
    consent: str = ""  # what must be accepted before it is downloaded
    legacy: tuple[str, ...] = ()  # names of folders that other tools give it
    variant: str = ""  # tts_model_type in a Qwen config
    size: str = ""  # tts_model_size in a Qwen config
    model_type: str = ""  # in config.json, for models that are told by it
    practice: bool = False  # random weights made here, for trying the pipeline
    url: str = ""  # of a model that no hub has: an HTTPS folder whose name is its one file's SHA-256

    @property
    def published_bytes(self) -> int:
        """Bytes of the published files whose size is known: nearly all of a download; 0: not known."""
        return sum(file.size or 0 for file in self.files)

    def address(self, mirror: str = "") -> str:
        """`url`, or the same path below `mirror`; "" for a model of a hub."""
        if not (mirror and self.url):
            return self.url
        path = self.url.partition("://")[2].partition("/")[2]
        return f"{mirror.rstrip('/')}/{path}"

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
WHISPER = "Whisper"
FASTER_WHISPER = "FasterWhisper"
TRANSCRIBE = "transcribe"  # the mode of models that write down what is said
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


_WHISPER_BASE = "https://openaipublic.azureedge.net/main/whisper/models"
_MIT_WHISPER = "https://github.com/openai/whisper/blob/main/LICENSE"


def _whisper(
    size: str, sha256: str, published: int, vram_gb: float, serves: str, file: str = ""
) -> ModelEntry:
    """A checkpoint as whisper._MODELS has it; `vram_gb` is that of OpenAI's table."""
    return ModelEntry(
        key=f"whisper-{size}",
        label=f"Whisper {size}",
        family=WHISPER,
        folder=f"whisper-{size}",
        hugging_face="",
        modelscope="",
        files=(ModelFile(file or f"{size}.pt", "It holds the weights.", published),),
        license="MIT",
        license_url=_MIT_WHISPER,
        serves=f"Recognition: {serves}",
        engine="whisper",
        modes=frozenset({TRANSCRIBE}),
        vram_gb=vram_gb,
        url=f"{_WHISPER_BASE}/{sha256}",
    )


def _faster_whisper(size: str, weights: int) -> ModelEntry:
    """The same weights for CTranslate2, as the authors of faster-whisper publish them."""
    newer = (
        ModelFile("vocabulary.json", "It holds the text tokens."),
        ModelFile("preprocessor_config.json", "It says how sound is taken in; 80 bands without."),
    )
    older = (ModelFile("vocabulary.txt", "It holds the text tokens."),)
    return ModelEntry(
        key=f"faster-whisper-{size}",
        label=f"faster-whisper {size}",
        family=FASTER_WHISPER,
        folder=f"faster-whisper-{size}",
        hugging_face=f"Systran/faster-whisper-{size}",
        modelscope="",
        files=(
            ModelFile("config.json", "It holds the tokens that are suppressed, and more."),
            ModelFile("model.bin", "It holds the weights.", weights),
            ModelFile("tokenizer.json", "It turns tokens into text."),
            *(newer if size == "large-v3" else older),
        ),
        license="MIT",
        license_url=f"https://huggingface.co/Systran/faster-whisper-{size}",
        serves="Recognition by the optional package faster-whisper, int8 on the processor",
        engine="faster_whisper",
        modes=frozenset({TRANSCRIBE}),
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
    _whisper(
        "large-v3", "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb", 3_087_371_615,
        10, "100 languages, the most exact",
    ),
    _whisper(
        "turbo", "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a", 1_617_941_637,
        6, "100 languages, nearly as exact and much faster; does not translate", "large-v3-turbo.pt",
    ),
    _whisper(
        "medium", "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1", 1_528_008_539,
        5, "99 languages",
    ),
    _whisper(
        "medium.en", "d7440d1dc186f76616474e0ff0b3b6b879abc9d1a4926b7adfa41db2d497ab4f", 1_528_006_491,
        5, "English only",
    ),
    _whisper(
        "small", "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794", 483_617_219,
        2, "99 languages, quick",
    ),
    _whisper(
        "small.en", "f953ad0fd29cacd07d5a9eda5624af0f6bcf2258be67c92b79389873d91e0872", 483_615_683,
        2, "English only, quick",
    ),
    _whisper(
        "base", "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e", 145_262_807,
        1, "99 languages, rough",
    ),
    _whisper(
        "base.en", "25a8566e1d0c1e2231d1c762132cd20e0f96a85d16145c3a00adf5d1ac670ead", 145_261_783,
        1, "English only, rough",
    ),
    _whisper(
        "tiny", "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9", 75_572_083,
        1, "99 languages, the smallest",
    ),
    _whisper(
        "tiny.en", "d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03", 75_571_315,
        1, "English only, the smallest",
    ),
    ModelEntry(
        key="whisper-practice",
        label="Practice model of Whisper (random weights: nonsense)",
        family=WHISPER,
        folder="practice",
        hugging_face="",
        modelscope="",
        files=(ModelFile("practice.pt", "It holds the weights."),),
        license="made on this machine",
        license_url="",
        serves="Trying recognition without a download",
        engine="whisper",
        modes=frozenset({TRANSCRIBE}),
        practice=True,
    ),
    _faster_whisper("large-v3", 3_087_284_237),
    _faster_whisper("medium", 1_527_906_378),
    _faster_whisper("small", 483_546_902),
    _faster_whisper("base", 145_217_532),
    _faster_whisper("tiny", 75_538_270),
)  # fmt: skip

MODELS: Mapping[str, ModelEntry] = {entry.key: entry for entry in _ENTRIES}


def entry_of(key: str, table: Mapping[str, ModelEntry] = MODELS) -> ModelEntry:
    """The entry `key`; raises NotFound naming the nearest keys."""
    if key not in table:
        raise unknown("model", key, table)
    return table[key]
