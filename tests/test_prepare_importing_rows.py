"""Promises of importing: rows of Hugging Face become recordings with their texts, and what is damaged is reported."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from studio.control import Control
from studio.dataset.cache import PreparedCache
from studio.dataset.values import PrepareSettings
from studio.errors import BadInput
from tests.importing import by_name, content, found, sound, sounds, texts, written
from training.prepare.importing import find
from training.prepare.values import GivenText


def rows(tmp_path: Path, count: int = 3) -> dict[str, list[object]]:
    files = [sound(tmp_path / f"{index}.wav", 300 + 10 * index) for index in range(count)]
    return {
        "audio": [{"bytes": file.read_bytes(), "path": f"clip{file.name}"} for file in files],
        "sentence": [f"text {index}" for index in range(count)],
        "speaker": [index % 2 for index in range(count)],
        "language": ["en"] * count,
    }


def saved(tmp_path: Path) -> tuple[Path, Path]:
    """The same rows as a Parquet file and as a folder of save_to_disk with two splits."""
    import datasets
    import pyarrow as pa

    features = datasets.Features(
        audio=datasets.Audio(decode=False),
        sentence=datasets.Value("string"),
        speaker=datasets.ClassLabel(names=["ann", "bob"]),
        language=datasets.Value("string"),
    )
    made = datasets.Dataset(pa.Table.from_pydict(rows(tmp_path), schema=features.arrow_schema))
    made.to_parquet(str(tmp_path / "clips.parquet"))
    splits = datasets.DatasetDict(train=made.select([0, 1]), test=made.select([2]))
    splits.save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "clips.parquet", tmp_path / "saved"


def test_hugging_face_rows_become_recordings_with_their_texts(tmp_path: Path) -> None:
    parquet, folder = saved(tmp_path)
    what = found(tmp_path, parquet)
    assert [each.name for each in what.recordings] == [f"clips/clip{index}.wav" for index in range(3)]
    for index, each in enumerate(what.recordings):
        assert each.path.read_bytes() == (tmp_path / f"{index}.wav").read_bytes()
        assert each.given == (GivenText(f"text {index}"),)
        assert (each.speaker, each.language) == (["ann", "bob"][index % 2], "en")
        assert each.given_from == "clips.parquet"
    disk = found(tmp_path, folder)
    assert sorted(texts(disk).values()) == ["text 0", "text 1", "text 2"]
    assert what.problems == disk.problems == what.notes == disk.notes == ()


def test_an_audiofolder_is_read_by_its_metadata(tmp_path: Path) -> None:
    folder = sounds(tmp_path / "data", "train/a.wav", "train/b.wav")
    lines = [
        {"file_name": "a.wav", "transcription": "one"},
        {"file_name": "b.wav", "transcription": "two"},
    ]
    written(folder / "train/metadata.jsonl", "\n".join(map(json.dumps, lines)))
    assert texts(found(tmp_path, folder)) == {"train/a.wav": "one", "train/b.wav": "two"}


def test_parquet_of_others_names_and_files_without_sound(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sample = content(tmp_path)
    folder = sounds(tmp_path / "in", "beside.wav")
    raw = pa.table({"audio": [sample, None], "text": ["raw", "none"]})
    pq.write_table(raw, folder / "raw.parquet")
    named = [{"bytes": sample, "path": "../../x.wav"}, {"bytes": sample, "path": "/etc/x.wav"}]
    outer = [{"bytes": None, "path": "beside.wav"}, {"bytes": None, "path": "/etc/gone.wav"}]
    pq.write_table(
        pa.table({"audio": named + outer, "text": ["1", "2", "3", "4"]}), folder / "named.parquet"
    )
    pq.write_table(pa.table({"a": [1]}), folder / "numbers.parquet")
    what = found(tmp_path, folder)
    assert texts(what) == {
        "beside.wav": "3", "named/000002-x.wav": "2", "named/x.wav": "1", "raw/000001": "raw",
    }  # fmt: skip
    assert what.notes == ("named/named.parquet names 1 recording that cannot be found: /etc/gone.wav.",)


def test_damaged_and_swollen_files_of_rows_are_reported(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet, folder = saved(tmp_path)
    bad = sounds(tmp_path / "bad", "good.wav")
    whole = parquet.read_bytes()
    (bad / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (bad / "noise.parquet").write_bytes(b"PAR1" + os.urandom(500) + b"PAR1")
    (arrow,) = (folder / "train").glob("*.arrow")
    stream = bytearray(arrow.read_bytes())
    (bad / "cut.arrow").write_bytes(stream[: len(stream) - len(stream) // 3])
    swollen = pa.table({"audio": pa.array([bytes(1 << 20)] * 64).dictionary_encode()})
    pq.write_table(swollen.cast(pa.schema({"audio": pa.binary()})), bad / "swollen.parquet")
    what = found(tmp_path, bad)
    assert list(by_name(what)) == ["good.wav"]
    assert [each.name for each in what.problems] == [
        "cut.arrow", "cut.parquet", "noise.parquet", "swollen.parquet",
    ]  # fmt: skip
    assert "100 times" in what.problems[3].problem
    assert not list((tmp_path / "unpacked").glob("*-1/*.wav"))


def test_memory_stays_that_of_a_few_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"bytes": os.urandom(1 << 20), "path": "x.wav"}
    schema = pa.schema({"audio": pa.struct({"bytes": pa.binary(), "path": pa.string()})})
    with pq.ParquetWriter(tmp_path / "big.parquet", schema, use_dictionary=False) as writer:
        for _ in range(16):
            writer.write_table(pa.Table.from_pylist([{"audio": row}], schema))
    before = pa.total_allocated_bytes()
    highest = 0

    class Watching(Control):
        def check(self) -> None:
            nonlocal highest
            highest = max(highest, pa.total_allocated_bytes() - before)

    with pytest.raises(BadInput):  # noise is no recording
        find([tmp_path / "big.parquet"], PreparedCache(tmp_path), PrepareSettings(), Watching())
    assert 1 << 20 < highest < 12 << 20
