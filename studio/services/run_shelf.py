"""The runs of a library as values, found by their owner's names for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from studio.errors import Busy, Damaged, NotFound, unknown
from studio.files import own_bytes
from studio.library import Damage, Library
from studio.library_config import Config
from studio.runs import config as configs
from studio.runs.run_folder import RunFolder
from studio.runs.values import Checkpoint
from studio.services.run_jobs import RunJobs
from studio.services.run_records import epochs_spoken, last_step
from studio.services.run_values import FoundCheckpoint, Run

BEST, LAST = "best", "last"  # may stand for an epoch


class RunShelf:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found."""

    def __init__(self, folder: Path, jobs: RunJobs) -> None:
        self.library = Library(folder, configs.KIND, configs.VERSION)
        self._jobs = jobs

    def all(self, owner: str) -> list[Run]:
        """The owner's, the newest first."""
        mine = [each for each in self.library.values(self._value)[0] if each.owner == owner]
        return sorted(mine, key=lambda each: (-each.created, each.id))

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot be read."""
        return self.library.values(self._value)[1]

    def id(self, id_or_name: str, owner: str) -> str:
        """By its id, or by its name whatever the case. Raises NotFound naming those there are."""
        return self.library.named(id_or_name, owner)

    def config(self, id: str, owner: str) -> Config:
        """Raises NotFound, Damaged."""
        return self.library.read(self.id(id, owner))

    def folder(self, id: str, owner: str) -> RunFolder:
        """Raises NotFound."""
        return RunFolder(self.library.folder(self.id(id, owner)))

    def read(self, id: str, owner: str) -> Run:
        """Raises NotFound, Damaged."""
        return self.library.value(self.id(id, owner), self._value)

    def change(self, id: str, owner: str, update: Callable[[Config, RunFolder], Config]) -> Run:
        """Raises NotFound, Damaged, and BadInput for a name that is taken."""
        id = self.id(id, owner)
        self.library.change(id, lambda config, folder: update(config, RunFolder(folder)))
        return self.read(id, owner)

    def checkpoint(self, spec: str, owner: str) -> FoundCheckpoint:
        """The one of "RUN", "RUN:7", "RUN:best" or "RUN:last"; of a run alone the best, or the last
        where none is marked. Raises NotFound, Damaged."""
        try:
            run, epoch = self.read(spec, owner), ""
        except NotFound:
            name, colon, epoch = spec.rpartition(":")
            if not colon:
                raise
            run = self.read(name, owner)
        found = _chosen(run, epoch.strip().lower())
        folder = self.folder(run.id, owner).checkpoint(found.epoch)
        return FoundCheckpoint(found, folder, run.name)

    def not_while_used(self, id: str, owner: str) -> None:
        """Raises Busy while it trains, or something reads its checkpoints."""
        run = self.read(id, owner)
        if run.active or self._is_locked(run):
            raise Busy(f"“{run.name}” is training.", "Stop it first, or wait until it has ended.")
        for job in self._jobs.users(run.id):
            raise Busy(f"“{run.name}” is being used: {job.title}.", "Wait until that has ended.")
        for other in self.all(owner):
            if other.active and other.base.partition(":")[0] == run.id and ":" in other.base:
                raise Busy(f"“{other.name}” begins with “{run.name}”.", "Wait until it has ended.")

    def _is_locked(self, run: Run) -> bool:
        """Whether a process trains it that is no job's, such as those of `accelerate launch`."""
        try:
            with FileLock(RunFolder(self.library.folder(run.id)).lock, timeout=0):
                return False
        except Timeout:
            return True

    def _value(self, id: str, config: Config) -> Run:
        """Raises Damaged for a config that makes no sense; what is wrong with the rest is told."""
        folder, settings = RunFolder(self.library.folder(id)), configs.settings_of(config)
        checkpoints, problem = _checkpoints(folder)
        return Run(
            id=id,
            name=config["name"],
            owner=config["owner"],
            created=config["created"],
            changed=config["changed"],
            state=self._jobs.state(config, folder),
            family=settings.family,
            method=settings.method,
            base=settings.base,
            base_label=str(config["base_label"]),
            practice=bool(config.get("practice", False)),
            dataset=settings.dataset,
            dataset_name=str(config["dataset_name"]),
            language=next((each.language for each in checkpoints if each.language), ""),
            epochs=settings.epochs,
            epochs_saved=tuple(each.epoch for each in checkpoints),
            epochs_spoken=epochs_spoken(folder),
            best=next((each.epoch for each in checkpoints if each.best), None),
            latest=last_step(folder),
            size=own_bytes(folder.root),
            note=str(config["note"]),
            imported=str(config.get("imported", "")),
            problem=problem,
            settings=settings,
            checkpoints=checkpoints,
            job=str(config["job"]),
        )


def _checkpoints(folder: RunFolder) -> tuple[tuple[Checkpoint, ...], str]:
    """Those that can be read, by epoch, and what is wrong with the first that cannot."""
    found, problem = [], ""
    for epoch in folder.epochs():
        try:
            found.append(folder.read_checkpoint(epoch))
        except Damaged as error:
            problem = problem or str(error)
        except NotFound:  # it is no longer kept
            continue
    return tuple(found), problem


def _chosen(run: Run, epoch: str) -> Checkpoint:
    by_epoch = {each.epoch: each for each in run.checkpoints}
    if not by_epoch:
        raise NotFound(f"“{run.name}” has no checkpoint yet.", "Train it first.")
    if epoch in ("", BEST) and run.best is not None:
        return by_epoch[run.best]
    if epoch in ("", LAST):
        return by_epoch[max(by_epoch)]
    if epoch.isdecimal() and int(epoch) in by_epoch:
        return by_epoch[int(epoch)]
    names = [str(each) for each in by_epoch] + [LAST] + [BEST] * (run.best is not None)
    raise unknown(f"epoch of “{run.name}”", epoch, names)
