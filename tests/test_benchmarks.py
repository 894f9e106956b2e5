"""Promises of the benchmarks: each runs and prints figures, and the page names them all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import documentation
from benchmarks.__main__ import main
from benchmarks.registry import BENCHMARKS
from benchmarks.report import Goal, Options, Report, Table, figure
from benchmarks.samples import text_of
from studio.errors import Damaged

#: Run by tests/test_load.py, on a server that is there anyway.
WITH_A_SERVER = ("server", "soak")


@pytest.fixture(scope="module")
def measured(measure_once: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the run knows of eSpeak NG's own voices."""
    home = tmp_path_factory.mktemp("measured") / "home"
    measure_once(home)
    return (home / ".cache" / "voice_prompts" / "espeak" / "variants").resolve()


def check_figures(report: Report) -> None:
    assert report.tables
    for table in report.tables:
        assert table.rows
        for _, *figures in table.rows:
            assert all(re.fullmatch(r"-?\d+(\.\d+)?", cell) for cell in figures), table.markdown()


@pytest.mark.timeout(400)  # some start processes that import torch
@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in WITH_A_SERVER])
def test_a_benchmark_runs_and_its_table_holds_figures(name: str, measured: Path) -> None:
    report = BENCHMARKS[name](Options(quick=True, measured=measured))
    check_figures(report)
    # The time that something takes is not promised here, but what it does not load is.
    if name == "startup":
        assert report.goals[1].met, report.markdown()


def test_the_page_has_a_place_for_every_benchmark() -> None:
    page = documentation.PAGE.read_text("utf-8")
    for name in BENCHMARKS:
        begin, end = documentation.markers(name)
        assert f"## {name}" in page
        assert page.count(begin) == page.count(end) == 1
        assert "| --" in page.partition(begin)[2].partition(end)[0], f"{name} was never measured"


def test_a_goal_says_whether_it_is_met() -> None:
    goals = (Goal("start", 1.2, 1.5, "times"), Goal("memory", 51.26, 50, "MB", 1))
    shown = Report((Table(("what", "s"), (("a", "1.0"),)),), goals).markdown()
    assert re.search(r"\| start +\| 1.20 times \| at most 1.5 times \| +met \|", shown)
    assert re.search(r"\| memory +\| +51.3 MB \| +at most 50 MB \| \*\*not met\*\* \|", shown)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="measurement"):
        figure(value, 2)


def test_writing_replaces_only_what_stands_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin, end = documentation.markers("long")
    page.write_text(f"Before.\n\n{begin}\nold\n{end}\n\nAfter.\n", "utf-8")
    documentation.update("long", "| new |", page)
    documentation.update("long", "| newer |", page)
    assert page.read_text("utf-8") == f"Before.\n\n{begin}\n\n| newer |\n\n{end}\n\nAfter.\n"
    with pytest.raises(Damaged, match="no place for speech"):
        documentation.update("speech", "| new |", page)


@pytest.mark.parametrize("arguments", [["sing"], ["--quick", "--write"], ["--recordings", "/nowhere"]])
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("characters", [1, 400, 100_000])
def test_the_text_is_as_long_as_asked_for(characters: int) -> None:
    assert characters - 1 <= len(text_of(characters)) <= characters
    paragraphs = text_of(characters).split("\n\n")
    assert len(set(paragraphs)) == len(paragraphs)
