"""Faces that were found are kept by content; a search that is stopped, shared or without room is told so."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from engines.mtcnn import weights
from studio.control import Control, Progress
from studio.errors import Cancelled, EngineFailed, StorageFailed
from studio.services.face_cache import FaceCache, Glance
from studio.services.face_values import FaceChoice
from studio.services.faces import FaceService
from studio.video.types import Scene
from tests.face_files import astronaut, nobody, portrait, save, save_video
from tests.looking import FPS, HEIGHT, look, mouth, panned, scene, shots
from tests.small_disk import tiny_disk


@pytest.fixture
def service(tmp_path: Path) -> FaceService:
    return FaceService(tmp_path / "faces")


def test_what_was_found_is_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "faces"
    picture = save(portrait(), tmp_path / "a.png")
    video = save_video(panned(30, 2.0, half=True), tmp_path / "a.mp4")
    first = FaceService(cache)
    faces = look(first, picture).faces
    followed = [shot.face for shot in shots(scene(first, video, seconds=1.2), 30)]

    # From here on whoever searches fails.
    monkeypatch.setattr(weights, "folder", lambda: tmp_path / "nowhere")
    again = FaceService(cache)
    same = tmp_path / "renamed.png"
    same.write_bytes(picture.read_bytes())
    for found, known in zip(look(again, same).faces, faces, strict=True):
        assert mouth(found) == pytest.approx(mouth(known), abs=0.01)
    assert shots(scene(again, same), 1)[0].face == shots(scene(again, picture), 1)[0].face
    kept = [shot.face for shot in shots(scene(again, video, seconds=1.2), 30)]
    for found, known in zip(kept, followed, strict=True):
        assert mouth(found) == pytest.approx(mouth(known), abs=0.01)
    assert len(shots(scene(again, video, seconds=0.5), 13)) == 13  # less of it is no search either
    with pytest.raises(EngineFailed, match="weights"):
        look(again, save(astronaut(), tmp_path / "other.png"))


def test_a_longer_sound_searches_only_the_frames_that_are_new(tmp_path: Path) -> None:
    service = FaceService(tmp_path / "faces")
    video = save_video(panned(60, half=True), tmp_path / "a.mp4")
    scene(service, video, seconds=1.0)
    told: list[Progress] = []
    service.scene(FaceChoice(file=video), HEIGHT, FPS, 2.0, Control(told.append))
    fractions = [each.fraction for each in told if each.fraction is not None]
    assert fractions[0] == pytest.approx(0.5, abs=0.05)
    whole = FaceService(tmp_path / "other")
    for one, other in zip(
        shots(scene(service, video, seconds=2.0), 50),
        shots(scene(whole, video, seconds=2.0), 50),
        strict=True,
    ):
        assert mouth(one.face) == pytest.approx(mouth(other.face), abs=0.01)


def test_a_file_that_was_changed_is_searched_anew(service: FaceService, tmp_path: Path) -> None:
    path = save(portrait(), tmp_path / "a.png")
    assert len(look(service, path).faces) == 1
    save(nobody(), path)
    assert look(service, path).faces == ()


def test_damaged_kept_faces_are_searched_anew(tmp_path: Path) -> None:
    cache = tmp_path / "faces"
    video = save_video(panned(8, half=True), tmp_path / "a.mp4")
    before = [mouth(shot.face) for shot in shots(scene(FaceService(cache), video), 8)]
    kept = sorted(cache.iterdir())
    assert [path.suffix for path in kept] == [".npz", ".json"]
    for content in (b"", b'{"still": 1}', b"PK\x03\x04 and so on"):
        for path in kept:
            path.write_bytes(content)
        after = [mouth(shot.face) for shot in shots(scene(FaceService(cache), video), 8)]
        assert after == [pytest.approx(each, abs=0.01) for each in before]


def test_searching_stops_when_it_is_told_to(service: FaceService, tmp_path: Path) -> None:
    path = save_video(panned(60, half=True), tmp_path / "a.mp4")
    look(service, path)
    control = Control(lambda progress: control.cancel() if (progress.fraction or 0) > 0 else None)
    with pytest.raises(Cancelled):
        service.scene(FaceChoice(file=path), HEIGHT, FPS, 2.4, control)
    assert len(shots(scene(service, path), 5)) == 5  # and nothing is in the way of the next


def test_two_that_want_the_same_search_it_once(service: FaceService, tmp_path: Path) -> None:
    path = save_video(panned(20, half=True), tmp_path / "a.mp4")
    made: list[Scene] = []
    searching: set[int] = set()  # who hears of frames that were looked at

    def look_on(number: int) -> None:
        control = Control(lambda progress: searching.add(number) if progress.fraction else None)
        made.append(service.scene(FaceChoice(file=path), HEIGHT, FPS, 0.8, control))

    threads = [threading.Thread(target=look_on, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.key for each in made}) == 1
    assert len(made) == 3
    assert len(searching) == 1


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(b"x" * 512)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    path = save(portrait(), tmp_path / "a.png")
    with tiny_disk("64k") as disk:
        fill(disk)
        with pytest.raises(StorageFailed, match="disk is full"):
            look(FaceService(disk / "faces"), path)


def test_a_studio_that_runs_for_long_remembers_little(tmp_path: Path) -> None:
    cache = FaceCache(tmp_path / "faces")
    for at in range(300):
        path = tmp_path / f"{at}"
        path.write_text(f"{at}")
        with cache.alone(cache.content(path, Control()), Control()):
            pass
    assert (len(cache._contents), len(cache._busy)) == (256, 0)


def test_little_is_kept_for_ever(tmp_path: Path) -> None:
    cache = FaceCache(tmp_path)
    glance = Glance(True, (10, 10), np.zeros((0, 15)), 0, 0)
    for at in range(3):
        cache.keep_glance(f"{at}" * 64, glance)
    old = next(tmp_path.glob("0*"))
    os.utime(old, (0, 0))
    cache.trim(most=1)
    assert not old.exists()
    assert cache.glance("1" * 64) is not None  # used lately
