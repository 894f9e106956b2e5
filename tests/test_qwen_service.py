"""Qwen3-TTS through the speech service, as page, command line and API use it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import soundfile

from engines.base import Capability
from studio.errors import ModelMissing
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeRecord, TakeState
from studio.settings import Settings, load_settings
from tests.running import until


@pytest.fixture
def settings(tmp_path: Path, practice_models: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("QWEN_TTS_MODELS_DIR", str(practice_models))
    return load_settings(home=tmp_path / "home", models_dir=tmp_path / "models", device="cpu")


def order(text: str, mode: Capability = Capability.PRESET) -> SpeechOrder:
    return SpeechOrder(
        mode, text, "qwen", "en", speaker="ryan" if mode is Capability.PRESET else "",
        description="calm", seed=5,
    )  # fmt: skip


def test_lines_in_alternating_modes_load_two_models(studio: Studio) -> None:
    modes = [Capability.PRESET, Capability.DESIGN] * 3
    results = studio.speech.speak_batch([order("Hello.", mode) for mode in modes])
    assert [getattr(result, "mode", result) for result in results] == [str(mode) for mode in modes]
    assert studio.engines.state().loads == 2


def test_sound_comes_before_the_end_with_frames_counted_and_the_device_explained(
    studio: Studio,
) -> None:
    take_id = studio.speech.start(order("This is a sentence of some length."))
    stages = set()
    early = 0
    for status in studio.speech.follow(take_id):
        stages.add(status.stage.split(" frame")[0])
        early += not status.state.finished and status.audio_seconds > 0
    assert status.state is TakeState.DONE
    assert early > 0
    assert "speaking," in stages
    assert status.rtf
    assert any("cpu" in note and "set so" in note for note in status.notes)
    assert any("random" in note for note in status.notes)
    assert any("slow" in note for note in status.notes)


def test_a_very_long_text_is_stopped_at_once_and_keeps_what_was_spoken(studio: Studio) -> None:
    text = "One sentence after the other is spoken here. " * 2_200  # about 100,000 characters
    take_id = studio.speech.start(order(text))
    until(lambda: studio.speech.status(take_id).audio_seconds > 1, 60)
    asked = time.monotonic()
    studio.speech.stop(take_id)
    until(lambda: studio.speech.status(take_id).state.finished)
    assert time.monotonic() - asked < 5  # of a busy machine; a frame takes milliseconds here
    record = studio.speech.status(take_id).record
    assert isinstance(record, TakeRecord)
    assert record.status == "stopped"
    assert soundfile.info(studio.history.path(record)).duration == pytest.approx(record.duration)


def test_a_model_that_is_not_there_is_named_with_two_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWEN_TTS_MODELS_DIR", str(tmp_path / "empty"))
    with Studio(load_settings(home=tmp_path / "home")) as studio:
        with pytest.raises(ModelMissing) as caught:
            studio.speech.plan(order("Hello."))
        assert "models download qwen-1.7b-custom-voice" in caught.value.hint
        assert "models practice qwen" in caught.value.hint


def test_idle_models_are_unloaded(tmp_path: Path, settings: Settings) -> None:
    with Studio(settings.model_copy(update={"engine_idle_s": 0.5})) as studio:
        studio.speech.speak(order("Hello."))
        assert studio.engines.registry.get("qwen").is_loaded
        until(lambda: not studio.engines.registry.get("qwen").is_loaded)
