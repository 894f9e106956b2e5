"""How Qwen3-TTS draws its codes, in the order of the official `generate`; see `engines.drawing`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engines.drawing import Draw, penalised, pick


@dataclass(frozen=True)
class TalkerSampling:
    """How a take is drawn. The defaults are those of the released generation_config.json."""

    talker: Draw = field(default_factory=Draw)  # the first code of a frame, and the end
    predictor: Draw = field(default_factory=Draw)  # the other fifteen
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
