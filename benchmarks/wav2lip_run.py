"""The measurements of benchmarks.wav2lip."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.wav2lip import BFLOAT16, FLOAT32, FOLDED, PLAIN, SMALLER, STILL, Measured, Size
from engines.devices import cpu_has_bfloat16
from engines.wav2lip import mel
from engines.wav2lip.checkpoint import read_weights
from engines.wav2lip.crops import Pads, face_in, put_back, region_of
from engines.wav2lip.loading import MAX_DIFFERENCE, blank_below, difference, net_of
from engines.wav2lip.net import FACE_SIZE, MEL_BANDS, MEL_FRAMES, Wav2Lip
from engines.wav2lip.practice import make_practice
from studio.video.types import Face, Landmarks, Point


@dataclass(frozen=True)
class _Way:
    """One way to draw `batch` pictures."""

    batch: int
    draw: Callable[[], Tensor]


def measure(size: Size) -> Measured:
    with _one_thread(), torch.no_grad():
        nets = _nets()
        ways = _ways(nets, size)
        return Measured(
            _measured(ways, size.rounds),
            {name: way.batch for name, way in ways.items()},
            difference(nets[FLOAT32], nets[BFLOAT16]) if BFLOAT16 in nets else None,
            MAX_DIFFERENCE,
            _besides(size.parts),
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _nets() -> Mapping[str, Wav2Lip]:
    with tempfile.TemporaryDirectory() as folder:
        weights = read_weights(make_practice(Path(folder) / "practice.pth"))
        plain = copy.deepcopy(net_of(weights))  # in memory of its own, before the file goes
    folded = copy.deepcopy(plain)
    folded.fold()
    exact = copy.deepcopy(folded)
    exact.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    nets = {PLAIN: plain, SMALLER: plain, FOLDED: folded, FLOAT32: exact}
    if cpu_has_bfloat16(torch):
        nets[BFLOAT16] = copy.deepcopy(exact).to(torch.bfloat16)
    return nets


def _ways(nets: Mapping[str, Wav2Lip], size: Size) -> dict[str, _Way]:
    ways = {
        name: _drawing(net, size.plain_batch if name == PLAIN else size.batch)
        for name, net in nets.items()
    }
    still = {STILL[name]: _drawing(nets[name], size.batch, True) for name in STILL if name in nets}
    return ways | still


def _drawing(net: Wav2Lip, batch: int, still: bool = False) -> _Way:
    weight = net.face_encoder_blocks[1][0].conv_block[0].weight  # type: ignore[index]
    last = weight.is_contiguous(memory_format=torch.channels_last)
    order = torch.channels_last if last else torch.contiguous_format
    generator = torch.Generator().manual_seed(0)
    whole = torch.rand(batch, 3, FACE_SIZE, FACE_SIZE, generator=generator)
    faces = torch.cat((blank_below(whole), whole), dim=1).to(weight.dtype, memory_format=order)
    sounds = (8 * torch.rand(batch, 1, MEL_BANDS, MEL_FRAMES, generator=generator) - 4).to(weight.dtype)
    if not still:
        return _Way(batch, lambda: net(sounds, faces))
    seen = [
        each.expand(batch, -1, -1, -1).contiguous(memory_format=order) for each in net.look(faces[:1])
    ]
    return _Way(batch, lambda: net.draw(sounds, seen))


def _measured(ways: Mapping[str, _Way], rounds: int) -> dict[str, float]:
    """Seconds of processor time a picture, the median of the rounds after one to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            way.draw()
            if number:
                taken[name].append((time.process_time() - began) / way.batch)
    return {name: statistics.median(each) for name, each in taken.items()}


def _besides(count: int) -> dict[str, float]:
    """Milliseconds of what else is done for a picture, with a face of 280 pixels."""
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (720, 1280, 3), np.uint8)
    drawn = generator.random((FACE_SIZE, FACE_SIZE, 3), np.float32) * 255
    nowhere = Point(0, 0)
    face = Face(400, 200, 680, 500, Landmarks(nowhere, nowhere, nowhere, nowhere, nowhere))
    region = region_of(face, (1280, 720), Pads())
    second = generator.standard_normal(mel.RATE).astype(np.float32) * 0.1

    def milliseconds(work: Callable[[], object]) -> float:
        work()
        began = time.process_time()
        for _ in range(count):
            work()
        return 1000 * (time.process_time() - began) / count

    return {
        "the sound's spectra": milliseconds(lambda: list(mel.mels([second]))) / 25,
        "cutting the face out": milliseconds(lambda: face_in(picture, region)),
        "putting it back": milliseconds(lambda: put_back(picture, region, drawn, 0.1)),
    }
