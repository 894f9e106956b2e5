"""A server under load: many requests at once, clients that hang up or read slowly, minutes of all that, and
an end in the middle of it. Behind `make soak`."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import numpy as np

from benchmarks import load
from benchmarks.report import Goal, Options, Report, Table, figure, figures
from benchmarks.samples import text_of
from benchmarks.serving import Serving

GOAL_SLOPE = 1.0
GOAL_FILES = 2
GOAL_HELD_MB = 2.1  # 2 MiB
#: 200 ms, and what the engine makes at once.
GOAL_FREE_MS = 250.0

WAITING = 8
_LONG = 20_000
_REST_S = 0.5


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    requests: int = 200
    at_once: int = 20
    hang_ups: int = 50
    neighbours: int = 30
    slow_characters: int = 60_000
    warm_s: float = 75.0
    soak_s: float = 180.0
    workers: int = 4
    rest_s: float = 0.3  # of a worker between two requests


QUICK = Sizes(40, 16, 6, 3, 20_000, 0.5, 2.0)


@dataclass
class Soaked:
    """What was seen while it was under load for a while."""

    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)  # s
    resident: list[float] = field(default_factory=list)  # MB
    files_before: int = 0
    files_after: int = 0

    @property
    def slope(self) -> float:
        """Growth of the memory, MB a minute."""
        return float(60 * np.polyfit(self.times, self.resident, 1)[0])


@dataclass(frozen=True)
class End:
    """What became of those who were served when the server was asked to stop."""

    code: int
    seconds: float
    whole: int  # answers that came to their end
    broken: int
    refused: int  # that came later


def run(options: Options) -> Report:
    sizes = QUICK if options.quick else Sizes()
    with (
        tempfile.TemporaryDirectory() as temporary,
        Serving(Path(temporary), max_waiting=WAITING) as server,
    ):
        alone, answers = asyncio.run(burst(server, sizes))
        freed = asyncio.run(hang_ups(server, sizes))
        soaked = asyncio.run(soak(server, sizes))
        quiet, beside, held = asyncio.run(slow_reader(server, sizes))
        end = asyncio.run(stopped(server))
    statuses = Counter(each.status for each in answers)
    refused = sorted(each.seconds * 1000 for each in answers if each.status == 429)
    odd = sum(
        count for status, count in (statuses + soaked.statuses).items() if status not in (200, 422, 429)
    )
    asked = sum(soaked.statuses.values())
    tables = (
        Table(
            (f"{sizes.requests} requests, {sizes.at_once} at once", "spoken", "refused", "other"),
            (
                (
                    f"{WAITING} may wait",
                    *figures((statuses[200], statuses[429]), 0),
                    figure(len(answers) - statuses[200] - statuses[429], 0),
                ),
            ),
        ),
        Table(
            ("ms", "median", "slowest"),
            (
                _row("refused in the crowd", refused or [0.0]),
                _row(f"hung up ({len(freed)} times): free again", [1000 * each for each in freed]),
                _row("short text, alone", [1000 * each for each in quiet]),
                _row("the same beside a slow reader", [1000 * each for each in beside]),
            ),
        ),
        Table(
            (f"soak, {sizes.soak_s:g} s", "requests", "memory, MB", "MB a minute", "file descriptors"),
            (
                (
                    "speech, hang-ups, events, mistakes",
                    figure(asked, 0),
                    figure(float(np.median(soaked.resident)), 0),
                    figure(soaked.slope, 2),
                    figure(soaked.files_after - soaked.files_before, 0),
                ),
            ),
        ),
        Table(
            ("SIGTERM under load", "exit code", "s", "whole answers", "broken", "refused after it"),
            (
                (
                    "took",
                    figure(end.code, 0),
                    figure(end.seconds, 2),
                    *figures((end.whole, end.broken, end.refused), 0),
                ),
            ),
        ),
    )
    return Report(
        tables,
        (
            Goal("answers other than those expected", odd, 0, digits=0),
            Goal("sounds that were another's", load.mixed_up(answers, alone), 0, digits=0),
            Goal("from hanging up to a free place, slowest", 1000 * max(freed), GOAL_FREE_MS, "ms", 0),
            Goal("memory that a slow reader costs", held, GOAL_HELD_MB, "MB", 1),
            Goal("growth of memory", soaked.slope, GOAL_SLOPE, "MB a minute"),
            Goal(
                "change of file descriptors",
                abs(soaked.files_after - soaked.files_before),
                GOAL_FILES,
                digits=0,
            ),
            Goal("answers broken off by SIGTERM", end.broken, 0, digits=0),
            Goal("exit code", end.code, 0, digits=0),
        ),
        (
            f"The embedded engine on loopback; clients and server share the machine. {sizes.hang_ups} clients "
            "hang up in the middle of a long text. The slow reader leaves the sound of "
            f"{sizes.slow_characters:,} characters lying, which were spoken before for one who reads. Memory "
            "is that of the server and of eSpeak NG, sampled twice a second after "
            f"{sizes.warm_s:g} s at full speed that do not count.",
        ),
    )


async def burst(server: Serving, sizes: Sizes) -> tuple[list[load.Answer], list[load.Answer]]:
    """Each text alone, then all at once."""
    texts = load.different(6)
    async with load.client(server.url) as via:
        alone = [await load.ask(via, text) for text in texts]
    return alone, await load.burst(server.url, texts, sizes.requests, sizes.at_once)


async def hang_ups(server: Serving, sizes: Sizes) -> list[float]:
    """Seconds from each hanging up until the place was free again; half of them one by one, the others at
    once."""
    half = sizes.hang_ups // 2
    async with load.client(server.url) as via:
        freed = []
        for _ in range(sizes.hang_ups - half):
            await load.hang_up(via, text_of(_LONG))
            freed.append(await load.until_free(via))
        for left in range(half, 0, -WAITING):
            together = [load.hang_up(via, text_of(_LONG)) for _ in range(min(left, WAITING))]
            await asyncio.gather(*together)
        await load.until_free(via)
    return freed


async def slow_reader(server: Serving, sizes: Sizes) -> tuple[list[float], list[float], float]:
    """Seconds of short requests alone and beside a slow reader, and the memory it cost, MB, once the same text
    was spoken for one who reads."""
    text = text_of(60)
    async with load.client(server.url) as via:
        quiet = [(await load.ask(via, text)).seconds for _ in range(sizes.neighbours)]
        with load.SlowReader(server.port, sizes.slow_characters) as quick:
            await asyncio.to_thread(quick.read_all)
        before = await _resident(server)
        with load.SlowReader(server.port, sizes.slow_characters) as slow:
            beside = [(await load.ask(via, text)).seconds for _ in range(sizes.neighbours)]
            while await load.in_flight(via):  # all is spoken, nearly nothing is read
                await asyncio.sleep(0.05)
            held = await _resident(server) - before
            await asyncio.to_thread(slow.read_all)
    return quiet, beside, max(0.0, held)


async def _resident(server: Serving) -> float:
    """Memory, MB, the median of half a second."""
    seen = []
    for _ in range(10):
        seen.append(server.resident_mb())
        await asyncio.sleep(0.05)
    return float(np.median(seen))


async def soak(server: Serving, sizes: Sizes) -> Soaked:
    """Everything that clients do, for a while that does not count and one that does."""
    await _under_load(server, replace(sizes, rest_s=0.0), sizes.warm_s, Soaked())
    soaked = Soaked(files_before=server.open_files())
    await _under_load(server, sizes, sizes.soak_s, soaked)
    soaked.files_after = server.open_files()
    return soaked


async def _under_load(server: Serving, sizes: Sizes, seconds: float, soaked: Soaked) -> None:
    """Until it is over, and the server has come to rest again."""
    begin = time.monotonic()
    async with load.client(server.url) as via:
        workers = [
            asyncio.create_task(_work(via, number, begin + seconds, sizes, soaked))
            for number in range(sizes.workers)
        ]
        while (past := time.monotonic() - begin) < seconds:
            soaked.times.append(past)
            soaked.resident.append(server.resident_mb())
            await asyncio.sleep(min(0.5, sizes.soak_s / 10))
        await asyncio.gather(*workers)
        await load.until_free(via)
    await asyncio.sleep(_REST_S)  # connections that were closed are gone


async def _work(via: httpx.AsyncClient, number: int, end: float, sizes: Sizes, soaked: Soaked) -> None:
    draw = random.Random(number)
    while time.monotonic() < end:
        soaked.statuses[await _anything(via, draw)] += 1
        await asyncio.sleep(draw.random() * 2 * sizes.rest_s)


async def _anything(via: httpx.AsyncClient, draw: random.Random) -> int:
    text = text_of(draw.randint(20, 200))
    kind = draw.random()
    if kind < 0.5:
        return (await load.ask(via, text)).status
    if kind < 0.65:
        return (await via.post("/tts/wav", json={"text": text})).status_code
    if kind < 0.8:
        answer = await via.post("/api/generate_stream", json={"text": text})
        return answer.status_code if '"done": true' in answer.text or answer.status_code != 200 else 0
    if kind < 0.9:
        await load.hang_up(via, text_of(_LONG))
        return 200
    return (await via.post(load.SPEECH, json={"input": text, "speed": "fast"})).status_code


async def stopped(server: Serving) -> End:
    """SIGTERM while some are served and others wait."""
    async with load.client(server.url) as via:
        served = [asyncio.create_task(_whole(via, text_of(1_000))) for _ in range(WAITING)]
        while await load.in_flight(via) < WAITING:
            await asyncio.sleep(0.01)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        await _until_closing(via)
        later = [await _refused(via) for _ in range(3)]
        whole = await asyncio.gather(*served)
    code = await asyncio.to_thread(server.process.wait, 30)
    return End(code, time.monotonic() - begin, sum(whole), len(whole) - sum(whole), sum(later))


async def _until_closing(via: httpx.AsyncClient) -> None:
    """The signal has been heard."""
    with suppress(httpx.TransportError):
        while (await via.get("/ready")).status_code == 200:
            await asyncio.sleep(0.01)


async def _whole(via: httpx.AsyncClient, text: str) -> bool:
    try:
        return (await load.ask(via, text)).status == 200
    except httpx.TransportError:
        return False


async def _refused(via: httpx.AsyncClient) -> bool:
    """Whether a request that comes now is told so, or finds nobody."""
    try:
        answer = await load.ask(via, "Too late.")
    except httpx.TransportError:
        return True
    return answer.status == 503 and answer.retry_after.isdigit()


def _row(what: str, values: list[float]) -> tuple[str, ...]:
    return (what, *figures((float(np.median(values)), max(values)), 0))
