"""`app.py voices`, and `speak --voice` with a saved one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.audio_files import tone, wav
from tests.running import Ended
from tests.spoken import saved, spoken

SAID = "See you this morning."


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return str(wav(tmp_path / "recording.wav", tone(3.0)))


def test_a_voice_is_added_shown_exported_deleted_and_imported(
    command: Callable[..., Ended], recording: str, tmp_path: Path
) -> None:
    added = command(
        "voices", "add", "--audio", recording, "--name", "Zoë 😀", "--transcript", "Hello.", "--language", "en",
        "--tag", "warm", "--tag", "film", "--note", "<b>", "--start", "0.5", "--end", "2.5",
        "--person", "Zoë", "--basis", "own", "--since", "2026-01-31", "--json",
    ).json["voice"]  # fmt: skip
    assert (added["name"], added["transcript"], added["language"]) == ("Zoë 😀", "Hello.", "en")
    assert (added["tags"], added["note"], added["duration"]) == (["warm", "film"], "<b>", 2.0)
    consent = added["consent"]
    assert (consent["person"], consent["basis"]) == ("Zoë", "my own voice")
    assert time.strftime("%Y-%m-%d", time.localtime(consent["given"])) == "2026-01-31"
    assert len(consent["audio_sha256"]) == 64
    assert soundfile.info(added["audio"]).duration == pytest.approx(2.0)

    listed = command("voices", "list", "--json").json
    assert (listed["voices"], listed["damaged"]) == ([added], [])
    shown = command("voices", "show", "zoë 😀", "--json").json["voice"]
    assert shown == added | {"words": [], "uses": {"takes": 0, "personalities": []}}
    people = command("voices", "show", "Zoë 😀").out
    judged = command("voices", "show", "Zoë 😀", "--check", "--json").json["voice"]["report"]
    assert "length" in {finding["code"] for finding in judged["findings"]}
    advice = next(each["remedy"] for each in judged["findings"] if each["level"] != "good")
    assert advice in command("voices", "show", "Zoë 😀", "--check").out
    for word in ("Zoë 😀", "Hello.", "warm, film", "<b>", "Zoë, my own voice, 2026-01-31"):
        assert word in people

    target = tmp_path / "out" / "zoe.zip"
    assert command("voices", "export", "Zoë 😀", str(target), "--json").json["file"] == str(target)
    kept = tmp_path / "kept.flac"
    gone = command("voices", "delete", "Zoë 😀", "--yes", "--keep-as", str(kept), "--json").json
    assert (gone["deleted"], gone["kept_as"]) == (added["id"], str(kept))
    assert soundfile.info(kept).duration == pytest.approx(2.0)
    assert command("voices", "list").out == ""

    back = command("voices", "import", str(target), "--json").json["voice"]
    changed = ("created", "changed", "origin")
    assert {k: v for k, v in back.items() if k not in changed} == {
        k: v for k, v in added.items() if k not in changed
    }


def test_the_list_is_for_people_too_and_can_be_searched(
    command: Callable[..., Ended], recording: str
) -> None:
    for name, tag in (("Anna", "film"), ("Zoë", "book")):
        command("voices", "add", "--audio", recording, "--name", name, "--tag", tag)
    lines = command("voices", "list").out.splitlines()
    assert len(lines) == 2
    assert "Anna" in lines[0]
    assert "3.0 s" in lines[0]
    assert "[book]" in command("voices", "list", "ZOË").out
    assert "Anna" in command("voices", "list", "--tag", "film").out
    assert command("voices", "list", "nobody").out == ""
    assert command("voices", "list", "--favourites").out == ""


def test_a_reminder_is_given_where_it_is_not_said_whose_voice_it_is(
    command: Callable[..., Ended], recording: str
) -> None:
    said = ("--person", "Zoë", "--basis", "permission")
    assert "consent" in command("voices", "add", "--audio", recording, "--name", "a").err
    assert command("voices", "add", "--audio", recording, "--name", "b", *said).err == ""


def test_the_setting_requires_it(
    command: Callable[..., Ended], recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRE_REQUIRE_CONSENT", "always")
    ended = command("voices", "add", "--audio", recording, "--name", "a", "--json")
    assert ended.code == 3
    assert ended.json["error"] == "bad_input"
    said = ("--person", "Zoë", "--basis", "public-domain")
    assert command("voices", "add", "--audio", recording, "--name", "a", *said).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["voices"], 2, "action"),
        (["voices", "add", "--name", "x"], 2, "--audio"),
        (["voices", "add", "--name", "x", "--audio", "{}", "--basis", "mine"], 2, "--basis"),
        (["voices", "add", "--name", "x", "--audio", "{}", "--person", "Zoë"], 3, "--basis"),
        (["voices", "add", "--name", "x", "--audio", "{}", "--basis", "own"], 3, "Who speaks"),
        (
            ["voices", "add", "--name", "x", "--audio", "{}", "--person", "Z", "--basis", "own", "--since", "soon"],
            3,
            "no day",
        ),
        (["voices", "add", "--name", " ", "--audio", "{}"], 3, "empty"),
        (["voices", "add", "--name", "x", "--audio", "gone.wav"], 3, "gone.wav"),
        (["voices", "add", "--name", "x", "--audio", "https://example.org/a.wav"], 3, "addresses"),
        (["voices", "add", "--name", "x", "--take", "gone"], 3, "not in the history"),
        (["voices", "add", "--name", "x", "--take", "gone", "--start", "1"], 3, "whole"),
        (["voices", "show", "nobody"], 3, "no saved voice “nobody”"),
        (["voices", "export", "../../x", "x.zip"], 3, "no saved voice"),
        (["voices", "import", "gone.zip"], 3, "gone.zip"),
        (["voices", "import", "{}"], 3, "zip"),
        (["voices", "delete", "nobody", "--yes"], 3, "no saved voice"),
        (["speak", "--text", "Hi.", "--voice", "nobody"], 3, "no voice “nobody”"),
        (["speak", "--text", "Hi.", "--voice", "nobody", "--mode", "clone"], 3, "no saved voice"),
    ],
)  # fmt: skip
def test_wrong_use_is_said_in_words(
    command: Callable[..., Ended], recording: str, arguments: list[str], code: int, words: str
) -> None:
    ended = command(*(each.replace("{}", recording) for each in arguments))
    assert ended.code == code
    assert words in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.usefixtures("measured")
def test_deleting_asks_and_says_what_was_made_from_the_voice(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    recording = saved(tmp_path / "a.wav", spoken(SAID))
    command("voices", "add", "--audio", str(recording), "--name", "Zoë", "--transcript", SAID)
    take = command("speak", "--voice", "ZOË", "--text", "Good evening.", "--json").json["takes"][0]
    assert take["voice"] == "like Zoë"
    asked = command("voices", "delete", "Zoë")
    assert asked.code == 3
    assert "1 take" in asked.err
    assert "--yes" in asked.err
    assert command("voices", "show", "Zoë", "--json").json["voice"]["uses"]["takes"] == 1
    deleted = command("voices", "delete", "Zoë", "--yes")
    assert deleted.code == 0
    assert "1 take" in deleted.out
    assert Path(take["file"]).exists()


@pytest.mark.usefixtures("measured")
def test_a_take_becomes_a_voice_and_batches_speak_with_it(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    take = command(
        "speak", "--text", "I am an old man of few words.", "--design", "an old man, slow", "--json"
    ).json["takes"][0]
    voice = command(
        "voices", "add", "--take", take["id"], "--name", "Old man", "--tag", "slow", "--json"
    ).json["voice"]
    assert voice["consent"]["basis"] == "synthetic"
    assert (voice["transcript"], voice["tags"]) == ("I am an old man of few words.", ["slow"])
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"text": "One.", "voice": "old man"}\n{"text": "Two.", "voice": "gmw/en-US"}\n')
    takes = command("batch", str(lines), "--json").json["takes"]
    assert takes[0]["voice"] == "like Old man"
    assert takes[1]["voice"] != "like Old man"


@pytest.mark.usefixtures("measured")
def test_a_name_that_an_engine_has_as_well_is_the_engine_s_and_says_so(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    recording = saved(tmp_path / "a.wav", spoken(SAID))
    command("voices", "add", "--audio", str(recording), "--name", "gmw/en-US", "--transcript", SAID)
    own = command("speak", "--text", "Hi.", "--voice", "gmw/en-US", "--json")
    assert own.json["takes"][0]["voice"] != "like gmw/en-US"
    assert "--mode clone" in own.err
    for how in (("--mode", "preset"), ("--quiet",)):
        assert command("speak", "--text", "Hi.", "--voice", "gmw/en-US", *how).err == ""
    cloned = command("speak", "--text", "Hi.", "--voice", "gmw/en-US", "--mode", "clone", "--json")
    assert cloned.json["takes"][0]["voice"] == "like gmw/en-US"
    assert cloned.err == ""
