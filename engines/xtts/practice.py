"""A practice model: the published layout and architecture, tiny, with random weights.

It speaks noise. With it the whole pipeline - loading, cloning, streaming, stopping, training - runs in
seconds and without a download; the engine treats it like the published one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engines.devices import torch_module
from engines.xtts import facts
from engines.xtts.package import coqui
from studio.control import Control
from studio.files import make_folder, publishing, write_json
from studio.models.registry import MODELS, XTTS

#: Marks a folder as made here.
MARK = "practice.json"

_LAYERS, _WIDTH, _HEADS = 2, 64, 4
#: Characters of the tokenizer, each a token: Latin, Cyrillic, Arabic, Devanagari.
_CHARACTERS = (
    *((0x21, 0x7F), (0xA1, 0x180), (0x218, 0x21C), (0x400, 0x460), (0x600, 0x6D5), (0x900, 0x970)),
)
_MARKS = "–—‘’“”„…€₽،؛؟。，、？！：；"


def make_all(family_folder: Path, control: Control) -> tuple[Path, ...]:
    """Make the registry's practice model below `family_folder`; returns its folder, as the makers of
    every family do. 5-7 s, most of it the import of coqui-tts. Raises Cancelled, StorageFailed,
    ImportError without the package."""
    made = []
    for entry in MODELS.values():
        if entry.practice and entry.family == XTTS:
            control.progress(f"making {entry.folder}")
            folder = family_folder / entry.folder
            make_practice(folder, control=control)
            made.append(folder)
    return tuple(made)


def make_practice(folder: Path, seed: int = 0, control: Control | None = None) -> Path:
    """Write a practice model of about 8 MB into `folder`. The same seed gives the same weights."""
    from engines.xtts.practice_weights import make_dvae, make_model, make_voices

    control = control or Control()
    make_folder(folder)
    write_json(folder / "vocab.json", _vocabulary())
    config = _config()
    config.save_json(str(folder / "config.json"))
    control.progress("making the weights")
    model, weights = make_model(config, folder / "vocab.json", seed)
    _save(folder / "model.pth", {"model": weights, "config": {}})
    control.check()
    _save(folder / "speakers_xtts.pth", make_voices(model, facts.SPEAKER_NAMES, seed))
    control.check()
    dvae, norms = make_dvae(seed)
    _save(folder / "dvae.pth", dvae)
    _save(folder / "mel_stats.pth", norms)
    write_json(folder / MARK, {"weights": "random", "seed": seed})
    return folder


def is_practice(folder: Path) -> bool:
    """Whether the model in `folder` was made here and has learnt nothing."""
    return (folder / MARK).is_file()


def _config() -> Any:
    """An XttsConfig as the published one but for its size."""
    xtts = coqui()
    arguments = xtts.XttsArgs(
        gpt_layers=_LAYERS,
        gpt_n_model_channels=_WIDTH,
        gpt_n_heads=_HEADS,
        decoder_input_dim=_WIDTH,
        gpt_max_audio_tokens=605,
        gpt_max_text_tokens=402,
        gpt_max_prompt_tokens=70,
        gpt_num_audio_tokens=1026,
        gpt_start_audio_token=1024,
        gpt_stop_audio_token=1025,
        gpt_code_stride_len=1024,
        gpt_use_masking_gt_prompt_approach=True,
        gpt_use_perceiver_resampler=True,
    )
    return xtts.XttsConfig(
        model_args=arguments,
        temperature=0.75,
        length_penalty=1.0,
        repetition_penalty=5.0,
        top_k=50,
        top_p=0.85,
        gpt_cond_len=30,
        gpt_cond_chunk_len=4,
        max_ref_len=30,
        sound_norm_refs=False,
    )


def _vocabulary() -> dict[str, Any]:
    """A tokenizer of single characters, with the published one's special tokens and their places."""
    characters = [chr(code) for first, end in _CHARACTERS for code in range(first, end)]
    special = ["[STOP]", "[UNK]", "[SPACE]"]
    controls = ["[START]", *(f"[{code}]" for code in facts.LANGUAGES)]
    tokens = dict.fromkeys((*special, *characters, *_MARKS, *controls))
    ids = {token: number for number, token in enumerate(tokens)}
    flags = {
        "special": True,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": ids[token], "content": token} | flags for token in (*special, *controls)
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "vocab": ids,
            "merges": [],
        },
    }


def _save(path: Path, content: Any) -> None:
    with publishing(path) as partial:
        torch_module().save(content, partial)
