"""How much of a recording was cut off because it was too loud for whatever recorded it."""

from __future__ import annotations

import numpy as np

from studio.audio.types import Samples

#: A clipped peak is flat: at least so many samples beside one another at the limit.
_FLAT = 3
#: At the limit is what comes this close to the largest sample of its sign.
_CLOSE = 0.9995
#: One flat top may be chance; a limit is met again and again.
_LEAST_TOPS = 3
#: Quieter than this the steps of 16 bits make tops flat by themselves.
_LEAST_PEAK = 0.02


def clipped_share(samples: Samples) -> float:
    """Which part of `samples`, mono float32 [n], lies in flattened peaks: 0 to 1.

    Also finds what was clipped first and made quieter afterwards; not what was compressed to MP3 or
    resampled after it had been clipped, for that has no flat tops any more.
    """
    if not len(samples):
        return 0.0
    flat = sum(_flattened(side) for side in (samples, -samples))
    return flat / len(samples)


def _flattened(samples: Samples) -> int:
    """How many samples lie in flattened upper peaks."""
    limit = float(samples.max())
    if limit < _LEAST_PEAK:
        return 0
    at_limit = np.concatenate([[False], samples >= limit * _CLOSE, [False]])
    edges = np.flatnonzero(np.diff(at_limit.astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    flat = lengths[lengths >= _FLAT]
    return int(flat.sum()) if len(flat) >= _LEAST_TOPS else 0
