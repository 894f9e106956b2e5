"""A run from its config to its end; the same in a job and under `accelerate launch`."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from engines.memory import memory_limit
from studio.control import Control
from studio.dataset.config import KIND as DATASET
from studio.dataset.config import VERSION as DATASET_VERSION
from studio.dataset.metadata import read_metadata
from studio.errors import BadInput, Busy, Damaged, ModelMissing, NotFound
from studio.files import storage_errors, write_json
from studio.library import Library
from studio.models.folders import ModelFolders
from studio.models.registry import entry_of
from studio.models.validation import report
from studio.runs.config import KIND, VERSION, settings_of
from studio.runs.run_folder import RunFolder
from studio.runs.values import Checkpoint, Family, RunSettings
from studio.settings import Settings
from studio.workspace import Workspace
from training.clips import Clips, encoded, read_clips, write_clips
from training.family import EpochEnd, Listening, TrainingFamily
from training.loop import Ended, Report, Work, train
from training.together import Placement, Together, place

log = logging.getLogger(__name__)

#: What trains each family: "module:class".
FAMILIES: Mapping[Family, str] = MappingProxyType(
    {
        Family.XTTS: "training.families.xtts:XttsFamily",
        Family.QWEN: "training.families.qwen:QwenFamily",
    }
)
_LISTENING = "training.sentinel:listening"

#: The variant of Qwen that is trained.
_TRAINED_VARIANT = "base"


@dataclass(frozen=True)
class Base:
    """The model that a run begins with."""

    key: str  # of the model, also where a checkpoint of it is gone on from
    folder: Path
    start: Path | None = None  # a checkpoint that was trained on it, to go on from


@dataclass(frozen=True)
class Parts:
    """What a run is put together from; tests bring their own."""

    families: Mapping[Family, str] = field(default_factory=lambda: FAMILIES)
    listening: str = _LISTENING
    save_every_s: float = 60.0


def perform(
    id: str, studio: Settings, control: Control, report: Report, parts: Parts | None = None
) -> dict[str, Any]:
    """Train the run `id` from where it is, to its end. Returns what came of it, as JSON.

    Raises Busy while another process trains it, BadInput for settings that cannot be followed, and what
    training.loop.train() raises.
    """
    return _Run(id, studio, control, report, parts or Parts()).perform()


class _Run:
    def __init__(
        self, id: str, studio: Settings, control: Control, report: Report, parts: Parts
    ) -> None:
        self._studio, self._control, self._report, self._parts = studio, control, report, parts
        self._workspace = Workspace(studio.home)
        self._runs = Library(self._workspace.checkpoints, KIND, VERSION)
        self._id = id
        self._settings = settings_of(self._runs.read(id))
        self._folder = RunFolder(self._runs.folder(id))

    def perform(self) -> dict[str, Any]:
        placement = place(self._studio.device, self._settings.precision)
        together = Together(placement, self._control)
        log.info("training on %s in %s", placement.device, placement.reason)
        with storage_errors(self._folder.root), self._alone(together):
            base = self._base()
            family = self._family(base, together, placement)
            clips = self._clips(family, together)
            work = Work(
                self._folder,
                self._settings,
                clips,
                self._head(base, clips),
                base.start,
                self._parts.save_every_s,
            )
            listen = self._listen(base, clips) if together.first else None
            ended = train(work, family, together, listen, self._report)
            return self._result(ended, clips)

    @contextmanager
    def _alone(self, together: Together) -> Iterator[None]:
        """Only the processes of one launch train a run."""
        if not together.first:
            yield
            return
        try:
            with FileLock(self._folder.lock, timeout=0):
                yield
        except Timeout as error:
            raise Busy("This run is being trained already.", "Wait until that has ended.") from error

    def _base(self) -> Base:
        """What its settings name. A run that has trained goes on with the model alone where the checkpoint
        that it began with was deleted since."""
        try:
            return find_base(self._settings, self._runs, self._models)
        except NotFound:
            epochs = self._folder.epochs()
            if not epochs or not (self._folder.state / "place.json").exists():
                raise
            key = self._folder.read_checkpoint(epochs[-1]).base
            return Base(key, _model(key, self._settings.family, self._models))

    @property
    def _models(self) -> ModelFolders:
        return ModelFolders(self._studio.models_dir, self._studio.qwen_dir)

    def _family(self, base: Base, together: Together, placement: Placement) -> TrainingFamily:
        make = _named(self._parts.families[self._settings.family])
        dtype = placement.frozen_dtype(self._settings.method)
        settings = replace(self._settings, base=base.key)
        family: TrainingFamily = make(base.folder, settings, str(together.device), dtype)
        return family

    def _clips(self, family: TrainingFamily, together: Together) -> Clips:
        """Those of the run's beginning. Only where the cache has lost one are they encoded again."""
        path = self._folder.state / "examples.json"
        if together.first:
            clips = read_clips(path)
            if clips is None or not clips.there:
                self._encode(family, path, str(together.device))
        together.wait()
        clips = read_clips(path)
        if clips is None:
            raise Damaged(f"{path} is missing.", "All processes of a run need the same home folder.")
        return clips

    def _encode(self, family: TrainingFamily, path: Path, device: str) -> None:
        self._report(0, 0, "encoding the clips")
        root = self._dataset()
        cache = self._workspace.cache / "training" / self._settings.family.value
        control = self._control.within(
            lambda progress: self._report(
                round((progress.fraction or 0) * 1000), 1000 if progress.fraction else 0, progress.stage
            )
        )
        with memory_limit(
            f"There was not enough memory on {device} to encode the clips.",
            "Close other programs that use it, or set device to cpu.",
        ):
            clips = encoded(family, read_metadata(root), root, self._settings, cache, control)
        write_json(self._folder.left_out, [asdict(each) for each in clips.left_out])
        write_clips(path, clips)

    def _dataset(self) -> Path:
        library = Library(self._workspace.datasets, DATASET, DATASET_VERSION)
        try:
            return library.folder(self._settings.dataset)
        except NotFound as error:
            raise NotFound(
                "The data set of this run has been deleted, and not all of its clips are encoded.",
                "Restore the data set, or begin a new run with another one.",
            ) from error

    def _listen(self, base: Base, clips: Clips) -> EpochEnd:
        make: Listening = _named(self._parts.listening)
        settings = replace(self._settings, base=base.key)
        return make(self._folder.root, settings, clips.rows, self._studio)

    def _head(self, base: Base, clips: Clips) -> Checkpoint:
        return Checkpoint(
            self._id,
            epoch=0,
            family=self._settings.family,
            method=self._settings.method,
            base=base.key,
            steps=0,
            loss=None,
            eval_loss=None,
            created=0.0,
            size=0,
            speaker=clips.speaker,
            language=clips.language,
        )

    def _result(self, ended: Ended, clips: Clips) -> dict[str, Any]:
        kept = [self._folder.read_checkpoint(epoch) for epoch in self._folder.epochs()]
        best = next((each.epoch for each in kept if each.best), None)
        notes = [*clips.notes, ended.why] if ended.why else list(clips.notes)
        return asdict(ended) | {
            "clips": len(clips.train),
            "left_out": len(clips.left_out),
            "checkpoints": [each.epoch for each in kept],
            "best": best,
            "notes": notes,
        }


def find_base(settings: RunSettings, runs: Library, models: ModelFolders) -> Base:
    """The model that `settings.base` names. Raises ModelMissing where it is not here or not whole, and
    BadInput for a model or checkpoint that this family and method cannot begin with."""
    run, colon, epoch = settings.base.rpartition(":")
    if not colon:
        return Base(settings.base, _model(settings.base, settings.family, models))
    if not epoch.isdigit():
        raise BadInput(f"“{settings.base[:80]}” names no checkpoint.", "Write it as RUN:EPOCH.")
    folder = RunFolder(runs.folder(run))
    checkpoint = folder.read_checkpoint(int(epoch))
    if (checkpoint.family, checkpoint.method) != (settings.family, settings.method):
        raise BadInput(
            f"That checkpoint was trained as {checkpoint.family} with {checkpoint.method}, and this run is to "
            f"train {settings.family} with {settings.method}.",
            f"Choose family {checkpoint.family} and method {checkpoint.method}, or another base.",
        )
    found = _model(checkpoint.base, settings.family, models)
    return Base(checkpoint.base, found, folder.checkpoint(int(epoch)))


def _model(key: str, family: Family, models: ModelFolders) -> Path:
    entry = entry_of(key, models.table)
    if entry.engine != family or entry.variant not in ("", _TRAINED_VARIANT):
        raise BadInput(
            f"{entry.label} cannot be trained as {family}.",
            "Choose a model of that family" + (", a base one." if family is Family.QWEN else "."),
        )
    found = report(models, key)
    if not found.valid or found.folder is None:
        why = found.problems[0].message if found.problems else "it is not on this machine."
        get = f"practice {entry.engine}" if entry.practice else f"download {key}"
        raise ModelMissing(f"{entry.label}: {why}", f"Get it with: python app.py models {get}")
    return found.folder


def _named(target: str) -> Any:
    """What "module:name" names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
