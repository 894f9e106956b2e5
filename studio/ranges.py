"""Numbers that people set, held to what makes sense."""

from __future__ import annotations

from collections.abc import Iterable

from studio.errors import BadInput

#: A field's name, its least and its greatest value.
Range = tuple[str, float, float]


def check_ranges(values: object, ranges: Iterable[Range]) -> None:
    """Raises BadInput for a field of `values` that lies outside, naming it; None is no number."""
    for name, low, high in ranges:
        value = getattr(values, name)
        if value is not None and not low <= value <= high:
            raise BadInput(
                f"{name} is {value:g}, which is outside {low:g} to {high:g}.",
                f"Choose {name} from {low:g} to {high:g}.",
            )
