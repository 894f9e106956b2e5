"""The times of phonemes as sidecars keep them: one line of text, for they are many."""

from __future__ import annotations

from collections.abc import Iterable

from engines.base import PhonemeTiming


def packed(phonemes: Iterable[PhonemeTiming]) -> str:
    """Symbol, start and end in milliseconds, of one after the other, with spaces between."""
    return " ".join(
        f"{each.symbol} {round(each.start * 1000)} {round(each.end * 1000)}"
        for each in phonemes
        if each.symbol and not any(char.isspace() for char in each.symbol)
    )


def unpacked(row: str) -> tuple[PhonemeTiming, ...]:
    """What `packed` was given, to the millisecond. Raises ValueError where it is none."""
    values = row.split()
    return tuple(
        PhonemeTiming(symbol, int(start) / 1000, int(end) / 1000)
        for symbol, start, end in zip(values[::3], values[1::3], values[2::3], strict=True)
    )


def moved(phonemes: Iterable[PhonemeTiming], by: float) -> tuple[PhonemeTiming, ...]:
    """The same, `by` seconds later."""
    return tuple(PhonemeTiming(each.symbol, each.start + by, each.end + by) for each in phonemes)
