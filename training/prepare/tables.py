"""Tables that say what is spoken in recordings: LJSpeech, Coqui, CSV, TSV, JSON Lines, LibriSpeech."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.audio.opening import open_file, shown
from studio.dataset.csv_cells import plain
from studio.errors import BadInput

#: Columns by what they hold, the likeliest name first; compared in lower case.
AUDIO_KEYS: tuple[str, ...] = (
    "audio_file",
    "file_name",
    "audio_filepath",
    "audio",
    "audio_path",
    "wav",
    "path",
)
AUDIO_KEYS += ("file", "filename", "clip", "wav_file", "wav_path", "recording")
#: They name a recording where there is a text beside them; other tables have ids of other things.
_ID_KEYS = ("id", "utterance_id")
TEXT_KEYS: tuple[str, ...] = (
    "text",
    "transcription",
    "transcript",
    "sentence",
    "normalized_text",
    "normalised_text",
)
TEXT_KEYS += ("text_normalized", "raw_text", "utterance", "words")
SPEAKER_KEYS = ("speaker_name", "speaker", "speaker_id", "client_id")
LANGUAGE_KEYS = ("language", "lang", "locale")
_START_KEYS = ("start", "start_time", "begin", "offset")
_END_KEYS = ("end", "end_time")
_DURATION_KEYS = ("duration",)

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".trans.txt")
_MAX_BYTES = 200 << 20
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
#: A cell of a table without a header that ends so names a recording.
_SOUND = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".webm", ".mp4", ".aac", ".aiff")


@dataclass(frozen=True)
class Row:
    """What one row says of a recording; strings as they stand there."""

    file: str  # a path, or a name without its suffix
    text: str = ""
    speaker: str = ""
    language: str = ""
    start: float | None = None  # s; None with `end`: of the whole recording
    end: float | None = None


@dataclass(frozen=True)
class Table:
    """The rows that name a recording, and what is wrong with others ("line 7 is no JSON")."""

    rows: tuple[Row, ...]
    faults: tuple[str, ...] = ()


def read_table(path: Path, name: str) -> Table:
    """What `path` says; `name` tells its kind by its suffix. No rows where it names no recordings.

    Raises BadInput for what is no text in UTF-8 (or UTF-16 with its mark).
    """
    text = read_text(path)
    if name.lower().endswith(".jsonl"):
        return _json_lines(text)
    if name.lower().endswith(".trans.txt"):
        pairs = (line.split(None, 1) for line in text.splitlines())
        return Table(tuple(Row(pair[0], pair[1]) for pair in pairs if len(pair) == 2))
    return _separated(text, "\t" if name.lower().endswith(".tsv") else "")


def read_text(path: Path) -> str:
    """A text file with "\\n" as its line ends. Raises BadInput as `read_table` does."""
    with open_file(path) as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise BadInput(f"{shown(path)} is larger than a table can be.", "Divide it.")
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(f"{shown(path)} is no text in UTF-8.", "Save it as UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def row_of(cells: Mapping[str, Any]) -> Row | str | None:
    """A row from its cells by lower-case column; None where it names no recording, a string for what
    is wrong with it."""
    text = _first(cells, TEXT_KEYS)
    file = _first(cells, AUDIO_KEYS) or (text and _first(cells, _ID_KEYS))
    if not file:
        return None
    start, end = _seconds(cells, _START_KEYS), _seconds(cells, _END_KEYS)
    if end is None and start is not None:
        duration = _seconds(cells, _DURATION_KEYS)
        end = None if duration is None else start + duration
    # A start of 0 with nothing else is what lists of whole recordings have.
    timed = end is not None or bool(start)
    if timed and (end is None or not 0 <= (start or 0.0) < end < math.inf):
        return "has no start before its end"
    return Row(
        file,
        text,
        _first(cells, SPEAKER_KEYS),
        _first(cells, LANGUAGE_KEYS),
        (start or 0.0) if timed else None,
        end if timed else None,
    )


def _first(cells: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The first of the columns that holds something that can be read as text."""
    for key in keys:
        value = cells.get(key)
        if isinstance(value, (str, int, float)) and str(value).strip():
            return str(value).strip()
    return ""


def _seconds(cells: Mapping[str, Any], keys: Iterable[str]) -> float | None:
    value = _first(cells, keys)
    try:
        return float(value) if value else None
    except ValueError:
        return math.nan


def _gathered(rows: Iterable[tuple[int, Mapping[str, Any]]], faults: Sequence[str] = ()) -> Table:
    found: list[Row] = []
    wrong = list(faults)
    for line, cells in rows:
        row = row_of(cells)
        if isinstance(row, str):
            wrong.append(f"line {line} {row}")
        elif row is not None:
            found.append(row)
    return Table(tuple(found), tuple(wrong) if found else ())


def _json_lines(text: str) -> Table:
    rows: list[tuple[int, Mapping[str, Any]]] = []
    faults: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            faults.append(f"line {number} is no JSON")
            continue
        if isinstance(value, dict):
            rows.append((number, {key.lower(): cell for key, cell in value.items()}))
    table = _gathered(rows, faults)
    return table if rows else Table((), tuple(faults))


def _separated(text: str, delimiter: str) -> Table:
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    delimiter = delimiter or _delimiter(first)
    header = [cell.strip().strip('"').lower() for cell in first.split(delimiter)]
    if _is_header(header):
        records = _records(text, delimiter, len(header))
        next(records, None)
        return _gathered(
            (line, dict(zip(header, map(plain, cells), strict=False))) for line, cells in records
        )
    if delimiter == "|":
        return _ljspeech([[plain(cell.strip()) for cell in line.split("|")] for line in lines])
    if header[0].endswith(_SOUND) and len(header) > 1:
        records = _records(text, delimiter, len(header))
        return Table(tuple(Row(cells[0], plain(cells[1])) for _, cells in records if len(cells) > 1))
    return Table(())


def _is_header(cells: Sequence[str]) -> bool:
    found = set(cells)
    if found.isdisjoint(TEXT_KEYS):
        return not found.isdisjoint(AUDIO_KEYS) and not found.isdisjoint(SPEAKER_KEYS + LANGUAGE_KEYS)
    return not found.isdisjoint(AUDIO_KEYS + _ID_KEYS)


def _delimiter(line: str) -> str:
    if "|" in line:
        return "|"
    if "\t" in line:
        return "\t"
    return ";" if line.count(";") > line.count(",") else ","


def _records(text: str, delimiter: str, columns: int) -> Iterator[tuple[int, list[str]]]:
    """The rows with the number of their last line, read as whoever wrote them has quoted them.

    Tables for trainers are mostly written without any quoting, so that a quotation mark is one; where
    reading them as a spreadsheet does fails, joins lines or changes the number of columns, they are
    such.
    """
    if delimiter in "|\t":
        try:
            quoted = list(_reader(text, delimiter, strict=True))
            if all(len(cells) == columns and "\n" not in "".join(cells) for _, cells in quoted):
                yield from quoted
                return
        except csv.Error:
            pass  # read below as it stands
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, [cell.strip() for cell in line.split(delimiter)]
        return
    try:
        yield from _reader(text, delimiter, strict=False)
    except csv.Error as error:
        raise BadInput(f"It is no table ({error}).", "Save it again as CSV.") from error


def _reader(text: str, delimiter: str, strict: bool) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, [cell.strip() for cell in cells]


def _ljspeech(lines: Sequence[Sequence[str]]) -> Table:
    """`id|text|normalised text`, or `id|text|speaker` as multi-speaker lists have it."""
    rows = [cells for cells in lines if len(cells) > 1 and cells[0]]
    thirds = [cells[2] for cells in rows if len(cells) > 2 and cells[2]]
    texts = {cells[1] for cells in rows}
    # Speakers come again and again where texts do not.
    speakers = len(set(thirds)) * 2 <= len(thirds) and len(texts) > len(set(thirds))
    return Table(
        tuple(
            Row(
                cells[0],
                cells[1] if speakers or len(cells) < 3 or not cells[2] else cells[2],
                cells[2] if speakers and len(cells) > 2 else "",
            )
            for cells in rows
        )
    )
