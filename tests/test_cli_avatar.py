"""`app.py avatar`, as people and scripts run it."""

from __future__ import annotations

import io
import json
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from studio.files import PARTIAL_SUFFIX
from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings
from tests.face_files import nobody, portrait, save
from tests.running import Ended, begin, until
from tests.spoken import RATE, SENTENCE, saved, spoken

TEXT = "Bob met Pam."
SMALL = ("--max-height", "128")
Command = Callable[..., Ended]


def facts(path: Path) -> tuple[int, int, float]:
    """Frames, frames a second, and seconds of sound."""
    with av.open(str(path)) as file:
        rate = file.streams.video[0].average_rate
        frames = sum(1 for _ in file.decode(video=0))
    with av.open(str(path)) as file:
        sound = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    assert rate is not None
    return frames, int(rate), sound


def videos(home: Path) -> list[Path]:
    return sorted(path for path in (home / "outputs" / "video").rglob("*") if path.is_file())


def test_a_text_becomes_the_file_that_is_named(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "new" / "hello.mp4"
    ended = command(
        "avatar", "--text", TEXT, *SMALL, "--fps", "30", "--subtitles", "file", "--face", "jonas",
        "--output", str(target), "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    answer = ended.json
    frames, rate, sound = facts(target)
    assert (answer["ok"], answer["file"], answer["avatar"]) == (True, str(target), "Jonas")
    assert rate == answer["fps"] == 30
    assert frames / 30 == pytest.approx(answer["duration"], abs=1e-3)
    assert sound == pytest.approx(answer["duration"], abs=0.1)
    assert answer["subtitles"] == [str(target.with_suffix(each)) for each in (".srt", ".vtt")]
    assert TEXT in target.with_suffix(".srt").read_text("utf-8")
    assert answer["take"]
    assert ended.err == ""


def test_without_output_it_says_where_the_video_is(command: Command, home: Path) -> None:
    ended = command("avatar", "--text", TEXT, *SMALL, "--no-label")
    assert ended.code == 0, ended.err
    path = Path(ended.out.strip())
    assert path.is_relative_to(home / "outputs" / "video")
    assert facts(path)[1] == 25
    assert json.loads(path.with_suffix(".json").read_text("utf-8"))["labelled"] is False


def test_where_the_file_cannot_be_written_the_video_is_not_lost(
    command: Command, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    refused = command("avatar", "--text", TEXT, "--output", str(tmp_path / "folder.mp4"))
    assert (refused.code, videos(home)) == (3, [])
    assert "is a folder" in refused.err
    (tmp_path / "file").touch()
    failed = command("avatar", "--text", TEXT, *SMALL, "--output", str(tmp_path / "file" / "a.mp4"))
    assert failed.code == 4
    kept = next(path for path in videos(home) if path.suffix == ".mp4")
    assert f"The video is kept as {kept}." in failed.err
    assert "in the way" in failed.err


def test_a_recording_and_a_photograph(command: Command, tmp_path: Path) -> None:
    recording = saved(tmp_path / "a.wav", spoken())
    face = save(portrait(), tmp_path / "eileen.jpg")
    ended = command(
        "avatar", "--audio", str(recording), "--transcript", SENTENCE, "--max-height", "256",
        "--face", str(face), "--face-number", "1", "--option", "opening=1.2", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.json["duration"] == pytest.approx(len(spoken()) / RATE, abs=0.04)
    assert ended.json["take"] == ""
    assert any("aligned with its text" in note for note in ended.json["notes"])
    assert ended.json["avatar"] == "eileen"


def test_where_no_face_is_found_it_is_said_by_hand(command: Command, tmp_path: Path) -> None:
    """The points are those of the file, which is larger than any picture that is read whole."""
    face = save(nobody(900, 4500), tmp_path / "landscape.png")
    given = ("avatar", "--text", "Hi.", *SMALL, "--face", str(face))
    refused = command(*given)
    assert refused.code == 3
    assert refused.err.startswith("No face was found"), "and nothing of the log before it"
    points = ("--eyes", "4300,300,3900,300", "--mouth", "4000,700,4200,700")
    assert command(*given, *points).code == 0
    for wrong in (points[:2], ("--eyes", "1,2,3", *points[2:]), (*points, "--face-number", "1")):
        assert command(*given, *wrong).code == 3
    outside = command(*given, "--eyes", "5000,10,5400,10", *points[2:])
    assert outside.code == 3
    assert "outside" in outside.err


def test_the_built_in_faces_are_listed(command: Command) -> None:
    plain = command("avatar", "--list-faces")
    assert plain.out.splitlines()[0].startswith("mia ")
    answer = command("avatar", "--list-faces", "--json").json
    assert answer["faces"][0]["id"] == "mia"
    assert all(Path(face["picture"]).is_file() for face in answer["faces"])
    animator = next(engine for engine in answer["engines"] if engine["id"] == "animator")
    assert "opening" in [option["key"] for option in animator["options"]]
    wav2lip = next(engine for engine in answer["engines"] if engine["id"] == "wav2lip")
    assert wav2lip["notice"]
    assert wav2lip["models"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--text", " "], 3, "nothing to speak"),
        (["--text", "Hi.", "--face", "nobody"], 3, "“nobody”"),
        (["--text", "Hi.", "--face", "."], 3, "not a file"),
        (["--text", "Hi.", "--face-number", "0"], 3, "leftmost"),
        (["--text", "Hi.", "--face-number", "2"], 3, "Mia has no face 2"),
        (["--text", "Hi.", "--output", "a.avi"], 3, ".mp4"),
        (["--text", "Hi.", "--fps", "24"], 2, "invalid choice"),
        (["--text", "Hi.", "--max-height", "1"], 3, "128"),
        (["--text", "Hi.", "--option", "smile=1"], 3, "smile"),
        (["--text", "Hi.", "--option", "smile"], 3, "cannot be read"),
        (["--text", "Hi.", "--engine", "puppet"], 3, "puppet"),
        (["--text", "Hi.", "--engine", "wav2lip"], 3, "models download wav2lip"),
        (["--text", "Hi.", "--transcript", "Hi."], 3, "--audio only"),
        (["--text", "Hi.", "--voice", "nobody"], 3, "voice “nobody”"),
        (["--text", "Hi.", "--personality", "nobody"], 3, "nobody"),
        (["--text", "Hi.", "--gap", "1"], 3, "--personality only"),
        (["--audio", "none.wav"], 3, "does not exist"),
        (["--audio", "none.wav", "--voice", "x"], 3, "--voice does not go with --audio"),
        (["--audio", "none.wav", "--speed", "1.5"], 3, "--speed does not go with --audio"),
        (["--audio", "none.wav", "--text", "Hi."], 2, "not allowed"),
        ([], 2, "required"),
    ],
)
def test_wrong_requests_end_with_their_code(
    command: Command, home: Path, arguments: list[str], code: int, words: str
) -> None:
    ended = command("avatar", *arguments)
    assert ended.code == code
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert videos(home) == []


def test_ctrl_c_and_a_kill_leave_no_half_video(home: Path, tmp_path: Path) -> None:
    recording = saved(tmp_path / "long.wav", np.tile(spoken(), 60))
    for end, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        process = begin(home, "avatar", "--audio", str(recording))
        until(lambda: any(PARTIAL_SUFFIX in path.name for path in videos(home)), 60)
        process.send_signal(end)
        _, error = process.communicate(timeout=30)
        assert process.returncode == code, error
        if end is signal.SIGINT:
            assert b"Stopped." in error
            assert videos(home) == []
    assert all(PARTIAL_SUFFIX in path.name for path in videos(home)), "of the one that was killed"
    with Studio(load_settings(home=home)) as studio:
        assert videos(home) == []
        assert studio.avatars.list("") == []
        spools = home / ".cache" / "spool"
        assert [path for path in spools.rglob("*") if path.is_file()] == []


def test_the_text_comes_from_standard_input(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    ended = command("avatar", "-", *SMALL, "--speed", "1.5")
    assert ended.code == 0, ended.err
    with Studio(load_settings(home=home)) as studio:
        record = studio.avatars.list("")[0]
        assert record.text == TEXT
        assert studio.history.get(record.take, "").settings["speed"] == 1.5
    assert facts(Path(ended.out.strip()))[0] > 10


def test_the_commands_of_its_page_run(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (CHECKOUT / "docs" / "avatar.md").read_text("utf-8")
    lines = page.split("```sh\n")[1].split("```")[0].splitlines()
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line)[2:]
        ended = command(*words, *(SMALL if words[0] == "avatar" else ()))
        assert ended.code == 0, f"{line}\n{ended.err}"
        if words[0] == "avatar" and "--output" in words:
            assert facts(tmp_path / words[words.index("--output") + 1])[0] > 10
