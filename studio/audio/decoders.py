"""Opening recordings of any kind as one stream of mono blocks: libsndfile first, then PyAV.

Files are opened here and handed to the decoders as open files, never as names: a playlist or a
concat script that calls itself "song.wav" cannot make a decoder read another file or an address.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
import soundfile

from studio.audio.types import Samples
from studio.errors import BadInput

if TYPE_CHECKING:
    import av

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

#: What PyAV may open and decode. No hls, concat, dash or image lists: those name other files.
_AV_CONTAINERS = "mov,matroska,webm,ogg,mp3,aac,flac,wav,aiff,asf,amr,avi,mpegts,caf,ac3"
_AV_CODECS = (
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,opus,libopus,vorbis,flac,alac,ac3,eac3,wmav1,wmav2,wmapro,"
    "wmavoice,amrnb,amrwb,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav"
)
#: The zero and the full scale of PyAV's integer sample formats; floats are full at 1 already.
_INTEGER_SCALES = {"u8": (128.0, 128.0), "s16": (0.0, 2.0**15), "s32": (0.0, 2.0**31)}


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


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; BadInput when it is missing, a folder, a pipe or a device."""
    # O_NONBLOCK: opening a pipe would otherwise wait for whoever writes into it.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be opened"
        raise BadInput(f"The recording {shown(path)} {reason}.", "Choose another file.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(f"{shown(path)} is not a file.", "Choose a sound file.")
    return os.fdopen(descriptor, "rb")


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
    with _open_av(file, name) as container:
        source = _AvSource(container, name)
        if not source.duration:
            source.duration = _counted_duration(container, name, longest)
            file.seek(0)
            with _open_av(file, name) as again:
                counted, source = source.duration, _AvSource(again, name)
                source.duration = counted
                yield source
            return
        yield source


def shown(path: Path | str) -> str:
    """A file's name as messages show it: without its folder, in quotes, of bounded length."""
    name = Path(path).name
    return f"“{name if len(name) <= 80 else name[:77] + '…'}”"


def damaged(name: str, seconds: float) -> BadInput:
    """The error for a file that cannot be decoded to its end."""
    return BadInput(
        f"{name} is damaged or breaks off after {seconds:.1f} s.",
        "Export it again, for example as 16-bit WAV, and try that file.",
    )


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
                yield _mixed(block, self._name, position / self.sample_rate)
                position += len(block)
        except soundfile.LibsndfileError as error:
            raise damaged(self._name, position / self.sample_rate) from error


class _AvSource:
    def __init__(self, container: av.container.InputContainer, name: str) -> None:
        self._container = container
        self._name = name
        self._stream = stream = container.streams.audio[0]
        self.sample_rate: int = stream.codec_context.sample_rate
        self.channels: int = stream.codec_context.channels
        self.container: str = container.format.name.split(",")[0]
        self.codec: str = stream.codec_context.name
        if stream.duration is not None and stream.time_base is not None:
            self.duration = float(stream.duration * stream.time_base)
        else:
            self.duration = (container.duration or 0) / 1e6

    def mono(self, start: float) -> Iterator[Samples]:
        import av

        # Decoding from the beginning and dropping what comes before `start` is exact in every
        # container; seeking is not.
        skip = round(start * self.sample_rate)
        position = 0
        for frame in self._frames(av.FFmpegError):
            if frame.sample_rate != self.sample_rate:
                raise BadInput(
                    f"{self._name} changes its sample rate midway.", "Export it again as WAV."
                )
            block = _mixed(_interleaved(frame), self._name, position / self.sample_rate)
            dropped = min(max(skip - position, 0), len(block))
            position += len(block)
            if dropped < len(block):
                yield block[dropped:]

    def _frames(self, decoder_error: type[Exception]) -> Iterator[Any]:
        """The decoded frames. A few broken packets are passed over, as every player does: a cut
        MP3 begins and ends with one. More mean damage."""
        seconds = 0.0
        broken = whole = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except decoder_error as error:
                raise damaged(self._name, seconds) from error
            if packet is None:
                return
            try:
                frames = packet.decode()
            except decoder_error as error:
                broken += 1
                if broken > 2 + whole // 100:
                    raise damaged(self._name, seconds) from error
                continue
            whole += 1
            for frame in frames:
                seconds += frame.samples / self.sample_rate
                yield frame


class _Tolerant:
    """A file as decoders get it: without its name, and a seek before its beginning, which broken
    headers ask for, fails in the way of C instead of raising in the middle of a callback."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.tell = file.tell
        self._file = file

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1


def _open_sndfile(file: BinaryIO) -> soundfile.SoundFile | None:
    """The file in libsndfile, or None where PyAV should try: unknown, or without a length."""
    if not file.read(4).startswith(_SNDFILE_MAGIC):
        return None
    file.seek(0)
    try:
        sound = soundfile.SoundFile(_Tolerant(file))
    except soundfile.LibsndfileError:
        return None
    if sound.format in _SNDFILE_CONTAINERS and 0 < sound.frames < _UNKNOWN_FRAMES:
        return sound
    sound.close()
    return None


@contextmanager
def _open_av(file: BinaryIO, name: str) -> Iterator[Any]:
    """The file in PyAV, with nothing allowed that leads out of it."""
    import av

    options = {
        "format_whitelist": _AV_CONTAINERS,
        "codec_whitelist": _AV_CODECS,
        "protocol_whitelist": "none",
    }
    try:
        container = av.open(_Tolerant(file), options=options, io_open=_refuse, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BadInput(
            f"{name} is not a recording that can be read.",
            "Use a WAV, FLAC, MP3, Ogg, Opus, M4A, MP4 or WebM file.",
        ) from error
    with container:
        if not container.streams.audio:
            raise BadInput(f"There is no sound in {name}.", "Choose a file with a sound track.")
        codec = container.streams.audio[0].codec_context  # None where no decoder knows it
        if codec is None or codec.name not in _AV_CODECS.split(","):
            raise BadInput(
                f"{name} holds sound in a form that cannot be read.", "Export it again as WAV or MP3."
            )
        yield container


def _refuse(url: str, flags: int, options: dict[str, str]) -> Any:
    raise PermissionError("A recording may not open other files.")


def _counted_duration(container: Any, name: str, longest: float) -> float:
    """Seconds between the first and the last packet; stops counting past `longest`."""
    import av

    first: float | None = None
    last = 0.0
    try:
        for packet in container.demux(container.streams.audio[0]):
            if packet.pts is None:
                continue
            begin = float(packet.pts * packet.time_base)
            first = begin if first is None else first
            last = max(last, begin + float((packet.duration or 0) * packet.time_base))
            if last - first > longest:
                break
    except av.FFmpegError as error:
        raise damaged(name, last) from error
    return last - (first or 0.0)


def _interleaved(frame: av.AudioFrame) -> Samples:
    """A decoded frame as float32 [n, channels]."""
    kind = frame.format.name
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    zero, full = _INTEGER_SCALES.get(kind.removesuffix("p"), (0.0, 1.0))
    return ((values - zero) / full).astype(np.float32) if full != 1.0 else values.astype(np.float32)


def _mixed(block: Samples, name: str, seconds: float) -> Samples:
    """[n, channels] to mono [n], clipped as a player does. NaN and infinity are refused and not
    repaired: they come from a fault in the exporting program that has hurt the rest as well."""
    if not np.isfinite(block).all():
        raise BadInput(
            f"{name} holds values that are not numbers, near {seconds:.1f} s.",
            "Export it again as 16-bit WAV.",
        )
    clipped = np.clip(block, -1.0, 1.0)
    if clipped.shape[1] == 1:
        return np.ascontiguousarray(clipped[:, 0])
    return clipped.mean(axis=1, dtype=np.float32)
