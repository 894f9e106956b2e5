"""The builds of training sets: which recognizer writes down, and the job that does it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engines.registry import Registry
from studio.dataset.values import AUTO as AUTO_RECOGNIZER
from studio.dataset.values import NONE, PrepareSettings
from studio.errors import BadInput, Busy, ModelMissing, NotFound
from studio.jobs import Job, JobStatus, Supervisor
from studio.library_config import Config
from studio.services.dataset_values import State
from studio.services.recognizers import choose
from studio.services.transcripts import TranscribeOrder

KIND = "dataset"
_TARGET = "training.prepare.job:run"
#: Builds run one after another: each takes all the processors that it may.
_SLOT = "datasets"

_STATES: dict[JobStatus, State] = {
    JobStatus.QUEUED: "building",
    JobStatus.RUNNING: "building",
    JobStatus.DONE: "ready",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "interrupted",
    JobStatus.INTERRUPTED: "interrupted",
}


class Builds:
    """Starts and finds the jobs."""

    def __init__(self, jobs: Supervisor, registry: Registry) -> None:
        self._jobs, self._registry = jobs, registry

    def of(self, config: Config) -> Job | None:
        """The last build; None where there was none, or nobody remembers it."""
        try:
            return self._jobs.store.get(str(config["job"]))
        except NotFound:
            return None

    def state(self, config: Config, built: bool) -> State:
        job = self.of(config)
        if job is None:
            return "ready" if built else "new"
        return _STATES[job.status]

    def active(self, config: Config) -> bool:
        job = self.of(config)
        return job is not None and job.status.active

    def any_active(self) -> bool:
        """Whether any set is being built, or waits for its turn."""
        active = (JobStatus.QUEUED, JobStatus.RUNNING)
        return bool(self._jobs.store.list(statuses=active, kind=KIND, limit=1))

    def start(self, id: str, config: Config, settings: PrepareSettings) -> Job:
        """A build, or the last one going on where it had not ended well.

        Raises Busy while one is at it, BadInput where there is nothing to build from, and
        ModelMissing, NotFound, BadInput where the chosen recognizer cannot be used.
        """
        last = self.of(config)
        if last is not None and last.status.active:
            raise Busy(
                f"“{config['name']}” is being built already.", "Wait until it has ended, or stop it."
            )
        if not config["inputs"]:
            raise BadInput("There is nothing to build from.", "Add recordings first.")
        params = {"dataset": id, "recognizer": self._recognizer(settings)}
        if last is not None and last.status.resumable and last.params == params:
            return self._jobs.resume(last.id)
        job = self._jobs.start(
            _TARGET,
            params,
            title=f"Data set “{config['name']}”",
            kind=KIND,
            slot=_SLOT,
            owner=config["owner"],
        )
        if last is not None:
            self._jobs.remove(last.id)
        return job

    def stop(self, config: Config) -> Job:
        """Raises BadInput where nothing is being built."""
        job = self.of(config)
        if job is None or not job.status.active:
            raise BadInput(f"“{config['name']}” is not being built.", "There is nothing to stop.")
        return self.cancel(job)

    def cancel(self, job: Job) -> Job:
        return self._jobs.cancel(job.id)

    def forget(self, config: Config) -> None:
        job = self.of(config)
        if job is not None and not job.status.active:
            self._jobs.remove(job.id)

    def _recognizer(self, settings: PrepareSettings) -> dict[str, Any] | None:
        """What writes the recordings down, as the job's parameter; None: nothing does."""
        if settings.recognizer == NONE:
            return None
        order = TranscribeOrder(
            Path(),
            engine=settings.recognizer,
            model=settings.recognizer_model,
            language=settings.language,
        )
        try:
            choice = choose(order, self._registry)
        except ModelMissing:
            if settings.recognizer != AUTO_RECOGNIZER or settings.recognizer_model:
                raise
            return None  # the job says that only given texts count
        return {"engine": choice.info.id, "model": choice.model, "language": choice.language}
