"""Recordings that the audio tests make for themselves."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import numpy as np
import soundfile

from studio.audio.types import Samples

RATE = 24_000


def tone(seconds: float, rate: int = RATE, hertz: float = 440.0, level: float = 0.3) -> Samples:
    return (level * np.sin(np.arange(round(seconds * rate)) * (2 * np.pi * hertz / rate))).astype(
        np.float32
    )


def wav(path: Path, samples: Samples, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype, format="WAV")
    return path


class _Pipe(io.RawIOBase):
    """Takes bytes and cannot be wound back, like a browser's recorder."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.content += data
        return len(data)


def compressed(
    path: Path, codec: str, container: str, seconds: float = 2.0, rate: int = RATE,
    live: bool = False, video: bool = False,
) -> Path:  # fmt: skip
    """A file that PyAV writes; `live` leaves its header without a duration."""
    pipe = _Pipe()
    with av.open(pipe if live else str(path), "w", format=container) as target:
        if video:
            picture = target.add_stream("mpeg4", rate=25)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        sound = target.add_stream(codec, rate=rate, layout="mono")
        if video:
            for _ in range(round(seconds * 25)):
                target.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            target.mux(picture.encode(None))
        samples = tone(seconds, rate)
        for at in range(0, len(samples), rate):
            frame = av.AudioFrame.from_ndarray(
                samples[None, at : at + rate], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = rate, at
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    if live:
        path.write_bytes(pipe.content)
    return path


def claim_flac_frames(path: Path, frames: int) -> None:
    """Patch the number of frames in a FLAC's STREAMINFO: 36 bits from the middle of byte 21 on."""
    content = bytearray(path.read_bytes())
    content[21] = (content[21] & 0xF0) | (frames >> 32)
    content[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)


def megabytes_used(code: str, *arguments: object) -> tuple[float, str]:
    """By how much a process of its own grows (MB of RSS) while it runs `work()` of `code`, and what
    it printed before."""
    program = textwrap.dedent(code) + textwrap.dedent("""
        import threading, psutil
        process, peak, done = psutil.Process(), 0, threading.Event()
        def watch():
            global peak
            while not done.wait(0.002):
                peak = max(peak, process.memory_info().rss)
        before = process.memory_info().rss
        watcher = threading.Thread(target=watch)
        watcher.start()
        work()
        done.set()
        watcher.join()
        print(max(peak, process.memory_info().rss) - before)
    """)
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    *printed, grown = result.stdout.strip().splitlines()
    return int(grown) / 1e6, "\n".join(printed)


def surround(path: Path, codec: str, container: str, layout: str = "7.1", rate: int = 48_000) -> Path:
    """Two seconds with the tone in every channel."""
    with av.open(str(path), "w", format=container) as target:
        stream = target.add_stream(codec, rate=rate, layout=layout)
        channels = stream.layout.nb_channels
        interleaved = np.repeat(tone(2, rate), channels)[None]
        # One plane: PyAV's own handling of eight planes fails.
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path
