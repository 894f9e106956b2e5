"""One recording through a recognizer: part by part, with the times of the whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from engines.manager import EngineManager
from engines.recognition import (
    AUTO_LANGUAGE,
    Recognition,
    RecognitionRequest,
    Segment,
    Word,
)
from studio.audio import reading, vad
from studio.audio.reading import Limits
from studio.audio.types import Samples
from studio.audio.vad import Stretch, VadOptions
from studio.control import Control
from studio.services.live_transcript import LiveTranscript
from studio.services.recognizers import Choice
from studio.services.transcripts import TranscribeOrder
from studio.settings import Settings
from studio.text.transcripts import Timed, joined, monotonic

#: What was said last helps with what comes: this many characters of it, after a pause no longer than
#: this, and only where the recognizer was sure of it, since one invention brings on the next.
_CONTEXT_CHARS = 200
_CONTEXT_PAUSE_S = 3.0
_CONTEXT_PROBABILITY = 0.5

#: A segment without words that lies on both sides of a longer silence belongs to one of them, seconds.
_APART_S = 2.0


@dataclass
class Heard:
    """What was recognised so far."""

    duration: float  # of the recording, s
    language: str
    language_probability: float | None = None
    segments: list[Segment] = field(default_factory=list)
    recognised: float = 0.0  # up to here, s
    quiet_s: float = 0.0  # speech below the silence gate
    working_s: float = 0.0
    notes: list[str] = field(default_factory=list)


def vad_options(settings: Settings) -> VadOptions:
    return VadOptions(
        settings.vad_aggressiveness,
        settings.vad_frame_ms,
        settings.vad_padding_s,
        settings.max_segment_s,
        settings.silence_gate_dbfs,
    )


def recognise(
    path: Path,
    order: TranscribeOrder,
    choice: Choice,
    engines: EngineManager,
    settings: Settings,
    heard: Heard,
    live: LiveTranscript,
) -> None:
    """Fill `heard` from the recording at `path`, telling `live` after each part.

    The recognizer is leased when the first speech is found, and lent to others between two parts.
    Raises what reading, leasing and recognising raise; what was heard until then is in `heard`.
    """
    control, limits = live.control, Limits(max_seconds=settings.max_audio_s)
    sound = _checked(reading.blocks(path, vad.SAMPLE_RATE, limits=limits), control)
    lease = None
    with ExitStack() as stack:
        for stretch in vad.stretches(sound, vad_options(settings)):
            if stretch.quiet:
                heard.quiet_s += stretch.audio.duration
                continue
            if lease is None:
                lease = stack.enter_context(
                    engines.lease_recognizer(choice.info.id, control, choice.model)
                )
                if lease.placement is not None and lease.placement.device == "cpu":
                    heard.notes.append("No graphics card is used: the larger the model, the slower.")
            else:
                lease.give_way()
            live.running()
            began = time.monotonic()
            request = RecognitionRequest(
                stretch.audio,
                heard.language,
                order.task,
                _prompt(order.prompt, heard.segments, stretch.start),
                order.words,
                choice.model,
            )
            found = lease.engine.recognize(request, control)
            heard.working_s += time.monotonic() - began
            _take_in(heard, found, stretch, choice)
            live.heard(heard)
    heard.recognised = heard.duration


def _take_in(heard: Heard, found: Recognition, stretch: Stretch, choice: Choice) -> None:
    segments = placed(found.segments, stretch)
    heard.recognised = min(stretch.end, heard.duration)
    if not segments:
        return
    if heard.language == AUTO_LANGUAGE:
        heard.language, heard.language_probability = found.language, found.language_probability
        name = choice.info.languages.get(found.language, found.language)
        sure = f", {found.language_probability:.0%} sure" if found.language_probability else ""
        heard.notes.append(f"Language: {name} (told from the first speech{sure}).")
    least = heard.segments[-1].end if heard.segments else 0.0
    heard.segments += _in_order(segments, least, heard.duration)


def placed(segments: tuple[Segment, ...], stretch: Stretch) -> list[Segment]:
    """Segments of a stretch at their places in the recording. One that goes on after a pause which was
    left out is parted there, where its words have times."""
    made: list[Segment] = []
    for segment in segments:
        if not segment.words:
            made.append(_placed_whole(segment, stretch))
            continue
        groups: dict[int, list[Word]] = {}
        for word in segment.words:
            middle = (word.start + word.end) / 2
            groups.setdefault(stretch.piece_at(middle), []).append(word)
        for index, words in groups.items():
            timed = tuple(
                replace(
                    word, start=stretch.within(index, word.start), end=stretch.within(index, word.end)
                )
                for word in words
            )
            text = segment.text if len(groups) == 1 else joined(word.text for word in words)
            made.append(
                replace(segment, text=text, start=timed[0].start, end=timed[-1].end, words=timed)
            )
    return made


def _placed_whole(segment: Segment, stretch: Stretch) -> Segment:
    first, last = stretch.piece_at(segment.start), stretch.piece_at(segment.end)
    begin, end = stretch.within(first, segment.start), stretch.within(last, segment.end)
    if last > first and stretch.pieces[last].start - stretch.pieces[first].end > _APART_S:
        early, late = stretch.pieces[first].end - begin, end - stretch.pieces[last].start
        if early >= late:
            end = stretch.pieces[first].end
        else:
            begin = stretch.pieces[last].start
    return replace(segment, start=begin, end=end)


def _in_order(segments: list[Segment], least: float, longest: float) -> Iterator[Segment]:
    """The segments with times that never run backwards and stay within the recording; rounded as they
    are kept."""
    for segment in segments:
        timed = (Timed(word.text, word.start, word.end, word.probability) for word in segment.words)
        words = tuple(
            Word(
                word.text,
                round(min(word.start, longest), 3),
                round(min(word.end, longest), 3),
                _rounded(word.probability),
            )
            for word in monotonic(timed, least)
        )
        start = words[0].start if words else round(min(max(segment.start, least), longest), 3)
        end = words[-1].end if words else round(min(max(segment.end, start), longest), 3)
        least = max(end, start)
        probability = _rounded(segment.probability)
        yield replace(segment, start=start, end=least, words=words, probability=probability)


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)


def _prompt(given: str, segments: list[Segment], start: float) -> str:
    """What the person gave, and the end of what was said just before."""
    if not segments or start - segments[-1].end > _CONTEXT_PAUSE_S:
        return given
    sure = segments[-1].probability
    if sure is not None and sure < _CONTEXT_PROBABILITY:
        return given
    said = joined(segment.text for segment in segments[-5:])[-_CONTEXT_CHARS:]
    return f"{given} {said}".strip()


def _checked(blocks: Iterator[Samples], control: Control) -> Iterator[Samples]:
    for block in blocks:
        control.check()
        yield block
