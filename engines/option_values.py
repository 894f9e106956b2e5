"""Whether the numbers that were given for an engine's options can be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engines.base import Option, SamplingField
from studio.errors import BadInput, unknown


def check_values(given: Mapping[str, float], known: Iterable[Option | SamplingField], what: str) -> None:
    """Raises BadInput for a value outside its range, or that is not a number, and NotFound for a name that
    is none of `known`; `what` is what messages call one of those."""
    by_key = {each.key: each for each in known}
    for key, value in given.items():
        each = by_key.get(key)
        if each is None:
            raise unknown(what, key, by_key)
        if not each.minimum <= value <= each.maximum:
            raise BadInput(
                f"{each.label} {value:g} is out of range.", f"Use {each.minimum:g} to {each.maximum:g}."
            )
