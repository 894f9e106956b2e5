"""How large a model is, as its config.json says: what a run's memory follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import Damaged
from studio.files import read_json
from studio.runs.values import LORA_TARGETS, Family, LoraOptions

#: Parameters of what comes with the model and is never trained.
_XTTS_REST = 26_000_000  # vocoder and speaker encoder
_QWEN_CODEC = 170_557_441
_QWEN_SPEAKER = 12_001_088

#: Of the part of XTTS that hears the voice, in squares of the width: 43 million as published.
_XTTS_LISTENER = 41

#: Tokens of its vocabulary, where the configuration leaves that to vocab.json.
_XTTS_LETTERS = 6681


@dataclass(frozen=True)
class Layers:
    """Equal layers of a transformer."""

    count: int
    width: int
    inner: int  # of the feed-forward part
    matrices: Mapping[str, tuple[int, int]]  # a layer's by the names that LoRA targets, (in, out)

    @property
    def parameters(self) -> int:
        return self.count * sum(inside * out for inside, out in self._all())

    def adapter(self, options: LoraOptions, names: tuple[str, ...]) -> int:
        """Parameters of adapters in all matrices that have one of `names`."""
        chosen = [sizes for name, sizes in self.matrices.items() if name.partition("@")[0] in names]
        return self.count * options.rank * sum(inside + out for inside, out in chosen)

    def _all(self) -> tuple[tuple[int, int], ...]:
        return tuple(self.matrices.values())


@dataclass(frozen=True)
class Shape:
    """A model that is to be trained. Sizes are numbers of parameters."""

    family: Family
    layers: Layers
    predictor: Layers | None  # of Qwen: runs over the codes of each frame
    groups: int  # codes a frame
    other: int  # embeddings, heads and what hears the voice: trained in full only
    rest: int  # never trained
    vocabulary: int  # of the largest head that every position is asked for
    heads: Mapping[str, int]  # that LoRA may train in full

    @property
    def trainable(self) -> int:
        """All that is trained in full."""
        predictor = self.predictor.parameters if self.predictor else 0
        return self.layers.parameters + predictor + self.other

    def adapter(self, options: LoraOptions) -> int:
        """What is trained with LoRA."""
        names = options.targets or LORA_TARGETS[self.family]
        parts = [self.layers, *([self.predictor] if self.predictor else [])]
        adapters = sum(part.adapter(options, names) for part in parts)
        return adapters + sum(self.heads.get(head, 0) for head in options.heads)


def shape_of(folder: Path, family: Family) -> Shape:
    """Of the model in `folder`. Raises Damaged where its config.json does not say it."""
    path = folder / "config.json"
    try:
        config = read_json(path)
        return _xtts(config["model_args"]) if family is Family.XTTS else _qwen(config["talker_config"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{path} is damaged.", "Check the model in the Models tab.") from error


def _xtts(args: Mapping[str, Any]) -> Shape:
    width = int(args["gpt_n_model_channels"])
    codes = int(args["gpt_num_audio_tokens"])
    letters = int(args["gpt_number_text_tokens"] or _XTTS_LETTERS)
    places = int(args["gpt_max_audio_tokens"]) + int(args["gpt_max_text_tokens"])
    inner = 4 * width
    matrices = {
        "c_attn": (width, 3 * width),
        "c_proj": (width, width),
        "c_fc": (width, inner),
        "c_proj@mlp": (inner, width),
    }
    return Shape(
        Family.XTTS,
        Layers(int(args["gpt_layers"]), width, inner, matrices),
        predictor=None,
        groups=1,
        other=(2 * codes + 2 * letters + places) * width + _XTTS_LISTENER * width**2,
        rest=_XTTS_REST,
        vocabulary=letters,
        heads={"text_head": letters * width, "mel_head": codes * width},
    )


def _qwen(config: Mapping[str, Any]) -> Shape:
    width, text = int(config["hidden_size"]), int(config["text_hidden_size"])
    within = config["code_predictor_config"]
    groups = int(config.get("num_code_groups", within.get("num_code_groups", 16)))
    own, codes = int(within["hidden_size"]), int(within["vocab_size"])
    talker_codes = int(config["vocab_size"])
    read = int(config["text_vocab_size"]) * text + text * text + text * width
    said = 2 * talker_codes * width + (groups - 1) * codes * (width + own)
    return Shape(
        Family.QWEN,
        _qwen_layers(config),
        _qwen_layers(within),
        groups,
        other=read + said,
        rest=_QWEN_CODEC + _QWEN_SPEAKER,
        vocabulary=talker_codes,
        heads={"codec_head": talker_codes * width},
    )


def _qwen_layers(config: Mapping[str, Any]) -> Layers:
    width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    heads = int(config["num_attention_heads"])
    size = int(config.get("head_dim") or width // heads)
    asked, kept = heads * size, int(config["num_key_value_heads"]) * size
    matrices = {
        "q_proj": (width, asked),
        "k_proj": (width, kept),
        "v_proj": (width, kept),
        "o_proj": (asked, width),
        "gate_proj": (width, inner),
        "up_proj": (width, inner),
        "down_proj": (inner, width),
    }
    return Layers(int(config["num_hidden_layers"]), width, inner, matrices)
