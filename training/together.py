"""One process or several: accelerate's Accelerator, with what the loop asks of it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engines.devices import choose, torch_module
from studio.control import Control
from studio.errors import BadInput, Cancelled
from studio.runs.values import Method, Precision

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

#: The others wait so long while the first process encodes or speaks test sentences.
_PATIENCE = timedelta(hours=6)

#: As accelerate calls them.
_MIXED = {Precision.FLOAT32: "no", Precision.BFLOAT16: "bf16", Precision.FLOAT16: "fp16"}


@dataclass(frozen=True)
class Placement:
    """Where a run calculates, and how."""

    device: str
    precision: Precision  # never AUTO
    reason: str

    def frozen_dtype(self, method: Method) -> torch.dtype:
        """What weights that are not trained are kept in."""
        torch = torch_module()
        if method is Method.FULL or self.precision is Precision.FLOAT32:
            return torch.float32
        return torch.bfloat16 if self.precision is Precision.BFLOAT16 else torch.float16


def place(device: str, precision: Precision) -> Placement:
    """Where to train: on `device` ("auto": the best), with bfloat16 where that is a gain.

    Raises BadInput for what the machine does not have.
    """
    found = choose(device)
    kind = found.device.partition(":")[0]
    if precision is Precision.AUTO:
        if kind == "cuda" and found.dtype == "bfloat16":
            return Placement(found.device, Precision.BFLOAT16, "bfloat16, which the card has")
        return Placement(found.device, Precision.FLOAT32, f"float32, which is best on {kind}")
    if precision is Precision.FLOAT16 and kind != "cuda":
        raise BadInput(
            f"float16 is for CUDA cards, and this run would be on {kind}.", "Set precision to auto."
        )
    return Placement(found.device, precision, f"{precision}, set so")


class Together:
    """The processes of a run, of which there may be one."""

    def __init__(self, placement: Placement, control: Control) -> None:
        from accelerate import Accelerator
        from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs

        torch = torch_module()
        # A process that was launched beside others has its card by its number; alone it has the current one.
        if placement.device.startswith("cuda:") and "LOCAL_RANK" not in os.environ:
            torch.cuda.set_device(placement.device)
        self.accelerator: Accelerator = Accelerator(
            cpu=placement.device == "cpu",
            mixed_precision=_MIXED[placement.precision],
            kwargs_handlers=[
                DistributedDataParallelKwargs(broadcast_buffers=False),
                InitProcessGroupKwargs(timeout=_PATIENCE),
            ],
        )
        self.placement, self.control = placement, control

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return bool(self.accelerator.is_main_process)

    @property
    def count(self) -> int:
        return int(self.accelerator.num_processes)

    @property
    def number(self) -> int:
        return int(self.accelerator.process_index)

    @property
    def device(self) -> torch.device:
        return self.accelerator.device

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()

    def check(self) -> None:
        """Raise Cancelled where this process is the only one and has been asked to stop. Several agree on
        that in means(): one that stopped by itself would leave the others waiting."""
        if self.count == 1:
            self.control.check()

    def means(self, values: Mapping[str, torch.Tensor]) -> dict[str, float]:
        """The mean of each over the processes, NaN where one has NaN. Raises Cancelled in all of them
        when one has been asked to stop."""
        torch = torch_module()
        self.check()
        if self.count == 1:
            return {name: float(value) for name, value in values.items()}
        stop = torch.tensor(float(self.control.cancelled), device=self.device)
        parts = [stop, *(value.detach().float().to(self.device) for value in values.values())]
        mean = self.accelerator.reduce(torch.stack(parts), reduction="mean").tolist()
        if mean[0] > 0:
            raise Cancelled
        return dict(zip(values, mean[1:], strict=True))

    def told(self, value: Any) -> Any:
        """What the first process says, in all of them."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0] if self.count > 1 else value

    def gathered(self, values: list[str]) -> list[str]:
        """The values of all processes, one after another."""
        from accelerate.utils import gather_object

        return list(gather_object(values)) if self.count > 1 else values

    def on_device(self, batch: Any) -> Any:
        from accelerate.utils import send_to_device

        return send_to_device(batch, self.device)


def seed_everything(*what: object) -> None:
    """Seed the random generators by `what`; the same words give the same draws."""
    import numpy as np

    torch = torch_module()
    number = random.Random(":".join(map(str, what))).getrandbits(63)
    torch.manual_seed(number)
    np.random.seed(number % 2**32)
    random.seed(number)


@contextmanager
def kept_modes(module: torch.nn.Module) -> Iterator[None]:
    """Leave every part of `module` in the mode, training or evaluation, that it was in."""
    modes = [(each, each.training) for each in module.modules()]
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training
