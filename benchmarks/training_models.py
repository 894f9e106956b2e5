"""Models to train: practice ones, and such with random weights of the published sizes, whose work is that of
the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.files import read_json, write_json
from studio.runs.shapes import Shape, shape_of
from studio.runs.values import Family

#: What config.json of XTTS v2 says of its size.
_XTTS: dict[str, Any] = {
    "gpt_layers": 30,
    "gpt_n_model_channels": 1024,
    "gpt_n_heads": 16,
    "decoder_input_dim": 1024,
}
_XTTS_TOKENS = 6681
_QWEN = "0b6"

#: What a run calls the practice models, and where they are below a folder of models.
PLACES = {
    Family.XTTS: ("xtts-practice", Path("XTTS", "practice")),
    Family.QWEN: ("qwen-practice-base", Path("Qwen", "practice-base")),
}


def make_model(folder: Path, family: Family, published: bool) -> None:
    """A practice model in `folder`; or one of the published size, whose text is still read letter by letter
    and whose codec, which is not trained, stays small."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if family is Family.XTTS:
        from engines.xtts import practice as xtts

        xtts.make_practice(folder)
        if published:
            _enlarge_xtts(folder)
    else:
        from engines.qwen import practice as qwen

        qwen.make_practice(folder, "base")
        if published:
            _enlarge_qwen(folder)


def published_shape(folder: Path, family: Family) -> Shape:
    """That of the published model; `folder` is an empty one to work in."""
    folder.mkdir()
    if family is Family.XTTS:
        places = {"gpt_max_audio_tokens": 605, "gpt_max_text_tokens": 402}
        tokens = {"gpt_num_audio_tokens": 1026, "gpt_number_text_tokens": _XTTS_TOKENS}
        config: dict[str, Any] = {"model_args": _XTTS | places | tokens}
    else:
        from engines.qwen.configurations import real_config

        config = real_config(_QWEN, "base")
    write_json(folder / "config.json", config)
    return shape_of(folder, family)


def _enlarge_xtts(folder: Path) -> None:
    import torch

    from engines.xtts.package import coqui

    vocabulary = read_json(folder / "vocab.json")
    tokens = vocabulary["model"]["vocab"]
    tokens |= {f"unused {number}": number for number in range(len(tokens), _XTTS_TOKENS)}
    write_json(folder / "vocab.json", vocabulary)
    config = read_json(folder / "config.json")
    config["model_args"] |= _XTTS
    write_json(folder / "config.json", config)
    xtts = coqui()
    loaded = xtts.XttsConfig()
    loaded.load_json(str(folder / "config.json"))
    model = xtts.Xtts(loaded)
    model.tokenizer = xtts.VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    torch.save({"model": model.state_dict(), "config": {}}, folder / "model.pth")


def _enlarge_qwen(folder: Path) -> None:
    from engines.qwen.configurations import real_config
    from engines.qwen.package import qwen_tts_package

    qwen_tts_package()
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration
    from safetensors.torch import save_file

    config = read_json(folder / "config.json")
    own = {name: value for name, value in config.items() if name.endswith("_token_id")}
    config = real_config(_QWEN, "base") | own
    write_json(folder / "config.json", config)
    model = Qwen3TTSForConditionalGeneration(Qwen3TTSConfig(**config))
    weights = {name: each.contiguous() for name, each in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
