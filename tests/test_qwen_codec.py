"""Promises of the streaming codec: any chunks give the sound of all codes at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.qwen.codec import StreamingCodec
from engines.qwen.package import qwen_tts_package

FRAMES, SAMPLES = 300, 1920


@pytest.fixture(scope="module")
def tokenizer(practice_models: Path) -> Any:
    qwen_tts_package()
    from qwen_tts import Qwen3TTSTokenizer

    folder = next(practice_models.glob("*/speech_tokenizer"))
    return Qwen3TTSTokenizer.from_pretrained(str(folder), dtype=torch.float32)


@pytest.fixture(scope="module")
def codes() -> torch.Tensor:
    return torch.randint(0, 2048, (FRAMES, 16), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def whole(tokenizer: Any, codes: torch.Tensor) -> np.ndarray:
    """What the official decoder makes of all codes at once."""
    with torch.inference_mode():
        return tokenizer.model.decoder(codes.t()[None])[0, 0].numpy()


def push_in(codec: StreamingCodec, codes: torch.Tensor, size: int) -> np.ndarray:
    return np.concatenate([codec.push(chunk) for chunk in codes.split(size)])


@pytest.mark.parametrize("size", [1, 3, FRAMES])
def test_chunks_of_any_size_give_the_official_decoders_sound(
    tokenizer: Any, codes: torch.Tensor, whole: np.ndarray, size: int
) -> None:
    assert 4 * tokenizer.model.decoder.config.sliding_window < FRAMES
    sound = push_in(StreamingCodec(tokenizer), codes, size)
    assert sound.dtype == np.float32
    assert sound.shape == (FRAMES * SAMPLES,)
    assert np.abs(sound - whole).max() < 1e-5


def test_chunks_may_differ_in_size_and_be_empty(
    tokenizer: Any, codes: torch.Tensor, whole: np.ndarray
) -> None:
    codec = StreamingCodec(tokenizer)
    pieces = [codec.push(chunk) for chunk in codes.split([2, 0, 97, 1, 200])]
    assert np.abs(np.concatenate(pieces) - whole).max() < 1e-5


@pytest.mark.parametrize("reference", [1, 5, 200])
def test_a_reference_is_heard_but_not_spoken(
    tokenizer: Any, codes: torch.Tensor, whole: np.ndarray, reference: int
) -> None:
    codec = StreamingCodec(tokenizer)
    codec.prime(codes[:reference])
    sound = push_in(codec, codes[reference:], 50)
    assert np.abs(sound - whole[reference * SAMPLES :]).max() < 1e-5


def test_a_new_take_knows_nothing_of_the_last(tokenizer: Any, codes: torch.Tensor) -> None:
    codec = StreamingCodec(tokenizer)
    first = codec.push(codes[:20])
    codec.reset()
    assert np.array_equal(codec.push(codes[:20]), first)
    codec.push(codes[20:40])
    codec.prime(codes[:5])
    assert np.abs(codec.push(codes[5:20]) - first[5 * SAMPLES :]).max() < 1e-5


def test_a_long_take_needs_no_more_memory_or_time_than_a_short_one(
    tokenizer: Any, codes: torch.Tensor
) -> None:
    codec = StreamingCodec(tokenizer)

    def kept() -> int:
        layers = codec._transformer._layers
        tensors = [layer._kept for layer in layers] + [layer._past for layer in codec._kept]
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    def fastest(frames: torch.Tensor) -> float:
        took = []
        for chunk in frames.split(4):
            start = time.thread_time()
            codec.push(chunk)
            took.append(time.thread_time() - start)
        return min(took)

    window = tokenizer.model.decoder.config.sliding_window
    early, after_window = fastest(codes[: window + 4]), kept()
    late = fastest(codes[-100:])
    assert kept() == after_window
    assert late < 3 * early


def test_the_official_decoder_stays_as_it_is(
    tokenizer: Any, codes: torch.Tensor, whole: np.ndarray
) -> None:
    """A concurrent official call must not meet patched modules."""
    decoder = tokenizer.model.decoder
    before = {name: set(vars(module)) for name, module in decoder.named_modules()}
    state = {name: (tensor.data_ptr(), tensor.shape) for name, tensor in decoder.state_dict().items()}
    codec = StreamingCodec(tokenizer)
    codec.push(codes[:10])
    with torch.inference_mode():
        again = decoder(codes.t()[None])[0, 0].numpy()
    assert np.array_equal(again, whole)
    assert {name: set(vars(module)) for name, module in decoder.named_modules()} == before
    after = {name: (tensor.data_ptr(), tensor.shape) for name, tensor in decoder.state_dict().items()}
    assert after == state


def test_bfloat16_weights_give_nearly_the_same_sound(
    tokenizer: Any, codes: torch.Tensor, whole: np.ndarray
) -> None:
    sound = push_in(StreamingCodec(tokenizer, torch.bfloat16), codes, 60)
    error = np.square(sound - whole).mean() / np.square(whole).mean()
    assert -10 * np.log10(error) > 30  # dB


def test_what_no_codebook_holds_is_read_as_the_official_package_reads_it(
    tokenizer: Any, codes: torch.Tensor
) -> None:
    padded = codes[:4].clone()
    padded[-1] = -1
    assert np.array_equal(
        StreamingCodec(tokenizer).push(padded), StreamingCodec(tokenizer).push(padded.clamp(min=0))
    )
