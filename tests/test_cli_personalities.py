"""`personalities` on the command line: what it makes, what it says, and how it ends."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import app
from tests.audio_files import tone, wav
from tests.running import Ended, begin
from tests.spoken import saved, silence, spoken

#: What eSpeak NG's voices measure is the same in every home.
pytestmark = pytest.mark.usefixtures("measured")

TEXT = "We will see you at the station this morning. The train was late again, and nobody had told us."
#: Just long enough to be joined.
SHORT = "I did not know that you were here."
LENGTHS = ("--own-seconds", "2", "--expressive-seconds", "2")


@pytest.fixture
def personalities(command: Callable[..., Ended]) -> Callable[..., Ended]:
    """`app.py personalities ...` with a home of its own."""
    return lambda *arguments: command("personalities", *map(str, arguments))


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    return saved(tmp_path / "me.wav", np.concatenate([silence(0.3), spoken(TEXT), silence(0.3)]))


def created(
    personalities: Callable[..., Ended], tmp_path: Path, name: str = "Zoë 😀", *more: str
) -> Ended:
    sounds = [wav(tmp_path / f"{hertz}.wav", tone(1.5, hertz=hertz)) for hertz in (200, 300)]
    return personalities(
        "create", "--name", name, "--emotion", f"felice={sounds[1]}", "--emotion",
        f"neutral={sounds[0]}", "--transcript", "felice=Ciao = ciao!", "--alias", "felice=yay", *more,
    )  # fmt: skip


def test_create_list_show_export_import_and_delete(
    personalities: Callable[..., Ended], tmp_path: Path
) -> None:
    made = created(personalities, tmp_path, "Zoë 😀", "--json", "--basis", "own", "--person", "Ann").json
    personality = made["personality"]
    assert made["ok"] is True
    assert personality["name"] == "Zoë 😀"
    assert personality["consent"]["basis"] == "my own voice"
    neutral, happy = personality["emotions"]
    assert (neutral["tag"], happy["tag"]) == ("neutral", "felice")
    assert (happy["transcript"], happy["aliases"], happy["duration"]) == ("Ciao = ciao!", ["yay"], 1.5)
    assert Path(happy["audio"]).is_file()

    listed = personalities("list", "zoë", "--json").json
    assert [each["id"] for each in listed["personalities"]] == [personality["id"]]
    assert listed["damaged"] == []
    assert personalities("list", "nobody").out == ""
    assert "neutral, felice" in personalities("list").out
    shown = personalities("show", "ZOË 😀").out
    assert "[felice], also yay" in shown
    assert "Ann, my own voice" in shown

    target = tmp_path / "z.zip"
    assert personalities("export", "Zoë 😀", target, "--json").json == {"ok": True, "file": str(target)}
    assert personalities("import", target, "--json").json["personality"]["name"] == "Zoë 😀 (2)"
    asked = personalities("delete", "Zoë 😀")
    assert asked.code == 3
    assert "--yes" in asked.err
    assert personalities("delete", "Zoë 😀", "--yes", "--json").json["deleted"] == personality["id"]
    assert personalities("show", "Zoë 😀", "--json").json["error"] == "not_found"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "--name", "x", "--emotion", "happy={}"], "no neutral emotion"),
        (["create", "--name", "x", "--emotion", "neutral"], "TAG=VALUE"),
        (["create", "--name", "x", "--emotion", "neutral={}", "--emotion", "NEUTRAL={}"], "twice"),
        (["create", "--name", "x", "--emotion", "neutral={}", "--transcript", "sad=x"], "“sad”"),
        (["create", "--name", " ", "--emotion", "neutral={}"], "name is empty"),
        (["smart", "--audio", "{}", "--describe", "old", "--emotions", "happy"], "--name"),
        (["smart", "--name", "x", "--audio", "{}", "--describe", "old"], "0 emotions"),
        (["smart", "--name", "x", "--audio", "{}", "--emotions", "sad"], "description"),
        (["smart", "--name", "x", "--voice", "Bob", "--emotions", "sad"], "no saved voice “Bob”"),
        (["smart", "--resume", "nobody"], "no personality “nobody”"),
        (["import", "{}"], "zip"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    personalities: Callable[..., Ended], tmp_path: Path, arguments: list[str], words: str
) -> None:
    sound = wav(tmp_path / "a.wav", tone(1.5))
    ended = personalities(*(each.format(sound) for each in arguments))
    assert ended.code == 3, ended
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert personalities("list", "--json").json["personalities"] == []


def test_smart_builds_from_one_recording(personalities: Callable[..., Ended], voice: Path) -> None:
    built = personalities(
        "smart", "--name", "Zoë", "--audio", voice, "--describe", "a young woman", "--emotions",
        "happy, triste", "--text", "What a day, what a wonderful day this is, my friends!", "--text",
        "triste=I still set two cups on the table, and it is so quiet here.", "--instruct",
        "happy=Excited, fast.", "--transcript", TEXT, "--seed", "5", *LENGTHS, "--json",
    )  # fmt: skip
    assert built.code == 0, built.err
    assert built.err == ""
    personality = built.json["personality"]
    assert personality["unfinished"] == []
    _, happy, sad = personality["emotions"]
    assert (happy["made"]["text"][:10], happy["made"]["instruct"]) == ("What a day", "Excited, fast.")
    assert sad["made"]["text"].startswith("I still set")
    assert (happy["made"]["seed"], happy["made"]["engine"]) == (5, "espeak")
    assert built.json["notes"]
    more = personalities(
        "smart", "--extend", "Zoë", "--emotions", "calm,happy", "--text", f"calm={SHORT}", "--text",
        f"happy={SHORT}", "--seed", "6", *LENGTHS, "--json",
    ).json  # fmt: skip
    extended = {each["tag"]: each["made"].get("seed") for each in more["personality"]["emotions"]}
    assert extended == {"neutral": None, "happy": 6, "triste": 5, "calm": 6}


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    personalities: Callable[..., Ended], home: Path, voice: Path
) -> None:
    long = "sad=" + "I still set two cups on the table, and the house is quiet. " * 20
    process = begin(
        home, "personalities", "smart", "--name", "Zoë", "--audio", str(voice), "--describe", "a man",
        "--emotions", "happy,sad", "--text", f"happy={SHORT}", "--text", long, "--transcript", TEXT, *LENGTHS,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        while b"generating sad" not in (line := process.stderr.readline()):
            assert line or process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "--resume" in process.stderr.read().decode()
    finally:
        process.kill()
    shown = personalities("show", "Zoë", "--json").json["personality"]
    assert [each["tag"] for each in shown["emotions"]] == ["neutral", "happy"]
    assert shown["unfinished"] == ["sad"]
    assert "(unfinished)" in personalities("list").out


def test_smart_takes_a_saved_voice_with_its_words_and_its_consent(
    personalities: Callable[..., Ended], home: Path, voice: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert app.main(
        ["--home", str(home), "voices", "add", "--name", "Ann", "--audio", str(voice), "--transcript",
         TEXT, "--language", "en", "--basis", "permission", "--person", "Ann Doe"]
    ) == 0  # fmt: skip
    built = personalities(
        "smart", "--name", "Zoë", "--voice", "ann", "--describe", "a woman", "--emotions", "happy",
        "--text", f"happy={SHORT}", *LENGTHS, "--json",
    )  # fmt: skip
    personality = built.json["personality"]
    assert personality["voice"]
    assert personality["consent"]["person"] == "Ann Doe"
    assert personality["emotions"][0]["transcript"] == TEXT
