"""Wav2Lip's net: pictures a second on one core, against a plain loop over the same net with the same weights.

The plain loop is what a port to PyTorch comes to: float32, 128 pictures at once, the net as it was trained
(batch normalisation by itself, tensors in PyTorch's own order), in eval mode without gradients. How it is
measured stands in benchmarks.wav2lip_run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from benchmarks.report import Goal, Options, Report, Table, figure, figures
from engines.devices import torch_module

GOAL_BFLOAT16, GOAL_FLOAT32 = 3.0, 1.5

PLAIN, SMALLER, FOLDED, FLOAT32, BFLOAT16 = "plain", "smaller", "folded", "float32", "bfloat16"
#: The same with a face that stands still.
STILL = {FLOAT32: "float32 still", BFLOAT16: "bfloat16 still"}

#: Each but the last two with what stands above it.
_LABELS = {
    PLAIN: "plain loop, float32",
    SMALLER: "+ smaller batches, which stay in the cache",
    FOLDED: "+ normalisation folded into the convolutions",
    FLOAT32: "+ channels last: ours, float32",
    BFLOAT16: "+ bfloat16: ours, bfloat16",
    STILL[FLOAT32]: "ours, float32, looking once at a face that stands still",
    STILL[BFLOAT16]: "ours, bfloat16, looking once at a face that stands still",
}


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    plain_batch: int
    batch: int
    rounds: int
    parts: int  # how often each of what is done besides


@dataclass(frozen=True)
class Measured:
    """What the run brings."""

    seconds: Mapping[str, float]  # of processor time a picture, by the names above
    batches: Mapping[str, int]
    difference: (
        float | None
    )  # of bfloat16, as engines.wav2lip.loading has it; None: not in this processor
    most: float  # that it may be
    besides: Mapping[str, float]  # milliseconds a picture


SIZE = Size(plain_batch=128, batch=16, rounds=5, parts=200)
QUICK = Size(plain_batch=1, batch=1, rounds=1, parts=1)


def run(options: Options) -> Report:
    size = QUICK if options.quick else SIZE
    torch_module()  # before anything else imports torch
    measured: Measured = import_module("benchmarks.wav2lip_run").measure(size)
    seconds, plain = measured.seconds, measured.seconds[PLAIN]
    rows = [
        (_LABELS[name], str(measured.batches[name]), figure(1 / each, 1), figure(plain / each, 2))
        for name, each in seconds.items()
    ]
    besides = [(what, *figures((each,), 2)) for what, each in measured.besides.items()]
    goals = [_goal(FLOAT32, seconds, GOAL_FLOAT32)]
    notes = [
        f"One core, by processor time; medians of {size.rounds} rounds in turn, after one to warm up. The "
        "weights are those of the practice model, random, in the net of the published size; its speed does not "
        "depend on them. What bfloat16 changes does, and is measured whenever a model is loaded: where it is "
        "more than the goal, float32 is used. The goals of speed are those of the net for any face; a face "
        "that stands still saves it the face encoder besides.",
    ]
    if measured.difference is None:
        notes.append("This processor has no bfloat16: float32 is used.")
    else:
        goals.insert(0, _goal(BFLOAT16, seconds, GOAL_BFLOAT16))
        what = "bfloat16: difference to float32, white being 1"
        goals.append(Goal(what, measured.difference, measured.most, digits=4))
    tables = (
        Table(("the net", "batch", "pictures/s", "times the plain loop"), tuple(rows)),
        Table(("besides, for 1280 x 720 at 25 a second", "ms a picture"), tuple(besides)),
    )
    return Report(tables, tuple(goals), tuple(notes))


def _goal(name: str, seconds: Mapping[str, float], times: float) -> Goal:
    share = seconds[name] / seconds[PLAIN]
    return Goal(f"{name}: time a picture, of the plain loop's", share, round(1 / times, 3), "times", 3)
