"""Long work as processes of its own: downloads, data sets, training, batches of speech.

A job is a row in the database and a process; neither a closed browser nor a restarted server ends
it. `Supervisor` starts, stops and resumes; `JobContext` is what the work itself sees.
"""

from studio.jobs.context import JobContext
from studio.jobs.model import Job, JobStatus
from studio.jobs.store import JobStore
from studio.jobs.supervisor import Supervisor

__all__ = ["Job", "JobContext", "JobStatus", "JobStore", "Supervisor"]
