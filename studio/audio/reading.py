"""Reading any recording as mono float32, with its header judged before anything is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.audio.decoders import Source, open_source
from studio.audio.opening import open_file, shown
from studio.audio.resampling import Resampler
from studio.audio.types import Audio, Samples
from studio.errors import BadInput

#: A header may round its duration; decoding stops this many seconds past the limit.
_GRACE_S = 1.0
#: The first size of the buffer that `read` fills; a header that lies cannot make it larger.
_FIRST_SECONDS = 60.0

_URL = re.compile(r"(?i)^(?:[a-z][a-z0-9+.\-]+:/|data:)")


@dataclass(frozen=True)
class Limits:
    """What is read at all. The defaults suit the studio's own files; uploads get tighter ones."""

    max_seconds: float = 24 * 3600
    max_bytes: int = 1 << 32  # 4 GiB, the most a WAV can be
    min_sample_rate: int = 4_000  # Hz; telephones use 8 kHz
    max_sample_rate: int = 384_000  # Hz
    max_channels: int = 8


@dataclass(frozen=True)
class AudioFacts:
    """What a recording's header says."""

    duration: float  # seconds
    sample_rate: int  # Hz
    channels: int
    container: str  # "WAV", "FLAC", "OGG", "MP3", "mov", "matroska", ...
    codec: str  # "PCM_16", "OPUS", "aac", ...
    size: int  # bytes


DEFAULT_LIMITS = Limits()


def probe(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> AudioFacts:
    """What the header of `path` says, without decoding.

    A browser's recording whose header tells no duration is measured by counting its packets.
    Raises BadInput for an address instead of a file, a file that is missing, empty, no recording,
    without sound or outside `limits`. Silence is not an error.
    """
    with _opened(path, limits) as (_, facts):
        return facts


def read(
    path: Path | str,
    sample_rate: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    start: float | None = None,
    end: float | None = None,
) -> Audio:
    """The sound of `path` from `start` to `end` seconds (None: all), as mono Audio.

    Channels are mixed by their mean and values beyond full scale clipped. `sample_rate` in Hz;
    None keeps the file's own. It is decoded and resampled in blocks, so that memory is that of
    the result. Raises BadInput as `probe` does, for damaged files, for values that are not
    numbers, and for a stretch that lies outside the recording.
    """
    with _opened(path, limits) as (source, facts):
        rate = sample_rate or facts.sample_rate
        first, last = _stretch(facts, shown(path), start, end)
        buffer = np.empty(round(min(last - first, _FIRST_SECONDS) * rate) + 1, np.float32)
        filled = 0
        for block in _decoded(source, shown(path), rate, limits, first, end):
            if filled + len(block) > len(buffer):
                # refcheck: nobody else can hold the buffer, and resizing in place avoids a copy
                buffer.resize(max(filled + len(block), len(buffer) * 3 // 2), refcheck=False)
            buffer[filled : filled + len(block)] = block
            filled += len(block)
    buffer.resize(filled, refcheck=False)
    return Audio(buffer, rate)


def blocks(
    path: Path | str,
    sample_rate: int | None = None,
    seconds: float = 1.0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Samples]:
    """The sound of `path` in blocks of `seconds`, the last one shorter: mono float32 [n].

    Memory is that of one block. Raises BadInput as `read` does; what concerns the header, with
    the first block.
    """
    with _opened(path, limits) as (source, facts):
        rate = sample_rate or facts.sample_rate
        decoded = _decoded(source, shown(path), rate, limits, 0.0, None)
        yield from regroup(decoded, max(1, round(seconds * rate)))


def regroup(pieces: Iterable[Samples], size: int) -> Iterator[Samples]:
    """The same samples in pieces of exactly `size`, the last one shorter."""
    waiting: list[Samples] = []
    held = 0
    for piece in pieces:
        waiting.append(piece)
        held += len(piece)
        if held < size:
            continue
        joined = np.concatenate(waiting)
        whole = held // size * size
        yield from (joined[at : at + size] for at in range(0, whole, size))
        waiting, held = [joined[whole:]], held - whole
    if held:
        yield np.concatenate(waiting)


@contextmanager
def _opened(path: Path | str, limits: Limits) -> Iterator[tuple[Source, AudioFacts]]:
    if _URL.match(str(path)):
        raise BadInput(
            "Recordings are read from files, not from addresses.", "Save it and choose the file."
        )
    path = Path(path)
    with open_file(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size == 0:
            raise BadInput(f"{shown(path)} is empty.", "Choose another file, or record again.")
        if size > limits.max_bytes:
            raise BadInput(
                f"{shown(path)} has {_megabytes(size)}, more than {_megabytes(limits.max_bytes)}.",
                "Cut it, or save it in a smaller format such as FLAC or MP3.",
            )
        with open_source(file, shown(path), limits.max_seconds) as source:
            facts = AudioFacts(
                source.duration,
                source.sample_rate,
                source.channels,
                source.container,
                source.codec,
                size,
            )
            _judge(facts, shown(path), limits)
            yield source, facts


def _judge(facts: AudioFacts, name: str, limits: Limits) -> None:
    if facts.duration <= 0 or facts.channels < 1:
        raise BadInput(f"{name} contains no sound.", "Choose another file, or record again.")
    if facts.duration > limits.max_seconds:
        raise _too_long(name, facts.duration, limits)
    if not limits.min_sample_rate <= facts.sample_rate <= limits.max_sample_rate:
        raise BadInput(
            f"{name} has a sample rate of {facts.sample_rate} Hz.",
            f"Save it with {limits.min_sample_rate} to {limits.max_sample_rate} Hz.",
        )
    if facts.channels > limits.max_channels:
        raise BadInput(
            f"{name} has {facts.channels} channels, more than {limits.max_channels}.",
            "Save it in mono or stereo.",
        )


def _stretch(
    facts: AudioFacts, name: str, start: float | None, end: float | None
) -> tuple[float, float]:
    """The seconds asked for, judged against the recording's."""
    first = start or 0.0
    last = facts.duration if end is None else min(end, facts.duration)
    if not 0 <= first < last:
        asked = f"from {first:g} s to {'its end' if end is None else f'{end:g} s'}"
        raise BadInput(
            f"{name} cannot be read {asked}: it has {facts.duration:.1f} s.",
            "Choose a start before the end, both within the recording.",
        )
    return first, last


def _decoded(
    source: Source, name: str, rate: int, limits: Limits, start: float, end: float | None
) -> Iterator[Samples]:
    """The sound from `start` to `end` at `rate`, counted while it is decoded: headers lie."""
    resampler = Resampler(source.sample_rate, rate)
    wanted = None if end is None else round((end - start) * source.sample_rate)
    most = (limits.max_seconds + _GRACE_S) * source.sample_rate
    count = 0
    for block in source.mono(start):
        if wanted is not None:
            block = block[: wanted - count]
        count += len(block)
        if count > most:
            raise _too_long(name, count / source.sample_rate, limits)
        yield resampler.push(block)
        if count == wanted:
            break
    if count == 0:
        raise BadInput(f"{name} contains no sound.", "Choose another file, or record again.")
    yield resampler.finish()


def _too_long(name: str, seconds: float, limits: Limits) -> BadInput:
    return BadInput(
        f"{name} lasts {_length(seconds)} or more, over the limit of {_length(limits.max_seconds)}.",
        "Cut it into shorter recordings.",
    )


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size} bytes"
