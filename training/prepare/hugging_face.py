"""Data sets of Hugging Face: the recordings in Parquet and Arrow files, row by row as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from studio.audio.opening import open_file, shown
from studio.control import Control
from studio.errors import BadInput
from studio.files import storage_errors
from training.prepare.tables import AUDIO_KEYS, LANGUAGE_KEYS, SPEAKER_KEYS, TEXT_KEYS

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows taken at once; a row can be a recording of an hour.
_ROWS = 8
#: What comes out of a file, to its size: a dictionary can hold one recording for a million rows.
_MAX_RATIO = 100
#: What the rows say, as it is called once it is unpacked.
TABLE = "rows.jsonl"


@dataclass(frozen=True)
class _Columns:
    """Which columns hold what; "" where none does. `labels`: names of the classes that a column
    counts instead of naming them."""

    audio: str
    text: str
    speaker: str
    language: str
    labels: Mapping[str, Sequence[str]]


def holds_sound(path: Path) -> bool:
    """Whether a Parquet or Arrow file has a column of recordings; only its head is read.

    Raises BadInput for a damaged one.
    """
    with _reading(path):
        return _columns(_schema(path)) is not None


def unpack(path: Path, into: Path, control: Control) -> dict[str, str]:
    """Write each recording of the file into the folder `into` as it stands in its row, and what the
    rows say of them as JSON Lines. Returns file -> name, as the rows have it.

    Memory is that of a few rows. Raises BadInput for a damaged file, or one that holds more than
    its size allows; StorageFailed.
    """
    names: dict[str, str] = {TABLE: TABLE}
    taken: set[str] = set()
    left = max(1 << 20, path.stat().st_size * _MAX_RATIO)
    with storage_errors(into / TABLE), (into / TABLE).open("w", encoding="utf-8") as table:
        for number, (columns, row) in enumerate(_rows(path), 1):
            control.check()
            content, name = _sound(row[columns.audio])
            if content is not None:
                left -= len(content)
                if left < 0:
                    raise BadInput(
                        f"{shown(path)} holds more than {_MAX_RATIO} times its size.",
                        "Save its recordings as files and choose their folder.",
                    )
                suffix = PurePosixPath(name).suffix.lower()
                file = f"{number:06d}{suffix if suffix[1:].isalnum() and len(suffix) < 6 else ''}"
                base = PurePosixPath(name.replace("\\", "/")).name or file
                name = base if base not in taken else f"{number:06d}-{base}"
                taken.add(name)
                names[file] = name
                (into / file).write_bytes(content)
            if name:
                table.write(json.dumps({"file_name": name, **_said(row, columns)}) + "\n")
    return names


def _sound(cell: Any) -> tuple[bytes | None, str]:
    """The recording in a cell, and the name of its file; either may be missing."""
    if isinstance(cell, dict):
        content, name = cell.get("bytes"), cell.get("path")
        return (content if isinstance(content, bytes) else None), str(name or "")
    return (cell, "") if isinstance(cell, bytes) else (None, "")


def _said(row: Mapping[str, Any], columns: _Columns) -> dict[str, str]:
    said = {}
    for key in ("text", "speaker", "language"):
        column = getattr(columns, key)
        value = row.get(column)
        labels = columns.labels.get(column, ())
        if isinstance(value, int) and 0 <= value < len(labels):
            value = labels[value]
        if value is not None and isinstance(value, (str, int, float)):
            said[key] = str(value)
    return said


def _rows(path: Path) -> Iterator[tuple[_Columns, dict[str, Any]]]:
    with _reading(path):
        columns = _columns(_schema(path))
        if columns is None:
            return
        wanted = [columns.audio, columns.text, columns.speaker, columns.language]
        for batch in _batches(path, [name for name in wanted if name]):
            for index in range(batch.num_rows):
                yield columns, batch.slice(index, 1).to_pylist()[0]


def _batches(path: Path, wanted: list[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            yield from file.iter_batches(batch_size=_ROWS, columns=wanted)
        return
    with pa.memory_map(str(path)) as source:
        reader = _ipc(source)
        for index in range(getattr(reader, "num_record_batches", 0)):
            yield _checked(reader.get_batch(index), wanted)
        if not hasattr(reader, "num_record_batches"):
            for batch in reader:
                yield _checked(batch, wanted)


def _checked(batch: pa.RecordBatch, wanted: list[str]) -> pa.RecordBatch:
    chosen = batch.select(wanted)
    chosen.validate(full=True)  # a stranger's offsets are not believed
    return chosen


def _schema(path: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    open_file(path).close()  # neither a pipe nor a device
    if path.suffix.lower() == ".parquet":
        return pq.read_schema(path)
    with pa.memory_map(str(path)) as source:
        return _ipc(source).schema


def _ipc(source: Any) -> Any:
    """A reader of the stream that `datasets` writes, or of Arrow's file format."""
    import pyarrow as pa

    try:
        return pa.ipc.open_stream(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_file(source)


def _columns(schema: pa.Schema) -> _Columns | None:
    features = _features(schema)
    lowered = {name.lower(): name for name in reversed(schema.names)}
    audio = next((field.name for field in schema if _is_sound(field, features)), "")
    if not audio:
        return None

    def named(keys: Sequence[str]) -> str:
        return next((lowered[key] for key in keys if key in lowered and lowered[key] != audio), "")

    labels = {
        name: [str(each) for each in feature.get("names", ())]
        for name, feature in features.items()
        if feature.get("_type") == "ClassLabel"
    }
    return _Columns(audio, named(TEXT_KEYS), named(SPEAKER_KEYS), named(LANGUAGE_KEYS), labels)


def _is_sound(column: pa.Field, features: Mapping[str, Mapping[str, Any]]) -> bool:
    import pyarrow.types as kinds

    named = column.name.lower() in AUDIO_KEYS
    declared = features.get(column.name, {}).get("_type") == "Audio"
    if kinds.is_struct(column.type):
        inner = {child.name for child in column.type}
        return "bytes" in inner and (declared or named or not features)
    binary = kinds.is_binary(column.type) or kinds.is_large_binary(column.type)
    return binary and (declared or named)


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """What `datasets` has noted of the columns; empty where another program wrote the file."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name: each for name, each in features.items() if isinstance(each, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{shown(path)} is damaged, or no Hugging Face data set.", "Download or save it again."
        ) from error
