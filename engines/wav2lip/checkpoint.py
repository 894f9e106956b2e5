"""The weights in a file, in either form in which Wav2Lip is published, read so that nothing in it can run."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from engines.devices import torch_module
from engines.wav2lip.torchscript import is_torchscript, read_torchscript

#: In a practice model's checkpoint, beside "state_dict".
PRACTICE_MARK = "timbre_practice"

#: What training on several cards puts before every name.
_PARALLEL = "module."


class NoWeights(ValueError):
    """The file gives no weights; the text says why, as the end of a sentence."""


@dataclass(frozen=True)
class Weights:
    tensors: Mapping[str, Tensor]  # by the names of the net's modules, on the CPU
    practice: bool  # drawn at random on this machine


def read_weights(path: Path) -> Weights:
    """What torch.save ({"state_dict": ...}, as its authors trained it) or torch.jit.save has written.

    Raises NoWeights for a file that is damaged, something else, or holds more than weights; OSError.
    """
    torch = torch_module()
    try:
        content: Any
        if is_torchscript(path):
            content = read_torchscript(path)
        else:
            # The newer form is read where it lies: only what the net takes is fetched from the disk.
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        raise NoWeights(
            "holds something besides weights, which could run as a program, and is not opened"
        ) from error
    except (
        *(zipfile.BadZipFile, EOFError, RuntimeError, ValueError, KeyError, TypeError),
        *(AttributeError, IndexError, NotImplementedError, OverflowError, RecursionError),
    ) as error:
        raise NoWeights("is damaged, or no checkpoint of PyTorch") from error
    if not isinstance(content, dict):
        raise NoWeights("holds no model")
    tensors = content.get("state_dict", content)
    if not (isinstance(tensors, dict) and tensors and all(map(_is_weight, tensors.items()))):
        raise NoWeights("holds no model")
    return Weights(
        {name.removeprefix(_PARALLEL): tensor for name, tensor in tensors.items()},
        practice=content.get(PRACTICE_MARK) is True,
    )


def _is_weight(item: tuple[object, object]) -> bool:
    name, tensor = item
    return isinstance(name, str) and isinstance(tensor, Tensor)
