"""Faces in pictures: found, chosen, set by hand, drawn by us, and refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from studio.control import Control
from studio.errors import BadInput, NotFound
from studio.services.face_geometry import landmarks_by_hand
from studio.services.face_values import FaceChoice
from studio.services.faces import FaceService
from studio.video.types import Landmarks, Point
from tests.face_files import FACE_BOX, MOUTH, astronaut, nobody, portrait, save, save_video
from tests.looking import FPS, HEIGHT, hand_set, look, middle, mouth, scene, shots


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> FaceService:
    """One for all: what it has found in a file it keeps by the file's content."""
    return FaceService(tmp_path_factory.mktemp("faces"))


# Pictures


def test_a_portrait_shows_its_face(service: FaceService, tmp_path: Path) -> None:
    seen = look(service, save(astronaut(), tmp_path / "a.png"))
    assert (seen.still, seen.seconds, seen.chosen, seen.notes) == (True, None, 0, ())
    assert seen.size == (512, 512)
    np.testing.assert_array_equal(seen.preview, astronaut())
    (face,) = seen.faces
    assert (face.left, face.top, face.right, face.bottom) == pytest.approx(FACE_BOX, abs=4)
    assert mouth(face) == pytest.approx(MOUTH, abs=3)


def test_a_still_scene_is_one_shot_throughout(service: FaceService, tmp_path: Path) -> None:
    made = scene(service, save(astronaut(), tmp_path / "a.png"))
    assert made.still
    assert made.size == (512, 512)
    seen = shots(made, 60)
    assert len(seen) == 60
    assert all(shot is seen[0] for shot in seen)
    assert mouth(seen[0].face) == pytest.approx(MOUTH, abs=3)
    assert not seen[0].picture.flags.writeable


def test_a_scene_is_scaled_down_with_its_face(service: FaceService, tmp_path: Path) -> None:
    whole = scene(service, save(astronaut(), tmp_path / "a.png"))
    half = scene(service, tmp_path / "a.png", height=256)
    assert half.size == (256, 256)
    assert mouth(shots(half, 1)[0].face) == pytest.approx((MOUTH[0] / 2, MOUTH[1] / 2), abs=2)
    assert half.key != whole.key
    assert whole.key == scene(service, tmp_path / "a.png").key


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_turned_by_its_exif_is_seen_upright(
    service: FaceService, tmp_path: Path, orientation: int
) -> None:
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "phone.jpg"
    Image.fromarray(portrait()).transpose(turn[orientation]).save(path, quality=95, exif=exif)
    seen = look(service, path)
    assert mouth(seen.faces[0]) == pytest.approx((MOUTH[0] - 80, MOUTH[1]), abs=3)
    assert seen.notes == ()


@pytest.mark.parametrize("kind", ["jpg", "mp4"])
def test_how_large_the_file_is_is_known_beside_its_preview(
    service: FaceService, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"large.{kind}"
    if kind == "jpg":
        exif = Image.Exif()
        exif[0x0112] = 6  # it lies on its side in the file
        Image.fromarray(nobody(900, 1600)).save(path, exif=exif)
        expected = (900, 1600), (720, 1280)
    else:
        save_video([nobody(900, 1600)] * 2, path)
        expected = (1600, 900), (1280, 720)
    seen = look(service, path)
    assert (seen.whole, seen.size) == expected


def test_of_several_faces_one_is_chosen_from_the_left(service: FaceService, tmp_path: Path) -> None:
    small = np.concatenate([portrait()[::2, ::2], nobody(150, 150)])
    path = save(np.concatenate([small, portrait()], axis=1), tmp_path / "two.png")
    seen = look(service, path)
    assert len(seen.faces) == 2
    assert seen.faces[0].right < 150 < seen.faces[1].left
    assert seen.chosen == 1  # the larger one
    assert any("2 faces" in note for note in seen.notes)
    for face, wanted in ((None, 1), (0, 0), (1, 1)):
        made = scene(service, FaceChoice(file=path, face=face))
        assert middle(shots(made, 1)[0].face) == pytest.approx(middle(seen.faces[wanted]), abs=1)
    with pytest.raises(NotFound, match=r"no face 3.*2 faces were found"):
        scene(service, FaceChoice(file=path, face=2))


@pytest.mark.parametrize("kind", ["noise", "dusk", "cat"])
def test_where_nobody_is_the_person_is_asked_to_set_the_face(
    service: FaceService, tmp_path: Path, kind: str
) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    picture = {"noise": noise, "dusk": nobody(), "cat": data.chelsea()[:300, 75:375]}[kind]
    path = save(picture, tmp_path / "nobody.png")
    seen = look(service, path)
    assert (seen.faces, seen.chosen) == ((), None)
    assert "by hand" in seen.notes[0]
    with pytest.raises(
        BadInput, match=r"No face was found in “nobody.png”.*eyes and the mouth.*by hand"
    ):
        scene(service, path)


def test_a_face_of_30_pixels_is_refused_with_its_remedy(service: FaceService, tmp_path: Path) -> None:
    scale = 30 / (FACE_BOX[2] - FACE_BOX[0])
    small = Image.fromarray(astronaut()).resize((round(512 * scale),) * 2, Image.Resampling.BOX)
    path = tmp_path / "small.png"
    small.save(path)
    seen = look(service, path)
    assert "pixels wide" in seen.notes[0]
    with pytest.raises(BadInput, match=r"only (2|3)\d pixels wide.*40 are needed.*Crop"):
        scene(service, path)


def test_a_face_too_small_at_the_videos_height_is_refused(service: FaceService, tmp_path: Path) -> None:
    path = save(astronaut(), tmp_path / "a.png")
    with pytest.raises(BadInput, match=r"only 2\d pixels wide in a video of 144 x 144"):
        scene(service, path, height=144)


def test_a_profile_is_refused(service: FaceService, tmp_path: Path) -> None:
    grey = data.camera()  # a man who looks into his camera, seen from the side
    path = save(np.stack([grey] * 3, axis=2), tmp_path / "profile.png")
    assert "from the side" in look(service, path).notes[0]
    with pytest.raises(BadInput, match="from the side"):
        scene(service, path)


def test_a_face_that_turns_away_is_noted(service: FaceService, tmp_path: Path) -> None:
    narrow = Image.fromarray(portrait()).resize((130, 320))  # as if turned: the eyes come near
    path = tmp_path / "narrow.png"
    narrow.save(path)
    assert any("turned to the side" in note for note in look(service, path).notes)
    made = service.scene(FaceChoice(file=path), HEIGHT, FPS, 1.0, Control())
    assert any("turned to the side" in note for note in made.notes)


def test_a_tilted_head_is_noted(service: FaceService, tmp_path: Path) -> None:
    tilted = Image.fromarray(astronaut()).rotate(
        40, center=(224, 120), resample=Image.Resampling.BILINEAR
    )
    path = tmp_path / "tilted.png"
    tilted.save(path)
    assert any("tilted by" in note for note in look(service, path).notes)


@pytest.mark.parametrize(
    ("quarters", "remedy"), [(1, "to the right"), (2, "upside down"), (3, "to the left")]
)
def test_a_picture_on_its_side_is_told_how_to_stand(
    service: FaceService, tmp_path: Path, quarters: int, remedy: str
) -> None:
    path = save(np.rot90(astronaut(), quarters), tmp_path / "side.png")  # to the left
    assert remedy in look(service, path).notes[0]
    with pytest.raises(BadInput, match=f"not stand upright: turn it .*{remedy}"):
        scene(service, path)


def test_a_mouth_beyond_the_edge_is_refused(service: FaceService, tmp_path: Path) -> None:
    path = save(portrait()[:140], tmp_path / "cut.png")
    assert "cut off by the edge" in look(service, path).notes[0]
    with pytest.raises(BadInput, match="cut off by the edge"):
        scene(service, path)


def test_what_is_neither_picture_nor_video_is_refused(service: FaceService, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("not a picture")
    video = save_video([portrait()] * 3, tmp_path / "whole.mp4")
    (tmp_path / "cut.mp4").write_bytes(video.read_bytes()[:-900])  # its index is at the end
    for name in ("words.png", "cut.mp4"):
        with pytest.raises(BadInput, match=f"“{name}” is neither a picture nor a video.*incomplete"):
            look(service, tmp_path / name)
    with pytest.raises(BadInput, match="does not exist"):
        scene(service, tmp_path / "nowhere.png")
    with pytest.raises(BadInput, match="not a file"):
        look(service, tmp_path)


# Set by hand


def test_landmarks_by_hand_make_a_face_like_the_one_that_is_found(
    service: FaceService, tmp_path: Path
) -> None:
    path = save(portrait(), tmp_path / "a.png")
    found = shots(scene(service, path), 1)[0].face
    made = shots(scene(service, FaceChoice(file=path, landmarks=hand_set())), 1)[0].face
    box = (made.left, made.top, made.right, made.bottom)
    assert box == pytest.approx((found.left, found.top, found.right, found.bottom), abs=12)
    assert made.landmarks.left_eye == (124, 100)
    assert made.landmarks.nose == pytest.approx(found.landmarks.nose, abs=6)
    assert made.confidence == 1.0


def test_landmarks_by_hand_serve_where_nobody_is_found(service: FaceService, tmp_path: Path) -> None:
    path = save(nobody(), tmp_path / "doll.png")
    made = scene(service, FaceChoice(file=path, landmarks=hand_set(10, 20)))
    assert mouth(shots(made, 1)[0].face) == pytest.approx((153, 159.5), abs=0.6)


@pytest.mark.parametrize(
    ("landmarks", "words"),
    [
        (hand_set(dx=400), "outside of the picture"),
        (hand_set(dy=float("nan")), "outside of the picture"),
        (landmarks_by_hand(*[Point(50, 50)] * 4), "do not make a face"),
        (landmarks_by_hand(Point(9, 9), Point(90, 9), Point(9, 9), Point(90, 9)), "do not make a face"),
        (
            landmarks_by_hand(Point(9, 250), Point(90, 250), Point(9, 170), Point(90, 170)),
            "upside down",
        ),
        (
            landmarks_by_hand(Point(100, 50), Point(102, 150), Point(20, 50), Point(22, 150)),
            "on its side",
        ),
        (landmarks_by_hand(Point(40, 40), Point(55, 40), Point(40, 56), Point(55, 56)), "Crop"),
        (
            Landmarks(Point(60, 60), Point(160, 60), Point(40, 120), Point(60, 160), Point(160, 160)),
            "from the side",
        ),
    ],
)
def test_landmarks_that_no_face_has_are_refused(
    service: FaceService, tmp_path: Path, landmarks: Landmarks, words: str
) -> None:
    path = save(nobody(), tmp_path / "doll.png")
    with pytest.raises(BadInput, match=words):
        scene(service, FaceChoice(file=path, landmarks=landmarks))


# Built-in avatars


def test_the_built_in_avatars_speak_without_being_searched(service: FaceService) -> None:
    avatars = service.built_in()
    assert len(avatars) >= 3
    default = scene(service, FaceChoice())
    assert default.key == scene(service, FaceChoice(avatar=avatars[0].id)).key
    for avatar in avatars:
        made = scene(service, FaceChoice(avatar=avatar.id))
        assert made.size == (HEIGHT, HEIGHT)
        assert mouth(shots(made, 1)[0].face)[1] == pytest.approx(
            mouth(avatar.face)[1] * 720 / 768, abs=1
        )
        assert avatar.label
        assert avatar.description
    with pytest.raises(NotFound, match="no built-in avatar “nobody”"):
        scene(service, FaceChoice(avatar="nobody"))
    with pytest.raises(NotFound, match="has no face 2"):
        scene(service, FaceChoice(face=1))


def test_the_drawings_have_their_faces_where_the_detector_sees_them(service: FaceService) -> None:
    for avatar in service.built_in():
        assert avatar.picture.stat().st_size < 250_000
        with Image.open(avatar.picture) as picture:
            assert picture.size == (768, 768)
        (face,) = look(service, avatar.picture).faces
        for name in ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right"):
            drawn, found = getattr(avatar.face.landmarks, name), getattr(face.landmarks, name)
            assert found == pytest.approx(drawn, abs=10), (avatar.id, name)
