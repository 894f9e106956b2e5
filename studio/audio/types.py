"""The one form in which sound travels through the studio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Audio:
    """Mono sound: `samples` is float32 [n] in [-1, 1], `sample_rate` in Hz."""

    samples: Samples
    sample_rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate
