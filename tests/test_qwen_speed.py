"""Promises of what makes Qwen3-TTS fast: graphs give the eager loop's codes, int8 strays little."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.drawing import Draw
from engines.qwen.cuda_graphs import GraphedTalkerLoop, make_loop
from engines.qwen.deviation import deviation, outputs, signal_to_error
from engines.qwen.int8_kernels import layer
from engines.qwen.package import qwen_tts_package
from engines.qwen.quantization import Int8Linear, quantise
from engines.qwen.sampling import TalkerSampling
from engines.qwen.talker import Ending, FrameLoop, TalkerInput, TalkerLoop, capture

GREEDY = TalkerSampling(Draw(temperature=0), Draw(temperature=0), max_frames=25)
SAMPLED = TalkerSampling(Draw(1.1, 40, 0.9), Draw(0.7, 50, 0.8), 1.2, max_frames=25, seed=7)


@pytest.fixture(scope="module")
def loaded(practice_models: Path) -> tuple[Any, TalkerInput]:
    """The talker of a model whose predictor is narrower than its talker, and a prompt for it."""
    (folder,) = practice_models.glob("*custom*")
    wrapper = qwen_tts_package().Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32)
    prompt = capture(wrapper, lambda: wrapper.generate_custom_voice("A fox.", "Vivian", "English"))
    return wrapper.model.talker, prompt


def draw_all(loop: FrameLoop, prompt: TalkerInput, sampling: TalkerSampling) -> torch.Tensor:
    return torch.stack(list(loop.frames(prompt, sampling)))


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_the_graphs_steps_draw_the_eager_loops_codes(
    loaded: tuple[Any, TalkerInput], sampling: TalkerSampling
) -> None:
    """What a graph would hold, run without one: the same on a processor."""
    talker, prompt = loaded
    eager, graphed = TalkerLoop(talker), GraphedTalkerLoop(talker, capturing=False)
    for each in (sampling, replace(sampling, max_frames=3), replace(sampling, seed=9)):
        expected = draw_all(eager, prompt, each)
        assert torch.equal(draw_all(graphed, prompt, each), expected)
        assert graphed.ending is eager.ending


def test_the_graphs_steps_keep_every_limit(loaded: tuple[Any, TalkerInput]) -> None:
    talker, prompt = loaded
    length = prompt.embeds.shape[1]
    for positions in (length + 3, length):
        eager = TalkerLoop(talker, positions)
        graphed = GraphedTalkerLoop(talker, positions, capturing=False)
        expected = list(eager.frames(prompt, GREEDY))
        assert len(list(graphed.frames(prompt, GREEDY))) == len(expected) == positions - length
        assert graphed.ending is eager.ending is Ending.LIMIT
    with pytest.raises(ValueError, match="positions"):
        next(GraphedTalkerLoop(talker, length - 1, capturing=False).frames(prompt, GREEDY))
    loop = GraphedTalkerLoop(talker, capturing=False)
    frames = []
    for frame in loop.frames(prompt, GREEDY, should_stop=lambda: len(frames) == 2):
        frames.append(frame)
    assert len(frames) == 2
    assert loop.ending is Ending.STOPPED


def test_a_longer_take_gets_more_room_and_the_step_is_kept_otherwise(
    loaded: tuple[Any, TalkerInput],
) -> None:
    talker, prompt = loaded
    loop = GraphedTalkerLoop(talker, capturing=False)
    draw_all(loop, prompt, GREEDY)
    step = loop._step
    draw_all(loop, prompt, replace(GREEDY, max_frames=5, seed=3))
    assert loop._step is step
    assert step is not None
    list(loop.frames(prompt, replace(GREEDY, max_frames=step.capacity), lambda: True))
    assert loop._step is not None
    assert loop._step.capacity > step.capacity


def test_a_processor_gets_the_eager_loop(loaded: tuple[Any, TalkerInput]) -> None:
    assert isinstance(make_loop(loaded[0]), TalkerLoop)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_captured_graphs_draw_the_eager_loops_codes(
    loaded: tuple[Any, TalkerInput], sampling: TalkerSampling
) -> None:
    talker, prompt = loaded
    talker = copy.deepcopy(talker).to("cuda")
    there = TalkerInput(*(each.to("cuda") for each in (prompt.embeds, prompt.trailing, prompt.pad)))
    loop = make_loop(talker)
    assert isinstance(loop, GraphedTalkerLoop)
    expected = draw_all(TalkerLoop(talker), there, sampling)
    for _ in range(2):
        assert torch.equal(draw_all(loop, there, sampling), expected)


@pytest.fixture(scope="module")
def quantised(loaded: tuple[Any, TalkerInput]) -> Any:
    talker = copy.deepcopy(loaded[0])
    quantise(talker)
    return talker


def test_every_layer_is_quantised_but_the_head(quantised: Any) -> None:
    assert isinstance(quantised.model.layers[0].mlp.down_proj, Int8Linear)
    assert isinstance(quantised.code_predictor.small_to_mtp_projection, Int8Linear)
    assert all(isinstance(head, Int8Linear) for head in quantised.code_predictor.lm_head)
    assert type(quantised.codec_head) is torch.nn.Linear


def test_the_official_code_runs_quantised_layers_too(
    loaded: tuple[Any, TalkerInput], quantised: Any
) -> None:
    x = torch.randn(1, 3, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = loaded[0].model.layers[0].mlp(x)
        measured = quantised.model.layers[0].mlp(x)
    assert (measured - expected).norm() < 0.03 * expected.norm()


def test_compiled_layers_give_what_float32_gives_with_the_rounded_weights(
    loaded: tuple[Any, TalkerInput], quantised: Any
) -> None:
    """All that 8 bits change is the weights; also where a layer is one compiled call."""
    talker, prompt = copy.deepcopy(loaded[0]), loaded[1]
    rounded = 0
    for name, module in quantised.named_modules():
        if isinstance(module, Int8Linear):
            weight, scales = module.shared.arrays
            rows = slice(module.start, module.start + module.out_features)
            exact = weight[rows].astype(np.float32) * scales[rows, None]
            talker.get_submodule(name).weight.data = torch.from_numpy(exact)
            rounded += 1
    assert rounded > 20
    few = replace(prompt, embeds=prompt.embeds[:, :3])  # more rows are read in bfloat16
    codes = draw_all(TalkerLoop(talker), few, replace(GREEDY, max_frames=6))
    found = deviation(outputs(talker, few, codes), outputs(quantised, few, codes))
    assert max(found.hidden, found.first, found.residual) < 1e-4
    assert found.same == 1
    assert len(layer.signatures) == 1, "compiled when it was loaded, not again when it spoke"


@pytest.mark.parametrize("kind", ["int8", "bfloat16"])
def test_the_deviation_is_small_and_none_from_itself(
    loaded: tuple[Any, TalkerInput], quantised: Any, kind: str
) -> None:
    talker, prompt = loaded
    codes = draw_all(TalkerLoop(talker), prompt, replace(GREEDY, max_frames=6))
    reference = outputs(talker, prompt, codes)
    itself = deviation(reference, outputs(talker, prompt, codes))
    assert (itself.hidden, itself.first, itself.residual, itself.same) == (0, 0, 0, 1)
    other = quantised if kind == "int8" else copy.deepcopy(talker).to(torch.bfloat16)
    found = deviation(reference, outputs(other, prompt, codes))
    assert 0 < found.hidden < 0.1
    assert 0 < found.first < 0.1
    assert 0 < found.residual < 0.1
    assert found.same > 0.7


def test_the_reference_of_the_deviation_is_what_the_loop_saw(
    loaded: tuple[Any, TalkerInput],
) -> None:
    """Greedy codes are the likeliest ones of the outputs."""
    talker, prompt = loaded
    codes = draw_all(TalkerLoop(talker), prompt, replace(GREEDY, max_frames=4))
    assert torch.equal(outputs(talker, prompt, codes).residual.argmax(-1), codes[:, 1:])


def test_a_quantised_loop_speaks_and_repeats_itself(
    loaded: tuple[Any, TalkerInput], quantised: Any
) -> None:
    loop = make_loop(quantised)
    first = draw_all(loop, loaded[1], SAMPLED)
    assert torch.equal(draw_all(loop, loaded[1], SAMPLED), first)
    assert len(first) > 1


def test_an_error_is_told_in_decibels() -> None:
    sound = np.array([0.5, -0.5], np.float32)
    assert signal_to_error(sound, sound * np.float32(1.1)) == pytest.approx(20, abs=0.01)
    assert signal_to_error(sound, sound) == float("inf")
