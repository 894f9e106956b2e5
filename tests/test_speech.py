"""From an order to a take in the history, with the embedded engine."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.base import Capability, EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.errors import BadInput, Cancelled, NotFound, StudioError
from studio.models.folders import ModelFolders
from studio.services import orders
from studio.services.history import sidecar_path
from studio.services.speech import SpeechService
from studio.services.studio import Studio
from studio.services.takes import Loudness, Reference, SpeechOrder, TakeState
from tests import engines_for_tests

TEXT = "Good morning. This is a short text, spoken by the embedded voice."
SHORT = "Good morning to all of you."


def preset(text: str = TEXT, **changes: object) -> SpeechOrder:
    order = SpeechOrder(Capability.PRESET, text, "espeak", language="en-us", seed=7)
    return replace(order, **changes)  # type: ignore[arg-type]


def spoken_reference(studio: Studio, path: Path, text: str = TEXT) -> Path:
    record = studio.speech.speak(preset(text))
    path.write_bytes(studio.history.path(record).read_bytes())
    return path


def test_a_take_has_a_file_a_sidecar_and_a_row(studio: Studio) -> None:
    record = studio.speech.speak(preset())
    path = studio.history.path(record)
    info = soundfile.info(path)
    assert info.samplerate == record.sample_rate
    assert info.duration == pytest.approx(record.duration, abs=0.01)
    assert 2 < info.duration < 10
    sidecar = json.loads(sidecar_path(path).read_text())
    assert sidecar["synthetic"] is True
    assert sidecar["text"] == TEXT
    assert studio.history.list("")[0] == record
    assert not list(studio.workspace.outputs.rglob("*.partial"))


def test_words_have_rising_times_within_the_sound(studio: Studio) -> None:
    record = studio.speech.speak(preset(TEXT + "\n\nAnother paragraph follows here."))
    words = studio.history.words(record)
    assert [word.text for word in words][:3] == ["Good", "morning.", "This"]
    assert words[-1].text == "here."
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert all(word.start <= word.end <= record.duration + 0.05 for word in words)


def test_the_finished_file_has_the_usual_loudness_unless_asked_otherwise(studio: Studio) -> None:
    import pyloudnorm

    levels = {}
    for loudness in Loudness:
        record = studio.speech.speak(preset(loudness=loudness, options={"volume": 40.0}))
        samples, rate = soundfile.read(studio.history.path(record))
        levels[loudness] = pyloudnorm.Meter(rate).integrated_loudness(samples)
        assert np.abs(samples).max() <= 10 ** (-1 / 20) + 0.01
    assert levels[Loudness.STANDARD] == pytest.approx(studio.settings.loudness_lufs, abs=0.7)
    assert levels[Loudness.AS_MADE] < levels[Loudness.STANDARD] - 3


def test_speed_changes_the_length(studio: Studio) -> None:
    slow, fast = (studio.speech.speak(preset(speed=speed)).duration for speed in (0.7, 1.6))
    assert 1.8 < slow / fast < 2.9


def test_a_long_text_is_spoken_whole_and_in_order(studio: Studio) -> None:
    text = " ".join(f"Sentence number {number} is here." for number in range(1, 31))
    record = studio.speech.speak(preset(text))
    words = [word.text for word in studio.history.words(record)]
    assert words == text.split()


def test_the_sound_can_be_heard_while_it_is_made(studio: Studio) -> None:
    take_id = studio.speech.start(preset(" ".join([TEXT] * 12)))
    live, heard = studio.speech.live(take_id), b""
    while True:
        block, ended = live.read_pcm(len(heard))
        heard += block
        if ended:
            break
        time.sleep(0.005)
    status = live.status
    assert status.state is TakeState.DONE
    assert status.first_audio is not None
    assert len(heard) / 2 / status.sample_rate == pytest.approx(status.audio_seconds, abs=0.01)


def test_progress_only_grows_and_ends_at_one(studio: Studio) -> None:
    seen = list(studio.speech.follow(studio.speech.start(preset(" ".join([TEXT] * 15)))))
    fractions = [status.fraction for status in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert seen[-1].rtf is not None


def test_stop_keeps_what_was_spoken_and_the_engine_goes_on(studio: Studio) -> None:
    take_id = studio.speech.start(preset(" ".join([TEXT] * 600)))
    while studio.speech.status(take_id).audio_seconds < 5:
        time.sleep(0.005)
    stopped = time.monotonic()
    studio.speech.stop(take_id)
    last = list(studio.speech.follow(take_id))[-1]
    assert time.monotonic() - stopped < 3
    assert last.state is TakeState.STOPPED
    assert last.record is not None
    assert last.record.status == "stopped"
    assert studio.history.path(last.record).exists()
    assert studio.speech.speak(preset()).status == "done"


def test_a_cancelled_call_raises(studio: Studio) -> None:
    control = Control()
    timer = threading.Timer(0.3, control.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        studio.speech.speak(preset(" ".join([TEXT] * 600)), control=control)


def test_eight_people_at_once_get_their_own_texts(studio: Studio) -> None:
    texts = [f"I am speaker number {number}. {TEXT}" for number in range(8)]
    ids = [
        studio.speech.start(preset(text), owner=f"person {number}") for number, text in enumerate(texts)
    ]
    for number, (take_id, text) in enumerate(zip(ids, texts, strict=True)):
        last = list(studio.speech.follow(take_id))[-1]
        assert last.record is not None
        assert [word.text for word in studio.history.words(last.record)] == text.split()
        assert [record.id for record in studio.history.list(f"person {number}")] == [take_id]
        assert not studio.speech.is_live(take_id, "somebody else")


@pytest.mark.usefixtures("measured")
def test_a_designed_voice_speaks(studio: Studio) -> None:
    order = SpeechOrder(Capability.DESIGN, TEXT, "espeak", description="an old man, deep and slow")
    record = studio.speech.speak(order)
    assert record.voice == "an old man, deep and slow"
    assert record.duration > 2


@pytest.mark.usefixtures("measured")
def test_a_clone_keeps_its_reference_so_that_it_can_be_made_again(
    studio: Studio, tmp_path: Path
) -> None:
    upload = spoken_reference(studio, tmp_path / "upload.wav", SHORT)
    order = SpeechOrder(
        Capability.CLONE, "A new sentence.", "espeak", "en-us", reference=Reference(upload, SHORT)
    )
    record = studio.speech.speak(order)
    upload.unlink()  # Gradio's copies go after a day
    again = orders.from_settings(record.settings, "Another sentence.")
    assert again.reference is not None
    assert again.reference.audio.exists()
    assert studio.speech.speak(again).duration > 0.3


@pytest.mark.usefixtures("measured")
def test_a_reference_goes_with_the_last_take_that_was_made_from_it(
    studio: Studio, tmp_path: Path
) -> None:
    upload = spoken_reference(studio, tmp_path / "upload.wav", SHORT)
    order = SpeechOrder(
        Capability.CLONE, "A short one.", "espeak", "en-us", reference=Reference(upload, SHORT)
    )
    first, second = studio.speech.speak(order), studio.speech.speak(order)
    kept = list(studio.workspace.references.iterdir())
    assert len(kept) == 1
    studio.history.delete(first.id, "")
    assert kept[0].exists()
    studio.history.delete(second.id, "")
    assert not kept[0].exists()
    assert upload.exists()


def test_settings_survive_the_round_trip(tmp_path: Path) -> None:
    order = SpeechOrder(
        Capability.CLONE,
        TEXT,
        "espeak",
        reference=Reference(tmp_path / "a.wav", "words", 1.0, 2.5, True),
        seed=3,
        loudness=Loudness.AS_MADE,
        options={"pitch": 60.0},
    )
    assert orders.from_settings(json.loads(json.dumps(orders.to_settings(order))), TEXT) == order


@pytest.mark.parametrize("text", ["", "   \n\t ", "😀🎉", "…!?"])
def test_a_text_with_nothing_to_speak_is_refused(studio: Studio, text: str) -> None:
    with pytest.raises(BadInput):
        studio.speech.start(preset(text))


def test_a_text_above_the_limit_is_refused_with_the_limit(studio: Studio) -> None:
    with pytest.raises(BadInput, match="200,000"):
        studio.speech.start(preset("a " * 150_000))


@pytest.mark.parametrize("name", ["gmw/en-us+F5", "flora", "Flora, English (America)"])
def test_a_voice_is_found_by_its_id_its_label_or_its_name(studio: Studio, name: str) -> None:
    plan = studio.speech.plan(preset(speaker=name))
    assert plan.speaker is not None
    assert plan.speaker.id == "gmw/en-US+f5"


def test_an_unknown_voice_lists_the_nearest(studio: Studio) -> None:
    with pytest.raises(NotFound, match="gmw/en-US"):
        studio.speech.start(preset(speaker="gmw/en-US+f9"))


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": 9.0},
        {"seed": -1},
        {"options": {"pitch": 1e9}},
        {"options": {"no such": 1.0}},
        {"language": "tlh"},
        {"mode": Capability.CLONE},
        {"mode": Capability.DESIGN},
        {"mode": Capability.STREAM},
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(
    studio: Studio, changes: dict[str, object]
) -> None:
    with pytest.raises(BadInput) as caught:
        studio.speech.start(preset(**changes))
    assert caught.value.hint


def reference_file(path: Path, samples: np.ndarray, rate: int = 16_000, **how: str) -> Path:
    soundfile.write(path, samples, rate, **how)
    return path


@pytest.mark.parametrize("case", ["text", "silence", "short", "nan", "missing", "folder"])
def test_a_bad_reference_fails_the_take_with_words(studio: Studio, tmp_path: Path, case: str) -> None:
    path = tmp_path / "reference.wav"
    if case == "text":
        path.write_text("This is no sound at all. " * 50)
    elif case == "silence":
        reference_file(path, np.zeros(16_000 * 5))
    elif case == "short":
        reference_file(path, np.random.default_rng(0).normal(0, 0.1, 1_600))
    elif case == "nan":
        reference_file(path, np.full(16_000 * 3, np.nan, np.float32), subtype="FLOAT")
    elif case == "folder":
        path.mkdir()
    order = SpeechOrder(Capability.CLONE, TEXT, "espeak", "en-us", reference=Reference(path))
    with pytest.raises(StudioError) as caught:
        studio.speech.speak(order)
    assert caught.value.message
    assert caught.value.hint
    assert studio.history.list("") == []
    assert not list(studio.workspace.references.iterdir())


@pytest.mark.usefixtures("measured")
def test_eight_channels_are_one_voice(studio: Studio, tmp_path: Path) -> None:
    mono, rate = soundfile.read(spoken_reference(studio, tmp_path / "mono.wav", SHORT))
    many = reference_file(tmp_path / "many.wav", np.tile(mono[:, None], (1, 8)), rate)
    reference = Reference(many, SHORT, x_vector_only=True)
    order = SpeechOrder(Capability.CLONE, "A new sentence.", "espeak", "en-us", reference=reference)
    assert studio.speech.speak(order).duration > 0.5


def test_a_broken_engine_keeps_what_was_spoken_and_says_so(studio: Studio, tmp_path: Path) -> None:
    registry = Registry(
        EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path)), engines_for_tests.TABLE
    )
    service = SpeechService(
        studio.settings, studio.workspace, EngineManager(registry), studio.history, _no_references()
    )
    order = SpeechOrder(Capability.PRESET, "hello there", "breaking", "en", speaker="sine")
    with pytest.raises(StudioError, match="unexpected"):
        service.speak(order)
    kept = studio.history.list("")
    assert [record.status for record in kept] == ["failed"]
    assert kept[0].duration == pytest.approx(0.3, abs=0.01)
    service.close()


def _no_references() -> object:
    return None


def test_the_spool_of_a_killed_process_plays(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "spool.wav", 16_000)
    writer.append(np.full(16_000, 0.25, np.float32))
    samples, rate = soundfile.read(tmp_path / "spool.wav")  # not closed: its header knows no length
    assert (len(samples), rate) == (16_000, 16_000)
    assert samples[100] == pytest.approx(0.25, abs=1e-3)


def test_a_deleted_take_can_no_longer_be_heard(studio: Studio) -> None:
    record = studio.speech.speak(preset())
    spool = studio.speech.live(record.id).spool
    studio.history.delete(record.id, "")
    studio.speech.forget(record.id)
    assert not studio.speech.is_live(record.id, "")
    assert not spool.exists()
