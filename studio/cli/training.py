"""`train`: a run from the command line."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from studio.cli.dataset_words import OWNER
from studio.cli.following import follow
from studio.cli.output import print_json
from studio.cli.training_options import METHOD, PRESET, refuse_settings, settings_from
from studio.cli.training_words import full_row_of, line_of, say_estimate
from studio.errors import BadInput, NotFound, StudioError
from studio.jobs import Job, JobStatus
from studio.runs.presets import Preset
from studio.runs.values import Family, Method, RunSettings
from studio.services.run_values import Run
from studio.services.studio import Studio


def train(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py train ...`; returns the exit code."""
    if given.stop or given.resume:
        refuse_settings(given)
    if given.stop:
        return _stop(studio, given)
    if given.resume:
        return _resume(studio, given)
    settings = _settings(studio, given)
    if given.estimate:
        return _estimate(studio, given, settings)
    run = _created(studio, given, settings)
    if given.launch:
        return _launch(studio, given, run)
    return _followed(studio, given, run, studio.runs.start(run.id, OWNER))


def _settings(studio: Studio, given: argparse.Namespace) -> RunSettings:
    """What is asked for, and said why."""
    if not given.dataset or not given.family:
        raise BadInput(
            "--dataset and --family say what is to be trained.",
            "Give both, or --resume with a run's name.",
        )
    proposal = studio.runs.propose(
        Family(given.family),
        Method(given.method or METHOD),
        Preset(given.preset or PRESET),
        given.dataset,
        OWNER,
        given.base,
    )
    settings = settings_from(given, proposal.settings)
    if not given.quiet and not given.json:
        for name, reason in proposal.reasons.items():
            if getattr(settings, name) == getattr(proposal.settings, name):
                print(f"{name.replace('_', ' ')}: {reason}", file=sys.stderr)
    return settings


def _estimate(studio: Studio, given: argparse.Namespace, settings: RunSettings) -> int:
    estimate = studio.runs.estimate(settings, OWNER)
    if given.json:
        row = asdict(estimate) | {"fits": estimate.fits}
        print_json({"ok": not estimate.problems, "settings": asdict(settings), "estimate": row})
    else:
        say_estimate(estimate)
    return BadInput.exit_code if estimate.problems else 0


def _created(studio: Studio, given: argparse.Namespace, settings: RunSettings) -> Run:
    """The new run. What keeps it from starting is said before it is made."""
    estimate = studio.runs.estimate(settings, OWNER)
    for problem in estimate.problems:
        raise BadInput(problem)
    for advice in estimate.advice:
        print(advice, file=sys.stderr)
    return studio.runs.create(given.name or _free_name(studio, given), OWNER, settings)


def _free_name(studio: Studio, given: argparse.Namespace) -> str:
    """After the data set, with a number where that is taken."""
    plain = studio.datasets.get(given.dataset, OWNER).name
    name, number = plain, 2
    while True:
        try:
            studio.runs.get(name, OWNER)
        except NotFound:
            return name
        name, number = f"{plain} ({number})", number + 1


def _resume(studio: Studio, given: argparse.Namespace) -> int:
    studio.jobs.tick()  # a process that was killed while nobody looked is not at work any more
    run = studio.runs.get(given.resume, OWNER)
    if given.launch:
        return _launch(studio, given, run)
    job = studio.runs.job(run.id, OWNER) if run.active else studio.runs.start(run.id, OWNER)
    assert job is not None
    return _followed(studio, given, run, job)


def _stop(studio: Studio, given: argparse.Namespace) -> int:
    run = studio.runs.get(given.stop, OWNER)
    job = studio.jobs.wait(studio.runs.stop(run.id, OWNER).id, studio.settings.job_grace_s + 5)
    if given.json:
        print_json({"ok": True, "run": full_row_of(studio.runs.get(run.id, OWNER))})
    else:
        ended = "is stopping" if job.status.active else "is stopped"
        print(f"{run.name} {ended}. {_goes_on(run)}")
    return 0


def _launch(studio: Studio, given: argparse.Namespace, run: Run) -> int:
    command = studio.runs.launch_command(run.id, OWNER)
    if given.json:
        print_json({"ok": True, "run": full_row_of(run), "command": command})
    else:
        print(command)
    return 0


def _followed(studio: Studio, given: argparse.Namespace, run: Run, job: Job) -> int:
    if not given.detach:
        goes_on = f"Follow it: {_command(run)}; stop it: python app.py train --stop {run.id}"
        job = follow(
            studio, job, _goes_on(run), _share, given.quiet or given.json, f"It trains on. {goes_on}"
        )
        if job.status is not JobStatus.DONE:
            raise StudioError(job.message, job.hint)
    run = studio.runs.get(run.id, OWNER)
    if given.json:
        print_json({"ok": True, "run": full_row_of(run), "result": job.result})
        return 0
    if given.detach:
        print(f"{run.name} is {run.state}. Follow it: {_command(run)}")
        return 0
    for note in (job.result or {}).get("notes", ()):
        print(note, file=sys.stderr)
    left_out = studio.runs.left_out(run.id, OWNER)
    for clip in left_out:
        print(f"{clip.audio} was left out: {clip.reason}", file=sys.stderr)
    print(f"{run.name}: {run.latest.step if run.latest else 0:,} steps.")
    for checkpoint in run.checkpoints:
        print(line_of(checkpoint))
    return 0


def _goes_on(run: Run) -> str:
    return f"What is trained is kept. Go on: {_command(run)}"


def _command(run: Run) -> str:
    return f"python app.py train --resume {run.id}"


def _share(job: Job) -> str:
    return f"{job.fraction or 0:.0%}"
