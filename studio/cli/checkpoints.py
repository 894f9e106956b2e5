"""`checkpoints`: what runs have left, and what is made of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from studio.cli.dataset_words import OWNER
from studio.cli.following import follow
from studio.cli.output import print_json
from studio.cli.training_words import full_row_of, line_of, row_of
from studio.errors import BadInput, NotFound, StudioError
from studio.jobs import Job, JobStatus
from studio.models.publishing import size_text
from studio.names import readable
from studio.services.run_values import FoundCheckpoint
from studio.services.studio import Studio

_BEGINS_ANEW = "Nothing was left behind; the same command begins anew."


def checkpoints(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py checkpoints ...`; returns the exit code."""
    studio.jobs.tick()  # a process that was killed while nobody looked is not at work any more
    return _ACTIONS[given.action](studio, given)


def _list(studio: Studio, given: argparse.Namespace) -> int:
    runs, damaged = studio.runs.list(OWNER), studio.runs.damaged()
    if given.json:
        rows = [row_of(run) for run in runs]
        print_json({"ok": True, "runs": rows, "damaged": [asdict(each) for each in damaged]})
        return 0
    width = max((len(run.name) for run in runs), default=0)
    for run in runs:
        saved = ", ".join(f"{epoch}{'*' * (epoch == run.best)}" for epoch in run.epochs_saved)
        print(
            f"{run.name:{width}}  {run.family:4}  {run.method:4}  {run.state:11}  "
            f"{size_text(run.size):>9}  epochs {saved or '-'}"
        )
    for damage in damaged:
        print(damage.message)
    return 0


def _show(studio: Studio, given: argparse.Namespace) -> int:
    run = studio.runs.get(given.spec, OWNER)
    folder = studio.workspace.checkpoints / run.id
    if given.json:
        clips = [asdict(each) for each in studio.runs.left_out(run.id, OWNER)]
        print_json({"ok": True, "run": full_row_of(run) | {"folder": str(folder), "left_out": clips}})
        return 0
    settings = asdict(run.settings)
    rows = [
        ("Name", run.name),
        ("State", " ".join(filter(None, (run.state, run.problem)))),
        ("Folder", f"{folder} ({size_text(run.size)})"),
        ("Data set", run.dataset_name),
        ("Base", run.base_label + (" (what it speaks is noise)" if run.practice else "")),
        ("Note", run.note),
        *((key.replace("_", " ").capitalize(), value) for key, value in settings.items()),
    ]
    for label, value in rows:
        if value not in ("", None, ()):
            print(f"{label + ':':24}{value}")
    for checkpoint in run.checkpoints:
        print(line_of(checkpoint))
    return 0


def _merge(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.runs.checkpoint(given.spec, OWNER)
    name = given.name or f"{found.run_name}, epoch {found.checkpoint.epoch}, merged"
    job = _followed(studio, given, studio.runs.merge(found.spec, OWNER, name))
    return _made(studio, given, job)


def _export(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.runs.checkpoint(given.spec, OWNER)
    target = Path(given.output or f"{readable(found.run_name)}-{found.checkpoint.epoch}").absolute()
    job = _followed(studio, given, studio.runs.export(found.spec, OWNER, target))
    if given.json:
        print_json({"ok": True, "checkpoint": found.spec, "output": str(target), "result": job.result})
    else:
        print(target)
    return 0


def _import(studio: Studio, given: argparse.Namespace) -> int:
    job = studio.runs.import_checkpoint(Path(given.path), OWNER, given.name, given.base)
    return _made(studio, given, _followed(studio, given, job))


def _delete(studio: Studio, given: argparse.Namespace) -> int:
    checkpoint = _checkpoint_meant(studio, given.spec)
    run = studio.runs.get(checkpoint.checkpoint.run if checkpoint else given.spec, OWNER)
    if not given.yes:
        what = checkpoint.label if checkpoint else f"{run.name} with all checkpoints and samples"
        size = checkpoint.checkpoint.size if checkpoint else run.size
        raise BadInput(f"This would delete {what} ({size_text(size)}).", "Add --yes if that is meant.")
    if checkpoint:
        freed = studio.runs.delete_checkpoint(run.id, OWNER, checkpoint.checkpoint.epoch)
    else:
        freed = studio.runs.delete(run.id, OWNER)
    if given.json:
        print_json({"ok": True, "deleted": checkpoint.spec if checkpoint else run.id, "freed": freed})
    else:
        print(f"{checkpoint.label if checkpoint else run.name} is deleted: {size_text(freed)} freed.")
    return 0


def _rename(studio: Studio, given: argparse.Namespace) -> int:
    run = studio.runs.rename(given.spec, OWNER, given.name)
    return _changed(given, row_of(run), f"It is called {run.name} now.")


def _note(studio: Studio, given: argparse.Namespace) -> int:
    run = studio.runs.note(given.spec, OWNER, given.text)
    return _changed(given, row_of(run), "The note is kept." if run.note else "It has no note now.")


def _checkpoint_meant(studio: Studio, spec: str) -> FoundCheckpoint | None:
    """The one that `spec` names; None where it names a run."""
    try:
        studio.runs.get(spec, OWNER)
    except NotFound:
        return studio.runs.checkpoint(spec, OWNER)
    return None


def _followed(studio: Studio, given: argparse.Namespace, job: Job) -> Job:
    quiet = given.quiet or given.json
    job = follow(studio, job, _BEGINS_ANEW, lambda now: f"{now.fraction or 0:.0%}", quiet)
    if job.status is not JobStatus.DONE:
        raise StudioError(job.message, job.hint)
    return job


def _made(studio: Studio, given: argparse.Namespace, job: Job) -> int:
    run = studio.runs.get(str(job.result["run"]), OWNER)
    if given.json:
        print_json({"ok": True, "run": full_row_of(run), "result": job.result})
        return 0
    print(f"{run.name} ({size_text(run.size)})")
    for checkpoint in run.checkpoints:
        print(line_of(checkpoint))
    return 0


def _changed(given: argparse.Namespace, row: dict[str, object], words: str) -> int:
    if given.json:
        print_json({"ok": True, "run": row})
    else:
        print(words)
    return 0


_ACTIONS = {
    "list": _list,
    "show": _show,
    "merge": _merge,
    "export": _export,
    "import": _import,
    "delete": _delete,
    "rename": _rename,
    "note": _note,
}
