"""The benchmarks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import (
    avatar,
    datasets,
    long,
    qwen,
    recognition,
    server,
    soak,
    speech,
    startup,
    training,
    voice_match,
    wav2lip,
)
from benchmarks.report import Options, Report

BENCHMARKS: Mapping[str, Callable[[Options], Report]] = {
    "startup": startup.run,
    "speech": speech.run,
    "long": long.run,
    "voice_match": voice_match.run,
    "qwen": qwen.run,
    "recognition": recognition.run,
    "datasets": datasets.run,
    "training": training.run,
    "avatar": avatar.run,
    "wav2lip": wav2lip.run,
    "server": server.run,
    "soak": soak.run,
}
