"""Practice models: the published layout and architecture, tiny, with random weights.

They speak noise. With them the whole pipeline - loading, cloning, streaming, stopping - runs in
seconds and without a download; the engine treats them like the published ones. Two things are set
by hand so that they are of use: speech ends by itself, after a time that grows with the text, and
the sound has the loudness of speech.
"""

from __future__ import annotations

import copy
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines.qwen.configurations import (
    CODEC_PREPROCESSOR,
    GENERATION,
    PREPROCESSOR,
    real_codec_config,
    real_config,
)
from engines.qwen.practice_text import Vocabulary, write_tokenizer
from studio.control import Control
from studio.files import PARTIAL_SUFFIX, make_folder, storage_errors, write_json
from studio.models.registry import MODELS, QWEN

#: Marks a folder as made here.
MARK = "practice.json"

_TALKER = {
    "text_hidden_size": 32,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}
_PREDICTOR = {
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
}
#: The smaller model's predictor is as wide as its talker, the larger one's is narrower and so has a
#: projection before it.
_PREDICTOR_HIDDEN = {"0b6": 64, "1b7": 32}
_SPEAKER_ENCODER = {
    "enc_dim": 64,
    "sample_rate": 24000,
    "mel_dim": 128,
    "enc_channels": [16, 16, 16, 16, 48],
    "enc_kernel_sizes": [5, 3, 3, 3, 1],
    "enc_dilations": [1, 2, 3, 4, 1],
    "enc_attention_channels": 8,
    "enc_res2net_scale": 4,
    "enc_se_channels": 8,
}
_CODEC_ENCODER = {
    "hidden_size": 32,
    "num_filters": 4,
    "codebook_dim": 16,
    "vector_quantization_hidden_dimension": 16,
    "num_quantizers": 16,
    "upsample_groups": 32,
    "num_hidden_layers": 1,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
}
_CODEC_DECODER = {
    "codebook_dim": 32,
    "vector_quantization_hidden_dimension": 32,
    "hidden_size": 32,
    "latent_dim": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "decoder_dim": 64,
}


def make_all(family_folder: Path, control: Control) -> tuple[Path, ...]:
    """Make every practice model of the registry below `family_folder`; returns their folders.

    Replaces those that are there. About 7 s, most of it the import of qwen_tts. Raises Cancelled,
    StorageFailed, ImportError without the package.
    """
    entries = [entry for entry in MODELS.values() if entry.practice and entry.family == QWEN]
    made = []
    for number, entry in enumerate(entries):
        control.progress(f"making {entry.folder}", number / len(entries))
        folder = family_folder / entry.folder
        make_practice(folder, entry.variant, entry.size, control=control)
        made.append(folder)
    return tuple(made)


def make_practice(
    folder: Path, variant: str, size: str = "0b6", seed: int = 0, control: Control | None = None
) -> None:
    """Write one practice model, whole or not at all; replaces `folder`.

    `variant` is "base", "custom_voice" or "voice_design", `size` "0b6" or "1b7": which of the
    published sizes it takes after. The same arguments give the same weights. Raises Cancelled,
    StorageFailed, ImportError without the package.
    """
    control = control or Control()
    with _publishing_folder(folder) as partial:
        _write_model(partial, variant, size, seed)
        control.check()
        _write_codec(partial / "speech_tokenizer", seed)
        write_json(partial / MARK, {"weights": "random", "variant": variant, "size": size, "seed": seed})
        control.check()


def is_practice(folder: Path) -> bool:
    """Whether the model in `folder` was made here and has learnt nothing."""
    return (folder / MARK).is_file()


@contextmanager
def _publishing_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; when the block ends well, it becomes `folder`."""
    # A dot in front: studio.models.folders leaves such folders alone.
    suffix = f"{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}"
    partial = folder.with_name(f".{folder.name}.{suffix}")
    make_folder(partial)
    try:
        with storage_errors(folder):
            yield partial
            if folder.exists():
                shutil.rmtree(folder)
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_model(folder: Path, variant: str, size: str, seed: int) -> None:
    from engines.qwen.practice_weights import make_talker

    vocabulary = write_tokenizer(folder)
    config = _config(variant, size, vocabulary)
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", GENERATION)
    write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    _save(folder / "model.safetensors", make_talker(copy.deepcopy(config), vocabulary.spoken, seed))


def _config(variant: str, size: str, vocabulary: Vocabulary) -> dict[str, Any]:
    config = real_config(size, variant)
    config |= {
        "assistant_token_id": vocabulary.pieces["assistant"],
        "im_start_token_id": vocabulary.added["<|im_start|>"],
        "im_end_token_id": vocabulary.added["<|im_end|>"],
        "tts_pad_token_id": vocabulary.added["<tts_pad>"],
        "tts_bos_token_id": vocabulary.added["<tts_text_bos>"],
        "tts_eos_token_id": vocabulary.added["<tts_text_eod>"],
    }
    talker = config["talker_config"]
    talker |= _TALKER | {"text_vocab_size": vocabulary.size}
    # Must sum to half the size of a head.
    talker["rope_scaling"] |= {"mrope_section": [4, 2, 2]}
    talker["code_predictor_config"] |= _PREDICTOR | {"hidden_size": _PREDICTOR_HIDDEN[size]}
    if variant == "base":
        config["speaker_encoder_config"] = _SPEAKER_ENCODER
    return config


def _write_codec(folder: Path, seed: int) -> None:
    from engines.qwen.practice_weights import make_codec

    config = real_codec_config()
    config["encoder_config"] |= _CODEC_ENCODER
    config["decoder_config"] |= _CODEC_DECODER
    write_json(folder / "config.json", config)
    write_json(folder / "configuration.json", {"framework": "pytorch"})
    write_json(folder / "preprocessor_config.json", CODEC_PREPROCESSOR)
    _save(folder / "model.safetensors", make_codec(copy.deepcopy(config), seed))


def _save(path: Path, model: Any) -> None:
    # Not save_pretrained: the package's configurations fail in it with a KeyError.
    from safetensors.torch import save_file

    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, path, metadata={"format": "pt"})
