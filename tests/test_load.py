"""The server under load, in short; `make soak` does it for minutes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from benchmarks import load, soak
from benchmarks import server as over_http
from benchmarks.report import Options
from benchmarks.serving import Serving
from tests.test_benchmarks import check_figures

SIZES = soak.Sizes(
    requests=40,
    at_once=16,
    hang_ups=6,
    neighbours=4,
    slow_characters=8_000,
    warm_s=1.0,
    soak_s=1.5,
    rest_s=0.0,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("load")
    with Serving(folder, max_waiting=soak.WAITING, shutdown_grace_s=60) as running:
        yield running


def test_a_crowd_is_served_or_told_to_come_back_and_everybody_gets_their_own(server: Serving) -> None:
    alone, answers = asyncio.run(soak.burst(server, SIZES))
    statuses = Counter(each.status for each in answers)
    assert statuses.keys() == {200, 429}
    assert sum(statuses.values()) == SIZES.requests
    assert statuses[200] >= soak.WAITING
    assert all(int(each.retry_after) >= 1 for each in answers if each.status == 429)
    assert load.mixed_up(answers, alone) == 0


def test_a_full_queue_refuses_at_once(server: Serving) -> None:
    """In under 50 ms on a quiet machine; `python -m benchmarks server` measures it."""

    async def refused() -> list[load.Answer]:
        async with load.client(server.url) as via, load.full(via, soak.WAITING + 1, 20_000):
            return [await load.ask(via, "Hello.") for _ in range(10)]

    answers = asyncio.run(refused())
    assert {each.status for each in answers} == {429}
    assert min(each.seconds for each in answers) < 0.25


def test_the_benchmark_of_the_server_runs_and_its_table_holds_figures(server: Serving) -> None:
    check_figures(over_http.run(Options(quick=True), server))


def test_who_hangs_up_leaves_the_place_to_others(server: Serving) -> None:
    freed = asyncio.run(soak.hang_ups(server, SIZES))
    assert min(freed) < 1.0  # to speak it all takes many times as long
    page = httpx.get(f"{server.url}/metrics").text
    assert "timbre_queue_depth 0.0" in page
    assert 'timbre_takes_total{engine="espeak",state="stopped"}' in page


def test_a_slow_reader_holds_nobody_up_and_gets_it_all(server: Serving) -> None:
    _, beside, _ = asyncio.run(soak.slow_reader(server, SIZES))  # raises where a byte is missing
    assert len(beside) == SIZES.neighbours


def test_nothing_is_left_open_after_all_kinds_of_requests(server: Serving) -> None:
    soaked = asyncio.run(soak.soak(server, SIZES))
    assert soaked.statuses.keys() <= {200, 422, 429}
    assert sum(soaked.statuses.values()) > 10
    assert soaked.files_after - soaked.files_before <= soak.GOAL_FILES


def test_a_signal_lets_those_finish_who_are_served(server: Serving) -> None:
    """The last one: it ends the server."""
    end = asyncio.run(soak.stopped(server))
    assert end.code == 0
    assert (end.whole, end.broken) == (soak.WAITING, 0)
    assert end.refused == 3
