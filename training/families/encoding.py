"""The clips of a data set, one after another, by what encodes a single one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engines.memory import give_back
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import BadInput
from training.family import Encoded, Example, LeftOut


class Encoder(Protocol):
    """Encodes the clips of one family."""

    def example(self, row: Row) -> Example:
        """Raises BadInput for a clip that cannot be trained on, saying why."""


def encode_with(make: Callable[[], Encoder], rows: Sequence[Row], control: Control) -> Encoded:
    """See TrainingFamily.encode. What `make` gives is dropped afterwards, and its memory given back.
    Raises what `make` does, Cancelled."""
    examples: list[Example] = []
    left_out: list[LeftOut] = []
    encoder = make()
    try:
        for number, row in enumerate(rows):
            control.progress("encoding the clips", number / len(rows))
            try:
                examples.append(encoder.example(row))
            except BadInput as error:
                left_out.append(LeftOut(row.audio, str(error)))
    finally:
        del encoder
        give_back()
    return Encoded(tuple(examples), tuple(left_out))
