"""Promises of the embedded animator: any length, any picture, videos, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engines.animator import AnimatorEngine
from engines.avatar import AnimationRequest
from engines.base import EngineFolders
from studio.control import Control
from studio.errors import BadInput, Cancelled
from studio.models.folders import ModelFolders
from studio.video.types import Landmarks, Point, Shot, frame_count
from tests.animation import (
    NO_SOUND,
    QUIET,
    Moving,
    Still,
    astronaut,
    avatar,
    cut,
    difference,
    face_at,
    frames,
    held,
    inside_of_mouth,
    loaded_animator,
    points_of,
    portrait,
    said,
    scaled,
)


@pytest.fixture
def animator() -> Iterator[AnimatorEngine]:
    engine = loaded_animator()
    yield engine
    engine.unload()


# Lengths, sizes, faults


@pytest.mark.parametrize("seconds", [0.001, 0.1, 0.999, 1.01])
@pytest.mark.parametrize("fps", [25, 30])
def test_any_length_gives_the_frames_that_show_it(
    animator: AnimatorEngine, tmp_path: Path, seconds: float, fps: int
) -> None:
    soundfile.write(tmp_path / "s.wav", np.ones(round(16_000 * seconds)) * 0.1, 16_000)
    small = scaled(portrait(), 0.25)
    for scene in (Still(small), Moving([small])):
        for phonemes in ((), said("a m", seconds / 2)):
            request = AnimationRequest(scene, tmp_path / "s.wav", seconds, phonemes, fps)
            assert len(list(animator.animate(request, Control()))) == frame_count(seconds, fps)


@pytest.mark.parametrize(
    "make",
    [
        partial(scaled, portrait(), 65 / 512),
        partial(cut, portrait(), 101, 90, 398, 400),
        partial(cut, portrait(), 0, 0, 311, 512),  # the face at the right edge
        partial(scaled, astronaut(), 301 / 512),
        partial(scaled, portrait(), 1.61),
    ],
)
def test_any_size_of_face_and_picture_works(animator: AnimatorEngine, make: Callable[[], Shot]) -> None:
    shot = make()
    made = frames(animator, Still(shot), said("m a m", 0.3), head_motion=2, blinks=30)
    assert all(picture.shape == shot.picture.shape and picture.dtype == np.uint8 for picture in made)
    wide = held(animator, Still(shot), "a")
    assert inside_of_mouth(wide, shot.face) > inside_of_mouth(shot.picture, shot.face) + 0.03


def test_a_turned_head_is_animated_along_its_own_axes(animator: AnimatorEngine) -> None:
    shot = portrait()
    turned = np.ascontiguousarray(np.rot90(shot.picture))
    landmarks = Landmarks(*(Point(p.y, 511 - p.x) for p in points_of(shot)))
    upright = held(animator, Still(shot, "upright"), "a")
    sideways = held(animator, Still(Shot(turned, face_at(landmarks)), "turned"), "a")
    assert difference(np.rot90(upright), sideways).mean() < 0.3


@pytest.mark.parametrize(
    "landmarks",
    [
        Landmarks(Point(20, 20), Point(30, 20), Point(25, 25), Point(23, 30), Point(27, 30)),
        Landmarks(Point(150, 150), Point(250, 150), Point(200, 200), Point(250, 250), Point(160, 250)),
        Landmarks(Point(150, 250), Point(250, 250), Point(200, 200), Point(160, 150), Point(240, 150)),
        Landmarks(Point(900, 50), Point(990, 50), Point(950, 100), Point(910, 150), Point(980, 150)),
        Landmarks(
            Point(150, 150), Point(250, 150), Point(200, 200), Point(float("nan"), 250), Point(250, 250)
        ),
    ],
    ids=["tiny", "mirrored", "upside down", "outside", "not a number"],
)
def test_a_face_that_cannot_speak_is_refused_with_a_remedy(
    animator: AnimatorEngine, landmarks: Landmarks
) -> None:
    shot = Shot(portrait().picture, face_at(landmarks))
    with pytest.raises(BadInput) as failed:
        frames(animator, Still(shot), said("a"))
    assert "by hand" in failed.value.hint


def test_cancel_stops_within_a_frame(animator: AnimatorEngine) -> None:
    for scene in (Still(avatar("mia")), Moving([avatar("mia")])):
        control = Control()
        request = AnimationRequest(scene, NO_SOUND, 3600, said("a m " * 50), 25)
        made = animator.animate(request, control)
        next(made), next(made)
        control.cancel()
        with pytest.raises(Cancelled):
            next(made)


# Videos


def test_the_mouth_of_a_video_speaks_where_each_frame_has_it(animator: AnimatorEngine) -> None:
    shots = [cut(portrait(), x, 20, x + 400, 460) for x in (20, 30, 40, 50, 60)]
    made = frames(animator, Moving(shots), said("a", 0.8), blinks=30, head_motion=2)
    assert len(made) == 20
    for index in (6, 9, 13):
        shot = shots[index % 5]
        assert inside_of_mouth(made[index], shot.face) > inside_of_mouth(shot.picture, shot.face) + 0.05
        moved = difference(made[index], shot.picture)
        assert moved[: round(shot.face.landmarks.left_eye.y + 20)].max() == 0  # no blink, no sway
    assert all(not np.shares_memory(a, b.picture) for a in made for b in shots)


def test_a_mouth_that_is_turned_away_is_left_alone(animator: AnimatorEngine) -> None:
    shot = portrait()
    away = Landmarks(*points_of(shot)[:3], Point(250, 270), Point(252, 270))
    made = frames(animator, Moving([shot, Shot(shot.picture, face_at(away))]), said("a", 0.4))
    assert np.array_equal(made[5], shot.picture)
    assert not np.array_equal(made[4], shot.picture)


# What is kept


def test_the_same_order_gives_the_same_frames(animator: AnimatorEngine) -> None:
    again = AnimatorEngine(EngineFolders(Path(), ModelFolders(Path(), Path())))
    scene, options = Still(avatar("mia")), {"blinks": 25.0, "head_motion": 1.0}
    one, two = (frames(each, scene, said("m a u f i", 0.4), **options) for each in (animator, again))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    other = frames(animator, Still(avatar("mia"), "another"), said("m a u f i", 0.4), **options)
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_face_is_prepared_once_and_given_up_in_time(animator: AnimatorEngine) -> None:
    shot = scaled(portrait(), 0.25)
    first = Still(shot, "first")
    for _ in range(3):
        frames(animator, first, said("a"))
    assert first.asked == 1
    for number in range(5):
        frames(animator, Still(shot, f"other {number}"), said("a"))
    frames(animator, first, said("a"))
    assert first.asked == 2
    large = scaled(portrait(), 3)  # of such faces only one is kept
    for key in ("large", "larger"):
        frames(animator, Still(large, key), QUIET, seconds=0.01)
    frames(animator, first, said("a"))
    assert first.asked == 3
    frames(animator, first, said("a"))
    assert first.asked == 3
    animator.unload()
    assert not animator.is_loaded
    frames(animator, first, said("a"))
    assert first.asked == 4


def test_frames_belong_to_the_caller(animator: AnimatorEngine) -> None:
    shot, scene = avatar("mia"), Still(avatar("mia"))
    made = frames(animator, scene, said("a", 0.2))
    kept = [picture.copy() for picture in made]
    made[0][:] = 0
    assert all(np.array_equal(a, b) for a, b in zip(made[1:], kept[1:], strict=True))
    assert np.array_equal(frames(animator, scene, said("a", 0.2))[0], kept[0])
    assert not shot.picture.flags.writeable
