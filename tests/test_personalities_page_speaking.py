"""The Personalities tab from the handlers' side: a text is spoken, changed in parts, stopped and had again."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.errors import BadInput, Cancelled, NotFound
from studio.services.personality_values import Personality
from studio.services.studio import Studio
from tabs import page
from tabs.personalities import layout, performing, reusing, wiring, working
from tests.asking import ANN
from tests.personality_tab import TEXT, by_name, recorded, speak, studio_in, zoe

WORK = ["seen", "timer", "build", "build_button", "build_stop", "status", "parts", "speak", "stop",
        "pack", "performance"]  # fmt: skip


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    yield from studio_in(tmp_path_factory.mktemp("personalities"), measure_once)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def personality(studio: Studio, recording: Path) -> Iterator[Personality]:
    yield from zoe(studio, recording)


def spoken_by(studio: Studio, chosen: str, text: str) -> dict[str, Any]:
    """What the page shows once the text is spoken."""
    begun = by_name(WORK, speak(studio, ANN, chosen, text))
    for task in studio.tasks.of("ann", "perform"):
        studio.tasks.wait(task.id)
    return by_name(WORK, working.now(studio, ANN, begun["performance"], begun["seen"]))


def test_a_text_is_spoken_and_one_part_tried_again(studio: Studio, personality: Personality) -> None:
    with pytest.raises(BadInput, match="furious"):
        speak(studio, ANN, personality.id, "[furious] Hello.")
    shown = spoken_by(studio, personality.id, TEXT)
    assert shown["parts"].count("<tr data-part=") == 3
    assert shown["parts"].count('data-cached="0"') == 3
    assert "3 parts, 3 spoken anew" in shown["status"]
    assert not shown["timer"].active
    id_ = shown["performance"]
    changed = spoken_by(studio, personality.id, TEXT.replace("Goodbye", "Farewell"))
    assert re.findall(r'data-cached="(\d)"', changed["parts"]) == ["1", "1", "0"]
    wiring.on_act(studio, ANN, "again 1 1", "", personality.id, "", id_, "")
    for task in studio.tasks.of("ann", "perform"):
        studio.tasks.wait(task.id)
    part = studio.performances.get(id_, "ann").parts[1]
    assert len(part.takes) == 2
    first = part.takes[0].seed
    acted = wiring.on_act(studio, ANN, f"choose 1 {first} 2", "", personality.id, "", id_, "")
    assert studio.performances.get(id_, "ann").parts[1].seed == first
    assert "<tr data-part=" in "".join(each for each in acted if isinstance(each, str))
    link = performing.on_pack(studio, ANN, id_)
    path = re.search(r"file=([^\"]+)", link)[1]  # type: ignore[index]
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 5
        times = json.loads(archive.read("timings.json"))
    assert [each["tag"] for each in times["parts"]] == ["happy", "neutral", "happy"]
    assert times["parts"][1]["seed"] == first


def test_the_history_brings_the_settings_back(studio: Studio, personality: Personality) -> None:
    id_ = spoken_by(studio, personality.id, TEXT)["performance"]
    names = {"clone": ["text"], "preset": ["text", "engine"]}
    import gradio as gr

    with gr.Blocks():
        count = len(reusing.filled(layout.lay_out(studio)))
    found = page.on_reuse(studio, names, count, ANN, id_)
    assert found[0] == layout.ID
    assert len(found) == 1 + 3 + count
    assert found[4] == personality.id
    assert TEXT in found
    assert id_ in found
    studio.personalities.delete(personality.id, "ann")
    with pytest.raises(NotFound, match="personality"):
        page.on_reuse(studio, names, count, ANN, id_)


@pytest.mark.parametrize("acted", ["", "x", "again 1", "again x 1", "choose 1 -2 1", "choose 1 1"])
def test_an_act_that_the_page_does_not_have_is_refused(studio: Studio, acted: str) -> None:
    with pytest.raises(BadInput):
        wiring.on_act(studio, ANN, acted, "", "", "", "", "")


def test_a_text_can_be_stopped(studio: Studio, personality: Personality) -> None:
    begun = by_name(WORK, speak(studio, ANN, personality.id, "[happy] A long story. " * 30))
    assert begun["stop"].interactive
    performing.on_stop(studio, ANN)
    task = studio.tasks.of("ann", "perform")[0]
    with pytest.raises(Cancelled):
        studio.tasks.wait(task.id)
    shown = by_name(WORK, working.now(studio, ANN, begun["performance"], begun["seen"]))
    assert "Stopped" in shown["status"]
    assert shown["speak"].interactive
