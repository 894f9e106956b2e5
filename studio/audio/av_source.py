"""Recordings that PyAV decodes: MP3, MP4, WebM and whatever libsndfile does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from studio.audio.opening import Tolerant, damaged, mixed
from studio.audio.types import Samples
from studio.errors import BadInput

if TYPE_CHECKING:
    import av

#: What PyAV may open and decode. No hls, concat, dash or image lists: those name other files.
_AV_CONTAINERS = "mov,matroska,webm,ogg,mp3,aac,flac,wav,aiff,asf,amr,avi,mpegts,caf,ac3"
_AV_CODECS = (
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,opus,libopus,vorbis,flac,alac,ac3,eac3,wmav1,wmav2,wmapro,"
    "wmavoice,amrnb,amrwb,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav"
)


class AvSource:
    """An open container as studio.audio.decoders.Source."""

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
        # Decoding from the beginning and dropping what comes before `start` is exact in every
        # container; seeking is not.
        skip = round(start * self.sample_rate)
        position = 0
        for values in self._interleaved():
            block = mixed(values, self._name, position / self.sample_rate)
            dropped = min(max(skip - position, 0), len(block))
            position += len(block)
            if dropped < len(block):
                yield block[dropped:]

    def _interleaved(self) -> Iterator[Samples]:
        """The sound as float32 [n, channels].

        It takes FFmpeg's own conversion to one plane: PyAV's reading of several planes runs past
        the end of its list from eight channels on, which crashes the process. A broken AAC packet
        can claim 29 channels in the middle of a mono file.
        """
        from studio.audio.pyav import av

        packed = av.AudioResampler(format="flt")
        form: tuple[str, int, int] | None = None
        for frame in self._frames(av.FFmpegError):
            found = (frame.format.name, frame.layout.nb_channels, frame.sample_rate)
            form = form or (found[0], self.channels, self.sample_rate)
            if found != form:
                raise BadInput(
                    f"{self._name} changes its channels or its sample rate midway.",
                    "Export it again as WAV.",
                )
            try:
                converted = packed.resample(frame)
            except (av.FFmpegError, ValueError) as error:
                raise BadInput(
                    f"{self._name} has channels that cannot be mixed.", "Export it again in stereo."
                ) from error
            for piece in converted:
                yield piece.to_ndarray().astype(np.float32, copy=False).reshape(-1, self.channels)

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


@contextmanager
def open_av(file: BinaryIO, name: str) -> Iterator[Any]:
    """The file in PyAV, with nothing allowed that leads out of it."""
    from studio.audio.pyav import av

    options = {
        "format_whitelist": _AV_CONTAINERS,
        "codec_whitelist": _AV_CODECS,
        "protocol_whitelist": "none",
    }
    try:
        container = av.open(Tolerant(file), options=options, io_open=_refuse, metadata_errors="replace")
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


def counted_duration(container: Any, name: str, longest: float) -> float:
    """Seconds between the first and the last packet; stops counting past `longest`."""
    from studio.audio.pyav import av

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
