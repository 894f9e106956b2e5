"""States of the language model to sound as they come: XTTS's HiFi-GAN over a window.

`Xtts.inference_stream` decodes all states again for each chunk, so that a part of twice the length takes
four times as long, and blends the chunks. A sample of HiFi-GAN depends on a few frames around it
only: here each chunk is decoded with those, and what comes out is the sound of all states at once,
but for the last bits of its numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import parametrize


class StreamingVocoder:
    """Decodes one part after another. `decoder`: a TTS.tts.layers.xtts.hifigan_decoder.HifiDecoder."""

    def __init__(self, decoder: Any) -> None:
        self._generator = decoder.waveform_decoder
        self._device = decoder.device
        #: Samples of a frame, 94 frames a second.
        self._hop: int = decoder.output_hop_length
        # From states to frames in two steps, as HifiDecoder.forward takes them.
        self._stretches = [decoder.ar_mel_length_compression / decoder.output_hop_length]
        if decoder.output_sample_rate != decoder.input_sample_rate:
            self._stretches.append(decoder.output_sample_rate / decoder.input_sample_rate)
        self._reach = reach(self._generator)
        self._voice = torch.empty(0)
        self.begin(torch.zeros(1, 0, 1))

    def begin(self, voice: Tensor, speed: float = 1.0) -> None:
        """Begin a new part in `voice`, a speaker embedding [1, 512, 1]; speed 2 is twice as fast."""
        self._voice = voice.to(self._device)
        self._before = [1.0 / speed] if speed != 1.0 else []
        self._states: list[Tensor] = []
        self._spoken = 0  # frames

    @torch.inference_mode()
    def push(self, states: list[Tensor], last: bool = False) -> NDArray[np.float32]:
        """The sound [n], float32 within -1 to 1, that is settled with these further states [1, dim];
        with the `last` ones all that is left. Some 0.2 s wait for what follows."""
        self._states += states
        if not self._states:
            return np.zeros(0, np.float32)
        # All of it, since interpolating is next to nothing beside the convolutions.
        frames, settled = torch.cat(self._states).t()[None], len(self._states)
        for stretch in (*self._before, *self._stretches):
            frames = functional.interpolate(frames, scale_factor=stretch, mode="linear")
            settled = max(0, math.floor((settled - 0.5) * stretch - 0.5))
        total = frames.shape[2]
        end = total if last else min(total, settled) - self._reach
        if end <= self._spoken:
            return np.zeros(0, np.float32)
        begin = max(0, self._spoken - self._reach)
        window = frames[:, :, begin : min(total, end + self._reach)]
        sound = self._generator(window, g=self._voice)[0, 0]
        sound = sound[(self._spoken - begin) * self._hop : (end - begin) * self._hop]
        self._spoken = end
        return sound.float().cpu().numpy()


def reach(generator: Any) -> int:
    """How many frames a sample of a HifiganGenerator depends on, before its own and after it."""
    frames, rate = _half_width(generator.conv_pre), 1.0
    stages = len(generator.ups)
    blocks = len(generator.resblocks) // stages
    for stage, upsample in enumerate(generator.ups):
        frames += math.ceil(upsample.kernel_size[0] / upsample.stride[0]) / rate
        rate *= upsample.stride[0]
        widest = max(
            sum(_half_width(conv) for conv in (*block.convs1, *block.convs2))
            for block in generator.resblocks[stage * blocks : (stage + 1) * blocks]
        )
        frames += widest / rate
    return math.ceil(frames + _half_width(generator.conv_post) / rate) + 1


def _half_width(conv: Any) -> float:
    return float((conv.kernel_size[0] - 1) // 2 * conv.dilation[0])


def without_weight_norm(module: Any) -> None:
    """Let every layer of `module` keep its weight itself. The decoder is published with the weights'
    lengths and directions apart, for training, and would join them for every chunk."""
    for layer in module.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")
