"""Which device and which numbers a neural engine runs with, and why."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from engines.base import Placement
from studio.errors import BadInput

#: What Settings.dtype may say. int8 keeps weights in 8 bits, on the CPU only.
DTYPES = ("float32", "bfloat16", "float16", "int8")
AUTO = "auto"


def torch_module() -> Any:
    """torch, imported with the threads that suit a machine that does other work as well.

    Spinning OpenMP threads made two torch threads 25 times slower beside other load on few cores;
    waiting passively cures it, but only when it is set before torch starts. So is it with large
    memory pages, which on Linux let a processor read weights up to a tenth faster.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    import torch

    return torch


def choose(device: str = AUTO, dtype: str = AUTO) -> Placement:
    """The placement that `device` and `dtype` ask for; "auto" leaves a choice to the machine.

    Raises BadInput where the machine has no such device, or cannot calculate so on it.
    """
    torch = torch_module()
    found, reason = (device, "set so") if device != AUTO else _best_device(torch)
    if found == "cuda":
        found = "cuda:0"
    _check_device(torch, found)
    kind = found.partition(":")[0]
    if dtype == AUTO:
        dtype, why = _best_dtype(torch, kind)
    else:
        _check_dtype(kind, dtype)
        why = f"{dtype}, set so"
    attention, how = _attention(kind, dtype)
    warning = ""
    if kind == "cpu":
        warning = (
            "No graphics card is used, so this is slow: several seconds of work for a second of sound."
        )
    return Placement(found, dtype, attention, f"{found} ({reason}), {why}, {how}", warning)


def _best_device(torch: Any) -> tuple[str, str]:
    if torch.cuda.is_available():
        return "cuda:0", torch.cuda.get_device_name(0)
    if torch.backends.mps.is_available():
        return "mps", "Apple graphics"
    return "cpu", "no CUDA card and no Apple graphics found"


def _check_device(torch: Any, device: str) -> None:
    kind, _, index = device.partition(":")
    hint = "Set device to auto, or see docs/install.md for a torch that can use the card."
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise BadInput(f"There is no CUDA device, and “{device}” is set.", hint)
        count = torch.cuda.device_count()
        if not index.isdigit() or int(index) >= count:
            raise BadInput(f"There is no device “{device}”: this machine has {count}.", hint)
    elif kind == "mps":
        if not torch.backends.mps.is_available():
            raise BadInput("There are no Apple graphics, and “mps” is set.", hint)
    elif device != "cpu":
        raise BadInput(f"There is no device “{device}”.", "Use auto, cpu, cuda, cuda:1 or mps.")


def _best_dtype(torch: Any, kind: str) -> tuple[str, str]:
    if kind == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bfloat16", "bfloat16 (the card has it)"
        return "float16", "float16 (the card has no bfloat16)"
    if kind == "mps":
        return "float32", "float32 (the safe choice on Apple graphics)"
    if cpu_has_bfloat16(torch):
        return "bfloat16", "bfloat16 (the processor has it)"
    return "float32", "float32 (the processor has no bfloat16)"


def cpu_has_bfloat16(torch: Any) -> bool:
    """Whether this processor multiplies bfloat16 in hardware; emulated it is slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _check_dtype(kind: str, dtype: str) -> None:
    if dtype not in DTYPES:
        raise BadInput(f"There is no number format “{dtype}”.", "Use auto, " + ", ".join(DTYPES) + ".")
    if dtype == "int8" and kind != "cpu":
        raise BadInput("int8 works on the processor only.", "Set dtype to auto, or device to cpu.")
    if dtype == "float16" and kind == "cpu":
        raise BadInput("float16 is too slow on a processor.", "Set dtype to auto.")


def _attention(kind: str, dtype: str) -> tuple[str, str]:
    if kind == "cuda" and dtype in ("bfloat16", "float16"):
        if importlib.util.find_spec("flash_attn") is not None:
            return "flash_attention_2", "FlashAttention 2 (installed)"
        return "sdpa", "torch's own attention (flash-attn is not installed)"
    return "sdpa", "torch's own attention"
