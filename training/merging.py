"""The job that makes a full checkpoint of an adapter and its base: training.merging:run"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from studio.errors import BadInput
from studio.jobs import JobContext
from studio.runs.values import Method
from training.whole_models import (
    copy_voice,
    find_source,
    new_run,
    runs_of,
    settings_like,
    write_whole,
)


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Merge epoch `params["epoch"]` of the run `params["run"]` into a run of its own, called
    `params["name"]`, of `params["owner"]`; returns its id as "run".

    Raises BadInput for a checkpoint that is whole already and for a name that is taken, NotFound,
    Damaged, ModelMissing, StorageFailed, Cancelled. Then nothing is left of it.
    """
    context.progress(0, 3, "reading the base model")
    source = find_source(context.settings, params["run"], int(params["epoch"]))
    checkpoint = source.checkpoint
    if checkpoint.method is Method.FULL:
        raise BadInput(f"{source.label} is a full checkpoint already.", "Export it as it is.")
    came_from = source.config | {
        "imported": f"{source.label}, merged with {source.base.label}",
        "practice": source.base.practice,
    }
    settings = settings_like(source.config, method=Method.FULL, base=checkpoint.base)
    about = replace(checkpoint, method=Method.FULL, created=time.time(), size=0, best=False)
    runs = runs_of(context.settings)
    with new_run(runs, params["name"], params["owner"], settings, about, came_from) as made:
        weights = source.weights()
        context.progress(1, 3, "writing the merged model")
        write_whole(made.folder, checkpoint.family, weights, source.base_folder)
        copy_voice(source.folder, made.folder, checkpoint.family)
        context.progress(2, 3, "putting it into the list")
    context.progress(3, 3)
    return {"run": made.id, "epoch": about.epoch}
