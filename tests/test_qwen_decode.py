"""Promises of the frame-by-frame loop: the official package's codes, each as soon as it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.drawing import Draw, penalised, pick
from engines.qwen.package import qwen_tts_package
from engines.qwen.sampling import Sampler, TalkerSampling, Vocabulary
from engines.qwen.talker import Ending, TalkerInput, TalkerLoop, capture

TEXT = "A fox."
CAP = 20  # frames
GREEDY = TalkerSampling(Draw(temperature=0), Draw(temperature=0), max_frames=CAP)
SAMPLED = TalkerSampling(
    Draw(temperature=1.1, top_k=40, top_p=0.9),
    Draw(temperature=0.7, top_k=50, top_p=0.8),
    repetition_penalty=1.2,
    max_frames=CAP,
    seed=7,
)


@dataclass(frozen=True)
class Spoken:
    """A call of the official package, with what it gave."""

    wrapper: Any
    call: Callable[..., object]

    @property
    def talker(self) -> Any:
        return self.wrapper.model.talker

    def official(self, sampling: TalkerSampling) -> torch.Tensor:
        """The official codes [n, 16], from transformers' own generate."""
        frames: list[torch.Tensor] = []

        def keep(_module: Any, _given: Any, output: Any) -> None:
            if output.hidden_states[-1] is not None:
                frames.append(output.hidden_states[-1])

        torch.manual_seed(sampling.seed)
        hook = self.talker.register_forward_hook(keep)
        try:
            # max_new_tokens counts the end of speech, whether it comes or not.
            self.call(max_new_tokens=sampling.max_frames + 1, **_official_settings(sampling))
        finally:
            hook.remove()
        return torch.cat(frames)

    def prompt(self) -> TalkerInput:
        return capture(self.wrapper, self.call)


def _official_settings(sampling: TalkerSampling) -> dict[str, Any]:
    settings: dict[str, Any] = {"repetition_penalty": sampling.repetition_penalty}
    for prefix, flag, draw in (
        ("", "do_sample", sampling.talker),
        ("subtalker_", "subtalker_dosample", sampling.predictor),
    ):
        settings[flag] = not draw.greedy
        if not draw.greedy:
            settings |= {f"{prefix}temperature": draw.temperature}
            settings |= {f"{prefix}top_k": draw.top_k, f"{prefix}top_p": draw.top_p}
    return settings


@pytest.fixture(scope="module")
def spoken(practice_models: Path) -> Callable[[str], Spoken]:
    """Makes the official call of a mode: x_vector, in_context, preset, instructed, design."""

    @cache
    def model(variant: str) -> Any:
        (folder,) = practice_models.glob(f"*{variant}*")
        return qwen_tts_package().Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32)

    @cache
    def make(mode: str) -> Spoken:
        if mode in ("x_vector", "in_context"):
            noise = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
            wrapper = model("base")
            text = "Hello there." if mode == "in_context" else None
            prompt = wrapper.create_voice_clone_prompt(
                (noise, 24_000), ref_text=text, x_vector_only_mode=text is None
            )
            return Spoken(
                wrapper,
                lambda **settings: wrapper.generate_voice_clone(
                    TEXT, "English", voice_clone_prompt=prompt, **settings
                ),
            )
        if mode == "design":
            wrapper = model("design")
            return Spoken(
                wrapper,
                lambda **settings: wrapper.generate_voice_design(
                    TEXT, "a calm voice", "English", **settings
                ),
            )
        wrapper = model("custom")
        instruct = "calm and slow" if mode == "instructed" else None
        return Spoken(
            wrapper,
            lambda **settings: wrapper.generate_custom_voice(
                TEXT, "Vivian", "English", instruct, **settings
            ),
        )

    return make


def draw_all(loop: TalkerLoop, prompt: TalkerInput, sampling: TalkerSampling) -> torch.Tensor:
    return torch.stack(list(loop.frames(prompt, sampling)))


@contextmanager
def endless(talker: Any) -> Iterator[None]:
    """While inside, the talker never ends by itself."""

    def go_on(_module: Any, _given: Any, logits: torch.Tensor) -> torch.Tensor:
        logits[..., talker.config.codec_eos_token_id] = -1e4
        return logits

    hook = talker.codec_head.register_forward_hook(go_on)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize("mode", ["x_vector", "in_context", "preset", "instructed", "design"])
def test_the_codes_are_those_of_the_official_package(spoken: Callable[[str], Spoken], mode: str) -> None:
    """Sampled as well: one seed draws the same codes here and there."""
    call = spoken(mode)
    before, prompt = call.official(GREEDY), call.prompt()
    loop = TalkerLoop(call.talker)

    def drawn(sampling: TalkerSampling, official: torch.Tensor) -> None:
        assert torch.equal(draw_all(loop, prompt, sampling), official)
        assert len(official) > 1
        assert loop.ending is (Ending.EOS if len(official) < CAP else Ending.LIMIT)

    drawn(GREEDY, before)
    # The fused weights are still those of the official modules.
    drawn(SAMPLED, call.official(SAMPLED))


def test_a_seed_gives_the_same_codes_again_and_touches_nothing_global(
    spoken: Callable[[str], Spoken],
) -> None:
    call = spoken("preset")
    loop, prompt = TalkerLoop(call.talker), call.prompt()
    before = torch.get_rng_state()
    first = draw_all(loop, prompt, SAMPLED)
    assert torch.equal(draw_all(loop, prompt, SAMPLED), first)
    other = draw_all(loop, prompt, replace(SAMPLED, seed=8))
    assert not torch.equal(other[: len(first)], first[: len(other)])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_cap_is_kept_and_told_from_an_end(spoken: Callable[[str], Spoken]) -> None:
    call = spoken("preset")
    loop, prompt = TalkerLoop(call.talker), call.prompt()
    whole = draw_all(loop, prompt, GREEDY)
    for short_by in (0, 1, 5):
        cap = len(whole) - short_by
        frames = draw_all(loop, prompt, replace(GREEDY, max_frames=cap))
        assert torch.equal(frames, whole[:cap])
        assert loop.ending is (Ending.LIMIT if short_by else Ending.EOS)


def test_the_positions_are_limited(spoken: Callable[[str], Spoken]) -> None:
    call = spoken("preset")
    prompt = call.prompt()
    loop = TalkerLoop(call.talker, max_positions=prompt.embeds.shape[1] + 3)
    assert len(draw_all(loop, prompt, GREEDY)) == 3
    assert loop.ending is Ending.LIMIT


def test_stopping_is_asked_before_each_frame_and_a_new_take_starts_fresh(
    spoken: Callable[[str], Spoken],
) -> None:
    call = spoken("preset")
    loop, prompt = TalkerLoop(call.talker), call.prompt()
    whole = draw_all(loop, prompt, GREEDY)
    frames = []
    for frame in loop.frames(prompt, GREEDY, should_stop=lambda: len(frames) == 4):
        frames.append(frame)
    assert len(frames) == 4
    assert loop.ending is Ending.STOPPED
    taken = next(loop.frames(prompt, GREEDY))
    assert torch.equal(taken, whole[0])
    assert loop.ending is None
    assert torch.equal(draw_all(loop, prompt, GREEDY), whole)


def test_a_take_that_outgrows_its_first_memory_stays_right(spoken: Callable[[str], Spoken]) -> None:
    call = spoken("preset")
    with endless(call.talker):
        official, prompt = call.official(GREEDY), call.prompt()
        assert len(official) == CAP
        loop = TalkerLoop(call.talker)
        loop._cache._block = 16
        assert torch.equal(draw_all(loop, prompt, GREEDY), official)
        assert loop.ending is Ending.LIMIT


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_other_number_formats_work(practice_models: Path, dtype: torch.dtype) -> None:
    (folder,) = practice_models.glob("*custom*")
    wrapper = qwen_tts_package().Qwen3TTSModel.from_pretrained(str(folder), dtype=dtype)
    prompt = capture(wrapper, lambda: wrapper.generate_custom_voice(TEXT, "Vivian", "English"))
    assert prompt.embeds.dtype == dtype
    frames = draw_all(TalkerLoop(wrapper.model.talker), prompt, replace(SAMPLED, max_frames=10))
    assert frames.shape[1] == 16
    assert 2 <= len(frames) <= 10
    assert frames.min() >= 0
    assert frames.max() < 2048


def test_capturing_leaves_the_talker_as_it_was(spoken: Callable[[str], Spoken]) -> None:
    call = spoken("preset")
    call.prompt()
    assert "generate" not in vars(call.talker)
    with pytest.raises(ValueError, match="did not get to the talker"):
        capture(call.wrapper, lambda: None)
    with pytest.raises(ValueError, match="One text"):
        capture(
            call.wrapper,
            lambda: call.wrapper.generate_custom_voice([TEXT] * 2, ["Vivian"] * 2, ["English"] * 2),
        )
    assert "generate" not in vars(call.talker)


def test_drawing_follows_transformers() -> None:
    from transformers import LogitsProcessorList
    from transformers.generation import logits_process as official

    logits = torch.randn(3072, generator=torch.Generator().manual_seed(3)) * 3
    seen = torch.zeros(3072, dtype=torch.bool)
    ids = torch.tensor([[5, 9, 5, int(logits.argmax())]])
    seen[ids[0]] = True
    processors = LogitsProcessorList(
        [
            official.RepetitionPenaltyLogitsProcessor(1.3),
            official.TemperatureLogitsWarper(0.8),
            official.TopKLogitsWarper(30),
            official.TopPLogitsWarper(0.7),
        ]
    )
    expected = processors(ids, logits[None])[0].softmax(-1)
    noise = torch.empty(3072).exponential_(generator=torch.Generator().manual_seed(1))
    drawn = pick(penalised(logits, seen, 1.3), Draw(0.8, 30, 0.7), noise)
    torch.manual_seed(1)
    assert drawn == torch.multinomial(expected, 1)[0]
    assert drawn == (expected / noise).argmax()


def test_no_control_token_and_no_early_end_is_drawn() -> None:
    vocabulary = Vocabulary(size=3072, eos=2150)
    cpu = torch.device("cpu")
    sampler = Sampler(TalkerSampling(min_frames=2, seed=1), vocabulary, cpu)
    logits = torch.zeros(3072)
    logits[2048:] = 100.0
    assert sampler.first(logits, 0) < 2048
    assert sampler.first(logits, 1) < 2048
    assert sampler.first(logits, 2) == vocabulary.eos
