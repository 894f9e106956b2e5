"""Promises of personalities: what goes in is kept whole, and what cannot be is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.archives import write_archive
from studio.errors import BadInput, NotFound
from studio.services.personalities import PersonalityService
from studio.services.personality_values import (
    NEUTRAL,
    EmotionChange,
    NewEmotion,
    NewPersonality,
    PersonalityChange,
)
from studio.services.voice_values import Basis, Consent
from tests.audio_files import tone, wav
from tests.personality_folders import RATE, WORDS, emotion, made, opened, recording, tags
from tests.test_names import snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "saved_personalities"


@pytest.fixture
def service(root: Path) -> PersonalityService:
    return opened(root)


def test_what_was_put_in_is_there_after_a_restart(root: Path, tmp_path: Path) -> None:
    given = Consent("Ann Doe", Basis.OWN, 1_700_000_000.0)
    happy = emotion(
        tmp_path, "Fröhlich", 300, transcript=" Hello. ", language="DE", aliases=("joy!", "joy!", " "),
        made={"how": "microphone"}, words=WORDS, clip=recording(tmp_path, 400),
    )  # fmt: skip
    new = NewPersonality(
        "Zoë 😀", (happy, emotion(tmp_path, "Neutral")), "en_US", "a young woman", "mine", "v-1", given
    )
    personality = opened(root).create(new, "ann")
    found = opened(root).get(personality.id, "ann")
    assert found == personality
    assert (found.name, found.language, found.owner) == ("Zoë 😀", "en-us", "ann")
    assert (found.description, found.note, found.voice) == ("a young woman", "mine", "v-1")
    assert tags(found) == [NEUTRAL, "Fröhlich"], "the neutral one first"
    kept = found.emotions[1]
    assert (kept.transcript, kept.language, kept.aliases) == ("Hello.", "de", ("joy!",))
    assert (kept.made, kept.words) == ({"how": "microphone"}, WORDS)
    assert kept.clip is not None
    assert soundfile.info(kept.audio).duration == kept.duration == 1.5
    assert found.consent is not None
    assert found.consent.person == "Ann Doe"
    assert len(found.consent.audio_sha256) == 64
    config = json.loads((root / found.id / "config.json").read_text("utf-8"))
    assert (config["name"], config["version"]) == ("Zoë 😀", 1)
    assert config["emotions"]["Fröhlich"]["file"] == kept.audio.name
    reference = opened(root).reference(kept)
    assert (reference.audio, reference.text) == (kept.audio, "Hello.")


def test_a_region_of_a_recording_is_all_that_is_kept(
    service: PersonalityService, tmp_path: Path
) -> None:
    long = wav(tmp_path / "long.wav", np.concatenate([tone(2, RATE, 200), tone(2, RATE, 400)]), RATE)
    part = NewEmotion(NEUTRAL, long, start=2.0, end=3.5)
    found = service.create(NewPersonality("x", (part,)), "").emotions[0]
    heard, _ = soundfile.read(found.audio)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == 400 * 1.5
    assert found.duration == 1.5


def test_everything_can_be_changed(service: PersonalityService, tmp_path: Path) -> None:
    id = made(service, tmp_path, "Zoë", "happy", "sad").id
    change = PersonalityChange("Ζωή", "el", "an old man", "hers", Consent("", Basis.SYNTHETIC, 1.0))
    service.change(id, "ann", change)
    service.change_emotion(
        id, "ann", "HAPPY", EmotionChange("радость", "Hi.", WORDS, "ru", ("весело", "yay"))
    )
    service.remove_emotion(id, "ann", "sad")
    service.add_emotion(id, "ann", emotion(tmp_path, "angry", 500))
    service.add_emotion(id, "ann", emotion(tmp_path, NEUTRAL, 600), replace=True)
    found = service.get("ζωή", "ann")
    assert found.id == id, "a folder keeps its name"
    assert (found.name, found.language, found.description, found.note) == (
        "Ζωή", "el", "an old man", "hers",
    )  # fmt: skip
    assert found.consent is not None
    assert found.consent.basis is Basis.SYNTHETIC
    assert tags(found) == [NEUTRAL, "радость", "angry"]
    joy = found.emotions[1]
    assert (joy.transcript, joy.words, joy.language, joy.aliases) == (
        "Hi.",
        WORDS,
        "ru",
        ("весело", "yay"),
    )
    assert found.changed > found.created
    kept = {path.name for path in found.emotions[0].audio.parent.iterdir()}
    assert kept == {"config.json", *(each.audio.name for each in found.emotions)}


def test_another_transcript_drops_the_times_of_the_old_words(
    service: PersonalityService, tmp_path: Path
) -> None:
    neutral = emotion(tmp_path, NEUTRAL, transcript="Hello.", words=WORDS)
    id = service.create(NewPersonality("x", (neutral,)), "ann").id
    same = service.change_emotion(id, "ann", NEUTRAL, EmotionChange(transcript=" Hello. "))
    assert same.emotions[0].words == WORDS
    other = service.change_emotion(id, "ann", NEUTRAL, EmotionChange(transcript="Hello, you."))
    assert other.emotions[0].words == ()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (("happy",), "no neutral emotion"),
        ((NEUTRAL, "happy", "HAPPY"), "used twice"),
        ((NEUTRAL, "happy", "felice"), "mean the same emotion"),
        ((NEUTRAL, "радость", "joyful"), "mean the same emotion"),
        ((NEUTRAL, "normal"), "used twice"),
        ((NEUTRAL, "hap[py"), "has [ in it"),
        ((NEUTRAL, "happy:0.6"), "has : in it"),
        ((NEUTRAL, "pause"), "cannot be a tag"),
        ((NEUTRAL, "Pause 0.5"), "cannot be a tag"),
        ((NEUTRAL, " \u202e "), "empty"),
        ((NEUTRAL, ""), "has no tag"),
        ((NEUTRAL, "x" * 41), "too long"),
    ],
)
def test_tags_that_cannot_be_are_refused_in_words(
    service: PersonalityService, tmp_path: Path, root: Path, wanted: tuple[str, ...], words: str
) -> None:
    emotions = tuple(emotion(tmp_path, tag) for tag in wanted)
    with pytest.raises(BadInput, match=words.replace("[", r"\[")) as caught:
        service.create(NewPersonality("x", emotions), "ann")
    assert caught.value.hint
    assert service.list("ann") == []
    assert not [path for path in snapshot(root) if not path.startswith(".lock")], "nothing is left"


@pytest.mark.parametrize("alias", ["happy", "Glücklich", "sad one", "SAD-ONE"])
def test_an_alias_never_means_two_emotions(
    service: PersonalityService, tmp_path: Path, alias: str
) -> None:
    id = made(service, tmp_path, "x", "happy", "angry").id
    service.change_emotion(id, "ann", "happy", EmotionChange(aliases=("sad one",)))
    with pytest.raises(BadInput, match="mean"):
        service.change_emotion(id, "ann", "angry", EmotionChange(aliases=(alias,)))
    with pytest.raises(BadInput, match=r"mean|twice"):
        service.add_emotion(id, "ann", emotion(tmp_path, alias))
    assert tags(service.get(id, "ann")) == [NEUTRAL, "happy", "angry"]


def test_recordings_that_cannot_be_are_refused_in_words(
    service: PersonalityService, tmp_path: Path
) -> None:
    id = made(service, tmp_path).id
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"RIFF no sound at all")
    cases = {
        "does not exist": tmp_path / "gone.wav",
        "silent": wav(tmp_path / "silent.wav", np.zeros(2 * RATE, np.float32), RATE),
        r"0\.5 s long": wav(tmp_path / "short.wav", tone(0.5, RATE), RATE),
        "over the limit": wav(tmp_path / "long.wav", tone(70, 4_000), 4_000),
        "not a recording": noise,
    }
    for words, path in cases.items():
        with pytest.raises(BadInput, match=f"“sad”.*({words})") as caught:
            service.add_emotion(id, "ann", NewEmotion("sad", path))
        assert caught.value.hint
    assert tags(service.get(id, "ann")) == [NEUTRAL]


def test_the_neutral_emotion_cannot_go(service: PersonalityService, tmp_path: Path) -> None:
    id = made(service, tmp_path, "x", "happy").id
    with pytest.raises(BadInput, match="cannot be removed"):
        service.remove_emotion(id, "ann", "Neutral")
    with pytest.raises(BadInput, match="keeps its tag"):
        service.change_emotion(id, "ann", NEUTRAL, EmotionChange("calm"))
    with pytest.raises(BadInput, match="cannot become the neutral"):
        service.change_emotion(id, "ann", "happy", EmotionChange("neutrale"))


def test_each_owner_finds_only_what_is_theirs(service: PersonalityService, tmp_path: Path) -> None:
    id = made(service, tmp_path, "Mine", "happy").id
    other = service.create(NewPersonality("Mine", (emotion(tmp_path, NEUTRAL),), note="blue"), "eve")
    assert other.id != id
    assert [each.id for each in service.list("ann")] == [id]
    for attempt in (service.get, service.delete):
        with pytest.raises(NotFound, match="There is no personality"):
            attempt(id, "eve")
    with pytest.raises(BadInput, match="already"):
        made(service, tmp_path, "MINE")
    assert service.list("eve", "BLUE min") == [other]
    assert service.list("eve", "green") == []
    assert [each.id for each in service.list("ann", "happy")] == [id], "emotions count too"


def test_consent_is_asked_for_where_the_studio_is_shared(root: Path, tmp_path: Path) -> None:
    strict = opened(root, consent_required=True)
    new = NewPersonality("x", (emotion(tmp_path, NEUTRAL),))
    with pytest.raises(BadInput, match="whose voice"):
        strict.create(new, "")
    path = opened(root).export(opened(root).create(new, "").id, "", tmp_path / "x.zip")
    with pytest.raises(BadInput, match="whose voice"):
        strict.import_zip(path, "")
    shared = opened(tmp_path / "shared", consent_required=True)
    given = Consent("Ann", Basis.PERMISSION, 1_700_000_000.0)
    found = strict.create(replace(new, name="y", consent=given), "")
    found = strict.add_emotion(found.id, "", emotion(tmp_path, NEUTRAL, 500), replace=True)
    assert (
        shared.import_zip(strict.export(found.id, "", tmp_path / "y.zip"), "").consent == found.consent
    )
    config = json.loads((root / found.id / "config.json").read_text())
    config["consent"]["audio_sha256"] = "0" * 64
    sounds = {each.audio.name: each.audio for each in found.emotions}
    write_archive(tmp_path / "z.zip", "personality", 1, sounds, config)
    with pytest.raises(BadInput, match="another recording"):
        shared.import_zip(tmp_path / "z.zip", "")
    found = strict.import_zip(path, "", Consent("Ann", Basis.PERMISSION, 1_700_000_000.0))
    assert found.consent is not None
    assert found.consent.person == "Ann"
