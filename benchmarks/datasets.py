"""Making segments of recordings, against reading and decoding them alone; its memory; and its estimate of
the noise against the formula with noisereduce."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil

from benchmarks.long import Memory
from benchmarks.report import Goal, Options, Report, Table, figure, figures
from benchmarks.samples import PLAIN, text_of
from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.reading import blocks, read
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.dataset.values import HYBRID, NOISEREDUCE, PrepareSettings, Segment
from studio.models.folders import ModelFolders
from studio.settings import CHECKOUT
from training.prepare.recording import RecordingTask, prepare

#: Of the time that decoding alone takes: 0.3 of its speed.
GOAL_TIMES = 1 / 0.3
GOAL_GROWTH = 1.2
GOAL_ERROR_DB = 1.5

PROCESSES = 2
_FORMATS = (("FLAC", "flac", 48_000), ("MP3", "mp3", 44_100), ("WAV", "wav", 44_100))
_MINUTES, _QUICK_MINUTES = 20.0, 0.5
_HOURS, _QUICK_HOURS = (1.0, 4.0), (0.01, 0.02)
_ROUNDS = 3
_RATIOS = tuple(range(0, 31, 5))
_RATE = 16_000


def run(options: Options) -> Report:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        speech = _spoken(options, folder)
        speed, times = _speed(options, folder, speech)
        memory, growth = _memory(options, folder, speech)
        ratios, wrong = _ratios(options, folder, speech)
    return Report(
        (speed, memory, ratios),
        (
            *(
                Goal(f"{name}: time against decoding", ratio, round(GOAL_TIMES, 2), "times")
                for name, ratio in times.items()
            ),
            Goal("memory: the longer against the shorter", growth, GOAL_GROWTH, "times"),
            Goal("hybrid: mean error, 0 to 30 dB", wrong, GOAL_ERROR_DB, "dB"),
        ),
        (
            f"Mono files; {PROCESSES} processes each way, started before. 3.33 times the time is 0.3 of the "
            "speed. The highest memory is that of one process. The true ratio is that of the speech within "
            "40 dB of its loudest to the noise that was mixed to it, up to 8 kHz, for each segment.",
        ),
    )


def _speed(options: Options, folder: Path, speech: Samples) -> tuple[Table, dict[str, float]]:
    seconds = 60 * (_QUICK_MINUTES if options.quick else _MINUTES)
    rows, times = [], {}
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        for name, suffix, rate in _FORMATS:
            whole = resample(Audio(_long(speech, seconds), _RATE), rate).samples
            files = [folder / f"{index}.{suffix}" for index in range(PROCESSES)]
            for index, path in enumerate(files):
                _write(path, whole * np.float32(0.9 - 0.1 * index), rate)
            taken: list[list[float]] = [[], []]
            for number in range(1 if options.quick else _ROUNDS):
                tasks = [_task(path, folder / f"cache-{suffix}-{number}") for path in files]
                taken[0].append(_timed(lambda files=files: list(pool.map(_decode, files))))  # type: ignore[misc]
                taken[1].append(_timed(lambda tasks=tasks: list(pool.map(_prepare, tasks))))  # type: ignore[misc]
            decoding, preparing = (statistics.median(each) for each in taken)
            audio = PROCESSES * seconds
            times[name] = preparing / decoding
            speeds = figures((audio / decoding, audio / preparing), 0)
            rows.append((f"{name}, {rate / 1000:g} kHz", *speeds, figure(decoding / preparing, 2)))
    return Table(("recordings", "decoding, s/s", "all, s/s", "all / decoding"), tuple(rows)), times


def _memory(options: Options, folder: Path, speech: Samples) -> tuple[Table, float]:
    rows, highest = [], []
    for hours in _QUICK_HOURS if options.quick else _HOURS:
        path = folder / "memory.wav"
        with WavWriter(path, _RATE) as writer:
            while writer.seconds < 3_600 * hours:
                writer.append(speech)
        command = [sys.executable, "-m", "benchmarks.datasets", str(path), str(folder / "memory")]
        process = subprocess.Popen(command, cwd=CHECKOUT)
        with Memory(psutil.Process(process.pid)) as during:
            process.wait()
        highest.append(max(during.resident))
        rows.append((f"{hours:g} h", figure(highest[-1], 0)))
    return Table(("memory", "highest, MB"), tuple(rows)), highest[-1] / highest[0]


def _ratios(options: Options, folder: Path, speech: Samples) -> tuple[Table, float]:
    rows, errors = [], []
    for decibels in _RATIOS[2:3] if options.quick else _RATIOS:
        found: dict[str, list[float]] = {HYBRID: [], NOISEREDUCE: []}
        for kind, method in itertools.product(("white", "pink"), found):
            gain = np.sqrt(_level(speech) / 10 ** (decibels / 10))
            noise = gain * _noise(kind, len(speech))
            path = folder / f"{kind}-{decibels}.wav"
            scale = 0.9 / float(np.abs(speech + noise).max())
            _write(path, (speech + noise) * np.float32(scale), _RATE)
            made = prepare(_task(path, folder / "noisy", snr_method=method), Control())
            found[method] += _errors(made.segments, speech, noise)
        errors += found[HYBRID]
        rows.append((f"{decibels} dB", *figures((float(np.mean(each)) for each in found.values()), 1)))
    return Table(("SNR: mean error, dB", "hybrid", "noisereduce"), tuple(rows)), float(np.mean(errors))


def _errors(segments: Sequence[Segment], speech: Samples, noise: Samples) -> list[float]:
    found = []
    for segment in segments:
        part = slice(round(segment.start * _RATE), round(segment.end * _RATE))
        true = 10 * np.log10(_level(speech[part]) / np.mean(noise[part] ** 2))
        if segment.snr_db is not None:
            found.append(abs(segment.snr_db - float(true)))
    return found


def _level(samples: Samples) -> float:
    power = np.square(samples[: len(samples) // 480 * 480].reshape(-1, 480)).mean(axis=1)
    return float(power[power > power.max() * 1e-4].mean())


def _noise(kind: str, count: int) -> Samples:
    bins = np.fft.rfft(np.random.default_rng(1).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / _RATE)
    bins[hertz < 20] = 0
    if kind == "pink":
        bins /= np.sqrt(np.maximum(hertz, 20))
    drawn = np.fft.irfft(bins, count)
    made: Samples = (drawn / np.sqrt(np.mean(drawn**2))).astype(np.float32)
    return made


def _task(path: Path, cache: Path, **settings: str) -> RecordingTask:
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return RecordingTask(path, content, (), PrepareSettings(**settings), cache)  # type: ignore[arg-type]


def _prepare(task: RecordingTask) -> int:
    return len(prepare(task, Control()).segments)


def _decode(path: Path) -> int:
    return sum(len(block) for block in blocks(path))


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _spoken(options: Options, folder: Path) -> Samples:
    """Some minutes of speech with pauses at _RATE: of real recordings where there are any."""
    rng = np.random.default_rng(1)
    if options.recordings is not None:
        clips = [read(path, _RATE).samples for path in sorted(options.recordings.glob("LJ*.flac"))]
    else:
        engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
        request = SpeechRequest(text_of(1_500), "en-us", speaker=PLAIN)
        chunks = [chunk.audio.samples for chunk in engine.stream(request, Control())]
        rate = engine.info.sample_rate
        engine.unload()
        clips = [resample(Audio(np.concatenate(chunks), rate), _RATE).samples]
    quiet = [np.zeros(round(rng.uniform(0.4, 0.9) * _RATE), np.float32) for _ in clips]
    return np.concatenate([each for pair in zip(clips, quiet, strict=True) for each in pair])


def _long(speech: Samples, seconds: float) -> Samples:
    return np.resize(speech, round(seconds * _RATE))


def _write(path: Path, samples: Samples, rate: int) -> None:
    import soundfile

    with soundfile.SoundFile(path, "w", rate, 1) as file:
        for at in range(0, len(samples), rate):
            file.write(samples[at : at + rate])


if __name__ == "__main__":
    _prepare(_task(Path(sys.argv[1]), Path(sys.argv[2])))
