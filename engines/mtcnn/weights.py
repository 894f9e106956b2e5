"""The weights of the three nets, from the wheel `mtcnn`, which is never imported: it wants TensorFlow."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from studio.errors import EngineFailed

Arrays: TypeAlias = list[npt.NDArray[np.float32]]

#: SHA-256 of the files of mtcnn 1.0.0. joblib unpickles, so nothing but these is ever loaded.
FILES: Mapping[str, str] = {
    "pnet.lz4": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet.lz4": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet.lz4": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}

_AGAIN = "Install it again: pip install --force-reinstall mtcnn==1.0.0"


def folder() -> Path:
    """Where the wheel keeps them; raises EngineFailed where it is not installed."""
    found = importlib.util.find_spec("mtcnn")
    if found is None or not found.submodule_search_locations:
        raise EngineFailed(
            "The weights of the face detector are missing: the package mtcnn is not installed.",
            "Install what requirements.txt names: pip install -r requirements.txt",
        )
    return Path(found.submodule_search_locations[0]) / "assets" / "weights"


def read(name: str, where: Path) -> Arrays:
    """The arrays of one net in the order of Keras, layer by layer: kernel (height, width, in, out) or
    matrix (in, out), bias, slopes of the PReLU. Raises EngineFailed for a file that is not the known one.
    """
    try:
        content = (where / name).read_bytes()
    except OSError as error:
        raise EngineFailed(
            f"The weights of the face detector cannot be read: {error}.", _AGAIN
        ) from error
    if hashlib.sha256(content).hexdigest() != FILES[name]:
        raise EngineFailed(f"{where / name} does not hold the weights of mtcnn 1.0.0.", _AGAIN)
    import joblib

    arrays: Arrays = joblib.load(io.BytesIO(content))
    return arrays


def state_of(arrays: Arrays, layers: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What `load_state_dict` takes. `layers` names each net layer with its PReLU ("" for none), in the
    order of `arrays`. Kernels go from Keras's HWIO to OIHW, matrices are transposed."""
    import torch

    left = iter(arrays)
    state = {}
    for layer, prelu in layers:
        kernel = next(left)
        state[f"{layer}.weight"] = kernel.transpose((3, 2, 0, 1) if kernel.ndim == 4 else (1, 0))
        state[f"{layer}.bias"] = next(left)
        if prelu:
            state[f"{prelu}.weight"] = next(left).reshape(-1)
    return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()}
