"""A WAV file that grows while others read it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from studio.audio.types import Samples
from studio.errors import BadInput
from studio.files import storage_errors

#: The sound begins here in every file WavWriter makes; a follower may read on from this byte.
HEADER_BYTES = 44
#: The sizes in a WAV's header are 32-bit numbers; the largest means "not known yet".
_UNKNOWN = 0xFFFFFFFF
MAX_DATA_BYTES = _UNKNOWN - HEADER_BYTES
_COPY_BYTES = 1 << 20


def wav_header(sample_rate: int, data_bytes: int | None = None) -> bytes:
    """The 44 bytes before 16-bit mono PCM; None where the length is not known yet, which players
    and decoders take for "to the end of the file"."""
    riff, data = (
        (_UNKNOWN, _UNKNOWN) if data_bytes is None else (data_bytes + HEADER_BYTES - 8, data_bytes)
    )
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, sample_rate * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + form + struct.pack("<4sI", b"data", data)


def pcm16(samples: Samples) -> npt.NDArray[np.int16]:
    """Float32 [n], clipped to [-1, 1], as 16-bit integers. The exact inverse of reading 16-bit
    files; libsndfile's own conversion is not (it writes by 32,767 and reads by 32,768)."""
    scaled = samples * 32_768.0
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -32_768, 32_767, out=scaled).astype(np.int16)


class WavWriter:
    """Appends sound to a 16-bit mono PCM WAV; a context manager.

    Every append is flushed, so that another process may follow the file from HEADER_BYTES on.
    Until it is closed its header says that the length is not known, so a file left by a killed
    process plays as well. When the block around it raises, the file is closed in good order and
    kept: whether the piece is worth keeping is the caller's to say.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Creates or replaces `path`; raises StorageFailed when that cannot be written."""
        self.path = path
        self.sample_rate = sample_rate
        self._bytes = 0
        with storage_errors(path):
            # Unbuffered: what a full disk has refused must not be tried again later.
            self._file = path.open("wb", buffering=0)
            self._file.write(wav_header(sample_rate))

    @property
    def seconds(self) -> float:
        """How much has been written."""
        return self._bytes / 2 / self.sample_rate

    def append(self, samples: Samples) -> None:
        """Write float32 [n], clipped to [-1, 1].

        Raises BadInput before a file would pass 4 GiB, StorageFailed when the disk is full.
        """
        self.append_pcm(pcm16(samples).astype("<i2", copy=False).tobytes())

    def append_pcm(self, data: bytes) -> None:
        """The same with 16-bit little-endian samples."""
        if self._bytes + len(data) > MAX_DATA_BYTES:
            hours = MAX_DATA_BYTES / 2 / self.sample_rate / 3600
            raise BadInput(
                f"A WAV file holds at most 4 GiB, here {hours:.1f} hours.",
                "Speak the text in several files, or at a lower sample rate.",
            )
        with storage_errors(self.path):
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]
            except OSError:  # what came before stays a file in good order
                end = HEADER_BYTES + self._bytes
                self._file.seek(end)
                self._file.truncate(end)
                raise
        self._bytes += len(data)

    def close(self) -> None:
        """Put the true length into the header; harmless when closed already."""
        if self._file.closed:
            return
        with storage_errors(self.path), self._file:
            self._file.seek(0)
            self._file.write(wav_header(self.sample_rate, self._bytes))

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def join_files(target: Path, sample_rate: int, pieces: Iterable[Path | int]) -> None:
    """Write the sounds of files that WavWriter made, all at `sample_rate`, one after the other into the
    new file `target`; a number is so many samples of silence. Memory stays flat."""
    with WavWriter(target, sample_rate) as writer:
        for piece in pieces:
            if isinstance(piece, int):
                writer.append_pcm(bytes(2 * piece))
                continue
            with piece.open("rb") as file:
                file.seek(HEADER_BYTES)
                while data := file.read(_COPY_BYTES):
                    writer.append_pcm(data)


def copy_stretches(
    source: Path, target: Path, sample_rate: int, stretches: Iterable[tuple[int, int]]
) -> None:
    """Write the samples `start` to `end` of each of `stretches`, one after the other, from a file
    that WavWriter made into the new file `target`. Memory stays flat."""
    with source.open("rb") as file, WavWriter(target, sample_rate) as writer:
        for start, end in stretches:
            file.seek(HEADER_BYTES + 2 * start)
            left = 2 * (end - start)
            while left > 0 and (data := file.read(min(left, _COPY_BYTES))):
                writer.append_pcm(data)
                left -= len(data)
