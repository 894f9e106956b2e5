"""What the studio can do with models: say what is there, fetch, make, check and remove it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from engines.manager import EngineManager
from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.files import free_bytes
from studio.jobs import Job, JobStatus, Supervisor
from studio.models import by_hand, publishing
from studio.models.folders import ModelFolders
from studio.models.registry import ModelEntry, entry_of
from studio.models.validation import ModelReport, ModelState, size_of, validate
from studio.services import downloads, practice
from studio.settings import Settings

DOWNLOAD, PRACTICE = "download", "practice"  # kinds of jobs

_SLOT = "downloads"


@dataclass(frozen=True)
class ModelStatus:
    """One model, as a page shows it."""

    entry: ModelEntry
    report: ModelReport
    loaded: bool  # an engine holds it in memory
    download: Job | None  # what runs, waits, or ended badly last; practice models: the making
    consent_needed: bool  # accept() it before download()

    @property
    def busy(self) -> bool:
        """Whether it is being fetched or made, or waits for that."""
        return self.download is not None and self.download.status.active


@dataclass(frozen=True)
class DiskUse:
    """What models take on the disk, in bytes, unfinished downloads included."""

    used: int
    free: int  # on the disk of models_dir
    folders: tuple[Path, ...]  # of the families, whether they exist or not


@dataclass(frozen=True)
class _Seen:
    """A report, and what the folder looked like when it was made."""

    look: tuple[object, ...]
    report: ModelReport


class ModelService:
    """The models of one machine; thread-safe. A key that is in no table raises NotFound naming
    near ones, in every method."""

    def __init__(
        self,
        settings: Settings,
        folders: ModelFolders,
        engines: EngineManager,
        jobs: Supervisor,
        database: Database,
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._engines = engines
        self._jobs = jobs
        self._database = database
        self._seen: dict[str, _Seen] = {}

    def list(self) -> tuple[ModelStatus, ...]:
        """Every model of the table, in its order. Cheap enough to be asked once a second: a folder
        that looks as before is not read again."""
        loaded, newest = self._loaded(), self._newest_jobs()
        return tuple(self._status(entry, loaded, newest) for entry in self._folders.table.values())

    def status(self, key: str) -> ModelStatus:
        """One model."""
        return self._status(self._entry(key), self._loaded(), self._newest_jobs())

    def validate(self, key: str) -> ModelReport:
        """Look at the model's folder now, whatever was seen before."""
        self._seen.pop(key, None)
        return self._report(self._entry(key))

    def path(self, key: str) -> Path:
        """The folder of a whole model. Raises NotFound while there is none."""
        found = self._report(self._entry(key))
        if found.valid and found.folder is not None:
            return found.folder
        label = self._entry(key).label
        entry = self._entry(key)
        verb = f"practice {entry.engine}" if entry.practice else f"download {key}"
        if found.state is ModelState.ABSENT:
            message = f"{label} is not on this machine."
        else:
            message = f"{label} is {found.state.value}: {found.problems[0].message}"
        raise NotFound(message, f"Get it with: python app.py models {verb}")

    def disk_use(self) -> DiskUse:
        """What all families' folders take, and what is free."""
        folders = {self._folders.family(entry): None for entry in self._folders.table.values()}
        return DiskUse(
            sum(size_of(folder) for folder in folders),
            free_bytes(self._settings.models_dir),
            tuple(folders),
        )

    def download(self, key: str, provider: str = downloads.AUTO, owner: str = "") -> Job:
        """Begin to download a model: from Hugging Face, else ModelScope ("auto"), or from the one
        that is named. A download that runs or waits already is returned as it is; what an earlier
        one left is gone on from; a whole model makes a job that ends at once.

        Raises BadInput where the licence has to be accepted first, or nothing may be fetched.
        """
        entry = self._entry(key)
        if entry.practice:
            return self.practice(entry.engine, owner)
        downloads.providers(provider, entry)
        if entry.consent and not self.accepted(key):
            raise BadInput(
                f"The licence of {entry.label} has to be accepted first: {entry.consent}",
                f"Read {entry.license_url}, then: python app.py models download {key} --accept-license",
            )
        running = self._newest_jobs().get(key)
        if running is not None and running.status.active:
            return running
        return self._jobs.start(
            "studio.services.downloads:run",
            {"key": key, "provider": provider},
            title=f"Download {entry.label}",
            kind=DOWNLOAD,
            slot=_SLOT,
            owner=owner,
        )

    def practice(self, family: str = "qwen", owner: str = "") -> Job:
        """Begin to make a family's practice models. Raises NotFound for a family without any."""
        made = practice.entries(family, self._folders)
        running = self._newest_jobs().get(made[0].key)
        if running is not None and running.status.active:
            return running
        return self._jobs.start(
            "studio.services.practice:run",
            {"family": family, "keys": [entry.key for entry in made]},
            title=f"Make the {family} practice models",
            kind=PRACTICE,
            slot=_SLOT,
            owner=owner,
        )

    def cancel(self, key: str) -> Job:
        """Stop the model's download; what was fetched is kept. Raises BadInput when there is none."""
        job = self._newest_jobs().get(self._entry(key).key)
        if job is None or not job.status.active:
            raise BadInput(
                f"{self._entry(key).label} is not being downloaded.", "There is nothing to stop."
            )
        return self._jobs.cancel(job.id)

    def unload(self, key: str) -> None:
        """Take a model out of memory, once whoever uses it has finished."""
        if self.status(key).loaded:
            self._engines.unload(self._entry(key).engine)

    def delete(self, key: str) -> int:
        """Remove a model and what downloads of it left; returns the bytes that were freed.

        Of a folder that is a link only the link is removed. Raises BadInput while the model is
        loaded or being downloaded, NotFound when there is nothing, StorageFailed.
        """
        status = self.status(key)
        label = status.entry.label
        if status.busy:
            raise BadInput(f"{label} is being downloaded.", "Stop the download first.")
        if status.loaded:
            raise BadInput(f"{label} is loaded.", "Unload it first, or wait until it is.")
        target = self._folders.target(key)
        doomed = [publishing.partial_of(target), publishing.aside_of(target)]
        if status.report.folder is not None:
            doomed.append(status.report.folder)
        doomed = [folder for folder in doomed if folder.is_symlink() or folder.exists()]
        if not doomed:
            raise NotFound(f"{label} is not on this machine.", "There is nothing to delete.")
        freed = sum(size_of(folder) for folder in doomed if not folder.is_symlink())
        for folder in doomed:
            self._remove(folder, self._folders.family(status.entry))
        self._seen.pop(key, None)
        return freed

    def accept(self, key: str) -> None:
        """Note that the licence of a model was accepted, as it stands in the table now."""
        entry = self._entry(key)
        if not entry.consent:
            raise BadInput(f"{entry.label} needs no consent.", "Download it.")
        self._database.execute(
            "INSERT OR REPLACE INTO consents (model, text, accepted) VALUES (?, ?, ?)",
            (key, entry.consent, time.time()),
        )

    def accepted(self, key: str) -> float | None:
        """When the licence, as it stands in the table now, was accepted (seconds since 1970); None:
        not yet, or it was another text."""
        rows = self._database.query(
            "SELECT accepted FROM consents WHERE model = ? AND text = ?",
            (key, self._entry(key).consent),
        )
        return float(rows[0]["accepted"]) if rows else None

    def by_hand(self, key: str) -> tuple[str, str]:
        """The command lines that fetch the model from Hugging Face (or its authors) and from
        ModelScope ("" where that lacks it). Raises
        BadInput for practice models."""
        return by_hand.commands(self._entry(key), self._folders.target(key))

    def _entry(self, key: str) -> ModelEntry:
        return entry_of(key, self._folders.table)

    def _loaded(self) -> set[str]:
        return {state.model for state in self._engines.state().engines if state.loaded and state.model}

    def _newest_jobs(self) -> dict[str, Job]:
        """The newest job of each model that has any."""
        newest: dict[str, Job] = {}
        for kind in (DOWNLOAD, PRACTICE):
            for job in self._jobs.store.list(kind=kind):
                for key in job.params.get("keys") or [job.params.get("key", "")]:
                    newest.setdefault(key, job)
        return newest

    def _status(self, entry: ModelEntry, loaded: set[str], newest: dict[str, Job]) -> ModelStatus:
        report, job = self._report(entry), newest.get(entry.key)
        if job is not None and not job.status.active and (report.valid or job.status is JobStatus.DONE):
            job = None  # how it came here matters no more
        consent = bool(entry.consent) and self.accepted(entry.key) is None
        return ModelStatus(entry, report, entry.key in loaded, job, consent)

    def _report(self, entry: ModelEntry) -> ModelReport:
        folder = self._folders.find(entry.key)
        files = () if folder is None else (file.path(folder) for file in entry.files)
        look = (folder, *(_look(path) for path in files))
        seen = self._seen.get(entry.key)
        if seen is None or seen.look != look:
            seen = self._seen[entry.key] = _Seen(look, validate(entry, folder))
        return seen.report

    def _remove(self, folder: Path, family: Path) -> None:
        if folder.parent.resolve() != family.resolve():  # for what a table might say one day
            raise BadInput(f"{folder} is not in {family}.", "Remove it by hand if it is yours.")
        # Out of sight first: half of a folder must not be taken for a damaged model.
        hidden = publishing.aside_of(folder)
        if folder != hidden and not folder.name.startswith("."):
            publishing.remove(hidden)
            folder.rename(hidden)
            folder = hidden
        publishing.remove(folder)


def _look(path: Path | None) -> tuple[Path, int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:  # its absence is part of the look
        found = None
    return None if path is None or found is None else (path, found.st_size, found.st_mtime_ns)
