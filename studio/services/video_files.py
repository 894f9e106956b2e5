"""The files of finished videos: where they go, the sidecar that says how they were made, subtitles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from engines.base import WordTiming
from studio.errors import BadInput, unknown
from studio.files import read_json, write_bytes, write_json
from studio.names import readable
from studio.services.avatar_values import Subtitles, VideoRecord
from studio.services.take_files import made_with, rows_of
from studio.services.video_history import SIDECAR, VIDEO, VideoHistory
from studio.text.subtitles import cues, to_srt, to_vtt

#: By the name that routes and links use: the MIME type, and what writes it.
FORMATS = {"srt": ("application/x-subrip", to_srt), "vtt": ("text/vtt", to_vtt)}


class VideoFiles:
    """Writes what belongs to a video beside it, and reads it back."""

    def __init__(self, outputs: Path, history: VideoHistory) -> None:
        self._outputs, self._history = outputs, history

    def place(self, video_id: str, created: float, avatar: str, text: str) -> Path:
        """Where a video is to lie."""
        day = datetime.fromtimestamp(created).strftime("%Y-%m-%d")
        name = f"{readable(avatar, 24)}_{readable(text, 32)}_{video_id[:6]}{VIDEO}"
        return self._outputs / "video" / day / name

    def name(self, path: Path) -> str:
        """As the history has it."""
        return path.relative_to(self._outputs).as_posix()

    def path(self, record: VideoRecord) -> Path:
        """Where a video lies, or was to lie."""
        return self._outputs / record.file

    def write(
        self,
        record: VideoRecord,
        words: Sequence[WordTiming],
        subtitles: Subtitles,
        about: dict[str, Any],
    ) -> None:
        """The sidecar, which also holds `about`, and the subtitles where they are to be files. Raises
        StorageFailed."""
        path = self.path(record)
        if subtitles is Subtitles.FILE and words:
            for name, (_, write) in FORMATS.items():
                write_bytes(path.with_suffix(f".{name}"), write(cues(words)).encode())
        content = made_with() | asdict(record) | {"rtf": record.rtf} | about
        write_json(path.with_suffix(SIDECAR), content | {"words": rows_of(words)})

    def remove(self, path: Path) -> None:
        """Take away a video that is not to be, with what lies beside it."""
        for ending in (VIDEO, SIDECAR, *(f".{name}" for name in FORMATS)):
            path.with_suffix(ending).unlink(missing_ok=True)

    def words(self, record: VideoRecord) -> tuple[WordTiming, ...]:
        """When each word is said; empty where no subtitles were asked for, or the sidecar is gone."""
        path = self._history.path(record).with_suffix(SIDECAR)
        return tuple(WordTiming(*word) for word in read_json(path)["words"]) if path.exists() else ()

    def subtitles(self, record: VideoRecord, format: str) -> tuple[str, str]:
        """MIME type and content of the subtitles, as "srt" or "vtt". Raises NotFound for another format,
        BadInput where the times of the words are not known."""
        if format not in FORMATS:
            raise unknown("subtitle format", format, FORMATS)
        words = self.words(record)
        if not words:
            raise BadInput(
                "This video was made without subtitles.", "Make it again with subtitles as a file."
            )
        mime, write = FORMATS[format]
        return mime, write(cues(words))
