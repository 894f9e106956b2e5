"""`app.py train` and `app.py checkpoints`, as people and scripts run them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from studio.dataset.values import Limits, PrepareSettings
from studio.services.studio import Studio
from studio.settings import load_settings
from tests import training_sets
from tests.running import Ended, until

_SMALL = ("--dataset", "Ada", "--family", "xtts", "--preset", "quick")


@pytest.fixture
def ada(home: Path, xtts_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the practice model and a set of four clips."""
    monkeypatch.setenv("TIMBRE_MODELS_DIR", str(xtts_models))
    monkeypatch.setenv("TIMBRE_DEVICE", "cpu")
    for name in ("NUM_EPOCHS", "MAX_TRAIN_SAMPLES"):
        monkeypatch.delenv(name, raising=False)
    with Studio(load_settings(home=home)) as studio:
        made = studio.datasets.create("Ada", "", PrepareSettings())
        talk = training_sets.source(1, "talk.wav", speaker="Ada")
        segments = [training_sets.segment(talk, number, 1.2) for number in range(4)]
        folder = training_sets.build(studio.workspace.datasets / made.id, segments, [talk])
        for each in segments:
            noise = np.random.default_rng(zlib.crc32(each.id.encode())).normal(0, 0.1, 26_460)
            soundfile.write(folder.dropped / f"{each.id}.wav", noise, 22_050, "PCM_16")
        studio.datasets.apply(made.id, "", Limits())
    return home


def test_a_run_whose_process_was_killed_is_resumed_shown_and_deleted(
    ada: Path, command: Callable[..., Ended]
) -> None:
    small = (*_SMALL, "--name", "Zoë", "--epochs", "1", "--sample-every", "0")
    id = command("train", *small, "--detach", "--json").json["run"]["id"]
    with Studio(load_settings(home=ada)) as studio:
        until(lambda: pid_of(studio, id))  # its process is there
        process = psutil.Process(pid_of(studio, id))
        process.kill()
        process.wait(10)
    (listed,) = command("checkpoints", "list", "--json").json["runs"]
    assert listed["state"] == "interrupted"
    trained = command("train", "--resume", "Zoë", "--json")
    assert trained.code == 0, trained.out + trained.err
    run = trained.json["run"]
    told = (run["name"], run["state"], run["epochs_saved"], run["practice"])
    assert told == ("Zoë", "done", [1], True)
    assert "Zoë" in command("checkpoints", "list").out
    shown = command("checkpoints", "show", "zoë", "--json").json["run"]
    assert shown["checkpoints"][0]["epoch"] == 1
    refused = command("checkpoints", "delete", "Zoë:1")
    assert refused.code == 3
    assert "Zoë, epoch 1" in refused.err
    again = command("train", "--resume", "Zoë", "--json")
    assert again.code == 3
    assert "has ended" in again.json["detail"]
    for option in (("--epochs", "5"), ("--seed", "0"), ("--no-stop-when-worse",), ("--method", "full")):
        refused = command("train", "--resume", "Zoë", *option, "--json")
        assert f"{option[0].replace('no-', '')} is for a new run" in refused.json["detail"]
    deleted = command("checkpoints", "delete", "Zoë", "--yes", "--json").json
    assert deleted["freed"] > 1_000
    assert command("checkpoints", "list", "--json").json["runs"] == []


def pid_of(studio: Studio, run: str) -> int:
    """Of the process that trains it; 0 until that has said so."""
    job = studio.runs.job(run, "")
    return (job.pid if job else None) or 0


@pytest.mark.usefixtures("ada")
def test_the_environment_stands_for_options_that_are_not_given(
    command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUM_EPOCHS", "7")
    monkeypatch.setenv("MAX_TRAIN_SAMPLES", "")
    told = command("train", *_SMALL, "--estimate", "--json").json
    assert (told["settings"]["epochs"], told["estimate"]["clips"]) == (7, 4)
    monkeypatch.setenv("MAX_TRAIN_SAMPLES", "3")
    told = command("train", *_SMALL, "--epochs", "2", "--estimate", "--json").json
    assert (told["settings"]["epochs"], told["estimate"]["clips"]) == (2, 3)
    monkeypatch.setenv("NUM_EPOCHS", "many")
    assert "NUM_EPOCHS" in command("train", *_SMALL).err


@pytest.mark.usefixtures("ada")
def test_launch_makes_the_run_and_prints_its_command(command: Callable[..., Ended]) -> None:
    made = command("train", *_SMALL, "--name", "big", "--launch", "--quiet")
    assert made.out.startswith("accelerate launch -m training.main --run big-")
    assert "new" in command("checkpoints", "list").out
    taken = command("train", *_SMALL, "--name", "BIG", "--quiet")
    assert taken.code == 3
    assert "already" in taken.err


def test_what_cannot_be_trained_is_refused_in_words(command: Callable[..., Ended]) -> None:
    assert "There is no data set" in command("train", "--dataset", "gone", "--family", "xtts").err
    assert "--dataset and --family" in command("train").err
    assert command("checkpoints", "show", "gone", "--json").json["error"] == "not_found"
    assert "There is no run" in command("speak", "--text", "Hi.", "--checkpoint", "gone:1").err
