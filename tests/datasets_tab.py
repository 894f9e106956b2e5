"""A data set of Ann's, two of whose five segments are kept, and what the page sends of them."""

from __future__ import annotations

import json
from dataclasses import replace

from studio.dataset.ledger import DatasetFolder
from studio.dataset.values import Limits, Segment
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.datasets import limits_form, reviewing
from tests import training_sets
from tests.asking import ANN, ATTACK
from tests.training_sets import segment, source

HALL, ROOM = source(0, "hall.wav", speaker="Bob"), source(1, f"{ATTACK}/room.wav", speaker="Ada")
BROKEN = replace(source(2, "notes.pdf"), problem="It is no recording.", hint="Leave it out.")
SEGMENTS = [
    segment(ROOM, 1),
    segment(ROOM, 2, text="", text_note="Nothing was understood."),
    segment(ROOM, 3, text=f"{ATTACK} </textarea>"),
    segment(HALL, 1, snr_db=4.0, speaker="Bob"),
    segment(HALL, 2, seconds=0.5, speaker="Bob"),
]
FIRST, MUTE, HOSTILE, NOISY, SHORT = (each.id for each in SEGMENTS)
KEPT = {FIRST, HOSTILE}


def filled(studio: Studio, name: str, segments: list[Segment]) -> Dataset:
    made = studio.datasets.create(name, "ann")
    training_sets.build(studio.workspace.datasets / made.id, segments, [HALL, ROOM, BROKEN])
    studio.datasets.apply(made.id, "ann", Limits())
    return studio.datasets.get(made.id, "ann")


def kept(studio: Studio, dataset: Dataset) -> set[str]:
    folder = DatasetFolder(studio.workspace.datasets / dataset.id)
    return {path.stem for path in folder.wavs.glob("*.wav")}


def acted(studio: Studio, dataset: Dataset, *acts: tuple[str, ...], chosen: str | None = None) -> str:
    """What the page sends, and the receipt."""
    told = [dict(zip(("id", "act", "text"), act, strict=False)) for act in acts]
    message = json.dumps({"sequence": 7, "dataset": dataset.id, "acts": told})
    limits = limits_form.values_of(dataset.settings.limits)
    chosen = dataset.id if chosen is None else chosen
    return str(reviewing.on_acts(studio, ANN, chosen, message, *limits)[0])
