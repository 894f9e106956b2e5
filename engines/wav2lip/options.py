"""What of Wav2Lip can be set."""

from __future__ import annotations

from collections.abc import Mapping

from engines.base import Option


def _pad(side: str, default: float, why: str) -> Option:
    return Option(
        key=f"pad_{side}",
        label=f"Space on the {side}" if side in ("left", "right") else f"Space at the {side}",
        minimum=0,
        maximum=200,
        default=default,
        step=1,
        help=f"Pixels of the picture that are taken in beside the found face{why}.",
        modes=frozenset(),
    )


OPTIONS = (
    _pad("top", 0, ""),
    _pad("bottom", 10, ": the chin needs some when it goes down"),
    _pad("left", 0, ""),
    _pad("right", 0, ""),
    Option(
        key="feather",
        label="Soft edge",
        minimum=0.02,
        maximum=0.25,
        default=0.1,
        step=0.01,
        help="How wide the transition from the drawn mouth to the picture is, as a part of the face.",
        modes=frozenset(),
    ),
    Option(
        key="batch_size",
        label="Faces at once",
        minimum=0,
        maximum=256,
        default=0,
        step=1,
        help="More need more memory. 0: 16 on a processor, 128 on a graphics card.",
        modes=frozenset(),
    ),
)

_DEFAULTS = {option.key: option.default for option in OPTIONS}


def value_of(key: str, given: Mapping[str, float]) -> float:
    """What was given for the option `key`, else its default."""
    return given.get(key, _DEFAULTS[key])
