"""From a checkpoint on the disk to a net that is ready, as fast as this machine calculates it truly."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from engines.base import Placement
from engines.devices import cpu_has_bfloat16
from engines.memory import memory_limit
from engines.wav2lip.checkpoint import NoWeights, Weights, read_weights
from engines.wav2lip.net import FACE_SIZE, MEL_BANDS, MEL_FRAMES, Wav2Lip
from studio.errors import EngineFailed
from studio.models.registry import ModelEntry

#: How far pictures from shorter numbers may be from those in float32, where black is 0 and white 1: so near
#: must all but one in a thousand of their values be.
MAX_DIFFERENCE = 0.01
_NEARLY_ALL = 0.999

#: Pictures at once, where nothing else is asked for. More are no faster on a processor: they leave its cache.
CPU_BATCH, GPU_BATCH = 16, 128


@dataclass(frozen=True)
class Loaded:
    """A net in memory, and what is kept for scenes."""

    key: str
    net: Wav2Lip
    placement: Placement  # where it really is, in which numbers, and why
    practice: bool  # random weights
    #: What it sees of faces that stand still; engines.wav2lip.animation fills it.
    kept: dict[tuple[object, ...], list[Tensor]] = field(default_factory=dict)

    @property
    def dtype(self) -> torch.dtype:
        return next(self.net.parameters()).dtype

    @property
    def batch_size(self) -> int:
        return CPU_BATCH if self.placement.device == "cpu" else GPU_BATCH


def load(entry: ModelEntry, folder: Path, placement: Placement) -> Loaded:
    """The model of `folder` on `placement`'s device. Raises EngineFailed naming the remedy, OutOfMemory."""
    path = entry.files[0].path(folder)
    assert path is not None, "a model that was not looked at"
    try:
        weights = read_weights(path)
        net = net_of(weights)
    except (NoWeights, OSError) as error:
        reason = error if isinstance(error, NoWeights) else f"cannot be read: {error.strerror}"
        again = f"practice {entry.engine}" if entry.practice else f"download {entry.key}"
        raise EngineFailed(
            f"{path.name} {reason}.",
            f"Delete it (python app.py models delete {entry.key} --yes) and get it again: "
            f"python app.py models {again}",
        ) from error
    with memory_limit(
        f"There is not enough memory on {placement.device} for {entry.label}.",
        "Close what else uses it, or set TIMBRE_DEVICE=cpu.",
    ):
        net.fold()
        # Pixel by pixel, as convolutions read them fastest.
        net.to(placement.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        net, placement = _fastest(net, placement)
    return Loaded(entry.key, net, placement, weights.practice)


def net_of(weights: Weights) -> Wav2Lip:
    """The net with `weights`, in float32, as it was trained. Raises NoWeights for those of another net."""
    with torch.device("meta"):  # without memory: the weights bring it
        net = Wav2Lip()
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.tensors.items()}
    if wanted != given:
        right = sum(given.get(name) == shape for name, shape in wanted.items())
        raise NoWeights(
            f"is a checkpoint of another net: {right} of Wav2Lip's {len(wanted)} weights are in it, and "
            f"{len(given.keys() - wanted.keys())} that Wav2Lip does not have"
        )
    net.load_state_dict(weights.tensors, assign=True)
    net.float().eval().requires_grad_(False)
    if not all(bool(tensor.isfinite().all()) for tensor in net.state_dict().values()):
        raise NoWeights("is damaged: some of its weights are not numbers")
    return net


def _fastest(net: Wav2Lip, placement: Placement) -> tuple[Wav2Lip, Placement]:
    """`net` in the shorter numbers that `placement` asks for, where they are faster and true enough."""
    placement = replace(placement, warning="")  # it keeps up with speech on most processors
    on_cpu = placement.device == "cpu"
    if placement.dtype == "float32":
        return net, placement
    if on_cpu and not cpu_has_bfloat16(torch):
        return net, _exact(placement, "the processor has no bfloat16")
    dtype = torch.float16 if placement.dtype == "float16" else torch.bfloat16
    short = copy.deepcopy(net).to(dtype)
    off = difference(net, short)
    name = str(dtype).removeprefix("torch.")
    if not off < MAX_DIFFERENCE:  # neither is what is not a number
        why = f"in {name} its pictures are {100 * off:.1f} % off, more than {100 * MAX_DIFFERENCE:g} %"
        return net, _exact(placement, why)
    reason = f"{placement.reason}; Wav2Lip's pictures are {100 * off:.1f} % off those in float32"
    return short, replace(placement, dtype=name, reason=reason)


def _exact(placement: Placement, why: str) -> Placement:
    reason = f"{placement.reason}; but Wav2Lip in float32: {why}"
    return replace(placement, dtype="float32", reason=reason)


def difference(net: Wav2Lip, other: Wav2Lip) -> float:
    """How far the pictures of two nets are apart for a fixed probe, as MAX_DIFFERENCE has it."""
    pictures = []
    for each in (net, other):
        parameter = next(each.parameters())
        sounds, faces = (
            tensor.to(parameter.device, parameter.dtype, memory_format=torch.channels_last)
            for tensor in _probe()
        )
        with torch.inference_mode():
            pictures.append(each(sounds, faces).float())
    return float((pictures[0] - pictures[1]).abs().flatten().quantile(_NEARLY_ALL))


def _probe() -> tuple[Tensor, Tensor]:
    """Sounds and faces as smooth as real ones are, drawn from a fixed seed."""
    generator = torch.Generator().manual_seed(0)

    def smooth(channels: int, coarse: tuple[int, int], size: tuple[int, int]) -> Tensor:
        drawn = torch.rand(4, channels, *coarse, generator=generator)
        return torch.nn.functional.interpolate(drawn, size, mode="bicubic").clamp(0, 1)

    sounds = 8 * smooth(1, (10, 4), (MEL_BANDS, MEL_FRAMES)) - 4
    faces = smooth(3, (12, 12), (FACE_SIZE, FACE_SIZE))
    return sounds, torch.cat((blank_below(faces), faces), dim=1)


def blank_below(faces: Tensor) -> Tensor:
    """Faces [n, c, FACE_SIZE, FACE_SIZE] without their lower half, which the net is to draw."""
    blank = faces.clone()
    blank[:, :, FACE_SIZE // 2 :] = 0
    return blank
