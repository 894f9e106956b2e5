"""Attempts at a run in processes of their own, forked from one that has imported all that takes long: the
first optimizer and the first module on several processes want more of torch than `import torch` brings."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import torch
import torch._dynamo
import torch.distributed.tensor
from safetensors.torch import save_file

from studio.control import Control
from studio.runs.run_folder import RunFolder
from studio.runs.values import Checkpoint, RunSettings
from tests import tiny_family
from training import loop, main, running
from training.clips import Clips, read_clips
from training.together import Together, place

#: Of a run with the tiny family instead of that which its settings name.
PARTS = running.Parts(
    dict.fromkeys(running.FAMILIES, "tests.tiny_family:TinyFamily"), "tests.tiny_family:listening", 0.0
)


def head(settings: RunSettings, clips: Clips) -> Checkpoint:
    return Checkpoint(
        *("run", 0, settings.family, settings.method, settings.base, 0, None, None, 0.0, 0),
        speaker=clips.speaker,
        language=clips.language,
    )


def attempt(root: Path, settings: RunSettings, kill: str = "") -> None:
    """Train the run at `root` from where it is; killed where `kill` says."""
    os.environ["KILL"] = kill or "none 0"
    torch.set_num_threads(1)
    clips = read_clips(root / "state" / "examples.json")
    assert clips is not None
    family = tiny_family.Killing(root, settings, "cpu", torch.float32)
    work = loop.Work(RunFolder(root), settings, clips, head(settings, clips), save_every_s=0.0)
    together = Together(place("cpu", settings.precision), Control())
    loop.train(work, family, together, tiny_family.Listener())


def launched(arguments: list[str], environment: Mapping[str, str], weights: Path) -> None:
    """One process of `accelerate launch -m training.main`, with the tiny family; leaves its weights."""
    os.environ |= environment
    torch.set_num_threads(1)
    code = main.main(arguments, PARTS)
    save_file(tiny_family.TinyFamily.last.trainable_state(), weights)
    sys.exit(code)


def process(function: object, *arguments: object) -> ForkServerProcess:
    """Started already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    made = context.Process(target=function, args=arguments, daemon=True)  # type: ignore[arg-type]
    made.start()
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
