"""The face detector: the nets calculate what those of the wheel `mtcnn` do, and faces are found."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from skimage import data

from engines.mtcnn import FaceDetector, nets, weights
from engines.mtcnn.boxes import squares, suppress, suppress_each
from studio.errors import EngineFailed
from studio.settings import CHECKOUT
from studio.video.types import Face, Picture
from tests.canary import Canary
from tests.face_files import FACE_BOX, astronaut, nobody, portrait


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def loaded() -> nets.Nets:
    return nets.load()


def ramp(height: int, width: int) -> torch.Tensor:
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype("f4")
    picture = np.sin(0.37 * x + 0.61 * y * y / height + 1.3 * c).astype("f4")
    return torch.from_numpy(picture).permute(2, 0, 1)[None].contiguous()


# What the wheel's own nets answer to the same ramps, run once with TensorFlow 2.21.


def test_pnet_answers_as_the_wheels_own(loaded: nets.Nets) -> None:
    scores, offsets = loaded.pnet(ramp(21, 27))
    assert scores.shape == (1, 6, 9)
    assert float(scores[0, 2, 3]) == pytest.approx(0.0005304316, rel=1e-4)
    assert offsets[0, :, 2, 3].tolist() == pytest.approx(
        [0.1042434, 0.0285530, -0.0965413, 0.0639274], abs=1e-5
    )


def test_rnet_answers_as_the_wheels_own(loaded: nets.Nets) -> None:
    scores, offsets = loaded.rnet(ramp(24, 24))
    assert float(scores[0]) == pytest.approx(0.0040393630, rel=1e-4)
    assert offsets[0].tolist() == pytest.approx(
        [-0.0681207, -0.0609006, -0.0247772, 0.1807158], abs=1e-5
    )


def test_onet_answers_as_the_wheels_own(loaded: nets.Nets) -> None:
    answer = loaded.onet(ramp(48, 48))
    assert float(answer.scores[0]) == pytest.approx(4.3279564e-05, rel=1e-3)
    assert answer.offsets[0].tolist() == pytest.approx(
        [-0.1412550, -0.2168173, -0.0033577, 0.1313387], abs=1e-5
    )
    assert answer.points[0].tolist() == pytest.approx(
        [
            *(0.4636657, 0.7846969, 0.5978724, 0.3088621, 0.5546907),
            *(0.2173437, 0.2442902, 0.4990945, 0.7652454, 0.8198997),
        ],
        abs=1e-5,
    )


def test_the_astronaut_is_found_where_the_wheel_finds_her(detector: FaceDetector) -> None:
    (face,) = detector.detect([astronaut()])[0]
    # The wheel: box 182, 64, 265, 171; it scales pictures down with less care, so some pixels differ.
    assert box_of(face) == pytest.approx((182, 64, 265, 171), abs=9)
    assert face.confidence > 0.99
    marks = face.landmarks
    points = (marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right)
    wheel = ((204, 100), (245, 102), (224, 126), (202, 139), (244, 140))
    for point, known in zip(points, wheel, strict=True):
        assert point == pytest.approx(known, abs=3)


def test_a_batch_finds_what_single_pictures_do(detector: FaceDetector) -> None:
    shifted = [np.ascontiguousarray(np.roll(portrait(), 3 * at, axis=1)) for at in range(5)]
    shifted[2] = nobody()
    together = detector.detect(shifted, 40)
    assert [len(faces) for faces in together] == [1, 1, 0, 1, 1]
    for picture, faces in zip(shifted, together, strict=True):
        alone = detector.detect([picture], 40)[0]
        assert [box_of(face) for face in faces] == [
            pytest.approx(box_of(face), abs=0.01) for face in alone
        ]


def test_faces_come_from_left_to_right(detector: FaceDetector) -> None:
    small = portrait()[::2, ::2]
    row = np.concatenate([nobody(150, 150), small, portrait()[1::2, 1::2], nobody(150, 80)], axis=1)
    faces = detector.detect([np.ascontiguousarray(row)])[0]
    assert len(faces) == 2
    assert 150 < faces[0].left < 300 < faces[1].left < 450


@pytest.mark.parametrize("wide", [30, 45, 180])
def test_faces_of_many_sizes_are_found(detector: FaceDetector, wide: int) -> None:
    import cv2

    scale = wide / (FACE_BOX[2] - FACE_BOX[0])
    picture = cv2.resize(portrait(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (face,) = detector.detect([np.asarray(picture, np.uint8)])[0]
    assert face.right - face.left == pytest.approx(wide, rel=0.15)


def test_small_faces_are_left_out_where_they_are_not_wanted(detector: FaceDetector) -> None:
    assert detector.detect([portrait()], smallest=240)[0] == ()


def test_a_face_at_the_edge_is_found(detector: FaceDetector) -> None:
    cut = np.ascontiguousarray(astronaut()[75:, 190:])
    faces = detector.detect([cut])[0]
    assert len(faces) == 1
    assert faces[0].left < 5


def test_nothing_is_found_where_nobody_is(detector: FaceDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    even = np.full((300, 300, 3), 127, np.uint8)
    cat: Picture = np.ascontiguousarray(data.chelsea()[:300, 75:375])
    assert detector.detect([noise, even, nobody(), cat]) == [(), (), (), ()]


def test_a_tiny_picture_and_none_at_all_are_no_error(detector: FaceDetector) -> None:
    assert detector.detect([np.zeros((8, 9, 3), np.uint8)]) == [()]
    assert detector.detect([]) == []


def test_pictures_of_two_sizes_are_refused(detector: FaceDetector) -> None:
    with pytest.raises(ValueError, match="one size"):
        detector.detect([nobody(100, 100), nobody(100, 90)])


def test_threads_share_a_detector() -> None:
    detector, found = FaceDetector(), []
    threads = [
        threading.Thread(target=lambda: found.append(detector.detect([portrait()], 60)[0]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(faces == found[0] and len(faces) == 1 for faces in found)


def test_suppression_keeps_the_best_of_what_overlaps() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [22, 2, 26, 6]], np.float32)
    scores = np.array([0.7, 0.9, 0.8, 0.75], np.float32)
    assert suppress(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert suppress(boxes, scores, 0.5, of_smaller=True).tolist() == [1, 2]
    owners = np.array([0, 1, 0, 1])
    assert sorted(suppress_each(boxes, scores, owners, 0.5).tolist()) == [0, 1, 2, 3]


def test_squares_lie_about_the_same_middle() -> None:
    square = squares(np.array([[10, 10, 20, 40]], np.float32))[0]
    assert square.tolist() == [0, 10, 30, 40]


def test_weights_that_are_not_the_known_ones_are_never_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name in weights.FILES:
        joblib.dump(Canary(trace), tmp_path / name)
    with pytest.raises(EngineFailed, match="not hold the weights") as refused:
        nets.load(tmp_path)
    assert "pip install" in refused.value.hint
    assert not trace.exists()


def test_weights_that_are_missing_or_cut_off_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="cannot be read"):
        nets.load(tmp_path)
    for name in weights.FILES:
        shutil.copy(weights.folder() / name, tmp_path / name)
    nets.load(tmp_path)
    cut = tmp_path / "onet.lz4"
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(EngineFailed, match="onet"):
        nets.load(tmp_path)


def test_importing_it_is_light() -> None:
    code = "import sys, engines.mtcnn; print({'torch', 'cv2', 'joblib', 'mtcnn'} & set(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"


def box_of(face: Face) -> tuple[float, float, float, float]:
    return face.left, face.top, face.right, face.bottom
