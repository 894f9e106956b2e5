"""Full disks for tests that need one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.settings import CHECKOUT


@contextlib.contextmanager
def tiny_disk(size: str = "512k") -> Iterator[Path]:
    """A real file system of `size`; skips where only an administrator could mount one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a tiny disk can be mounted only by root on Linux")
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "timbre-test", folder]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("mounting is not allowed here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def limit_file_size() -> None:
    """For preexec_fn: no file of this process may grow beyond 200 kB. Needs no rights, so that the
    same promise is tested where no disk can be mounted."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def said_under_a_limit(code: str, path: Path) -> str:
    """What `code`, run with `path` as its argument and under that limit, prints."""
    command = [sys.executable, "-c", code, str(path)]
    result = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, check=True, preexec_fn=limit_file_size
    )
    return result.stdout
