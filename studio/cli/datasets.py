"""`datasets`: training sets, made from recordings and looked at."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from studio.cli import dataset_reviewing as reviewing
from studio.cli.dataset_options import settings_from
from studio.cli.dataset_words import OWNER, clock, row_of, say
from studio.cli.following import follow
from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.output import print_json
from studio.control import Progress
from studio.dataset.exporting import FORMS, ZIP
from studio.dataset.values import PrepareSettings, Source
from studio.errors import BadInput, NotFound, StudioError, unknown
from studio.jobs import Job, JobStatus
from studio.models.publishing import size_text
from studio.names import readable
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio

_GOES_ON = "What is done is kept; the same command goes on from it."


def datasets(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py datasets ...`; returns the exit code."""
    studio.jobs.tick()  # a process that was killed while nobody looked is not at work any more
    return _ACTIONS[given.action](studio, given)


def _build(studio: Studio, given: argparse.Namespace) -> int:
    dataset = _wanted(studio, given)
    job = follow(
        studio, studio.datasets.build(dataset.id, OWNER), _GOES_ON, _share, given.quiet or given.json
    )
    if job.status is not JobStatus.DONE:
        raise StudioError(job.message, job.hint)
    dataset = studio.datasets.get(dataset.id, OWNER)
    outlook = studio.datasets.outlook(dataset.id, OWNER)
    if given.json:
        print_json({"ok": True, "dataset": row_of(dataset), "result": job.result})
        return 0
    for source in dataset.sources:
        if source.problem:
            print(_problem(source), file=sys.stderr)
    for note in dataset.notes:
        print(note, file=sys.stderr)
    print("\n".join([f"{dataset.name}: {outlook.words}", *outlook.advice]))
    return 0


def _wanted(studio: Studio, given: argparse.Namespace) -> Dataset:
    """The set that the command is about, as it says it is to be built."""
    inputs = [Path(source) for source in given.sources]
    try:
        dataset = studio.datasets.get(given.name, OWNER)
    except NotFound:
        if not inputs:
            raise
        settings = settings_from(given, PrepareSettings())
        return studio.datasets.create(given.name, OWNER, settings, inputs)
    settings = settings_from(given, dataset.settings)
    if inputs:
        studio.datasets.add(dataset.id, OWNER, inputs)
    if settings != dataset.settings:
        studio.datasets.change(dataset.id, OWNER, settings=settings)
    return studio.datasets.get(dataset.id, OWNER)


def _list(studio: Studio, given: argparse.Namespace) -> int:
    found, damaged = studio.datasets.list(OWNER), studio.datasets.damaged()
    if given.json:
        rows = [row_of(dataset) for dataset in found]
        print_json({"ok": True, "datasets": rows, "damaged": [asdict(each) for each in damaged]})
        return 0
    for damage in damaged:
        print(damage.message, file=sys.stderr)
    width = max((len(dataset.name) for dataset in found), default=0)
    for each in found:
        hours = f"{clock(each.kept_s)} of {clock(each.total_s)} kept"
        print(
            f"{each.name:{width}}  {hours}  {each.segments:6,} segments  {each.language or '-':5}  {each.state}"
        )
    return 0


def _show(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    outlook = studio.datasets.outlook(dataset.id, OWNER)
    size = studio.datasets.size(dataset.id, OWNER)
    folder = studio.workspace.datasets / dataset.id
    if given.json:
        more = {
            "settings": asdict(dataset.settings),
            "inputs": [asdict(each) for each in dataset.inputs],
            "sources": [asdict(source) for source in dataset.sources],
            "notes": list(dataset.notes),
            "note": dataset.note,
            "folder": str(folder),
            "size_bytes": size,
            "outlook": asdict(outlook),
        }
        print_json({"ok": True, "dataset": row_of(dataset) | more})
        return 0
    rows = [
        ("Name", dataset.name),
        ("State", " ".join(filter(None, (dataset.state, dataset.stale, dataset.problem)))),
        ("Folder", f"{folder} ({size_text(size)})"),
        ("Recordings", f"{dataset.recordings}, {clock(outlook.source_s)}"),
        ("Kept", f"{dataset.kept:,} of {dataset.segments:,} segments"),
        ("Language", dataset.language),
        ("Speakers", ", ".join(f"{name} {clock(s)}" for name, s in outlook.speakers.items())),
        ("SNR", f"{outlook.mean_snr_db:.0f} dB" if outlook.mean_snr_db is not None else ""),
        ("Note", dataset.note),
    ]
    for label, value in rows:
        if value:
            print(f"{label + ':':12}{value}")
    say(outlook)
    for source in dataset.sources:
        if source.problem:
            print(_problem(source))
    print("".join(f"{note}\n" for note in dataset.notes), end="")
    return 0


def _export(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    ending = ZIP if FORMS[given.format].is_zip else f"-{given.format}"
    target = Path(given.output or f"{readable(dataset.name)}{ending}")
    with stopping_on_interrupt() as stop:
        control = stop.within(None if given.json or given.quiet else _Shown())
        studio.datasets.export(dataset.id, OWNER, given.format, target, control)
    if given.json:
        print_json({"ok": True, "format": given.format, "output": str(target)})
    else:
        print(target)
    return 0


class _Shown:
    """Each stage once, on standard error."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._stage = progress.stage
            print(progress.stage, file=sys.stderr)


def _remove(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    wanted = given.source
    for each in dataset.inputs:
        if wanted in (each.path, each.name) or str(Path(wanted).absolute()) == each.path:
            changed = studio.datasets.remove_input(dataset.id, OWNER, each.path)
            break
    else:
        raise unknown("input", wanted, [each.name for each in dataset.inputs])
    if given.json:
        print_json({"ok": True, "dataset": row_of(changed)})
    else:
        print(f"{each.name} is left out from the next build on.")
    return 0


def _duplicate(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    copy = studio.datasets.duplicate(dataset.id, OWNER, given.new_name)
    if given.json:
        print_json({"ok": True, "dataset": row_of(copy)})
    else:
        print(f"{copy.name} is a copy of {dataset.name}.")
    return 0


def _delete(studio: Studio, given: argparse.Namespace) -> int:
    dataset = studio.datasets.get(given.name, OWNER)
    size = size_text(studio.datasets.size(dataset.id, OWNER))
    if not given.yes:
        raise BadInput(
            f"This would delete {dataset.name} with its {dataset.segments:,} segments ({size}).",
            "Add --yes if that is meant. Recordings that lie elsewhere stay.",
        )
    studio.datasets.delete(dataset.id, OWNER)
    if given.json:
        print_json({"ok": True, "deleted": dataset.id})
    else:
        print(f"{dataset.name} is deleted.")
    return 0


def _problem(source: Source) -> str:
    return f"{source.name}: {source.problem} {source.hint}".rstrip()


def _share(job: Job) -> str:
    return f"{job.fraction or 0:.0%}"


_ACTIONS = {
    "build": _build,
    "list": _list,
    "show": _show,
    "segments": reviewing.segments,
    "limits": reviewing.limits,
    "keep": reviewing.decide,
    "drop": reviewing.decide,
    "reset": reviewing.decide,
    "coverage": reviewing.coverage,
    "export": _export,
    "remove": _remove,
    "duplicate": _duplicate,
    "delete": _delete,
}
