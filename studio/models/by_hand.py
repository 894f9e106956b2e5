"""The commands that fetch a model without Timbre."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from studio.errors import BadInput
from studio.models.registry import ModelEntry


def commands(entry: ModelEntry, target: Path) -> tuple[str, str]:
    """The command lines for Hugging Face and for ModelScope, to be pasted into a terminal; the second
    is "" where it lacks the model. Of a model that no hub has, the first fetches its file.

    Raises BadInput for a model that is made here.
    """
    if entry.practice:
        raise BadInput(
            f"{entry.label} is not on any hub: it is made on this machine.",
            f"Make it with: python app.py models practice {entry.engine}",
        )
    if entry.url:
        name = entry.files[0].name
        # -C -: go on from what is there.
        options = ("-L", "-C", "-", "--create-dirs", "-o", str(target / name))
        return _line("curl", *options, f"{entry.url}/{name}"), ""
    # Where a model is one file, its repository may hold others as well.
    only = [file.name for file in entry.files] if len(entry.files) == 1 else []
    modelscope = ("modelscope", "download", "--model", entry.modelscope, "--local_dir", str(target))
    return (
        _line("hf", "download", entry.hugging_face, *only, "--local-dir", str(target)),
        _line(*modelscope) if entry.modelscope else "",
    )


def _line(*words: str) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
