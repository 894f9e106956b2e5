"""From what the page keeps to the run and the epoch that are meant."""

from __future__ import annotations

import gradio as gr

from studio.errors import BadInput
from studio.models.trained import TRAINED
from studio.runs.values import Checkpoint
from studio.services.run_values import Run
from studio.services.studio import Studio
from tabs.run_view import chosen_run


def chosen_checkpoint(
    studio: Studio, request: gr.Request, chosen: str, epoch: int | None
) -> tuple[Run, Checkpoint]:
    """The run with its chosen epoch. Raises BadInput where none is chosen, NotFound."""
    run = chosen_run(studio, request, chosen)
    checkpoint = checkpoint_of(run, epoch)
    if checkpoint is None:
        raise BadInput("No epoch is chosen.", "Choose one in the table.")
    return run, checkpoint


def checkpoint_of(run: Run | None, epoch: int | None) -> Checkpoint | None:
    return next((each for each in run.checkpoints if each.epoch == epoch), None) if run else None


def epoch_of(run: Run | None, epoch: int | None) -> int | None:
    """`epoch` where the run has it, else the best, else the last; None where it has no checkpoint."""
    if run is None or not run.epochs_saved:
        return None
    if epoch in run.epochs_saved:
        return epoch
    return run.best if run.best is not None else run.epochs_saved[-1]


def spec_of(checkpoint: Checkpoint, run: Run) -> str:
    """As `RunService` takes it."""
    return f"{run.id}:{checkpoint.epoch}"


def model_key(run: Run, epoch: int) -> str:
    """The checkpoint's key as a model that speaks (studio.models.trained)."""
    return f"{TRAINED}{run.id}-{epoch}"
