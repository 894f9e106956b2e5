"""Promises of saved voices: kept whole, found again, changed only where asked, and deleted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from engines.base import Capability, WordTiming
from studio.errors import BadInput, NotFound
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice, Voice, VoiceChange
from tests.audio_files import compressed, tone, wav
from tests.saved_voices import ZOE, sha256, spoken
from tests.test_names import snapshot


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return wav(tmp_path / "recording.wav", tone(3.0))


@pytest.fixture
def voice(studio: Studio, recording: Path) -> Voice:
    return studio.voices.create(NewVoice("Zoë 😀", recording, transcript="Hello."), "ann")


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


@pytest.mark.usefixtures("measured")
def test_takes_say_which_voice_they_are_like_and_are_counted(
    studio: Studio, voice: Voice, recording: Path
) -> None:
    assert studio.voices.uses(voice.id, "ann").takes == 0
    reference = studio.voices.reference(voice)
    assert (reference.text, reference.voice) == ("Hello.", voice.id)
    reference = replace(reference, x_vector_only=True)
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
