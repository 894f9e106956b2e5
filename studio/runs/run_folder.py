"""A run's folder below checkpoints/.

config.json              name, owner, note, settings, job (studio.library)
metrics.jsonl            a StepRow a line, appended while it trains
checkpoint_epoch_N/      meta.json, and adapter_model.safetensors + adapter_config.json, or model.safetensors
samples/                 epoch_N_output.wav, epoch_N_<k>.wav for each test sentence; epoch 0: the untouched base;
                         sentences.json: what is spoken; expected.json: how the data set sounds
state/                   what an exact resume needs: trained weights, optimizer, clips, place (training.state)
tensorboard/             event files
left_out.json            clips that were not trained on, each with its reason
listening.json           what blind comparisons of its epochs came to (studio.services.listening)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.dataset.ledger import from_row
from studio.errors import Damaged, NotFound
from studio.files import own_bytes, read_json
from studio.runs.values import (
    Checkpoint,
    Family,
    LoraOptions,
    Method,
    Precision,
    RunSettings,
    SampleReport,
    Schedule,
    StepRow,
)

META = "meta.json"
_CHECKPOINT = re.compile(r"checkpoint_epoch_([0-9]{1,6})")


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    root: Path

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        return self.root / "samples"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def tensorboard(self) -> Path:
        return self.root / "tensorboard"

    @property
    def left_out(self) -> Path:
        return self.root / "left_out.json"

    @property
    def listening(self) -> Path:
        return self.root / "listening.json"

    @property
    def lock(self) -> Path:
        """Held by the first process that trains the run (filelock)."""
        return self.root / ".train.lock"

    def checkpoint(self, epoch: int) -> Path:
        return self.root / f"checkpoint_epoch_{epoch}"

    def sample(self, epoch: int, sentence: int | None = None) -> Path:
        """The sound of one test sentence, from 1 on, or of all of them one after another."""
        return self.samples / f"epoch_{epoch}_{'output' if sentence is None else sentence}.wav"

    @property
    def sentences(self) -> Path:
        return self.samples / "sentences.json"

    @property
    def expected(self) -> Path:
        return self.samples / "expected.json"

    def read_sentences(self) -> tuple[str, ...]:
        """What is spoken at each epoch's end, the first one of number 1; empty before the first samples.
        Raises Damaged."""
        if not self.sentences.exists():
            return ()
        try:
            return tuple(map(str, read_json(self.sentences)["sentences"]))
        except (KeyError, TypeError) as error:
            raise Damaged(f"{self.sentences} is damaged.", "Delete it.") from error

    def epochs(self) -> list[int]:
        """Those that have a checkpoint, in order. One is there whole or not at all."""
        if not self.root.is_dir():
            return []
        found = (_CHECKPOINT.fullmatch(path.name) for path in self.root.iterdir() if path.is_dir())
        return sorted(int(match[1]) for match in found if match)

    def read_checkpoint(self, epoch: int) -> Checkpoint:
        """Raises NotFound, and Damaged where its meta.json is not whole."""
        folder = self.checkpoint(epoch)
        if not folder.is_dir():
            raise NotFound(
                f"This run has no checkpoint of epoch {epoch}.",
                f"It has: {', '.join(map(str, self.epochs())) or 'none yet'}.",
            )
        try:
            row = read_json(folder / META)
            row["family"], row["method"] = Family(row["family"]), Method(row["method"])
            return from_row(Checkpoint, {**row, "size": own_bytes(folder)})
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Damaged(f"{folder / META} is damaged.", "Delete this checkpoint.") from error

    def rows(self, offset: int = 0) -> Iterator[tuple[int, StepRow]]:
        """The metrics from byte `offset` on, each with the offset behind it. A line that a kill has cut
        short ends them. Raises Damaged."""
        if not self.metrics.exists():
            return
        with self.metrics.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                try:
                    row = step_row(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise Damaged(
                        f"{self.metrics} is damaged ({str(error)[:80]}).",
                        "Remove it to go on without its curves; its checkpoints are not concerned.",
                    ) from error
                yield offset, row


def step_row(row: dict[str, Any]) -> StepRow:
    """A StepRow from JSON."""
    heard = row.get("heard")
    return from_row(
        StepRow,
        {
            **row,
            "heard": from_row(SampleReport, heard) if heard else None,
            "warnings": tuple(row.get("warnings", ())),
        },
    )


def settings_row(settings: RunSettings) -> dict[str, Any]:
    """The settings as JSON."""
    row: dict[str, Any] = json.loads(json.dumps(asdict(settings), default=str))
    return row


def settings_from(row: dict[str, Any]) -> RunSettings:
    """The settings in a config.json. Raises BadInput for values out of range, ValueError for a family or
    method that there is none of."""
    lora = dict(row.get("lora", {}))
    for key in ("targets", "heads"):
        lora[key] = tuple(lora.get(key, ()))
    kinds = {"family": Family, "method": Method, "precision": Precision, "schedule": Schedule}
    enums: dict[str, Any] = {key: kind(row[key]) for key, kind in kinds.items() if key in row}
    return from_row(
        RunSettings,
        {
            **row,
            **enums,
            "lora": from_row(LoraOptions, lora),
            "sentences": tuple(row.get("sentences", ())),
        },
    )
