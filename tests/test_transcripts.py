"""Promises of the transcript service, with the embedded recognizer and a practice model of Whisper."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.control import Control
from studio.errors import BadInput, Cancelled, EngineFailed, NotFound
from studio.services.studio import Studio
from studio.services.transcribing import TranscriptService
from studio.services.transcript_editing import with_text
from studio.services.transcript_history import JSON, RAW, TranscriptHistory
from studio.services.transcripts import PostProcess, TranscribeOrder, TranscriptState
from studio.settings import load_settings
from tests.audio_files import claim_flac_frames, compressed
from tests.model_folders import checkpoint
from tests.running import until
from tests.spoken import RATE, saved, silence, spoken, with_pauses

PRACTICE = "whisper-practice"


@pytest.fixture
def practised(tmp_path: Path, whisper_models: Path) -> Iterator[Studio]:
    """A studio with Whisper's practice model."""
    with Studio(
        load_settings(home=tmp_path / "home", models_dir=whisper_models, device="cpu")
    ) as opened:
        yield opened


@pytest.fixture
def sentence(tmp_path: Path) -> Path:
    return saved(tmp_path / "sentence.wav", spoken())


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """What is recognised three times as fast."""
    return saved(tmp_path / "short.wav", spoken("Good morning."))


def files(studio: Studio) -> set[str]:
    return {path.name for path in studio.workspace.outputs.rglob("*") if path.is_file()}


def recordings(studio: Studio) -> list[str]:
    return [path.name for path in studio.workspace.recordings.iterdir()]


def test_a_recording_becomes_text_files_and_a_row(studio: Studio, sentence: Path) -> None:
    record = studio.transcripts.transcribe(TranscribeOrder(sentence))
    assert "you at the" in record.text
    assert record.text == record.raw_text == record.transcript.text
    assert (record.status, record.engine, record.transcript.language) == ("done", "pocketsphinx", "en")
    assert "taken for English" in record.notes[0]
    assert files(studio) == {f"{record.file}{ending}" for ending in (".txt", RAW, JSON)}
    history = studio.transcripts.history
    assert history.path(record).read_text("utf-8") == f"{record.text}\n"
    about = json.loads(history.path(record, JSON).read_text("utf-8"))
    assert about["segments"][0]["words"][0]["text"] == record.transcript.segments[0].words[0].text
    assert history.get(record.id, "") == record
    assert history.recording(record).read_bytes() == sentence.read_bytes()


def test_times_are_those_of_the_recording_in_order(studio: Studio, tmp_path: Path) -> None:
    path = saved(tmp_path / "pauses.wav", with_pauses(2, 4.0))
    statuses = []
    record = studio.transcripts.transcribe(TranscribeOrder(path), on_status=statuses.append)
    words = [word for segment in record.transcript.segments for word in segment.words]
    assert all(before.end <= after.start for before, after in pairwise(words))
    step = len(spoken()) / RATE + 4
    for index in range(2):
        begin = 4 + index * step
        assert any(begin - 0.3 <= word.start <= begin + 1.5 for word in words)
    assert not [word for word in words if 4 + step - 3 < word.start < 4 + step - 0.5], "in the silence"
    assert len(record.transcript.segments) == 2
    assert record.text.count("\n") == 1
    assert statuses[-1].state is TranscriptState.DONE
    assert statuses[-1].fraction == 1
    assert statuses[-1].rtf is not None


def test_partial_text_progress_and_the_time_left_are_told(practised: Studio, tmp_path: Path) -> None:
    path = saved(tmp_path / "long.wav", np.tile(spoken(), 20))
    seen = []
    order = TranscribeOrder(path, model=PRACTICE, language="en", words=False)
    record = practised.transcripts.transcribe(order, on_status=seen.append)
    partial = [status for status in seen if 0 < status.fraction < 1]
    assert partial
    assert partial[0].text
    assert partial[0].eta
    assert record.text.startswith(partial[0].text[:20])
    assert record.model == PRACTICE


def test_the_language_is_told_once_from_the_first_speech(practised: Studio, tmp_path: Path) -> None:
    path = saved(tmp_path / "long.wav", np.tile(spoken(), 20))
    record = practised.transcripts.transcribe(TranscribeOrder(path, model=PRACTICE, words=False))
    assert len({segment.language for segment in record.transcript.segments}) == 1
    assert record.transcript.language_probability is not None
    assert sum("told from the first speech" in note for note in record.notes) == 1


@pytest.mark.parametrize("level", [0.0, 0.004])
def test_silence_gives_no_text_and_says_so(studio: Studio, tmp_path: Path, level: float) -> None:
    record = studio.transcripts.transcribe(TranscribeOrder(saved(tmp_path / "q.wav", spoken(), level)))
    assert (record.text, record.transcript.segments, record.status) == ("", (), "done")
    expected = "lower silence_gate_dbfs" if level else "Nothing is said"
    assert any(expected in note for note in record.notes)
    assert not studio.engines.state().loads, "nothing was loaded for it"


def test_bad_recordings_are_refused_at_once(studio: Studio, tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    text = tmp_path / "text.wav"
    text.write_text("This is no sound at all, only words.")
    silent_film = compressed(tmp_path / "film.mp4", "aac", "mp4", video=True)
    import av

    film = tmp_path / "mute.mp4"
    with av.open(str(film), "w") as target:
        picture = target.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        target.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        target.mux(picture.encode(None))
    flac = tmp_path / "night.flac"
    soundfile.write(flac, silence(2), RATE)
    claim_flac_frames(flac, 12 * 3600 * RATE)
    for path, words in (
        (empty, "is empty"), (text, "not a recording"), (film, "no sound in"), (flac, "over the limit"),
        (tmp_path / "none.wav", "does not exist"), (tmp_path, "not a file"),
    ):  # fmt: skip
        began = time.thread_time()  # what other work on the machine takes does not count
        with pytest.raises(BadInput, match=words):
            studio.transcripts.start(TranscribeOrder(path))
        assert time.thread_time() - began < 1
    assert studio.transcripts.plan(TranscribeOrder(silent_film)).facts.duration > 1


def test_a_corrupt_checkpoint_is_an_error_that_names_the_remedy(studio: Studio, sentence: Path) -> None:
    path = studio.settings.models_dir / "Whisper" / "whisper-tiny" / "tiny.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(checkpoint())  # whole by its structure, and no Whisper
    with pytest.raises(EngineFailed, match="models download whisper-tiny"):
        studio.transcripts.transcribe(TranscribeOrder(sentence))
    assert (files(studio), recordings(studio)) == (set(), [])


def test_a_stop_keeps_what_was_recognised(practised: Studio, tmp_path: Path) -> None:
    path = saved(tmp_path / "long.wav", np.tile(spoken(), 40))
    order = TranscribeOrder(path, model=PRACTICE, language="en")
    transcript_id = practised.transcripts.start(order)
    until(lambda: practised.transcripts.status(transcript_id).segments, 60)
    began = time.process_time()  # what other work on the machine takes does not count
    practised.transcripts.stop(transcript_id)
    *_, last = practised.transcripts.follow(transcript_id)
    assert time.process_time() - began < 3
    assert last.state is TranscriptState.STOPPED
    assert last.record is not None
    assert 0 < last.record.recognised < last.record.transcript.duration
    assert practised.transcripts.history.get(transcript_id, "").text == last.text
    again = practised.transcripts.transcribe(
        TranscribeOrder(saved(tmp_path / "s.wav", spoken()), model=PRACTICE)
    )
    assert again.status == "done"


def test_a_stop_before_the_first_word_keeps_nothing(studio: Studio, sentence: Path) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        studio.transcripts.transcribe(TranscribeOrder(sentence), control=control)
    assert (files(studio), recordings(studio)) == (set(), [])
    assert not list(studio.workspace.spool.iterdir())


def test_owners_see_their_own_and_share_no_deletion(studio: Studio, short: Path) -> None:
    service, history = studio.transcripts, studio.transcripts.history
    first = service.transcribe(TranscribeOrder(short), owner="ada")
    second = service.transcribe(TranscribeOrder(short), owner="ben")
    assert service.is_live(first.id, "ada")
    assert not service.is_live(first.id, "ben")
    assert [record.id for record in history.list("ada")] == [first.id]
    for act in (history.get, history.delete, lambda id_, owner: history.update(id_, owner, ())):
        with pytest.raises(NotFound):
            act(first.id, "ben")
    assert first.file != second.file
    assert len(recordings(studio)) == 1
    history.delete(first.id, "ada")
    assert recordings(studio) == [second.recording], "the other one still needs it"
    history.delete(second.id, "ben")
    assert (files(studio), recordings(studio)) == (set(), [])


def test_edits_are_kept_and_the_raw_text_stays(studio: Studio, short: Path) -> None:
    history = studio.transcripts.history
    record = studio.transcripts.transcribe(TranscribeOrder(short, name="Station.wav"))
    edited = with_text(record.transcript.segments, 0, "We will see you at the station.")
    history.update(record.id, "", edited)
    history.set_note(record.id, "", "checked")
    again = history.get(record.id, "")
    assert (again.text, again.raw_text) == ("We will see you at the station.", record.raw_text)
    assert (again.note, again.name) == ("checked", "Station.wav")
    assert history.path(again).read_text("utf-8") == "We will see you at the station.\n"
    assert history.path(again, RAW).read_text("utf-8") == f"{record.raw_text}\n"
    assert [found.id for found in history.list("", "STATION")] == [record.id]
    assert history.list("", "nowhere") == []


@dataclass(frozen=True)
class Corrected:
    text: str
    notices: tuple[str, ...] = ()


def broken(text: str, language: str, context: str, control: Control) -> Corrected:
    raise EngineFailed("The server is down.", "Start it.")


def better(text: str, language: str, context: str, control: Control) -> Corrected:
    return Corrected(f"{context} {text.capitalize()}. ({language})", ("Looked over.",))


@pytest.mark.parametrize("post_process", [broken, better])
def test_a_correction_keeps_the_raw_text_beside_it(
    studio: Studio, short: Path, post_process: PostProcess
) -> None:
    history = TranscriptHistory(studio.database, studio.workspace.outputs, studio.workspace.recordings)
    service = TranscriptService(studio.settings, studio.workspace, studio.engines, history, post_process)
    record = service.transcribe(TranscribeOrder(short, prompt="Hm:"))
    if post_process is better:
        assert record.text == f"Hm: {record.raw_text.capitalize()}. (en)"
        assert "Looked over." in record.notes
        assert history.path(record, RAW).read_text("utf-8") == f"{record.raw_text}\n"
        raw = service.transcribe(TranscribeOrder(short, process=False))
        assert raw.text == raw.raw_text == record.raw_text
    else:
        assert record.text == record.raw_text
        assert any("The server is down." in note for note in record.notes)
    service.close()


def test_other_parts_ask_for_a_text_and_nothing_is_kept(studio: Studio, sentence: Path) -> None:
    assert "you at the" in studio.transcripts.transcribe_reference(sentence)
    assert (files(studio), recordings(studio)) == (set(), [])
    assert studio.transcripts.history.list("") == []


def test_recordings_that_a_killed_process_left_are_removed(studio: Studio) -> None:
    import os

    old, new = (studio.workspace.recordings / name for name in ("old.wav", "new.wav"))
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    TranscriptHistory(studio.database, studio.workspace.outputs, studio.workspace.recordings)
    assert recordings(studio) == ["new.wav"]
