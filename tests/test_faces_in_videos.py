"""Faces in videos: followed, missed for a while, told apart, and refused with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.errors import BadInput
from studio.services.face_tracking import track
from studio.services.face_values import FaceChoice
from studio.services.faces import FaceService
from studio.video.types import Picture
from tests.face_files import MOUTH, nobody, portrait, save_video
from tests.looking import FPS, hand_set, look, middle, mouth, panned, scene, shots


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> FaceService:
    """One for all: what it has found in a file it keeps by the file's content."""
    return FaceService(tmp_path_factory.mktemp("faces"))


def test_a_face_is_followed_through_a_video(service: FaceService, tmp_path: Path) -> None:
    path = save_video(panned(40, 2.0), tmp_path / "pan.mp4")
    seen = look(service, path)
    assert (seen.still, seen.size, seen.chosen) == (False, (300, 300), 0)
    assert seen.seconds == pytest.approx(1.6, abs=0.05)
    made = scene(service, path, seconds=1.6)
    assert not made.still
    assert made.size == (300, 300)
    followed = shots(made, 40)
    for at, shot in enumerate(followed):
        assert mouth(shot.face) == pytest.approx((MOUTH[0] - 40 - 2 * at, MOUTH[1]), abs=4), at
    # Smoothed: the path has no jumps of its own. The ends are averaged over fewer frames.
    x = np.array([middle(shot.face)[0] for shot in followed])[2:-2]
    assert np.abs(np.diff(x) + 2.0).max() < 1.0


def test_a_video_is_cut_to_the_sound_or_played_again(service: FaceService, tmp_path: Path) -> None:
    path = save_video(panned(10, 4.0), tmp_path / "short.mp4")
    assert len(shots(scene(service, path, seconds=0.2), 5)) == 5
    again = shots(scene(service, path, seconds=1.0), 25)
    assert len(again) == 25
    for at in range(15):
        np.testing.assert_array_equal(again[at].picture, again[at + 10].picture)
        assert again[at].face == again[at + 10].face
    assert not np.array_equal(again[9].picture, again[10].picture)


def test_a_video_is_scaled_down_with_its_faces(service: FaceService, tmp_path: Path) -> None:
    path = save_video(panned(8), tmp_path / "a.mp4")
    (shot,) = shots(scene(service, path, height=150), 1)
    assert shot.picture.shape == (150, 150, 3)
    assert mouth(shot.face) == pytest.approx(((MOUTH[0] - 40) / 2, MOUTH[1] / 2), abs=3)


def with_gap(before: int, gap: int, after: int) -> Iterator[Picture]:
    for at in range(before + gap + after):
        yield nobody(150, 150) if before <= at < before + gap else portrait()[::2, ::2]


def test_a_short_gap_is_bridged(service: FaceService, tmp_path: Path) -> None:
    path = save_video(with_gap(15, 20, 15), tmp_path / "gap.mp4")
    for shot in shots(scene(service, path, seconds=2.0), 50):
        assert mouth(shot.face) == pytest.approx(((MOUTH[0] - 80) / 2, MOUTH[1] / 2), abs=3)


def test_a_long_gap_is_told_with_its_times(service: FaceService, tmp_path: Path) -> None:
    path = save_video(with_gap(25, 30, 20), tmp_path / "gap.mp4")
    with pytest.raises(BadInput, match=r"not seen in “gap.mp4” from 1\.0 to 2\.2 s\. Cut"):
        scene(service, path, seconds=3.0)
    # What the sound does not reach does not matter.
    assert len(shots(scene(service, path, seconds=0.9), 22)) == 22


def test_a_face_that_is_mostly_gone_is_told_so(service: FaceService, tmp_path: Path) -> None:
    path = save_video(with_gap(15, 60, 0), tmp_path / "gone.mp4")
    with pytest.raises(BadInput, match=r"only 20% of “gone.mp4”.*from 0\.6 to 3\.0 s"):
        scene(service, path, seconds=3.0)


def test_a_video_of_nobody_is_refused(service: FaceService, tmp_path: Path) -> None:
    path = save_video([nobody()] * 10, tmp_path / "nobody.mp4")
    assert look(service, path).chosen is None
    with pytest.raises(BadInput, match=r"No face was found in the first 4 s of “nobody.mp4”.*by hand"):
        scene(service, path)
    by_hand = scene(service, FaceChoice(file=path, landmarks=hand_set()))
    assert {mouth(shot.face) for shot in shots(by_hand, 12)} == {mouth(shots(by_hand, 1)[0].face)}


def test_a_video_of_one_frame_is_a_still(service: FaceService, tmp_path: Path) -> None:
    path = save_video([portrait()], tmp_path / "one.mp4")
    assert look(service, path).still
    made = scene(service, path)
    assert made.still
    assert len(shots(made, 30)) == 30


def two_people(count: int, hidden: range) -> Iterator[Picture]:
    """Two of them side by side, both moving; the left one is hidden for a while."""
    small = portrait()[::2, ::2]
    for at in range(count):
        left = nobody(150, 150) if at in hidden else np.roll(small, at // 2, axis=1)
        yield np.concatenate([left, np.roll(small, -(at // 2), axis=1)], axis=1)


def test_the_chosen_one_of_two_is_followed_and_never_the_other(
    service: FaceService, tmp_path: Path
) -> None:
    path = save_video(two_people(60, range(5, 33)), tmp_path / "two.mp4")
    assert len(look(service, path).faces) == 2
    made = scene(service, FaceChoice(file=path, face=1), seconds=2.4)
    for at, shot in enumerate(shots(made, 60)):
        assert mouth(shot.face)[0] == pytest.approx((MOUTH[0] - 80) / 2 + 150 - at / 2, abs=4)
    with pytest.raises(BadInput, match=r"not seen in “two.mp4” from 0\.2 to 1\.3 s"):
        scene(service, FaceChoice(file=path, face=0), seconds=2.4)
    # Half a second of it is bridged, and the other one is never taken for the one.
    path = save_video(two_people(30, range(8, 16)), tmp_path / "bridged.mp4")
    made = scene(service, FaceChoice(file=path, face=0), seconds=1.2)
    for at, shot in enumerate(shots(made, 30)):
        assert mouth(shot.face)[0] == pytest.approx((MOUTH[0] - 80) / 2 + at / 2, abs=4)


def test_one_person_is_followed_over_a_cut_whatever_else_looks_a_little_like_a_face() -> None:
    def seen(*faces: tuple[float, float]) -> np.ndarray:
        """Faces by where their left side is, and their confidence."""
        return np.array([[x, 9, x + 80, 99, *[x + 40, 50] * 5, confidence] for x, confidence in faces])

    frames = [seen((100, 0.99))] * 30 + [seen((110, 0.85), (500, 0.99))] * 2 + [seen((500, 0.99))] * 40
    found = track(frames, 0, frames[0][0], FPS, "a.mp4")
    assert found[:, 0] == pytest.approx([100] * 30 + [500] * 42)
    frames[-1] = seen((300, 0.99), (500, 0.99))  # somebody else: now it may be another one after the cut
    with pytest.raises(BadInput, match=r"from 1\.3 to"):
        track(frames, 0, frames[0][0], FPS, "a.mp4")


def test_a_video_that_shows_fewer_frames_a_second_has_a_face_in_each(
    service: FaceService, tmp_path: Path
) -> None:
    path = save_video(panned(8, 6.0), tmp_path / "slow.mp4", fps=8)
    followed = shots(scene(service, path, seconds=1.0), 25)
    assert len(followed) == 25
    assert mouth(followed[0].face)[0] - mouth(followed[-1].face)[0] == pytest.approx(42, abs=6)
