"""What a job's function gets to work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.control import Control, Progress
from studio.errors import Damaged
from studio.files import read_json, write_json
from studio.jobs.model import Job, JobProgress
from studio.settings import Settings

#: Fractions that engines report are kept as whole steps of this many.
_FRACTION_STEPS = 1000


class JobContext:
    """Handed to `function(params, context)`; its methods may be called from any thread.

    - `control`: cancelled when someone stops the job; its progress is shown as the job's.
    - `quiet`: the same cancel flag without progress, for engines called inside a loop that counts
      its own steps.
    - `state`: what the work needs to go on after an interruption. It is empty at first and, when a
      job is resumed, as `save_state()` last wrote it.
    - `folder`: the job's own folder, the same in every attempt.
    """

    def __init__(
        self,
        job: Job,
        settings: Settings,
        folder: Path,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self.job = job
        self.settings = settings
        self.folder = folder
        self.control = Control(self._on_progress)
        self.quiet = Control()
        self.latest = JobProgress()
        self.state: dict[str, Any] = {}
        self._on_news = on_news
        self._state_file = folder / "state.json"
        if self._state_file.exists():
            state = read_json(self._state_file)
            if not isinstance(state, dict):
                raise Damaged(
                    f"{self._state_file} is damaged: it holds no state.",
                    "Remove it and resume: the job then begins anew.",
                )
            self.state = state

    def progress(self, step: int, total: int = 0, stage: str = "") -> None:
        """Say that `step` of `total` steps are done (0: not known). Cheap enough for every step.

        What stands after a comma in `stage` ("downloading, 12 MB/s") may change from report to
        report; it is the same stage, and the time left goes on being told by its pace.

        Raises Cancelled when the job should stop, so a loop that reports need not check as well.
        """
        self.control.check()
        before = self.latest
        begins = (
            before.base_time is None
            or (_named(stage), total) != (_named(before.stage), before.total)
            or step < before.base_step
        )
        self.latest = JobProgress(
            stage=stage,
            step=step,
            total=total,
            base_step=step if begins else before.base_step,
            base_time=time.time() if begins else before.base_time,
        )
        if begins or step == total:
            self._on_news()

    def save_state(self) -> None:
        """Keep `state` on the disk, whole or not at all. Raises StorageFailed."""
        write_json(self._state_file, self.state)

    def cancel(self) -> None:
        """Make the work stop at its next check."""
        self.control.cancel()
        self.quiet.cancel()

    def _on_progress(self, progress: Progress) -> None:
        if progress.fraction is None:
            self.progress(0, 0, progress.stage)
        else:
            self.progress(round(progress.fraction * _FRACTION_STEPS), _FRACTION_STEPS, progress.stage)


def _named(stage: str) -> str:
    return stage.partition(",")[0]
