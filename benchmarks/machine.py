"""What the figures were measured on."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path

import psutil

from studio.settings import CHECKOUT


def describe() -> str:
    """One line: processor, cores, memory, system, Python, date, commit."""
    memory = psutil.virtual_memory().total / 2**30
    facts = [
        _processor(),
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GB RAM",
        _system(),
        f"Python {platform.python_version()}",
        datetime.date.today().isoformat(),
        *_commit(),
    ]
    return ", ".join(facts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:  # not Linux
        return f"{platform.system()} {platform.release()}"


def _commit() -> list[str]:
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty= with changes"],
            cwd=CHECKOUT, capture_output=True, text=True, timeout=20, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):  # a download without its history
        return []
    return [f"commit {described.strip()}"]
