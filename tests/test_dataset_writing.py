"""What is kept becomes files: duplicates, the split, metadata, and a kill at any moment."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from filelock import FileLock

from studio.dataset import writing
from studio.dataset.csv_cells import one_line, plain, safe
from studio.dataset.duplicates import SAME_SOUND_BITS, with_duplicates_by_sound, with_duplicates_by_text
from studio.dataset.judging import judge_all
from studio.dataset.ledger import DatasetFolder
from studio.dataset.metadata import Row, metadata_files, read_metadata
from studio.dataset.splitting import EVAL, TRAIN, split, why_no_eval
from studio.dataset.targets import TARGETS
from studio.dataset.values import Limits, PrepareSettings, Review, Segment
from studio.dataset.writing import settle
from studio.errors import Busy, Damaged, NotFound, StorageFailed
from studio.settings import CHECKOUT
from tests.small_disk import tiny_disk
from tests.training_sets import build, fingerprint, segment, source

SETTINGS = PrepareSettings()
ONE, TWO = source(1), source(2)


def by_id(segments: list[Segment]) -> dict[str, Segment]:
    return {each.id: each for each in segments}


def files(folder: DatasetFolder) -> dict[str, bytes]:
    return {
        path.relative_to(folder.root).as_posix(): path.read_bytes()
        for path in sorted(folder.root.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


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


class TestDuplicates:
    def test_a_sound_is_a_duplicate_of_the_first_that_is_alike(self) -> None:
        sounds = [fingerprint(1), fingerprint(2), fingerprint(1, 10), fingerprint(1, 20), ""]
        segments = [segment(ONE, number, sound=sound) for number, sound in enumerate(sounds)]
        found = [each.duplicate_audio for each in with_duplicates_by_sound(segments)]
        assert found == ["", "", segments[0].id, segments[0].id, ""]

    def test_sounds_of_other_lengths_or_without_a_fingerprint_are_like_no_other(self) -> None:
        segments = [
            segment(ONE, 1, 2.0, sound=fingerprint(1)),
            segment(ONE, 2, 4.0, sound=fingerprint(1)),
        ]
        segments += [segment(TWO, 1, sound=""), segment(TWO, 2, sound="")]
        assert not any(each.duplicate_audio for each in with_duplicates_by_sound(segments))

    @pytest.mark.parametrize(
        ("flipped", "alike"), [(SAME_SOUND_BITS - 1, True), (SAME_SOUND_BITS, False)]
    )
    def test_the_number_of_bits_decides(self, flipped: int, alike: bool) -> None:
        pair = [
            segment(ONE, 1, 2.0, sound=fingerprint(1)),
            segment(TWO, 1, 2.1, sound=fingerprint(1, flipped)),
        ]
        assert bool(with_duplicates_by_sound(pair)[1].duplicate_audio) is alike

    def test_what_is_found_anew_replaces_what_was_found_before(self) -> None:
        segments = [segment(ONE, 1, sound=fingerprint(1), duplicate_audio="gone", duplicate_text="gone")]
        assert with_duplicates_by_sound(segments)[0].duplicate_audio == ""
        assert with_duplicates_by_text(segments)[0].duplicate_text == ""

    def test_ten_thousand_take_a_moment(self) -> None:
        segments = [
            segment(
                ONE,
                number,
                1 + number % 9_990 % 97 / 10,
                sound=fingerprint(number % 9_990),
                text=f"{number % 9_000}",
            )
            for number in range(10_000)
        ]
        began = time.process_time()
        found = with_duplicates_by_text(with_duplicates_by_sound(segments))
        assert time.process_time() - began < 4
        assert [each.duplicate_audio for each in found[9_990:]] == [each.id for each in segments[:10]]
        assert sum(bool(each.duplicate_audio) for each in found) == 10
        assert sum(bool(each.duplicate_text) for each in found) == 990

    def test_texts_are_compared_without_case_punctuation_and_width(self) -> None:
        texts = [
            "Good morning, Ada!",
            "good  morning ada",
            "ＧＯＯＤ morning, Ada.",
            "Good evening.",
            "",
            "?!",
        ]
        segments = [segment(ONE, number, text=text) for number, text in enumerate(texts)]
        found = [each.duplicate_text for each in with_duplicates_by_text(segments)]
        assert found == ["", segments[0].id, segments[0].id, "", "", ""]

    def test_accents_and_digits_count(self) -> None:
        segments = [
            segment(ONE, n, text=text) for n, text in enumerate(["côte", "cote", "2", "3", "か", "が"])
        ]
        assert not any(each.duplicate_text for each in with_duplicates_by_text(segments))

    def test_the_first_that_is_kept_stands_for_those_that_say_the_same(self) -> None:
        segments = with_duplicates_by_text(
            [segment(ONE, 1, text="Yes.", snr_db=3.0)]
            + [segment(TWO, number, text="Yes.") for number in (1, 2)]
        )
        verdicts = judge_all(segments, Limits(), TARGETS["xtts"], {})
        assert [verdict.kept for verdict in verdicts] == [False, True, False]
        assert segments[1].id in verdicts[2].reasons[0].words
        by_hand = judge_all(segments, Limits(), TARGETS["xtts"], {segments[0].id: Review(kept=True)})
        assert [verdict.kept for verdict in by_hand] == [True, False, False]


class TestSplit:
    def test_no_recording_is_on_both_sides_and_the_share_is_met(self) -> None:
        sources = [source(number) for number in range(40)]
        kept = [segment(each, number) for each in sources for number in range(3)]
        sides = split(kept, 0.1)
        assert set(sides) == {each.id for each in sources}
        assert sum(side == EVAL for side in sides.values()) == 4
        assert sides == split(list(reversed(kept)), 0.1)

    def test_one_recording_is_trained_on_whole(self) -> None:
        sides = split([segment(ONE, 1), segment(ONE, 2)], 0.05)
        assert sides == {ONE.id: TRAIN}
        assert "one recording" in why_no_eval(sides)

    def test_a_recording_that_is_most_of_it_is_not_set_aside(self) -> None:
        kept = [segment(ONE, number) for number in range(8)] + [segment(TWO, 1)]
        assert split(kept, 0.05) == {ONE.id: TRAIN, TWO.id: EVAL}
        halves = split([segment(ONE, 1), segment(TWO, 1)], 0.05)
        assert set(halves.values()) == {TRAIN}
        assert "too large a part" in why_no_eval(halves)

    def test_nothing_is_set_aside_where_nobody_asks(self) -> None:
        kept = [segment(source(number), 1) for number in range(20)]
        assert set(split(kept, 0.0).values()) == {TRAIN}
        assert split([], 0.1) == {}

    def test_recordings_that_share_segments_stay_on_one_side(self) -> None:
        sources = [source(number) for number in range(20)]
        kept = [segment(each, number) for each in sources for number in range(3)]
        for one, other in ((0, 7), (3, 12), (12, 5)):
            kept.append(segment(sources[other], 9, duplicate_text=f"{sources[one].id}-0001"))
        copies = [segment(sources[19], 9, duplicate_audio=f"{sources[1].id}-0001")]
        for share in (0.05, 0.2, 0.4):
            sides = [split(kept, share, copies)[each.id] for each in sources]
            assert sides[0] == sides[7]
            assert sides[3] == sides[12] == sides[5]
            assert sides[1] == sides[19]
            assert EVAL in sides

    def test_no_speaker_is_only_evaluated(self) -> None:
        kept = [segment(source(number), 1, speaker=f"Speaker {number % 3}") for number in range(9)]
        sides = split(kept, 0.3)
        trained = {each.speaker for each in kept if sides[each.source] == TRAIN}
        assert EVAL in sides.values()
        assert trained == {each.speaker for each in kept}
        alone = [segment(source(number), 1, speaker=f"Speaker {number}") for number in range(9)]
        assert set(split(alone, 0.3).values()) == {TRAIN}


class TestMetadata:
    @pytest.mark.parametrize(
        "cell", ["=1+1", "+1", "-1", "@a", "'=1", "''=1", "\ta", "'quoted'", "", "a=b", "'"]
    )
    def test_no_cell_is_a_formula_and_all_come_back(self, cell: str) -> None:
        assert not safe(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
        assert plain(safe(cell)) == cell

    def test_a_cell_is_one_line_without_bars(self) -> None:
        assert one_line(" a|b\nc\r\n\td\0\u2028e \ud800") == "a b c d e"

    @pytest.mark.parametrize(
        "text", ['"Yes," she said.', '"', "=SUM(A1)", "שלום, עולם", "None", "a, b; c"]
    )
    def test_texts_come_back_as_they_were(self, tmp_path: Path, text: str) -> None:
        rows = [Row("wavs/a.wav", text, "@Ada", "en", EVAL, "wavs/b.wav"), Row("wavs/b.wav", "B.", "1")]
        for name, content in metadata_files(rows).items():
            (tmp_path / name).write_bytes(content)
        assert read_metadata(tmp_path) == rows

    def test_coqui_and_pandas_read_it(self, tmp_path: Path) -> None:
        import pandas

        kept = [
            segment(ONE, 1, text='"Well" — she said.'),
            segment(ONE, 2, text="=2|2"),
            segment(TWO, 1),
        ]
        folder = build(tmp_path, kept, [ONE, TWO])
        settle(folder, "Set", SETTINGS)
        table = pandas.read_csv(tmp_path / "metadata.csv", sep="|")
        assert list(table.columns) == ["audio_file", "text", "speaker_name"]
        assert list(table.text) == ['"Well" — she said.', "'=2 2", kept[2].text]
        items = coqui_formatter()(str(tmp_path), "metadata_train.csv")
        assert [item["text"] for item in items] == list(table.text[:2])
        assert all(Path(item["audio_file"]).exists() for item in items)
        assert {item["speaker_name"] for item in items} == {"Ada"}

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "a|b\n1|2\n",
            "audio_file|text\n../x.wav|a\n",
            "audio_file|text\nwavs/a.wav\n",
            'audio_file|text\n"',
        ],
    )
    def test_a_damaged_file_is_said(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "metadata.csv").write_text(content, "utf-8")
        if content:
            with pytest.raises(Damaged):
                read_metadata(tmp_path)
        else:
            assert read_metadata(tmp_path) == []

    def test_damaged_lines_and_a_set_that_was_not_built_are_said(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            read_metadata(tmp_path)
        (tmp_path / "metadata.csv").write_text("audio_file|text\nwavs/a.wav|A.\n", "utf-8")
        assert read_metadata(tmp_path) == [Row("wavs/a.wav", "A.", "")]
        (tmp_path / "metadata.jsonl").write_text("{", "utf-8")
        with pytest.raises(Damaged):
            read_metadata(tmp_path)


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
        folder.change_reviews({noisy: Review(kept=True), good: Review(kept=False, text="Other.")})
        assert settle(folder, "Set", SETTINGS).kept == 6
        assert (folder.wavs / f"{noisy}.wav").exists()
        assert (folder.dropped / f"{good}.wav").exists()
        folder.change_reviews({noisy: Review(), good: Review()})
        settle(folder, "Set", SETTINGS)
        assert files(folder) == {**before, "review.json": b"{}\n"}

    def test_a_text_that_was_written_anew_is_what_is_trained_on(self, folder: DatasetFolder) -> None:
        folder.change_reviews({f"{ONE.id}-0001": Review(text="=Quite\nanother | text.")})
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


def coqui_formatter() -> Callable[..., list[dict[str, str]]]:
    """coqui-tts's own, without the rest of its package, which needs torch and takes seconds."""
    package = find_spec("TTS")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "tts" / "datasets" / "formatters.py"
    spec = spec_from_file_location("formatters", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.coqui
