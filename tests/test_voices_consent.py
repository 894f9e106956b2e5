"""Promises of saved voices: it is said whose they are, also of those that takes are saved as."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engines.base import Capability
from studio.errors import BadInput, NotFound
from studio.services import consent as consents
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.voice_values import Basis, Consent, NewVoice, VoiceChange
from studio.settings import Settings, load_settings
from tests.audio_files import tone, wav
from tests.saved_voices import ZOE, sha256, shared_studio, spoken


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return wav(tmp_path / "recording.wav", tone(3.0))


@pytest.fixture
def shared(tmp_path: Path, measure_once: Callable[[Path], None]) -> Iterator[Studio]:
    yield from shared_studio(tmp_path, measure_once)


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
    reference = replace(shared.voices.reference(source), x_vector_only=True)
    order = {"mode": Capability.CLONE, "reference": reference}
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
        NewPersonality("Zoë", (NewEmotion("neutral", recording, transcript="Hello."),), consent=ZOE),
        "ann",
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
