"""`speak --personality`: tagged texts on the command line, and what a kill leaves of them."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import app
from engines.base import Capability
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.takes import Loudness, SpeechOrder
from studio.services.tasks import TaskState
from studio.settings import load_settings
from tests.audio_files import tone, wav
from tests.running import begin, until

SAID = "Good morning. This is a short text."
TEXT = "[happy] Hello there! [pause 0.5] [traurig] I must go. [neutral] Goodbye."
#: After how many seconds of a performance.
KILLS = (0.0, 0.3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]) -> Path:
    """A home with the personality Anna, whose voices are matched already."""
    home = tmp_path_factory.mktemp("cli") / "home"
    measure_once(home)
    with Studio(load_settings(home=home)) as studio:
        emotions = []
        for tag, pitch in (("neutral", 50.0), ("happy", 80.0), ("sad", 20.0)):
            order = SpeechOrder(
                Capability.PRESET, SAID, "espeak", "en-us", seed=1, options={"pitch": pitch}
            )
            record = studio.speech.speak(order)
            emotions.append(NewEmotion(tag, studio.history.path(record), transcript=SAID))
        studio.personalities.create(NewPersonality("Anna", tuple(emotions), language="en-us"), "")
        studio.performances.perform(PerformOrder("Anna", TEXT))
    return home


@pytest.fixture
def command(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            code = app.main(["--home", str(home), "speak", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


def answer(said: tuple[int, str, str]) -> Any:
    code, out, err = said
    assert code == 0, err + out
    return json.loads(out)["takes"][0]


def test_a_tagged_text_becomes_one_file_and_one_for_each_part(
    command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    target, folder = tmp_path / "out.wav", tmp_path / "parts"
    take = answer(
        command(
            "--personality", "anna", "--text", TEXT, "--output", str(target), "--parts-dir", str(folder),
            "--as-made", "--json",
        )
    )  # fmt: skip
    assert take["file"] == str(target)
    assert take["voice"] == "Anna"
    parts = take["parts"]
    assert [(part["part"], part["tag"]) for part in parts] == [(1, "happy"), (2, "sad"), (3, "neutral")]
    assert [Path(part["file"]).name for part in parts] == [
        "001_happy.wav", "002_sad.wav", "003_neutral.wav",
    ]  # fmt: skip
    sound, rate = soundfile.read(target, dtype="int16")
    for part in parts:
        own = soundfile.read(part["file"], dtype="int16")[0]
        start = round(part["start"] * rate)
        near = min(
            np.abs(sound[at : at + len(own)].astype(int) - own).max()
            for at in range(start - 12, start + 12)
            if at >= 0 and at + len(own) <= len(sound)
        )
        assert near == 0
    assert parts[1]["start"] - parts[0]["duration"] == pytest.approx(0.5, abs=0.002)
    assert len(sound) / rate == pytest.approx(take["duration"], abs=0.002)


def test_emotions_sound_different_and_what_was_spoken_is_kept(
    command: Callable[..., tuple[int, str, str]],
) -> None:
    text = "[happy] One two three. [sad] One two three. [sad:0.5] One two three."
    first = answer(command("--personality", "Anna", "--text", text, "--json"))
    assert len({Path(part["file"]).read_bytes() for part in first["parts"]}) == 3
    again = answer(command("--personality", "Anna", "--text", text, "--json"))
    assert [part["cached"] for part in again["parts"]] == [True, True, True]


def test_without_json_the_file_is_named_and_subtitles_are_written(
    command: Callable[..., tuple[int, str, str]], home: Path, tmp_path: Path
) -> None:
    subtitles = tmp_path / "out.srt"
    code, out, _ = command(
        "--personality", "Anna", "--text", TEXT, "--subtitles", str(subtitles), "--quiet"
    )
    assert code == 0
    assert Path(out.strip()).is_relative_to(home / "outputs" / "performances")
    written = subtitles.read_text()
    assert "Hello there!" in written
    assert "[happy]" not in written


def test_unknown_tags_are_refused_or_read(command: Callable[..., tuple[int, str, str]]) -> None:
    text = ("--personality", "Anna", "--text", "[giggle] Hello.", "--json")
    code, out, _ = command(*text)
    assert code == 3
    assert "giggle" in json.loads(out)["detail"]
    assert "neutral, happy, sad" in json.loads(out)["hint"]
    take = answer(command(*text, "--unknown", "read"))
    assert take["parts"][0]["text"] == "[giggle] Hello."


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--personality", "Anna", "--voice", "flora"), "--voice"),
        (("--personality", "Anna", "--ref-text", "words"), "--ref-text"),
        (("--personality", "Anna", "--takes", "2"), "one take"),
        (("--personality", "Bob"), "Bob"),
        (("--parts-dir", "x"), "--parts-dir"),
        (("--unknown", "read"), "--unknown"),
        (("--gap", "0"), "--gap"),
        (("--personality", "Anna", "--gap", "-1"), "gap"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    command: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], word: str
) -> None:
    code, out, _ = command("--text", "Hello.", "--json", *arguments)
    assert code == 3
    assert word in json.loads(out)["detail"]


def test_a_batch_says_that_it_has_no_personalities(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"text": "Hello.", "personality": "Anna"}\n')
    assert app.main(["--home", str(home), "batch", str(lines), "--json"]) == 3
    assert "personalities" in json.loads(capfd.readouterr().out)["detail"]


def test_an_interrupt_keeps_the_parts_that_are_finished(home: Path) -> None:
    process = begin(home, "speak", "--personality", "Anna", "--text", _long("interrupted"), "--json")
    until(lambda: _half_made(home), 60)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "is kept in" in json.loads(out)["hint"]
    assert not _half_made(home)
    assert _sound(home)


def test_a_kill_leaves_nothing_half_written(home: Path) -> None:
    for number, seconds in enumerate(KILLS):
        process = begin(
            home, "speak", "--personality", "Anna", "--text", _long(f"kill {number}"), "--json"
        )
        until(lambda: _half_made(home), 60)
        time.sleep(seconds)
        process.kill()
        process.communicate(timeout=60)
        assert _half_made(home)
        with Studio(load_settings(home=home)) as studio:
            assert not _half_made(home)
            assert all(
                part.file.exists() for each in studio.performances.list("") for part in each.parts
            )
        assert _sound(home)
    assert not list(home.rglob("*.partial"))


def _long(about: str) -> str:
    return " ".join(
        f"[{'happy' if number % 2 else 'sad'}] Sentence {number} of {about} is here."
        for number in range(40)
    )


def _half_made(home: Path) -> list[Path]:
    """The folders of performances that have parts and no row in the history."""
    connection = sqlite3.connect(home / "timbre.db")
    try:
        rows = {row[0] for row in connection.execute("SELECT id FROM takes")}
    finally:
        connection.close()
    return [
        folder for folder in (home / "outputs" / "performances").iterdir()
        if folder.name not in rows and list(folder.glob("*.wav"))
    ]  # fmt: skip


def _sound(home: Path) -> bool:
    """Whether every take's file is there and as long as its row says."""
    connection = sqlite3.connect(home / "timbre.db")
    try:
        rows = connection.execute(
            "SELECT file, duration FROM takes WHERE mode = 'personality'"
        ).fetchall()
    finally:
        connection.close()
    return all(
        soundfile.info(home / "outputs" / file).duration == pytest.approx(duration, abs=0.001)
        for file, duration in rows
    )


def test_qwen_speaks_each_part_by_its_prompt_and_again_with_another_seed(
    tmp_path: Path, practice_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWEN_TTS_MODELS_DIR", str(practice_models))
    settings = load_settings(
        home=tmp_path / "home", models_dir=tmp_path / "models", device="cpu", take_retries=0
    )
    with Studio(settings) as studio:
        emotions = tuple(
            NewEmotion(tag, wav(tmp_path / f"{tag}.wav", tone(3, hertz=hertz)), transcript="A tone.")
            for tag, hertz in (("neutral", 200.0), ("happy", 300.0), ("sad", 150.0))
        )
        studio.personalities.create(NewPersonality("Anna", emotions, language="en"), "")
        order = PerformOrder(
            "Anna", "[happy] Hello. [sad] Hello. [happy] Goodbye.", "qwen", language="en",
            loudness=Loudness.AS_MADE, seed=5,
        )  # fmt: skip
        first = studio.performances.perform(order)
        assert studio.engines.state().loads == 1
        happy, sad, _ = (part.file.read_bytes() for part in first.parts)
        assert happy != sad
        task_id = studio.performances.regenerate(first.id, 1, "", seed=6)
        last = list(studio.performances.follow(task_id))[-1]
        assert last.state is TaskState.DONE, last
        second = last.result
        assert second.parts[1].file.read_bytes() != sad
        assert [part.seed for part in second.parts] == [5, 6, 5]
        third = studio.performances.choose(first.id, 1, 5, "")
        assert third.parts[1].file.read_bytes() == sad
        assert all(part.cached for part in studio.performances.perform(order).parts)
