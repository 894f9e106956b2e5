"""The net of Wav2Lip, written from the description of its layers and not from its authors' code.

A face of which the lower half is blank and the same face whole go in, with 0.2 s of sound; the face comes out
with its mouth as the sound has it. The names of the weights are those of the published checkpoints: 352 of
them, 36.3 million parameters.
Source: Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In The Wild", 2020,
https://arxiv.org/abs/2008.10010
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

#: Pixels, of either side of the square that goes in and comes out.
FACE_SIZE = 96
#: Mel bands and frames of the sound that belongs to a picture.
MEL_BANDS, MEL_FRAMES = 80, 16

#: Is called between layers; raises to stop.
Check = Callable[[], None]


def _go_on() -> None:
    """Nobody wants to stop."""


class Block(nn.Module):
    """Convolution, batch normalisation, the input added where it is residual, ReLU."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, residual: bool = False) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_block(x)
        return (out.add_(x) if self.residual else out).relu_()

    @property
    def convolution(self) -> nn.Conv2d | nn.ConvTranspose2d:
        found = self.conv_block[0]
        assert isinstance(found, (nn.Conv2d, nn.ConvTranspose2d))
        return found

    @property
    def norm(self) -> nn.BatchNorm2d:
        """Not there once it is folded."""
        found = self.conv_block[1]
        assert isinstance(found, nn.BatchNorm2d)
        return found

    def fold(self) -> None:
        """Put the normalisation, which is linear once training is over, into the convolution."""
        convolution, norm = self.convolution, self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
            transpose=isinstance(convolution, nn.ConvTranspose2d),
        )
        self.conv_block = nn.Sequential(convolution)


def _conv(
    inner: int, outer: int, kernel: int, stride: int | tuple[int, int] = 1, padding: int = 0
) -> Block:
    return Block(nn.Conv2d(inner, outer, kernel, stride, padding))


def _same(channels: int, count: int) -> list[Block]:
    """Residual blocks that keep width and size."""
    return [Block(nn.Conv2d(channels, channels, 3, 1, 1), residual=True) for _ in range(count)]


def _halving(inner: int, outer: int, same: int) -> nn.Sequential:
    return nn.Sequential(_conv(inner, outer, 3, 2, 1), *_same(outer, same))


def _doubling(inner: int, outer: int) -> nn.Sequential:
    grow = nn.ConvTranspose2d(inner, outer, 3, 2, 1, output_padding=1)
    return nn.Sequential(Block(grow), *_same(outer, 2))


class Wav2Lip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = nn.ModuleList(
            [
                nn.Sequential(_conv(6, 16, 7, 1, 3)),  # 96 x 96
                _halving(16, 32, 2),
                _halving(32, 64, 3),
                _halving(64, 128, 2),
                _halving(128, 256, 2),
                _halving(256, 512, 1),  # 3 x 3
                nn.Sequential(_conv(512, 512, 3), _conv(512, 512, 1)),  # 1 x 1
            ]
        )
        self.audio_encoder = nn.Sequential(
            _conv(1, 32, 3, 1, 1),
            *_same(32, 2),
            _conv(32, 64, 3, (3, 1), 1),
            *_same(64, 2),
            _conv(64, 128, 3, 3, 1),
            *_same(128, 2),
            _conv(128, 256, 3, (3, 2), 1),
            *_same(256, 1),
            _conv(256, 512, 3),
            _conv(512, 512, 1),
        )
        self.face_decoder_blocks = nn.ModuleList(
            [
                nn.Sequential(_conv(512, 512, 1)),  # 1 x 1
                nn.Sequential(Block(nn.ConvTranspose2d(1024, 512, 3)), *_same(512, 1)),
                _doubling(1024, 512),
                _doubling(768, 384),
                _doubling(512, 256),
                _doubling(320, 128),
                _doubling(160, 64),  # 96 x 96
            ]
        )
        self.output_block = nn.Sequential(_conv(80, 32, 3, 1, 1), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, sounds: Tensor, faces: Tensor, check: Check = _go_on) -> Tensor:
        """`sounds` [n, 1, 80, 16] as engines.wav2lip.mel has them, `faces` [n, 6, 96, 96]: BGR in [0, 1] with
        the lower half blank, then whole. Gives [n, 3, 96, 96], BGR in [0, 1]."""
        return self.draw(sounds, self.look(faces, check), check)

    def look(self, faces: Tensor, check: Check = _go_on) -> list[Tensor]:
        """What is seen of `faces`, from fine to coarse: [n, 16, 96, 96] to [n, 512, 1, 1]."""
        seen: list[Tensor] = []
        for stage in self.face_encoder_blocks:
            check()
            faces = stage(faces)
            seen.append(faces)
        return seen

    def draw(self, sounds: Tensor, seen: Sequence[Tensor], check: Check = _go_on) -> Tensor:
        """The faces, of what `look` has `seen` of as many."""
        drawn: Tensor = self.audio_encoder(sounds)
        for stage, kept in zip(self.face_decoder_blocks, reversed(seen), strict=True):
            check()
            drawn = torch.cat((stage(drawn), kept), dim=1)
        check()
        made: Tensor = self.output_block(drawn)
        return made

    def fold(self) -> None:
        """Make the net smaller and faster for good; it must be in eval mode. The same but for rounding."""
        for module in self.modules():
            if isinstance(module, Block):
                module.fold()
