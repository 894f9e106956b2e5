"""Promises of saved voices: kept whole, said whose they are, and handed on."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from engines.base import Capability, WordTiming
from studio.archives import read_archive, write_archive
from studio.errors import BadInput, NotFound, StorageFailed
from studio.services import consent as consents
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeRecord
from studio.services.voice_values import Basis, Consent, NewVoice, Voice, VoiceChange
from studio.settings import Settings, load_settings
from tests.audio_files import compressed, tone, wav
from tests.small_disk import tiny_disk
from tests.test_names import HOSTILE, snapshot

ZOE = Consent("Zoë", Basis.PERMISSION, 1_700_000_000.0)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return wav(tmp_path / "recording.wav", tone(3.0))


@pytest.fixture
def voice(studio: Studio, recording: Path) -> Voice:
    return studio.voices.create(NewVoice("Zoë 😀", recording, transcript="Hello."), "ann")


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Studio]:
    """A studio that others may come into."""
    settings = load_settings(home=tmp_path / "shared", models_dir=tmp_path / "models", host="0.0.0.0")
    with Studio(settings) as opened:
        yield opened


def spoken(studio: Studio, owner: str = "ann", **order: object) -> TakeRecord:
    values: dict[str, object] = {
        "mode": Capability.PRESET,
        "text": "Good morning to all of you.",
        "engine": "espeak",
    }
    return studio.speech.speak(SpeechOrder(**(values | order)), owner)  # type: ignore[arg-type]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_voice_keeps_what_it_was_made_of(studio: Studio, recording: Path) -> None:
    words = (WordTiming("Hello.", 0.2, 0.9),)
    new = NewVoice(
        "  Zoë 😀 ", recording, 0.5, 2.5, "Hello.\r\nThere.", "DE_at", ("warm", "Warm", " ", "for films"), "a\x00b",
        "microphone", words, ZOE,
    )  # fmt: skip
    voice = studio.voices.create(new, "ann")
    assert voice == studio.voices.get(voice.id, "ann")
    assert voice.name == "Zoë 😀"
    assert voice.duration == pytest.approx(2.0, abs=0.01)
    assert soundfile.info(voice.audio).frames == 2 * 24_000
    assert voice.transcript == "Hello.\nThere."
    assert voice.language == "de-at"
    assert voice.tags == ("warm", "for films")
    assert voice.note == "ab"
    assert voice.origin == "microphone"
    assert voice.words == words
    assert voice.consent == replace(ZOE, audio_sha256=sha256(voice.audio))
    config = json.loads((voice.audio.parent / "config.json").read_text("utf-8"))
    assert config["name"] == "Zoë 😀"
    assert config["audio"] == voice.audio.name


@pytest.mark.parametrize(
    ("codec", "container"), [("aac", "mp4"), ("libopus", "webm"), ("libmp3lame", "mp3")]
)
def test_any_recording_becomes_a_mono_wav(
    studio: Studio, tmp_path: Path, codec: str, container: str
) -> None:
    source = compressed(tmp_path / "x", codec, container, rate=48_000)
    voice = studio.voices.create(NewVoice("Zoë", source), "")
    facts = soundfile.info(voice.audio)
    assert (facts.channels, facts.format, facts.subtype) == (1, "WAV", "PCM_16")
    assert voice.duration == pytest.approx(2.0, abs=0.1)


def test_what_cannot_be_a_voice_is_refused_in_words(
    studio: Studio, recording: Path, tmp_path: Path
) -> None:
    silent = wav(tmp_path / "silent.wav", tone(3.0, level=0.0))
    short = wav(tmp_path / "short.wav", tone(0.8))
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    before = snapshot(studio.workspace.home)
    for new, said in (
        (NewVoice("x", silent), "silent"),
        (NewVoice("x", short), "0.8 s"),
        (NewVoice("x", recording, 1.0, 1.5), "0.5 s"),
        (NewVoice("x", recording, 5.0, 6.0), "cannot be read"),
        (NewVoice("x", text), "text.wav"),
        (NewVoice("x", tmp_path / "gone.wav"), "gone.wav"),
        (NewVoice(" ", recording), "empty"),
        (NewVoice("x" * 201, recording), "201 characters"),
        (NewVoice("x", recording, language="de; rm"), "no language"),
        (NewVoice("x", recording, tags=tuple(f"t{n}" for n in range(21))), "21 tags"),
        (NewVoice("x", recording, tags=("t" * 41,)), "too long"),
        (NewVoice("x", recording, note="n" * 4_001), "note"),
        (NewVoice("x", recording, transcript="n" * 20_001), "transcript"),
    ):
        with pytest.raises(BadInput, match=said) as caught:
            studio.voices.create(new, "ann")
        assert caught.value.hint
    assert studio.voices.list("ann") == []
    assert {path for path in snapshot(studio.workspace.home) if ".lock" not in path} - before <= {
        "saved_voices"
    }


def test_owners_see_only_their_own(studio: Studio, voice: Voice, recording: Path) -> None:
    studio.voices.create(NewVoice("zoë 😀", recording), "eve")
    assert [each.id for each in studio.voices.list("ann")] == [voice.id]
    for what in (
        lambda: studio.voices.get(voice.id, "eve"),
        lambda: studio.voices.change(voice.id, "eve", VoiceChange(note="x")),
        lambda: studio.voices.replace_audio(voice.id, "eve", recording),
        lambda: studio.voices.duplicate(voice.id, "eve", "mine"),
        lambda: studio.voices.uses(voice.id, "eve"),
        lambda: studio.voices.export(voice.id, "eve", recording.with_suffix(".zip")),
        lambda: studio.voices.delete(voice.id, "eve"),
    ):
        with pytest.raises(NotFound):
            what()
    assert studio.voices.get(voice.id, "ann") == voice


def test_voices_are_found_by_name_and_by_what_they_say_of_themselves(
    studio: Studio, recording: Path
) -> None:
    make = studio.voices.create
    anna = make(NewVoice("Anna", recording, transcript="Guten Morgen.", tags=("Film",)), "")
    zoe = make(NewVoice("zoë", recording, note="warm and low", consent=ZOE), "")
    berta = studio.voices.change(
        make(NewVoice("Berta", recording, tags=("film", "old")), "").id, "", VoiceChange(favourite=True)
    )
    listed = studio.voices.list
    assert listed("") == [anna, berta, zoe]
    assert listed("", favourites=True) == [berta]
    assert listed("", tag="FILM") == [anna, berta]
    assert listed("", tag="fil") == []
    for search, found in (
        ("morgen guten", [anna]),
        ("LOW", [zoe]),
        ("ZOE\u0308", [zoe]),
        ("old", [berta]),
        ("x", []),
    ):
        assert listed("", search) == found
    assert studio.voices.get("ZOË", "") == zoe
    with pytest.raises(NotFound, match="saved voice") as caught:
        studio.voices.get("Bertha", "")
    assert "Berta" in caught.value.hint


def test_a_change_touches_only_what_it_names(studio: Studio, voice: Voice) -> None:
    studio.voices.change(voice.id, "ann", VoiceChange(tags=("a",), favourite=True, language="de"))
    new = studio.voices.change(voice.id, "ann", VoiceChange(name="Zoé", note="hers"))
    assert new == replace(
        voice, name="Zoé", note="hers", tags=("a",), favourite=True, language="de", changed=new.changed
    )
    given = studio.voices.change(voice.id, "ann", VoiceChange(consent=ZOE))
    assert given.consent == replace(ZOE, audio_sha256=sha256(voice.audio))
    with pytest.raises(BadInput, match="language"):
        studio.voices.change(voice.id, "ann", VoiceChange(language="?"))


def test_another_transcript_drops_the_times_of_the_old_words(studio: Studio, recording: Path) -> None:
    words = (WordTiming("Hello.", 0.2, 0.9),)
    voice = studio.voices.create(NewVoice("Zoë", recording, transcript="Hello.", words=words), "")
    assert studio.voices.change(voice.id, "", VoiceChange(transcript=" Hello. ")).words == words
    assert studio.voices.change(voice.id, "", VoiceChange(transcript="Hallo.")).words == ()


def test_replaced_sound_takes_the_consent_over_and_leaves_no_old_sound(
    studio: Studio, recording: Path, tmp_path: Path
) -> None:
    voice = studio.voices.create(NewVoice("Zoë", recording, transcript="Hello.", consent=ZOE), "")
    new = studio.voices.replace_audio(voice.id, "", wav(tmp_path / "clean.wav", tone(2.0)))
    assert new.duration == pytest.approx(2.0)
    assert new.transcript == "Hello."
    assert new.consent == replace(ZOE, audio_sha256=sha256(new.audio))
    assert {path.name for path in new.audio.parent.iterdir()} == {"config.json", new.audio.name}
    with pytest.raises(BadInput, match="silent"):
        studio.voices.replace_audio(voice.id, "", wav(tmp_path / "silent.wav", tone(2.0, level=0.0)))
    assert studio.voices.get(voice.id, "") == new


def test_a_copy_stands_by_itself(studio: Studio, recording: Path) -> None:
    voice = studio.voices.create(
        NewVoice("Zoë", recording, transcript="Hi.", tags=("a",), consent=ZOE), ""
    )
    copy = studio.voices.duplicate("zoë", "", "Zoë by night")
    assert copy.origin == "copy"
    assert (copy.transcript, copy.tags, copy.consent) == (voice.transcript, voice.tags, voice.consent)
    with pytest.raises(BadInput, match="already"):
        studio.voices.duplicate(voice.id, "", "ZOË BY NIGHT")
    studio.voices.delete(voice.id, "")
    assert sha256(studio.voices.get(copy.id, "").audio) == copy.consent.audio_sha256  # type: ignore[union-attr]


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


def test_whose_voice_it_is_must_be_said_where_the_studio_is_shared(
    shared: Studio, studio: Studio, recording: Path, tmp_path: Path
) -> None:
    assert shared.voices.consent_required
    assert not studio.voices.consent_required
    free = studio.voices.create(NewVoice("Zoë", recording), "")
    path = studio.voices.export(free.id, "", tmp_path / "zoe.zip")
    for what in (
        lambda: shared.voices.create(NewVoice("Zoë", recording), ""),
        lambda: shared.voices.import_zip(path, ""),
    ):
        with pytest.raises(BadInput, match="whose voice") as caught:
            what()
        assert "shared" in caught.value.hint
    assert shared.voices.list("") == []
    assert shared.voices.create(NewVoice("Zoë", recording, consent=ZOE), "").consent is not None
    imported = shared.voices.import_zip(path, "", ZOE)
    assert imported.consent == replace(ZOE, audio_sha256=sha256(imported.audio))


@pytest.mark.parametrize(
    ("given", "required"),
    [
        ({}, False), ({"share": True}, True), ({"host": "0.0.0.0"}, True), ({"host": "::1"}, False),
        ({"require_consent": "always"}, True), ({"share": True, "require_consent": "never"}, False),
    ],
)  # fmt: skip
def test_the_setting_says_where_a_consent_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], required: bool
) -> None:
    settings: Settings = load_settings(home=tmp_path, **given)
    assert consents.required(settings) is required
    monkeypatch.setenv("SPACE_ID", "somebody/timbre")
    assert consents.required(settings) is (settings.require_consent != "never")


def test_a_consent_that_says_too_little_is_refused(studio: Studio, recording: Path) -> None:
    for consent, said in (
        (Consent(" ", Basis.PERMISSION, 1_700_000_000), "Who speaks"),
        (Consent("", Basis.OWN, 1_700_000_000), "Who speaks"),
        (Consent("Zoë", Basis.OWN, time.time() + 10 * 86_400), "future"),
        (Consent("Zoë", Basis.OWN, float("nan")), "future"),
        (Consent("Zoë", Basis.OWN, 0), "future"),
        (Consent("Z" * 201, Basis.OWN, 1), "201"),
    ):
        with pytest.raises(BadInput, match=said):
            studio.voices.create(NewVoice("Zoë", recording, consent=consent), "")
    assert studio.voices.list("") == []
    nobody = Consent("", Basis.SYNTHETIC, 1_700_000_000)
    assert studio.voices.create(NewVoice("Robot", recording, consent=nobody), "").consent is not None


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


def test_a_designed_or_own_voice_of_an_engine_is_synthetic_by_itself(shared: Studio) -> None:
    for mode, more in (
        (Capability.PRESET, {}),
        (Capability.DESIGN, {"description": "an old man, slow"}),
    ):
        take = spoken(shared, mode=mode, **more)
        voice = shared.voices.from_take(take.id, "ann", f"By {mode}")
        assert voice.consent is not None
        assert voice.consent.basis is Basis.SYNTHETIC
        assert voice.consent.audio_sha256 == sha256(voice.audio)
        assert voice.transcript == take.text
        assert voice.language == take.language
        assert voice.origin == "take"
        assert voice.words == shared.history.words(take)
        assert len(voice.words) == 6


def test_a_cloned_take_has_the_consent_of_its_voice(shared: Studio, recording: Path) -> None:
    source = shared.voices.create(NewVoice("Zoë", recording, consent=ZOE), "ann")
    order = {"mode": Capability.CLONE, "reference": shared.voices.reference(source)}
    take = spoken(shared, **order)
    voice = shared.voices.from_take(take.id, "ann", "Zoë speaks")
    assert voice.consent == replace(ZOE, audio_sha256=sha256(voice.audio))
    shared.voices.delete(source.id, "ann")
    with pytest.raises(BadInput, match="whose voice"):
        shared.voices.from_take(take.id, "ann", "Zoë again")
    assert shared.voices.from_take(take.id, "ann", "Zoë again", ZOE).consent is not None
    with pytest.raises(NotFound):
        shared.voices.from_take(take.id, "eve", "Not mine")


def test_a_performance_has_the_consent_of_its_personality_and_no_tags_in_its_words(
    shared: Studio, recording: Path
) -> None:
    personality = shared.personalities.create(
        NewPersonality("Zoë", (NewEmotion("neutral", recording),), consent=ZOE), "ann"
    )
    order = PerformOrder(personality.id, "[neutral] Good morning. [pause 0.3] Good night.")
    record = shared.performances.perform(order, "ann").record
    voice = shared.voices.from_take(record.id, "ann", "Zoë speaks")
    assert voice.transcript.split() == ["Good", "morning.", "Good", "night."]
    assert voice.consent == replace(ZOE, audio_sha256=sha256(voice.audio))


def test_a_take_may_be_saved_with_other_words(studio: Studio) -> None:
    take = spoken(studio)
    change = VoiceChange(tags=("robot",), note="x", transcript="Good morning.")
    voice = studio.voices.from_take(take.id, "ann", "Robot", change=change)
    assert (voice.tags, voice.note, voice.transcript, voice.words) == (
        ("robot",),
        "x",
        "Good morning.",
        (),
    )


def test_takes_say_which_voice_they_are_like_and_are_counted(
    studio: Studio, voice: Voice, recording: Path
) -> None:
    assert studio.voices.uses(voice.id, "ann").takes == 0
    reference = studio.voices.reference(voice)
    assert (reference.text, reference.voice) == ("Hello.", voice.id)
    takes = [spoken(studio, mode=Capability.CLONE, reference=reference) for _ in range(2)]
    spoken(studio, "eve", mode=Capability.CLONE, reference=reference)
    assert takes[0].voice == "like Zoë 😀"
    for name, of in (("Loud", voice.id), ("Other", "")):
        studio.personalities.create(
            NewPersonality(name, (NewEmotion("neutral", recording),), voice=of), "ann"
        )
    uses = studio.voices.uses("zoë 😀", "ann")
    assert uses.takes == 2
    assert uses.personalities == ("Loud",)
    studio.voices.delete(voice.id, "ann")
    assert studio.history.path(takes[0]).exists(), "what was made from it stays"
    assert studio.personalities.get("Loud", "ann")


def test_a_deleted_voice_can_leave_its_recording(studio: Studio, voice: Voice, tmp_path: Path) -> None:
    content = voice.audio.read_bytes()
    with pytest.raises(BadInput):
        studio.voices.delete(voice.id, "ann", tmp_path / "kept.exe")
    assert studio.voices.get(voice.id, "ann") == voice
    copy = studio.voices.duplicate(voice.id, "ann", "copy")
    studio.voices.delete(voice.id, "ann", tmp_path / "kept.wav")
    studio.voices.delete(copy.id, "ann", tmp_path / "kept.mp3")
    assert (tmp_path / "kept.wav").read_bytes() == content
    assert (tmp_path / "kept.mp3").stat().st_size > 1_000
    assert studio.voices.list("ann") == []
    assert snapshot(studio.workspace.voices) == {".lock"}


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
