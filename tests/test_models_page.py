"""The Models tab and the notice of a missing model, from the handlers' side."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engines.base import Capability
from studio.errors import BadInput, NotFound
from studio.jobs import Job, JobStatus
from studio.models.folders import ModelFolders
from studio.models.registry import MODELS
from studio.models.validation import ModelReport, ModelState, Problem
from studio.services.models import DOWNLOAD, ModelService, ModelStatus
from studio.services.studio import Studio
from studio.services.takes import TakeRecord, TakeState
from tabs import history, model_events, model_view
from tabs.speech import missing

BASE, PRACTICE = "qwen-1.7b-base", "qwen-practice-base"
ACTIONS = ("download", "cancel", "load", "unload", "validate", "folder", "delete")


def shown(studio: Studio, key: str) -> tuple[str, str, str, dict[str, bool]]:
    """Summary, table, details, and which buttons can be pressed."""
    summary, table, details, _, _, *rest = model_events.on_show(studio, None, key)
    able = {name: bool(button.interactive) for name, button in zip(ACTIONS, rest, strict=False)}
    return summary, table, details, able


def job(**fields: Any) -> Job:
    plain = dict.fromkeys(Job.__dataclass_fields__, "") | {
        "params": {}, "status": JobStatus.RUNNING, "attempt": 1, "cancel": False, "step": 0,
        "total": 0, "base_step": 0, "base_time": None, "result": None, "created": 0.0,
        "started": None, "finished": None, "heartbeat": None, "pid": None, "pid_created": None,
        "kind": DOWNLOAD, "title": "Download it",
    }  # fmt: skip
    return Job(**(plain | fields))


def test_a_bare_machine_offers_downloads(studio: Studio) -> None:
    summary, table, details, able = shown(studio, BASE)
    assert "No model is in memory" in summary
    assert all(entry.label in table for entry in MODELS.values())
    assert "4.5 GB to download" in table
    assert "It will go to" in details
    assert [name for name, usable in able.items() if usable] == ["download", "validate", "folder"]


def test_a_whole_model_can_be_loaded_and_deleted(studio: Studio, practice_models: Path) -> None:
    shutil.copytree(practice_models / "practice-base", studio.model_folders.target(PRACTICE))
    _, table, details, able = shown(studio, PRACTICE)
    assert 'aria-current="true"' in table
    assert "State: ready." in details
    assert [name for name, usable in able.items() if usable] == ["load", "validate", "folder", "delete"]
    model_events.on_delete(studio, None, PRACTICE)
    assert "State: not here." in shown(studio, PRACTICE)[2]
    with pytest.raises(NotFound):
        model_events.on_load(studio, None, PRACTICE, "auto")


def test_what_is_wrong_with_a_model_is_said_file_by_file(studio: Studio) -> None:
    folder = studio.model_folders.target(BASE)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    _, table, details, able = shown(studio, BASE)
    assert "damaged" in table
    assert "config.json is not right" in details
    assert "tokenizer_config.json is missing" in details
    assert able["delete"]
    assert able["download"]


def test_visitors_of_a_space_look_but_do_not_touch(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/timbre")
    summary, _, _, able = shown(studio, BASE)
    assert "Visitors can look" in summary
    assert [name for name, usable in able.items() if usable] == ["validate", "folder"]
    for action in (
        lambda: model_events.on_download(studio, None, BASE, "auto", True),
        lambda: model_events.on_delete(studio, None, BASE),
        lambda: model_events.on_practice(studio, None),
        lambda: model_events.on_load(studio, None, BASE, "auto"),
        lambda: missing.on_download(studio, None, BASE),
        lambda: missing.on_practice(studio, None, BASE),
    ):
        with pytest.raises(BadInput, match="Visitors"):
            action()
    assert studio.jobs.store.list() == []


def test_a_licence_is_accepted_before_the_download(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    table = {BASE: replace(MODELS[BASE], consent="For research only.")}
    settings = studio.settings
    folders = ModelFolders(settings.models_dir, settings.qwen_dir, table)
    studio.models = ModelService(settings, folders, studio.engines, studio.jobs, studio.database)
    assert model_events.on_consent(studio, False, BASE)[0].visible
    with pytest.raises(BadInput, match="accepted first"):
        model_events.on_download(studio, None, BASE, "auto", False)
    with pytest.raises(BadInput, match="HF_HUB_OFFLINE"):
        model_events.on_download(studio, None, BASE, "auto", True)
    assert not model_events.on_consent(studio, True, BASE)[0].visible


def test_the_notice_is_there_only_while_a_model_is_missing(
    studio: Studio, practice_models: Path
) -> None:
    _, _, block, is_shown, text, which, download, *_ = missing.on_models(
        studio, Capability.CLONE, None, False, "qwen", "", None
    )
    assert block.visible
    assert is_shown is True
    assert "needs a model" in text
    assert which.value == BASE
    assert download.value == "Download Qwen3-TTS 1.7B Base (4.5 GB)"
    # Nothing is said to a block that was never shown: Gradio would hide it when it is.
    quiet = missing.on_models(studio, Capability.CLONE, None, False, "espeak", "", None)
    assert quiet[2] == {"__type__": "update"}
    shutil.copytree(practice_models / "practice-base", studio.model_folders.target(PRACTICE))
    model, note, block, is_shown, *_ = missing.on_models(
        studio, Capability.CLONE, None, True, "qwen", "", None
    )
    assert "Practice model, base" in model.choices[0][0]
    assert "noise" in note
    assert not block.visible
    assert is_shown is False


def test_a_download_tells_amount_speed_and_time_left() -> None:
    now = time.time()
    running = job(
        stage="downloading, 12 MB/s", step=2_000_000_000, total=4_000_000_000, base_time=now - 60
    )
    told = model_view.progress(running, now)
    assert "downloading, 12 MB/s" in told
    assert "2.0 GB of 4.0 GB" in told
    assert "1:00 left" in told
    status = ModelStatus(MODELS[BASE], ModelReport(BASE, ModelState.ABSENT, None), False, running, False)
    assert model_view.state(status) == "downloading, 50%"


def test_what_comes_from_outside_is_escaped() -> None:
    attack = "<script>alert(1)</script>"
    problem = Problem(attack, f"{attack} is missing.")
    report = ModelReport(BASE, ModelState.PARTIAL, Path(attack), (problem,), 1)
    failed = job(status=JobStatus.FAILED, message=attack, hint=attack, stage=attack, title=attack)
    status = ModelStatus(MODELS[BASE], report, False, failed, False)
    shown = (
        model_view.details(status, attack, attack, 0.0),
        model_view.table([status], BASE),
        model_view.missing([status], attack, "clone"),
        model_view.progress(failed, 0.0),
    )
    assert not any("<script" in html for html in shown)
    assert "The end of its log" in shown[0]
    assert "the last try failed" in shown[1]


def test_rejected_parts_are_listed_when_asked_for(studio: Studio) -> None:
    def take(number: int, status: TakeState, note: str = "") -> None:
        studio.history.add(
            TakeRecord(
                f"{number}",
                time.time(),
                "",
                "preset",
                "qwen",
                "Ryan",
                "en",
                f"Text {number}.",
                {},
                7,
                2.0,
                0.5,
                24_000,
                f"{number}.wav",
                status.value,
                note,
            )
        )

    take(1, TakeState.DONE)
    take(2, TakeState.REJECTED, "Rejected: it is clipped.")

    def labels(rejected: bool) -> list[str]:
        radio = history.on_list(studio, None, None, "", False, rejected, 0)[0]
        return [label for label, _ in radio.choices]

    assert len(labels(False)) == 1
    assert "Text 1." in labels(False)[0]
    assert labels(True)[0].startswith("Rejected: it is clipped. ")
