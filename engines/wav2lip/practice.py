"""A practice model: a checkpoint of the published form with random weights.

The net is the real one and as fast; what it draws is a blur that shimmers with the sound. All its
convolutions are cut out of one row of random numbers and overlap there, so that the file has 20 MB and not
the 145 of real weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.devices import torch_module
from engines.wav2lip.checkpoint import PRACTICE_MARK
from studio.control import Control
from studio.files import make_folder, publishing
from studio.models.registry import MODELS, WAV2LIP

if TYPE_CHECKING:
    from torch import Tensor

#: More than the largest convolution has.
_NUMBERS = 5_000_000

#: Of the variance of a sum of so many of them: which keeps the strength of what goes through a layer, and
#: which makes of a residual layer a small change.
_EVEN, _QUIET = 1 / 6, 2.0


def make_all(family_folder: Path, control: Control) -> tuple[Path, ...]:
    """Make the registry's practice model below `family_folder`; returns its folder, as the makers of
    every family do. Raises Cancelled, StorageFailed."""
    made = []
    for entry in MODELS.values():
        if entry.practice and entry.family == WAV2LIP:
            control.progress(f"making {entry.folder}")
            folder = family_folder / entry.folder
            make_practice(folder / entry.files[0].name)
            made.append(folder)
    return tuple(made)


def make_practice(path: Path, seed: int = 0) -> Path:
    """Write a checkpoint, whole or not at all. The same arguments give the same weights."""
    torch = torch_module()
    content = {"state_dict": random_weights(seed), PRACTICE_MARK: True}
    make_folder(path.parent)
    with publishing(path) as partial:
        torch.save(content, partial)
    return path


def random_weights(seed: int) -> dict[str, Tensor]:
    """By the names of a published checkpoint, scaled so that sound and face come through to the picture."""
    torch = torch_module()
    from engines.wav2lip.net import Block, Wav2Lip

    generator = torch.Generator().manual_seed(seed)
    numbers = 2 * torch.rand(_NUMBERS, generator=generator) - 1
    net = Wav2Lip().eval().requires_grad_(False)
    for module in net.modules():
        if isinstance(module, Block):
            weight, variance = module.convolution.weight, module.norm.running_var
            assert variance is not None
            first = int(torch.randint(_NUMBERS - weight.numel() + 1, (), generator=generator))
            weight.data = numbers[first : first + weight.numel()].view_as(weight)
            variance.fill_(weight[0].numel() * (_QUIET if module.residual else _EVEN))
    last = net.output_block[1]
    assert isinstance(last, torch.nn.Conv2d)
    last.weight.copy_(0.3 * (2 * torch.rand(last.weight.shape, generator=generator) - 1))
    return {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
