"""What this machine would train on, and how much memory that has free."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engines.devices import choose, torch_module

_MB = 2**20
#: Of a container (https://docs.kernel.org/admin-guide/cgroup-v2.html).
_CONTAINER = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Device:
    """Where runs calculate."""

    kind: str  # "cpu", "cuda" or "mps"
    label: str  # for people
    available_mb: float
    bfloat16: bool  # it calculates in 16 bits of itself


def device_of(setting: str) -> Device:
    """The one that `setting`, of Settings.device, leads to. Raises BadInput where there is none such."""
    if setting == "cpu":  # for which torch need not be imported
        return Device(setting, setting, _machine_mb(), bfloat16=False)
    found = choose(setting)
    kind = found.device.partition(":")[0]
    if kind != "cuda":
        return Device(kind, kind, _machine_mb(), bfloat16=False)
    torch = torch_module()
    free, _ = torch.cuda.mem_get_info(found.device)
    return Device(kind, torch.cuda.get_device_name(found.device), free / _MB, found.dtype == "bfloat16")


def _machine_mb() -> float:
    """Of the machine, or of the container where that has less."""
    import psutil

    free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no container, or another kind of them
        free = min(free, container_free(_CONTAINER))
    return max(0.0, free) / _MB


def container_free(folder: Path) -> float:
    """Bytes that the container told of in `folder` may still take; infinity where it has no limit. What
    it keeps of files that were read counts as free, for the kernel gives that up. Raises OSError, ValueError
    where `folder` does not tell."""
    limit = (folder / "memory.max").read_text().strip()
    if limit == "max":
        return math.inf
    figures = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    used = float((folder / "memory.current").read_text()) - float(figures.get("inactive_file", 0))
    return float(limit) - used
