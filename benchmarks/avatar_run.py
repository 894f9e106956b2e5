"""What the avatar benchmark watches: a portrait that speaks, encoded.

    python -m benchmarks.avatar_run SECONDS SIDE

makes a video of so many seconds and so many pixels a side, on a line from stdin, and ends on another one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks import samples
from engines.animator import AnimatorEngine
from engines.avatar import AnimationRequest
from engines.base import EngineFolders, PhonemeTiming, Placement, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.services.built_in_avatars import find
from studio.video.types import Face, Landmarks, Picture, Point, Shot
from studio.video.writing import VideoWriter

FPS = 25


class Standing:
    """A scene of one picture."""

    still = True

    def __init__(self, shot: Shot) -> None:
        self._shot, self.key = shot, f"standing {id(shot.picture)}"
        self.size = (shot.picture.shape[1], shot.picture.shape[0])

    def shots(self, fps: int, count: int) -> Iterator[Shot]:
        for _ in range(count):
            yield self._shot


@dataclass(frozen=True)
class Speech:
    """Something said, in a file."""

    sound: Path
    seconds: float
    phonemes: tuple[PhonemeTiming, ...]


@dataclass(frozen=True)
class Made:
    """A video and how long it took, seconds."""

    frames: int
    first_s: float  # from the order to the first picture
    all_s: float  # to the finished file


def portrait(side: int) -> Shot:
    """The head of skimage's astronaut, scaled to `side` x `side` pixels."""
    import skimage.data

    left, top, right = 110, 20, 340
    picture: Picture = skimage.data.astronaut()[top : top + right - left, left:right]
    points = (
        (204.2, 100.4),
        (247.3, 102.9),
        (225.2, 128.6),
        (201.4, 139.1),
        (245.3, 141.5),
    )  # as MTCNN finds them
    return _scaled(picture, [(x - left, y - top) for x, y in points], side)


def drawn(side: int) -> Shot:
    """The default avatar."""
    avatar = find("")
    with Image.open(avatar.picture) as opened:
        picture = np.asarray(opened.convert("RGB"))
    marks = avatar.face.landmarks
    points = [marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right]
    return _scaled(picture, [(point.x, point.y) for point in points], side)


def _scaled(picture: Picture, points: list[tuple[float, float]], side: int) -> Shot:
    factor = side / picture.shape[0]
    flags = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(picture, (side, side), interpolation=flags), np.uint8)
    landmarks = Landmarks(
        *(Point(factor * (x + 0.5) - 0.5, factor * (y + 0.5) - 0.5) for x, y in points)
    )
    eyes = landmarks.right_eye.x - landmarks.left_eye.x
    x, y = landmarks.nose
    return Shot(resized, Face(x - eyes, y - 1.5 * eyes, x + eyes, y + eyes, landmarks))


def speech(folder: Path, seconds: float) -> Speech:
    """At least so long, spoken by eSpeak NG again and again."""
    engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
    request = SpeechRequest(samples.text_of(600), samples.LANGUAGE, speaker=samples.PLAIN)
    chunks = list(engine.stream(request, Control()))
    engine.unload()
    sound = np.concatenate([chunk.audio.samples for chunk in chunks])
    rate = engine.info.sample_rate
    phonemes = [phoneme for chunk in chunks for phoneme in chunk.phonemes]
    all_phonemes, length = list[PhonemeTiming](), len(sound) / rate
    path = folder / "speech.wav"
    with WavWriter(path, rate) as writer:
        while writer.seconds < seconds:
            at = writer.seconds
            all_phonemes += [PhonemeTiming(p.symbol, p.start + at, p.end + at) for p in phonemes]
            writer.append(sound[: round((seconds - at) * rate) + 1] if seconds - at < length else sound)
    return Speech(path, seconds, tuple(p for p in all_phonemes if p.start < seconds))


def animator() -> AnimatorEngine:
    engine = AnimatorEngine(EngineFolders(Path(), ModelFolders(Path(), Path())))
    engine.load(Placement("cpu", "float32"), "")
    return engine


def shown(engine: AnimatorEngine, scene: Standing, said: Speech) -> float:
    """Seconds that the pictures alone take."""
    begin = time.perf_counter()
    for _ in engine.animate(_request(scene, said), Control()):
        pass
    return time.perf_counter() - begin


def make(engine: AnimatorEngine, scene: Standing, said: Speech, path: Path) -> Made:
    """The whole video, with everything that moves."""
    begin, first, count = time.perf_counter(), 0.0, 0
    with VideoWriter(path, scene.size, FPS, said.sound) as writer:
        for picture in engine.animate(_request(scene, said), Control()):
            first = first or time.perf_counter() - begin
            writer.write(picture)
            count += 1
    return Made(count, first, time.perf_counter() - begin)


def _request(scene: Standing, said: Speech) -> AnimationRequest:
    return AnimationRequest(scene, said.sound, said.seconds, said.phonemes, FPS)


def main(seconds: float, side: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        engine, scene = animator(), Standing(portrait(side))
        make(engine, scene, speech(folder, 1.0), folder / "warm.mp4")
        said = speech(folder, seconds)
        print("ready", flush=True)
        sys.stdin.readline()
        make(engine, scene, said, folder / "video.mp4")
        print("done", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
