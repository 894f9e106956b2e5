"""The Checkpoints tab from the handlers' side: what it makes, imports, keeps, deletes and hands on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from engines.base import Capability
from studio.errors import BadInput, ModelMissing, NotFound
from studio.jobs import JobStatus
from studio.models.trained import ADAPTER_CONFIG
from studio.runs.values import Family, Method
from studio.services.run_jobs import EXPORT, IMPORT, MERGE
from studio.services.run_values import Run
from studio.services.studio import Studio
from studio.settings import Settings, load_settings
from tabs.checkpoints import choosing, keeping, making, using, working
from tabs.speech import by_engine, missing
from tests.asking import ANN, ATTACK, BOB
from tests.checkpoints_tab import FRESH, able, ended, html, made, page
from tests.trained_checkpoints import settings_of


@pytest.fixture
def settings(tmp_path: Path, xtts_models: Path) -> Settings:
    return load_settings(home=tmp_path / "home", models_dir=xtts_models, device="cpu")


@pytest.fixture
def run(studio: Studio) -> Run:
    """Ann's, of three epochs, the second of which is the best."""
    return made(studio, ATTACK)


class TestMaking:
    def test_only_adapters_are_merged(self, studio: Studio, run: Run) -> None:
        full = made(studio, "whole", settings_of(Family.XTTS, Method.FULL))
        assert able(page(studio, run))["merge"]
        assert not able(page(studio, full))["merge"]
        with pytest.raises(BadInput, match="full checkpoint already"):
            making.on_merge(studio, ANN, "again", full.id, 2, *FRESH)
        with pytest.raises(BadInput, match="already"):
            making.on_merge(studio, ANN, ATTACK, run.id, 2, *FRESH)

    def test_what_runs_is_found_again_and_stopped(self, studio: Studio, run: Run) -> None:
        busy = making.on_zip(studio, ANN, run.id, 2, *FRESH)
        (job,) = studio.runs.made("ann")
        assert Path(job.params["target"]).name.endswith("-2.zip")
        assert able(busy)["stop"]
        assert not able(busy)["zip"]
        assert busy[4].active
        assert "<progress" in html(page(studio, None))  # of a page that was loaded anew
        assert "<progress" not in html(page(studio, None, asker=BOB))
        making.on_stop(studio, BOB, "", None, *FRESH)
        assert not studio.jobs.store.get(job.id).cancel
        making.on_stop(studio, ANN, run.id, 2, *FRESH)
        assert studio.jobs.wait(job.id, 30).status is JobStatus.CANCELLED
        assert "stopped. Nothing of it is left" in html(page(studio, run))

    def test_what_became_of_a_job_is_told_in_its_words(self, studio: Studio, run: Run) -> None:
        ended(studio, MERGE, JobStatus.FAILED)
        told = html(page(studio, run))
        assert "Mend it." in told
        assert ATTACK not in told
        ended(studio, MERGE, JobStatus.DONE, {"run": run.id})
        told = html(page(studio, run))
        assert "Mend it." not in told
        assert f'data-into="checkpoints-picked" data-value="{run.id}">Show it' in told
        assert studio.runs.made("bob") == []

    def test_a_zip_is_there_until_the_next_one(self, studio: Studio, run: Run) -> None:
        zip = working.new_zip(studio, "ann", "my voice 2")
        zip.parent.mkdir(parents=True)
        zip.write_bytes(bytes(1000))
        ended(studio, EXPORT, JobStatus.DONE, {"target": str(zip)}, target=str(zip))
        assert f'download="{zip.name}"' in html(page(studio, run))
        kept = working.new_zip(studio, "bob", "his")
        kept.parent.mkdir()
        working.new_zip(studio, "ann", "my voice 3")
        assert not zip.parent.exists()
        assert kept.parent.exists()
        os.utime(kept.parent, (0, 0))  # of long ago
        choosing.on_show(studio, ANN, "", "", None, "", None, *FRESH)
        assert not kept.parent.exists()

    def test_a_folder_is_named_as_a_whole_path(self, studio: Studio, run: Run) -> None:
        for target, words in (("", "No folder is named"), ("mine", "no whole path")):
            with pytest.raises(BadInput, match=words):
                making.on_export(studio, ANN, target, run.id, 2, *FRESH)

    def test_a_shared_studio_has_no_business_with_its_machine(
        self, tmp_path: Path, xtts_models: Path
    ) -> None:
        given = load_settings(home=tmp_path / "shared", models_dir=xtts_models, auth="ann:secret")
        with Studio(given) as shared:
            run = made(shared, "mine")
            with pytest.raises(BadInput, match="several people"):
                making.on_export(shared, ANN, str(tmp_path / "out"), run.id, 2, *FRESH)
            with pytest.raises(BadInput, match="several people"):
                making.on_import(shared, ANN, None, "/etc/passwd", "", "", "", None, *FRESH)


class TestImporting:
    def test_what_was_uploaded_waits_in_a_folder_of_its_own(
        self, studio: Studio, tmp_path: Path
    ) -> None:
        files = []
        for name in ("theirs.safetensors", ADAPTER_CONFIG):
            place = tmp_path / name[:3]  # as Gradio keeps uploads: each by itself
            place.mkdir()
            (place / name).write_bytes(b"no checkpoint")
            files.append(str(place / name))
        shown = making.on_import(studio, ANN, files, "", "", "", "", None, *FRESH)
        assert shown[:3] == [None, "", ""]
        (job,) = studio.runs.made("ann")
        assert (job.kind, job.params["name"]) == (IMPORT, "theirs")
        path = Path(job.params["path"])
        assert path.is_relative_to(studio.workspace.uploads)
        assert studio.jobs.wait(job.id, 60).status is JobStatus.FAILED
        assert not path.parent.exists()
        assert "theirs.safetensors" in html(page(studio, None))

    @pytest.mark.parametrize(
        ("names", "words"),
        [
            (["a.pt", "b.pth"], "several checkpoints: a.pt, b.pth"),
            ([ADAPTER_CONFIG], "no checkpoint among them"),
            (["a.pt", "notes.txt"], "“notes.txt” is not part"),
        ],
    )
    def test_one_checkpoint_is_taken_at_a_time(
        self, studio: Studio, tmp_path: Path, names: list[str], words: str
    ) -> None:
        for name in names:
            (tmp_path / name).write_bytes(b"x")
        given = [str(tmp_path / name) for name in names]
        with pytest.raises(BadInput, match=words):
            making.on_import(studio, ANN, given, "", "", "", "", None, *FRESH)
        assert studio.runs.made("ann") == []
        assert not list(studio.workspace.uploads.glob("*/*"))

    def test_either_a_file_or_a_path(self, studio: Studio, tmp_path: Path) -> None:
        (tmp_path / "a.pt").write_bytes(b"x")
        for files, path in ((None, " "), ([str(tmp_path / "a.pt")], "/a.pt")):
            with pytest.raises(BadInput, match="There is"):
                making.on_import(studio, ANN, files, path, "", "", "", None, *FRESH)


class TestKeeping:
    def test_a_run_is_renamed_and_noted(self, studio: Studio, run: Run) -> None:
        saved = keeping.on_save(studio, ANN, "The calm one", "read\nat home", run.id, 2, *FRESH)
        assert saved[-3:] == ["The calm one, epoch 2, merged", "The calm one", "read\nat home"]
        assert "The calm one" in html(saved)
        other = made(studio, "other")
        with pytest.raises(BadInput, match="already"):
            keeping.on_save(studio, ANN, "the CALM one", "lost?", other.id, 2, *FRESH)
        assert studio.runs.get(other.id, "ann").note == ATTACK

    def test_deleting_asks_and_says_what_it_frees(self, studio: Studio, run: Run) -> None:
        column, question, asked = keeping.on_ask_epoch(studio, ANN, None, run.id, 2)
        assert column.visible
        assert "Delete epoch 2" in question
        assert "frees 1 kB" in question
        assert ATTACK not in question
        for same, epoch in ((asked, 2), (None, 3)):  # nothing is written over what was pressed meanwhile
            assert keeping.on_other(same, run.id, epoch) == [gr.skip()] * 3
        assert keeping.on_other(asked, run.id, 3)[2] is None
        deleted = keeping.on_delete(studio, ANN, asked, run.id, 2, *FRESH)
        assert deleted[2] is None
        assert deleted[3:5] == [run.id, 3]
        assert studio.runs.get(run.id, "ann").epochs_saved == (1, 3)

    def test_a_run_goes_with_all_it_has(self, studio: Studio, run: Run) -> None:
        _, question, asked = keeping.on_ask_run(studio, ANN, None, run.id, 2)
        assert "3 checkpoints" in question
        deleted = keeping.on_delete(studio, ANN, asked, run.id, 2, *FRESH)
        assert deleted[3:5] == ["", None]
        assert studio.runs.list("ann") == ()

    def test_what_is_asked_about_goes_even_if_another_is_chosen_meanwhile(
        self, studio: Studio, run: Run
    ) -> None:
        other = made(studio, "other")
        keeping.on_delete(studio, ANN, run.id, other.id, 1, *FRESH)
        assert [each.id for each in studio.runs.list("ann")] == [other.id]


class TestUsing:
    NAMES = ("text", "engine", "model", "speaker", "seed")

    def use(self, studio: Studio, mode: Capability, run: Run, epoch: int) -> dict[str, Any]:
        filled = using.on_use(studio, mode, self.NAMES, ANN, run.id, epoch)
        return dict(zip(self.NAMES, filled, strict=True))

    def test_the_form_has_model_and_voice_at_once(self, studio: Studio, run: Run) -> None:
        key = f"trained-{run.id}-3"
        preset = self.use(studio, Capability.PRESET, run, 3)
        assert preset["engine"] == "xtts"
        assert (preset["model"].value, preset["speaker"].value) == (key, key)
        assert key in [value for _, value in preset["model"].choices]
        assert preset["text"] == gr.skip()
        clone = self.use(studio, Capability.CLONE, run, 3)
        assert (clone["model"].value, clone["speaker"]) == (key, gr.skip())

    def test_what_cannot_speak_is_said(self, studio: Studio, run: Run, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            using.on_use(studio, Capability.PRESET, self.NAMES, BOB, run.id, 3)
        with Studio(load_settings(home=studio.settings.home, models_dir=tmp_path)) as bare:
            with pytest.raises(ModelMissing, match="base model is not whole"):
                self.use(bare, Capability.PRESET, run, 3)
            # Nor does the tab itself stumble over a voice without its base.
            notice = missing.on_models(bare, Capability.PRESET, ANN, False, "xtts", "", None)
            assert "needs a model" in notice[4]

    def test_voices_come_and_go_while_the_page_is_open(self, studio: Studio, run: Run) -> None:
        key = f"trained-{run.id}-3"
        chosen = by_engine.on_shown(studio, ANN, "xtts", "auto", key)
        assert chosen.value == key
        studio.runs.delete_checkpoint(run.id, "ann", 3)
        chosen = by_engine.on_shown(studio, ANN, "xtts", "auto", key)
        assert chosen.value != key
        assert key not in [value for _, value in chosen.choices]


def test_nothing_is_told_of_jobs_that_ended_long_ago(
    studio: Studio, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(studio, MERGE, JobStatus.DONE, {"run": run.id})
    jobs = studio.runs.made("ann")
    assert working.to_show(studio, jobs, (MERGE,))
    later = time.time() + 2 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert working.to_show(studio, jobs, (MERGE,)) == []
