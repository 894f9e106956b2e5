"""The same loop with one CUDA graph a frame.

A frame is some thousand small kernels, and starting them one by one takes a processor longer than a
graphics card needs to run them. A graph starts them all at once, but it repeats the very same work:
the same memory, no shapes that depend on values, nothing read back on the way. So keys have a place
for every position from the start, positions are numbers on the card, and the noise that draws the
codes is made before. See "CUDA Graphs" in torch's notes on CUDA semantics.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engines.drawing import Draw, penalised, pick
from engines.qwen.sampling import TalkerSampling
from engines.qwen.stack import Stack, attend_once, rotation_table
from engines.qwen.talker import Ending, FrameLoop, TalkerInput, TalkerLoop, TalkerModel

log = logging.getLogger(__name__)

#: The least positions that memory is kept for; more in powers of two.
_LEAST_CAPACITY = 1024


def make_loop(talker: Any, max_positions: int | None = None, *, graphs: bool = True) -> FrameLoop:
    """The loop that suits where `talker` is: with graphs on CUDA unless `graphs` is False."""
    if graphs and talker.model.codec_embedding.weight.device.type == "cuda":
        return GraphedTalkerLoop(talker, max_positions)
    return TalkerLoop(talker, max_positions)


class GraphedTalkerLoop:
    """As `TalkerLoop`, a frame a replay. The first take with other settings of the samplers, or with
    room for more frames than any before, captures anew, which takes about a second."""

    def __init__(
        self, talker: Any, max_positions: int | None = None, *, capturing: bool | None = None
    ) -> None:
        """`capturing`: False runs the same steps without a graph, on any device; None captures
        where there is CUDA."""
        self.max_positions: int = max_positions or talker.config.max_position_embeddings
        self.ending: Ending | None = None
        self._model = TalkerModel(talker)
        self._capturing = self._model.device.type == "cuda" if capturing is None else capturing
        self._settings: tuple[Any, ...] = ()  # what the step was made for
        self._step: FrameStep | None = None
        self._replay: Callable[[], None] = lambda: None

    @torch.inference_mode()
    def frames(
        self,
        prompt: TalkerInput,
        sampling: TalkerSampling,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Tensor]:
        """As `TalkerLoop.frames`."""
        self.ending = None
        length = prompt.embeds.shape[1]
        limit = min(sampling.max_frames, self.max_positions - length)
        if limit < 0:
            raise ValueError(f"The prompt has {length} positions of {self.max_positions}.")
        step = self._prepare(sampling, length + limit + 1)
        step.begin(prompt.embeds[0])
        generator = torch.Generator(self._model.device).manual_seed(sampling.seed)
        for frame in itertools.count():
            if should_stop():
                self.ending = Ending.STOPPED
                return
            step.feed(prompt.text(frame), frame < sampling.min_frames, generator)
            self._replay()
            codes = step.codes.clone()
            if int(codes[0]) == self._model.vocabulary.eos:
                self.ending = Ending.EOS
                return
            if frame >= limit:
                self.ending = Ending.LIMIT
                return
            yield codes

    def _prepare(self, sampling: TalkerSampling, positions: int) -> FrameStep:
        """The step for these settings, with `_replay` to run it."""
        settings = (sampling.talker, sampling.predictor, sampling.repetition_penalty)
        step = self._step
        if step is None or settings != self._settings or step.capacity < positions:
            # The old one's memory is given back before the new one takes its own.
            step, self._step, self._replay = None, None, lambda: None
            capacity = max(_LEAST_CAPACITY, 1 << (positions - 1).bit_length())
            step = FrameStep(self._model, *settings, capacity)
            self._replay = _captured(step) if self._capturing else step
            self._step, self._settings = step, settings
        return step


def _captured(step: FrameStep) -> Callable[[], None]:
    """`step` as a graph. What it changes while it warms up, `begin` sets right."""
    with torch.cuda.device(step.codes.device):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # libraries choose and set up their kernels
                step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                step()
        except RuntimeError:
            log.warning("This card or driver captures no CUDA graph; going on without.", exc_info=True)
            torch.cuda.synchronize()
            return step
    return graph.replay


class FrameStep:
    """One frame, with all that it reads and writes in memory that stays where it is: draws the
    codes from the talker's hidden state and reads them for the next one."""

    def __init__(
        self, model: TalkerModel, talker: Draw, predictor: Draw, penalty: float, capacity: int
    ) -> None:
        self.capacity = capacity
        self._model, self._draw, self._penalty = model, talker, penalty
        device, size = model.device, model.vocabulary.size
        self._cache = StaticCache(model.stack, capacity, device)
        self._suppressed = model.vocabulary.suppressed(device)
        self._too_early = self._suppressed.clone()
        self._too_early[model.vocabulary.eos] = True
        self._residual = PreparedDraws(predictor, model.predictor.sizes, device)
        # Given by `feed`
        self._banned = self._suppressed.clone()  # [V] bool
        self._noise = torch.ones(size, device=device)
        self._text = torch.zeros(1, model.embed.embedding_dim, dtype=model.dtype, device=device)
        # Carried from frame to frame
        self._hidden = torch.zeros_like(self._text)
        self._seen = torch.zeros_like(self._suppressed)
        #: [16] int64, the frame; the first may be the end of speech, and then the others mean nothing.
        self.codes = torch.zeros(1 + len(model.predictor.sizes), dtype=torch.int64, device=device)

    def begin(self, embeds: Tensor) -> None:
        """Begin a take with the prompt [T, hidden]."""
        self._cache.reset()
        self._seen.zero_()
        self._hidden.copy_(self._model.stack(embeds, self._cache)[-1:])

    def feed(self, text: Tensor, too_early: bool, generator: torch.Generator) -> None:
        """What the next frame needs from outside: the text [1, hidden] that is added to its codes,
        whether it may not be the end yet, and noise."""
        self._text.copy_(text)
        self._banned.copy_(self._too_early if too_early else self._suppressed)
        if not self._draw.greedy:
            self._noise.exponential_(generator=generator)
        self._residual.feed(generator)

    def __call__(self) -> None:
        model = self._model
        logits = model.head(self._hidden)[0].float()
        logits = penalised(logits, self._seen, self._penalty).masked_fill(self._banned, float("-inf"))
        first = pick(logits, self._draw, None if self._draw.greedy else self._noise)[None]
        self._seen.index_fill_(0, first, True)
        embedded = model.embed(first).to(model.dtype)
        self._residual.rewind()
        codes, residual = model.predictor(self._hidden, embedded, self._residual)
        self.codes.copy_(torch.cat((first, codes)))
        self._hidden.copy_(model.stack(embedded + residual + self._text, self._cache))


class PreparedDraws:
    """Draws the codes 1 to 15 with noise that was made before; a `talker.ResidualSampler`."""

    def __init__(self, draw: Draw, sizes: tuple[int, ...], device: torch.device) -> None:
        self._draw = draw
        self._noise = [torch.ones(size, device=device) for size in sizes]
        self._next = 0

    def feed(self, generator: torch.Generator) -> None:
        """New noise, in the order in which the eager sampler draws it."""
        if not self._draw.greedy:
            for noise in self._noise:
                noise.exponential_(generator=generator)

    def rewind(self) -> None:
        self._next = 0

    def residual(self, logits: Tensor) -> Tensor:
        noise = None if self._draw.greedy else self._noise[self._next]
        self._next += 1
        return pick(logits.float(), self._draw, noise)


class StaticCache:
    """Keys and values with a place for each of `capacity` positions; where the next one goes is a
    number on the device. What lies behind it is masked."""

    def __init__(self, stack: Stack, capacity: int, device: torch.device) -> None:
        first, dtype = stack.layers[0], stack.dtype
        # Zeros, for what is masked is multiplied all the same.
        self._kept = torch.zeros(
            2, len(stack.layers), first.kv_heads, capacity, first.head_dim, dtype=dtype, device=device
        )
        self._cos, self._sin = rotation_table(stack.rotary, 0, capacity, dtype)
        self._all = torch.arange(capacity, device=device)
        self._next = torch.zeros(1, dtype=torch.int64, device=device)
        self._at = self._all[:0]
        self._mask = torch.empty(0, capacity, dtype=torch.bool, device=device)

    def reset(self) -> None:
        self._next.zero_()

    def rotation(self, count: int) -> tuple[Tensor, Tensor]:
        self._at = self._next + self._all[:count]
        self._mask = self._all <= self._at[:, None]  # [count, capacity]
        self._next.add_(count)
        return self._cos.index_select(0, self._at), self._sin.index_select(0, self._at)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys, values = self._kept[0, layer], self._kept[1, layer]
        keys.index_copy_(1, self._at, k.transpose(0, 1))
        values.index_copy_(1, self._at, v.transpose(0, 1))
        if q.shape[0] == 1:
            return attend_once(q, keys, values, self._mask)
        groups = q.shape[1] // keys.shape[0]
        heard = functional.scaled_dot_product_attention(
            q.transpose(0, 1)[None],
            keys.repeat_interleave(groups, 0)[None],
            values.repeat_interleave(groups, 0)[None],
            self._mask,
        )
        return heard[0].transpose(0, 1).flatten(1)
