"""`transcribe`: from a recording to text and subtitles."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.recognition import Task
from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.output import print_json
from studio.errors import Cancelled, unknown
from studio.files import write_bytes
from studio.services.studio import Studio
from studio.services.transcript_history import RAW
from studio.services.transcripts import (
    TranscribeOrder,
    TranscriptRecord,
    TranscriptState,
    TranscriptStatus,
)
from studio.text.transcripts import as_json, as_srt, as_tsv, as_vtt, to_dict

#: What --output may end with, and what is written then.
_FORMATS: dict[str, Callable[[TranscriptRecord], str]] = {
    ".txt": lambda record: f"{record.text}\n",
    ".srt": lambda record: as_srt(record.transcript.segments),
    ".vtt": lambda record: as_vtt(record.transcript.segments),
    ".tsv": lambda record: as_tsv(record.transcript.segments),
    ".json": lambda record: as_json(
        record.transcript.segments, {"name": record.name, "language": record.transcript.language}
    ),
}


def transcribe(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py transcribe`: write a recording down. Ctrl+C stops it and keeps what was recognised;
    the exit code is 130 then."""
    targets = _targets(given)
    order = TranscribeOrder(
        audio=Path(given.recording),
        engine=given.engine,
        model=given.model,
        language=given.language,
        task=Task(given.task),
        prompt=given.prompt,
        process=not given.raw,
    )
    show = _Progress(quiet=given.quiet or given.json)
    with stopping_on_interrupt() as control:
        record = studio.transcripts.transcribe(order, on_status=show, control=control)
    for path, write in targets:
        write_bytes(path, write(record).encode("utf-8", "ignore"))
    stopped = record.status == TranscriptState.STOPPED.value
    if given.json:
        print_json({"ok": not stopped, **_row(studio, record)})
    elif record.text:
        print(record.text)
    if stopped and not given.json:
        kept = studio.transcripts.history.path(record)
        print(f"Stopped at {record.recognised:.0f} s; so far it is in {kept}.", file=sys.stderr)
    return Cancelled.exit_code if stopped else 0


def _targets(given: argparse.Namespace) -> list[tuple[Path, Callable[[TranscriptRecord], str]]]:
    """The files to write. Wrong endings are refused before a long recording was read for nothing."""
    named = [(given.srt, ".srt"), (given.vtt, ".vtt")]
    found = [(Path(name), _FORMATS[ending]) for name, ending in named if name]
    if given.output:
        path = Path(given.output)
        if path.suffix.lower() not in _FORMATS:
            raise unknown("format of transcripts", path.suffix, _FORMATS)
        found.append((path, _FORMATS[path.suffix.lower()]))
    return found


def _row(studio: Studio, record: TranscriptRecord) -> dict[str, Any]:
    history = studio.transcripts.history
    return {
        "id": record.id,
        "file": str(history.path(record)),
        "raw_file": str(history.path(record, RAW)),
        "engine": record.engine,
        "model": record.model,
        "task": record.task,
        "language": record.transcript.language,
        "language_probability": record.transcript.language_probability,
        "duration": round(record.transcript.duration, 3),
        "recognised": round(record.recognised, 3),
        "seconds": round(record.seconds, 3),
        "rtf": round(record.rtf, 4),
        "status": record.status,
        "notes": list(record.notes),
        "text": record.text,
        "raw_text": record.raw_text,
        "segments": [to_dict(segment) for segment in record.transcript.segments],
    }


class _Progress:
    """On standard error: in a terminal a line that is rewritten, else each segment as it comes."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._shown = 0

    def __call__(self, status: TranscriptStatus) -> None:
        if self._quiet:
            return
        if self._terminal:
            self._rewrite(status)
        else:
            for segment in status.segments[self._shown :]:
                print(f"[{_clock(segment.start)}] {segment.text}", file=sys.stderr, flush=True)
            self._shown = len(status.segments)
        for note in status.notes if status.state.finished else ():
            print(note, file=sys.stderr)

    def _rewrite(self, status: TranscriptStatus) -> None:
        left = f", {status.eta:.0f} s left" if status.eta else ""
        line = f"{status.stage} {status.fraction:4.0%}{left}  "
        width = shutil.get_terminal_size().columns - 1
        room = max(0, width - len(line))
        line += status.text.replace("\n", " ")[-room:] if room else ""
        end = "\n" if status.state.finished else ""
        print(f"\r{line:{width}.{width}}", end=end, file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
