"""Jobs in the database. Every change of status happens here, each in one transaction."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping
from typing import Any

from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.jobs.model import Job, JobProgress, JobStatus, check_target


class JobStore:
    """The table of jobs. What a worker writes carries its attempt: once a job has been given up or
    started again, the writes of the old process change nothing (they return False)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        target: str,
        params: Mapping[str, Any],
        *,
        title: str,
        kind: str = "",
        slot: str = "",
        owner: str = "",
    ) -> Job:
        """A new queued job. Raises BadInput for a target that may not run or params that are no JSON."""
        module, _ = check_target(target)
        try:
            packed = json.dumps(dict(params), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BadInput(f"The job's parameters cannot be kept: {error}.") from error
        job_id = secrets.token_hex(8)
        self._database.execute(
            "INSERT INTO jobs (id, kind, target, params, title, owner, slot, status, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job_id,
                kind or module.partition(".")[0],
                target,
                packed,
                title,
                owner,
                slot,
                JobStatus.QUEUED.value,
                time.time(),
            ),
        )
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """The job of that id; raises NotFound."""
        rows = self._database.query("SELECT * FROM jobs WHERE id = ?", (job_id,))
        if not rows:
            raise NotFound(f"There is no job “{job_id[:40]}”.", "It may have been removed.")
        return _job(rows[0])

    def list(
        self,
        *,
        statuses: Iterable[JobStatus] = (),
        kind: str | None = None,
        owner: str | None = None,
        limit: int = 200,
    ) -> list[Job]:
        """Jobs, the newest first; no statuses means all of them."""
        wanted = [status.value for status in statuses]
        conditions, values = ["1"], list[Any]()
        if wanted:
            conditions.append(f"status IN ({', '.join('?' * len(wanted))})")
            values += wanted
        for column, value in (("kind", kind), ("owner", owner)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        rows = self._database.query(
            f"SELECT * FROM jobs WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own words only
            " ORDER BY created DESC, rowid DESC LIMIT ?",
            [*values, limit],
        )
        return [_job(row) for row in rows]

    def claim_next(self, log_name: str) -> Job | None:
        """Mark the first queued job whose slot is free as running and return it, or None.

        `log_name` is a pattern for the path of its log, with {id} in it. Only one of several
        supervisors gets a job.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id FROM jobs AS waiting WHERE status = 'queued' AND (slot = '' OR NOT EXISTS"
                " (SELECT 1 FROM jobs WHERE status = 'running' AND slot = waiting.slot))"
                " ORDER BY created, rowid LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            now = time.time()
            connection.execute(
                "UPDATE jobs SET status = 'running', attempt = attempt + 1, started = ?,"
                " heartbeat = ?, finished = NULL, pid = NULL, pid_created = NULL, base_time = NULL,"
                " log = ? WHERE id = ?",
                (now, now, log_name.format(id=row["id"]), row["id"]),
            )
        return self.get(row["id"])

    def begin(self, job_id: str, attempt: int, pid: int, pid_created: float) -> bool:
        """The worker says which process it is. False: this attempt is over, do not begin."""
        return self._worker_update(job_id, attempt, pid=pid, pid_created=pid_created)

    def beat(self, job_id: str, attempt: int, progress: JobProgress) -> bool:
        """The worker lives and has got this far. False: stop, this attempt is over."""
        return self._worker_update(
            job_id,
            attempt,
            stage=progress.stage,
            step=progress.step,
            total=progress.total,
            base_step=progress.base_step,
            base_time=progress.base_time,
        )

    def finish(
        self,
        job_id: str,
        attempt: int,
        status: JobStatus,
        *,
        message: str = "",
        hint: str = "",
        error_id: str = "",
        result: Any = None,
    ) -> bool:
        """End a running attempt; False when it had been ended already (the first word stands)."""
        return self._worker_update(
            job_id,
            attempt,
            status=status.value,
            message=message,
            hint=hint,
            error_id=error_id,
            result=json.dumps(result, ensure_ascii=False),
            finished=time.time(),
        )

    def ask_to_stop(self, job_id: str) -> Job:
        """Cancel a queued job at once; tell a running one. Others stay as they are."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = 'cancelled', message = 'Stopped before it began.',"
                " finished = ? WHERE id = ? AND status = 'queued'",
                (time.time(), job_id),
            )
            connection.execute(
                "UPDATE jobs SET cancel = 1 WHERE id = ? AND status = 'running'", (job_id,)
            )
        return self.get(job_id)

    def queue_again(self, job_id: str) -> Job:
        """Queue a job that failed, was stopped or interrupted; raises BadInput for any other."""
        with self._database.transaction():
            job = self.get(job_id)
            if not job.status.resumable:
                raise BadInput(
                    f"“{job.title}” is {job.status.value} and cannot be resumed.",
                    "Only failed, cancelled and interrupted jobs can.",
                )
            self._database.execute(
                "UPDATE jobs SET status = 'queued', cancel = 0, message = '', hint = '',"
                " error_id = '', result = NULL, finished = NULL, pid = NULL, pid_created = NULL"
                " WHERE id = ?",
                (job_id,),
            )
        return self.get(job_id)

    def remove(self, job_id: str) -> Job:
        """Forget a job that has ended; raises BadInput for one that has not."""
        with self._database.transaction():
            job = self.get(job_id)
            if job.status.active:
                raise BadInput(f"“{job.title}” is still {job.status.value}.", "Stop it first.")
            self._database.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        return job

    def _worker_update(self, job_id: str, attempt: int, **values: Any) -> bool:
        columns = ", ".join(f"{column} = ?" for column in values)
        changed = self._database.execute(
            f"UPDATE jobs SET heartbeat = ?, {columns}"  # noqa: S608 - our own words only
            " WHERE id = ? AND attempt = ? AND status = 'running'",
            (time.time(), *values.values(), job_id, attempt),
        )
        return changed == 1


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["params"] = json.loads(values["params"])
    values["result"] = json.loads(values["result"]) if values["result"] is not None else None
    values["status"] = JobStatus(values["status"])
    values["cancel"] = bool(values["cancel"])
    return Job(**values)
