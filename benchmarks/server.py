"""Speech over HTTP against the same call in process: to the first sound; and how soon a full queue refuses."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from benchmarks import load
from benchmarks.report import Goal, Options, Report, Table, figures
from benchmarks.samples import LANGUAGE, PLAIN, text_of
from benchmarks.serving import Serving
from engines.base import Capability
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.settings import load_settings

GOAL_TIMES, GOAL_MORE_MS = 1.3, 15.0
GOAL_REFUSED_MS = 50.0

_ROUNDS, _QUICK_ROUNDS = 60, 1
_REFUSALS, _QUICK_REFUSALS = 100, 2
_CROWD = 20
_WAITING = 8
_LONG = 20_000
_POLL_S = 0.0005
_HEADER = 44


def run(options: Options, running: Serving | None = None) -> Report:
    """With a server of its own, unless one is `running` that lets as many wait."""
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    text = text_of(80)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        settings = load_settings(home=folder / "own", models_dir=folder / "models")
        served: AbstractContextManager[Serving] = (
            nullcontext(running) if running else Serving(folder, max_waiting=_WAITING)
        )
        with served as server, Studio(settings) as studio:
            in_process(studio, text)  # warm
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.connect()
            bare = [_timed(connection, "GET", "/health") for _ in range(rounds)]
            own, http_, whole = [], [], []
            for _ in range(rounds):  # in turn, so that whatever else the machine does falls on both
                own.append(in_process(studio, text))
                first, end = over_http(connection, text)
                http_.append(first)
                whole.append(end)
            connection.close()
            refused, crowd = asyncio.run(
                refusals(server, _QUICK_REFUSALS if options.quick else _REFUSALS)
            )
    wanted = round(GOAL_TIMES * statistics.median(own) + GOAL_MORE_MS, 1)
    return Report(
        (
            Table(
                ("ms", "median", "fastest", "95 of 100", "slowest"),
                (
                    _row("first sound in process", own),
                    _row("first byte of sound over HTTP", http_),
                    _row("all of it over HTTP", whole),
                    _row("an answer without work: /health", bare),
                    _row("refused by a full queue: 429", refused),
                    _row(f"the same for {_CROWD} at once, again and again", crowd),
                ),
            ),
        ),
        (
            Goal("first byte over HTTP, median", statistics.median(http_), wanted, "ms", 1),
            Goal("refused by a full queue, 95 of 100", _most(refused), GOAL_REFUSED_MS, "ms", 1),
            Goal(f"the same for {_CROWD} at once", _most(crowd), GOAL_REFUSED_MS, "ms", 1),
        ),
        (
            f"{rounds} times each, in turn, {len(text)} characters with eSpeak NG, by one connection that stays open. "
            f"In process is `SpeechService.start` and reading the take; wanted is {GOAL_TIMES:g} times that and "
            f"{GOAL_MORE_MS:g} ms. Refused are requests that come while {_WAITING + 1} long texts are spoken, or wait, "
            "and are heard by clients on the same machine.",
        ),
    )


def in_process(studio: Studio, text: str) -> float:
    """Milliseconds from the order to the first sound that a listener can read."""
    order = SpeechOrder(Capability.PRESET, text, "espeak", language=LANGUAGE, speaker=PLAIN)
    begin = time.perf_counter()
    take = studio.speech.live(studio.speech.start(order))
    while not take.read_pcm(0)[0]:
        time.sleep(_POLL_S)
    first = time.perf_counter() - begin
    for _ in studio.speech.follow(take.id):  # the next one must find the engine idle
        pass
    return 1000 * first


def over_http(connection: http.client.HTTPConnection, text: str) -> tuple[float, float]:
    """Milliseconds from the request to the first sound, and to the last."""
    body = json.dumps({"input": text, "voice": PLAIN, "response_format": "wav"})
    begin = time.perf_counter()
    connection.request("POST", load.SPEECH, body, {"content-type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"The server answered {response.status}: {response.read()!r}")
    response.read(_HEADER + 2)  # the WAV header, and one sample
    first = time.perf_counter() - begin
    response.read()
    return 1000 * first, 1000 * (time.perf_counter() - begin)


def _timed(connection: http.client.HTTPConnection, method: str, path: str) -> float:
    begin = time.perf_counter()
    connection.request(method, path)
    connection.getresponse().read()
    return 1000 * (time.perf_counter() - begin)


async def refusals(server: Serving, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds until each of `count` requests was refused by a full queue: one after another, and of a
    crowd that asks again without a pause."""
    async with load.client(server.url) as via, load.full(via, _WAITING + 1, _LONG):
        alone = await load.refused(server.port, "Hello.", 1, count)
        return alone, await load.refused(server.port, "Hello.", _CROWD, max(1, count // 5))


def _row(what: str, values: Sequence[float]) -> tuple[str, ...]:
    return (what, *figures((statistics.median(values), min(values), _most(values), max(values)), 1))


def _most(values: Sequence[float]) -> float:
    """What 95 of 100 stay below."""
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]
