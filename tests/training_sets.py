"""Training sets for tests, as a build leaves them."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from studio.dataset.ledger import DatasetFolder, Ledger
from studio.dataset.values import Segment, Source

#: Passes every limit.
GOOD: Mapping[str, Any] = {
    "snr_db": 25.0,
    "snr_note": "vad",
    "loudness_lufs": -20.0,
    "speech_share": 0.9,
    "bandwidth_hz": 9_000.0,
    "language": "en",
    "confidence": 0.9,
    "words_per_s": 2.5,
}


def source(number: int, name: str = "", **more: Any) -> Source:
    sha256 = f"{number:012x}" + "0" * 52
    return Source(sha256[:12], name or f"talk {number}.wav", sha256, 100, 60.0, 50.0, **more)


ONE, TWO = source(1), source(2)


def segment(of: Source, number: int, seconds: float = 2.0, **other: Any) -> Segment:
    """One that is kept, but for `other`."""
    start = 12.0 * number
    values = {"speaker": "Ada", "text": f"Sentence {number} of {of.name}.", **GOOD, **other}
    return Segment(f"{of.id}-{number:04}", of.id, start, start + seconds, **values)


def build(
    root: Path, segments: list[Segment], sources: list[Source], sample_rate: int = 22_050
) -> DatasetFolder:
    """What a build has made of `sources` before it settles: a ledger, and sounds in dropped/."""
    folder = DatasetFolder(root)
    folder.dropped.mkdir(parents=True, exist_ok=True)
    folder.write_ledger(Ledger(tuple(sources), tuple(segments), "en"))
    for each in segments:
        noise = np.random.default_rng(zlib.crc32(each.id.encode())).normal(0, 0.1, sample_rate // 10)
        soundfile.write(folder.dropped / f"{each.id}.wav", noise, sample_rate, "PCM_16")
    return folder


def fingerprint(seed: int, flipped: int = 0) -> str:
    """256 bits by chance; the same with `flipped` of them turned."""
    bits = random.Random(seed).getrandbits(256)
    for place in random.Random(seed + 1).sample(range(256), flipped):
        bits ^= 1 << place
    return f"{bits:064x}"
