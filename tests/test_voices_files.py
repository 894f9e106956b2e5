"""Promises of the folders and zips of saved voices: whole on the way, and after damage and a full disk."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engines.base import WordTiming
from studio.archives import read_archive, write_archive
from studio.errors import BadInput, StorageFailed
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice, Voice
from studio.settings import load_settings
from tests.audio_files import tone, wav
from tests.saved_voices import ZOE, sha256, shared_studio
from tests.small_disk import tiny_disk
from tests.test_names import HOSTILE, snapshot


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return wav(tmp_path / "recording.wav", tone(3.0))


@pytest.fixture
def voice(studio: Studio, recording: Path) -> Voice:
    return studio.voices.create(NewVoice("Zoë 😀", recording, transcript="Hello."), "ann")


@pytest.fixture
def shared(tmp_path: Path, measure_once: Callable[[Path], None]) -> Iterator[Studio]:
    yield from shared_studio(tmp_path, measure_once)


def test_hostile_names_and_texts_write_nothing_outside(studio: Studio, recording: Path) -> None:
    voices = studio.workspace.voices
    studio.voices.create(NewVoice("first", recording), "")
    outside = {path for path in snapshot(studio.workspace.home) if not path.startswith("saved_voices")}
    made = 0
    for name in HOSTILE[::7]:
        try:
            voice = studio.voices.create(
                NewVoice(name, recording, note=name[:4_000], tags=(name[:40] or "x",)), ""
            )
        except BadInput:
            continue
        made += 1
        assert voice.audio.is_relative_to(voices.resolve())
        assert studio.voices.get(voice.name, "").name == voice.name
    assert made > 15
    assert {
        path for path in snapshot(studio.workspace.home) if not path.startswith("saved_voices")
    } == outside


def test_a_damaged_voice_is_set_aside_and_the_others_load(
    studio: Studio, voice: Voice, recording: Path
) -> None:
    for number, damage in enumerate(
        (
            {"audio": "../../timbre.db"}, {"audio": "gone.wav"}, {"audio": None}, {"duration": "long"},
            {"tags": "abc"}, {"words": [[1, 2]]}, {"words": 5}, {"consent": {"person": "x"}},
            {"consent": {"person": "x", "basis": "mine", "given": 1}}, {"consent": 7},
        )
    ):  # fmt: skip
        bad = studio.voices.create(NewVoice(f"bad {number}", recording), "ann")
        path = bad.audio.parent / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | damage), "utf-8")
        assert [each.id for each in studio.voices.list("ann")] == [voice.id], damage
        (notice,) = studio.voices.damaged()
        assert notice.id == bad.id
        assert bad.id in notice.message
        shutil.rmtree(path.parent)


def test_a_zip_brings_a_voice_to_another_studio(
    shared: Studio, studio: Studio, recording: Path, tmp_path: Path
) -> None:
    words = (WordTiming("Hello.", 0.2, 0.9),)
    new = NewVoice(
        "Zoë 😀", recording, 0, 2, "Hello.", "en", ("warm",), "<img onerror>", words=words, consent=ZOE
    )
    voice = studio.voices.create(new, "ann")
    path = studio.voices.export(voice.id, "ann", tmp_path / "zoe.zip")
    about = read_archive(path, "voice", 1, tmp_path / "looked at")
    assert "ann" not in json.dumps(about)
    imported = shared.voices.import_zip(path, "eve")
    assert imported == replace(
        voice, created=imported.created, changed=imported.changed, owner="eve", origin="import",
        audio=imported.audio,
    )  # fmt: skip
    assert sha256(imported.audio) == sha256(voice.audio)
    again = shared.voices.import_zip(path, "eve")
    assert again.name == "Zoë 😀 (2)"
    assert again.id != imported.id


def test_zips_that_are_not_what_they_should_be_leave_nothing(
    studio: Studio, recording: Path, tmp_path: Path
) -> None:
    voice = studio.voices.create(NewVoice("Zoë", recording, consent=ZOE), "")
    good = studio.voices.export(voice.id, "", tmp_path / "good.zip")
    about = read_archive(good, "voice", 1, tmp_path / "taken apart")
    other = wav(tmp_path / "other.wav", tone(2.0, hertz=300))
    silent = wav(tmp_path / "silent.wav", tone(2.0, level=0.0))
    text = tmp_path / "text"
    text.write_text("no sound")
    sound = voice.audio
    before = snapshot(studio.workspace.home)
    for kind, version, audio, changes, said in (
        ("personality", 1, sound, {}, "not a voice"),
        ("voice", 2, sound, {}, "newer"),
        ("voice", 1, silent, {"consent": None}, "silent"),
        ("voice", 1, text, {"consent": None}, "voice.wav"),
        ("voice", 1, other, {}, "another recording"),
        ("voice", 1, sound, {"name": ""}, "empty"),
        ("voice", 1, sound, {"name": ["x"]}, "describe"),
        ("voice", 1, sound, {"audio": "../x"}, "describe"),
        ("voice", 1, sound, {"tags": "x"}, "describe"),
        ("voice", 1, sound, {"words": [["x"]]}, "describe"),
        ("voice", 1, sound, {"consent": {"basis": "?"}}, "describe"),
        ("voice", 1, sound, {"language": "<b>"}, "language"),
    ):
        write_archive(tmp_path / "bad.zip", kind, version, {"voice.wav": audio}, about | changes)
        with pytest.raises(BadInput, match=said):
            studio.voices.import_zip(tmp_path / "bad.zip", "")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../../slipped.wav", b"x")
    with pytest.raises(BadInput, match="leads out"):
        studio.voices.import_zip(tmp_path / "bad.zip", "")
    assert snapshot(studio.workspace.home) == before


def test_a_full_disk_leaves_no_half_voice(recording: Path, tmp_path: Path) -> None:
    large = wav(tmp_path / "large.wav", tone(30.0, 48_000), 48_000)
    with tiny_disk("1m") as disk:
        settings = load_settings(home=disk, models_dir=tmp_path / "models")
        with Studio(settings) as studio:
            voice = studio.voices.create(NewVoice("Zoë", recording), "")
            before = snapshot(disk / "saved_voices")
            for what in (
                lambda: studio.voices.create(NewVoice("Large", large), ""),
                lambda: studio.voices.replace_audio(voice.id, "", large),
            ):
                with pytest.raises(StorageFailed, match="full"):
                    what()
            assert snapshot(disk / "saved_voices") == before
            assert studio.voices.get("Zoë", "") == voice
