"""A take while it is being spoken: its status for those who watch, its sound for those who listen."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from pathlib import Path

from studio.audio.wav import HEADER_BYTES
from studio.control import Control, Progress
from studio.errors import StudioError
from studio.services.takes import TakeRecord, TakeState, TakeStatus
from studio.services.watched import Watched

_STREAM_BLOCK = 1 << 16


class LiveTake(Watched[TakeStatus]):
    """Thread-safe; one writer (the thread that speaks), any number of watchers and listeners.

    The sound is spooled to a growing WAV file, and listeners read that file: memory stays flat,
    a slow listener holds nobody up, and one who comes late or reloads the page hears it all.
    """

    def __init__(
        self, spool_folder: Path, sample_rate: int, seed: int, notes: tuple[str, ...], owner: str
    ) -> None:
        self.id = secrets.token_hex(16)
        self.owner = owner
        self.spool = spool_folder / f"{self.id}.wav"
        self.control = Control(self._on_progress)
        self._started = time.monotonic()
        self.finished_at: float | None = None
        self.failure: StudioError | None = None
        super().__init__(
            TakeStatus(
                id=self.id,
                state=TakeState.WAITING,
                stage="starting",
                fraction=0.0,
                elapsed=0.0,
                eta=None,
                audio_seconds=0.0,
                rtf=None,
                seed=seed,
                sample_rate=sample_rate,
                first_audio=None,
                notes=notes,
            )
        )

    def running(self) -> None:
        self._update(state=TakeState.RUNNING)

    def saving(self) -> None:
        """All is spoken, or as much as there will be; the file is written."""
        self._update(stage="saving")

    def note(self, *sentences: str) -> None:
        with self._changed:
            self._status = replace(self._status, notes=self._status.notes + sentences)

    def spoke(self, audio_seconds: float, fraction: float, working_seconds: float) -> None:
        """Called after each chunk: `audio_seconds` in all, `fraction` of the text, seconds of work
        without the waiting."""
        elapsed = time.monotonic() - self._started
        with self._changed:
            first = self._status.first_audio
        self._update(
            audio_seconds=audio_seconds,
            fraction=fraction,
            first_audio=elapsed if first is None else first,
            rtf=working_seconds / audio_seconds if audio_seconds else None,
            eta=working_seconds / fraction - working_seconds if fraction > 0.02 else None,
        )

    def finish(self, state: TakeState, record: TakeRecord | None, failure: StudioError | None) -> None:
        self.failure = failure
        self.finished_at = time.monotonic()
        self._update(
            state=state,
            stage=state.value,
            elapsed=self.finished_at - self._started,
            eta=0.0,
            record=record,
            error=failure.message if failure else "",
            hint=failure.hint if failure else "",
            **({"fraction": 1.0} if state is TakeState.DONE else {}),
        )

    def read_pcm(self, position: int) -> tuple[bytes, bool]:
        """What has been spoken from byte `position` on, at most 64 KiB, and whether the end of the
        take is reached with it. 16-bit little-endian mono; never blocks on the speaker."""
        finished = self.status.state.finished  # asked first: what is written before it is read
        try:
            with self.spool.open("rb") as file:
                file.seek(HEADER_BYTES + position)
                block = file.read(_STREAM_BLOCK)
        except FileNotFoundError:
            block = b""
        return block, finished and len(block) < _STREAM_BLOCK

    def _as_of_now(self, status: TakeStatus) -> TakeStatus:
        return replace(status, elapsed=time.monotonic() - self._started)

    def _on_progress(self, progress: Progress) -> None:
        self._update(stage=progress.stage)
