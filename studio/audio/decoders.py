"""Opening recordings of any kind as one stream of mono blocks: libsndfile first, then PyAV.

Files are opened here and handed to the decoders as open files, never as names: a playlist or a
concat script that calls itself "song.wav" cannot make a decoder read another file or an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

import soundfile

from studio.audio.av_source import AvSource, counted_duration, open_av
from studio.audio.opening import Tolerant, damaged, mixed
from studio.audio.types import Samples

#: Frames decoded at a time; with 8 channels of float32 this is 2 MB.
BLOCK_FRAMES = 65_536

#: What libsndfile may decode, by name and by first bytes. It knows some twenty more formats, of
#: samplers and measuring systems, that nobody records speech in and that only add code an upload
#: could attack. MP3 is left to PyAV: soundfile seeks between blocks, which an MP3 decoder answers
#: with a click.
_SNDFILE_CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG"})
_SNDFILE_MAGIC = (
    b"RIFF",
    b"RIFX",
    b"RF64",
    b"riff",
    b"FORM",
    b".snd",
    b"dns.",
    b"caff",
    b"fLaC",
    b"OggS",
)
#: libsndfile says this many frames or more where a FLAC's header tells none.
_UNKNOWN_FRAMES = 1 << 62


class Source(Protocol):
    """An open recording: what its header says, and its sound."""

    sample_rate: int  # Hz
    channels: int
    duration: float  # seconds, as the header claims
    container: str  # "WAV", "mov", ...
    codec: str  # "PCM_16", "aac", ...

    def mono(self, start: float) -> Iterator[Samples]:
        """The sound from `start` seconds on: the mean of the channels, float32 in [-1, 1].

        Raises BadInput where the file is damaged or holds values that are no numbers.
        """


@contextmanager
def open_source(file: BinaryIO, name: str, longest: float) -> Iterator[Source]:
    """The recording in `file`, its header read and nothing decoded.

    `name` is for messages. Where the header tells no duration the packets are counted, without
    decoding them, up to `longest` seconds. Raises BadInput when no decoder knows the content, or
    when there is no sound in it.
    """
    sound = _open_sndfile(file)
    if sound is not None:
        with sound:
            yield _SndfileSource(sound, name)
        return
    file.seek(0)
    with open_av(file, name) as container:
        source = AvSource(container, name)
        if not source.duration:
            source.duration = counted_duration(container, name, longest)
            file.seek(0)
            with open_av(file, name) as again:
                counted, source = source.duration, AvSource(again, name)
                source.duration = counted
                yield source
            return
        yield source


class _SndfileSource:
    def __init__(self, sound: soundfile.SoundFile, name: str) -> None:
        self._sound = sound
        self._name = name
        self.sample_rate: int = sound.samplerate
        self.channels: int = sound.channels
        self.duration: float = sound.frames / sound.samplerate
        self.container: str = sound.format
        self.codec: str = sound.subtype

    def mono(self, start: float) -> Iterator[Samples]:
        position = min(round(start * self.sample_rate), self._sound.frames)
        try:
            self._sound.seek(position)
            while True:
                block = self._sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
                if not len(block):
                    return
                yield mixed(block, self._name, position / self.sample_rate)
                position += len(block)
        except soundfile.LibsndfileError as error:
            raise damaged(self._name, position / self.sample_rate) from error


def _open_sndfile(file: BinaryIO) -> soundfile.SoundFile | None:
    """The file in libsndfile, or None where PyAV should try: unknown, or without a length."""
    if not file.read(4).startswith(_SNDFILE_MAGIC):
        return None
    file.seek(0)
    try:
        sound = soundfile.SoundFile(Tolerant(file))
    except soundfile.LibsndfileError:
        return None
    if sound.format in _SNDFILE_CONTAINERS and 0 < sound.frames < _UNKNOWN_FRAMES:
        return sound
    sound.close()
    return None
