"""Promises of personalities: what goes in is kept whole, and what cannot be is refused in words."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import WordTiming
from studio.archives import write_archive
from studio.audio.reading import Limits
from studio.errors import BadInput, NotFound, StudioError
from studio.names import clean_name
from studio.services.personalities import PersonalityService
from studio.services.personality_values import (
    NEUTRAL,
    EmotionChange,
    NewEmotion,
    NewPersonality,
    Personality,
    PersonalityChange,
)
from studio.services.voice_values import Basis, Consent
from studio.settings import CHECKOUT
from tests.audio_files import tone, wav
from tests.test_names import HOSTILE, snapshot

KILLS = 60
RATE = 8_000
WORDS = (WordTiming("Hello.", 0.25, 0.75),)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "saved_personalities"


@pytest.fixture
def service(root: Path) -> PersonalityService:
    return opened(root)


def opened(root: Path, consent_required: bool = False) -> PersonalityService:
    return PersonalityService(root, Limits(max_seconds=60), consent_required)


def recording(tmp_path: Path, hertz: float = 220, seconds: float = 1.5) -> Path:
    return wav(tmp_path / f"{hertz}-{seconds}.wav", tone(seconds, RATE, hertz), RATE)


def emotion(tmp_path: Path, tag: str, hertz: float = 220, **fields: object) -> NewEmotion:
    return replace(NewEmotion(tag, recording(tmp_path, hertz)), **fields)  # type: ignore[arg-type]


def made(service: PersonalityService, tmp_path: Path, name: str = "Zoë 😀", *tags: str) -> Personality:
    emotions = [emotion(tmp_path, tag, 200 + 20 * n) for n, tag in enumerate((*tags, NEUTRAL))]
    return service.create(NewPersonality(name, tuple(emotions)), "ann")


def tags(personality: Personality) -> list[str]:
    return [each.tag for each in personality.emotions]


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

    def write(name: str) -> None:
        service = opened(root)
        try:
            for number in range(8):
                service.add_emotion(id, "ann", emotion(tmp_path, f"{name} {number}"))
        except StudioError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("first", "second")]
    recording(tmp_path)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    wanted = {NEUTRAL, *(f"{name} {number}" for name in ("first", "second") for number in range(8))}
    assert set(tags(opened(root).get(id, "ann"))) == wanted


# Adds and removes emotions as fast as it can. It is forked from a process that has imported everything,
# or starting would take most of the time.
WRITER = """
import os, sys
from pathlib import Path
import pyloudnorm
from studio.audio.reading import Limits
from studio.services.personalities import PersonalityService
from studio.services.personality_values import NewEmotion

def write(root, id, recording, start):
    service = PersonalityService(root, Limits(), False)
    for n in range(start, start + 10**6):
        service.add_emotion(id, "ann", NewEmotion(f"emotion {n}", recording, n % 7 / 10, None, str(n)))
        if n == start:
            print("begun", flush=True)
        tags = [each.tag for each in service.get(id, "ann").emotions]
        if len(tags) > 6:
            service.remove_emotion(id, "ann", tags[1])

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(line))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_kill_while_an_emotion_is_added_leaves_the_old_or_the_new(root: Path, tmp_path: Path) -> None:
    id = made(opened(root), tmp_path).id
    long = recording(tmp_path, 300, 2.5)
    chance, seen = random.Random(4711), set()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), id, str(long)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdin is not None
        assert parent.stdout is not None
        for kill in range(KILLS):
            print((kill + 1) * 10**6, file=parent.stdin, flush=True)
            said = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
            threading.Event().wait(chance.uniform(0, 0.03))
            os.kill(int((said - {"begun"}).pop()), signal.SIGKILL)
            assert parent.stdout.readline().strip() == "gone"
            config = json.loads((root / id / "config.json").read_bytes())
            seen |= config["emotions"].keys()
            for tag, entry in config["emotions"].items():
                assert tag in (NEUTRAL, f"emotion {entry['transcript']}")
                sound = soundfile.info(root / id / entry["file"])
                assert sound.duration == pytest.approx(entry["duration"], abs=0.001)
        parent.stdin.close()
    assert len(seen) > KILLS
    after = opened(root)
    assert after.damaged() == ()
    found = after.get(id, "ann")
    content = {path.name for path in (root / id).iterdir()}
    assert content == {"config.json", *(each.audio.name for each in found.emotions)}
    assert not list(root.rglob("*.partial"))
