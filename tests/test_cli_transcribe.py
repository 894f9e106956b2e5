"""`app.py transcribe`, as people and scripts run it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import srt
import webvtt

from studio.db import Database
from tests.running import Ended, begin, until
from tests.spoken import saved, spoken


def outputs(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "outputs").iterdir())


def test_the_text_goes_to_standard_output_and_subtitles_into_files(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    recording = saved(tmp_path / "a.wav", spoken())
    targets = {name: tmp_path / f"a.{name}" for name in ("srt", "vtt", "tsv")}
    ended = command(
        "transcribe", str(recording), "--srt", str(targets["srt"]), "--vtt", str(targets["vtt"]),
        "--output", str(targets["tsv"]),
    )  # fmt: skip
    assert ended.code == 0, ended.err
    text = ended.out.strip()
    assert "you at the" in text
    assert "taken for English" in ended.err
    assert f"[0:00:00] {text}" in ended.err
    cues = list(srt.parse(targets["srt"].read_text("utf-8")))
    assert " ".join(cue.content.replace("\n", " ") for cue in cues) == text
    assert len(webvtt.read(str(targets["vtt"])).captions) == len(cues)
    assert targets["tsv"].read_text("utf-8").endswith(f"\t{text}\n")


def test_json_is_one_object_with_words(command: Callable[..., Ended], tmp_path: Path) -> None:
    recording = saved(tmp_path / "a.wav", spoken())
    ended = command("transcribe", str(recording), "--json", "--language", "en")
    value = ended.json
    assert value["ok"] is True
    assert (value["engine"], value["language"], value["status"]) == ("pocketsphinx", "en", "done")
    assert value["segments"][0]["words"][0]["end"] > 0
    assert Path(value["file"]).read_text("utf-8") == f"{value['text']}\n"
    assert ended.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.wav"], 3, "does not exist"),
        (["a.wav", "--output", "a.doc"], 3, "format of transcripts"),
        (["a.wav", "--language", "klingon"], 3, "klingon"),
        (["a.wav", "--language", "de"], 3, "models download whisper-turbo"),
        (["a.wav", "--task", "sing"], 2, "invalid choice"),
        (["a.wav", "--engine", "faster_whisper"], 3, "pip install faster-whisper"),
    ],
)
def test_wrong_requests_end_with_their_code(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, words: str,
) -> None:  # fmt: skip
    saved(tmp_path / "a.wav", spoken())
    monkeypatch.chdir(tmp_path)
    ended = command("transcribe", *arguments)
    assert ended.code == code
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_ctrl_c_keeps_what_was_recognised(home: Path, tmp_path: Path) -> None:
    recording = saved(tmp_path / "long.wav", np.tile(spoken(), 120))
    process = begin(home, "transcribe", str(recording), TIMBRE_MAX_SEGMENT_S="3")
    assert process.stderr is not None
    first = process.stderr.readline()
    assert first.startswith(b"[0:00:00]")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert b"Stopped at" in error
    assert out.strip()
    assert len(outputs(home)) == 3


def test_a_kill_in_the_middle_leaves_nothing_half_made(
    command: Callable[..., Ended], home: Path, tmp_path: Path
) -> None:
    recording = saved(tmp_path / "long.wav", np.tile(spoken(), 120))
    process = begin(home, "transcribe", str(recording), TIMBRE_MAX_SEGMENT_S="3")
    assert process.stderr is not None
    process.stderr.readline()
    until(lambda: list((home / ".cache" / "spool").glob("*/*.recording")))
    process.kill()
    process.communicate()
    assert outputs(home) == []
    assert list((home / "recordings").iterdir()) == []
    assert command("transcribe", str(saved(tmp_path / "a.wav", spoken()))).code == 0
    assert not list((home / ".cache" / "spool").glob("*/*.recording")), "the copy is gone as well"
    database = Database(home / "timbre.db")
    assert len(database.query("SELECT id FROM transcripts")) == 1
    database.close()
