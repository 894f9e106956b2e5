"""The clips of a run: chosen and encoded once, when it begins, and the same in every attempt."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from studio.control import Control
from studio.dataset.ledger import from_row
from studio.dataset.metadata import Row
from studio.dataset.splitting import EVAL, TRAIN
from studio.errors import BadInput, Damaged
from studio.files import read_json, write_json
from studio.runs.values import RunSettings
from training.family import Example, LeftOut, TrainingFamily

#: The eval loss is taken over at most so many clips.
_MOST_EVAL = 200
#: Where no recording is set aside, one clip in so many is, of sets that have at least so many.
_HELD_BACK = 20
_FEWEST_TO_HOLD_BACK = 20


@dataclass(frozen=True)
class Clips:
    """What a run is trained on and measured by."""

    train: tuple[Example, ...]
    eval: tuple[Example, ...]
    rows: tuple[Row, ...]  # of both, one after the other, with absolute audio files
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def speaker(self) -> str:
        """Who is heard most."""
        return _commonest(example.speaker for example in self.train)

    @property
    def language(self) -> str:
        return _commonest(example.language for example in self.train)

    @property
    def voices(self) -> Mapping[str, Sequence[Example]]:
        """The training clips of each speaker; those set aside where there are no others."""
        voices: dict[str, list[Example]] = {}
        for example in self.train:
            voices.setdefault(example.speaker, []).append(example)
        known = set(voices)
        for example in self.eval:
            if example.speaker not in known:
                voices.setdefault(example.speaker, []).append(example)
        return voices

    def name(self, number: int) -> str:
        """The file of a training clip."""
        return Path(self.rows[number].audio).name

    @property
    def there(self) -> bool:
        """Whether everything that was encoded still is in the cache."""
        return all(example.path.is_file() for example in (*self.train, *self.eval))


def encoded(
    family: TrainingFamily,
    rows: Sequence[Row],
    root: Path,
    settings: RunSettings,
    cache: Path,
    control: Control,
) -> Clips:
    """Choose among `rows`, whose files are named relative to the data set at `root`, and encode them.

    Raises BadInput where nothing is left to train on.
    """
    train, aside, notes = _chosen(rows, settings)
    wanted = tuple(_absolute(row, root) for row in (*train, *aside))
    result = family.encode(wanted, cache, control)
    names = {row.audio: name.audio for row, name in zip(wanted, (*train, *aside), strict=True)}
    left_out = tuple(replace(each, audio=names.get(each.audio, each.audio)) for each in result.left_out)
    lost = {each.audio for each in result.left_out}
    kept = [row for row in wanted if row.audio not in lost]
    of_train = sum(row.audio not in lost for row in wanted[: len(train)])
    if not of_train:
        reason = f" The first, {left_out[0].audio}: {left_out[0].reason}" if left_out else ""
        raise BadInput(
            f"None of the {len(train)} clips of this data set can be trained on.{reason}",
            "Choose another data set, or build it again for this family of models.",
        )
    examples = result.examples
    return Clips(examples[:of_train], examples[of_train:], tuple(kept), left_out, tuple(notes))


def read_clips(path: Path) -> Clips | None:
    """The clips that write_clips() has kept; None where it has not. Raises Damaged."""
    if not path.exists():
        return None
    try:
        content = read_json(path)
        return Clips(
            tuple(_example(row) for row in content["train"]),
            tuple(_example(row) for row in content["eval"]),
            tuple(from_row(Row, row) for row in content["rows"]),
            tuple(from_row(LeftOut, row) for row in content["left_out"]),
            tuple(content["notes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} is damaged.", "Delete it: the clips are then encoded again.") from error


def write_clips(path: Path, clips: Clips) -> None:
    """Raises StorageFailed."""
    content: dict[str, Any] = asdict(clips)
    for row in (*content["train"], *content["eval"]):
        row["path"] = str(row["path"])
    write_json(path, content)


def _chosen(rows: Sequence[Row], settings: RunSettings) -> tuple[list[Row], list[Row], list[str]]:
    """Rows to train on and to measure by, each in the data set's order, and what is to be said of it."""
    train = [row for row in rows if row.split == TRAIN]
    aside = _some([row for row in rows if row.split == EVAL], _MOST_EVAL, settings.seed)
    notes = []
    if settings.max_train_samples is not None and len(train) > settings.max_train_samples:
        notes.append(f"{settings.max_train_samples} of {len(train)} clips are trained on, as you chose.")
        train = _some(train, settings.max_train_samples, settings.seed)
    if not aside and len(train) >= _FEWEST_TO_HOLD_BACK:
        aside = _some(train, max(2, len(train) // _HELD_BACK), settings.seed)
        held = {row.audio for row in aside}
        train = [row for row in train if row.audio not in held]
        notes.append(
            f"No recording of this data set is set aside, so {len(aside)} of its clips are, for the eval loss."
        )
    elif not aside:
        notes.append(f"There is no eval loss: {len(train)} clips are too few to set some of them aside.")
    return train, aside, notes


def _some(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """`count` of them by chance, in their order."""
    if len(rows) <= count:
        return list(rows)
    numbers = random.Random(f"clips:{seed}").sample(range(len(rows)), count)
    return [rows[number] for number in sorted(numbers)]


def _absolute(row: Row, root: Path) -> Row:
    reference = str(root / row.ref_audio) if row.ref_audio else ""
    return replace(row, audio=str(root / row.audio), ref_audio=reference)


def _example(row: Mapping[str, Any]) -> Example:
    return from_row(Example, {**row, "path": Path(row["path"])})


def _commonest(values: Any) -> str:
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0][0] if counted else ""
