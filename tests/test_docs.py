"""The documents tell the truth: their commands run, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import soundfile

from studio.models.registry import MODELS
from studio.settings import CHECKOUT
from tests.running import timbre

README = (CHECKOUT / "README.md").read_text("utf-8")
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("python app.py")]


@pytest.mark.timeout(400)  # some import torch
def test_the_readme_s_commands_run_as_they_stand(
    tmp_path: Path,
    measured: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The first one as a process, as people do; the others here, since each start takes its time."""
    import app

    lines = commands()
    assert len(lines) >= 10
    (tmp_path / "lines.jsonl").write_text('{"text": "Hello.", "voice": "gmw/en-US+f2"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIMBRE_MODELS_DIR", str(tmp_path / "models"))
    for number, line in enumerate(lines):
        words = shlex.split(line, comments=True)[2:]
        if words[:2] == ["models", "download"]:  # gigabytes, and no network in a test
            assert words[2] in MODELS
            continue
        if number == 0:
            models = str(tmp_path / "models")
            result = timbre(tmp_path / "home", *words, cwd=tmp_path, TIMBRE_MODELS_DIR=models)
            assert result.returncode == 0, f"{line}\n{result.stderr}"
        else:
            assert app.main(["--home", str(tmp_path / "home"), *words]) == 0, (line, capfd.readouterr())
        for name in words[words.index("--output") + 1 :][:1] if "--output" in words else []:
            if words[0] == "speak":
                assert soundfile.info(tmp_path / name).duration > 0.5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} names {target}"


def test_the_readme_s_tree_names_what_is_there() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", README.split("## What is in the tree")[1], re.MULTILINE)
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    assert len(paths) > 15
    for path in paths:
        assert (CHECKOUT / path).exists(), path


def test_make_offers_what_the_readme_names() -> None:
    makefile = (CHECKOUT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"^make (\w+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
