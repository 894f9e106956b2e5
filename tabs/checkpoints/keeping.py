"""The chosen run's name and note, and what of it is deleted."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from studio.models.publishing import size_text
from studio.services.studio import Studio
from tabs.checkpoints import showing, view
from tabs.checkpoints.finding import chosen_checkpoint, epoch_of
from tabs.edge import owner_of
from tabs.frame import reveal
from tabs.run_view import chosen_run, found


def on_save(
    studio: Studio,
    request: gr.Request,
    name: str,
    note: str,
    chosen: str,
    epoch: int | None,
    *now: Any,
) -> list[Any]:
    """Name and note as the form has them."""
    run, owner = chosen_run(studio, request, chosen), owner_of(request)
    if (name or "").strip() != run.name:
        studio.runs.rename(run.id, owner, name or "")
    changed = studio.runs.note(run.id, owner, note or "")
    gr.Info("Saved.")
    return [*showing.page(studio, request, chosen, epoch, *now), *showing.forms(changed, epoch)]


def on_ask_epoch(
    studio: Studio, request: gr.Request, asked: str | None, chosen: str, epoch: int | None
) -> list[Any]:
    """Ask whether to delete the chosen epoch, saying what it frees."""
    run, checkpoint = chosen_checkpoint(studio, request, chosen, epoch)
    question = view.epoch_question(run, checkpoint)
    return [reveal(bool(asked), True)[0], question, f"{run.id}:{checkpoint.epoch}"]


def on_ask_run(
    studio: Studio, request: gr.Request, asked: str | None, chosen: str, epoch: int | None
) -> list[Any]:
    """Ask whether to delete the chosen run, saying what it frees."""
    run = chosen_run(studio, request, chosen)
    return [reveal(bool(asked), True)[0], view.run_question(run), run.id]


def on_no(asked: str | None) -> list[Any]:
    """The question goes away."""
    return [reveal(bool(asked), False)[0], gr.skip(), None]


def on_other(asked: str | None, chosen: str, epoch: int | None) -> list[Any]:
    """Another run or epoch is chosen, and the question about the one before goes away. Where nothing changes
    nothing is written, for by then it may have been answered, or asked."""
    if not asked or asked in (chosen, f"{chosen}:{epoch}"):
        return [gr.skip()] * 3
    return on_no(asked)


def on_delete(
    studio: Studio,
    request: gr.Request,
    asked: str | None,
    chosen: str,
    epoch: int | None,
    *now: Any,
) -> list[Any]:
    """Delete what is asked about, and say what is free again."""
    id, _, number = (asked or "").partition(":")
    run, owner = chosen_run(studio, request, id), owner_of(request)
    if number:
        freed = studio.runs.delete_checkpoint(run.id, owner, int(number))
        what = f"{run.name}, epoch {number}"
    else:
        freed, what = studio.runs.delete(run.id, owner), run.name
    gr.Info(escape(f"Deleted: {what}. {size_text(freed)} are free again."))
    left = found(studio, request, chosen)
    wanted = epoch_of(left, epoch)
    return [
        *on_no(asked),
        *showing.page(studio, request, chosen, wanted, *now),
        *showing.forms(left, wanted),
    ]
