"""What the studio does with models besides downloading: saying, keeping, removing, by service and command."""

from __future__ import annotations

import functools
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.control import Control
from studio.errors import BadInput, NotFound
from studio.jobs import JobContext, JobStatus
from studio.models.folders import ModelFolders
from studio.models.publishing import partial_of
from studio.models.registry import MODELS, ModelEntry, entry_of
from studio.models.validation import ModelState
from studio.services import practice
from studio.services.models import ModelService
from studio.services.studio import Studio
from studio.settings import CHECKOUT
from tests.downloading import serving
from tests.engines_for_tests import ToneEngine
from tests.hub import Hub
from tests.model_folders import BASE, make_model
from tests.running import Ended, begin, environment, until

ENTRY = entry_of(BASE)
PRACTICE = [key for key, entry in MODELS.items() if entry.practice and entry.engine == "qwen"]


class HoldingEngine(ToneEngine):
    """Says that it holds a model, as the neural engines do."""

    id = "qwen"

    @property
    def loaded_model(self) -> str:
        return BASE if self.loaded else ""


@pytest.fixture
def folder(studio: Studio) -> Path:
    return studio.model_folders.target(BASE)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving(monkeypatch, tmp_path) as hub:
        yield hub


def service(studio: Studio, table: Mapping[str, ModelEntry]) -> ModelService:
    folders = ModelFolders(studio.settings.models_dir, studio.settings.qwen_dir, table)
    return ModelService(studio.settings, folders, studio.engines, studio.jobs, studio.database)


def test_every_model_of_the_table_is_listed_as_it_is(studio: Studio, folder: Path) -> None:
    assert [status.entry.key for status in studio.models.list()] == list(MODELS)
    assert {status.report.state for status in studio.models.list()} == {ModelState.ABSENT}
    make_model(folder)
    found = studio.models.status(BASE)
    assert (found.report.state, found.report.folder) == (ModelState.VALID, folder)
    assert not any((found.loaded, found.busy, found.consent_needed))
    assert studio.models.path(BASE) == folder
    assert studio.models.disk_use().used == found.report.size_bytes
    assert studio.models.disk_use().free > 0


def test_a_change_on_the_disk_is_seen_and_nothing_is_read_twice(studio: Studio, folder: Path) -> None:
    make_model(folder)
    first = studio.models.status(BASE).report
    assert studio.models.status(BASE).report is first
    assert studio.models.validate(BASE) is not first
    (folder / "model.safetensors").write_bytes(b"x")
    assert studio.models.status(BASE).report.state is ModelState.INVALID
    with pytest.raises(NotFound, match=r"model\.safetensors") as caught:
        studio.models.path(BASE)
    assert f"models download {BASE}" in caught.value.hint


def test_listing_all_models_is_cheap(studio: Studio) -> None:
    for key in MODELS:
        make_model(studio.model_folders.target(key))
    studio.models.list()
    began = time.monotonic()
    for _ in range(10):
        studio.models.list()
    assert time.monotonic() - began < 1


def test_a_wrong_key_names_near_ones_everywhere(studio: Studio) -> None:
    models = studio.models
    for ask in (models.status, models.download, models.cancel, models.validate, models.path, models.delete,
                models.accept, models.accepted, models.by_hand, models.unload):  # fmt: skip
        with pytest.raises(NotFound, match=r"Did you mean .*qwen-0\.6b-base"):
            ask("qwen-0.6b-bse")
    with pytest.raises(NotFound, match="qwen"):
        models.practice("qwem")


def test_a_loaded_model_is_not_deleted_before_it_is_unloaded(studio: Studio, folder: Path) -> None:
    make_model(folder)
    table = {"qwen": f"{__name__}:HoldingEngine"}
    manager = EngineManager(Registry(EngineFolders(folder, studio.model_folders), table), idle_s=0)
    models = ModelService(studio.settings, studio.model_folders, manager, studio.jobs, studio.database)
    with manager.lease("qwen", Control(), BASE):
        assert models.status(BASE).loaded
    with pytest.raises(BadInput, match="loaded"):
        models.delete(BASE)
    models.unload(BASE)
    assert models.delete(BASE) > 0
    manager.close()


def test_delete_frees_what_is_there_and_what_downloads_left(studio: Studio, folder: Path) -> None:
    with pytest.raises(NotFound):
        studio.models.delete(BASE)
    make_model(folder)
    make_model(partial_of(folder))
    size = studio.models.status(BASE).report.size_bytes
    assert studio.models.delete(BASE) == 2 * size
    assert list(folder.parent.iterdir()) == []
    assert studio.models.status(BASE).report.state is ModelState.ABSENT


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_delete_never_follows_a_link_out(studio: Studio, folder: Path, tmp_path: Path) -> None:
    outside = make_model(tmp_path / "outside")
    before = sorted(outside.rglob("*"))
    folder.parent.mkdir(parents=True)
    folder.symlink_to(outside)
    assert studio.models.status(BASE).report.valid
    assert studio.models.delete(BASE) == 0
    assert not folder.is_symlink()
    make_model(folder)
    (folder / "way out").symlink_to(outside)
    studio.models.delete(BASE)
    assert sorted(outside.rglob("*")) == before


def test_a_licence_is_accepted_once_and_again_when_its_text_changes(studio: Studio, hub: Hub) -> None:
    entry = replace(ENTRY, consent="Not for sale.", license_url="https://example.org/licence")
    models = service(studio, {BASE: entry})
    assert models.status(BASE).consent_needed
    with pytest.raises(BadInput, match="Not for sale") as caught:
        models.download(BASE)
    assert "--accept-license" in caught.value.hint
    assert studio.jobs.store.list() == []

    before = time.time()
    models.accept(BASE)
    accepted = models.accepted(BASE)
    assert accepted is not None
    assert before <= accepted <= time.time()
    assert not models.status(BASE).consent_needed
    assert studio.jobs.wait(models.download(BASE).id, 60).status is JobStatus.DONE

    other = service(studio, {BASE: replace(entry, consent="Not for sale, nor for rent.")})
    assert other.accepted(BASE) is None
    with pytest.raises(BadInput, match="needs no consent"):
        studio.models.accept(BASE)


def test_a_download_by_hand_is_as_good(
    studio: Studio, hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very command that we show, run with the very client that we install."""
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")  # which our hub only offers
    command, modelscope = studio.models.by_hand(BASE)
    program = Path(sys.executable).with_name("hf")
    words = shlex.split(command)
    assert words[0] == program.name
    subprocess.run([program, *words[1:]], check=True, capture_output=True, timeout=60)
    assert studio.models.status(BASE).report.valid
    assert shlex.split(modelscope)[-1] == str(folder)
    with pytest.raises(BadInput, match="made on this machine"):
        studio.models.by_hand(PRACTICE[0])


def make_all(folder: Path, control: Control) -> None:
    for key in PRACTICE:
        control.check()
        make_model(folder / entry_of(key).folder, key)


def make_some(folder: Path, control: Control) -> None:
    make_model(folder / entry_of(PRACTICE[0]).folder, PRACTICE[0])


def test_practice_models_appear_whole_or_not_at_all(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.jobs.store.create("studio.services.practice:run", {"family": "qwen"}, title="")
    context = JobContext(job, studio.settings, tmp_path)
    monkeypatch.setattr(practice, "_MAKERS", {"qwen": f"{__name__}:make_all"})
    assert practice.run(job.params, context)["keys"] == PRACTICE
    assert all(studio.models.status(key).report.valid for key in PRACTICE)
    assert {path.name for path in studio.settings.qwen_dir.iterdir()} == {
        entry_of(key).folder for key in PRACTICE
    }
    monkeypatch.setattr(practice, "_MAKERS", {"qwen": f"{__name__}:make_some"})
    before = set(studio.settings.qwen_dir.iterdir())
    with pytest.raises(Exception, match="is not right"):
        practice.run(job.params, context)
    assert set(studio.settings.qwen_dir.iterdir()) == before
    assert all(studio.models.validate(key).valid for key in PRACTICE)


@pytest.fixture
def models(command: Callable[..., Ended]) -> Callable[..., Ended]:
    """`app.py models ...` with a home of its own, and models beside it."""
    return functools.partial(command, "models")


def test_models_by_command(
    models: Callable[..., Ended], hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRE_MODELS_DIR", str(tmp_path / "models"))
    target = tmp_path / "models" / "Qwen" / ENTRY.folder
    table = models("list").out.splitlines()
    assert table[0].split() == ["model", "state", "size", "licence", "serves"]
    assert [line.split()[0] for line in table[1:]] == list(MODELS)
    assert models("validate", BASE).code == 4
    assert models("path", BASE).code == 3

    fetched = models("download", BASE)
    assert (fetched.code, fetched.out.strip()) == (0, str(target))
    assert "Hugging Face" in fetched.err  # it is looked at now and then, and a stage can pass unseen
    again = json.loads(models("download", BASE, "--json").out)
    assert again == {"ok": True, "key": BASE, "folder": str(target), "already": True}
    assert models("path", BASE).out.strip() == str(target)
    assert models("validate").code == 0
    rows = {row["key"]: row for row in json.loads(models("list", "--json").out)["models"]}
    assert (rows[BASE]["state"], rows[BASE]["folder"]) == ("valid", str(target))

    (target / "vocab.json").unlink()
    checked = models("validate", BASE, "--json")
    assert checked.code == 4
    assert json.loads(checked.out)["models"][0]["problems"][0]["file"] == "vocab.json"
    unsure = models("delete", BASE)
    assert (unsure.code, "--yes" in unsure.err, target.exists()) == (3, True, True)
    assert models("delete", BASE, "--yes").code == 0
    assert not target.exists()
    hub.faults.status = 404
    failed = models("download", BASE, "--json", "--provider", "huggingface")
    answer = json.loads(failed.out)
    assert (failed.code, answer["ok"], answer["error"]) == (4, False, "download_failed")
    assert "hf download" in answer["hint"]


def test_ctrl_c_stops_the_download_in_good_order(hub: Hub, tmp_path: Path) -> None:
    hub.faults.pause_s = 0.05
    models = {"TIMBRE_MODELS_DIR": str(tmp_path / "models"), "HF_HUB_OFFLINE": "0"}
    process = begin(tmp_path / "home", "models", "download", BASE, **models)
    until(lambda: hub.served["model.safetensors"] > 400_000)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"goes on from it" in err
    assert b"Traceback" not in err
    assert list((tmp_path / "models").rglob("*.incomplete")), "what was fetched is kept"


def test_the_help_names_what_can_be_done() -> None:
    said = subprocess.run(
        [sys.executable, str(CHECKOUT / "app.py"), "models", "--help"],
        capture_output=True, text=True, check=True, env=environment(),
    ).stdout  # fmt: skip
    for action in ("list", "download", "validate", "path", "delete", "practice"):
        assert action in said
