"""The job that downloads a model: studio.services.downloads:run

It fetches into a hidden folder beside the model's own, checks every file against the hub's hashes,
and only then lets the folder appear, by a rename. Whatever breaks, what was fetched is kept there
and the next attempt goes on from it.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from studio.errors import BadInput, Busy, DownloadFailed, StorageFailed, unknown
from studio.files import free_bytes, make_folder, storage_errors
from studio.jobs import JobContext
from studio.models import by_hand, publishing
from studio.models.folders import ModelFolders
from studio.models.manifest import Listing, WrongFile, examined, write_manifest
from studio.models.registry import ModelEntry, entry_of
from studio.models.validation import report, size_of, validate
from studio.services.hub_client import Failure
from studio.services.hub_process import Hub, HubFailed

log = logging.getLogger(__name__)

LABELS = {"huggingface": "Hugging Face", "modelscope": "ModelScope"}
AUTO = "auto"
#: Of models that no hub has; they are fetched from where their authors put them.
PLAIN = "url"

#: Waits before another try when a hub breaks off without having sent anything new, in seconds.
#: Silence has cost much time already, so it is given one more try.
_PAUSES_S = {Failure.NETWORK: (1.0, 3.0), Failure.SILENT: (1.0,)}

#: How often a file may arrive that is not what was published.
_ROUNDS = 2

#: The speed shown is that of this many seconds.
_SPEED_OVER_S = 5.0

#: Which hub and revision the files in an unfinished folder are from.
_ORIGIN = "timbre-origin.txt"


def providers(name: str, entry: ModelEntry) -> tuple[str, ...]:
    """The providers of `entry` to try, in order: "auto" means all. Raises NotFound for an unknown
    one, and BadInput for one that does not have it, or where the environment forbids to fetch."""
    if name != AUTO and name not in LABELS:
        raise unknown("provider", name, (AUTO, *LABELS))
    repositories = (entry.hugging_face, entry.modelscope)
    having = tuple(hub for hub, has in zip(LABELS, repositories, strict=True) if has) or (PLAIN,)
    if name != AUTO and name not in having:
        raise BadInput(f"{LABELS[name]} does not have {entry.label}.", "Leave the provider to auto.")
    chosen = having if name == AUTO else (name,)
    for switch in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if "huggingface" in chosen and os.environ.get(switch, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise BadInput(
                f"{switch} is set, so nothing is fetched from the network.",
                "Remove it from the environment, start Timbre again and repeat the download.",
            )
    return chosen


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Download the model `params["key"]` from `params["provider"]`; returns where it lies.

    Raises DownloadFailed with what each provider did and how to do it by hand, StorageFailed where
    the disk is full or forbidden, Busy when another Timbre is at it, Cancelled.
    """
    folders = ModelFolders(context.settings.models_dir, context.settings.qwen_dir)
    entry = entry_of(params["key"])
    chosen = providers(params.get("provider", AUTO), entry)
    present = report(folders, entry.key)
    if present.valid:
        log.warning("%s is there already: %s", entry.label, present.folder)
        return {"key": entry.key, "folder": str(present.folder), "already": True}
    target = folders.target(entry.key)
    make_folder(target.parent)
    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=0)
    try:
        with storage_errors(target), lock:
            return _Download(entry, target, present.folder, context).run(chosen)
    except Timeout as error:
        raise Busy(
            f"{entry.label} is being downloaded by another Timbre.", "Wait until that one has ended."
        ) from error


class _GivenUp(Exception):
    """One provider did not do; the text says why, as a sentence."""


class _Download:
    """One model on its way into its folder."""

    def __init__(self, entry: ModelEntry, target: Path, old: Path | None, context: JobContext) -> None:
        self._entry = entry
        self._context = context
        self._target = target
        self._old = old  # an incomplete or damaged folder, where there is one
        self._partial = publishing.partial_of(target)
        self._names = tuple(file.name for file in entry.files)

    def run(self, chosen: tuple[str, ...]) -> dict[str, Any]:
        publishing.restore(self._target)
        if self._partial.is_symlink():
            publishing.remove(self._partial)
        make_folder(self._partial)
        reasons: list[str] = []
        for provider in chosen:
            if reasons:
                log.warning("trying %s", _label(provider))
            try:
                return self._from(provider)
            except HubFailed as error:
                reasons.append(self._in_words(provider, error))
            except _GivenUp as error:
                reasons.append(str(error))
            log.warning(reasons[-1])
        lines = [line for line in by_hand.commands(self._entry, self._target) if line]
        raise DownloadFailed(
            f"{self._entry.label} could not be downloaded. {' '.join(reasons)}",
            "Try again: what was fetched is kept. Or do it by hand with one of these:\n"
            + "\n".join(lines),
        )

    def _from(self, provider: str) -> dict[str, Any]:
        """Fetch, check and publish. Raises HubFailed and _GivenUp."""
        label, repository = _label(provider), self._repository(provider)
        self._context.progress(0, 0, f"asking {label}")
        with Hub(
            provider, repository, self._context.control, self._context.settings.download_stall_s
        ) as hub:
            listing = hub.list(self._names)
            self._check_complete(listing, f"{label}'s {repository}")
            self._check_known(listing, f"{label}'s {repository}")
            hashes: dict[str, str] = {}
            self._forget_others(f"{provider} {listing.revision}", listing)
            provable = [file.name for file in listing.files if file.sha256 or file.git_sha1]
            publishing.adopt(self._old, self._partial, provable)
            missing = self._take_stock(listing, hashes)
            for _ in range(_ROUNDS):
                if not missing:
                    break
                publishing.check_space(
                    self._target.parent,
                    max(0, listing.total_bytes - size_of(self._partial)),
                    self._entry.label,
                )
                came = self._fetch(hub, listing, tuple(missing))
                missing = self._take_stock(listing, hashes)
                for name, why in missing.items():
                    log.warning("%s from %s is not right: %s", name, label, came or why)
            if missing:
                name, why = next(iter(missing.items()))
                raise _GivenUp(f"{name} from {label} was not right {_ROUNDS} times: {came or why}.")
        return self._publish(provider, repository, listing, hashes)

    def _repository(self, provider: str) -> str:
        if provider == PLAIN:
            return self._entry.address(self._context.settings.whisper_mirror)
        return self._entry.hugging_face if provider == "huggingface" else self._entry.modelscope

    def _check_complete(self, listing: Listing, where: str) -> None:
        listed = {file.name for file in listing.files}
        gone = [file.name for file in self._entry.files if file.required and file.name not in listed]
        if gone:
            raise _GivenUp(f"{where} lacks {', '.join(gone)}.")

    def _check_known(self, listing: Listing, where: str) -> None:
        """What is known by its content is taken from anyone, but nothing else in its place."""
        listed = {file.name: file.sha256 for file in listing.files}
        for file in self._entry.files:
            if file.sha256 and listed.get(file.name, "").lower() != file.sha256:
                raise _GivenUp(f"{where} has another {file.name} than the one that is known.")

    def _forget_others(self, origin: str, listing: Listing) -> None:
        """Remove what another hub or revision left, where no hash could tell it from ours."""
        note = self._partial / _ORIGIN
        if not note.exists() or note.read_text("utf-8") != origin:
            for file in listing.files:
                if not (file.sha256 or file.git_sha1):
                    publishing.remove(self._partial / file.name)
            note.write_text(origin, "utf-8")

    def _take_stock(self, listing: Listing, hashes: dict[str, str]) -> dict[str, str]:
        """Read what is there and not yet in `hashes`; files that are wrong are removed.

        Returns the names of the files that are missing then, each with the reason.
        """
        there = [file for file in listing.files if (self._partial / file.name).is_file()]
        unread = [file for file in there if file.name not in hashes]
        total, done = sum((self._partial / file.name).stat().st_size for file in unread), 0

        def count(size: int) -> None:
            nonlocal done
            done += size
            self._context.progress(done, total, "checking the files")

        missing = {file.name: "it did not come" for file in listing.files if file not in there}
        for file in unread:
            try:
                hashes[file.name] = examined(self._partial / file.name, file, count)
            except WrongFile as error:
                publishing.remove(self._partial / file.name)
                missing[file.name] = str(error)
        return missing

    def _fetch(self, hub: Hub, listing: Listing, names: tuple[str, ...]) -> str:
        """Fetch `names`, going on after cuts. Returns what was wrong with what came, "" if nothing
        is known to be."""
        meter = _Meter(self._context, listing.total_bytes, _label(hub.provider))
        fruitless = 0
        while True:
            before = size_of(self._partial)
            try:
                hub.fetch(listing.revision, names, self._partial, meter)
                return ""
            except HubFailed as error:
                if error.kind is Failure.INCONSISTENT:
                    self._drop_unfinished()
                    return "it did not have the size that was announced"
                fruitless = 0 if size_of(self._partial) > before else fruitless
                pauses = _PAUSES_S.get(error.kind, ())
                if fruitless >= len(pauses):
                    raise
                log.warning("%s broke off (%s); going on", _label(hub.provider), error.detail)
                self._context.control.wait(pauses[fruitless])
                fruitless += 1

    def _drop_unfinished(self) -> None:
        """What is too long, or was put together wrongly, must not be gone on from."""
        for path in self._partial.rglob("*.incomplete"):
            publishing.remove(path)

    def _publish(
        self, provider: str, repository: str, listing: Listing, hashes: dict[str, str]
    ) -> dict[str, Any]:
        self._context.progress(0, 0, "putting it in its place")
        publishing.remove_strangers(self._partial, set(hashes))
        write_manifest(self._partial, self._entry, provider, repository, listing, hashes)
        found = validate(self._entry, self._partial)
        if not found.valid:
            raise _GivenUp(f"{_label(provider)}'s {repository} will not do: {found.problems[0].message}")
        publishing.publish(self._partial, self._target)
        return {
            "key": self._entry.key,
            "folder": str(self._target),
            "already": False,
            "provider": provider,
            "revision": listing.revision,
            "bytes": found.size_bytes,
        }

    def _in_words(self, provider: str, error: HubFailed) -> str:
        """Why the hub did not do; for our own disk it raises StorageFailed instead."""
        label, repository = _label(provider), self._repository(provider)
        family = self._target.parent
        if error.kind is Failure.FULL:
            raise StorageFailed(
                f"The disk is full: {self._entry.label} could not be fetched;"
                f" {publishing.size_text(free_bytes(family))} are free in {family}.",
                "Free some space and download again: what was fetched is kept.",
            ) from error
        if error.kind is Failure.DENIED:
            raise StorageFailed(
                f"{self._partial} cannot be written.", "Give yourself write access to the folder."
            ) from error
        missing = next((name for name in self._names if f"/{name}" in error.detail), "")
        return {
            Failure.NETWORK: f"{label} could not be reached, or broke off.",
            Failure.SILENT: f"{label} was silent: {error.detail}.",
            Failure.REFUSED: f"{label} wants an account that may have {repository} (see HF_TOKEN).",
            Failure.MISSING: f"{label} has no {missing} in {repository}."
            if missing
            else f"{label} has no {repository}, or shows it to some accounts only (see HF_TOKEN).",
            Failure.UNINSTALLED: f"{label}'s client is not installed (pip install modelscope).",
        }.get(error.kind, f"{label} answered in an unknown way; the job's log says more.")


def _label(provider: str) -> str:
    return LABELS.get(provider, "its authors' server")


class _Meter:
    """Reports the bytes that have come, with the speed, as the job's progress."""

    def __init__(self, context: JobContext, total: int, label: str) -> None:
        self._context, self._total, self._label = context, total, label
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, size: int) -> None:
        now = time.monotonic()
        self._seen.append((now, size))
        while now - self._seen[0][0] > _SPEED_OVER_S:
            self._seen.popleft()
        then, before = self._seen[0]
        if size > before:
            stage = f"downloading from {self._label}, {(size - before) / (now - then) / 1e6:.1f} MB/s"
        else:  # a stage of its own: the wait does not count into the time left
            stage = f"waiting for {self._label}"
        # The clients' notes lie in the folder as well, and are a few hundred bytes.
        self._context.progress(min(size, self._total) if self._total else size, self._total, stage)
