"""Videos that do not come about: what is refused at once, and what one that breaks off leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.base import Capability, EngineFolders
from engines.manager import EngineManager
from engines.registry import AVATARS, Registry
from studio.control import Control
from studio.errors import (
    BadInput,
    Cancelled,
    EngineFailed,
    ModelMissing,
    NotFound,
    StorageFailed,
    StudioError,
)
from studio.files import PARTIAL_SUFFIX
from studio.services.avatar_values import STAGE_DRAWING, AvatarOrder, Making, Subtitles
from studio.services.avatars import AvatarService
from studio.services.face_values import FaceChoice
from studio.services.performance_values import PerformOrder
from studio.services.studio import Studio
from studio.services.tasks import TaskState, TaskStatus
from studio.settings import load_settings
from tests import avatars_for_tests
from tests.audio_files import wav
from tests.avatar_orders import TEXT, given, left, order, says, studio_of_videos
from tests.face_files import nobody, save
from tests.running import until
from tests.small_disk import tiny_disk
from tests.spoken import saved, spoken


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    with studio_of_videos(tmp_path_factory, measure_once) as opened:
        yield opened


@pytest.fixture
def me(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def test_the_sound_has_limits_that_are_said_at_once(studio: Studio, tmp_path: Path) -> None:
    long = wav(tmp_path / "long.wav", np.zeros(61 * 8_000, np.float32), 8_000)
    with pytest.raises(BadInput, match="61 s or more, over the limit of 60 s"):
        studio.avatars.start(given(long))
    short = wav(tmp_path / "short.wav", np.zeros(240, np.float32))
    with pytest.raises(BadInput, match="10 ms") as refused:
        studio.avatars.start(given(short))
    assert "50 ms" in refused.value.hint
    empty = tmp_path / "empty.wav"
    empty.touch()
    words = tmp_path / "words.wav"
    words.write_text("no sound at all " * 100)
    for path in (empty, words, tmp_path / "none.wav", tmp_path):
        with pytest.raises(BadInput):
            studio.avatars.start(given(path))
    with pytest.raises(BadInput, match=r"over the limit of 1\.0 min"):
        studio.avatars.start(order(TEXT * 100))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"says": says("  ")}, BadInput, "nothing to speak"),
        ({"says": says(engine="none")}, NotFound, "none"),
        ({"says": PerformOrder("Nobody", "Hello.")}, NotFound, "Nobody"),
        ({"fps": 24}, BadInput, "25 or 30"),
        ({"max_height": 100}, BadInput, "128 to 2160"),
        ({"options": {"smile": 1.0}}, NotFound, "smile"),
        ({"options": {"opening": 99.0}}, BadInput, "out of range"),
        ({"options": {"opening": float("nan")}}, BadInput, "out of range"),
        ({"engine": "puppet"}, NotFound, "animator"),
        ({"model": "wav2lip"}, BadInput, "no models"),
        ({"engine": "wav2lip"}, ModelMissing, "models download wav2lip"),
        ({"engine": "wav2lip", "model": "puppet"}, NotFound, "puppet"),
        ({"face": FaceChoice("nobody")}, NotFound, "built-in avatar"),
        ({"face": FaceChoice(file=Path("none.png"))}, BadInput, "does not exist"),
        ({"face": FaceChoice("mia", Path(__file__))}, BadInput, "Leave one of them out"),
        ({"says": says("你好。"), "subtitles": Subtitles.BURNT}, BadInput, "file of their own"),
    ],
)
def test_a_bad_order_is_refused_at_once(
    studio: Studio, me: str, changes: dict[str, Any], kind: type[StudioError], words: str
) -> None:
    with pytest.raises(kind) as refused:
        studio.avatars.start(order(**changes), me)
    assert words in str(refused.value)
    assert studio.avatars.running(me) == []


def test_subtitles_need_somebody_who_knows_the_words(studio: Studio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", spoken())
    with pytest.raises(BadInput, match="not known") as refused:
        studio.avatars.start(given(path, subtitles=Subtitles.FILE))
    assert "Give its text" in refused.value.hint


def test_a_picture_without_a_face_is_refused_before_anything_is_spoken(
    studio: Studio, me: str, tmp_path: Path
) -> None:
    before = sorted(studio.workspace.faces.iterdir())
    path = save(nobody(), tmp_path / "landscape.png")
    words = tmp_path / "words.png"
    words.write_text("no picture at all")
    for file, said in (
        (path, "No face was found in “landscape.png”"),
        (words, "“words.png” is neither"),
    ):
        with pytest.raises(BadInput, match=said):
            studio.avatars.make(order(face=FaceChoice(file=file)), me)
    named = FaceChoice(file=words, name="../my \0 own.png")
    with pytest.raises(BadInput, match=r"own\.png” is neither"):
        studio.avatars.make(order(face=named), me)
    assert studio.history.list(me) == []
    assert sorted(studio.workspace.faces.iterdir()) == before
    assert list(studio.workspace.spool.glob("*/")) == []


def opened(studio: Studio) -> AvatarService:
    """The avatars over the engines for tests; speech and all else are the studio's."""
    folders = EngineFolders(studio.workspace.voice_prompts, studio.model_folders)
    registry = Registry(folders, avatars={**AVATARS, **avatars_for_tests.TABLE})
    tools = studio.avatars._tools
    return AvatarService(
        studio.settings,
        studio.workspace,
        EngineManager(registry),
        studio.tasks,
        studio.avatars.history,
        studio.faces,
        studio.history,
        studio.speech,
        studio.performances,
        studio.transcripts,
        tools.sounds.words,
    )


def begun(service: AvatarService, wanted: AvatarOrder, owner: str) -> str:
    """A task that has drawn some pictures."""
    task_id = service.start(wanted, owner)

    def drawing() -> bool:
        status = service.status(task_id)
        assert not status.state.finished, status
        return isinstance(status.detail, Making) and status.detail.frame > 0

    until(drawing)
    return task_id


def test_stop_leaves_no_video_but_what_was_spoken(studio: Studio, me: str) -> None:
    service = opened(studio)
    before = left(studio)
    task_id = begun(service, order(" ".join([TEXT] * 4), engine="slow"), me)
    detail = service.status(task_id, me).detail
    assert detail.stage == STAGE_DRAWING
    until(lambda: any(PARTIAL_SUFFIX in name for name in left(studio)))
    service.stop(task_id, me)
    with pytest.raises(Cancelled, match="history"):
        service.outcome(task_id)
    assert service.status(task_id).state is TaskState.STOPPED
    assert left(studio) == before
    assert service.list(me) == []
    assert studio.history.get(detail.take, me).status == "done"
    assert list(studio.workspace.spool.glob("*/")) == []


def test_stop_while_it_is_spoken(studio: Studio, me: str) -> None:
    control = Control()

    def on_status(status: TaskStatus) -> None:
        if status.stage == "speech: speaking":
            control.cancel()

    old_man = says(" ".join([TEXT] * 20), mode=Capability.DESIGN, description="an old man")
    with pytest.raises(Cancelled):
        studio.avatars.make(order(says=old_man), me, on_status, control)
    assert studio.avatars.list(me) == []
    assert [take.status for take in studio.history.list(me)] in ([], ["stopped"])
    until(lambda: not any(state.in_use for state in studio.engines.state().engines))


@pytest.mark.parametrize(
    ("engine", "kind", "words"),
    [
        ("breaking", EngineFailed, "The log names it"),
        ("full", EngineFailed, "smaller height"),
        ("short", EngineFailed, "after 3 of"),
    ],
)
def test_an_engine_that_breaks_off_leaves_nothing_half_made(
    studio: Studio, me: str, engine: str, kind: type[StudioError], words: str
) -> None:
    before = left(studio)
    service = opened(studio)
    task_id = service.start(order(engine=engine), me)
    with pytest.raises(kind, match=words):
        service.outcome(task_id)
    assert left(studio) == before
    assert service.list(me) == []
    assert len(studio.history.list(me)) == 1, "what was spoken is kept"
    assert "What was spoken is in the history." in service.status(task_id).notes
    assert service.make(order("Hello."), me).duration > 0, "the next one works"


def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path) -> None:
    with (
        tiny_disk("48k") as disk,
        Studio(load_settings(home=tmp_path / "home", models_dir=tmp_path / "models")) as studio,
    ):
        (studio.workspace.outputs / "video").symlink_to(disk)
        with pytest.raises(StorageFailed) as failed:
            studio.avatars.make(order(" ".join([TEXT] * 4), max_height=480))
        assert "full" in failed.value.message
        assert [path for path in disk.rglob("*") if path.is_file()] == []
        assert studio.avatars.list("") == []
        assert len(studio.history.list("")) == 1
        filled, full = disk / "filled", 0
        for size in range(44, 16, -4):  # at some of them only what belongs beside the video fails
            filled.write_bytes(bytes(size << 10))
            try:
                record = studio.avatars.make(order("Hi.", max_height=128, subtitles=Subtitles.FILE))
                studio.avatars._files.remove(studio.avatars._files.path(record))
            except StorageFailed:
                full += 1
            assert [path.name for path in disk.rglob("*") if path.is_file()] == ["filled"], size
        assert full >= 2


def test_speech_is_not_held_up_by_a_long_video(studio: Studio, me: str, tmp_path: Path) -> None:
    service = opened(studio)
    engines = service._tools.engines
    long = saved(tmp_path / "long.wav", np.tile(spoken(), 8))
    task_id = begun(service, given(long, engine="slow"), me)
    with engines.lease("espeak", Control()) as lease:
        assert lease.engine.is_loaded
        assert not service.status(task_id).state.finished
    frame = service.status(task_id).detail.frame
    until(lambda: service.status(task_id).detail.frame > frame)
    service.stop(task_id)
    with pytest.raises(Cancelled):
        service.outcome(task_id)
