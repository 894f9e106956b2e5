"""One optimizer step: some rounds of batches forward and backward, guarded against losses that are none."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engines.devices import torch_module
from studio.errors import StudioError
from studio.runs.values import Precision, RunSettings
from training.clips import Clips
from training.family import TrainingFamily
from training.together import Together, seed_everything

if TYPE_CHECKING:
    import torch

#: Of Coqui's recipe for XTTS; language models are trained with much the same.
_BETAS = (0.9, 0.96)

#: Steps in a row without a loss after which a run is given up; with float16, whose scale is looked for
#: by overflowing, more.
_MOST_SKIPPED = 3
_MOST_SKIPPED_FLOAT16 = 20

#: Clips named in a warning.
_NAMED = 4


class Diverged(StudioError):
    """The loss is not a number any more."""

    kind = "diverged"


@dataclass(frozen=True)
class Stepped:
    """What a step came to."""

    losses: dict[str, float] = field(default_factory=dict)  # means; empty where it was skipped
    norm: float | None = None  # of the gradient, before clipping
    padding: float = 0.0
    clips: int = 0  # of all processes
    skipped: str = ""  # why, as a sentence


class Steps:
    """The module and its optimizer."""

    def __init__(
        self,
        family: TrainingFamily,
        module: torch.nn.Module,
        settings: RunSettings,
        clips: Clips,
        together: Together,
    ) -> None:
        self._family, self._settings, self._together = family, settings, together
        self._clips, self._voices = clips, clips.voices
        self._trained = {name: each for name, each in module.named_parameters() if each.requires_grad}
        optimizer = _optimizer(self._trained, settings)
        self.module: Any
        self._optimizer: Any
        self.module, self._optimizer = together.accelerator.prepare(module, optimizer)

    def step(
        self, rounds: Sequence[tuple[tuple[int, ...], ...]], place: tuple[int, int], rate: float
    ) -> Stepped:
        """Train on `rounds`, the first of which is number `place` (epoch, round), at the rate `rate`. Raises
        Cancelled within a batch; then the weights are those of the step before."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        clips = sum(len(batch) for round in rounds for batch in round)
        sums: dict[str, float] = {}
        padding = 0.0
        for index, round in enumerate(rounds):
            mine = round[self._together.number]
            last = index == len(rounds) - 1
            # Every clip counts the same, whatever the size of its batch; processes are averaged.
            weight = len(mine) * self._together.count / clips
            losses, share = self._batch(mine, (*place, index), weight, last)
            if not math.isfinite(losses["loss"]):
                return self._skipped(mine, "loss")
            padding += share / len(rounds)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
        norm = self._clipped()
        if norm is None:
            if self._together.accelerator.scaler is not None:  # it halves its scale, and does not step
                self._optimizer.step()
            mine = tuple(number for round in rounds for number in round[self._together.number])
            return self._skipped(mine, "gradient")
        self._optimizer.step()
        return Stepped(sums, norm, padding, clips)

    def state(self) -> dict[str, Any]:
        """Tensors and numbers; what restore() takes."""
        scaler = self._together.accelerator.scaler
        return {
            "weights": {name: each.detach().cpu() for name, each in self._trained.items()},
            "optimizer": self._optimizer.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Raises KeyError or ValueError where the state is another module's."""
        torch = torch_module()
        if state["weights"].keys() != self._trained.keys():
            raise ValueError("the state is of other weights")
        with torch.no_grad():
            for name, value in state["weights"].items():
                self._trained[name].copy_(value)
        self._optimizer.load_state_dict(state["optimizer"])
        if self._together.accelerator.scaler is not None:
            self._together.accelerator.scaler.load_state_dict(state["scaler"])

    @property
    def most_skipped(self) -> int:
        """Steps in a row that may be skipped."""
        return _MOST_SKIPPED if self._together.accelerator.scaler is None else _MOST_SKIPPED_FLOAT16

    def _batch(
        self, numbers: Sequence[int], place: tuple[int, int, int], weight: float, last: bool
    ) -> tuple[dict[str, float], float]:
        """Forward and, where the loss of all processes is a number, backward. Returns what the batches of
        all processes add to the step's losses, and the share of this one that is padding."""
        accelerator = self._together.accelerator
        self._together.check()
        where = (self._settings.seed, place[0], place[1] + place[2], self._together.number)
        seed_everything("batch", *where)
        examples = [self._clips.train[number] for number in numbers]
        batch = self._family.collate(examples, self._voices, random.Random(f"voices:{where}"))
        with nullcontext() if last else accelerator.no_sync(self.module):
            losses = self.module(self._together.on_device(batch))
            shares = {name: value * weight for name, value in losses.items()}
            means = self._together.means({name: value.detach() for name, value in shares.items()})
            if math.isfinite(means["loss"]):
                accelerator.backward(shares["loss"])
        return means, self._family.padding(batch)

    def _clipped(self) -> float | None:
        """Clip the gradient; its norm before that, or None where it is not finite."""
        parameters = list(self._trained.values())
        clip = self._settings.clip_norm
        norm = float(self._together.accelerator.clip_grad_norm_(parameters, clip))
        return norm if math.isfinite(norm) else None

    def _skipped(self, numbers: Sequence[int], what: str) -> Stepped:
        self._optimizer.zero_grad(set_to_none=True)
        names = self._together.gathered([self._clips.name(number) for number in numbers])
        shown = ", ".join(names[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return Stepped(skipped=f"A step was left out: its {what} is not a number (clips {shown}{more}).")


def diverged(settings: RunSettings, skipped: Stepped, count: int) -> Diverged:
    """The error for `count` steps in a row without a loss."""
    advice = f"Lower the learning rate, to {settings.learning_rate / 4:g} say"
    if settings.precision is not Precision.FLOAT32:
        advice += ", or set precision to float32"
    return Diverged(
        f"The loss has not been a number {count} times in a row, so the run was stopped. {skipped.skipped}",
        f"{advice}, and listen to these clips. Checkpoints of earlier epochs are not affected.",
    )


def _optimizer(trained: dict[str, torch.nn.Parameter], settings: RunSettings) -> torch.optim.Optimizer:
    """AdamW; biases and the scales of norms do not decay."""
    torch = torch_module()
    decaying = [each for each in trained.values() if each.ndim > 1]
    others = [each for each in trained.values() if each.ndim <= 1]
    groups = [
        {"params": decaying, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=settings.learning_rate, betas=_BETAS
    )
