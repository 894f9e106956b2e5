"""What an exported training set consists of, by form."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from studio.audio.reading import probe
from studio.audio.writing import encode
from studio.control import Control
from studio.dataset.csv_cells import one_line, safe
from studio.dataset.ledger import DatasetFolder
from studio.dataset.metadata import Row, metadata_files
from studio.dataset.splitting import EVAL, TRAIN
from studio.dataset.summary import SUMMARY
from studio.dataset.targets import TARGETS
from studio.files import make_folder

#: Of a parquet file, and of what of it is in memory at once.
_SHARD_BYTES = 400 << 20
_GROUP_BYTES = 32 << 20

#: What Hugging Face's tools call our sides of the split.
_SPLITS = {TRAIN: "train", EVAL: "validation"}


@dataclass(frozen=True)
class Export:
    """What is exported."""

    folder: DatasetFolder
    name: str
    rows: tuple[Row, ...]
    about: bytes  # dataset.json
    out: Path = Path()  # an empty folder

    def into(self, out: Path) -> Export:
        return replace(self, out=out)

    def of(self, side: str) -> list[Row]:
        return [row for row in self.rows if row.split == side]

    def sound(self, row: Row) -> Path:
        """Where it lies now: somebody may be deciding on it. Raises NotFound."""
        return self.folder.audio(PurePosixPath(row.audio).stem)


def ljspeech(export: Export, control: Control) -> None:
    """wavs/ and metadata.csv, `id|text|text` without a header or quotes."""
    _copy(export, export.rows, export.out / "wavs", control)
    cells = ((PurePosixPath(row.audio).stem, safe(row.text), safe(row.text)) for row in export.rows)
    _write(export.out / "metadata.csv", "".join("|".join(line) + "\n" for line in cells))
    _write(export.out / SUMMARY, export.about)


def qwen(export: Export, control: Control) -> None:
    """train_raw.jsonl, eval_raw.jsonl and wavs/ at 24 kHz, as the fine-tuning scripts of Qwen3-TTS
    want them; run these from the export's folder."""
    rate = TARGETS["qwen"].sample_rate
    make_folder(export.out / "wavs")
    for row in _reported(export.rows, control):
        source, path = export.sound(row), export.out / row.audio
        if probe(source).sample_rate == rate:
            shutil.copyfile(source, path)
        else:
            encode(source, path, "wav", rate)
    for side in (TRAIN, EVAL):
        lines = (
            {"audio": row.audio, "text": row.text, "ref_audio": row.ref_audio, "language": row.language}
            for row in export.of(side)
        )
        _write(export.out / f"{side}_raw.jsonl", _lines(lines))
    _write(export.out / SUMMARY, export.about)


def hugging_face(export: Export, control: Control) -> None:
    """data/*.parquet, which `load_dataset(folder)` reads, and the same as audiofolder/."""
    sides = [side for side in _SPLITS if export.of(side)]
    for number, side in enumerate(sides):
        rows, split = export.of(side), _SPLITS[side]
        piece = control.between(number / len(sides), (number + 1) / len(sides))
        folder = export.out / "audiofolder" / split
        _copy(export, rows, folder, piece.between(0.0, 0.5))
        lines = ({"file_name": PurePosixPath(row.audio).name, **_columns(row)} for row in rows)
        _write(folder / "metadata.jsonl", _lines(lines))
        _parquet(export, rows, split, piece.between(0.5, 1.0))
    _write(export.out / "README.md", _card(export, [_SPLITS[side] for side in sides]))
    _write(export.out / SUMMARY, export.about)


def whole(export: Export, control: Control) -> None:
    """All that tells the set's story: sounds kept and dropped, metadata, ledger and reviews."""
    for file, content in metadata_files(export.rows).items():
        _write(export.out / file, content)
    _write(export.out / SUMMARY, export.about)
    for path in (export.folder.ledger_file, export.folder.review_file):
        if path.exists():
            shutil.copyfile(path, export.out / path.name)
    _copy(export, export.rows, export.out / "wavs", control.between(0.0, 0.6))
    kept = {row.audio for row in export.rows}
    segments = export.folder.read_ledger().segments
    others = [Row(f"dropped/{each.id}.wav", "", "") for each in segments]
    dropped = [row for row in others if f"wavs/{PurePosixPath(row.audio).name}" not in kept]
    _copy(export, dropped, export.out / "dropped", control.between(0.6, 1.0))


def _columns(row: Row) -> dict[str, str]:
    return {"text": row.text, "speaker": row.speaker, "language": row.language}


def _copy(export: Export, rows: Sequence[Row], folder: Path, control: Control) -> None:
    make_folder(folder)
    for row in _reported(rows, control):
        shutil.copyfile(export.sound(row), folder / PurePosixPath(row.audio).name)


def _parquet(export: Export, rows: Sequence[Row], split: str, control: Control) -> None:
    """Files of at most some 400 MB, with the sounds in them as they are."""
    import pyarrow
    import pyarrow.parquet
    from datasets import Audio, Features, Value

    text = Value("string")
    rate = probe(export.sound(rows[0])).sample_rate
    features = Features(
        {"audio": Audio(sampling_rate=rate), "text": text, "speaker": text, "language": text}
    )
    folder, schema = export.out / "data", features.arrow_schema  # it tells `datasets` what is sound
    make_folder(folder)
    shards = list(_pieces(export, rows, _SHARD_BYTES))
    done = 0
    for number, shard in enumerate(shards):
        path = folder / f"{split}-{number:05}-of-{len(shards):05}.parquet"
        with pyarrow.parquet.ParquetWriter(path, schema) as writer:
            for group in _pieces(export, shard, _GROUP_BYTES):
                control.progress("Writing parquet", done / len(rows))
                values = [_parquet_row(export, row) for row in group]
                writer.write_table(pyarrow.Table.from_pylist(values, schema))
                done += len(group)


def _parquet_row(export: Export, row: Row) -> dict[str, Any]:
    name = PurePosixPath(row.audio).name
    return {"audio": {"bytes": export.sound(row).read_bytes(), "path": name}, **_columns(row)}


def _pieces(export: Export, rows: Sequence[Row], most: int) -> Iterator[list[Row]]:
    """`rows` in pieces of at most about `most` bytes of sound."""
    total, numbered = 0, []
    for row in rows:
        numbered.append((total // most, row))
        total += export.sound(row).stat().st_size
    for _, piece in groupby(numbered, key=lambda pair: pair[0]):
        yield [row for _, row in piece]


def _card(export: Export, splits: Sequence[str]) -> str:
    """The README that tells `load_dataset` which files are which split."""
    files = "".join(f"  - split: {split}\n    path: data/{split}-*.parquet\n" for split in splits)
    hours = json.loads(export.about)["hours"]["kept"]
    return (
        "---\n"
        f"pretty_name: {json.dumps(one_line(export.name), ensure_ascii=False)}\n"
        f"configs:\n- config_name: default\n  data_files:\n{files}---\n\n"
        f"# {one_line(export.name)}\n\n"
        f"{len(export.rows):,} utterances, {hours:.2f} hours, prepared with Timbre. dataset.json says from"
        " what, how, and what was left out.\n\n"
        "`load_dataset(<this folder>)` reads the parquet files; audiofolder/ has the same as WAV files.\n"
    )


def _lines(rows: Iterator[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write(path: Path, content: str | bytes) -> None:
    make_folder(path.parent)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _reported(rows: Sequence[Row], control: Control) -> Iterator[Row]:
    for index, row in enumerate(rows):
        control.progress("Copying the sounds", index / len(rows))
        yield row
