"""The text tokenizer of practice models: bytes, and the few words that must be one token each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.files import write_bytes, write_json

#: One token each, as in the published tokenizer: prompts are cut by counting tokens.
_WORDS = ("assistant", "user", "system")
NEWLINE = "Ċ"  # how byte-level BPE writes it
ROLES = ("assistant", "user", NEWLINE)

#: The published tokenizer's added tokens, in the order of their ids.
_ADDED = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
    "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>", "<tool_call>",
    "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>",
    "<|audio_start|>", "<|audio_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>",
    "<tts_text_bos_single>", "<|audio_pad|>",
)  # fmt: skip
_NOT_SPECIAL = ("<tool", "</t", "<think>", "<|fim", "<|repo_name|>", "<|file_sep|>")


@dataclass(frozen=True)
class Vocabulary:
    """Token -> id: `pieces` are parts of text, `added` control tokens after them."""

    pieces: Mapping[str, int]
    added: Mapping[str, int]

    @property
    def size(self) -> int:
        return len(self.pieces) + len(self.added)

    @property
    def spoken(self) -> list[int]:
        """The ids that are text to be spoken."""
        return [number for piece, number in self.pieces.items() if piece not in ROLES]


def write_tokenizer(folder: Path) -> Vocabulary:
    """Write vocab.json, merges.txt and tokenizer_config.json into `folder`."""
    merges = list(_merges())
    pieces = dict.fromkeys([*_byte_letters(), *(left + right for left, right in merges)])
    numbered = {piece: number for number, piece in enumerate(pieces)}
    added = {token: len(numbered) + number for number, token in enumerate(_ADDED)}
    write_json(folder / "vocab.json", numbered)
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    write_bytes(folder / "merges.txt", ("\n".join(lines) + "\n").encode())
    write_json(folder / "tokenizer_config.json", _config(added))
    return Vocabulary(numbered, added)


def _byte_letters() -> list[str]:
    """The letter that stands for each of the 256 bytes in byte-level BPE."""
    from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

    return list(bytes_to_unicode().values())


def _merges() -> Iterator[tuple[str, str]]:
    """Each word built up letter by letter; what two words begin with in common comes once."""
    seen = set()
    for word in _WORDS:
        for end in range(1, len(word)):
            merge = (word[:end], word[end])
            if merge not in seen:
                seen.add(merge)
                yield merge


def _config(added: Mapping[str, int]) -> dict[str, Any]:
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "errors": "replace",
        "model_max_length": 131072,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "processor_class": "Qwen3TTSProcessor",
        "added_tokens_decoder": {
            str(number): {
                "content": token,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": not token.startswith(_NOT_SPECIAL),
            }
            for token, number in added.items()
        },
    }
