"""Attempts at a run in processes of their own, forked from one that has imported all that takes long: the
first optimizer and the first module on several processes want more of torch than `import torch` brings."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
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
from studio.settings import CHECKOUT
from tests import tiny_family
from training import loop, main, running
from training.clips import Clips, read_clips
from training.together import Together, place


def parts_of(family: str) -> running.Parts:
    """Of a run with a family of tests.tiny_family instead of that which its settings name."""
    families = dict.fromkeys(running.FAMILIES, f"tests.tiny_family:{family}")
    return running.Parts(families, "tests.tiny_family:listening", 0.0)


PARTS = parts_of("TinyFamily")
#: The environment variable that names the folder for the weights of each process.
WEIGHTS = "TINY_WEIGHTS"
_LAUNCH_S = 240
#: A process has so long, in seconds; a second or two are usual.
JOIN_S = 120


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


def trained(arguments: list[str], environment: Mapping[str, str], family: str = "TinyFamily") -> None:
    """training.main with a tiny family, in this process."""
    os.environ |= environment
    torch.set_num_threads(1)
    sys.exit(main.main(arguments, parts_of(family)))


def trained_by_two(
    arguments: list[str], environment: Mapping[str, str], family: str
) -> list[int | None]:
    """The same in two processes that train together; returns their exit codes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    made = []
    for rank in ("0", "1"):
        place = {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, **where}
        made.append(process(trained, arguments, {**environment, **place}, family))
    for each in made:
        each.join(JOIN_S)
    return [each.exitcode for each in made]


def process(function: object, *arguments: object) -> ForkServerProcess:
    """Started already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    made = context.Process(target=function, args=arguments, daemon=True)  # type: ignore[arg-type]
    made.start()
    return made


def launch(home: Path, id: str, *options: str, **environment: str) -> int:
    """Train the run by the command that docs/training.md promises, with the tiny family; each process leaves
    its weights in the home. Returns the exit code."""
    # The same launcher as `accelerate launch`, which imports transformers for its other commands.
    command = [Path(sys.executable).with_name("accelerate-launch"), *options]
    more = {"OMP_NUM_THREADS": "1", WEIGHTS: str(home), **environment}
    return subprocess.run(
        [*command, "-m", __name__, "--run", id, "--home", str(home)],
        env=os.environ | more, cwd=CHECKOUT, timeout=_LAUNCH_S, check=False,
    ).returncode  # fmt: skip


def weights_of(home: Path, rank: int) -> Path:
    return home / f"weights-{rank}"


def _main() -> int:
    """One process of the launch: training.main, but for what it trains."""
    code = main.main(sys.argv[1:], PARTS)
    rank = int(os.environ.get("RANK", "0"))
    save_file(tiny_family.TinyFamily.last.trainable_state(), weights_of(Path(os.environ[WEIGHTS]), rank))
    return code


if __name__ == "__main__":
    sys.exit(_main())
