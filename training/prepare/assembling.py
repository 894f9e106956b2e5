"""From prepared recordings to the sources and segments of a ledger, and their sounds in its folder."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256 as hash_of
from pathlib import Path

from studio.dataset.judging import Standing, acoustic
from studio.dataset.ledger import DatasetFolder, Ledger
from studio.dataset.values import Limits, Review, Segment, Source
from studio.dataset.writing import settling
from studio.errors import StudioError
from studio.files import PARTIAL_SUFFIX, flush_folder, link_or_copy, make_folder, storage_errors
from training.prepare.naming import natural
from training.prepare.recording import Prepared
from training.prepare.values import Recording

_ID_DIGITS = 12


@dataclass(frozen=True)
class Hashed:
    """A recording with its content's SHA-256."""

    recording: Recording
    sha256: str
    size: int  # bytes

    @property
    def id(self) -> str:
        """Source.id."""
        return self.sha256[:_ID_DIGITS]


@dataclass(frozen=True)
class Assembled:
    """What has come of the recordings."""

    sources: tuple[Source, ...]  # by name
    segments: tuple[Segment, ...]  # by source, then by time
    whole: Mapping[str, str]  # by source, the given text of a recording that became several segments


def once_each(recordings: Sequence[Hashed]) -> tuple[list[Hashed], list[str]]:
    """Each content once, under the first name that has a text, else under its first name; and a note
    where there was more."""
    chosen: dict[str, Hashed] = {}
    for each in recordings:
        known = chosen.get(each.sha256)
        if known is None or (each.recording.given and not known.recording.given):
            chosen[each.sha256] = each
    once = [each for each in recordings if chosen[each.sha256] is each]
    again = [
        f"{each.recording.name} (as {chosen[each.sha256].recording.name})"
        for each in recordings
        if chosen[each.sha256] is not each
    ]
    if not again:
        return once, []
    return once, [f"The same recording twice is used once: {some(again)}."]


def some(names: Sequence[str]) -> str:
    """The first few of a list that may be long."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def assemble(
    recordings: Sequence[Hashed],
    outcomes: Sequence[Prepared | StudioError],
    problems: Sequence[Source],
    speaker: str,
) -> Assembled:
    """`outcomes` are those of the recordings, in order; `problems` files that could not be read at all.
    What nobody has said of a speaker is said by `speaker`."""
    sources, segments, whole = list(problems), {}, {}
    for each, outcome in zip(recordings, outcomes, strict=True):
        sources.append(_source(each, outcome, speaker))
        if isinstance(outcome, Prepared):
            segments[each.id] = [_named(segment, each, speaker) for segment in outcome.segments]
            text = " ".join(given.text for given in each.recording.given if given.start is None)
            if text and not any(segment.given for segment in outcome.segments):
                whole[each.id] = text
    sources.sort(key=lambda source: natural(source.name))
    ordered = [segment for source in sources for segment in segments.get(source.id, ())]
    return Assembled(tuple(sources), tuple(ordered), whole)


def unread(recording: Recording, error: StudioError) -> Source:
    """A recording whose content is not known."""
    return Source(
        id=hash_of(recording.name.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS],
        name=recording.name,
        sha256="",
        size=0,
        problem=error.message,
        hint=error.hint,
    )


def worth_a_text(
    segments: Sequence[Segment], limits: Limits, reviews: Mapping[str, Review]
) -> list[Segment]:
    """Those whose sound nothing speaks against, and those that a person keeps all the same. A copy of
    one that is dropped for its sound counts by itself, as in `judge_all`."""
    sounds, found = Standing(), list[Segment]()
    for each in segments:
        by_hand = reviews.get(each.id, Review()).kept
        same = sounds.of(each.duplicate_audio)
        judged = each if same == each.duplicate_audio else replace(each, duplicate_audio=same)
        wanted = by_hand is True or not acoustic(judged, limits)
        if wanted:
            found.append(each)
        if wanted or by_hand is not None:
            sounds.stands(each.id, each.duplicate_audio)
    return found


def main_language(segments: Sequence[Segment]) -> str:
    """That of most of the speech; "" where no text tells."""
    seconds = Counter[str]()
    for each in segments:
        if each.text and each.language:
            seconds[each.language] += each.duration  # type: ignore[assignment]
    return min(seconds, key=lambda code: (-seconds[code], code), default="")


def publish(folder: DatasetFolder, ledger: Ledger, sound: Callable[[Segment], Path]) -> list[str]:
    """Put the segments' sounds into the set and replace its ledger; `settle` does the rest. Returns what
    a person should know, as sentences.

    Sounds go into `folder.dropped`, where they take the place of older ones of that name. Those that
    are there already stay. Raises StorageFailed, Busy.
    """
    make_folder(folder.dropped)
    with settling(folder):
        for segment in ledger.segments:
            _stage(folder, segment.id, sound(segment))
        flush_folder(folder.dropped)
        apart = folder.carry_reviews(ledger.segments)
        folder.write_ledger(ledger)
    if not apart:
        return []
    return [
        f"What you decided of {apart} segment{'s' * (apart > 1)} does not count now, since they are cut"
        " otherwise; it does again once they are cut as they were."
    ]


def _source(each: Hashed, outcome: Prepared | StudioError, speaker: str) -> Source:
    recording = each.recording
    found = Source(
        id=each.id,
        name=recording.name,
        sha256=each.sha256,
        size=each.size,
        speaker=recording.speaker or speaker,
        given=recording.given_from,
    )
    if isinstance(outcome, Prepared):
        return replace(found, duration=outcome.duration, speech_s=outcome.speech_s)
    return replace(found, problem=outcome.message, hint=outcome.hint)


def _named(segment: Segment, each: Hashed, speaker: str) -> Segment:
    recording = each.recording
    return replace(segment, speaker=recording.speaker or speaker, language=recording.language)


def _stage(folder: DatasetFolder, id: str, sound: Path) -> None:
    kept, dropped = folder.wavs / f"{id}.wav", folder.dropped / f"{id}.wav"
    if _same(kept, sound):
        dropped.unlink(missing_ok=True)
        return
    if _same(dropped, sound):
        return
    partial = dropped.with_name(f"{id}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
    try:
        with storage_errors(dropped):
            link_or_copy(sound, partial)
            partial.replace(dropped)
    finally:
        partial.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    """Whether two files are one, or a copy with its time. No file is ever changed in place."""
    try:
        first, second = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)
