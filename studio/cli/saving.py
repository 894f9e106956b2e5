"""What `speak` and `batch` write and show of a take."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from studio.audio.writing import encode, format_named, synthetic_tags
from studio.errors import unknown
from studio.files import publishing, write_bytes
from studio.services.performance_orders import transcript_of
from studio.services.studio import Studio
from studio.services.takes import TakeRecord, TakeStatus
from studio.services.tasks import TaskStatus
from studio.text.subtitles import cues, to_srt, to_vtt

_SUBTITLES = {".srt": to_srt, ".vtt": to_vtt}


def check_targets(given: argparse.Namespace) -> None:
    """Wrong endings are refused before a long text has been spoken for nothing."""
    if given.output:
        format_named(Path(given.output).suffix)
    if given.subtitles and Path(given.subtitles).suffix.lower() not in _SUBTITLES:
        raise unknown("subtitle format", Path(given.subtitles).suffix, _SUBTITLES)


def save(studio: Studio, given: argparse.Namespace, record: TakeRecord, number: int) -> dict[str, Any]:
    """Write what --output and --subtitles ask for; returns what --json says of the take."""
    source = studio.history.path(record)
    path = source
    if given.output:
        path = _numbered(Path(given.output), number)
        if path.suffix.lower() == ".wav":
            with publishing(path) as partial:
                shutil.copyfile(source, partial)
        else:
            tags = synthetic_tags(title=transcript_of(record)[:80], comment=f"Voice: {record.voice}")
            encode(source, path, path.suffix, tags=tags)
    if given.subtitles:
        target = _numbered(Path(given.subtitles), number)
        write = _SUBTITLES[target.suffix.lower()]
        write_bytes(target, write(cues(studio.history.words(record))).encode())
    return {
        "id": record.id,
        "file": str(path),
        "voice": record.voice,
        "language": record.language,
        "seed": record.seed,
        "duration": round(record.duration, 3),
        "seconds": round(record.seconds, 3),
        "rtf": round(record.rtf, 4),
        "sample_rate": record.sample_rate,
    }


def _numbered(path: Path, number: int) -> Path:
    """out.mp3, then out-2.mp3, out-3.mp3 for further takes."""
    return path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}")


def shown_progress(given: argparse.Namespace) -> Any:
    """Shows how a take or a task stands on one line of a terminal; None where nobody looks."""
    if given.quiet or given.json or not sys.stderr.isatty():
        return None
    width = shutil.get_terminal_size().columns - 1

    def show(status: TakeStatus | TaskStatus) -> None:
        left = f", {status.eta:.0f} s left" if status.eta else ""
        share = f" {status.fraction:4.0%}" if status.fraction is not None else ""
        line = f"{status.stage}{share}{left}"
        print(
            f"\r{line:{width}.{width}}", end="" if not status.state.finished else "\n", file=sys.stderr
        )
        for note in status.notes if status.state.finished else ():
            print(note, file=sys.stderr)

    return show
