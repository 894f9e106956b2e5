"""Making the process of a job."""

from __future__ import annotations

import os
import subprocess
import sys

from studio.files import make_folder, storage_errors
from studio.jobs import processes
from studio.jobs.model import Job
from studio.settings import CHECKOUT, Settings

#: Settings of the server alone; a job neither needs nor may see the passwords. None asks a language
#: model either.
_NOT_FOR_JOBS = {"host", "port", "share", "auth", "llm_api_key"}


def spawn(job: Job, settings: Settings) -> subprocess.Popen[bytes]:
    """Start the worker of a claimed job, its output going to the job's log.

    It leads a session of its own, so that neither Ctrl-C nor the end of this process reaches it.
    Raises StorageFailed when the log cannot be written, OSError when no process can be made.
    """
    path = settings.home / job.log
    make_folder(path.parent)
    with storage_errors(path):
        output = path.open("ab")
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    with output:
        return subprocess.Popen(
            [sys.executable, "-m", "studio.jobs.worker", job.id, str(job.attempt)],
            cwd=CHECKOUT,
            env=_environment(job, settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=flags,
        )


def _environment(job: Job, settings: Settings) -> dict[str, str]:
    """Ours, with the settings in force, so that those of the command line reach the worker."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TIMBRE_")}
    in_force = settings.model_dump(mode="json", exclude=_NOT_FOR_JOBS)
    return {
        **kept,
        **{f"TIMBRE_{name.upper()}": str(value) for name, value in in_force.items()},
        processes.MARK: job.id,
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
    }
