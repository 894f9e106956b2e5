"""Segments that say or sound the same as an earlier one."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from studio.dataset.values import Segment

log = logging.getLogger(__name__)

SOUND_BITS = 256
#: Fingerprints that differ in fewer bits are of the same sound. Of 14 real recordings, copies as MP3, as
#: Opus, at a third of the level or cut elsewhere differ in 0 to 21 bits; different segments of 20 in 100.
#: A synthetic voice says sentences that differ in one word with 8 to 66 bits between them, so a higher
#: threshold would drop many of those.
SAME_SOUND_BITS = 32
#: The same sound in another file may be cut a little differently: seconds, and share of its length.
_LONGER_S, _LONGER = 0.3, 0.1
#: How many segments are compared with all others at once.
_BLOCK = 128


def with_duplicates_by_sound(segments: Sequence[Segment]) -> list[Segment]:
    """The segments, each with the id of the first one that sounds the same in `duplicate_audio`.

    Earlier means earlier in `segments`; what is a duplicate itself is nobody's original. Segments
    without a fingerprint are like no other.
    """
    originals = _originals(segments)
    return [
        replace(segment, duplicate_audio=originals.get(position, ""))
        for position, segment in enumerate(segments)
    ]


def with_duplicates_by_text(segments: Sequence[Segment]) -> list[Segment]:
    """The segments, each with the id of the first one with the same words in `duplicate_text`, whatever
    their case, punctuation, spacing and width. What sounds the same as an earlier one is compared with
    none: it has its reason already. Segments without words are like no other."""
    first: dict[str, str] = {}
    found = []
    for segment in segments:
        words = "" if segment.duplicate_audio else _words(segment.text)
        original = first.setdefault(words, segment.id) if words else segment.id
        found.append(replace(segment, duplicate_text="" if original == segment.id else original))
    return found


def _words(text: str) -> str:
    """What is left of `text` when only what is spoken counts."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")


def _originals(segments: Sequence[Segment]) -> dict[int, str]:
    """For the positions of those that sound like an earlier one: its id."""
    earlier: dict[int, list[int]] = {}
    for one, other in _alike(segments):
        earlier.setdefault(max(one, other), []).append(min(one, other))
    found: dict[int, str] = {}
    for position in sorted(earlier):
        genuine = [each for each in earlier[position] if each not in found]
        if genuine:
            found[position] = segments[min(genuine)].id
    return found


def _alike(segments: Sequence[Segment]) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose sounds are the same.

    Every pair of nearly the same length is compared: sorted by length these are neighbours, and the
    10,000 segments of a large set take a fraction of a second.
    """
    known = [position for position, each in enumerate(segments) if _is_fingerprint(each.sound)]
    if len(known) < 2:
        return
    known.sort(key=lambda position: segments[position].duration)
    durations = np.array([segments[position].duration for position in known])
    prints = _words_of([segments[position].sound for position in known])
    longest = durations * (1 + _LONGER) + _LONGER_S
    ends = np.searchsorted(durations, longest, side="right")
    for start in range(0, len(known), _BLOCK):
        rows = prints[start : start + _BLOCK]
        end = int(ends[start : start + _BLOCK].max())
        differing = _differing_bits(rows, prints[start:end])
        for row, column in np.argwhere(differing < SAME_SOUND_BITS):
            if row < column < ends[start + row] - start:
                yield known[start + row], known[start + column]


def _is_fingerprint(sound: str) -> bool:
    if len(sound) * 4 != SOUND_BITS:
        if sound:
            log.warning("a fingerprint of %d digits is passed over", len(sound))
        return False
    return True


def _words_of(sounds: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Fingerprints as [n, 4] words of 64 bits."""
    return np.frombuffer(bytes.fromhex("".join(sounds)), np.uint64).reshape(len(sounds), -1)


def _differing_bits(
    rows: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint16]:
    """[rows, others]: in how many bits they differ."""
    count = np.zeros((len(rows), len(others)), np.uint16)
    for word in range(rows.shape[1]):
        count += np.bitwise_count(rows[:, None, word] ^ others[None, :, word])
    return count
