"""The recordings of a library's entries: mono 16-bit WAV files named by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engines.base import WordTiming
from studio.audio.reading import Limits, read
from studio.audio.wav import pcm16, wav_header
from studio.files import write_bytes
from studio.services.references import require_voice


@dataclass(frozen=True)
class Recording:
    """A file that was put into an entry's folder."""

    file: str  # its name there
    duration: float  # s
    sha256: str  # of the file


def put_in(
    folder: Path, source: Path, limits: Limits, start: float | None = None, end: float | None = None
) -> Recording:
    """Write `source`, or its part from `start` to `end` seconds, into `folder`.

    Any file the audio layer reads will do; a file that was written here comes out as it is. Raises
    BadInput where it is no sound, outside `limits`, silent or shorter than a second; StorageFailed.
    """
    audio = read(source, limits=limits, start=start, end=end)
    require_voice(audio)
    sound = pcm16(audio.samples).astype("<i2", copy=False).tobytes()
    content = wav_header(audio.sample_rate, len(sound)) + sound
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{sha256[:32]}.wav"
    write_bytes(folder / name, content)
    return Recording(name, audio.duration, sha256)


def words_to_config(words: Iterable[WordTiming]) -> list[list[object]]:
    """As JSON can hold them."""
    return [[word.text, round(word.start, 3), round(word.end, 3)] for word in words]


def words_from_config(value: Iterable[Iterable[object]]) -> tuple[WordTiming, ...]:
    """What `words_to_config` was given. Raises TypeError or ValueError where it is none."""
    return tuple(
        WordTiming(str(text), float(start), float(end))  # type: ignore[arg-type]
        for text, start, end in value
    )
