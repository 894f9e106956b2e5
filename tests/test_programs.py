"""What the README says of programs works as it stands, but for the port."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from studio.settings import CHECKOUT
from tests.running import Server

README = (CHECKOUT / "README.md").read_text("utf-8")
SECTION = README.split("## From a program")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("readme") / "home") as running:
        yield running


def blocks(language: str, server: Server) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    assert found
    return [block.replace("127.0.0.1:7860", f"127.0.0.1:{server.port}") for block in found]


def run(words: list[str], folder: Path) -> None:
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, (words, ended.stderr)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_commands_work(server: Server, tmp_path: Path) -> None:
    lines = [line for block in blocks("sh", server) for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line)
        if words[0] == "python":
            words = [sys.executable, str(CHECKOUT / words[1]), *words[2:]]
        else:
            words = [words[0], "--fail-with-body", "--silent", "--show-error", *words[1:]]
        run(words, tmp_path)
    for name in ("spoken.mp3", "spoken.wav", "socket.wav"):
        assert soundfile.read(tmp_path / name)[0].size > 5_000, name
    assert "-->" in (tmp_path / "spoken.srt").read_text("utf-8")


def test_the_python_works(server: Server, tmp_path: Path) -> None:
    for number, block in enumerate(blocks("python", server)):
        script = tmp_path / f"example-{number}.py"
        script.write_text(block, "utf-8")
        run([sys.executable, str(script)], tmp_path)
    assert soundfile.read(tmp_path / "streamed.wav")[0].size > 5_000
