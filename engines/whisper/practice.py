"""A practice model: a checkpoint in Whisper's own form, tiny, with random weights.

It hears nothing and writes nonsense, but with it everything around - loading, detecting, prompting,
timing words, stopping - runs in seconds and without a download.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engines import devices
from engines.whisper.loading import PRACTICE_MARK
from studio.control import Control
from studio.files import make_folder, publishing
from studio.models.registry import MODELS, WHISPER

#: As whisper.model.ModelDimensions has them: those of a multilingual model but for width and depth.
DIMENSIONS: Mapping[str, int] = {
    "n_mels": 80,
    "n_audio_ctx": 1500,
    "n_audio_state": 96,
    "n_audio_head": 2,
    "n_audio_layer": 2,
    "n_vocab": 51_865,
    "n_text_ctx": 448,
    "n_text_state": 96,
    "n_text_head": 2,
    "n_text_layer": 2,
}
#: Of a model that knows English only.
_ENGLISH_VOCABULARY = 51_864


def make_all(family_folder: Path, control: Control) -> tuple[Path, ...]:
    """Make the registry's practice model below `family_folder`; returns its folder, as the makers of
    every family do. Raises Cancelled, StorageFailed, ImportError without the package."""
    made = []
    for entry in MODELS.values():
        if entry.practice and entry.family == WHISPER:
            control.progress(f"making {entry.folder}")
            folder = family_folder / entry.folder
            make_practice(folder / entry.files[0].name)
            made.append(folder)
    return tuple(made)


def make_practice(
    path: Path, english: bool = False, seed: int = 0, dimensions: Mapping[str, int] = DIMENSIONS
) -> Path:
    """Write a checkpoint, whole or not at all: of about 22 MB, or as large as `dimensions` say. The
    same arguments give the same weights."""
    torch = devices.torch_module()
    from whisper.model import ModelDimensions, Whisper

    dimensions = dict(dimensions)
    if english:
        dimensions["n_vocab"] = _ENGLISH_VOCABULARY
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Whisper(ModelDimensions(**dimensions))
        with torch.no_grad():  # which the class leaves as memory happened to be
            model.decoder.positional_embedding.normal_(0, 0.02)
    make_folder(path.parent)
    content = {"dims": dimensions, "model_state_dict": model.state_dict(), PRACTICE_MARK: True}
    with publishing(path) as partial:
        torch.save(content, partial)
    return path
