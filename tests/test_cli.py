"""The command line: what it makes, what it says, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from studio import __version__
from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings
from tests.running import Ended, begin, command_line, environment, spooled, timbre, until

TEXT = "Good morning. This is a short text."


def from_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def decoded(path: Path) -> tuple[int, float]:
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    return frames[0].sample_rate, sum(frame.samples for frame in frames) / frames[0].sample_rate


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_speak_writes_the_format_that_the_ending_names(
    command: Callable[..., Ended], tmp_path: Path, extension: str
) -> None:
    target = tmp_path / f"spoken.{extension}"
    take = command("speak", "--text", TEXT, "--output", str(target), "--json").json["takes"][0]
    rate, seconds = decoded(target)
    assert take["file"] == str(target)
    assert rate == (48_000 if extension == "opus" else take["sample_rate"])
    assert seconds == pytest.approx(take["duration"], abs=0.15)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == [target.name]


def test_speak_without_output_says_where_the_take_is(command: Callable[..., Ended], home: Path) -> None:
    ended = command("speak", "--text", TEXT)
    path = Path(ended.out.strip())
    assert ended.code == 0
    assert path.is_relative_to(home / "outputs")
    assert soundfile.info(path).duration > 1


def test_json_tells_all_that_a_script_needs(command: Callable[..., Ended]) -> None:
    answer = command("speak", "--text", TEXT, "--seed", "11", "--language", "en-gb", "--json").json
    assert answer["ok"] is True
    (take,) = answer["takes"]
    assert take.keys() == {
        "id", "file", "voice", "language", "seed", "duration", "seconds", "rtf", "sample_rate",
    }  # fmt: skip
    assert take["seed"] == 11
    assert take["language"].startswith("en-gb")
    assert take["duration"] > 1
    assert take["rtf"] == pytest.approx(take["seconds"] / take["duration"], abs=0.001)


def test_takes_are_numbered_and_differ_by_their_seed(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    target = tmp_path / "out.wav"
    answer = command(
        "speak", "--text", TEXT, "--takes", "3", "--seed", "5", "--output", str(target), "--json"
    ).json
    assert [take["seed"] for take in answer["takes"]] == [5, 6, 7]
    assert [Path(take["file"]).name for take in answer["takes"]] == ["out.wav", "out-2.wav", "out-3.wav"]
    assert all(Path(take["file"]).exists() for take in answer["takes"])


def test_the_same_seed_makes_the_same_take(command: Callable[..., Ended], tmp_path: Path) -> None:
    paths = [tmp_path / "one.wav", tmp_path / "two.wav"]
    for path in paths:
        command("speak", "--text", TEXT, "--seed", "5", "--output", str(path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_text_file_and_standard_input_are_spoken_alike(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Grüße aus Köln, 你好, and good morning."
    file = tmp_path / "text.txt"
    file.write_bytes(b"\xef\xbb\xbf" + words.encode())  # as Windows' editor saves it
    how = ("--seed", "5", "--json")
    durations = [
        command("speak", "--text", words, *how).json["takes"][0]["duration"],
        command("speak", "--file", str(file), *how).json["takes"][0]["duration"],
    ]
    for source in (("-",), ("--file", "-")):
        from_stdin(monkeypatch, words.encode())
        durations.append(command("speak", *source, *how).json["takes"][0]["duration"])
    assert len(set(durations)) == 1


def test_a_voice_is_named_by_its_id_or_its_label(command: Callable[..., Ended]) -> None:
    voices = command("speakers", "--language", "de", "--json").json["speakers"]
    wanted = voices[0]
    for name in (wanted["id"], wanted["label"], wanted["label"].upper()):
        take = command("speak", "--text", "Guten Tag.", "--voice", name, "--json").json["takes"][0]
        assert take["voice"] == wanted["label"]
        assert take["language"] == wanted["language"]


@pytest.mark.usefixtures("measured")
def test_a_clone_and_a_designed_voice_speak(command: Callable[..., Ended], tmp_path: Path) -> None:
    reference = tmp_path / "reference.wav"
    command("speak", "--text", TEXT * 3, "--output", str(reference))
    cloned = command(
        "speak", "--text", TEXT, "--language", "en-us", "--engine", "espeak", "--ref-audio", str(reference),
        "--ref-text", TEXT * 3, "--ref-start", "0", "--ref-end", "4", "--timbre-only", "--json",
    ).json["takes"][0]  # fmt: skip
    assert cloned["voice"] == "like reference"
    assert cloned["duration"] > 1
    designed = command("speak", "--text", TEXT, "--design", "an old man, deep", "--json").json["takes"][
        0
    ]
    assert designed["voice"] == "an old man, deep"


def test_options_speed_and_loudness_are_heard(command: Callable[..., Ended], tmp_path: Path) -> None:
    def spoken(*how: str) -> np.ndarray:
        path = tmp_path / "out.wav"
        assert command("speak", "--text", TEXT, "--seed", "1", "--output", str(path), *how).code == 0
        return soundfile.read(path)[0]

    plain = spoken()
    assert len(plain) / len(spoken("--speed", "2")) == pytest.approx(2, abs=0.4)
    pitched = spoken("--option", "pitch=90")
    assert len(pitched) != len(plain) or not np.array_equal(pitched, plain)
    quiet = spoken("--option", "volume=20", "--as-made")
    assert np.abs(quiet).max() < np.abs(plain).max() / 2


@pytest.mark.parametrize("extension", ["srt", "vtt"])
def test_subtitles_are_written_beside(
    command: Callable[..., Ended], tmp_path: Path, extension: str
) -> None:
    target = tmp_path / f"new folder/out.{extension}"
    assert command("speak", "--text", TEXT, "--subtitles", str(target)).code == 0
    content = target.read_text("utf-8")
    assert "Good morning." in content
    assert "-->" in content
    assert content.startswith("WEBVTT") == (extension == "vtt")


def test_a_relative_output_is_relative_to_where_one_stands(
    command: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("speak", "--text", TEXT, "--output", "a/b/out.wav").out == "a/b/out.wav\n"
    assert (tmp_path / "a/b/out.wav").exists()


def test_a_long_text_is_spoken_whole(command: Callable[..., Ended], home: Path, tmp_path: Path) -> None:
    text = tmp_path / "long.txt"
    sentences = [f"Sentence number {number} is spoken here." for number in range(1, 101)]
    text.write_text("\n\n".join(" ".join(sentences[at : at + 20]) for at in range(0, 100, 20)))
    target = tmp_path / "long.vtt"
    take = command("speak", "--file", str(text), "--subtitles", str(target), "--json").json["takes"][0]
    assert take["duration"] > 150
    heard = [
        word
        for line in target.read_text().splitlines()[2:]
        if "-->" not in line
        for word in line.split()
    ]
    assert " ".join(heard) == " ".join(sentences)


def test_engines_say_what_they_can_do(command: Callable[..., Ended]) -> None:
    (espeak,) = [row for row in command("engines", "--json").json["engines"] if row["id"] == "espeak"]
    assert {"preset", "clone", "design"} <= set(espeak["capabilities"])
    assert espeak["license"]
    assert len(espeak["languages"]) > 90
    assert {"pitch", "volume"} <= {option["key"] for option in espeak["options"]}
    assert "espeak: eSpeak NG" in command("engines").out


def test_speakers_are_listed_for_people_and_for_scripts(command: Callable[..., Ended]) -> None:
    listed = command("speakers", "--json").json["speakers"]
    assert listed[0].keys() == {"id", "label", "language", "gender", "description", "recommended"}
    assert listed[0]["recommended"]
    assert len(command("speakers").out.splitlines()) == len(listed)
    assert len(command("speakers", "--all").out.splitlines()) > len(listed)
    german = command("speakers", "--language", "de-AT", "--json").json["speakers"]
    assert {voice["language"] for voice in german} == {"de"}


def test_help_lists_every_command_and_option(command: Callable[..., Ended]) -> None:
    top = command("--help")
    assert top.code == 0
    for word in (
        "speak",
        "speakers",
        "voices",
        "engines",
        "--home",
        "--host",
        "--port",
        "--share",
        "--auth",
        "130",
    ):
        assert word in top.out
    speak = command("speak", "--help").out
    for word in (
        "--text",
        "--file",
        "--voice",
        "--ref-audio",
        "--design",
        "--takes",
        "--seed",
        "--output",
    ):
        assert word in speak


def test_a_process_of_its_own_answers_with_its_version() -> None:
    result = subprocess.run(
        [sys.executable, str(CHECKOUT / "app.py"), "--version"], capture_output=True, text=True,
        timeout=30, check=True,
    )  # fmt: skip
    assert result.stdout == f"Timbre {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["speak"],
        ["speak", "--text", "a", "--file", "b"],
        ["speak", "--text", "a", "--seed", "much"],
        ["speak", "--text", "a", "--no-such-option"],
        ["sing"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(command: Callable[..., Ended], arguments: list[str]) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert "usage:" in ended.err
    assert ended.out == ""


BAD = {
    "unknown voice": (["--voice", "gmw/en-US+f9"], "gmw/en-US+f"),
    "unknown engine": (["--engine", "espeek"], "espeak"),
    "unknown language": (["--language", "tlh"], "language"),
    "unknown format": (["--output", "a.xyz"], "mp3"),
    "no format": (["--output", "a"], "mp3"),
    "unknown subtitles": (["--subtitles", "a.txt"], ".srt"),
    "two voices": (["--voice", "gmw/en-US+f2", "--design", "old"], "cannot be combined"),
    "an empty reference": (["--ref-audio", ""], "Choose the file again"),
    "an empty design": (["--design", " "], "Write a few words"),
    "missing reference": (["--ref-audio", "no such.wav"], "no recording"),
    "no number": (["--option", "pitch=high"], "pitch=60"),
    "not a number": (["--option", "pitch=nan"], "out of range"),
    "unknown option": (["--option", "pich=1"], "pitch"),
    "speed": (["--speed", "9"], "0.5 to 2"),
    "seed": (["--seed", "-1"], "2147483647"),
    "no takes": (["--takes", "0"], "1 to 8"),
    "many takes": (["--takes", "99"], "1 to 8"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_ends_with_3_and_a_remedy(
    command: Callable[..., Ended], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, remedy = BAD[case]
    ended = command("speak", "--text", TEXT, *arguments)
    assert (ended.code, ended.out) == (3, "")
    assert remedy in ended.err
    assert "Traceback" not in ended.err
    assert not list((home / "outputs").rglob("*.*"))


@pytest.mark.parametrize("text", ["", "   \n\t", "😀🎉", "…!?"])
def test_a_text_with_nothing_to_speak_ends_with_3(command: Callable[..., Ended], text: str) -> None:
    ended = command("speak", "--text", text, "--json")
    assert ended.code == 3
    assert ended.err == ""
    assert ended.json["ok"] is False
    assert ended.json["error"] == "bad_input"
    assert ended.json["detail"]
    assert ended.json["hint"]


def test_files_that_are_no_text_end_with_3(command: Callable[..., Ended], tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Grüße".encode("latin-1"))
    for path, word in ((latin, "UTF-8"), (tmp_path / "none.txt", "no file"), (tmp_path, "folder")):
        ended = command("speak", "--file", str(path))
        assert ended.code == 3
        assert word in ended.err


def test_a_text_named_wav_is_no_reference(command: Callable[..., Ended], tmp_path: Path) -> None:
    fake = tmp_path / "fake.wav"
    fake.write_text("This is no sound at all. " * 100)
    ended = command("speak", "--text", TEXT, "--ref-audio", str(fake))
    assert ended.code == 3
    assert "fake.wav" in ended.err


def test_an_output_that_cannot_be_written_is_named(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.wav").mkdir()
    for name in ("file/out.wav", "folder.wav", "x" * 300 + ".wav"):
        ended = command("speak", "--text", TEXT, "--output", str(tmp_path / name))
        assert ended.code == 4
        assert str(tmp_path) in ended.err
        assert "Traceback" not in ended.err
    assert not list(tmp_path.rglob("*.partial"))


def test_a_file_in_the_place_of_the_home_is_named(command: Callable[..., Ended], home: Path) -> None:
    home.write_text("in the way")
    for arguments in (["speak", "--text", TEXT], ["speakers"], ["--port", "1"]):
        ended = command(*arguments)
        assert ended.code in (3, 4)
        assert "Traceback" not in ended.err
    assert "a file is in the way" in command("engines").err


@pytest.mark.parametrize("door", [["--share"], ["--host", "0.0.0.0"], ["--host", "::"]], ids=" ".join)
def test_no_open_door_without_a_sign_in(command: Callable[..., Ended], door: list[str]) -> None:
    ended = command(*door)
    assert ended.code == 3
    assert "--auth user:password" in ended.err


@pytest.mark.parametrize("auth", ["user", "user:", ":password", "a:b,c"])
def test_a_sign_in_of_the_wrong_form_is_refused(command: Callable[..., Ended], auth: str) -> None:
    ended = command("--host", "0.0.0.0", "--auth", auth)
    assert ended.code == 3
    assert "user:password" in ended.err


def test_a_taken_port_is_refused_with_another_one(command: Callable[..., Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = command("--port", str(port))
    assert ended.code == 3
    assert f"--port {port + 1}" in ended.err


def test_ctrl_c_keeps_what_was_spoken(home: Path, tmp_path: Path) -> None:
    text = tmp_path / "long.txt"
    text.write_text(" ".join(f"Sentence number {number} is here." for number in range(5_000)))
    process = begin(home, "speak", "--file", str(text), "--output", str(tmp_path / "out.wav"), "--json")
    until(lambda: spooled(home) > 1_000_000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    answer = json.loads(out)
    assert (answer["ok"], answer["error"]) == (False, "cancelled")
    assert b"Traceback" not in err
    with Studio(load_settings(home=home)) as studio:
        (record,) = studio.history.list("")
        assert record.status == "stopped"
        path = studio.history.path(record)
        assert str(path) in answer["hint"]
        assert soundfile.info(path).duration == pytest.approx(record.duration, abs=0.01)
    assert record.duration > 10
    assert not (tmp_path / "out.wav").exists()
    assert not list(tmp_path.rglob("*.partial"))
    assert spooled(home) == 0


def test_a_reader_that_has_seen_enough_is_no_error(home: Path) -> None:
    process = begin(home, "speakers", "--all")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(20) == 0


def test_names_that_the_terminal_cannot_show_are_no_error(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "grüße-你好.wav"
    arguments = ["speak", "--text", TEXT, "--output", str(target)]
    result = timbre(home, *arguments, PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert target.exists()
    result = timbre(home, *arguments, "--json", PYTHONIOENCODING="ascii")
    assert json.loads(result.stdout)["takes"][0]["file"] == str(target)


def test_a_closed_standard_input_is_no_traceback(home: Path) -> None:
    result = subprocess.run(
        command_line(home, "speak", "-"), preexec_fn=lambda: os.close(0), capture_output=True,
        text=True, timeout=30, env=environment(), check=False,
    )  # fmt: skip
    assert result.returncode == 3
    assert "standard input" in result.stderr
