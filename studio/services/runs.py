"""Training runs: proposed, estimated, started as jobs, and their checkpoints kept in a library on the disk."""

from __future__ import annotations

import builtins
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.errors import BadInput, NotFound, StudioError
from studio.files import own_bytes, storage_errors
from studio.jobs import Job, Supervisor
from studio.library import Damage
from studio.library_config import Config
from studio.names import clean_name
from studio.runs.presets import Preset, Proposal
from studio.runs.run_folder import RunFolder
from studio.runs.values import Family, Method, RunSettings, StepRow
from studio.services import run_records as records
from studio.services.datasets import DatasetService
from studio.services.models import ModelService
from studio.services.run_bases import bases
from studio.services.run_jobs import EXPORT, IMPORT, MERGE, RunJobs
from studio.services.run_planning import Planning
from studio.services.run_shelf import RunShelf
from studio.services.run_uploads import gather
from studio.services.run_values import (
    Base,
    Estimate,
    FoundCheckpoint,
    LeftOutClip,
    Run,
    RunSummary,
    Sample,
)
from studio.settings import Settings
from studio.text.given import clean_text
from studio.workspace import Workspace

MAX_NOTE = 4_000


class RunService:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found; every method
    that takes an id takes a name as well, and raises NotFound naming those there are."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        jobs: Supervisor,
        models: ModelService,
        datasets: DatasetService,
    ) -> None:
        self._home, self._uploads = workspace.home, workspace.uploads
        self._jobs = RunJobs(jobs)
        self._shelf = RunShelf(workspace.checkpoints, self._jobs)
        self._models = models
        self._planning = Planning(settings, workspace, models, datasets, self._shelf)

    def list(self, owner: str) -> tuple[RunSummary, ...]:
        """The owner's, the newest first."""
        return tuple(self._shelf.all(owner))

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot be read; they stay where they are and the others load."""
        return self._shelf.damaged()

    def get(self, id_or_name: str, owner: str) -> Run:
        """By its id, or by its name whatever the case."""
        return self._shelf.read(id_or_name, owner)

    def bases(self, family: Family, owner: str | None = None) -> tuple[Base, ...]:
        """What a run can begin with: models that are here first, practice ones after the others; then
        the owner's checkpoints, to go on from."""
        return bases(family, self._models, [] if owner is None else self._shelf.all(owner))

    def propose(
        self,
        family: Family,
        method: Method,
        preset: Preset,
        dataset: str,
        owner: str,
        base: str = "",
    ) -> Proposal:
        """What suits a data set, with reasons; "" for `base`: the first that is here. Raises NotFound
        for a data set or a base that there is not."""
        return self._planning.propose(family, method, preset, dataset, owner, base)

    def estimate(self, settings: RunSettings, owner: str) -> Estimate:
        """What a run would take on this machine, and why it could not start. Raises nothing for what
        is wrong with the settings: the problems say it."""
        return self._planning.estimate(settings, owner)

    def create(self, name: str, owner: str, settings: RunSettings) -> Run:
        """A new run, not started yet. Raises BadInput for a name that is taken, NotFound for a data
        set or a base that there is not."""
        settings = self._planning.resolved(settings, owner)
        config = self._planning.config(settings, owner)
        return self._shelf.read(self._shelf.library.create(name, owner, lambda folder: config), owner)

    def start(self, id: str, owner: str) -> Job:
        """Train it: at once, or when the runs before it have ended. One that was stopped, failed or
        went away goes on where it was.

        Raises Busy while it trains, BadInput for one that has ended or that cannot start, as
        `estimate` says in its problems.
        """
        run = self._shelf.read(id, owner)
        if not run.active and not self._begun(run):
            self._planning.check(run.settings, owner)
        started: builtins.list[Job] = []

        def update(config: Config, folder: RunFolder) -> Config:
            started.append(self._jobs.start(run.id, config, folder))
            return config | {"job": started[0].id}

        try:
            self._shelf.change(run.id, owner, update)
        except StudioError:
            for job in started:  # nobody would know of it
                self._jobs.cancel(job)
            raise
        return started[0]

    def resume(self, id: str, owner: str) -> Job:
        """`start` for a run that was stopped, failed or went away. Raises BadInput for any other."""
        run = self._shelf.read(id, owner)
        if run.state == "new":
            raise BadInput(f"“{run.name}” has not been started.", "Start it.")
        return self.start(run.id, owner)

    def stop(self, id: str, owner: str) -> Job:
        """Stop after the current step; what is trained is kept. Raises BadInput where it does not
        train."""
        return self._jobs.stop(self._shelf.config(id, owner))

    def job(self, id: str, owner: str) -> Job | None:
        """The last job that trained it, while it runs and afterwards; None where there was none."""
        return self._jobs.of(self._shelf.config(id, owner))

    def log_tail(self, id: str, owner: str, lines: int = 200) -> str:
        """The last lines of that job's log; "" where there is none."""
        return self._jobs.log_tail(self._shelf.config(id, owner), lines)

    def metrics(self, id: str, owner: str, offset: int = 0) -> tuple[tuple[StepRow, ...], int]:
        """The rows of its metrics from byte `offset` on, and the offset for the next call. An offset
        that is smaller than the one given, or rows whose steps are known already: the run went on
        after an interruption, and what lay behind was cut. Raises Damaged."""
        return records.metrics(self._shelf.folder(id, owner), offset)

    def left_out(self, id: str, owner: str) -> tuple[LeftOutClip, ...]:
        """The clips of the data set that it is not trained on. Raises Damaged."""
        return records.left_out(self._shelf.folder(id, owner))

    def samples(self, id: str, owner: str) -> tuple[Sample, ...]:
        """What was spoken at the end of its epochs, the newest epoch first. Raises Damaged."""
        run = self._shelf.read(id, owner)
        folder = self._shelf.folder(run.id, owner)
        # A run that has spoken says what; one whose list is gone spoke what it was asked to.
        spoken = folder.read_sentences() or run.settings.sentences
        return records.samples(folder, dict(enumerate(spoken, 1)))

    def sample(self, id: str, owner: str, epoch: int, sentence: int | None) -> Path:
        """Where one of them lies. Raises NotFound."""
        path = self._shelf.folder(id, owner).sample(epoch, sentence)
        if not path.is_file():
            raise NotFound("That sample is not there.", "Reload the page.")
        return path

    def checkpoint(self, spec: str, owner: str) -> FoundCheckpoint:
        """The one of "RUN", "RUN:7", "RUN:best" or "RUN:last", where RUN is an id or a name; of a run
        alone the best, or the last where none is marked. Raises NotFound, Damaged."""
        return self._shelf.checkpoint(spec, owner)

    def delete_checkpoint(self, id: str, owner: str, epoch: int) -> int:
        """Remove an epoch's checkpoint; returns the bytes that were freed. Its samples stay. Raises
        Busy while the run trains or is used."""
        self._shelf.not_while_used(id, owner)
        run_folder = self._shelf.folder(id, owner)
        folder = run_folder.checkpoint(epoch)
        if not folder.is_dir():
            run_folder.read_checkpoint(epoch)  # it says which there are
        freed = own_bytes(folder)
        with self._shelf.library.scratch() as leaving, storage_errors(folder):
            folder.rename(leaving / folder.name)  # it goes at once
        return freed

    def delete(self, id: str, owner: str) -> int:
        """Remove a run with its checkpoints and samples; returns the bytes that were freed. Raises
        Busy while it trains or is used."""
        self._shelf.not_while_used(id, owner)
        config, folder = self._shelf.config(id, owner), self._shelf.folder(id, owner)
        freed = own_bytes(folder.root)
        self._shelf.library.delete(folder.root.name)
        self._jobs.forget(config)
        return freed

    def rename(self, id: str, owner: str, name: str) -> Run:
        """Raises BadInput for a name that is taken."""
        return self._shelf.change(id, owner, lambda config, _: config | {"name": clean_name(name)})

    def note(self, id: str, owner: str, text: str) -> Run:
        """Keep the person's own words about it."""
        cleaned = clean_text(text, "note", MAX_NOTE)
        return self._shelf.change(id, owner, lambda config, _: config | {"note": cleaned})

    def merge(self, spec: str, owner: str, name: str) -> Job:
        """Make a full checkpoint of an adapter and its base, as a run called `name`; the job's result
        has its id as "run". Raises BadInput for a checkpoint that is whole already, or a name that is taken."""
        found = self._shelf.checkpoint(spec, owner)
        if found.checkpoint.method is Method.FULL:
            raise BadInput(f"{found.label} is a full checkpoint already.", "Export it as it is.")
        return self._of_checkpoint(MERGE, found, owner, {"name": self._free_name(name, owner)})

    def export(self, spec: str, owner: str, target: Path) -> Job:
        """Write a folder that the family's own package loads, at `target`, which must not exist or be
        empty; where `target` ends with .zip, a zip of it. Raises BadInput."""
        found = self._shelf.checkpoint(spec, owner)
        target = target.expanduser().absolute()
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise BadInput(f"{target} is there already.", "Choose another place.")
        return self._of_checkpoint(EXPORT, found, owner, {"target": str(target)})

    def import_checkpoint(self, path: Path, owner: str, name: str, base: str = "") -> Job:
        """Take over a checkpoint from elsewhere, as untrusted data, as a run called `name`; the job's
        result has its id as "run". `base`: of an adapter, the model it belongs to. Raises BadInput."""
        path = path.expanduser().absolute()
        if not path.exists():
            raise BadInput(f"{path} is not there.", "Check the path.")
        return self._import(path, owner, {"name": self._free_name(name, owner), "base": base})

    def import_files(self, files: Sequence[Path], owner: str, name: str, base: str = "") -> Job:
        """The same for a checkpoint that was uploaded, with what belongs to it: the configuration of an
        adapter, a voice. Copies of the files are kept until they are read. Raises BadInput where it is not
        one checkpoint, StorageFailed."""
        more: dict[str, str | bool] = {"name": self._free_name(name, owner), "base": base}
        path = gather(files, self._uploads)
        try:
            return self._import(path, owner, more | {"uploaded": True})
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise

    def made(self, owner: str) -> builtins.list[Job]:
        """The owner's merges, exports and imports, those that have ended as well; the newest first."""
        return self._jobs.made(owner)

    def stop_making(self, job: str, owner: str) -> Job:
        """Stop one of them; nothing of it is left behind. Raises NotFound."""
        for each in self.made(owner):
            if each.id == job:
                return self._jobs.cancel(each)
        raise NotFound("That is not running any more.", "Look for what became of it.")

    def launch_command(self, id: str, owner: str) -> str:
        """The command line that trains it on several cards or machines."""
        id = self._shelf.id(id, owner)
        words = ("accelerate", "launch", "-m", "training.main", "--run", id, "--home", str(self._home))
        return shlex.join(words)

    def _import(self, path: Path, owner: str, more: Mapping[str, str | bool]) -> Job:
        params = {"path": str(path), "owner": owner, **more}
        return self._jobs.make(IMPORT, params, f"Import “{path.name}”", owner)

    def _of_checkpoint(
        self, kind: str, found: FoundCheckpoint, owner: str, more: Mapping[str, str]
    ) -> Job:
        params = {"run": found.checkpoint.run, "epoch": found.checkpoint.epoch, "owner": owner, **more}
        return self._jobs.make(kind, params, f"{kind.capitalize()} {found.label}", owner)

    def _free_name(self, name: str, owner: str) -> str:
        name = clean_name(name)
        try:
            taken = self._shelf.read(name, owner)
        except NotFound:
            return name
        raise BadInput(f"There is a run called “{taken.name}” already.", "Choose another name.")

    def _begun(self, run: Run) -> bool:
        """Whether it has all that it needs of its data set."""
        return (self._shelf.folder(run.id, run.owner).state / "place.json").exists()
