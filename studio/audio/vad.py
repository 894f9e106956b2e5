"""Where somebody speaks, by WebRTC's voice detector, as stretches short enough to be recognised.

The sound comes and goes in blocks, so that an hour takes no more memory than a minute. Pauses longer
than twice the padding are left out; each stretch knows where its pieces lie in the recording.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from studio.audio.reading import regroup
from studio.audio.types import Audio, Samples
from studio.audio.wav import pcm16

#: Hz; what the detector is given, and every recognizer as well.
SAMPLE_RATE = 16_000

#: Voiced sound shorter than this is a click: the detector itself holds on for longer after speech.
MIN_SPEECH_S = 0.09
#: A pause is at least this long, whatever the padding.
_MIN_PAUSE_S = 0.2
#: The level of a digital zero, dBFS.
_SILENCE_DB = -120.0


@dataclass(frozen=True)
class VadOptions:
    """How speech is found; the defaults are those of Settings."""

    aggressiveness: int = 2  # 0 to 3, of the detector
    frame_ms: int = 30  # 10, 20 or 30
    padding_s: float = 0.3
    max_s: float = 22.0  # longest stretch
    gate_dbfs: float = -45.0  # RMS of the voiced sound; what is quieter is silence


@dataclass(frozen=True)
class Piece:
    """A part of a stretch that is one in the recording as well, in seconds."""

    start: float  # in the recording
    offset: float  # in the stretch
    length: float

    @property
    def end(self) -> float:
        return self.start + self.length


@dataclass(frozen=True, eq=False)
class Stretch:
    """Speech to be recognised at once: `pieces` in order, with the pauses between them left out."""

    audio: Audio
    pieces: tuple[Piece, ...]
    level_dbfs: float  # RMS of its voiced sound
    quiet: bool  # below the gate: not to be recognised

    @property
    def start(self) -> float:
        """Seconds from the start of the recording."""
        return self.pieces[0].start

    @property
    def end(self) -> float:
        return self.pieces[-1].end

    def piece_at(self, seconds: float) -> int:
        """Which piece a moment of the stretch lies in; the nearest one for what lies outside."""
        found = [index for index, piece in enumerate(self.pieces) if piece.offset <= seconds]
        return found[-1] if found else 0

    def within(self, index: int, seconds: float) -> float:
        """The moment `seconds` of the stretch as seconds of the recording, kept within a piece."""
        piece = self.pieces[index]
        return piece.start + min(max(seconds - piece.offset, 0.0), piece.length)


def stretches(blocks: Iterable[Samples], options: VadOptions) -> Iterator[Stretch]:
    """The speech in `blocks` (mono float32 at SAMPLE_RATE, of any sizes), in order.

    All sound that the detector takes for speech lies in exactly one stretch, but for clicks shorter
    than MIN_SPEECH_S. None is longer than `max_s`: speech without a pause is cut in a short one, else
    where it is quietest. Quiet stretches come by themselves.
    """
    held: list[_Island] = []
    for island in _islands(blocks, options):
        fits = sum(len(each.samples) for each in (*held, island)) <= options.max_s * SAMPLE_RATE
        alike = held and _is_quiet(held[0], options) == _is_quiet(island, options)
        if held and not (fits and alike):
            yield _stretch(held, options)
            held = []
        held.append(island)
    if held:
        yield _stretch(held, options)


@dataclass(frozen=True, eq=False)
class _Island:
    """Speech with its padding, at most max_s; `power` is the mean square of its voiced frames."""

    start: int  # sample of the recording
    samples: Samples
    power: float


def _is_quiet(island: _Island, options: VadOptions) -> bool:
    return _decibels(island.power) < options.gate_dbfs


def _stretch(islands: list[_Island], options: VadOptions) -> Stretch:
    pieces, offset = [], 0
    for island in islands:
        size = len(island.samples)
        pieces.append(Piece(island.start / SAMPLE_RATE, offset / SAMPLE_RATE, size / SAMPLE_RATE))
        offset += size
    power = sum(island.power * len(island.samples) for island in islands) / offset
    samples = np.concatenate([island.samples for island in islands])
    return Stretch(
        Audio(samples, SAMPLE_RATE), tuple(pieces), _decibels(power), _is_quiet(islands[0], options)
    )


def _decibels(power: float) -> float:
    return 10 * math.log10(power) if power > 10 ** (_SILENCE_DB / 10) else _SILENCE_DB


@dataclass
class _Frames:
    """Consecutive frames that are kept, each with what the detector said."""

    first: int = 0  # number of the first one in the recording
    frames: list[Samples] = field(default_factory=list)
    voiced: list[bool] = field(default_factory=list)

    def append(self, frame: Samples, voiced: bool) -> None:
        self.frames.append(frame)
        self.voiced.append(voiced)

    def drop(self, count: int) -> None:
        """Forget the first `count`."""
        self.first += count
        del self.frames[:count], self.voiced[:count]


def _islands(blocks: Iterable[Samples], options: VadOptions) -> Iterator[_Island]:
    size = SAMPLE_RATE * options.frame_ms // 1000
    longest = max(4, int(options.max_s * SAMPLE_RATE) // size)
    padding = min(math.ceil(options.padding_s * SAMPLE_RATE / size), longest // 4)
    pause = max(2 * padding, math.ceil(_MIN_PAUSE_S * SAMPLE_RATE / size))
    kept = _Frames()
    silent: int | None = None  # frames since the last voiced one; None: nobody speaks
    cut_off = False  # the island goes on from one that was cut
    for frame, voiced in judged_frames(blocks, size, options.aggressiveness):
        kept.append(frame, voiced)
        if voiced:
            silent = 0
        elif silent is None:
            kept.drop(len(kept.frames) - padding if len(kept.frames) > padding else 0)
            continue
        else:
            silent += 1
        if silent > pause:
            yield from _closed(kept, len(kept.frames) - silent + padding, size, cut_off)
            kept.drop(len(kept.frames) - padding)
            silent, cut_off = None, False
        elif len(kept.frames) >= longest:
            cut = _cut(kept, longest)
            yield _island(kept, cut, size)
            kept.drop(cut)
            cut_off = True
            if not any(kept.voiced):
                kept.drop(max(0, len(kept.frames) - padding))
                silent, cut_off = None, False
    if silent is not None:
        keep = len(kept.frames) - max(0, silent - padding)
        yield from _closed(kept, keep, size, cut_off)


def judged_frames(blocks: Iterable[Samples], size: int, mode: int) -> Iterator[tuple[Samples, bool]]:
    """Each frame of `size` samples (10, 20 or 30 ms at SAMPLE_RATE), the last one as long as it is, and
    whether the detector, at aggressiveness `mode`, takes it for speech."""
    import webrtcvad

    detector = webrtcvad.Vad(mode)
    for block in regroup(blocks, 32 * size):
        padded = np.pad(pcm16(block), (0, -len(block) % size)).astype("<i2").tobytes()
        for start in range(0, len(block), size):
            sound = padded[2 * start : 2 * (start + size)]
            yield block[start : start + size], bool(detector.is_speech(sound, SAMPLE_RATE))


def _closed(kept: _Frames, count: int, size: int, cut_off: bool) -> Iterator[_Island]:
    """The first `count` frames, unless they are no more than a click."""
    voiced = sum(kept.voiced[:count])
    if cut_off or voiced * size >= MIN_SPEECH_S * SAMPLE_RATE:
        yield _island(kept, count, size)


def _island(kept: _Frames, count: int, size: int) -> _Island:
    frames, voiced = kept.frames[:count], kept.voiced[:count]
    loud = [frame for frame, speaks in zip(frames, voiced, strict=True) if speaks]
    power = float(np.mean(np.square(np.concatenate(loud or frames), dtype=np.float64)))
    return _Island(kept.first * size, np.concatenate(frames), power)


def _cut(kept: _Frames, longest: int) -> int:
    """Where to cut what has become too long: in its second half, in the middle of the longest pause,
    else at the quietest of its frames with the two beside it."""
    first = longest // 2
    runs, start = [], None
    for index in range(first, longest + 1):
        if index < longest and not kept.voiced[index]:
            start = index if start is None else start
        elif start is not None:
            runs.append((index - start, start))
            start = None
    if runs:
        length, start = max(runs)
        return max(1, start + (length + 1) // 2)
    powers = np.array([float(np.mean(np.square(frame))) for frame in kept.frames[:longest]])
    smooth = np.convolve(powers, np.ones(3), "same")[first : longest - 1]
    return max(1, first + int(np.argmin(smooth))) if len(smooth) else max(1, first)
