"""Training sets over HTTP: which there are, and what is in them."""

from __future__ import annotations

from pathlib import PurePath

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from studio.api.access import Access, Caller
from studio.services.dataset_values import DatasetSummary, State
from studio.services.studio import Studio


class DatasetRow(BaseModel):
    """A training set. Times are seconds since 1970."""

    id: str
    name: str
    state: State
    stale: str = Field(description="Why it should be built again; empty where it should not.")
    target: str = Field(description="What it is cut for.", examples=["xtts"])
    language: str = Field(description="BCP 47; empty while no text tells.")
    speakers: list[str]
    recordings: int
    segments: int
    kept: int = Field(description="Segments that are used.")
    total_s: float
    kept_s: float
    mean_snr_db: float | None
    problem: str = Field(description="Why it cannot be shown whole; empty where it can.")
    created: float
    changed: float


class DatasetDetails(DatasetRow):
    """All of a training set but its segments."""

    inputs: list[str] = Field(description="Names of the files and folders it is built from.")
    notes: list[str] = Field(description="What the last build had to say.")
    note: str
    job: str = Field(description="Id of its last build, see /jobs; empty where there was none.")


def router(studio: Studio, access: Access) -> APIRouter:
    """The list below /datasets; segments are heard through studio.api.datasets."""
    routes = APIRouter(prefix="/datasets", tags=["datasets"])

    @routes.get("")
    def datasets(caller: Caller = Depends(access.caller)) -> list[DatasetRow]:
        """The caller's training sets by name."""
        return [_row(each) for each in studio.datasets.list(caller.owner)]

    @routes.get("/{dataset}")
    def dataset(dataset: str, caller: Caller = Depends(access.caller)) -> DatasetDetails:
        """A training set by its id or its name."""
        found = studio.datasets.get(dataset, caller.owner)
        return DatasetDetails(
            **_row(found).model_dump(),
            inputs=[PurePath(each.name).name for each in found.inputs],
            notes=list(found.notes),
            note=found.note,
            job=found.job,
        )

    return routes


def _row(summary: DatasetSummary) -> DatasetRow:
    return DatasetRow.model_validate(summary, from_attributes=True)
