"""Codes to sound as they come: the 12 Hz codec's decoder with its state kept between chunks.

What comes out is what the official decoder makes of all codes at once. Its public `decode` instead
cuts long takes into chunks of 300 frames with 25 frames of context, which is not the same sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engines.qwen.codec_layers import Conv, ConvNeXt, Dense, Residual, Snake, Transformer, Upsample


class StreamingCodec:
    """Decodes one take after another. `speech_tokenizer`: the Qwen3TTSTokenizer of a 12 Hz model.

    It shares weights with the official decoder, which it leaves as it is, where their layout and
    `dtype` allow. One take at a time.
    """

    def __init__(self, speech_tokenizer: Any, dtype: torch.dtype | None = None) -> None:
        """`dtype` of the weights and the products with them, the decoder's own if None. bfloat16 is
        several times faster where the processor has it (`engines.devices.cpu_has_bfloat16`)."""
        decoder = speech_tokenizer.model.decoder
        dtype = dtype or decoder.dtype
        self.samples_per_frame = int(decoder.total_upsample)
        self._codebooks = Codebooks(decoder.quantizer, dtype)
        self._device = self._codebooks.device
        self._before = Conv(decoder.pre_conv, dtype)
        self._transformer = Transformer(decoder.pre_transformer, dtype)
        self._stages: list[Callable[[Tensor], Tensor]] = []
        self._kept: list[Conv | Upsample] = []  # of the stages, in order
        for upsample, block in decoder.upsample:
            self._add(Upsample(upsample, dtype))
            self._add(ConvNeXt(block, dtype))
        first, *blocks, last_snake, last = decoder.decoder
        self._add(Conv(first, dtype))
        for block in blocks:
            snake, upsample, *residuals = block.block
            self._add(Snake(snake))
            self._add(Upsample(upsample, dtype))
            for residual in residuals:
                self._add(Residual(residual, dtype))
        self._add(Snake(last_snake))
        self._add(Conv(last, dtype))

    def reset(self) -> None:
        """Begin a new take."""
        for layer in (self._before, self._transformer, *self._kept):
            layer.reset()

    @torch.inference_mode()
    def prime(self, codes: Tensor) -> None:
        """Begin a new take after `codes` [n, 16], such as the reference's, whose sound is discarded.

        Only the transformer sees far back; the convolutions hear no more of it than they reach.
        """
        self.reset()
        self._sound(self._latents(codes)[-self._reach() :])

    @torch.inference_mode()
    def push(self, codes: Tensor) -> NDArray[np.float32]:
        """The sound [n * 1920] of the next frames, `codes` [n, 16]: 24 kHz, within -1 to 1."""
        if not len(codes):
            return np.zeros(0, np.float32)
        sound = self._sound(self._latents(codes)).clamp(-1, 1)
        return sound[:, 0].float().cpu().numpy()

    def _add(self, stage: Conv | ConvNeXt | Residual | Snake | Upsample) -> None:
        self._stages.append(stage)
        if isinstance(stage, (Residual, ConvNeXt)):
            self._kept.append(stage.conv)
        elif isinstance(stage, (Conv, Upsample)):
            self._kept.append(stage)

    def _latents(self, codes: Tensor) -> Tensor:
        """[n, latent], all that the sound depends on besides the convolutions' own past."""
        x = self._codebooks(codes.to(self._device).clamp(min=0))
        return self._transformer(self._before(x))

    def _sound(self, x: Tensor) -> Tensor:
        for stage in self._stages:
            x = stage(x)
        return x

    def _reach(self) -> int:
        """The frames that the convolutions after the transformer reach back."""
        frames, rate = 0.0, 1
        for layer in self._kept:
            frames += layer.reach / rate
            rate *= layer.stride
        return math.ceil(frames) + 1


class Codebooks:
    """The quantizer: codes [n, 16] to the sum of their vectors [n, codebook_dim]."""

    def __init__(self, quantizer: Any, dtype: torch.dtype) -> None:
        """`quantizer`: a SplitResidualVectorQuantizer."""
        parts = (quantizer.rvq_first, quantizer.rvq_rest)
        self._tables = [[_table(layer._codebook) for layer in part.vq.layers] for part in parts]
        self._out = [Dense(dtype, part.output_proj) for part in parts]
        self.device = self._tables[0][0].device

    def __call__(self, codes: Tensor) -> Tensor:
        columns = iter(codes.unbind(1))
        sums = []
        for tables, out in zip(self._tables, self._out, strict=True):
            vectors = [functional.embedding(next(columns), table) for table in tables]
            sums.append(out(torch.stack(vectors).sum(0)))
        return sums[0] + sums[1]


def _table(codebook: Any) -> Tensor:
    """[codes, dim] float32: training keeps a sum of vectors and their number."""
    usage = codebook.cluster_usage.detach().float().clamp(min=codebook.epsilon)
    return codebook.embedding_sum.detach().float() / usage[:, None]
