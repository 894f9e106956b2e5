"""Fine-tuning: how fast it is and what it takes, against Coqui's own trainer on the same model and clips.

Each way of training has a process of its own; they train a round each, in turn. See benchmarks.training_run.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Goal, Options, Report, Table, figure, figures
from benchmarks.training_card import measured_on_card
from benchmarks.training_coqui import train_coqui
from benchmarks.training_data import seconds_like_lj, speak_set, steps_like_lj
from benchmarks.training_models import published_shape
from benchmarks.training_processes import Trainer, in_turn, start_from
from benchmarks.training_run import Task, prepare, train_ours
from studio.runs.shapes import shape_of
from studio.runs.values import Family, LoraOptions, Method
from training.batches import EpochPlan, padding, plan

GOAL_TIME = 1.0
GOAL_CHECKPOINT = 0.01
GOAL_PADDING = 0.05

COQUI, FULL, LORA = "Coqui's Trainer, XTTS", "XTTS, full", "XTTS, LoRA"
QWEN_FULL, QWEN_LORA = "Qwen3-TTS, full", "Qwen3-TTS, LoRA"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    clips: int
    batch: int
    longest_s: float  # of them
    rounds: int  # besides one to warm up
    planned: tuple[int, ...]  # clips of the sets whose padding is planned
    families: tuple[Family, ...] = (Family.XTTS,)
    methods: tuple[Method, ...] = (Method.LORA,)
    card: bool = False


SIZE = Size(64, 4, 11.0, 5, (240, 1000), tuple(Family), (Method.FULL, Method.LORA), card=True)
QUICK = Size(2, 2, 1.1, 1, (240,))


def run(options: Options) -> Report:
    size = QUICK if options.quick else SIZE
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ways = _measured(folder, size)
        speed, goals = _speed(ways)
        sizes, more = _sizes(folder, ways)
        planned, last = _padding(size)
        tables = [speed, _ways(ways), sizes, planned]
        card, note = measured_on_card(folder) if size.card else (None, "")
    encoding = 1000 * ways[LORA].left.encoding_s / size.clips
    notes = (
        f"Practice models, float32, one thread, batches of {size.batch} of {size.clips} clips that eSpeak NG "
        f"speaks, as long as those of LJ Speech; medians of {size.rounds} rounds of an epoch each, in turn, "
        f"after one to warm up. Ours encodes each clip once, in {encoding:.0f} ms for XTTS, before it "
        "begins; Coqui's reads and encodes it each time it is trained on. Memory is that of the process, "
        "most of it what all of them have imported.",
        "In the practice model all but the language model has its published size, so Coqui's checkpoint of "
        "the published one is reckoned by adding its language model's weights and their two moments.",
    )
    return Report(
        (*tables, *([card] if card else [])),
        (*goals, *more, last),
        (*notes, *([note] if note else [])),
    )


def _measured(folder: Path, size: Size) -> dict[str, Trainer]:
    """Each way, done with its rounds."""
    task = Task(folder, size.batch, size.rounds + 1)
    start = start_from(folder, imports="benchmarks.training_imports")
    with start("models", prepare, task, size.families) as models:
        seconds = [min(each, size.longest_s) for each in seconds_like_lj(size.clips)]
        speak_set(task.data, seconds)
        models.ready()
    ways = {COQUI: start(COQUI, train_coqui, task)}
    for family in size.families:
        for method in size.methods:
            name = f"{'XTTS' if family is Family.XTTS else 'Qwen3-TTS'}, {_called(method)}"
            ways[name] = start(name, train_ours, task, family, method)
    return in_turn(ways, task.rounds)


def _called(method: Method) -> str:
    return "full" if method is Method.FULL else "LoRA"


def _clip_ms(way: Trainer, alone: bool = False) -> float:
    """Of the median round."""
    return 1000 * statistics.median(
        (each.alone_s if alone else each.seconds) / each.clips for each in way.rounds
    )


def _speed(ways: dict[str, Trainer]) -> tuple[Table, list[Goal]]:
    coqui, rows, goals = ways[COQUI], [], []
    for name in (COQUI, FULL, LORA):
        if name in ways:
            all_ms, alone_ms = _clip_ms(ways[name]), _clip_ms(ways[name], alone=True)
            shares = (all_ms / _clip_ms(coqui), alone_ms / _clip_ms(coqui, alone=True))
            rows.append(
                (
                    name,
                    figure(all_ms, 1),
                    figure(shares[0], 3),
                    figure(alone_ms, 1),
                    figure(shares[1], 3),
                )
            )
            if name != COQUI:
                goals.append(Goal(f"{name}: time a clip against Coqui's", shares[0], GOAL_TIME, "times"))
    columns = ("a clip", "ms", "of Coqui's", "without reading and encoding, ms", "of Coqui's")
    return Table(columns, tuple(rows)), goals


def _ways(ways: dict[str, Trainer]) -> Table:
    rows = []
    for name, way in ways.items():
        step = statistics.median(each.seconds / each.steps for each in way.rounds)
        rows.append(
            (
                name,
                figure(step, 3),
                figure(1000 / _clip_ms(way), 1),
                figure(100 * way.left.padding, 1),
                *figures((way.before_mb, way.highest_mb), 0),
                figure(way.left.checkpoint / 1e6, 2),
            )
        )
    columns = ("way", "step, s", "clips/s", "padding, %", "memory before, MB", "highest, MB")
    return Table((*columns, "checkpoint, MB"), tuple(rows))


def _sizes(folder: Path, ways: dict[str, Trainer]) -> tuple[Table, list[Goal]]:
    """Of checkpoints; those of the published model are reckoned."""
    task = Task(folder, 0, 0)
    tiny = shape_of(task.base(Family.XTTS), Family.XTTS)
    published = published_shape(folder / "published", Family.XTTS)
    coqui = ways[COQUI].left.checkpoint
    whole = coqui + 12 * (published.trainable - tiny.trainable)
    adapter = 4 * published.adapter(LoraOptions()) + _VOICE_BYTES
    small = ways[LORA].left.checkpoint
    rows = [
        (COQUI, *figures((coqui / 1e6, whole / 1e6), 1)),
        (LORA, *figures((small / 1e6, adapter / 1e6), 1)),
    ]
    if FULL in ways:
        model = 4 * (published.trainable + published.rest)
        rows.insert(1, (FULL, *figures((ways[FULL].left.checkpoint / 1e6, model / 1e6), 1)))
    goals = [
        Goal("LoRA: checkpoint against Coqui's", small / coqui, GOAL_CHECKPOINT, "times", 4),
        Goal("the same of the published size", adapter / whole, GOAL_CHECKPOINT, "times", 4),
    ]
    return Table(("checkpoint, MB", "practice model", "published, reckoned"), tuple(rows)), goals


#: Of the data set's voice, beside an adapter.
_VOICE_BYTES = 4 * (32 * 1024 + 512)


def _padding(size: Size) -> tuple[Table, Goal]:
    """As planned for large sets; beside it what batches by chance would have."""
    rows, shares = [], []
    for count in size.planned:
        lengths = steps_like_lj(count)
        for batch in (2, 4, 8):
            ours = padding(lengths, plan(lengths, batch, 1, 0, 2))
            shares.append(ours)
            theirs = padding(lengths, _by_chance(count, batch))
            rows.append(
                (f"{count} clips in batches of {batch}", *figures((100 * ours, 100 * theirs), 2))
            )
    goal = Goal("padding, the largest share", 100 * max(shares), 100 * GOAL_PADDING, "%")
    return Table(("padding, %", "by length", "by chance"), tuple(rows)), goal


def _by_chance(count: int, batch: int) -> EpochPlan:
    """The lengths are in no order, so the numbers in theirs are as good as any."""
    numbers: Sequence[int] = range(count)
    return EpochPlan(tuple((tuple(numbers[first : first + batch]),) for first in range(0, count, batch)))
