"""Training runs over HTTP: their checkpoints, and what each epoch sounds like."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from studio.api.access import Access, Caller
from studio.api.documented import sound
from studio.errors import NotFound
from studio.runs.run_folder import RunFolder
from studio.services.run_values import FoundCheckpoint, Run, Sample
from studio.services.studio import Studio

_MB = 1_000_000


class CheckpointRow(BaseModel):
    """What a run was worth at an epoch's end."""

    model_name: str = Field(description="Of the run, for people.")
    run: str = Field(description="Its id, as /training/samples takes it.")
    epoch: int
    spec: str = Field(description="As training and the command line name it.", examples=["zoe:7"])
    model: str = Field(description="As speech names it.", examples=["trained-zoe-7"])
    family: str
    method: str
    base: str
    loss: float | None
    eval_loss: float | None
    best: bool
    language: str
    practice: bool = Field(description="Trained on random weights: what it speaks is noise.")
    size_mb: float
    date: str = Field(description="ISO 8601, UTC.")


class SampleRow(BaseModel):
    """A sound that was spoken at an epoch's end; epoch 0 is the untouched base."""

    epoch: int
    sentence: int | None = Field(description="From 1 on; null: all of them in one.")
    text: str
    filename: str = Field(examples=["epoch_7_output.wav"])
    path: str = Field(description="Below the studio's folder.")
    url: str = Field(description="Where it is heard, as an attachment.")
    size_mb: float
    date: str = Field(description="ISO 8601, UTC.")


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /training."""
    routes = APIRouter(prefix="/training", tags=["training"])

    @routes.get("/checkpoints")
    def checkpoints(
        model_name: str = Query("", description="A run by its id or name; empty: all of them."),
        caller: Caller = Depends(access.caller),
    ) -> list[CheckpointRow]:
        """The checkpoints there are, those of the newest run first, and of each the last epoch first."""
        return [
            _checkpoint_row(run, found)
            for run in _runs(studio, model_name, caller.owner)
            for found in _found(studio, run)
        ]

    @routes.get("/samples")
    def samples(
        model_name: str = Query(description="A run by its id or name."),
        caller: Caller = Depends(access.caller),
    ) -> list[SampleRow]:
        """What a run has spoken, the newest epoch first; nothing where there is no such run."""
        return [
            _sample_row(studio, run, sample)
            for run in _runs(studio, model_name, caller.owner)
            for sample in studio.runs.samples(run.id, caller.owner)
        ]

    @routes.get("/samples/{run}/{filename}", response_class=FileResponse, responses=sound("audio/wav"))
    def sample(run: str, filename: str, caller: Caller = Depends(access.caller)) -> FileResponse:
        """One of them as WAV, an attachment."""
        for each in studio.runs.samples(run, caller.owner):
            if each.path.name == filename:
                return FileResponse(
                    each.path,
                    media_type="audio/wav",
                    filename=each.path.name,
                    headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"},
                )
        raise NotFound("That sample is not there.", "GET /training/samples lists them.")

    return routes


def _runs(studio: Studio, name: str, owner: str) -> list[Run]:
    """The run of that name, none where there is no such one; all of them where no name is given."""
    if not name:
        return [studio.runs.get(each.id, owner) for each in studio.runs.list(owner)]
    try:
        return [studio.runs.get(name, owner)]
    except NotFound:
        return []


def _found(studio: Studio, run: Run) -> list[FoundCheckpoint]:
    folder = RunFolder(studio.workspace.checkpoints / run.id)
    return [
        FoundCheckpoint(checkpoint, folder.checkpoint(checkpoint.epoch), run.name)
        for checkpoint in reversed(run.checkpoints)
    ]


def _checkpoint_row(run: Run, found: FoundCheckpoint) -> CheckpointRow:
    checkpoint = found.checkpoint
    return CheckpointRow(
        model_name=run.name,
        run=run.id,
        epoch=checkpoint.epoch,
        spec=found.spec,
        model=found.model,
        family=checkpoint.family.value,
        method=checkpoint.method.value,
        base=checkpoint.base,
        loss=checkpoint.loss,
        eval_loss=checkpoint.eval_loss,
        best=checkpoint.best,
        language=checkpoint.language,
        practice=run.practice,
        size_mb=round(checkpoint.size / _MB, 3),
        date=_date(checkpoint.created),
    )


def _sample_row(studio: Studio, run: Run, sample: Sample) -> SampleRow:
    return SampleRow(
        epoch=sample.epoch,
        sentence=sample.sentence,
        text=sample.text,
        filename=sample.path.name,
        path=sample.path.relative_to(studio.workspace.home).as_posix(),
        url=f"/training/samples/{quote(run.id, safe='')}/{sample.path.name}",
        size_mb=round(sample.size / _MB, 3),
        date=_date(sample.modified),
    )


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
