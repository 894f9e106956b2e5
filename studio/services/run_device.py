"""What this machine would train on, and how much memory that has free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.devices import choose, torch_module

_MB = 2**20
#: Of a container: the most it may have, and what it has now.
_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


@dataclass(frozen=True)
class Device:
    """Where runs calculate."""

    kind: str  # "cpu", "cuda" or "mps"
    label: str  # for people
    available_mb: float
    bfloat16: bool  # it calculates in 16 bits of itself


def device_of(setting: str) -> Device:
    """The one that `setting`, of Settings.device, leads to. Raises BadInput where there is none such."""
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
    try:
        limit = _LIMIT.read_text().strip()
        if limit != "max":
            free = min(free, float(limit) - float(_USED.read_text()))
    except (OSError, ValueError):  # no container, or another kind of them
        pass
    return max(0.0, free) / _MB
