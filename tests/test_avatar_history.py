"""Videos in the history: whose they are, how they are found and made again, and what goes with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.control import Control
from studio.errors import Damaged, NotFound
from studio.services.avatar_values import AvatarOrder, Subtitles, VideoRecord
from studio.services.face_values import FaceChoice
from studio.services.studio import Studio
from tests import face_files
from tests.avatar_orders import SMALL, left, order, says, studio_of_videos
from tests.face_files import nobody, save


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    with studio_of_videos(tmp_path_factory, measure_once) as opened:
        yield opened


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of a face."""
    return save(face_files.portrait(), tmp_path_factory.mktemp("faces") / "eileen.png")


@pytest.fixture
def me(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def test_owners_see_their_own_videos_only(studio: Studio, me: str) -> None:
    task_id = studio.avatars.start(order("Hi."), me)
    record = studio.avatars.outcome(task_id)
    for attempt in (
        lambda: studio.avatars.status(task_id, "another"),
        lambda: studio.avatars.stop(task_id, "another"),
        lambda: list(studio.avatars.follow(task_id, "another")),
        lambda: studio.avatars.get(record.id, "another"),
        lambda: studio.avatars.set_note(record.id, "another", "mine"),
        lambda: studio.avatars.set_favourite(record.id, "another", True),
        lambda: studio.avatars.delete(record.id, "another"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert studio.avatars.list("another") == []
    assert studio.avatars.get(record.id, me) == record
    assert [status.id for status in studio.avatars.running(me)] == [task_id]


def test_a_task_of_another_kind_is_no_video(studio: Studio, me: str) -> None:
    task_id = studio.tasks.start("prepare", "Another", lambda task: 7, me)
    with pytest.raises(NotFound):
        studio.avatars.status(task_id, me)


def test_notes_favourites_and_search(studio: Studio, me: str) -> None:
    first = studio.avatars.make(order("Hello."), me)
    second = studio.avatars.make(order("Bye."), me)
    studio.avatars.set_note(first.id, me, "  the GRÊETING\ud800 ")
    studio.avatars.set_favourite(first.id, me, True)
    changed = replace(first, note="the GRÊETING", favourite=True)
    assert studio.avatars.list(me) == [second, changed]
    assert studio.avatars.list(me, favourites=True) == [changed]
    assert studio.avatars.list(me, "gre\u0302eting") == [changed], "as other keyboards write it"
    assert studio.avatars.list(me, "BYE") == [second]
    assert studio.avatars.list(me, limit=1, offset=1) == [changed]


def test_what_the_history_does_not_take_leaves_no_face(studio: Studio, me: str, tmp_path: Path) -> None:
    record = VideoRecord(
        "7" * 32, 0.0, me, "animator", "", "", "Nobody", {}, 1.0, 1.0, 1.0, 64, 64, 25, "video/none.mp4"
    )
    history = studio.avatars.history
    face = history.take_in(save(nobody(64, 80), tmp_path / "a.png"), "a.png", tmp_path, Control())
    history.add(record, None)
    with pytest.raises(sqlite3.IntegrityError):
        history.add(record, face)
    assert not (studio.workspace.faces / face.name).exists()


def test_deleting_frees_files_and_the_face_goes_with_its_last_video(
    studio: Studio, me: str, tmp_path: Path, portrait: Path
) -> None:
    wanted = order("Hi.", face=FaceChoice(file=portrait), subtitles=Subtitles.FILE)
    first, second = (studio.avatars.make(wanted, me) for _ in range(2))
    face = studio.avatars.history.face(first)
    assert face is not None
    assert face.read_bytes() == portrait.read_bytes()
    path = studio.avatars.path(first)
    copy = studio.workspace.gradio_temp / "abc" / path.name
    copy.parent.mkdir(parents=True)
    copy.touch()
    studio.avatars.delete(first.id, me)
    assert not copy.exists()
    assert [each for each in left(studio) if path.stem in each] == []
    assert face.exists()
    studio.avatars.delete(second.id, me)
    assert not face.exists()
    assert studio.history.get(second.take, me).text == "Hi.", "the speech is another thing"
    with pytest.raises(NotFound):
        studio.avatars.get(first.id, me)


def test_an_order_can_be_made_again_from_the_history(
    studio: Studio, me: str, tmp_path: Path, portrait: Path
) -> None:
    wanted = AvatarOrder(
        says("Hi.", speed=1.2, seed=5),
        FaceChoice(file=portrait, face=0),
        fps=30,
        max_height=SMALL,
        subtitles=Subtitles.FILE,
        label=False,
        options={"opening": 1.2},
    )
    record = studio.avatars.make(wanted, me)
    again = studio.avatars.order(record)
    kept = studio.avatars.history.face(record)
    assert again == replace(wanted, face=FaceChoice(file=kept, face=0, name=portrait.name))
    other = studio.avatars.make(again, me)
    assert (other.face, other.avatar) == (record.face, record.avatar)
    assert studio.avatars.order(other) == again
    broken = replace(record, settings={"says": {"kind": "nothing"}})
    with pytest.raises(Damaged):
        studio.avatars.order(broken)
