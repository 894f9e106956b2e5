"""`app.py datasets`, as people and scripts run it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import app
from studio.dataset.metadata import read_metadata
from studio.db import Database
from studio.jobs import JobStatus, JobStore
from tests.running import Ended, begin
from tests.spoken import RATE, SENTENCE, saved, silence, spoken, with_pauses

#: Everything a build says of a set but the texts, which a recognizer would take its time for.
_FAST = ("--recognizer", "none", "--processes", "1", "--language", "en")
_TEXTS = (
    "The first of them is clean.",
    "Nobody can hear this one.",
    "Good morning, ladies and gentlemen.",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the set “Zoë's set” of a clean recording, a noisy one, and a file that is none."""
    folder = tmp_path_factory.mktemp("datasets")
    recordings = folder / "recordings"
    recordings.mkdir()
    noise = np.random.default_rng(1).normal(0, 1, 6 * RATE).astype(np.float32)
    for number, text in enumerate(_TEXTS):
        samples = 0.3 * np.concatenate([silence(0.8), spoken(text), silence(0.8)])
        level = 0.02 if number == 1 else 0.0005
        samples += level * noise[: len(samples)]
        saved(recordings / f"{number}.wav", samples)
        (recordings / f"{number}.txt").write_text(text, "utf-8")
    (recordings / "broken.wav").write_bytes(b"RIFF, and then nothing")
    build = ["datasets", "build", str(recordings), "--name", "Zoë's set", *_FAST, "--json"]
    with redirect_stdout(io.StringIO()) as said:
        code = app.main(["--home", str(folder / "home"), *build])
    assert code == 0, said.getvalue()
    (folder / "built.json").write_text(said.getvalue())
    return folder / "home"


@pytest.fixture
def run(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """`datasets ...` on that home."""

    def command(*arguments: str) -> Ended:
        capfd.readouterr()
        try:
            code = app.main(["--home", str(home), "datasets", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return command


def test_a_build_says_what_came_of_it(home: Path) -> None:
    built = json.loads((home.parent / "built.json").read_text())
    assert built["ok"] is True
    assert (built["dataset"]["name"], built["dataset"]["state"]) == ("Zoë's set", "ready")
    assert built["result"]["kept"] == built["dataset"]["kept"] == 2
    assert [problem["name"] for problem in built["result"]["problems"]] == ["broken.wav"]
    rows = read_metadata(home / "datasets" / built["dataset"]["id"])
    assert [row.text for row in rows] == [_TEXTS[0], _TEXTS[2]]


def test_the_list_is_for_people_and_for_scripts(run: Callable[..., Ended]) -> None:
    assert "Zoë's set" in run("list").out
    listed = run("list", "--json").json
    assert [(each["name"], each["kept"]) for each in listed["datasets"]] == [("Zoë's set", 2)]
    assert listed["damaged"] == []


def test_show_says_what_was_left_out_and_why(run: Callable[..., Ended], home: Path) -> None:
    said = run("show", "zoë's set").out
    assert "2 of 3 segments" in said
    assert "too noisy (1 segment)" in said
    assert "broken.wav" in said
    shown = run("show", "Zoë's set", "--json").json["dataset"]
    assert Path(shown["folder"]).is_relative_to(home)
    assert shown["settings"]["recognizer"] == "none"
    assert {source["name"] for source in shown["sources"]} == {"0.wav", "1.wav", "2.wav", "broken.wav"}


def test_every_segment_has_its_measures_and_its_reasons(run: Callable[..., Ended]) -> None:
    segments = run("segments", "Zoë's set", "--json").json["segments"]
    assert [segment["source_name"] for segment in segments] == ["0.wav", "1.wav", "2.wav"]
    noisy = segments[1]
    assert (noisy["kept"], noisy["reasons"][0]["code"]) == (False, "noise")
    assert noisy["snr_db"] < 10 < segments[0]["snr_db"]
    assert all(
        segment["end"] - segment["start"] == pytest.approx(segment["duration"]) for segment in segments
    )
    assert "under 10" in run("segments", "Zoë's set").out


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--kept"], ["0.wav", "2.wav"]),
        (["--dropped"], ["1.wav"]),
        (["--reason", "noise"], ["1.wav"]),
        (["--reason", "clipped"], []),
        (["--text", "LADIES"], ["2.wav"]),
        (["--source", "0.wav"], ["0.wav"]),
        (["--order", "snr_db", "--limit", "1"], ["1.wav"]),
        (["--descending", "--limit", "2"], ["2.wav", "1.wav"]),
        (["--limit", "0"], []),
    ],
)
def test_segments_are_filtered_and_sorted(
    run: Callable[..., Ended], options: list[str], names: list[str]
) -> None:
    found = run("segments", "Zoë's set", "--json", *options).json["segments"]
    assert [segment["source_name"] for segment in found] == names


def test_a_decision_counts_more_than_the_limits_until_it_is_taken_back(
    run: Callable[..., Ended],
) -> None:
    noisy = run("segments", "Zoë's set", "--dropped", "--json").json["segments"][0]["id"]
    assert run("keep", "Zoë's set", noisy, "--json").json["dataset"]["kept"] == 3
    assert run("drop", "Zoë's set", noisy, "--json").json["dataset"]["kept"] == 2
    assert "You dropped it" in run("segments", "Zoë's set", "--dropped").out
    assert "2 of 3 segments" in run("reset", "Zoë's set", noisy).out
    assert run("drop", "Zoë's set", "0123456789ab-0001").code == 3


def test_limits_are_tried_and_applied_without_a_build(run: Callable[..., Ended]) -> None:
    tried = run("limits", "Zoë's set", "--min-snr", "off", "--try", "--json").json
    assert (tried["applied"], tried["outlook"]["kept"]) == (False, 3)
    assert run("list", "--json").json["datasets"][0]["kept"] == 2
    assert run("limits", "Zoë's set", "--min-snr", "off", "--json").json["limits"]["min_snr_db"] is None
    assert run("list", "--json").json["datasets"][0]["kept"] == 3
    assert "too noisy" in run("limits", "Zoë's set", "--min-snr", "10").out


def test_a_build_that_was_killed_while_nobody_looked_can_go_on(
    run: Callable[..., Ended], home: Path
) -> None:
    """As after a power cut: the row says that it runs, and its process is gone."""
    database = Database(home / "timbre.db")
    database.execute("UPDATE jobs SET status = 'running', pid = ?, pid_created = 1.0", (os.getpid(),))
    [listed] = run("list", "--json").json["datasets"]
    assert listed["state"] == "interrupted"
    database.execute("UPDATE jobs SET status = 'done'")
    database.close()


def test_a_second_build_adds_and_keeps_the_settings(
    run: Callable[..., Ended], home: Path, tmp_path: Path
) -> None:
    more = saved(tmp_path / "more.wav", with_pauses(1, 0.5))
    (tmp_path / "more.txt").write_text(SENTENCE, "utf-8")
    run("duplicate", "Zoë's set", "--name", "Larger")
    with another_build(home):
        result = run("build", str(more), "--name", "Larger", "--speaker", "Bob")
    assert result.code == 0, result.err
    assert result.out.startswith("Larger: ")
    assert result.err.startswith("waiting for its turn\n")
    assert re.search(
        "\n(looking|comparing|preparing|saving)", result.err
    )  # quick stages are passed over
    assert "broken.wav" in result.err
    shown = run("show", "Larger", "--json").json["dataset"]
    assert (shown["recordings"], shown["settings"]["recognizer"]) == (4, "none")
    assert list(shown["outlook"]["speakers"]) == ["Bob"]
    assert run("remove", "Larger", str(more)).code == 0
    assert len(run("show", "Larger", "--json").json["dataset"]["inputs"]) == len(shown["inputs"]) - 1
    assert run("delete", "Larger").code == 3
    assert run("delete", "Larger", "--yes").code == 0
    assert more.exists()


@contextmanager
def another_build(home: Path) -> Iterator[None]:
    """One that is at work when the block begins, and ends a moment later."""
    database = Database(home / "timbre.db")
    store = JobStore(database)
    job = store.create("training.prepare.job:run", {}, title="Another", slot="datasets")
    store.claim_next("{id}")
    end = threading.Timer(1.0, store.finish, (job.id, 1, JobStatus.CANCELLED))
    end.start()
    try:
        yield
    finally:
        end.join()
        database.close()


@pytest.mark.parametrize("format", ["ljspeech", "zip"])
def test_exports_lie_where_they_were_asked_for(
    run: Callable[..., Ended], tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("export", "Zoë's set", "--format", format, "--json").json
    assert Path(said["output"]).name == ("zoe-s-set.zip" if format == "zip" else f"zoe-s-set-{format}")
    assert (tmp_path / said["output"]).exists()
    again = run("export", "Zoë's set", "--format", format)
    assert again.code == 3
    assert "overwritten" in again.err


def test_the_coach_names_what_is_rare(run: Callable[..., Ended]) -> None:
    coverage = run("coverage", "Zoë's set", "--json").json["coverage"]
    assert 0 < coverage["covered_share"] < 1
    assert coverage["rare"]
    assert "Record next:" in run("coverage", "Zoë's set").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["build", "none.wav", "--name", "New"], 3, "is not there"),
        (["build", "--name", "Nothing"], 3, "There is no data set"),
        (["build", ".", "--name", "New", "--max-seconds", "90"], 3, "max_s"),
        (["build", ".", "--name", "New", "--language", "no such"], 3, "language code"),
        (["build", ".", "--name", "New", "--target", "festival"], 2, "invalid choice"),
        (["build", ".", "--name", "New", "--min-snr", "nan"], 2, "invalid number or off"),
        (["build", "."], 2, "--name"),
        (["segments", "None"], 3, "Zoë's set"),
        (["segments", "Zoë's set", "--source", "3.wav"], 3, "2.wav"),
        (["export", "Zoë's set", "--format", "parket"], 2, "invalid choice"),
        (["keep", "Zoë's set", "x"], 3, "no segment x"),
        (["remove", "Zoë's set", "x"], 3, "no input"),
    ],
)
def test_what_cannot_be_is_said(
    run: Callable[..., Ended], arguments: list[str], code: int, words: str
) -> None:
    result = run(*arguments)
    assert result.code == code, result.err
    assert words in result.err
    assert len(run("list", "--json").json["datasets"]) == 1


def test_a_build_that_finds_nothing_fails_with_the_job_s_words(
    run: Callable[..., Ended], tmp_path: Path
) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound")
    result = run("build", str(tmp_path), "--name", "Nothing in it", *_FAST, "--json")
    assert result.code == 4
    assert "a.wav" in result.json["detail"]
    run("delete", "Nothing in it", "--yes")


def test_ctrl_c_stops_the_build_and_keeps_what_is_done(
    run: Callable[..., Ended], home: Path, tmp_path: Path
) -> None:
    recording = saved(tmp_path / "long.wav", with_pauses(3, 0.7))
    process = begin(
        home, "datasets", "build", str(recording), "--name", "Long", "--processes", "1",
        "--recognizer", "pocketsphinx", "--language", "en",
    )  # fmt: skip
    assert process.stderr
    assert process.stderr.readline()  # the first stage: it has begun
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=40)
    assert process.returncode == 130
    assert b"the same command goes on" in said
    listed = run("list", "--json").json["datasets"]
    assert [each["state"] for each in listed if each["name"] == "Long"] == ["interrupted"]
