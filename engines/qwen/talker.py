"""Qwen3-TTS's language model, frame by frame: the talker and its code predictor.

The official package builds the prompt; from there on this loop takes the place of `generate`, which
gives nothing before everything is done. Under the same seed the codes are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import torch
from torch import Tensor

from engines.qwen.sampling import Sampler, TalkerSampling, Vocabulary
from engines.qwen.stack import GrowingCache, Stack, fused


@dataclass(frozen=True)
class TalkerInput:
    """The prompt of one text, as the official package builds it; all in the model's dtype."""

    embeds: Tensor  # [1, T, hidden]: read at once, at the start
    trailing: Tensor  # [1, N, hidden]: the rest of the text, one position for each frame
    pad: Tensor  # [1, 1, hidden]: what follows when the text is at its end

    def text(self, frame: int) -> Tensor:
        """[1, hidden]: what is added to the codes of the frame with this index."""
        return self.trailing[:, frame] if frame < self.trailing.shape[1] else self.pad[:, 0]


class Ending(Enum):
    """Why the frames ended."""

    EOS = "eos"  # the model said that it has finished
    LIMIT = "limit"  # it went on, and more frames were not allowed
    STOPPED = "stopped"  # should_stop() said so


class _Captured(Exception):
    """Ends the official call where the talker would begin."""


def capture(wrapper: Any, call: Callable[[], object]) -> TalkerInput:
    """The prompt that `call`, any generate_* of the Qwen3TTSModel `wrapper`, gives to the talker.

    The talker's `generate` is replaced while `call` runs. Raises ValueError when `call` is for
    several texts or never gets to the talker.
    """
    talker = wrapper.model.talker
    given: dict[str, Any] = {}

    def take(**kwargs: Any) -> None:
        given.update(kwargs)
        raise _Captured

    talker.generate = take  # on the instance, before the method of its class
    try:
        call()
    except _Captured:
        pass
    finally:
        del talker.generate
    if not given:
        raise ValueError("The call did not get to the talker.")
    if given["inputs_embeds"].shape[0] != 1:
        raise ValueError("One text at a time.")
    return TalkerInput(given["inputs_embeds"], given["trailing_text_hidden"], given["tts_pad_embed"])


class FrameLoop(Protocol):
    """What draws the frames of one take after another; `engines.qwen.cuda_graphs.make_loop` chooses."""

    #: Why the last take ended; None until it has.
    ending: Ending | None

    def frames(
        self,
        prompt: TalkerInput,
        sampling: TalkerSampling,
        should_stop: Callable[[], bool] = ...,
    ) -> Iterator[Tensor]:
        """Each frame [16] int64 as soon as it is drawn; at most `sampling.max_frames`.

        `should_stop` is asked before each. `ending` then tells why there are no more: a take that
        has as many frames as it may and says that it has finished counts as finished.
        """


class TalkerLoop:
    """Draws the frames of one take after another from a talker (Qwen3TTSTalkerForConditionalGeneration).

    It works in the talker's dtype on the talker's device, also with int8 linear modules. Making one
    fuses weights (see `engines.qwen.stack.fused`); quantise and load adapters before. One take at a
    time.
    """

    def __init__(self, talker: Any, max_positions: int | None = None) -> None:
        """`max_positions`: of prompt and frames together; the model's own limit if None."""
        self.max_positions: int = max_positions or talker.config.max_position_embeddings
        self.ending: Ending | None = None
        self._model = TalkerModel(talker)
        self._cache = GrowingCache(self._model.stack, self._model.device)

    @torch.inference_mode()
    def frames(
        self,
        prompt: TalkerInput,
        sampling: TalkerSampling,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Tensor]:
        """See `FrameLoop`."""
        self.ending = None
        model = self._model
        sampler = Sampler(sampling, model.vocabulary, model.device)
        self._cache.reset()
        hidden = model.stack(prompt.embeds[0], self._cache)[-1:]
        for frame in itertools.count():
            if should_stop():
                self.ending = Ending.STOPPED
                return
            code = sampler.first(model.head(hidden)[0], frame)
            if code == model.vocabulary.eos:
                self.ending = Ending.EOS
                return
            if frame >= sampling.max_frames or self._cache.length >= self.max_positions:
                self.ending = Ending.LIMIT
                return
            first = torch.tensor([code], device=model.device)
            embedded = model.embed(first).to(model.dtype)
            codes, residual = model.predictor(hidden, embedded, sampler)
            yield torch.cat((first, codes))
            hidden = model.stack(embedded + residual + prompt.text(frame), self._cache)


class TalkerModel:
    """What of a talker a frame needs."""

    def __init__(self, talker: Any) -> None:
        self.vocabulary = Vocabulary.of(talker.config)
        self.embed, self._head = talker.model.codec_embedding, talker.codec_head
        self.device: torch.device = self.embed.weight.device
        self.stack = Stack(talker.model)
        #: Of hidden states.
        self.dtype: torch.dtype = self.stack.dtype
        self.predictor = Predictor(talker.code_predictor, self.device)

    def head(self, hidden: Tensor) -> Tensor:
        """The logits [1, V] of the first code, from hidden states [1, hidden]."""
        logits: Tensor = self._head(hidden.to(self._head.weight.dtype))
        return logits


class ResidualSampler(Protocol):
    def residual(self, logits: Tensor) -> Tensor:
        """One of the codes 1 to 15, [] int64, from `logits` [V]; asked for in order."""


class Predictor:
    """The code predictor: the codes 1 to 15 of a frame, each from those before it."""

    def __init__(self, predictor: Any, device: torch.device) -> None:
        #: How many codes each of the 15 is one of.
        self.sizes = tuple(head.out_features for head in predictor.lm_head)
        self._project = fused((predictor.small_to_mtp_projection,))
        self._heads = [fused((head,)) for head in predictor.lm_head]
        self._embeds = list(predictor.model.codec_embedding)
        self._stack = Stack(predictor.model)
        # The talker's hidden state, then all codes but the last.
        self._cache = GrowingCache(self._stack, device, block=len(self._heads) + 1)

    def __call__(self, hidden: Tensor, first: Tensor, sampler: ResidualSampler) -> tuple[Tensor, Tensor]:
        """The codes [15] int64 and the sum of their embeddings [1, hidden], from the talker's hidden
        state and the first code's embedding, both [1, hidden]."""
        self._cache.reset()
        codes, embeds = [], []
        x = torch.cat((hidden, first.to(hidden.dtype)))
        for head, embed in zip(self._heads, self._embeds, strict=True):
            state = self._stack(self._project(x), self._cache)[-1:]
            codes.append(sampler.residual(head(state)[0]))
            x = embed(codes[-1][None]).to(hidden.dtype)
            embeds.append(x)
        return torch.stack(codes), torch.stack(embeds).sum(0)
