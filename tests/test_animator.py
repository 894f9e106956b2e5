"""Promises of the embedded animator: what is seen in its frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from engines.animator import AnimatorEngine
from engines.animator.artwork import is_drawn
from engines.animator.drawn_eyes import painted_lids
from engines.animator.geometry import frame_of
from engines.animator.lips import trace
from engines.animator.motion import Sway
from engines.animator.still import StillRig
from engines.animator.track import MouthState, spoken
from engines.animator.visemes import visemes_of
from engines.avatar import AnimationRequest
from engines.base import EngineFolders, PhonemeTiming, SpeechRequest
from engines.espeak import EspeakEngine
from engines.registry import AVATARS, Registry
from studio.control import Control
from studio.errors import BadInput
from studio.models.folders import ModelFolders
from studio.video.types import Picture, Shot, frame_count
from studio.video.writing import VideoWriter
from tests.animation import (
    ONLY_MOUTH,
    QUIET,
    Still,
    astronaut,
    avatar,
    cartoon,
    difference,
    frames,
    held,
    inside_of_mouth,
    loaded_animator,
    mouth_opening,
    points_of,
    portrait,
    scaled,
)


@pytest.fixture
def animator() -> Iterator[AnimatorEngine]:
    engine = loaded_animator()
    yield engine
    engine.unload()


# In step


@pytest.mark.parametrize(("name", "fps"), [("mia", 25), ("jonas", 30), ("astronaut", 25)])
def test_the_mouth_of_a_video_is_in_step_with_the_phonemes(
    animator: AnimatorEngine, engine: EspeakEngine, tmp_path: Path, name: str, fps: int
) -> None:
    shot = portrait() if name == "astronaut" else avatar(name)
    # Photographs that smile show teeth: they belong to the opening.
    measure = inside_of_mouth if name == "astronaut" else mouth_opening
    sound, seconds, phonemes = _spoken(
        engine, tmp_path, "Maybe we may leave the farm on Monday, before the big storm."
    )
    video = tmp_path / "video.mp4"
    request = AnimationRequest(Still(shot), sound, seconds, phonemes, fps, ONLY_MOUTH)
    with VideoWriter(video, Still(shot).size, fps, sound) as writer:
        for picture in animator.animate(request, Control()):
            writer.write(picture)
    with av.open(str(video)) as opened:
        pictures = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    count = frame_count(seconds, fps)
    assert len(pictures) == count
    seen = np.array([measure(picture, shot.face) for picture in pictures])
    # In silence the lips are as the picture has them, which may be a smile.
    target = _targets(
        phonemes, fps, count, 0.0 if name != "astronaut" else measure(shot.picture, shot.face)
    )
    lags = {lag: np.corrcoef(np.roll(seen, -lag)[4:-4], target[4:-4])[0, 1] for lag in range(-3, 4)}
    assert np.corrcoef(seen, target)[0, 1] >= 0.8
    assert abs(max(lags, key=lambda lag: lags[lag])) <= 1
    states = list(spoken(phonemes, fps, count))
    closed = np.array([state.opening < 1e-6 and state.rest < 0.1 for state in states])
    wide = np.array([state.opening > 0.2 for state in states])
    assert closed.sum() >= 6
    # Drawn lips are parted by a dark line, which is all that is left of it.
    line = 0.0 if name == "astronaut" else measure(shot.picture, shot.face)
    assert seen[closed].max() < line + 0.015
    assert seen[wide].min() > line + 0.07


def _spoken(
    engine: EspeakEngine, folder: Path, text: str
) -> tuple[Path, float, tuple[PhonemeTiming, ...]]:
    chunks = list(engine.stream(SpeechRequest(text, "en-us", speaker="gmw/en-US"), Control()))
    samples = np.concatenate([chunk.audio.samples for chunk in chunks])
    rate = engine.info.sample_rate
    soundfile.write(folder / "speech.wav", samples, rate)
    return (
        folder / "speech.wav",
        len(samples) / rate,
        tuple(p for chunk in chunks for p in chunk.phonemes),
    )


def _targets(phonemes: Sequence[PhonemeTiming], fps: int, count: int, silent: float) -> np.ndarray:
    """The opening of the viseme of each frame's middle, without any blending."""
    times, found = (np.arange(count) + 0.5) / fps, np.full(count, silent)
    for phoneme in phonemes:
        at = phoneme.start
        for viseme, share in visemes_of(phoneme.symbol):
            end = at + share * (phoneme.end - phoneme.start)
            found[(times >= at) & (times < end)] = viseme.opening
            at = end
    return found


@pytest.mark.parametrize("name", ["mia", "jonas", "ruth", "bolt"])
def test_every_built_in_avatar_opens_rounds_and_closes_its_mouth(
    animator: AnimatorEngine, name: str
) -> None:
    shot, scene = avatar(name), Still(avatar(name))
    opening = {symbol: mouth_opening(held(animator, scene, symbol), shot.face) for symbol in "aeuivm"}
    assert opening["a"] > 0.14
    assert opening["a"] > opening["e"] > opening["i"] > opening["v"]
    assert opening["m"] == pytest.approx(mouth_opening(shot.picture, shot.face), abs=0.01)
    assert opening["v"] - opening["m"] < 0.03
    sides = [_width_of_dark(shot, held(animator, scene, symbol)) for symbol in "ui"]
    assert sides[0] < 0.85 * sides[1]


def _width_of_dark(shot: Shot, picture: Picture) -> float:
    """How wide the dark between the lips is, in mouth widths."""
    frame = frame_of(shot.face.landmarks)
    y = round(frame.origin.y)
    rows = slice(y - 2, y + round(0.1 * frame.mouth))
    columns = slice(
        round(frame.origin.x - 0.75 * frame.mouth), round(frame.origin.x + 0.75 * frame.mouth)
    )
    dark = (picture[rows, columns].mean(2) < 65).any(0)
    return float(np.ptp(np.flatnonzero(dark)) / frame.mouth)


def test_teeth_of_a_smile_are_covered_when_the_lips_close(animator: AnimatorEngine) -> None:
    shot = portrait()
    at_rest = inside_of_mouth(shot.picture, shot.face)
    closed, wide = (inside_of_mouth(held(animator, Still(shot), s), shot.face) for s in "ma")
    assert closed < 0.02 < 0.06 < at_rest < wide - 0.05


@pytest.mark.parametrize("change", ["dim", "grey", "warm"])
def test_a_smile_is_found_in_any_light(animator: AnimatorEngine, change: str) -> None:
    shot = portrait()
    colours = {
        "dim": 0.35 * np.eye(3),
        "grey": np.repeat([[0.299], [0.587], [0.114]], 3, axis=1),
        "warm": np.diag([1.15, 0.95, 0.7]),
    }
    changed = np.clip(shot.picture @ colours[change], 0, 255).astype(np.uint8)
    lips, usual = (trace(each, frame_of(shot.face.landmarks)) for each in (changed, shot.picture))
    assert lips.gap == pytest.approx(usual.gap, abs=0.04)
    assert np.abs(lips.lower - usual.lower).max() < 0.05
    wide = held(animator, Still(Shot(changed, shot.face)), "a")
    if change == "grey":
        assert np.ptp(wide.astype(int), axis=2).max() <= 6


def test_silence_is_the_picture_itself(animator: AnimatorEngine, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "zeros.wav", np.zeros(16_000), 16_000)
    for shot in (portrait(), avatar("mia")):
        request = AnimationRequest(
            Still(shot, str(shot)), tmp_path / "zeros.wav", 1.0, (), 25, ONLY_MOUTH
        )
        with np.errstate(invalid="raise", divide="raise"):
            made = list(animator.animate(request, Control()))
        assert len(made) == 25
        assert all(np.array_equal(picture, shot.picture) for picture in made)


def test_sound_alone_moves_the_mouth(animator: AnimatorEngine, tmp_path: Path) -> None:
    beats = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0], 4_000)
    hum = 0.3 * np.sin(np.arange(len(beats)) * 2 * np.pi * 180 / 16_000) * beats
    soundfile.write(tmp_path / "hum.wav", hum, 16_000)
    shot = avatar("mia")
    request = AnimationRequest(Still(shot), tmp_path / "hum.wav", 1.25, (), 25, ONLY_MOUTH)
    seen = [mouth_opening(picture, shot.face) for picture in animator.animate(request, Control())]
    assert min(seen[8:11] + seen[20:23]) > 0.1
    assert max(seen[:3] + seen[14:17] + seen[28:]) < 0.04


# Eyes and head


def test_a_photograph_blinks_with_its_lids(animator: AnimatorEngine) -> None:
    _assert_blinks(animator, scaled(portrait(), 0.5))


def test_a_drawing_blinks_by_a_painted_lid_and_nothing_is_bent(animator: AnimatorEngine) -> None:
    shot = avatar("mia")
    shut = _assert_blinks(animator, shot)
    frame = frame_of(shot.face.landmarks)
    brows = slice(
        round(shot.face.landmarks.left_eye.y - 0.5 * frame.eyes),
        round(points_of(shot)[0].y - 0.25 * frame.eyes),
    )
    assert difference(shut, shot.picture)[brows].max() == 0


def _assert_blinks(animator: AnimatorEngine, shot: Shot) -> Picture:
    """Returns a frame with the eyes shut."""
    made = frames(animator, Still(shot), QUIET, seconds=5, blinks=30)
    moved = [int((difference(picture, shot.picture) > 30).sum()) for picture in made]
    assert 2 <= sum(now > 0 and not before for before, now in pairwise(moved)) <= 6
    shut = made[int(np.argmax(moved))]
    frame, eyes = frame_of(shot.face.landmarks), points_of(shot)[:2]
    rows, columns = np.nonzero(difference(shut, shot.picture) > 30)
    away = [np.hypot(columns - eye.x, rows - eye.y) for eye in eyes]
    assert np.minimum(*away).max() < 0.5 * frame.eyes
    for eye in eyes:  # the pupil is gone
        at = slice(round(eye.y) - 2, round(eye.y) + 3), slice(round(eye.x) - 2, round(eye.x) + 3)
        assert difference(shut, shot.picture)[at].mean() > 40
    return shut


def test_eyes_behind_dark_glasses_are_left_alone() -> None:
    shot = scaled(portrait(), 0.5)
    assert len(StillRig(shot, 0.0).lids) == 2
    dark = shot.picture.copy()
    for eye in points_of(shot)[:2]:
        at, size = (round(eye.x), round(eye.y)), (round(0.45 * frame_of(shot.face.landmarks).eyes), 16)
        cv2.ellipse(dark, at, size, 3, 0, 360, (15, 15, 18), -1, cv2.LINE_AA)
    rig = StillRig(Shot(dark, shot.face), 0.0)
    assert rig.lids == ()
    made = rig.draw(MouthState(0.2, rest=0.0), 1.0, Sway(0, 0, 0))
    assert inside_of_mouth(made, shot.face) > inside_of_mouth(dark, shot.face) + 0.03


def test_a_drawing_whose_eyes_are_not_found_keeps_them_open(animator: AnimatorEngine) -> None:
    shot = cartoon()
    assert painted_lids(shot.picture, frame_of(shot.face.landmarks)) == ()
    made = frames(animator, Still(shot), QUIET, seconds=6, blinks=30)
    assert all(np.array_equal(picture, shot.picture) for picture in made)
    assert mouth_opening(held(animator, Still(shot), "a"), shot.face) > 0.1


def test_drawings_are_told_from_photographs() -> None:
    drawn = [avatar(name) for name in ("mia", "jonas", "ruth", "bolt")] + [cartoon()]
    taken = [portrait(), astronaut(), scaled(portrait(), 0.4)]
    for shots, answer in ((drawn, True), (taken, False)):
        for shot in shots:
            assert is_drawn(shot.picture, frame_of(shot.face.landmarks)) is answer


def test_the_head_sways_softly_and_the_edge_of_the_picture_stays(animator: AnimatorEngine) -> None:
    shot = scaled(portrait(), 0.5)
    made = frames(animator, Still(shot), QUIET, seconds=5, head_motion=1)
    assert np.array_equal(made[0], shot.picture)
    moved = difference(made[90], shot.picture)
    assert moved[75:150, 75:175].mean() > 2
    assert max(moved[0].max(), moved[-1].max(), moved[:, 0].max(), moved[:, -1].max()) == 0
    between = [difference(a, b).mean() for a, b in pairwise(made)]
    assert max(between) < 4  # no jumps


# Options


def test_options_do_what_they_say(animator: AnimatorEngine) -> None:
    shot, scene = avatar("mia"), Still(avatar("mia"))
    little, usual, much = (
        mouth_opening(held(animator, scene, "a", opening=value), shot.face) for value in (0.3, 1.0, 1.6)
    )
    assert little < 0.6 * usual < usual <= much < 0.34
    middles = [
        np.nonzero(difference(held(animator, scene, "a", lip_line=line), shot.picture) > 60)[0].mean()
        for line in (-0.08, 0.0, 0.08)
    ]
    assert middles[0] < middles[1] - 1 < middles[2] - 2
    assert [option.key for option in animator.info.options] == [
        "opening",
        "lip_line",
        "blinks",
        "head_motion",
    ]
    for option in animator.info.options:
        assert option.modes == frozenset()
        with pytest.raises(BadInput, match=option.label):
            frames(animator, scene, QUIET, **{option.key: option.maximum + 1})


def test_it_is_in_the_registry_and_needs_no_model() -> None:
    registry = Registry(EngineFolders(Path(), ModelFolders(Path(), Path())))
    info = registry.avatar("animator").info
    assert next(iter(AVATARS)) == info.id == "animator"
    assert info.embedded
    assert info.uses_phonemes
    assert registry.avatar("animator").models() == ()
