"""`speak` and `batch`: from the options to files."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.audio.writing import format_named
from studio.cli import performing
from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.ordering import SavedVoices, order_from, text_from
from studio.cli.output import print_json
from studio.cli.parser import speak_defaults
from studio.cli.saving import check_targets, save, shown_progress
from studio.errors import BadInput, EngineFailed, StudioError, unknown
from studio.names import readable
from studio.services.studio import Studio
from studio.services.takes import MAX_SEED, SpeechOrder

_MAX_TAKES = 8
_MAX_LINES = 10_000


def speak(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py speak`: speak a text, wait, and say where the file is."""
    if not 1 <= given.takes <= _MAX_TAKES:
        raise BadInput(f"{given.takes} takes cannot be made.", f"Ask for 1 to {_MAX_TAKES}.")
    check_targets(given)
    if given.personality is not None:
        return performing.speak(studio, given)
    performing.refuse_options(given)
    order = order_from(studio, given)
    order = replace(order, seed=studio.speech.plan(order).seed)
    results = []
    with stopping_on_interrupt() as control:
        for number in range(given.takes):
            assert order.seed is not None
            take = replace(order, seed=(order.seed + number) % (MAX_SEED + 1))
            record = studio.speech.speak(take, on_status=shown_progress(given), control=control)
            results.append(save(studio, given, record, number))
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
        rows.append({"line": number} | save(studio, options, result, 0))
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
    if any(values.get(key) is not None for key in performing.OPTIONS):
        raise BadInput("A batch has no personalities.", "Use `speak --personality` for each text.")
    chosen = {"engine": given.engine} | values
    chosen["quiet"] = given.quiet
    return order_from(studio, argparse.Namespace(**{**options, **chosen}), saved), name


def _batch_progress(given: argparse.Namespace, count: int) -> Any:
    show = shown_progress(given)
    if show is None:
        return None
    return lambda index, status: show(
        replace(status, stage=f"line {index + 1} of {count}: {status.stage}")
    )
