"""Promises of the prompts: those of the home win, and a broken one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import BadInput, NotFound
from studio.services.language_model import LanguageModel
from studio.services.llm_prompts import MODES, available, load
from studio.settings import load_settings
from tests.llm_server import LlmServer

GOOD = 'mode = "stt"\nname = "Mine"\nuser = "{language}|{context}|{text}"\ntemperature = 0.5\n'


def write(home: Path, name: str, content: str) -> Path:
    folder = home / "configs" / "llm"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content, "utf-8")
    return path


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_a_prompt(mode: str, tmp_path: Path) -> None:
    prompt = load(tmp_path, mode)
    assert prompt.mode == mode
    system, user = prompt.messages("Hello.", "en", "")
    assert "alone" in system["content"]
    assert user["content"].endswith("Hello.")


def test_the_home_s_own_prompt_wins(tmp_path: Path) -> None:
    write(tmp_path, "stt.toml", GOOD)
    prompt = load(tmp_path, "stt")
    assert (prompt.name, prompt.temperature) == ("Mine", 0.5)
    assert prompt.messages("a", "b", "c") == [{"role": "user", "content": "b|c|a"}]


def test_yaml_is_read_too(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    write(tmp_path, "court.yml", "mode: stt\nname: Court\nuser: |\n  In court.\n  {text}\n")
    assert [prompt.key for prompt in available(tmp_path, "stt")] == ["court", "stt"]
    with LlmServer() as server:
        model = LanguageModel(load_settings(home=tmp_path, llm_url=server.url))
        model.process("all rise", "stt", prompt="court")
        assert server.asked[0].body["messages"] == [{"role": "user", "content": "In court.\nall rise"}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("stt.toml", "mode = ", "Invalid"),
        ("stt.toml", GOOD.replace("stt", "sst"), "sst"),
        ("stt.toml", GOOD.replace("{text}", ""), "{text}"),
        ("stt.toml", GOOD.replace("0.5", "9"), "temperature"),
        ("stt.toml", GOOD + "colour = 1\n", "colour"),
        ("stt.toml", "", "mode"),
        ("stt.toml", "x" * 200_000, "larger"),
        ("stt.yaml", "a: [", "YAML"),
        ("stt.yaml", "!!python/object/apply:os.system ['true']", "YAML"),
        ("stt.yaml", "- a\n- b\n", "file"),
        ("stt.toml", GOOD.replace("stt", "tts"), "for tts"),
    ],
)
def test_a_broken_prompt_is_named(name: str, content: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(BadInput) as caught:
        LanguageModel(load_settings(home=tmp_path)).process("hello", "stt")
    assert str(path) in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_an_unknown_prompt_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="stt"):
        load(tmp_path, "stt", "st")
    with pytest.raises(NotFound):
        load(tmp_path, "stt", "../../etc/passwd")
