"""The commands that fetch a model without Timbre."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from studio.errors import BadInput
from studio.models.registry import ModelEntry


def commands(entry: ModelEntry, target: Path) -> tuple[str, str]:
    """The command lines for Hugging Face and for ModelScope, to be pasted into a terminal.

    Raises BadInput for a model that no hub has.
    """
    if not entry.hugging_face:
        raise BadInput(
            f"{entry.label} is not on any hub: it is made on this machine.",
            "Make it with: python app.py models practice",
        )
    return (
        _line("hf", "download", entry.hugging_face, "--local-dir", str(target)),
        _line("modelscope", "download", "--model", entry.modelscope, "--local_dir", str(target)),
    )


def _line(*words: str) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
