"""What is kept becomes files: decided anew, built anew, without room, and killed at any moment."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from studio.dataset import writing
from studio.dataset.ledger import DatasetFolder
from studio.dataset.metadata import read_metadata
from studio.dataset.values import Limits, PrepareSettings, Review
from studio.dataset.writing import settle
from studio.errors import Busy, NotFound, StorageFailed
from studio.settings import CHECKOUT
from tests.small_disk import tiny_disk
from tests.training_sets import ONE, TWO, build, segment

SETTINGS = PrepareSettings()


def files(folder: DatasetFolder) -> dict[str, bytes]:
    return {
        path.relative_to(folder.root).as_posix(): path.read_bytes()
        for path in sorted(folder.root.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def say(folder: DatasetFolder, reviews: dict[str, Review]) -> None:
    folder.change_reviews({id: lambda _, said=said: said for id, said in reviews.items()})


def named(folder: DatasetFolder) -> set[str]:
    """Every sound that a metadata file names."""
    found = set()
    for name in ("metadata.csv", "metadata_train.csv", "metadata_eval.csv"):
        if (folder.root / name).exists():
            with (folder.root / name).open(encoding="utf-8", newline="") as file:
                found |= {row["audio_file"] for row in csv.DictReader(file, delimiter="|")}
    if (folder.root / "metadata.jsonl").exists():
        for line in (folder.root / "metadata.jsonl").read_text("utf-8").splitlines():
            found |= {json.loads(line)["audio"], json.loads(line)["ref_audio"]}
    return found


class TestSettle:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> DatasetFolder:
        """Two recordings with three good segments each and a noisy one."""
        segments = [
            segment(each, number, snr_db=3.0 if number == 3 else 20.0 + number)
            for each in (ONE, TWO)
            for number in range(4)
        ]
        return build(tmp_path / "set", segments, [ONE, TWO])

    def test_what_is_kept_is_in_every_file_and_the_rest_is_put_aside(
        self, folder: DatasetFolder
    ) -> None:
        settled = settle(folder, "Zoë's set", SETTINGS)
        assert (settled.kept, settled.kept_s, settled.dropped) == (6, 12.0, 2)
        rows = read_metadata(folder.root)
        assert {row.audio for row in rows} == named(folder)
        assert {path.name for path in folder.wavs.iterdir()} == {Path(row.audio).name for row in rows}
        assert {path.name for path in folder.dropped.iterdir()} == {
            f"{ONE.id}-0003.wav",
            f"{TWO.id}-0003.wav",
        }
        assert {row.language for row in rows} == {"en"}

    def test_the_summary_says_where_it_comes_from_and_what_was_dropped_why(
        self, folder: DatasetFolder
    ) -> None:
        settle(folder, "Zoë's set", SETTINGS)
        text = (folder.root / "dataset.json").read_text("utf-8")
        summary = json.loads(text)
        assert summary["name"] == "Zoë's set"
        assert summary["counts"] == {
            "sources": 2, "unreadable": 0, "segments": 8, "kept": 6, "dropped": 2, "train": 6, "eval": 0,
        }  # fmt: skip
        assert summary["dropped"] == {"noise": {"segments": 2, "seconds": 4.0}}
        assert [each["sha256"] for each in summary["sources"]] == [ONE.sha256, TWO.sha256]
        assert summary["settings"]["limits"]["min_snr_db"] == 10.0
        assert str(folder.root.parent) not in text

    def test_settling_again_changes_nothing(self, folder: DatasetFolder) -> None:
        first = settle(folder, "Set", SETTINGS)
        before, times = files(folder), {path: path.stat().st_mtime_ns for path in folder.root.iterdir()}
        assert settle(folder, "Set", SETTINGS) == first
        assert files(folder) == before
        del times[folder.root / ".settle.lock"]
        assert times == {path: path.stat().st_mtime_ns for path in times}

    def test_a_decision_moves_a_segment_and_taking_it_back_restores_every_byte(
        self, folder: DatasetFolder
    ) -> None:
        settle(folder, "Set", SETTINGS)
        before, noisy, good = files(folder), f"{ONE.id}-0003", f"{ONE.id}-0001"
        say(folder, {noisy: Review(kept=True), good: Review(kept=False, text="Other.")})
        assert settle(folder, "Set", SETTINGS).kept == 6
        assert (folder.wavs / f"{noisy}.wav").exists()
        assert (folder.dropped / f"{good}.wav").exists()
        say(folder, {noisy: Review(), good: Review()})
        settle(folder, "Set", SETTINGS)
        assert files(folder) == {**before, "review.json": b"{}\n"}

    def test_two_who_decide_and_write_at_once_lose_neither(self, folder: DatasetFolder) -> None:
        writing, one = threading.Event(), f"{ONE.id}-0001"

        def write_slowly(review: Review) -> Review:
            writing.set()
            time.sleep(0.1)
            return replace(review, text="Written.")

        writer = threading.Thread(target=folder.change_reviews, args=({one: write_slowly},))
        writer.start()
        assert writing.wait(10)
        folder.change_reviews({one: lambda review: replace(review, kept=False)})
        writer.join()
        assert folder.read_reviews() == {one: Review(False, "Written.")}

    def test_a_set_that_is_gone_does_not_come_back_as_an_empty_folder(self, tmp_path: Path) -> None:
        gone = DatasetFolder(tmp_path / "gone")
        with pytest.raises(NotFound):
            settle(gone, "Set", SETTINGS)
        with pytest.raises(NotFound):
            say(gone, {"x": Review(kept=True)})
        assert not gone.root.exists()

    def test_a_text_that_was_written_anew_is_what_is_trained_on(self, folder: DatasetFolder) -> None:
        say(folder, {f"{ONE.id}-0001": Review(text="=Quite\nanother | text.")})
        settle(folder, "Set", SETTINGS)
        texts = {row.audio: row.text for row in read_metadata(folder.root)}
        assert texts[f"wavs/{ONE.id}-0001.wav"] == "=Quite another text."

    def test_the_reference_is_another_utterance_of_the_speaker(self, tmp_path: Path) -> None:
        segments = [
            segment(ONE, 1, 5.0, snr_db=30.0),
            segment(ONE, 2, 5.0, snr_db=40.0),
            segment(ONE, 3, 1.5, snr_db=60.0),
            segment(TWO, 1, speaker="Bob"),
        ]
        folder = build(tmp_path, segments, [ONE, TWO])
        settled = settle(folder, "Set", SETTINGS)
        found = {row.audio: row.ref_audio for row in read_metadata(tmp_path)}
        first, second, third, bob = (f"wavs/{each.id}.wav" for each in segments)
        assert found == {first: second, second: first, third: second, bob: bob}
        assert any("Bob has one segment only" in note for note in settled.notes)

    def test_nothing_kept_is_said_and_is_no_fault(self, folder: DatasetFolder) -> None:
        settled = settle(folder, "Set", PrepareSettings(limits=Limits(min_snr_db=90)))
        assert (settled.kept, settled.dropped) == (0, 8)
        assert any("No segment" in note for note in settled.notes)
        assert read_metadata(folder.root) == []

    def test_a_set_without_a_build_is_empty(self, tmp_path: Path) -> None:
        assert settle(DatasetFolder(tmp_path), "Set", SETTINGS).kept == 0
        assert read_metadata(tmp_path) == []

    def test_a_sound_that_is_missing_is_left_out_and_noted(self, folder: DatasetFolder) -> None:
        settle(folder, "Set", SETTINGS)
        (folder.wavs / f"{ONE.id}-0001.wav").unlink()
        settled = settle(folder, "Set", SETTINGS)
        assert settled.kept == 5
        assert any("1 kept segments have no sound" in note for note in settled.notes)
        assert f"wavs/{ONE.id}-0001.wav" not in named(folder)

    def test_a_new_build_takes_the_place_of_the_old_one(self, folder: DatasetFolder) -> None:
        settle(folder, "Set", SETTINGS)
        fresh = [segment(TWO, number, snr_db=3.0 if number == 1 else 20.0) for number in range(2)]
        build(folder.root, fresh, [TWO], sample_rate=24_000)
        made = {path.stem: path.read_bytes() for path in folder.dropped.iterdir()}
        settle(folder, "Set", SETTINGS)
        kept, dropped = fresh
        assert [path.stem for path in folder.wavs.iterdir()] == [kept.id]
        assert [path.stem for path in folder.dropped.iterdir()] == [dropped.id]
        assert folder.audio(kept.id).read_bytes() == made[kept.id]
        assert folder.audio(dropped.id).read_bytes() == made[dropped.id]

    def test_leavings_of_killed_processes_go_and_those_of_living_ones_stay(
        self, folder: DatasetFolder
    ) -> None:
        gone = folder.wavs
        gone.mkdir()
        dead = [gone / "x.wav.999999999.ab.partial", folder.root / "metadata.csv.999999999.ab.partial"]
        living = folder.root / f"metadata.csv.{os.getppid()}.ab.partial"
        for path in (*dead, living):
            path.touch()
        settle(folder, "Set", SETTINGS)
        assert not any(path.exists() for path in dead)
        assert living.exists()

    def test_two_at_once_wait_for_one_another(
        self, folder: DatasetFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "_BUSY_S", 0.05)
        with FileLock(folder.root / ".settle.lock"), pytest.raises(Busy):
            settle(folder, "Set", SETTINGS)

    def test_a_full_disk_leaves_a_set_that_is_whole(self) -> None:
        with tiny_disk("256k") as disk:
            segments = [segment(ONE, number) for number in range(20)]
            folder = build(disk / "set", segments, [ONE])
            settle(folder, "Set", SETTINGS)
            before = (folder.root / "metadata.csv").read_bytes()
            with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(1 << 12)):
                    pass
            with pytest.raises(StorageFailed):
                settle(folder, "Set", PrepareSettings(limits=Limits(min_snr_db=90)))
            assert (folder.root / "metadata.csv").read_bytes() == before
            assert all((folder.root / name).exists() for name in named(folder))

    def test_a_kill_at_any_moment_leaves_no_name_without_a_sound(self, tmp_path: Path) -> None:
        """Killed in the middle of settling between two states, again and again."""
        segments = [segment(ONE, number, snr_db=float(5 + number % 30)) for number in range(60)]
        folder, twin = (build(tmp_path / name, segments, [ONE]) for name in ("set", "twin"))
        settle(folder, "Set", SETTINGS)
        settle(twin, "Set", SETTINGS)
        code = (
            "import sys; from pathlib import Path\n"
            "from studio.dataset.ledger import DatasetFolder\n"
            "from studio.dataset.values import Limits, PrepareSettings\n"
            "from studio.dataset.writing import settle\n"
            "print('ready', flush=True)\n"
            "while True:\n"
            "    for snr in (10, 30, 6, 20):\n"
            "        limits = Limits(min_snr_db=snr)\n"
            "        settle(DatasetFolder(Path(sys.argv[1])), 'Set', PrepareSettings(limits=limits))\n"
        )
        for attempt in range(6):
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(folder.root)], cwd=CHECKOUT, stdout=subprocess.PIPE
            )
            assert process.stdout
            assert process.stdout.readline().strip() == b"ready"
            time.sleep(0.013 * (attempt + 1))
            process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
            process.wait(20)
            process.stdout.close()
            assert all((folder.root / name).exists() for name in named(folder))
        settle(folder, "Set", SETTINGS)
        assert files(folder) == files(twin)
