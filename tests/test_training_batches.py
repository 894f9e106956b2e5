"""Promises of what a run begins with: batches and rates, proposals, and the clips of its data set."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from studio.control import Control
from studio.errors import BadInput
from studio.runs.presets import Preset, propose
from studio.runs.run_folder import settings_row
from studio.runs.values import Family, Method, RunSettings, Schedule
from tests.tiny_family import SETTINGS, TinyFamily, clips_in, clips_of
from training.batches import padding, plan
from training.clips import encoded, read_clips, write_clips
from training.schedule import learning_rate

# Batches and rates


def seconds_of_clips(count: int) -> list[int]:
    """Lengths of segments as a build cuts them, 1.5 to 11 s, in steps of 46 ms and letters."""
    generator = random.Random(count)
    lengths = [min(11.0, max(1.5, generator.lognormvariate(1.5, 0.5))) for _ in range(count)]
    return [round(length * (21.5 + generator.uniform(12, 17))) for length in lengths]


@pytest.mark.parametrize("count", [120, 1000])
@pytest.mark.parametrize("size", [2, 4, 8])
def test_less_than_a_twentieth_of_a_batch_is_padding(count: int, size: int) -> None:
    lengths = seconds_of_clips(count)
    assert max(padding(lengths, plan(lengths, size, 1, 0, epoch)) for epoch in (1, 2)) < 0.05


def test_every_clip_is_in_one_batch_of_an_epoch() -> None:
    lengths = seconds_of_clips(37)
    batches = [batch for round in plan(lengths, 4, 3, 0, 2).rounds for batch in round]
    assert sorted(number for batch in batches for number in batch) == list(range(37))
    assert {len(batch) for batch in batches} <= {2, 3, 4}
    assert len(batches) % 3 == 0


def test_epochs_have_the_same_number_of_rounds() -> None:
    assert len({len(plan(seconds_of_clips(131), 8, 2, 0, epoch).rounds) for epoch in range(6)}) == 1


def test_batches_follow_from_seed_and_epoch() -> None:
    lengths = seconds_of_clips(40)
    assert plan(lengths, 4, 1, 7, 2) == plan(lengths, 4, 1, 7, 2)
    assert len({plan(lengths, 4, 1, seed, epoch) for seed in (1, 2) for epoch in (1, 2)}) == 4


def test_the_longest_batch_of_a_run_is_its_first() -> None:
    lengths = seconds_of_clips(40)
    assert lengths.index(max(lengths)) in plan(lengths, 4, 1, 0, 1).rounds[0][0]


def test_fewer_clips_than_processes_still_make_a_round() -> None:
    assert plan([5, 6], 1, 4, 0, 1).rounds[0] == ((0,), (1,), (0,), (1,))
    assert plan([], 4, 2, 0, 1).rounds == ()


def test_the_rate_warms_up_and_falls_to_a_tenth() -> None:
    settings = replace(SETTINGS, learning_rate=0.1, warmup_share=0.1)
    for schedule in (Schedule.COSINE, Schedule.LINEAR):
        rate = learning_rate(replace(settings, schedule=schedule), 100)
        rates = [rate.at(step) for step in range(100)]
        assert rates[:10] == sorted(rates[:10])
        assert rates[0] < 0.01
        assert rates[10] == 0.1
        assert rates[10:] == sorted(rates[10:], reverse=True)
        assert rates[-1] == pytest.approx(0.01)
    assert learning_rate(replace(settings, schedule=Schedule.CONSTANT), 100).at(99) == 0.1


# Proposals


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("method", list(Method))
def test_a_preset_gives_a_reason_for_what_it_chooses(family: Family, method: Method) -> None:
    for clips in (3, 150, 5_000):
        runs = [propose(family, method, preset, "b", "d", clips, clips * 5.0) for preset in Preset]
        assert [run.settings.epochs for run in runs] == sorted(run.settings.epochs for run in runs)
        for run in runs:
            plain = RunSettings(family, "b", "d", method)
            changed = {
                name
                for name, value in settings_row(run.settings).items()
                if value != settings_row(plain)[name]
            }
            assert changed <= set(run.reasons)
            assert all(reason.endswith(".") for reason in run.reasons.values())
            assert run.settings.batch_size <= clips


def test_xtts_and_qwen_are_trained_at_their_own_rates() -> None:
    def rate(family: Family, method: Method) -> float:
        return propose(family, method, Preset.BALANCED, "b", "d", 100, 500.0).settings.learning_rate

    assert (rate(Family.XTTS, Method.FULL), rate(Family.QWEN, Method.FULL)) == (5e-6, 2e-6)
    assert rate(Family.QWEN, Method.LORA) > rate(Family.QWEN, Method.FULL)


# Clips


def test_a_clip_that_cannot_be_trained_on_is_named(tmp_path: Path) -> None:
    rows = clips_in(tmp_path / "set")
    soundfile.write(tmp_path / "set" / rows[1].audio, np.zeros(100), 16_000)
    family = TinyFamily(tmp_path, SETTINGS, "cpu", torch.float32)
    clips = encoded(family, rows, tmp_path / "set", SETTINGS, tmp_path / "cache", Control())
    assert [each.audio for each in clips.left_out] == [rows[1].audio]
    assert (len(clips.train), len(clips.eval), clips.name(1)) == (5, 2, "clip 2.wav")
    path = tmp_path / "examples.json"
    write_clips(path, clips)
    assert read_clips(path) == clips
    with pytest.raises(BadInput, match=r"None of the 1 clips.*shorter than"):
        encoded(family, rows[1:2], tmp_path / "set", SETTINGS, tmp_path / "cache", Control())


def test_some_clips_are_set_aside_where_no_recording_is(tmp_path: Path) -> None:
    clips = clips_of(tmp_path, replace(SETTINGS, max_train_samples=20), count=24, eval=0)
    assert (len(clips.train), len(clips.eval)) == (18, 2)
    assert not {each.id for each in clips.train} & {each.id for each in clips.eval}
    assert ["20 of 24" in note or "2 of its clips" in note for note in clips.notes] == [True, True]
