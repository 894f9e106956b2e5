"""Runs as training leaves them, jobs that have ended, and the Checkpoints tab as the handlers fill it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from studio.jobs import JobStatus
from studio.library_config import Head
from studio.models.trained import ADAPTER, ADAPTER_CONFIG, VOICES, WEIGHTS
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Checkpoint, Family, Method, RunSettings, SampleReport, StepRow
from studio.services.run_values import Run
from studio.services.studio import Studio
from tabs.checkpoints import showing
from tabs.checkpoints.tab import BUTTONS
from tests.asking import ANN, ATTACK
from tests.trained_checkpoints import BASES, settings_of

#: What a fresh page keeps: nothing compared or read.
FRESH = ("", ())


def made(
    studio: Studio,
    name: str,
    settings: RunSettings | None = None,
    epochs: Sequence[int] = (1, 2, 3),
    best: int | None = 2,
    created: float = 1.0,
    owner: str = "ann",
    **more: Any,
) -> Run:
    """A run, Ann's unless it is another's, as training leaves it, with weights that mean nothing."""
    settings = settings or settings_of(Family.XTTS)
    id = f"run-{len(list(studio.workspace.checkpoints.glob('run-*')))}"
    folder = RunFolder(studio.workspace.checkpoints / id)
    folder.root.mkdir(parents=True)
    config = new_config(settings, "Ada reads", "Practice", True) | {"note": ATTACK} | more
    head = Head(KIND, VERSION, name, owner, created, created)
    (folder.root / "config.json").write_text(json.dumps(head.over(config)))
    for epoch in epochs:
        place = folder.checkpoint(epoch)
        place.mkdir()
        weights = ADAPTER if settings.method is Method.LORA else WEIGHTS
        save_file({"x.lora_A.weight": np.zeros((1, 250), np.float32)}, place / weights)
        (place / ADAPTER_CONFIG).write_text('{"peft_type": "LORA", "r": 1, "lora_alpha": 1}')
        (place / VOICES[settings.family]).write_bytes(b"a voice")
        about = Checkpoint(
            *(id, epoch, settings.family, settings.method, BASES[settings.family], 4 * epoch),
            *(2.0, 2.5, 1.0, 0),
            best=epoch == best,
            language="en",
        )
        (place / META).write_text(json.dumps(asdict(about)))
    rows = [StepRow("epoch", 0, 0.0, 0.0, eval_loss=4.0)]
    for epoch in range(1, max(epochs, default=0) + 1):
        first = 4 * epoch - 3
        rows += [StepRow("step", n, n / 4, n / 2, 3.0, {}, 5e-5) for n in range(first, first + 4)]
        heard = SampleReport(agreement=0.9)
        said = (f"Too slow {ATTACK}.",) if epoch == 3 else ()
        rows.append(
            StepRow("epoch", 4 * epoch, epoch, 2 * epoch, 3.0, eval_loss=5 - epoch, heard=heard,
                    warnings=said)
        )  # fmt: skip
    folder.metrics.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    return studio.runs.get(id, owner)


def page(studio: Studio, run: Run | None, epoch: int | None = None, asker: Any = ANN) -> list[Any]:
    return showing.page(studio, asker, run.id if run else "", epoch, *FRESH)


def seen(page: list[Any]) -> tuple[Any, ...]:
    """What the page shows, in the order of `CheckpointsTab.shown`."""
    shown: tuple[Any, ...] = page[3]
    return shown


def html(page: list[Any]) -> str:
    return "".join(each for each in seen(page) if isinstance(each, str))


def able(page: list[Any]) -> dict[str, bool]:
    """Which buttons can be pressed."""
    return dict(zip(BUTTONS, seen(page)[9 : 9 + len(BUTTONS)], strict=True))


def ended(studio: Studio, kind: str, status: JobStatus, result: Any = None, **params: Any) -> str:
    """A job of Ann's that has ended so, without a process."""
    store = studio.jobs.store
    words = {"message": f"It broke {ATTACK}.", "hint": "Mend it."} if status is JobStatus.FAILED else {}
    job = store.create("training.exporting:run", params, title=f"Do {ATTACK}", kind=kind, owner="ann")
    assert store.claim_next("{id}") is not None
    store.finish(job.id, 1, status, result=result, **words)
    return job.id
