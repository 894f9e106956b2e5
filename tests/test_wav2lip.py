"""Promises about Wav2Lip's pictures: the sound as it was trained on it, the net made faster without changing what
it draws, and all but the mouth left as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import librosa
import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch

from engines.avatar import AnimationRequest, AvatarInfo
from engines.base import EngineFolders, Placement
from engines.devices import cpu_has_bfloat16
from engines.manager import EngineManager
from engines.registry import Registry
from engines.wav2lip import Wav2LipEngine, mel
from engines.wav2lip.animation import animate
from engines.wav2lip.checkpoint import read_weights
from engines.wav2lip.crops import Pads, Region, mask_of, put_back, region_of
from engines.wav2lip.loading import MAX_DIFFERENCE, Loaded, blank_below, difference, load, net_of
from engines.wav2lip.net import FACE_SIZE, MEL_BANDS, MEL_FRAMES, Wav2Lip
from engines.wav2lip.options import OPTIONS
from studio.control import Control
from studio.errors import BadInput, Cancelled, ModelMissing
from studio.models.folders import ModelFolders
from studio.models.registry import MODELS
from studio.video.types import Face, Picture, Scene
from tests.wav2lip_scenes import FACE, SIZE, Moving, Still, write_silence, write_sound

PRACTICE = "wav2lip-practice"
EXACTLY = Placement("cpu", "float32", reason="cpu (a test), float32 (set so)")
FPS = 25


@pytest.fixture(scope="module")
def folder(wav2lip_models: Path) -> Path:
    return wav2lip_models / "Wav2Lip" / "practice"


@pytest.fixture(scope="module")
def plain(folder: Path) -> Wav2Lip:
    """The net as it was trained; nothing of it is changed."""
    return net_of(read_weights(folder / "practice.pth"))


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    return load(MODELS[PRACTICE], folder, EXACTLY)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("sound") / "speech.wav", 2.0)


def some(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sounds and faces for the net."""
    random = torch.Generator().manual_seed(seed)
    faces = torch.rand(count, 3, FACE_SIZE, FACE_SIZE, generator=random)
    sounds = 8 * torch.rand(count, 1, MEL_BANDS, MEL_FRAMES, generator=random) - 4
    return sounds, torch.cat((blank_below(faces), faces), dim=1)


def pictures(
    loaded: Loaded, scene: Scene, sound: Path, frames: int, fps: int = FPS, **options: float
) -> list[Picture]:
    request = AnimationRequest(scene, sound, frames / fps, fps=fps, options=options)
    return list(animate(loaded, request, Control()))


def apart(one: list[Picture], other: list[Picture]) -> int:
    """The largest difference of any value of two films."""
    assert len(one) == len(other)
    pairs = zip(one, other, strict=True)
    return max(int(np.abs(first.astype(int) - second).max()) for first, second in pairs)


class TestTheSound:
    @pytest.mark.parametrize("count", [500, 1_600, 48_077])
    def test_the_spectra_are_those_of_the_description(self, count: int) -> None:
        """Worked out by SciPy and librosa at once."""
        samples = speech_like(count)
        emphasised = scipy.signal.lfilter([1, -0.97], [1], samples)
        padded = np.pad(emphasised, 400, mode="reflect")
        frames = np.stack([padded[at : at + 800] for at in range(0, len(padded) - 799, 200)])
        hann = scipy.signal.get_window("hann", 800)
        magnitudes = np.abs(scipy.fft.rfft(frames * hann)).T
        filters = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
        decibels = 20 * np.log10(np.maximum(1e-5, filters @ magnitudes)) - 20
        expected = np.clip(8 * (decibels + 100) / 100 - 4, -4, 4)
        np.testing.assert_allclose(spectra(samples, count), expected, atol=1e-3)

    @pytest.mark.parametrize("size", [1, 160, 999])
    def test_they_are_the_same_however_the_sound_comes(self, size: int) -> None:
        samples = speech_like(4_321)
        np.testing.assert_allclose(spectra(samples, size), spectra(samples, 9_999), atol=1e-6)

    def test_each_picture_hears_the_fifth_of_a_second_that_begins_with_it(self) -> None:
        known = np.tile(np.arange(100, dtype=np.float32), (MEL_BANDS, 1))
        blocks = [known[:, :7], known[:, 7:30], known[:, 30:]]
        starts = [int(each[0, 0]) for each in mel.cut(blocks, 25, 40)]
        assert starts[:6] == [0, 3, 6, 9, 12, 16]
        assert starts[20] == 64
        assert starts[27:] == [84] * 13, "the last ones are those at the end"
        assert all(each.shape == (MEL_BANDS, 16) for each in mel.cut(blocks, 30, 40))
        assert [int(each[0, 0]) for each in mel.cut(blocks, 30, 4)] == [0, 2, 5, 8]

    def test_what_is_too_short_is_followed_by_silence(self) -> None:
        (heard,) = mel.cut([np.ones((MEL_BANDS, 5), np.float32)], FPS, 1)
        assert heard[0].tolist() == [1.0] * 5 + [-4.0] * 11

    def test_digital_silence_is_the_least_and_no_nonsense(self, loaded: Loaded, tmp_path: Path) -> None:
        zeros = write_silence(tmp_path / "zeros.wav", 0.4)
        assert all((each == -4).all() for each in mel.windows(zeros, FPS, 10))
        made = pictures(loaded, Still(), zeros, 3)
        assert apart(made[:1], made[1:2]) == 0
        drawn = loaded.net(torch.full((1, 1, MEL_BANDS, MEL_FRAMES), -4.0), some(0, 1)[1])
        assert drawn.isfinite().all()

    def test_a_tenth_of_a_second_is_enough(self, loaded: Loaded, tmp_path: Path) -> None:
        short = write_sound(tmp_path / "short.wav", 0.1)
        assert len(pictures(loaded, Still(), short, 3)) == 3


def speech_like(count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    swell = np.sin(np.arange(count) / 3_000)
    return (0.1 * swell * random.standard_normal(count)).astype(np.float32)


def spectra(samples: np.ndarray, size: int) -> np.ndarray:
    """Of sound that comes `size` samples at a time."""
    blocks = (samples[at : at + size] for at in range(0, len(samples), size))
    return np.concatenate(list(mel.mels(blocks)), axis=1)


class TestTheNet:
    def test_it_has_the_published_names_and_size(self, plain: Wav2Lip) -> None:
        shapes = {name: tuple(each.shape) for name, each in plain.state_dict().items()}
        assert len(shapes) == 352
        assert sum(each.numel() for each in plain.parameters()) == 36_298_035
        assert shapes["face_encoder_blocks.0.0.conv_block.0.weight"] == (16, 6, 7, 7)
        assert shapes["face_encoder_blocks.6.1.conv_block.1.running_var"] == (512,)
        assert shapes["audio_encoder.12.conv_block.0.weight"] == (512, 512, 1, 1)
        assert shapes["face_decoder_blocks.1.0.conv_block.0.weight"] == (1024, 512, 3, 3)
        assert shapes["face_decoder_blocks.6.0.conv_block.0.weight"] == (160, 64, 3, 3)
        assert shapes["output_block.0.conv_block.0.weight"] == (32, 80, 3, 3)
        assert shapes["output_block.1.weight"] == (3, 32, 1, 1)

    def test_what_it_sees_has_the_described_sizes(self, plain: Wav2Lip) -> None:
        sounds, faces = some(0, 1)
        seen = plain.look(faces)
        assert [each.shape[2] for each in seen] == [96, 48, 24, 12, 6, 3, 1]
        assert [each.shape[1] for each in seen] == [16, 32, 64, 128, 256, 512, 512]
        drawn = plain(sounds, faces)
        assert drawn.shape == (1, 3, 96, 96)
        assert (drawn.min() > 0, drawn.max() < 1) == (True, True)

    def test_folded_and_in_another_order_it_draws_the_same(self, plain: Wav2Lip, loaded: Loaded) -> None:
        sounds, faces = some(1, 2)
        as_trained = plain(sounds, faces)
        made = loaded.net(sounds, faces.contiguous(memory_format=torch.channels_last))
        assert as_trained.std() > 0.03, "a net that draws nothing proves nothing"
        assert (made - as_trained).abs().max() < 1e-4
        assert len(loaded.net.state_dict()) == 102, "the normalisation is still there"

    def test_looking_once_at_what_stands_still_is_the_same(self, plain: Wav2Lip, loaded: Loaded) -> None:
        sounds, faces = some(2, 2)
        as_trained = plain(sounds, faces[:1].expand(2, -1, -1, -1))
        seen = [each.expand(2, -1, -1, -1) for each in loaded.net.look(faces[:1])]
        assert (loaded.net.draw(sounds, seen) - as_trained).abs().max() < 1e-4
        assert (as_trained[0] - as_trained[1]).abs().max() > 0.01, "the sound changes nothing"

    def test_bfloat16_is_taken_where_it_is_faster_and_near(self, folder: Path, loaded: Loaded) -> None:
        wanted = Placement("cpu", "bfloat16", reason="cpu (a test), bfloat16 (set so)")
        short = load(MODELS[PRACTICE], folder, wanted)
        if cpu_has_bfloat16(torch):
            assert (short.dtype, short.placement.dtype) == (torch.bfloat16, "bfloat16")
            assert "0.4 % off those in float32" in short.placement.reason
        else:
            assert (short.dtype, short.placement.dtype) == (torch.float32, "float32")
            assert "the processor has no bfloat16" in short.placement.reason

    def test_its_pictures_are_within_a_hundredth(self, loaded: Loaded) -> None:
        short = copy.deepcopy(loaded.net).to(torch.bfloat16)
        assert 0 < difference(loaded.net, short) < MAX_DIFFERENCE == 0.01
        sounds, faces = some(3, 1)
        drawn = short(sounds.bfloat16(), faces.bfloat16()).float()
        assert (drawn - loaded.net(sounds, faces)).abs().max() < 0.01

    def test_where_it_is_not_near_float32_is_taken_and_the_reason_said(
        self, folder: Path, tmp_path: Path
    ) -> None:
        content = torch.load(folder / "practice.pth", weights_only=True)
        content["state_dict"]["module.output_block.1.weight"] *= (
            30  # so that small differences become large
        )
        torch.save(content, tmp_path / "practice.pth")
        found = load(MODELS[PRACTICE], tmp_path, Placement("cpu", "bfloat16", reason="cpu, bfloat16"))
        assert (found.dtype, found.placement.dtype) == (torch.float32, "float32")
        assert "but Wav2Lip in float32: " in found.placement.reason
        if cpu_has_bfloat16(torch):
            assert "more than 1 %" in found.placement.reason


class TestThePictures:
    def test_there_are_as_many_as_the_sound_needs_and_each_is_ones_own(
        self, loaded: Loaded, sound: Path
    ) -> None:
        scene = Still()
        before = scene.picture.copy()
        made = pictures(loaded, scene, sound, 3)
        assert len(made) == 3
        assert all(each.shape == before.shape and each.dtype == np.uint8 for each in made)
        made[0][:] = 0  # the caller may write to it
        assert apart(pictures(loaded, scene, sound, 3)[1:], made[1:]) == 0
        np.testing.assert_array_equal(scene.picture, before)
        assert len(pictures(loaded, scene, sound, 1)) == 1

    def test_only_the_lower_half_of_the_face_changes(self, loaded: Loaded, sound: Path) -> None:
        scene = Still()
        first, last = pictures(loaded, scene, sound, 6)[::5]
        region = region_of(FACE, SIZE, Pads())
        row, mask = mask_of(region.size, 0.1)
        inside = np.zeros(scene.picture.shape[:2], bool)
        inside[region.top + row : region.bottom, region.left : region.right] = mask[:, :, 0] > 0
        for made in (first, last):
            np.testing.assert_array_equal(made[~inside], scene.picture[~inside])
        assert row > 0.3 * region.size[1], "the eyes keep their own pixels"
        changed = np.abs(first.astype(int) - scene.picture).max(axis=2)
        assert changed[110:150, 90:150].mean() > 5
        assert np.abs(first.astype(int) - last).max() > 1, "it does not move"

    def test_it_goes_over_into_the_picture_without_an_edge(self) -> None:
        grey = np.full((200, 200, 3), 100, np.uint8)
        white = np.full((FACE_SIZE, FACE_SIZE, 3), 200, np.float32)
        made = put_back(grey, Region(20, 20, 180, 180), white, 0.1)[:, :, 0].astype(int)
        assert made[140, 100] == 200
        steps = np.abs(np.diff(made, axis=0)).max(), np.abs(np.diff(made, axis=1)).max()
        assert max(steps) < 12
        hard = put_back(grey, Region(20, 20, 180, 180), white, 0.02)[:, :, 0].astype(int)
        assert np.abs(np.diff(hard, axis=1)).max() > 30

    def test_how_many_at_once_changes_nothing(self, loaded: Loaded, sound: Path) -> None:
        whole = pictures(loaded, Moving(speed=1.0), sound, 3)
        for size in (1, 2):
            assert apart(pictures(loaded, Moving(speed=1.0), sound, 3, batch_size=size), whole) <= 1

    def test_a_video_of_one_picture_and_the_picture_come_out_the_same(
        self, loaded: Loaded, sound: Path
    ) -> None:
        assert apart(pictures(loaded, Still(), sound, 3), pictures(loaded, Moving(), sound, 3)) <= 1

    def test_the_mouth_goes_with_the_face(self, loaded: Loaded, sound: Path) -> None:
        scene = Moving(speed=6.0)
        made = pictures(loaded, scene, sound, 4)
        edges = []
        for each in made:
            changed = np.flatnonzero(np.abs(each.astype(int) - scene.picture).max(axis=(0, 2)) > 4)
            edges.append((changed[0] + changed[-1]) / 2)
        np.testing.assert_allclose(np.diff(edges), 6, atol=3)

    def test_other_sound_makes_another_mouth(self, loaded: Loaded, sound: Path, tmp_path: Path) -> None:
        other = write_silence(tmp_path / "other.wav", 1.0)
        assert apart(pictures(loaded, Still(), sound, 3), pictures(loaded, Still(), other, 3)) > 3

    def test_space_around_the_face_is_taken_in_as_far_as_there_is_any(self) -> None:
        assert region_of(FACE, SIZE, Pads()) == Region(60, 30, 180, 170)
        assert region_of(FACE, SIZE, Pads(5, 99, 7, 8)) == Region(53, 25, 188, SIZE[1])
        assert [option.default for option in OPTIONS[:4]] == [0, 10, 0, 0]

    def test_a_face_outside_the_picture_is_refused(self, loaded: Loaded, sound: Path) -> None:
        outside = Face(300.0, 30.0, 400.0, 160.0, FACE.landmarks)
        with pytest.raises(BadInput, match="outside the picture"):
            pictures(loaded, Still(face=outside), sound, 1)

    def test_a_still_face_is_looked_at_once_and_few_are_kept(self, loaded: Loaded, sound: Path) -> None:
        loaded = replace(loaded, kept={})
        with counted(loaded.net.face_encoder_blocks[0]) as looks:
            for size in (1, 2):
                pictures(loaded, Still(), sound, 2, batch_size=size)
            assert looks.count == 1
            pictures(loaded, Still(), sound, 1, batch_size=1, pad_bottom=30)
            assert looks.count == 2, "another region is another picture"
        for number in range(4):
            pictures(loaded, Still(key=str(number)), sound, 1, batch_size=1)
        assert len(loaded.kept) == 4
        assert all(len(each) == 1 for seen in loaded.kept.values() for each in seen), "once, not a batch"

    def test_stop_is_felt_before_the_next_picture(self, loaded: Loaded, sound: Path) -> None:
        control = Control()
        request = AnimationRequest(Still(), sound, 2.0, fps=FPS, options={"batch_size": 2})
        made = animate(loaded, request, control)
        next(made)
        control.cancel()
        with pytest.raises(Cancelled):
            next(made)

    @pytest.mark.parametrize("scene", [Still(key="never seen"), Moving()])
    def test_stop_is_felt_within_the_net(self, loaded: Loaded, sound: Path, scene: Scene) -> None:
        control = Control()
        block = loaded.net.face_decoder_blocks[2]
        hook = block.register_forward_hook(lambda *_: control.cancel())
        try:
            with counted(loaded.net.face_decoder_blocks[4]) as after, pytest.raises(Cancelled):
                list(animate(loaded, AnimationRequest(scene, sound, 2.0, fps=FPS), control))
        finally:
            hook.remove()
        assert after.count == 0


@contextmanager
def counted(module: torch.nn.Module) -> Iterator[SimpleNamespace]:
    """How often `module` is used inside."""
    seen = SimpleNamespace(count=0)

    def count(*_: object) -> None:
        seen.count += 1

    hook = module.register_forward_pre_hook(count)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.fixture
def manager(wav2lip_models: Path, tmp_path: Path) -> Iterator[EngineManager]:
    folders = EngineFolders(tmp_path, ModelFolders(wav2lip_models, tmp_path))
    manager = EngineManager(Registry(folders), device="cpu", dtype="float32")
    yield manager
    manager.close()


class TestAsAnEngine:
    def test_it_says_what_it_is_without_being_loaded(self, manager: EngineManager) -> None:
        engine = manager.registry.avatar("wav2lip")
        info: AvatarInfo = engine.info
        assert not engine.is_loaded
        assert info.model_keys == ("wav2lip", "wav2lip-gan", PRACTICE)
        assert (info.uses_phonemes, info.embedded) == (False, False)
        assert "non-commercial" in info.notice
        assert not any(option.modes for option in info.options)
        choices = {choice.key: choice for choice in engine.models()}
        assert [choice.installed for choice in choices.values()] == [False, False, True]
        assert choices[PRACTICE].practice

    def test_a_lease_makes_a_picture_speak_and_keeps_the_model(
        self, manager: EngineManager, sound: Path
    ) -> None:
        made = []
        for _ in range(2):
            with manager.lease_avatar("wav2lip", Control(), PRACTICE) as lease:
                assert lease.placement is not None
                request = AnimationRequest(Still(), sound, 0.1, fps=30, model=PRACTICE)
                made.append(list(lease.engine.animate(request, Control())))
        assert len(made[0]) == 3
        assert apart(*made) == 0
        state = manager.state()
        assert state.loads == 1
        (ours,) = (each for each in state.engines if each.id == "wav2lip")
        assert (ours.model, ours.loaded) == (PRACTICE, True)
        assert ours.placement is not None
        assert ours.placement.warning == "", "it is not as slow as speech models"
        manager.unload("wav2lip")
        assert not manager.registry.avatar("wav2lip").is_loaded
        manager.unload("wav2lip")

    def test_the_place_is_the_one_it_has_chosen_and_eight_bits_are_not_for_it(
        self, wav2lip_models: Path, tmp_path: Path
    ) -> None:
        folders = EngineFolders(tmp_path, ModelFolders(wav2lip_models, tmp_path))
        manager = EngineManager(Registry(folders), device="cpu", dtype="int8")
        with manager.lease_avatar("wav2lip", Control(), PRACTICE) as lease:
            assert isinstance(lease.engine, Wav2LipEngine)
            assert lease.placement == lease.engine.placement
            assert lease.placement is not None
            expected = "bfloat16" if cpu_has_bfloat16(torch) else "float32"
            assert lease.placement.dtype == expected
        manager.close()

    def test_a_model_that_is_not_there_is_named_with_the_remedy(self, manager: EngineManager) -> None:
        with pytest.raises(ModelMissing, match=r"models download wav2lip-gan"):
            with manager.lease_avatar("wav2lip", Control(), "wav2lip-gan"):
                pass


def test_half_a_minute_takes_no_more_memory_than_a_second() -> None:
    """Of the sound no more is held than a second and what a picture hears."""
    second = speech_like(mel.RATE)
    coming = mel.cut(mel.mels(second for _ in range(30)), 1, 30)
    held = [window.base.nbytes for window in coming]
    assert len(held) == 30
    assert max(held) <= 4 * MEL_BANDS * (mel.MELS_PER_S + 2 * MEL_FRAMES)
