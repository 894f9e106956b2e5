"""The models of Whisper, as openai-whisper names them, and of faster-whisper."""

from __future__ import annotations

from studio.models.entries import ModelEntry, ModelFile

WHISPER = "Whisper"
FASTER_WHISPER = "FasterWhisper"
TRANSCRIBE = "transcribe"  # the mode of models that write down what is said

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


ENTRIES = (
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
