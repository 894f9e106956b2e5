"""Training at the published sizes on a graphics card, in bfloat16: XTTS and the smaller Qwen3-TTS, with random
weights."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.report import Table, figure
from benchmarks.training_data import seconds_like_lj, speak_set
from benchmarks.training_processes import Trainer, in_turn, start_from
from benchmarks.training_run import Task, prepare, train_ours
from benchmarks.training_work import operations, peak_of, positions
from engines.devices import torch_module
from studio.runs.shapes import Shape, shape_of
from studio.runs.values import Family, LoraOptions, Method, Precision

CLIPS, BATCH, ROUNDS = 192, 16, 3

_LABELS = {Family.XTTS: "XTTS, 464 M", Family.QWEN: "Qwen3-TTS, 0.6B"}


def measured_on_card(folder: Path) -> tuple[Table | None, str]:
    """The table, and a sentence on it; no table where there is no card."""
    cuda = torch_module().cuda
    if not cuda.is_available():
        return None, (
            "No graphics card was there. Where one is, models of the published sizes are trained on it in "
            "bfloat16, for tokens a second and the share of the card's peak (MFU); benchmarks/training_work.py "
            "says what is counted."
        )
    name = cuda.get_device_name(0)
    task = Task(folder / "card", BATCH, ROUNDS + 1, "cuda", Precision.BFLOAT16, published=True)
    table = table_of(task, CLIPS, peak_of(name))
    share = (
        "MFU is the share of the bfloat16 peak on its data sheet"
        if peak_of(name)
        else "its peak is not known"
    )
    return table, (
        f"On {name}, batches of {BATCH} of {CLIPS} clips like those above, random weights of the published "
        f"sizes, medians of {ROUNDS} rounds; tokens are positions of the language model without padding; {share}, "
        "by the counting in benchmarks/training_work.py; memory is the most that was allocated."
    )


def table_of(task: Task, clips: int, peak: float | None) -> Table:
    """Of both families and methods at `task`, whose folder is made."""
    task.folder.mkdir()
    # Each process begins anew: one that is forked could not use the card.
    start = start_from(task.folder)
    with start("models", prepare, task, tuple(Family)) as models:
        speak_set(task.data, seconds_like_lj(clips))
        models.ready()
    rows = []
    for family in Family:
        shape = shape_of(task.base(family), family)
        for method in Method:
            name = f"{_LABELS[family]}, {'full' if method is Method.FULL else 'LoRA'}"
            # One at a time, for each takes much of the card's memory.
            way = in_turn({name: start(name, train_ours, task, family, method)}, task.rounds)[name]
            rows.append(_row(way, shape, method, peak))
    columns = ("on a card", "tokens/s", "clips/s", "10^12 operations/s", "memory, MB", "MFU, %")
    return Table(columns if peak else columns[:-1], tuple(rows))


def _row(way: Trainer, shape: Shape, method: Method, peak: float | None) -> tuple[str, ...]:
    lengths = way.left.lengths
    seconds = statistics.median(each.seconds for each in way.rounds)
    tokens = sum(positions(shape.family, *length) for length in lengths) / seconds
    speed = operations(shape, method, LoraOptions(), lengths) / seconds
    row = (
        way.name,
        figure(tokens, 0),
        figure(len(lengths) / seconds, 1),
        figure(speed / 1e12, 2),
        figure(way.left.card_mb, 0),
    )
    return (*row, figure(100 * speed / peak, 1)) if peak else row
