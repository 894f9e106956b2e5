"""The weights in a folder of XTTS, read so that nothing in a file can run.

torch's reader of weights alone follows no instruction but the rebuilding of tensors. The published
model.pth keeps its configuration beside them as objects of coqui-tts; those become inert stand-ins,
which are thrown away: config.json is what counts. coqui-tts itself would let its own classes be built
and rewrite the file in place.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from engines.devices import torch_module
from studio.errors import EngineFailed

#: Where the classes of a pickled configuration were and are.
_CONFIGURATION = (
    *("TTS.tts.configs.xtts_config.XttsConfig", "TTS.tts.configs.xtts_config.XttsArgs"),
    *("TTS.tts.configs.xtts_config.XttsAudioConfig", "TTS.tts.models.xtts.XttsArgs"),
    *("TTS.tts.models.xtts.XttsAudioConfig", "TTS.config.shared_configs.BaseDatasetConfig"),
)
#: What a trainer's checkpoint holds besides the model.
_OF_TRAINING = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")
#: Views of the same weights, which some checkpoints repeat.
_REPEATED = ("gpt.gpt_inference.", "gpt.gpt.wte.")


class _Inert:
    """Stands for an object of a pickled configuration; keeps nothing."""

    def __setstate__(self, state: object) -> None:
        pass


def read_tensors(path: Path) -> Any:
    """What torch.save wrote to `path`, on the CPU: tensors in dictionaries, lists and the like.

    Raises EngineFailed naming the remedy where the file is damaged, or holds something else.
    """
    torch = torch_module()
    stand_ins = [(_Inert, name) for name in _CONFIGURATION]
    try:
        with torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=_may_map(path))
    except pickle.UnpicklingError as error:
        raise EngineFailed(
            f"{path.name} holds something besides weights, which could run as a program, and is not "
            "opened.",
            "Get the model from its authors again, or export it with its weights only.",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailed(
            f"{path.name} cannot be read: it is damaged or no checkpoint of PyTorch.",
            "Check the model in the Models tab, and download it again.",
        ) from error


def weights_of(folder: Path) -> Path:
    """The file of a model's weights: as published, or as training leaves them."""
    published, trained = folder / "model.pth", folder / "model.safetensors"
    return trained if trained.is_file() and not published.is_file() else published


def read_weights(path: Path) -> dict[str, Any]:
    """The weights of an XTTS model, by the names of its modules: from a published model.pth, from a
    checkpoint of coqui-tts's trainer, or from safetensors. Raises EngineFailed."""
    content = _read_safetensors(path) if path.suffix == ".safetensors" else read_tensors(path)
    weights = weights_in(content)
    if not weights:
        raise EngineFailed(
            f"{path.name} holds no model.", "Check the model in the Models tab, and download it again."
        )
    return weights


def weights_in(content: Any) -> dict[str, Any]:
    """The weights in what `read_tensors` gave, without what only training needs; none where it is no
    model."""
    weights = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights):
        return {}
    named = {name.removeprefix("xtts."): tensor for name, tensor in weights.items()}
    return {
        name: tensor
        for name, tensor in named.items()
        if name.partition(".")[0] not in _OF_TRAINING and not name.startswith(_REPEATED)
    }


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise EngineFailed(
            f"{path.name} cannot be read: it is damaged or holds no weights.",
            "Restore it, or train or download the model again.",
        ) from error


def _may_map(path: Path) -> bool:
    """Whether the file is of the newer form, which can be read where it lies instead of copied."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"
