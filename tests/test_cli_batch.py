"""`app.py batch`: many lines at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

import app


def lines(path: Path, *entries: Any) -> str:
    path.write_text("\n".join(json.dumps(entry) for entry in entries) + "\n", "utf-8")
    return str(path)


def run(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = app.main(["--home", str(home), "batch", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_each_line_becomes_a_file_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = lines(
        tmp_path / "lines.jsonl",
        {"text": "One.", "seed": 3},
        {"text": "Two.", "design": "an old man", "name": "two.flac"},
        {"text": "Drei.", "voice": "gmw/de"},
    )
    code, said = run(tmp_path / "home", capsys, given, "--output", str(tmp_path / "out"))
    assert code == 0
    files = [Path(take["file"]) for take in said["takes"]]
    assert [file.name for file in files] == ["0001-one.wav", "two.flac", "0003-drei.wav"]
    assert all(soundfile.info(file).duration > 0.2 for file in files)
    assert said["takes"][0]["seed"] == 3
    assert said["takes"][2]["language"] == "de"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"text": "Hi.", "voic": "x"}, "no option “voic”"),
        ({"text": "Hi.", "speed": "fast"}, "“speed” cannot be"),
        ({"text": "  "}, "Line 2"),
        ({"say": "Hi."}, "no object with a text"),
        ({"text": "Hi.", "name": "../x.wav"}, "no plain file name"),
        ({"text": "Hi.", "name": "x.exe"}, "exe"),
        ({"text": "Hi.", "mode": "sing"}, "sing"),
        ("Hi.", "no object with a text"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_spoken(
    entry: Any, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = lines(tmp_path / "lines.jsonl", {"text": "Good."}, entry)
    code, said = run(tmp_path / "home", capsys, given)
    assert code == 3
    assert "Line 2" in said["detail"]
    assert says in said["detail"]
    assert not list((tmp_path / "home" / "outputs").rglob("*.wav"))


def test_an_empty_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(tmp_path / "home", capsys, lines(tmp_path / "none.jsonl"))
    assert (code, said["detail"]) == (3, "There are 0 lines to speak.")
