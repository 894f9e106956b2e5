"""A training set in the forms that others read."""

from __future__ import annotations

import json
import sys
import types
import zipfile
from pathlib import Path

import pytest
import soundfile

from studio.control import Control, Progress
from studio.dataset import export_forms
from studio.dataset.exporting import FORMS, export
from studio.dataset.ledger import DatasetFolder
from studio.dataset.metadata import Row, json_lines, read_metadata
from studio.dataset.splitting import EVAL, TRAIN
from studio.dataset.values import Limits, PrepareSettings
from studio.errors import BadInput, Cancelled, NotFound, StorageFailed
from tests.small_disk import tiny_disk
from tests.training_sets import build, segment, source

SETTINGS = PrepareSettings()
TEXTS = ['"Well", she said.', "=1+1 is two.", "שלום", "None"]


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    """Four recordings of three segments, one of them noisy; one recording is set aside."""
    sources = [source(number) for number in range(4)]
    segments = [
        segment(each, number, text=TEXTS[number], snr_db=3.0 if number == 3 else 25.0)
        for each in sources
        for number in range(4)
    ]
    unlike = [segment(sources[3], 9, text="", snr_db=25.0)]
    return build(tmp_path / "set", segments + unlike, sources)


def exported(folder: DatasetFolder, format: str, place: Path, **more: object) -> Path:
    settings = PrepareSettings(**more)  # type: ignore[arg-type]
    return export(folder, "Zoë: 'set'", settings, format, place, Control())


def rows_of(folder: DatasetFolder, side: str) -> list[Row]:
    return [row for row in read_metadata(folder.root) if row.split == side]


class TestHuggingFace:
    @pytest.fixture
    def target(self, folder: DatasetFolder, tmp_path: Path) -> Path:
        return exported(folder, "hf", tmp_path / "out")

    def test_load_dataset_reads_it_offline(
        self, folder: DatasetFolder, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import datasets

        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        loaded = datasets.load_dataset(str(target), cache_dir=str(tmp_path / "cache"))
        assert set(loaded) == {"train", "validation"}
        for side, split in ((TRAIN, "train"), (EVAL, "validation")):
            rows = rows_of(folder, side)
            assert rows
            assert loaded[split]["text"][:] == [row.text for row in rows]
            assert loaded[split]["speaker"][:] == ["Ada"] * len(rows)
            assert loaded[split].features["audio"].sampling_rate == 22_050
            sounds = loaded[split].cast_column("audio", datasets.Audio(decode=False))["audio"]
            for row, sound in zip(rows, sounds, strict=True):
                assert sound["bytes"] == (folder.root / row.audio).read_bytes()

    def test_the_audiofolder_is_read_as_well(
        self, folder: DatasetFolder, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`datasets` insists on a package for it that it does not use here, and whose wheel is for
        CUDA."""
        import datasets

        for name in ("torchcodec", "torchcodec.encoders"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setattr(sys.modules["torchcodec.encoders"], "AudioEncoder", None, raising=False)
        loaded = datasets.load_dataset(str(target / "audiofolder"), cache_dir=str(tmp_path / "cache"))
        assert set(loaded) == {"train", "validation"}
        for side, split in ((TRAIN, "train"), (EVAL, "validation")):
            rows = rows_of(folder, side)
            assert sorted(loaded[split]["text"][:]) == sorted(row.text for row in rows)
            sounds = loaded[split].cast_column("audio", datasets.Audio(decode=False))["audio"]
            assert {Path(sound["path"]).name for sound in sounds} == {
                Path(row.audio).name for row in rows
            }

    def test_large_sets_are_several_files(
        self, folder: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import datasets

        monkeypatch.setattr(export_forms, "_SHARD_BYTES", 20_000)
        monkeypatch.setattr(export_forms, "_GROUP_BYTES", 5_000)
        target = exported(folder, "hf", tmp_path / "small")
        shards = sorted(path.name for path in (target / "data").glob("train-*.parquet"))
        assert len(shards) > 1
        assert shards[0] == f"train-00000-of-{len(shards):05}.parquet"
        loaded = datasets.load_dataset(str(target), cache_dir=str(tmp_path / "cache"))
        assert loaded["train"]["text"][:] == [row.text for row in rows_of(folder, TRAIN)]

    def test_one_recording_has_no_validation(self, tmp_path: Path) -> None:
        import datasets

        one = source(1)
        folder = build(tmp_path / "set", [segment(one, number) for number in range(2)], [one])
        target = exported(folder, "hf", tmp_path / "out")
        assert set(datasets.load_dataset(str(target), cache_dir=str(tmp_path / "cache"))) == {"train"}


class TestOtherForms:
    def test_ljspeech_has_an_id_and_the_text_twice(self, folder: DatasetFolder, tmp_path: Path) -> None:
        target = exported(folder, "ljspeech", tmp_path / "out")
        lines = (target / "metadata.csv").read_text("utf-8").splitlines()
        rows = read_metadata(folder.root)
        assert len(lines) == len(rows) == 12
        for line, row in zip(lines, rows, strict=True):
            id, text, again = line.split("|")
            assert text == again == row.text.replace("=1", "'=1")
            assert (target / "wavs" / f"{id}.wav").read_bytes() == (folder.root / row.audio).read_bytes()

    def test_qwen_gets_its_rate_and_a_reference(self, folder: DatasetFolder, tmp_path: Path) -> None:
        target = exported(folder, "qwen", tmp_path / "out")
        for side in (TRAIN, EVAL):
            lines = (target / f"{side}_raw.jsonl").read_text("utf-8").splitlines()
            rows = [json.loads(line) for line in lines]
            assert [row["text"] for row in rows] == [row.text for row in rows_of(folder, side)]
            for row in rows:
                assert row["audio"] != row["ref_audio"]
                for key in ("audio", "ref_audio"):
                    facts = soundfile.info(target / row[key])
                    assert (facts.samplerate, facts.channels, facts.subtype) == (24_000, 1, "PCM_16")

    def test_what_has_the_rate_already_is_copied(self, tmp_path: Path) -> None:
        one = source(1)
        folder = build(tmp_path / "set", [segment(one, 1), segment(one, 2)], [one], 24_000)
        target = exported(folder, "qwen", tmp_path / "out", target="qwen")
        for row in read_metadata(folder.root):
            assert (target / row.audio).read_bytes() == (folder.root / row.audio).read_bytes()

    def test_the_zip_has_all_of_it_and_is_the_same_each_time(
        self, folder: DatasetFolder, tmp_path: Path
    ) -> None:
        one, other = (exported(folder, "zip", tmp_path / f"{name}.zip") for name in ("a", "b"))
        assert one.read_bytes() == other.read_bytes()
        with zipfile.ZipFile(one) as archive:
            assert archive.testzip() is None
            archive.extractall(tmp_path / "out")
        assert read_metadata(tmp_path / "out") == read_metadata(folder.root)
        ours = {
            p.relative_to(folder.root)
            for p in folder.root.rglob("*")
            if p.suffix != ".lock" and p.is_file()
        }
        assert {
            p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*") if p.is_file()
        } == ours
        for path in ours:
            assert (tmp_path / "out" / path).read_bytes() == (folder.root / path).read_bytes()

    @pytest.mark.parametrize("format", ["hf", "ljspeech", "qwen"])
    def test_every_form_can_be_one_file(
        self, folder: DatasetFolder, tmp_path: Path, format: str
    ) -> None:
        plain = exported(folder, format, tmp_path / "plain")
        with zipfile.ZipFile(exported(folder, format, tmp_path / "packed.zip")) as archive:
            assert set(archive.namelist()) == {
                path.relative_to(plain).as_posix() for path in plain.rglob("*") if path.is_file()
            }


class TestPromises:
    @pytest.mark.parametrize("format", list(FORMS))
    def test_nothing_of_this_machine_is_in_it(
        self, folder: DatasetFolder, tmp_path: Path, format: str
    ) -> None:
        target = exported(folder, format, tmp_path / "out.zip")
        with zipfile.ZipFile(target) as archive:
            for name in archive.namelist():
                assert str(tmp_path).encode() not in archive.read(name), name

    def test_progress_rises_to_the_end(self, folder: DatasetFolder, tmp_path: Path) -> None:
        said: list[Progress] = []
        export(folder, "Set", SETTINGS, "hf", tmp_path / "out.zip", Control(said.append))
        fractions = [each.fraction for each in said if each.fraction is not None]
        assert fractions == sorted(fractions)
        assert fractions[0] < 0.1
        assert fractions[-1] > 0.9

    @pytest.mark.parametrize("format", list(FORMS))
    def test_stopping_leaves_nothing(self, folder: DatasetFolder, tmp_path: Path, format: str) -> None:
        def stop(progress: Progress) -> None:
            if progress.fraction is not None and progress.fraction > 0.3:
                control.cancel()

        control = Control(stop)
        before = sorted(tmp_path.iterdir())
        with pytest.raises(Cancelled):
            export(folder, "Set", SETTINGS, format, tmp_path / "out.zip", control)
        assert sorted(tmp_path.iterdir()) == before

    @pytest.mark.parametrize("format", list(FORMS))
    def test_a_full_disk_leaves_nothing(self, folder: DatasetFolder, format: str) -> None:
        with tiny_disk("32k") as disk:
            with pytest.raises(StorageFailed):
                exported(folder, format, disk / "out.zip")
            assert list(disk.iterdir()) == []

    def test_an_empty_folder_will_do_and_another_is_left_alone(
        self, folder: DatasetFolder, tmp_path: Path
    ) -> None:
        empty, full = tmp_path / "empty", tmp_path / "full"
        for path in (empty, full):
            path.mkdir()
        (full / "mine.txt").touch()
        exported(folder, "ljspeech", empty)
        assert (empty / "metadata.csv").exists()
        for taken in (full, full / "mine.txt", empty):
            with pytest.raises(BadInput, match=r"not empty|already"):
                exported(folder, "ljspeech", taken)
        assert [path.name for path in full.iterdir()] == ["mine.txt"]

    def test_places_and_forms_that_cannot_be_are_said(
        self, folder: DatasetFolder, tmp_path: Path
    ) -> None:
        (tmp_path / "a.zip").touch()
        with pytest.raises(BadInput, match="already"):
            exported(folder, "zip", tmp_path / "a.zip")
        with pytest.raises(BadInput, match="zip"):
            exported(folder, "zip", tmp_path / "folder")
        with pytest.raises(BadInput, match="into itself"):
            exported(folder, "hf", folder.root / "out")
        with pytest.raises(StorageFailed) as caught:
            exported(folder, "ljspeech", tmp_path / "a.zip" / "out")
        assert "another place for the export" in caught.value.hint
        with pytest.raises(NotFound) as caught:
            exported(folder, "parket", tmp_path / "out")
        assert "ljspeech" in caught.value.hint

    def test_a_set_of_which_nothing_is_kept_is_said(self, folder: DatasetFolder, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="Nothing is kept"):
            exported(folder, "hf", tmp_path / "out", limits=Limits(min_snr_db=90.0))
        assert not (tmp_path / "out").exists()

    def test_what_a_killed_export_left_goes(self, folder: DatasetFolder, tmp_path: Path) -> None:
        gone = tmp_path / ".out.999999999.ab.partial"
        (gone / "set").mkdir(parents=True)
        exported(folder, "ljspeech", tmp_path / "out")
        assert not gone.exists()

    def test_lines_keep_every_script(self) -> None:
        assert json_lines([Row("wavs/a.wav", "שלום", "Zoë")]).decode().count("שלום") == 1
