"""Old takes, videos and transcripts go, with their files; favourites and young ones never."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engines.base import Capability
from studio.control import Control
from studio.errors import NotFound
from studio.services.avatar_values import VideoRecord
from studio.services.history import sidecar_path
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.services.transcript_history import JSON, RAW, TEXT
from studio.services.transcripts import Transcript, TranscriptRecord
from studio.settings import load_settings
from tests.audio_files import tone, wav
from tests.running import until

DAY_S = 86_400.0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    with ExitStack() as stack:
        yield lambda days: stack.enter_context(
            Studio(load_settings(home=tmp_path / "home", keep_outputs_days=days))
        )


def take(studio: Studio, days_old: float, owner: str = "", favourite: bool = False) -> Path:
    """A real one; returns its file."""
    order = SpeechOrder(Capability.PRESET, "Hello.", "espeak", "en-us")
    record = studio.speech.speak(order, owner)
    studio.history.set_favourite(record.id, owner, favourite)
    aged(studio, "takes", record.id, days_old)
    return studio.history.path(record)


def video(studio: Studio, days_old: float, favourite: bool = False) -> Path:
    """A row and a file that stands for a video."""
    name = f"v{days_old}-{favourite}"
    path = studio.workspace.outputs / f"{name}.mp4"
    path.write_bytes(b"video")
    record = VideoRecord(
        id=name, created=0, owner="ann", engine="animator", model="", text="Hi.", avatar="mia",
        settings={}, duration=1.0, seconds=1.0, drawing_seconds=1.0, width=64, height=64, fps=25,
        file=path.name, favourite=favourite,
    )  # fmt: skip
    studio.avatars.history.add(record, None)
    studio.avatars.history.set_favourite(name, "ann", favourite)
    aged(studio, "videos", name, days_old)
    return path


def transcript(studio: Studio, name: str, days_old: float) -> list[Path]:
    """A row, its files and its recording; returns these."""
    recording = wav(studio.workspace.home / f"{name}.wav", tone(0.1 + days_old / 1_000))
    history = studio.transcripts.history
    record = TranscriptRecord(
        id=name, created=time.time(), owner="ann", name=name, recording="", engine="pocketsphinx",
        model="", task="transcribe", transcript=Transcript((), "en", None, 0.1), recognised=0.1,
        seconds=0.1, status="done", settings={}, raw_text="Hi.", text="Hi.", file="",
    )  # fmt: skip
    kept = history.add(record, history.take_in(recording, studio.workspace.spool / record.id, Control()))
    aged(studio, "transcripts", name, days_old)
    return [history.recording(kept), *(history.path(kept, ending) for ending in (RAW, TEXT, JSON))]


def aged(studio: Studio, table: str, id_: str, days: float) -> None:
    moment = time.time() - days * DAY_S
    studio.database.execute(f"UPDATE {table} SET created = ? WHERE id = ?", (moment, id_))


def test_what_is_too_old_goes_and_nothing_else(opened: Callable[..., Studio]) -> None:
    studio = opened(7)
    old = [
        *(take(studio, 8), take(studio, 400, owner="ann"), video(studio, 7.5)),
        *transcript(studio, "old", 8),
    ]
    kept = [
        *transcript(studio, "young", 6),
        *(take(studio, 6.5), take(studio, 0), take(studio, 400, favourite=True)),
        *(video(studio, 1), video(studio, 400, favourite=True)),
    ]
    sidecars = [sidecar_path(path) for path in old[:2]]
    assert all(path.exists() for path in (*old, *kept, *sidecars))
    assert studio.expiry.sweep() == 4
    assert not any(path.exists() for path in (*old, *sidecars))
    assert all(path.exists() for path in kept)
    assert len(studio.history.list("")) == 3
    assert studio.history.list("ann") == []
    assert len(studio.avatars.history.list("ann")) == 2
    assert [each.id for each in studio.transcripts.history.list("ann")] == ["young"]
    assert studio.expiry.sweep() == 0


def test_nothing_goes_unless_it_is_set(opened: Callable[..., Studio]) -> None:
    studio = opened(0)
    kept = take(studio, 4000)
    studio.expiry.begin()
    assert studio.expiry.sweep() == 0
    assert kept.exists()


def test_the_server_does_it_by_itself(opened: Callable[..., Studio]) -> None:
    studio = opened(1)
    old = take(studio, 2)
    studio.expiry.begin()
    until(lambda: not old.exists())


def test_one_that_cannot_go_does_not_hold_up_the_others(
    opened: Callable[..., Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = opened(1)
    paths = [take(studio, days) for days in (5, 4, 3, 2)]
    first, second, *_ = studio.history.older_than(time.time())
    failures = {first[0]: PermissionError("in use"), second[0]: NotFound("gone")}
    real = studio.history.delete

    def delete(id_: str, owner: str) -> None:
        if id_ in failures:
            raise failures[id_]
        real(id_, owner)

    monkeypatch.setattr(studio.history, "delete", delete)
    assert studio.expiry.sweep() == 2
    assert [path.exists() for path in paths] == [True, True, False, False]
