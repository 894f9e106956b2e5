"""Promises of what the benchmark of training is reckoned with, where nothing has to be trained for it."""

from __future__ import annotations

import random
import statistics
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.training_data import seconds_like_lj, steps_like_lj
from benchmarks.training_run import lengths_of
from benchmarks.training_work import operations, peak_of
from studio.control import Control
from studio.dataset.metadata import Row
from studio.runs.shapes import shape_of
from studio.runs.values import Family, Method, RunSettings
from tests.qwen_speech import recording
from training.families.qwen import QwenFamily


def test_clips_are_as_long_as_those_of_lj_speech() -> None:
    seconds = seconds_like_lj(5_000)
    assert 1.1 <= min(seconds) < 1.6
    assert 9.8 < max(seconds) <= 10.1
    assert statistics.mean(seconds) == pytest.approx(6.57, abs=0.2)
    assert seconds_like_lj(40) == seconds_like_lj(40)
    assert min(steps_like_lj(240)) > 30


@pytest.mark.parametrize("method", Method)
def test_the_work_is_what_torch_counts(practice_models: Path, tmp_path: Path, method: Method) -> None:
    """Of clips that are equally long, so that there is no padding; torch leaves attention out here."""
    rows = [
        Row(str(recording(tmp_path / f"{number}.wav", 2.0, number)), "I was at home.", "Ann", "en")
        for number in range(2)
    ]
    base = practice_models / "practice-base"
    settings = RunSettings(Family.QWEN, "base", "set", method)
    family = QwenFamily(base, settings, "cpu", torch.float32)
    examples = family.encode(rows, tmp_path / "cache", Control()).examples
    module = family.build(examples)
    batch = family.collate(examples, {}, random.Random(0))
    with FlopCounterMode(display=False) as counter:
        module(batch)["loss"].backward()
    lengths = [lengths_of(Family.QWEN, example) for example in examples]
    work = operations(shape_of(base, Family.QWEN), method, settings.lora, lengths)
    assert work == pytest.approx(counter.get_total_flops(), rel=0.1)


@pytest.mark.parametrize(
    ("card", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("NVIDIA L40", None),
        ("Tesla T4", None),
    ],
)
def test_a_card_is_known_by_its_name(card: str, peak: float | None) -> None:
    assert peak_of(card) == peak
