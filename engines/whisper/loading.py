"""From a checkpoint on the disk to a model that is ready, by OpenAI's classes and with nothing run from
the file."""

from __future__ import annotations

import contextlib
import pickle
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import devices
from engines.base import Placement
from studio.control import Control
from studio.errors import EngineFailed, OutOfMemory
from studio.models.registry import ModelEntry

#: How often waiting for the compiler looks whether to stop, seconds.
_POLL_S = 0.1

#: In a practice model's checkpoint, beside "dims" and "model_state_dict".
PRACTICE_MARK = "timbre_practice"


@dataclass(frozen=True)
class Loaded:
    """A model in memory."""

    key: str
    model: Any  # whisper.model.Whisper
    half: bool  # calculates with float16
    practice: bool  # random weights: what it says would never end by itself

    @property
    def multilingual(self) -> bool:
        return bool(self.model.is_multilingual)


def load(entry: ModelEntry, folder: Path, placement: Placement) -> Loaded:
    """The model of `folder` on `placement`'s device: float16 on CUDA unless float32 is asked for,
    float32 elsewhere. Apple graphics lack what its word times need, so the processor is taken there.

    Raises EngineFailed naming the remedy for a file that is no checkpoint of Whisper, OutOfMemory.
    """
    torch = devices.torch_module()
    from whisper.model import ModelDimensions, Whisper

    ALIGNER.start()  # beside the reading; not earlier: two threads must not import the package at once
    path = folder / entry.files[0].name
    device = placement.device if placement.device.startswith("cuda") else "cpu"
    half = device != "cpu" and placement.dtype != "float32"
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        model = Whisper(ModelDimensions(**checkpoint["dims"]))
        model.load_state_dict(checkpoint["model_state_dict"])
        practice = bool(checkpoint.get(PRACTICE_MARK, False))
        del checkpoint
        _name_alignment_heads(model, entry)
        model.eval()
        if half:
            _halve(model)
        model.to(device)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"The memory of {device} does not suffice for {entry.label}.",
            "Choose a smaller model, or close what else uses the graphics card.",
        ) from error
    except (
        *(OSError, EOFError, pickle.UnpicklingError, RuntimeError),
        *(KeyError, TypeError, ValueError, AttributeError, AssertionError),
    ) as error:
        raise _broken(entry, path) from error
    return Loaded(entry.key, model, half, practice)


def _broken(entry: ModelEntry, path: Path) -> EngineFailed:
    again = f"practice {entry.engine}" if entry.practice else f"download {entry.key}"
    return EngineFailed(
        f"{path.name} is no checkpoint of Whisper, or it is damaged.",
        f"Delete it (python app.py models delete {entry.key} --yes) and get it again: "
        f"python app.py models {again}",
    )


def _name_alignment_heads(model: Any, entry: ModelEntry) -> None:
    """Tell the model which heads of its attention follow the words in time; its authors found them
    out for each size. The package does so only for models that it downloads itself."""
    import whisper

    known = whisper._ALIGNMENT_HEADS.get(entry.key.removeprefix("whisper-"))
    if known is not None:
        model.set_alignment_heads(known)


def _halve(model: Any) -> None:
    """Keep in float16 what is calculated in it. The package keeps all in float32 and converts the same
    weights at every step: the same results from twice the memory."""
    from whisper.model import Conv1d, Linear

    for module in model.modules():
        if isinstance(module, (Linear, Conv1d)):
            module.half()


class Aligner:
    """The compiled part of Whisper's word times. Compiling takes seconds and cannot be stopped, so it
    is done once, beside other work, and whoever waits for it can be stopped. Later processes find it
    on the disk."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    def start(self) -> None:
        """Begin to compile; harmless when it has begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._compile, name="whisper-compile", daemon=True)
            self._thread.start()

    def wait(self, control: Control) -> None:
        """Raises Cancelled, and EngineFailed where it cannot be compiled."""
        self.start()
        assert self._thread is not None
        while self._thread.is_alive():
            control.check()
            self._thread.join(_POLL_S)
        if self._failure is not None:
            raise EngineFailed(
                f"The word times cannot be calculated: {self._failure}.",
                "Switch them off, or install what requirements.txt names.",
            ) from self._failure

    def _compile(self) -> None:
        import numpy as np

        try:
            from whisper.timing import backtrace, dtw_cpu

            # numba keeps what it compiles beside the package, or in the user's cache.
            with contextlib.suppress(RuntimeError):  # where it can be kept nowhere
                backtrace.enable_caching()
                dtw_cpu.enable_caching()
            dtw_cpu(np.zeros((2, 3)))
        except Exception as error:  # noqa: BLE001 - told by whoever waits
            self._failure = error


ALIGNER = Aligner()
