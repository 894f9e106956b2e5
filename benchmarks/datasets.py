"""Making segments of recordings, against reading and decoding them alone; a whole build and the same again;
its memory; and its estimate of the noise against the formula with noisereduce."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import psutil
import soundfile

from benchmarks.datasets_noise import RATE, ratios
from benchmarks.datasets_run import decoded, prepared, task_of
from benchmarks.long import Memory
from benchmarks.report import Goal, Options, Report, Table, figure, figures
from benchmarks.samples import PLAIN, text_of, unrepeated
from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.reading import read
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.audio.wav import WavWriter
from studio.control import Control
from studio.dataset.values import PrepareSettings
from studio.jobs import JobStatus
from studio.models.folders import ModelFolders
from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings

#: Of the time that decoding alone takes: 0.3 of its speed.
GOAL_TIMES = 1 / 0.3
GOAL_AGAIN = 1 / 50
GOAL_GROWTH = 1.2
GOAL_ERROR_DB = 1.5

PROCESSES, _QUICK_PROCESSES = 2, 1
#: What people record with: name, file ending, Hz, channels.
_FORMATS = (
    ("WAV, 44.1 kHz, mono", "wav", 44_100, 1),
    ("WAV, 48 kHz, stereo", "wav", 48_000, 2),
    ("FLAC, 44.1 kHz, stereo", "flac", 44_100, 2),
    ("MP3, 44.1 kHz, stereo", "mp3", 44_100, 2),
    ("M4A, 48 kHz, mono", "m4a", 48_000, 1),
)
_MINUTES, _QUICK_MINUTES = 3.0, 0.05
_HOURS, _QUICK_HOURS = (1.0, 4.0), (0.001,)
_TALK_MINUTES, _QUICK_TALK_MINUTES = 10.0, 0.1
_ROUNDS = 3
_PATIENCE_S = 3_600.0


def run(options: Options) -> Report:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        speech = _spoken(options, folder)
        speed, against = _speed(options, folder, speech)
        builds, again = _builds(options, folder)
        memory, growth = _memory(options, folder, speech)
        noise, wrong = ratios(options, folder, speech)
    return Report(
        (speed, builds, memory, noise),
        (
            Goal("all against decoding alone: time", against, round(GOAL_TIMES, 2), "times"),
            Goal("a build with nothing changed against the first", again, GOAL_AGAIN, "times", 3),
            Goal("memory: the longer against the shorter", growth, GOAL_GROWTH, "times"),
            Goal("hybrid: mean error, 0 to 30 dB", wrong, GOAL_ERROR_DB, "dB"),
        ),
        (
            f"{_processes(options)} processes each way, started before; files of {_MINUTES:g} min. 3.33 times the "
            "time is 0.3 of the speed, of all formats together: plain mono WAV, which is decoded in next to no "
            "time, falls short of it by itself. A build goes through the job: a process is started for it, and "
            "its files are moved into the set, which is most of what a second build takes. The talk is spoken "
            "by eSpeak NG. The highest memory is that of one process. The true ratio is that of the speech "
            "within 40 dB of its loudest to the noise that was mixed to it, up to 8 kHz, for each segment.",
        ),
    )


def _speed(options: Options, folder: Path, speech: Samples) -> tuple[Table, float]:
    """And the time that all of it takes in times of decoding."""
    seconds = 60 * (_QUICK_MINUTES if options.quick else _MINUTES)
    processes = _processes(options)
    rows, sums = [], np.zeros(2)
    with _pool(options) as pool:
        for number, (name, suffix, rate, channels) in enumerate(_formats(options)):
            whole = resample(Audio(_long(speech, seconds), RATE), rate).samples
            files = [folder / "recordings" / f"{number}-{index}.{suffix}" for index in range(processes)]
            for index, path in enumerate(files):
                _write(path, whole * np.float32(0.9 - 0.1 * index), rate, channels)
            if not number:
                list(pool.map(prepared, [task_of(path, folder / "warm") for path in files]))
            taken: list[list[float]] = [[], []]
            for turn in range(1 if options.quick else _ROUNDS):
                tasks = [task_of(path, folder / f"cache-{number}-{turn}") for path in files]
                taken[0].append(_timed(lambda files=files: list(pool.map(decoded, files))))  # type: ignore[misc]
                taken[1].append(_timed(lambda tasks=tasks: list(pool.map(prepared, tasks))))  # type: ignore[misc]
            medians = np.median(taken, axis=1)
            sums += medians
            rows.append(_row(name, processes * seconds, *medians))
    rows.append(_row("the whole", processes * seconds * len(_formats(options)), *sums))
    table = Table(("recordings", "decoding, s/s", "all, s/s", "all / decoding"), tuple(rows))
    return table, float(sums[1] / sums[0])


def _pool(options: Options) -> Executor:
    """Of processes; the quick form works on its one recording in this one."""
    if options.quick:
        return ThreadPoolExecutor(_QUICK_PROCESSES)
    return ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"))


def _processes(options: Options) -> int:
    return _QUICK_PROCESSES if options.quick else PROCESSES


def _formats(options: Options) -> Sequence[tuple[str, str, int, int]]:
    return _FORMATS[-1:] if options.quick else _FORMATS


def _row(name: str, audio_s: float, decoding: float, preparing: float) -> tuple[str, ...]:
    speeds = figures((audio_s / decoding, audio_s / preparing), 0)
    return name, *speeds, figure(decoding / preparing, 2)


def _builds(options: Options, folder: Path) -> tuple[Table, float]:
    """Through the service and its job: of the recordings of `_speed`, and of a talk that is written down
    as well. The second's share of the first time is the goal's."""
    minutes = (
        (_QUICK_MINUTES if options.quick else _MINUTES) * _processes(options) * len(_formats(options))
    )
    talk = _QUICK_TALK_MINUTES if options.quick else _TALK_MINUTES
    _talk(folder, 60 * talk)
    rows, shares = [], []
    settings = load_settings(home=folder / "home", models_dir=folder / "models", device="cpu")
    with Studio(settings) as studio:
        builds = (
            (f"{minutes:g} min, not written down", folder / "recordings", "none"),
            (f"{talk:g} min, written down by pocketsphinx", folder / "talk", "pocketsphinx"),
        )
        for name, recordings, recognizer in builds[1:] if options.quick else builds:
            chosen = PrepareSettings(language="en", recognizer=recognizer, processes=_processes(options))
            taken = [_built(studio, name, chosen, recordings) for _ in range(2)]
            rows.append((name, *figures(taken, 2), figure(taken[0] / taken[1], 1)))
            shares.append(taken[1] / taken[0])
    return Table(("build", "first, s", "again, s", "times as fast"), tuple(rows)), shares[-1]


def _built(studio: Studio, name: str, chosen: PrepareSettings, recordings: Path) -> float:
    """Seconds that the set `name` took to build, made now unless it is there."""
    known = {each.name: each.id for each in studio.datasets.list("")}
    id = known.get(name) or studio.datasets.create(name, "", chosen, [recordings]).id
    begin = time.perf_counter()
    job = studio.jobs.wait(studio.datasets.build(id, "").id, _PATIENCE_S)
    if job.status is not JobStatus.DONE:
        raise RuntimeError(f"A build ended as {job.status}: {job.message}")
    return time.perf_counter() - begin


def _memory(options: Options, folder: Path, speech: Samples) -> tuple[Table, float]:
    rows, highest = [], []
    for hours in _QUICK_HOURS if options.quick else _HOURS:
        path = folder / "memory.wav"
        with WavWriter(path, RATE) as writer:
            while writer.seconds < 3_600 * hours:
                writer.append(speech)
        command = [sys.executable, "-m", "benchmarks.datasets_run", str(path), str(folder / "memory")]
        process = subprocess.Popen(command, cwd=CHECKOUT)
        with Memory(psutil.Process(process.pid)) as during:
            process.wait()
        highest.append(max(during.resident))
        rows.append((f"{hours:g} h", figure(highest[-1], 0)))
    return Table(("memory", "highest, MB"), tuple(rows)), highest[-1] / highest[0]


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _spoken(options: Options, folder: Path) -> Samples:
    """Some minutes of speech with pauses at RATE: of real recordings where there are any."""
    rng = np.random.default_rng(1)
    if options.recordings is not None:
        clips = [read(path, RATE).samples for path in sorted(options.recordings.glob("LJ*.flac"))]
    else:
        clips = [resample(_synthetic(folder, text_of(100 if options.quick else 1_500)), RATE).samples]
    quiet = [np.zeros(round(rng.uniform(0.4, 0.9) * RATE), np.float32) for _ in clips]
    return np.concatenate([each for pair in zip(clips, quiet, strict=True) for each in pair])


def _talk(folder: Path, seconds: float) -> None:
    """Speech of which nothing comes twice, at least so long, in files of some minutes below "talk"."""
    spoken = _synthetic(folder, unrepeated(round(20 * seconds)))  # faster than anybody speaks
    whole = spoken.samples[: round(seconds * spoken.sample_rate)]
    (folder / "talk").mkdir()
    for number, part in enumerate(np.array_split(whole, max(2, round(seconds / 180)))):
        soundfile.write(folder / "talk" / f"{number}.flac", part, spoken.sample_rate)


def _synthetic(folder: Path, text: str) -> Audio:
    """`text` spoken by eSpeak NG."""
    engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
    request = SpeechRequest(text, "en-us", speaker=PLAIN)
    chunks = [chunk.audio.samples for chunk in engine.stream(request, Control())]
    rate = engine.info.sample_rate
    engine.unload()
    return Audio(np.concatenate(chunks), rate)


def _long(speech: Samples, seconds: float) -> Samples:
    return np.resize(speech, round(seconds * RATE))


def _write(path: Path, samples: Samples, rate: int, channels: int) -> None:
    path.parent.mkdir(exist_ok=True)
    shaped = np.repeat(samples[:, None], channels, axis=1)
    if path.suffix != ".m4a":
        with soundfile.SoundFile(path, "w", rate, channels) as file:
            for at in range(0, len(samples), rate):
                file.write(shaped[at : at + rate])
        return
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format="mp4") as target:
        stream = target.add_stream("aac", rate=rate, layout=layout)
        for at in range(0, len(samples), rate):
            planes = np.ascontiguousarray(shaped[at : at + rate].T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, at
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
