"""The models that a run can begin with: those of the family, and checkpoints of other runs."""

from __future__ import annotations

from studio.models.validation import ModelState
from studio.models.xtts import TRAINING_FILES
from studio.runs.values import Family
from studio.services.models import ModelService, ModelStatus
from studio.services.run_values import Base, Run

#: Of the keys of models that were trained here (studio.models.trained).
_TRAINED = "trained-"


def bases(family: Family, models: ModelService, runs: list[Run]) -> tuple[Base, ...]:
    """Models first, those that are here before those that are not, practice ones last of each;
    then the checkpoints of `runs`."""
    found = [
        base_of(status)
        for status in models.list()
        if status.entry.engine == family.value
        and not status.entry.key.startswith(_TRAINED)
        and (family is not Family.QWEN or status.entry.variant == "base")
    ]
    found.sort(key=lambda each: (not each.installed or bool(each.problem), each.practice))
    return (*found, *_checkpoints(family, runs))


def base_of(status: ModelStatus) -> Base:
    """A model as a base, with what keeps it from being one."""
    entry, report = status.entry, status.report
    verb = f"practice {entry.engine}" if entry.practice else f"download {entry.key}"
    remedy = f"Get it with: python app.py models {verb}"
    problem = ""
    if report.state is ModelState.ABSENT:
        problem = f"{entry.label} is not on this machine. {remedy}"
    elif not report.valid:
        problem = f"{entry.label} is {report.state.value}: {report.problems[0].message} {remedy}"
    elif entry.engine == Family.XTTS.value and report.folder is not None:
        missing = [name for name in TRAINING_FILES if not (report.folder / name).is_file()]
        if missing:
            problem = f"{entry.label} lacks {' and '.join(missing)}, which training needs. {remedy}"
    return Base(entry.key, entry.label, report.valid, entry.practice, problem)


def _checkpoints(family: Family, runs: list[Run]) -> list[Base]:
    return [
        Base(
            f"{run.id}:{checkpoint.epoch}",
            f"{run.name}, epoch {checkpoint.epoch}",
            True,
            run.practice,
        )
        for run in runs
        if run.family is family
        for checkpoint in reversed(run.checkpoints)
    ]
