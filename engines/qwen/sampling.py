"""How Qwen3-TTS draws its codes: transformers' processors and its order of them, from a generator of
one's own.

A code is drawn as argmax(p / e), where e is exponentially distributed noise (the Gumbel-max trick, as
`torch.multinomial` does it for one sample). So the same seed gives the codes that the official
`generate` gives after `torch.manual_seed`, nothing global is seeded, and the noise can be made
before the logits are known, which is what a CUDA graph needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """How one code is drawn from its logits."""

    temperature: float = 0.9  # 0 takes the likeliest code always
    top_k: int = 50  # 0 keeps all
    top_p: float = 1.0  # 1 keeps all

    @property
    def greedy(self) -> bool:
        return self.temperature == 0


@dataclass(frozen=True)
class TalkerSampling:
    """How a take is drawn. The defaults are those of the released generation_config.json."""

    talker: Draw = Draw()  # the first code of a frame, and the end
    predictor: Draw = Draw()  # the other fifteen
    repetition_penalty: float = 1.05  # on first codes that the take has had already
    max_frames: int = 8192  # 12.5 a second
    min_frames: int = 2  # no end before; 2 in the official package
    seed: int = 0


@dataclass(frozen=True)
class Vocabulary:
    """What of the talker's vocabulary may be drawn: the codes, and the end of speech."""

    size: int
    eos: int

    @classmethod
    def of(cls, config: Any) -> Vocabulary:
        """From a Qwen3TTSTalkerConfig."""
        return cls(config.vocab_size, config.codec_eos_token_id)

    def suppressed(self, device: torch.device) -> Tensor:
        """[size] bool: the control tokens, which are the last 1024 except the end of speech."""
        mask = torch.zeros(self.size, dtype=torch.bool, device=device)
        mask[-1024:] = True
        mask[self.eos] = False
        return mask


def penalised(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """`logits` [V] with those of `seen` [V] bool made less likely (CTRL, Keskar et al. 2019)."""
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def pick(logits: Tensor, draw: Draw, noise: Tensor | None) -> Tensor:
    """One code [] int64 from `logits` [V] float32; `noise` [V] is exponential, None when greedy.

    Shapes do not depend on values and nothing waits for the device, so a CUDA graph can hold it.
    """
    if noise is None:
        return logits.argmax(-1)
    if draw.temperature != 1.0:
        logits = logits / draw.temperature
    if 0 < draw.top_k < logits.shape[-1]:
        weakest = logits.topk(draw.top_k).values[-1:]
        logits = logits.masked_fill(logits < weakest, float("-inf"))
    if draw.top_p < 1.0:
        logits = _nucleus(logits, draw.top_p)
    return (logits.softmax(-1) / noise).argmax(-1)


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Only the likeliest that together have a probability of `top_p`, and at least one."""
    ascending, order = logits.sort()
    removed = ascending.softmax(-1).cumsum(-1) <= 1 - top_p
    removed[-1:] = False
    return logits.masked_fill(removed.scatter(0, order, removed), float("-inf"))


class Sampler:
    """Draws the codes of one take, in order."""

    def __init__(self, sampling: TalkerSampling, vocabulary: Vocabulary, device: torch.device) -> None:
        self._sampling = sampling
        self._eos = vocabulary.eos
        self._suppressed = vocabulary.suppressed(device)
        self._too_early = self._suppressed.clone()
        self._too_early[self._eos] = True
        self._seen = torch.zeros_like(self._suppressed)
        self._generator = torch.Generator(device).manual_seed(sampling.seed)

    def first(self, logits: Tensor, frame: int) -> int:
        """The first code of the frame with this index, or the end of speech, from `logits` [V]."""
        logits = logits.float()
        if self._sampling.repetition_penalty != 1.0:
            logits = penalised(logits, self._seen, self._sampling.repetition_penalty)
        banned = self._too_early if frame < self._sampling.min_frames else self._suppressed
        logits = logits.masked_fill(banned, float("-inf"))
        code = int(pick(logits, self._sampling.talker, self.noise(self._sampling.talker, logits)))
        self._seen[code] = True
        return code

    def residual(self, logits: Tensor) -> Tensor:
        """One of the other codes of a frame, [] int64, from `logits` [V]."""
        logits = logits.float()
        draw = self._sampling.predictor
        return pick(logits, draw, self.noise(draw, logits))

    def noise(self, draw: Draw, like: Tensor) -> Tensor | None:
        """What `pick` wants besides logits of this shape."""
        if draw.greedy:
            return None
        return torch.empty_like(like).exponential_(generator=self._generator)
