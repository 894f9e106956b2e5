"""The jobs of training runs: training itself, and what is made of a checkpoint afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.errors import BadInput, Busy, NotFound
from studio.files import read_json
from studio.jobs import Job, JobStatus, Supervisor
from studio.library_config import Config
from studio.runs.run_folder import RunFolder
from studio.services.run_values import State

TRAINING, MERGE, EXPORT, IMPORT = "training", "merge", "export", "import"  # kinds of jobs

_TARGETS: Mapping[str, str] = {
    TRAINING: "training.job:run",
    MERGE: "training.merging:run",
    EXPORT: "training.exporting:run",
    IMPORT: "training.importing:run",
}
#: Runs train one after another: each wants the device for itself. What reads and writes checkpoints
#: need not wait for them.
_SLOTS: Mapping[str, str] = {TRAINING: "training"}
_SLOT = "checkpoints"

_STATES: Mapping[JobStatus, State] = {
    JobStatus.QUEUED: "queued",
    JobStatus.RUNNING: "training",
    JobStatus.DONE: "done",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "stopped",
    JobStatus.INTERRUPTED: "interrupted",
}


class RunJobs:
    """Starts and finds them."""

    def __init__(self, jobs: Supervisor) -> None:
        self._jobs = jobs

    def of(self, config: Config) -> Job | None:
        """The last one that trained the run; None where there was none, or nobody remembers it."""
        try:
            return self._jobs.store.get(str(config["job"]))
        except NotFound:
            return None

    def state(self, config: Config, folder: RunFolder) -> State:
        job = self.of(config)
        if job is not None:
            return _STATES[job.status]
        if config.get("imported"):
            return "imported"
        return _state_by_files(folder)

    def start(self, id: str, config: Config, folder: RunFolder) -> Job:
        """Train the run, or go on where its last job had not ended well.

        Raises Busy while one is at it, BadInput for a run that has ended or came from elsewhere.
        """
        name, last, state = config["name"], self.of(config), self.state(config, folder)
        if state in ("queued", "training"):
            raise Busy(f"“{name}” is training already.", "Wait until it has ended, or stop it.")
        if state == "imported":
            raise BadInput(f"“{name}” was not trained here.", "Begin a new run with its checkpoint.")
        if state == "done":
            raise BadInput(
                f"“{name}” has ended.", "Begin a new run with its last checkpoint to train it further."
            )
        if last is not None and last.status.resumable:
            return self._jobs.resume(last.id)
        return self.make(TRAINING, {"run": id}, f"Train “{name}”", config["owner"])

    def make(self, kind: str, params: Mapping[str, Any], title: str, owner: str) -> Job:
        """A new job of `kind`."""
        slot = _SLOTS.get(kind, _SLOT)
        return self._jobs.start(_TARGETS[kind], params, title=title, kind=kind, slot=slot, owner=owner)

    def stop(self, config: Config) -> Job:
        """Raises BadInput where nothing trains it."""
        job = self.of(config)
        if job is None or not job.status.active:
            raise BadInput(f"“{config['name']}” is not training.", "There is nothing to stop.")
        return self.cancel(job)

    def cancel(self, job: Job) -> Job:
        return self._jobs.cancel(job.id)

    def users(self, id: str) -> list[Job]:
        """The jobs that read the run's checkpoints now, or wait to."""
        active = self._jobs.store.list(statuses=[JobStatus.QUEUED, JobStatus.RUNNING])
        return [job for job in active if job.kind in (MERGE, EXPORT) and job.params.get("run") == id]

    def made(self, owner: str) -> list[Job]:
        """The owner's that make something of a checkpoint, or are done with it; the newest first."""
        found = [
            job
            for kind in (MERGE, EXPORT, IMPORT)
            for job in self._jobs.store.list(kind=kind, owner=owner)
        ]
        return sorted(found, key=lambda job: -job.created)

    def log_tail(self, config: Config, lines: int) -> str:
        job = self.of(config)
        return "" if job is None else self._jobs.log_tail(job.id, lines)

    def forget(self, config: Config) -> None:
        job = self.of(config)
        if job is not None and not job.status.active:
            self._jobs.remove(job.id)


def _state_by_files(folder: RunFolder) -> State:
    """Of a run that no job is known of: one of `accelerate launch`, or from another home."""
    place = folder.state / "place.json"
    if not place.exists():
        return "done" if folder.epochs() else "new"
    content = read_json(place)
    return "done" if isinstance(content, dict) and content.get("ended") else "interrupted"
