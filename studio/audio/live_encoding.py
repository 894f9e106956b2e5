"""Sound in the formats people ask for while it is still being spoken."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.audio.wav import wav_header
from studio.audio.writing import FORMATS, SYNTHETIC_MARK, AudioFormat
from studio.errors import unknown

if TYPE_CHECKING:
    import av
    import av.audio.resampler

__all__ = ["LIVE_FORMATS", "LiveEncoder", "LiveFormat", "live_format"]


@dataclass(frozen=True)
class LiveFormat:
    """A format that can be sent before its end is known."""

    id: str
    mime: str
    extension: str  # with its dot
    container: str = ""  # FFmpeg's name; "": no container, or a WAV header
    codec: str = ""
    sample_rates: tuple[int, ...] = ()  # Hz, rising; empty: any
    options: Mapping[str, str] = field(default_factory=dict)  # of the container

    def sample_rate(self, given: int) -> int:
        """`given` where the format has it, else its next higher one, else its highest."""
        return AudioFormat(self.id, "", "", "", self.sample_rates).nearest_rate(given)


def _like(id: str, container: str, codec: str, file: AudioFormat, **options: str) -> LiveFormat:
    return LiveFormat(id, file.mime, file.extension, container, codec, file.sample_rates, options)


#: Nobody can go back to write a length into a header, so none is promised. An Ogg page waits for a
#: second of sound unless it is told not to.
LIVE_FORMATS: Mapping[str, LiveFormat] = {
    entry.id: entry
    for entry in (
        _like("mp3", "mp3", "libmp3lame", FORMATS["mp3"], write_xing="0", id3v2_version="3"),
        _like("opus", "ogg", "libopus", FORMATS["opus"], page_duration="100000"),
        LiveFormat(
            "aac", "audio/aac", ".aac", "adts", "aac", FORMATS["m4a"].sample_rates, {"write_id3v2": "1"}
        ),
        _like("flac", "flac", "flac", FORMATS["flac"]),
        LiveFormat("wav", "audio/wav", ".wav"),
        LiveFormat("pcm", "audio/pcm", ".pcm"),
    )
}


def live_format(name: str) -> LiveFormat:
    """The format called `name`; an unknown one raises NotFound listing the rest."""
    entry = LIVE_FORMATS.get(name.strip().lower())
    if entry is None:
        raise unknown("audio format", name, LIVE_FORMATS)
    return entry


class LiveEncoder:
    """Encodes 16-bit little-endian mono PCM block by block, in memory that does not grow.

    All the bytes of `feed` and `finish`, joined, are a file in `format`: "mp3", "opus" (Ogg), "aac"
    (ADTS), "flac", "wav" (a header with open lengths, as `wav_header` says), or "pcm" (as it is). Not
    thread-safe; one thread at a time may use it. `sample_rate` in Hz is the sound's, `wanted_rate` the
    file's; the attribute `sample_rate` is what the file has got, which for MP3, Opus and AAC may be a
    higher one. Raises NotFound for an unknown format.
    """

    def __init__(self, format: str, sample_rate: int, wanted_rate: int | None = None) -> None:
        self.format = live_format(format)
        self.sample_rate = self.format.sample_rate(wanted_rate or sample_rate)
        self._given_rate = sample_rate
        self._begun = False
        self._odd = b""  # half a sample
        self._sink = io.BytesIO()
        self._target: av.container.OutputContainer | None = None
        self._stream: Any = None
        self._resampler: av.audio.resampler.AudioResampler | None = None
        self._position = 0

    @property
    def mime(self) -> str:
        return self.format.mime

    @property
    def costly(self) -> bool:
        """Whether it is better done beside an event loop."""
        return bool(self.format.container)

    def feed(self, pcm: bytes) -> bytes:
        """What is ready to be sent once `pcm` has been added; may be empty."""
        pcm = self._odd + pcm
        whole = len(pcm) // 2 * 2
        pcm, self._odd = pcm[:whole], pcm[whole:]
        self._open()
        if self._resampler is None:
            self._sink.write(pcm)
        elif pcm:
            self._put(self._resampler.resample(self._frame(pcm)))
        return self._taken()

    def finish(self) -> bytes:
        """The rest. Nothing may be fed afterwards."""
        self._open()
        if self._resampler is not None and self._position:
            self._put(self._resampler.resample(None))
        if self._target is not None:
            self._target.mux(self._stream.encode(None))
        self.close()
        return self._taken()

    def close(self) -> None:
        """Give the encoder's memory back; harmless when it is closed already."""
        if self._target is not None:
            self._target.close()
            self._target, self._stream, self._resampler = None, None, None

    def _open(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self.format.container:
            self._open_container()
        elif self.format.id == "wav":
            self._sink.write(wav_header(self.sample_rate))
        if self.format.container or self.sample_rate != self._given_rate:
            self._open_resampler()

    def _open_container(self) -> None:
        from studio.audio.pyav import av

        options = {"flush_packets": "1", **self.format.options}
        sink = _WriteOnly(self._sink)
        self._target = av.open(sink, "w", format=self.format.container, options=options)
        self._target.metadata["comment"] = SYNTHETIC_MARK
        rate = self.sample_rate
        self._stream = self._target.add_stream(self.format.codec, rate=rate, layout="mono")
        if self.format.codec != "flac":
            self._stream.bit_rate = 64_000 if rate <= 24_000 else 96_000
        self._stream.codec_context.open()
        self._target.start_encoding()

    def _open_resampler(self) -> None:
        from studio.audio.pyav import av

        context = self._stream.codec_context if self._stream is not None else None
        self._resampler = av.audio.resampler.AudioResampler(
            format=context.format if context is not None else "s16",
            layout="mono",
            rate=self.sample_rate,
            frame_size=context.frame_size if context is not None else None,
        )

    def _frame(self, pcm: bytes) -> av.AudioFrame:
        from studio.audio.pyav import av

        samples = np.frombuffer(pcm, "<i2").astype(np.int16)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._given_rate, self._position
        self._position += samples.shape[1]
        return frame

    def _put(self, frames: Iterable[av.AudioFrame]) -> None:
        for frame in frames:
            if self._target is not None:
                self._target.mux(self._stream.encode(frame))
            else:
                self._sink.write(frame.to_ndarray().astype("<i2", copy=False).tobytes())

    def _taken(self) -> bytes:
        content = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return content


class _WriteOnly:
    """A sink that cannot be gone back in, so that no muxer tries to."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        return self._sink.write(data)
