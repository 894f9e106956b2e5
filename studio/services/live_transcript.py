"""A transcript while it is being made, for those who watch."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.control import Control, Progress
from studio.errors import StudioError
from studio.services.recognizers import Choice
from studio.services.transcripts import TranscriptRecord, TranscriptState, TranscriptStatus
from studio.services.watched import Watched

if TYPE_CHECKING:
    from studio.services.recognising import Heard


class LiveTranscript(Watched[TranscriptStatus]):
    """Thread-safe; one writer (the thread that recognises), any number of watchers."""

    def __init__(self, choice: Choice, duration: float, owner: str) -> None:
        self.id = secrets.token_hex(16)
        self.owner = owner
        self.control = Control(self._on_progress)
        self.failure: StudioError | None = None
        self.finished_at: float | None = None
        self._started = time.monotonic()
        super().__init__(
            TranscriptStatus(
                id=self.id,
                state=TranscriptState.WAITING,
                stage="starting",
                fraction=0.0,
                elapsed=0.0,
                eta=None,
                audio_seconds=0.0,
                duration=duration,
                rtf=None,
                engine=choice.info.id,
                model=choice.model,
                language=choice.language,
                notes=(choice.reason,),
            )
        )

    def running(self) -> None:
        """Called before each part."""
        self._update(state=TranscriptState.RUNNING, stage="recognising")

    def heard(self, heard: Heard) -> None:
        """Called after each part."""
        fraction = min(heard.recognised / heard.duration, 1.0)
        left = heard.duration - heard.recognised
        rtf = heard.working_s / heard.recognised if heard.recognised else None
        self._update(
            fraction=fraction,
            audio_seconds=heard.recognised,
            rtf=rtf,
            eta=None if rtf is None else rtf * left,
            language=heard.language,
            segments=tuple(heard.segments),
            notes=(*self.status.notes[:1], *heard.notes),
        )

    def finish(
        self,
        state: TranscriptState,
        record: TranscriptRecord | None,
        failure: StudioError | None,
        notes: tuple[str, ...],
    ) -> None:
        self.failure = failure
        self.finished_at = time.monotonic()
        self._update(
            state=state,
            stage=state.value,
            elapsed=self.finished_at - self._started,
            eta=0.0,
            record=record,
            notes=notes,
            error=failure.message if failure else "",
            hint=failure.hint if failure else "",
            **({"fraction": 1.0} if state is TranscriptState.DONE else {}),
        )

    def _as_of_now(self, status: TranscriptStatus) -> TranscriptStatus:
        return replace(status, elapsed=time.monotonic() - self._started)

    def _on_progress(self, progress: Progress) -> None:
        self._update(stage=progress.stage)
