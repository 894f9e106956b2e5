"""docs/models.md says what the table of models says, and its commands are the ones that work."""

from __future__ import annotations

import re
from pathlib import Path

from studio.cli.parser import parser
from studio.models import by_hand
from studio.models.publishing import size_text
from studio.models.registry import MODELS, ModelEntry
from studio.models.validation import ModelState
from studio.settings import CHECKOUT

PAGE = (CHECKOUT / "docs" / "models.md").read_text("utf-8")


def row(entry: ModelEntry) -> str:
    size = size_text(entry.published_bytes) if entry.published_bytes else "20 MB, made here"
    memory = f"{entry.vram_gb:g} GB" if entry.vram_gb else "-"
    license = f"[{entry.license}]({entry.license_url})" if entry.license_url else entry.license
    cells = (f"`{entry.key}`", entry.serves, size, memory, license, f"`{entry.folder}`")
    return f"| {' | '.join(cells)} |"


def test_every_model_is_documented_as_it_is() -> None:
    """When this fails, it shows the rows to have."""
    table = PAGE.partition("| Model |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `.+\|$", table, re.MULTILINE)
    expected = [row(entry) for entry in MODELS.values()]
    assert rows == expected, "docs/models.md should read:\n" + "\n".join(expected)


def test_every_state_is_explained() -> None:
    section = PAGE.partition("## What the states mean")[2].partition("\n## ")[0]
    states = re.findall(r"^\| (\w+) \|", section, re.MULTILINE)[1:]
    assert states == [state.value for state in ModelState]


def test_the_commands_are_understood_and_those_by_hand_are_the_ones_we_show() -> None:
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    ours = [line.split("#")[0].split()[2:] for line in blocks.splitlines() if "app.py" in line]
    assert len(ours) >= 6
    for words in ours:
        assert parser().parse_args(words).command == "models"
    # Without quotes, so that the shell puts in the folder; our own come quoted where need be.
    for command in by_hand.commands(MODELS["qwen-1.7b-base"], Path("FOLDER")):
        assert command.replace("FOLDER", '"$FOLDER"') in blocks
