"""Transcripts against plain openai-whisper with the same random weights, and their memory.

What random weights say is nonsense, but the work is that of a real model of their size.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.long import Memory
from benchmarks.report import Goal, Options, Report, Table, figure, figures
from benchmarks.samples import LANGUAGE, PLAIN, text_of
from engines.base import EngineFolders, SpeechRequest
from engines.devices import torch_module
from engines.espeak import EspeakEngine
from engines.whisper.practice import DIMENSIONS, make_practice
from studio.audio.reading import read
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.services.studio import Studio
from studio.services.transcripts import TranscribeOrder
from studio.settings import CHECKOUT, load_settings

GOAL_SHORT = 1.05
GOAL_LONG = 1.0
GOAL_GROWTH_MB = 50.0

RATE = 16_000
MODEL = "whisper-practice"
#: Of Whisper tiny, 38 million weights.
_TINY = {
    **DIMENSIONS,
    **{"n_audio_state": 384, "n_audio_head": 6, "n_audio_layer": 4},
    **{"n_text_state": 384, "n_text_head": 6, "n_text_layer": 4},
}
#: What a practice model is held to; see engines.whisper.recognizer.
_TOKENS = 8

_SHORT_S, _QUICK_SHORT_S = 18.0, 2.0
_LONG_MINUTES, _QUICK_LONG_MINUTES = 10.0, 0.03
_MEMORY_MINUTES, _QUICK_MEMORY_MINUTES = (10.0, 60.0), (0.03,)
#: Of the short recording, of that with words, of the long ones.
_ROUNDS, _QUICK_ROUNDS = (9, 3, 2, 2), (1, 1, 1, 1)
_WARM_UP_MINUTES = 20
_PATIENCE_S = 1_200.0


def run(options: Options) -> Report:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        speech = _spoken(folder, 80 if options.quick else 400)
        speed, goals = _speed(options, folder, speech)
        memory, growth = _memory(options, folder, speech)
    return Report(
        (speed, memory),
        (*goals, Goal("memory: the longer against the shorter", growth, GOAL_GROWTH_MB, "MB", 1)),
        (
            "Both have random weights of the size of Whisper tiny, say at most 8 tokens for a window, and "
            "are loaded before. Ours is timed from the order to the files in the history; the package from "
            "reading the file, by the same reader, to its result. In the long ones each sentence is "
            "followed by as much silence, or twice as much; windows of the package have 30 s, ours at most "
            "22 s. The medians count, measured in turn. Memory is with a smaller model.",
        ),
    )


def _speed(options: Options, folder: Path, speech: list[Samples]) -> tuple[Table, tuple[Goal, ...]]:
    short_s = _QUICK_SHORT_S if options.quick else _SHORT_S
    short = _written(folder / "short.wav", _without_end(speech, 0.0), short_s)
    minutes = _QUICK_LONG_MINUTES if options.quick else _LONG_MINUTES
    half = _written(folder / "half.wav", _without_end(speech, 1.0), 60 * minutes)
    long = _written(folder / "long.wav", _without_end(speech, 2.0), 60 * minutes)
    models = folder / "models"
    dimensions = DIMENSIONS if options.quick else _TINY
    checkpoint = make_practice(models / "Whisper" / "practice" / "practice.pt", dimensions=dimensions)
    torch_module()
    import whisper

    plain = whisper.load_model(str(checkpoint), device="cpu")
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    rows, ratios = [], {}
    settings = load_settings(home=folder / "home", models_dir=models, device="cpu")
    with Studio(settings) as studio:
        for count, (name, path, seconds, words) in zip(
            rounds,
            (
                (f"{short_s:g} s of speech", short, short_s, False),
                (f"{short_s:g} s of speech, with the words' times", short, short_s, True),
                (f"{minutes:g} min, half silence", half, 60 * minutes, False),
                (f"{minutes:g} min, two thirds silence", long, 60 * minutes, False),
            ),
            strict=True,
        ):
            works: tuple[Callable[[], object], ...] = (
                lambda path=path, words=words: studio.transcripts.transcribe(  # type: ignore[misc]
                    TranscribeOrder(path, model=MODEL, language="en", words=words)
                ),
                lambda path=path, words=words: plain.transcribe(  # type: ignore[misc]
                    read(path, RATE).samples, language="en", word_timestamps=words,
                    fp16=False, temperature=0.0, sample_len=_TOKENS,
                ),
            )  # fmt: skip
            if not options.quick and path is short:
                _timed(works)
            times = [_timed(works) for _ in range(count)]
            ours, theirs = (statistics.median(each) for each in zip(*times, strict=True))
            ratios[name] = ours / theirs
            speeds = figures((seconds / ours, seconds / theirs), 1)
            rows.append((name, *figures((ours, theirs), 2), *speeds, figure(ours / theirs, 3)))
    columns = ("recording", "ours, s", "package, s", "ours, s/s", "package, s/s", "ours / package")
    first, with_words, _, last = ratios.values()
    goals = (
        Goal("short: time against the package", first, GOAL_SHORT, "times", 3),
        Goal("short, with words: time against the package", with_words, GOAL_SHORT, "times", 3),
        Goal("long, two thirds silence: time against the package", last, GOAL_LONG, "times", 3),
    )
    return Table(columns, tuple(rows)), goals


def _memory(options: Options, folder: Path, speech: list[Samples]) -> tuple[Table, float]:
    models = folder / "small"
    make_practice(models / "Whisper" / "practice" / "practice.pt")
    # Torch and the allocator keep memory for each new length of sound, until after some sixty parts
    # there is nothing new; that is no matter of the recording's length.
    first = 1 if options.quick else 60 * _WARM_UP_MINUTES
    short = _written(folder / "first.wav", _without_end(speech, 0.0), first)
    rows, grown = [], []
    for minutes in _QUICK_MEMORY_MINUTES if options.quick else _MEMORY_MINUTES:
        long = _written(folder / "memory.wav", _without_end(speech, 1.0), 60 * minutes)
        base, highest, facts = _watched(models, short, long)
        grown.append(highest - base)
        speed = facts["audio_s"] / facts["all_s"]
        rows.append((f"{minutes:g} min", *figures((base, highest, highest - base), 0), figure(speed, 1)))
    columns = ("memory, MB", "before", "highest", "growth", "s/s")
    return Table(columns, tuple(rows)), grown[-1] - grown[0]


def _watched(models: Path, short: Path, long: Path) -> tuple[float, float, dict[str, Any]]:
    """Memory before and at most, in MB, of a process that transcribes `long`; and its figures."""
    command = [sys.executable, "-m", "benchmarks.recognition_run", str(models), str(short), str(long)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        watched = psutil.Process(process.pid)
        process.stdout.readline()
        with Memory(watched) as before:
            time.sleep(0.3)
        with Memory(watched) as during:
            process.stdin.write("\n")
            process.stdin.flush()
            facts: dict[str, Any] = json.loads(process.stdout.readline())
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait(_PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    return statistics.median(before.resident), max(during.resident), facts


def _timed(works: tuple[Callable[[], object], ...]) -> list[float]:
    """Seconds that each takes, one after the other."""
    times = []
    for work in works:
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return times


def _spoken(folder: Path, characters: int) -> list[Samples]:
    """Some sentences at RATE."""
    engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
    rate, made = engine.info.sample_rate, []
    for sentence in re.split(r"(?<=[.?]) ", text_of(characters)):
        chunks = engine.stream(SpeechRequest(sentence, LANGUAGE, speaker=PLAIN), Control())
        samples = np.concatenate([chunk.audio.samples for chunk in chunks])
        made.append(resample(Audio(samples, rate), RATE).samples)
    engine.unload()
    return made


def _without_end(speech: list[Samples], silence: float) -> Iterator[Samples]:
    """The sentences again and again, each with `silence` times its length of silence after it."""
    for sentence in itertools.cycle(speech):
        yield sentence
        yield np.zeros(round(len(sentence) * silence), np.float32)


def _written(path: Path, pieces: Iterator[Samples], seconds: float) -> Path:
    left = round(seconds * RATE)
    with WavWriter(path, RATE) as writer:
        while left:
            piece = next(pieces)[:left]
            writer.append(piece)
            left -= len(piece)
    return path
