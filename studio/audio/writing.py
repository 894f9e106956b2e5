"""Writing the formats people ask for: streaming, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from studio.audio import reading
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.audio.wav import WavWriter, pcm16, wav_header
from studio.control import Control
from studio.errors import BadInput, StorageFailed, unknown
from studio.files import publishing, storage_errors

__all__ = [
    "FORMATS", "AudioFormat", "WavWriter", "encode", "folded_tags", "format_named", "synthetic_tags",
    "wav_header",
]  # fmt: skip

SYNTHETIC_MARK = "Synthetic speech made with Timbre"

_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_AAC_RATES = (*_MP3_RATES, 64_000, 88_200, 96_000)
_ANY_RATE = (1_000, 192_000)
_BLOCK_S = 1.0


@dataclass(frozen=True)
class AudioFormat:
    """A kind of file that sound can be saved as."""

    id: str
    label: str
    extension: str  # with its dot
    mime: str
    sample_rates: tuple[int, ...] = ()  # Hz, rising; empty: any
    container: str = ""
    codec: str = ""
    writer: Literal["pcm", "sndfile", "av"] = "sndfile"

    def nearest_rate(self, sample_rate: int) -> int:
        """`sample_rate` where the format has it, else its next higher one, else its highest."""
        if not self.sample_rates or sample_rate in self.sample_rates:
            return sample_rate
        higher = [rate for rate in self.sample_rates if rate > sample_rate]
        return higher[0] if higher else self.sample_rates[-1]


# MP3 goes through PyAV because libsndfile writes its tags in Latin-1; Ogg Vorbis through libsndfile
# because FFmpeg's own encoder is experimental.
FORMATS: Mapping[str, AudioFormat] = {
    entry.id: entry
    for entry in (
        AudioFormat("wav", "WAV, lossless", ".wav", "audio/wav", (), "WAV", "PCM_16", "pcm"),
        AudioFormat(
            "flac", "FLAC, lossless and smaller", ".flac", "audio/flac", (), "FLAC", "PCM_16", "pcm"
        ),
        AudioFormat("mp3", "MP3", ".mp3", "audio/mpeg", _MP3_RATES, "mp3", "libmp3lame", "av"),
        AudioFormat("ogg", "Ogg Vorbis", ".ogg", "audio/ogg", (), "OGG", "VORBIS"),
        AudioFormat(
            "opus", "Opus, smallest", ".opus", "audio/ogg; codecs=opus", _OPUS_RATES, "OGG", "OPUS"
        ),
        AudioFormat("m4a", "M4A (AAC)", ".m4a", "audio/mp4", _AAC_RATES, "ipod", "aac", "av"),
    )
}

#: The tags that every one of the formats has a place for.
_COMMON_TAGS = frozenset({"title", "artist", "album", "comment", "date", "genre", "copyright"})


def format_named(name: str) -> AudioFormat:
    """The format called `name` ("mp3", ".MP3"); an unknown one raises NotFound listing the rest."""
    entry = FORMATS.get(name.strip().lower().removeprefix("."))
    if entry is None:
        raise unknown("audio format", name, FORMATS)
    return entry


def synthetic_tags(**more: str) -> dict[str, str]:
    """Tags that mark a file as synthetic speech, with whatever else should be said of it."""
    comment = more.pop("comment", "")
    return {**more, "comment": f"{SYNTHETIC_MARK}. {comment}".rstrip() if comment else SYNTHETIC_MARK}


def encode(
    source: Path | Audio,
    path: Path,
    format: str,
    sample_rate: int | None = None,
    control: Control | None = None,
    tags: Mapping[str, str] | None = None,
) -> int:
    """Write `source`, a recording or Audio, to `path` and return the sample rate (Hz) it got.

    `sample_rate` None keeps the source's; where the format lacks the rate its next higher one is
    taken. A recording is read in blocks, so memory stays flat. `path` appears when it is complete.
    `tags` are title, artist, album, comment, date, genre, copyright; others become lines of the
    comment. Raises NotFound for an unknown format, BadInput as reading does, StorageFailed.
    """
    entry = format_named(format)
    control = control or Control()
    if isinstance(source, Audio):
        own_rate, duration = source.sample_rate, source.duration
    else:
        facts = reading.probe(source)
        own_rate, duration = facts.sample_rate, facts.duration
    if duration == 0:
        raise BadInput("There is no sound to save.", "Make some first.")
    if not _ANY_RATE[0] <= (sample_rate or own_rate) <= _ANY_RATE[1]:
        raise BadInput(
            f"Files cannot have a sample rate of {sample_rate or own_rate} Hz.",
            f"Choose one from {_ANY_RATE[0]} to {_ANY_RATE[1]} Hz.",
        )
    rate = entry.nearest_rate(sample_rate or own_rate)
    sound = _reporting(_sound(source, rate), duration, rate, entry, control)
    write = _write_av if entry.writer == "av" else _write_sndfile
    with publishing(path) as partial, storage_errors(path):
        write(partial, entry, rate, sound, folded_tags(tags or {}))
    return rate


def _sound(source: Path | Audio, rate: int) -> Iterator[Samples]:
    if not isinstance(source, Audio):
        yield from reading.blocks(source, rate, _BLOCK_S)
        return
    yield from reading.regroup([resample(source, rate).samples], round(_BLOCK_S * rate))


def _reporting(
    sound: Iterator[Samples], duration: float, rate: int, entry: AudioFormat, control: Control
) -> Iterator[Samples]:
    done = 0.0
    for block in sound:
        control.progress(f"Saving as {entry.id}", min(1.0, done / duration))
        yield np.clip(block, -1.0, 1.0)
        done += len(block) / rate


def folded_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags with those that have no place of their own moved into the comment."""
    kept = {key: value for key, value in tags.items() if key in _COMMON_TAGS and value}
    others = [f"{key}: {value}" for key, value in tags.items() if key not in _COMMON_TAGS and value]
    if others:
        kept["comment"] = "\n".join([*filter(None, [kept.get("comment", "")]), *others])
    # NUL ends a string in every one of these formats.
    return {key: value.replace("\0", "") for key, value in kept.items()}


def _write_sndfile(
    partial: Path, entry: AudioFormat, rate: int, sound: Iterator[Samples], tags: Mapping[str, str]
) -> None:
    try:
        with soundfile.SoundFile(
            str(partial), "w", rate, 1, entry.codec, format=entry.container
        ) as target:
            for key, value in tags.items():
                setattr(target, key, value)
            for block in sound:
                target.write(pcm16(block) if entry.writer == "pcm" else block)
    except soundfile.LibsndfileError as error:
        # libsndfile reports every failed write as "System error", a full disk too.
        raise StorageFailed(
            f"A file in {partial.parent} could not be written.",
            "Look whether its disk is full or write-protected, then try again.",
        ) from error


def _write_av(
    partial: Path, entry: AudioFormat, rate: int, sound: Iterator[Samples], tags: Mapping[str, str]
) -> None:
    from studio.audio.pyav import av

    # faststart puts an M4A's index first, so that a browser can play before it has everything.
    options = {"movflags": "faststart"} if entry.container == "ipod" else {}
    with av.open(str(partial.resolve()), "w", format=entry.container, options=options) as target:
        target.metadata.update(tags)
        stream: av.AudioStream = target.add_stream(entry.codec, rate=rate, layout="mono")  # type: ignore[assignment]
        stream.bit_rate = 64_000 if rate <= 24_000 else 96_000
        position = 0
        for samples in sound:
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, position
            position += len(samples)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
