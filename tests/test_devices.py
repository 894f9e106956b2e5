"""Where neural engines run: chosen by the machine, explained, or forced and then checked."""

from __future__ import annotations

import pytest
import torch

from engines import devices
from studio.errors import BadInput

NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA card")


def test_the_choice_explains_itself_and_warns_of_slowness() -> None:
    placement = devices.choose("cpu")
    assert placement.device == "cpu"
    assert placement.dtype in ("float32", "bfloat16")
    assert "set so" in placement.reason
    assert placement.dtype in placement.reason
    assert "slow" in placement.warning


def test_bfloat16_is_chosen_where_the_processor_has_it() -> None:
    expected = "bfloat16" if devices.cpu_has_bfloat16(torch) else "float32"
    assert devices.choose("cpu").dtype == expected


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_settings_can_force_the_numbers(dtype: str) -> None:
    placement = devices.choose("cpu", dtype)
    assert placement.dtype == dtype
    assert f"{dtype}, set so" in placement.reason


@pytest.mark.parametrize(
    ("device", "dtype", "says"),
    [
        ("gpu", "auto", "no device “gpu”"),
        ("cpu", "float64", "no number format “float64”"),
        ("cpu", "float16", "too slow"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(device: str, dtype: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        devices.choose(device, dtype)
    assert caught.value.hint


@NO_CUDA
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_card_that_is_not_there_is_no_silent_fallback(device: str) -> None:
    with pytest.raises(BadInput, match="There is no CUDA device"):
        devices.choose(device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
def test_a_card_is_preferred() -> None:
    placement = devices.choose()
    assert placement.device == "cuda:0"
    assert placement.attention in ("sdpa", "flash_attention_2")
    assert not placement.warning
