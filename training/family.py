"""What the loop asks of a family of models, and of whoever listens at each epoch's end."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.runs.values import RunSettings, SampleReport, StepRow
from studio.settings import Settings

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Example:
    """One clip, encoded once and kept by its content."""

    id: str  # of its content: equal for the same clip and text, whatever the file is called
    length: int  # in the model's steps (codes + text), for batches of like lengths
    path: Path  # what the family has cached of it (safetensors)
    speaker: str
    text: str
    language: str  # BCP 47, lower case
    seconds: float


@dataclass(frozen=True)
class LeftOut:
    """A clip that is not trained on."""

    audio: str  # as the row names it
    reason: str  # a sentence


@dataclass(frozen=True)
class Encoded:
    """`examples` in the order of the rows; every row is in one of the two."""

    examples: tuple[Example, ...]
    left_out: tuple[LeftOut, ...]


class TrainingFamily(Protocol):
    """A family of models in training. Methods are called from one thread.

    A run that goes on after an interruption, and the second and later of several processes, know the
    examples already: there build() is called without encode(), the data set may be gone, and all that a
    clip is trained with is in the file at `Example.path`.
    """

    def __init__(
        self, base_folder: Path, settings: RunSettings, device: str, dtype: torch.dtype
    ) -> None:
        """`base_folder` holds the model to begin with, `settings.base` its key. `dtype` is what the frozen
        weights are kept in; weights that are trained are float32 whatever it says, for steps of 1e-6
        vanish in bfloat16."""

    def encode(self, rows: Sequence[Row], cache: Path, control: Control) -> Encoded:
        """The clips as `build`'s module takes them, cached by content below `cache`, which belongs to
        this family alone. Loads what encodes, and drops it afterwards.

        `row.audio` and `row.ref_audio` are absolute here.
        """

    def build(self, examples: Sequence[Example]) -> torch.nn.Module:
        """The module to train, on the device and in training mode: forward(batch) takes what collate() makes,
        moved to the device, and returns losses by name, scalars, with "loss" the total that has a
        gradient. `examples` are all that it is trained on; their voice is what speak() and
        write_checkpoint() take.

        LoRA is applied, or every weight is to be trained; only what is trained requires a gradient.
        Checkpoints activations where settings.gradient_checkpointing says so. New weights are drawn
        from torch's generator, which the loop has seeded."""

    def collate(
        self,
        examples: Sequence[Example],
        others: Mapping[str, Sequence[Example]],
        generator: random.Random,
    ) -> dict[str, Any]:
        """A batch, on the CPU. `others` are all examples of each speaker: the voice is conditioned on another
        utterance than the one that is trained on, chosen by `generator` alone, so that a batch is the
        same whenever it is made."""

    def padding(self, batch: Mapping[str, Any]) -> float:
        """The share of the batch's steps that is padding, in [0, 1]."""

    def trainable_state(self) -> dict[str, torch.Tensor]:
        """What is trained, copied to the CPU, by the names that a checkpoint has."""

    def load_trainable(self, folder: Path) -> None:
        """Take over, after build(), the weights of a checkpoint of the same family and method. Raises
        BadInput for another's, Damaged for one that is not whole."""

    def write_checkpoint(self, folder: Path) -> None:
        """Write adapter_model.safetensors and adapter_config.json, or model.safetensors, and whatever
        else the weights are used with, into an empty folder."""

    def speak(self, text: str, language: str, seed: int, control: Control) -> Audio:
        """The text in the trained voice, with the weights as they are now. The module is in training mode
        afterwards as before; the loop keeps the random generators."""


@dataclass(frozen=True)
class Judgement:
    """What was found at an epoch's end."""

    heard: SampleReport | None = None
    warnings: tuple[str, ...] = ()  # sentences
    best: int | None = None  # the epoch that is the best so far; None: no opinion
    stop: str = ""  # why the run should end here, as a sentence; "": it goes on


class EpochEnd(Protocol):
    """Called on the first process at the end of every epoch, and before the first one with epoch 0.

    It may be called again for the same epoch after an interruption, so it overwrites what it wrote, and
    remembers nothing but what `history` and the files say.
    """

    def __call__(
        self, family: TrainingFamily, row: StepRow, history: Sequence[StepRow], control: Control
    ) -> Judgement:
        """`row` is the epoch's (kind "epoch", its number in `epoch`) with loss and eval_loss; `history` are those
        of the epochs before, epoch 0 first, each with what was heard and warned."""


class Listening(Protocol):
    """How the job makes one: `training.sentinel.listening`."""

    def __call__(
        self, root: Path, settings: RunSettings, rows: Sequence[Row], studio: Settings
    ) -> EpochEnd:
        """`root` is the run's folder, `settings.base` the key of its model, `rows` the data set's with absolute
        audio files, `studio` the settings of this machine: its models and device."""
