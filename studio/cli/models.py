"""`models`: which there are, getting them, checking them, and removing them."""

from __future__ import annotations

import argparse
from typing import Any

from studio.cli.following import follow
from studio.cli.output import print_json
from studio.errors import BadInput, DownloadFailed
from studio.jobs import Job, JobStatus
from studio.models.publishing import size_text
from studio.models.validation import ModelReport, ModelState
from studio.services.models import ModelStatus
from studio.services.studio import Studio


def models(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py models ...`; returns the exit code."""
    studio.jobs.tick()  # a process that was killed while nobody looked is not at work any more
    return _ACTIONS[given.action](studio, given)


def _list(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.models.list()
    if given.json:
        print_json({"ok": True, "models": [_row(status) for status in found]})
        return 0
    table = [
        (status.entry.key, _state(status), _size(status), status.entry.license, status.entry.serves)
        for status in found
    ]
    table.insert(0, ("model", "state", "size", "licence", "serves"))
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[4]]))
    return 0


def _download(studio: Studio, given: argparse.Namespace) -> int:
    if given.accept_license and studio.models.status(given.key).consent_needed:
        studio.models.accept(given.key)
    job = _wait(studio, studio.models.download(given.key, given.provider), given)
    folder = str(studio.models.path(given.key))
    if given.json:
        already = bool((job.result or {}).get("already"))
        print_json({"ok": True, "key": given.key, "folder": folder, "already": already})
    else:
        print(folder)
    return 0


def _practice(studio: Studio, given: argparse.Namespace) -> int:
    job = _wait(studio, studio.models.practice(given.family), given)
    folders = {key: str(studio.models.path(key)) for key in job.result["keys"]}
    if given.json:
        print_json({"ok": True, "folders": folders})
    else:
        print("\n".join(folders.values()))
    return 0


def _validate(studio: Studio, given: argparse.Namespace) -> int:
    """Exit code 4 where a model is not whole; without a key, of those that are there at all."""
    if given.key:
        reports = [studio.models.validate(given.key)]
    else:
        found = [studio.models.validate(status.entry.key) for status in studio.models.list()]
        reports = [report for report in found if report.state is not ModelState.ABSENT]
    whole = all(report.valid for report in reports)
    if given.json:
        print_json({"ok": whole, "models": [_report(report) for report in reports]})
    for report in reports if not given.json else ():
        print(f"{report.key}: {report.state.value}")
        for problem in report.problems:
            print(f"    {problem.message}")
    return 0 if whole else 4


def _path(studio: Studio, given: argparse.Namespace) -> int:
    folder = str(studio.models.path(given.key))
    if given.json:
        print_json({"ok": True, "key": given.key, "folder": folder})
    else:
        print(folder)
    return 0


def _delete(studio: Studio, given: argparse.Namespace) -> int:
    report = studio.models.status(given.key).report
    if not given.yes:
        raise BadInput(
            f"This would delete {report.folder or 'what was downloaded so far'}"
            f" ({size_text(report.size_bytes)}).",
            "Add --yes if that is meant.",
        )
    freed = studio.models.delete(given.key)
    if given.json:
        print_json({"ok": True, "key": given.key, "freed_bytes": freed})
    else:
        print(f"{size_text(freed)} freed.")
    return 0


_ACTIONS = {
    "list": _list,
    "download": _download,
    "practice": _practice,
    "validate": _validate,
    "path": _path,
    "delete": _delete,
}


def _wait(studio: Studio, job: Job, given: argparse.Namespace) -> Job:
    """Follow the job to its end. Raises DownloadFailed with the job's own words, Cancelled."""
    kept = "What was fetched is kept; the same command goes on from it."
    job = follow(studio, job, kept, _bytes, quiet=given.json)
    if job.status is not JobStatus.DONE:
        raise DownloadFailed(job.message, job.hint)
    return job


def _bytes(job: Job) -> str:
    return f"{size_text(job.step)} of {size_text(job.total)}"


def _state(status: ModelStatus) -> str:
    if status.busy:
        return "downloading"
    return "loaded" if status.loaded else status.report.state.value


def _size(status: ModelStatus) -> str:
    """What it takes on the disk, or in brackets what a download brings."""
    if status.report.folder is not None:
        return size_text(status.report.size_bytes)
    published = status.entry.published_bytes
    return f"({size_text(published)})" if published else ""


def _row(status: ModelStatus) -> dict[str, Any]:
    entry = status.entry
    return {
        **_report(status.report),
        "label": entry.label,
        "serves": entry.serves,
        "engine": entry.engine,
        "modes": sorted(entry.modes),
        "license": entry.license,
        "license_url": entry.license_url,
        "published_bytes": entry.published_bytes,
        "vram_gb": entry.vram_gb,
        "practice": entry.practice,
        "loaded": status.loaded,
        "downloading": status.busy,
        "consent_needed": status.consent_needed,
    }


def _report(report: ModelReport) -> dict[str, Any]:
    return {
        "key": report.key,
        "state": report.state.value,
        "folder": str(report.folder) if report.folder else None,
        "size_bytes": report.size_bytes,
        "problems": [{"file": problem.file, "message": problem.message} for problem in report.problems],
    }
