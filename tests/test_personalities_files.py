"""Promises of the folders and zips of personalities: whole on the way, and after damage, haste and kills."""

from __future__ import annotations

import json
import os
import shutil
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.archives import write_archive
from studio.errors import BadInput, StudioError
from studio.names import clean_name
from studio.services.personalities import PersonalityService
from studio.services.personality_values import NEUTRAL, NewEmotion, NewPersonality, Personality
from studio.services.voice_values import Basis, Consent
from tests.audio_files import wav
from tests.killing import killed
from tests.personality_folders import RATE, WORDS, emotion, made, opened, recording, tags
from tests.test_names import HOSTILE, snapshot

KILLS = 60


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "saved_personalities"


@pytest.fixture
def service(root: Path) -> PersonalityService:
    return opened(root)


def test_hostile_names_stay_names(service: PersonalityService, tmp_path: Path, root: Path) -> None:
    new = NewPersonality("x", (emotion(tmp_path, NEUTRAL),))
    root.mkdir(parents=True)
    outside = {path for path in snapshot(tmp_path) if "saved_personalities" not in path}
    ids = set()
    for name in (*HOSTILE[::7], "Zoë 😀", "../../x", "CON", "n" * 200, "<img src=x onerror=alert(1)>"):
        try:
            found = service.create(replace(new, name=name, note=name[:100]), str(len(ids)))
        except BadInput:
            continue
        assert found.id not in ids
        ids.add(found.id)
        assert found.name == clean_name(name)
        assert found.emotions[0].audio.parent.parent == root
    assert len(ids) > 25
    with pytest.raises(BadInput, match="201 characters"):
        service.create(replace(new, name="n" * 201), "")
    after = {path for path in snapshot(tmp_path) if "saved_personalities" not in path}
    assert after == outside


def test_a_zip_gives_back_what_went_in(root: Path, tmp_path: Path) -> None:
    service = opened(root)
    happy = emotion(
        tmp_path, "felice", 300, transcript="Ciao!", language="it", aliases=("yay",),
        made={"how": "smart", "joint": [1.0, 1.1]}, words=WORDS, clip=recording(tmp_path, 400),
    )  # fmt: skip
    given = Consent("Ann", Basis.OWN, 1_700_000_000.0)
    new = NewPersonality(
        "Zoë 😀", (emotion(tmp_path, NEUTRAL), happy), "it", "una donna", "<b>", "v", given
    )
    before = service.create(new, "ann", build={"unfinished": True})
    path = service.export(before.id, "ann", tmp_path / "out" / "zoë.zip")
    elsewhere = opened(tmp_path / "other home" / "saved_personalities")
    after = elsewhere.import_zip(path, "eve")

    def bare(personality: Personality) -> Personality:
        none = Path()
        return replace(
            personality, id="", created=0, changed=0, owner="", voice="", build=None,
            emotions=tuple(
                replace(each, audio=none, clip=each.clip and none) for each in personality.emotions
            ),
        )  # fmt: skip

    assert bare(after) == bare(before)
    assert after.build is None
    for old, copy in zip(before.emotions, after.emotions, strict=True):
        assert copy.audio.read_bytes() == old.audio.read_bytes()
    assert after.emotions[1].clip is not None
    assert service.import_zip(path, "ann").name == "Zoë 😀 (2)"
    copied = service.duplicate(before.id, "ann", "Zoë's twin")
    assert bare(replace(copied, name=before.name)) == bare(before)


def test_zips_that_are_not_what_they_should_be_are_refused(
    service: PersonalityService, tmp_path: Path, root: Path
) -> None:
    personality = made(service, tmp_path, "x", "happy")
    good = service.export(personality.id, "ann", tmp_path / "good.zip")
    config = json.loads((root / personality.id / "config.json").read_text())
    about = {key: config[key] for key in ("name", "emotions")}
    sounds = {each.audio.name: each.audio for each in personality.emotions}
    silent = wav(tmp_path / "silent.wav", np.zeros(2 * RATE, np.float32), RATE)
    emotions = config["emotions"]
    neutral = emotions[NEUTRAL]

    def zipped(name: str, version: int = 1, kind: str = "personality", **changes: object) -> Path:
        write_archive(tmp_path / name, kind, version, sounds, about | changes)
        return tmp_path / name

    linked = tmp_path / "link.zip"
    shutil.copyfile(good, linked)
    with zipfile.ZipFile(linked, "a") as archive:
        archive.writestr("../outside.wav", b"x")
    quiet = dict.fromkeys(sounds, silent)
    write_archive(tmp_path / "silent.zip", "personality", 1, quiet, about)
    write_archive(tmp_path / "less.zip", "personality", 1, sounds, {"name": "x"})
    cases = {
        "newer Timbre": zipped("newer.zip", version=99),
        "not a personality": zipped("voice.zip", kind="voice"),
        "leads out": linked,
        "silent": tmp_path / "silent.zip",
        "no neutral": zipped("no-neutral.zip", emotions={"happy": emotions["happy"]}),
        "emotions.* is missing": tmp_path / "less.zip",
        "is not in it": zipped("outside.zip", emotions={NEUTRAL: neutral | {"file": "../a"}}),
        "holds no personality": zipped("odd.zip", emotions={NEUTRAL: "not an object"}),
        "word timings": zipped(
            "times.zip", emotions={NEUTRAL: neutral | {"words": [["a", float("nan"), 1]]}}
        ),
    }  # fmt: skip
    before = snapshot(root)
    for words, path in cases.items():
        with pytest.raises(BadInput, match=words) as caught:
            service.import_zip(path, "ann")
        assert caught.value.hint
    assert snapshot(root) == before


def test_a_damaged_one_is_set_aside_and_the_others_load(
    service: PersonalityService, tmp_path: Path, root: Path
) -> None:
    good = made(service, tmp_path, "good")
    spoiled = {}
    for name in ("torn", "newer", "no sound", "no neutral", "odd"):
        personality = made(service, tmp_path, name, "happy")
        config = root / personality.id / "config.json"
        spoiled[name] = config, json.loads(config.read_text())
    for name, (path, config) in spoiled.items():
        if name == "newer":
            config["version"] = 99
        if name == "no sound":
            (path.parent / config["emotions"]["happy"]["file"]).unlink()
        if name == "no neutral":
            del config["emotions"][NEUTRAL]
        if name == "odd":
            config["emotions"] = "happy"
        text = json.dumps(config)
        path.write_text(text[: len(text) // 2] if name == "torn" else text)
    assert service.list("ann") == [good]
    told = {each.id: each.message for each in service.damaged()}
    assert told.keys() == {path.parent.name for path, _ in spoiled.values()}
    assert all("damaged" in said or "newer Timbre" in said for said in told.values())
    assert opened(root).list("ann") == [good], "and stays there over a restart"
    assert all(path.exists() for path, _ in spoiled.values())


def test_two_writers_lose_nothing(root: Path, tmp_path: Path) -> None:
    id = made(opened(root), tmp_path).id
    errors: list[StudioError] = []
    heard = recording(tmp_path)  # one for all: written anew, it would be half there for the other

    def write(name: str) -> None:
        service = opened(root)
        try:
            for number in range(8):
                service.add_emotion(id, "ann", NewEmotion(f"{name} {number}", heard))
        except StudioError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    wanted = {NEUTRAL, *(f"{name} {number}" for name in ("first", "second") for number in range(8))}
    assert set(tags(opened(root).get(id, "ann"))) == wanted


# Adds and removes emotions as fast as it can.
WRITER = """
from pathlib import Path
import av
from studio.audio.reading import Limits
from studio.services.personalities import PersonalityService
from studio.services.personality_values import NewEmotion

def write(root, id, recording, start):
    recording = Path(recording)
    service = PersonalityService(Path(root), Limits(), False)
    for n in range(start, start + 10**6):
        service.add_emotion(id, "ann", NewEmotion(f"emotion {n}", recording, n % 7 / 10, None, str(n)))
        if n == start:
            print("begun", flush=True)
        tags = [each.tag for each in service.get(id, "ann").emotions]
        if len(tags) > 6:
            service.remove_emotion(id, "ann", tags[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_kill_while_an_emotion_is_added_leaves_the_old_or_the_new(root: Path, tmp_path: Path) -> None:
    id = made(opened(root), tmp_path).id
    long = recording(tmp_path, 300, 2.5)
    seen: set[str] = set()
    for _ in killed(WRITER, str(root), id, str(long), times=KILLS):
        config = json.loads((root / id / "config.json").read_bytes())
        seen |= config["emotions"].keys()
        for tag, entry in config["emotions"].items():
            assert tag in (NEUTRAL, f"emotion {entry['transcript']}")
            sound = soundfile.info(root / id / entry["file"])
            assert sound.duration == pytest.approx(entry["duration"], abs=0.001)
    assert len(seen) > KILLS
    after = opened(root)
    assert after.damaged() == ()
    found = after.get(id, "ann")
    content = {path.name for path in (root / id).iterdir()}
    assert content == {"config.json", *(each.audio.name for each in found.emotions)}
    assert not list(root.rglob("*.partial"))
