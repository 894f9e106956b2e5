"""`speak` and `batch`: from the options to files."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.audio.writing import encode, format_named, synthetic_tags
from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.ordering import SavedVoices, order_from, text_from
from studio.cli.output import print_json
from studio.cli.parser import speak_defaults
from studio.errors import BadInput, EngineFailed, StudioError, unknown
from studio.files import publishing, write_bytes
from studio.names import readable
from studio.services.studio import Studio
from studio.services.takes import MAX_SEED, SpeechOrder, TakeRecord, TakeStatus
from studio.text.subtitles import cues, to_srt, to_vtt

_MAX_TAKES = 8
_MAX_LINES = 10_000
_SUBTITLES = {".srt": to_srt, ".vtt": to_vtt}


def speak(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py speak`: speak a text, wait, and say where the file is."""
    if not 1 <= given.takes <= _MAX_TAKES:
        raise BadInput(f"{given.takes} takes cannot be made.", f"Ask for 1 to {_MAX_TAKES}.")
    _check_targets(given)
    order = order_from(studio, given)
    order = replace(order, seed=studio.speech.plan(order).seed)
    results = []
    with stopping_on_interrupt() as control:
        for number in range(given.takes):
            assert order.seed is not None
            take = replace(order, seed=(order.seed + number) % (MAX_SEED + 1))
            record = studio.speech.speak(take, on_status=_progress(given), control=control)
            results.append(_save(studio, given, record, number))
    if given.json:
        print_json({"ok": True, "takes": results})
    else:
        for result in results:
            print(result["file"])
    return 0


def batch(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py batch`: speak many lines and say, in their order, where each file is."""
    lines = _lines(studio, given)
    with stopping_on_interrupt() as control:
        results = studio.speech.speak_batch(
            [order for order, _ in lines], on_status=_batch_progress(given, len(lines)), control=control
        )
    rows: list[dict[str, Any]] = []
    for number, ((_, name), result) in enumerate(zip(lines, results, strict=True), 1):
        if isinstance(result, StudioError):
            rows.append(
                {"line": number, "error": result.kind, "detail": result.message, "hint": result.hint}
            )
            continue
        target = None
        if given.output:
            target = str(Path(given.output) / (name or f"{number:04}-{readable(result.text, 32)}.wav"))
        options = argparse.Namespace(output=target, subtitles=None)
        rows.append({"line": number} | _save(studio, options, result, 0))
    failed = [row for row in rows if "error" in row]
    if given.json:
        print_json({"ok": not failed, "takes": rows})
    else:
        for row in rows:
            print(row.get("file") or f"line {row['line']}: {row['detail']}")
        if failed:
            print(f"{len(failed)} of {len(rows)} lines failed.", file=sys.stderr)
    return EngineFailed.exit_code if failed else 0


def _lines(studio: Studio, given: argparse.Namespace) -> list[tuple[SpeechOrder, str]]:
    """Each line's order and the name its file is to have."""
    plain = argparse.Namespace(text=None, file=None, stdin="-")
    source = plain if given.lines == "-" else argparse.Namespace(text=None, file=given.lines, stdin=None)
    found, saved = [], SavedVoices(studio)
    for number, line in enumerate(text_from(source).splitlines(), 1):
        if line.strip():
            try:
                found.append(_line(studio, given, line, saved))
            except BadInput as error:
                raise BadInput(f"Line {number}: {error.message}", error.hint) from error
    if not 1 <= len(found) <= _MAX_LINES:
        raise BadInput(f"There are {len(found)} lines to speak.", f"Give 1 to {_MAX_LINES:,}.")
    return found


def _line(
    studio: Studio, given: argparse.Namespace, line: str, saved: SavedVoices
) -> tuple[SpeechOrder, str]:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise BadInput(f"It is no JSON: {error}.", 'Write {"text": "Hello."} on a line.') from error
    if not isinstance(values, dict) or not isinstance(values.get("text"), str):
        raise BadInput("It is no object with a text.", 'Write {"text": "Hello."} on a line.')
    options = vars(speak_defaults())
    name = str(values.pop("name", ""))
    if name:
        format_named(Path(name).suffix)
        if Path(name).name != name:
            raise BadInput(f"“{name}” is no plain file name.", "Leave the folder out.")
    for key, value in values.items():
        if key not in options:
            raise unknown("option", key, [*options, "name"])
        default = options[key]
        kinds = {str: str, list: list, bool: bool, float: (int, float)}.get(type(default), object)
        if not isinstance(value, kinds):  # type: ignore[arg-type]
            raise BadInput(
                f"“{key}” cannot be {json.dumps(value)}.", "See `python app.py speak --help`."
            )
    chosen = {"engine": given.engine} | values
    chosen["quiet"] = given.quiet
    return order_from(studio, argparse.Namespace(**{**options, **chosen}), saved), name


def _batch_progress(given: argparse.Namespace, count: int) -> Any:
    show = _progress(given)
    if show is None:
        return None
    return lambda index, status: show(
        replace(status, stage=f"line {index + 1} of {count}: {status.stage}")
    )


def _check_targets(given: argparse.Namespace) -> None:
    """Wrong endings are refused before a long text has been spoken for nothing."""
    if given.output:
        format_named(Path(given.output).suffix)
    if given.subtitles and Path(given.subtitles).suffix.lower() not in _SUBTITLES:
        raise unknown("subtitle format", Path(given.subtitles).suffix, _SUBTITLES)


def _save(studio: Studio, given: argparse.Namespace, record: TakeRecord, number: int) -> dict[str, Any]:
    source = studio.history.path(record)
    path = source
    if given.output:
        path = _numbered(Path(given.output), number)
        if path.suffix.lower() == ".wav":
            with publishing(path) as partial:
                shutil.copyfile(source, partial)
        else:
            tags = synthetic_tags(title=record.text[:80], comment=f"Voice: {record.voice}")
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


def _progress(given: argparse.Namespace) -> Any:
    if given.quiet or given.json or not sys.stderr.isatty():
        return None
    width = shutil.get_terminal_size().columns - 1

    def show(status: TakeStatus) -> None:
        left = f", {status.eta:.0f} s left" if status.eta else ""
        line = f"{status.stage} {status.fraction:4.0%}{left}"
        print(
            f"\r{line:{width}.{width}}", end="" if not status.state.finished else "\n", file=sys.stderr
        )
        for note in status.notes if status.state.finished else ():
            print(note, file=sys.stderr)

    return show
