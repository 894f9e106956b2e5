"""The Checkpoints tab from the handlers' side: what it shows, compares, makes, keeps and refuses; and that
what somebody else has trained is not known of."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from safetensors.numpy import save_file

from engines.base import Capability
from studio.errors import BadInput, ModelMissing, NotFound
from studio.jobs import JobStatus
from studio.library_config import Head
from studio.models.checkpoints import ENDINGS
from studio.models.trained import ADAPTER, ADAPTER_CONFIG, VOICES, WEIGHTS
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import (
    Checkpoint,
    Family,
    Method,
    RunSettings,
    SampleReport,
    StepRow,
)
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.run_jobs import EXPORT, IMPORT, MERGE
from studio.services.run_values import Run
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.settings import Settings, load_settings
from tabs.checkpoints import choosing, keeping, making, showing, using, view, working
from tabs.checkpoints.tab import BUTTONS
from tabs.speech import by_engine, choices, missing
from tests.audio_files import tone, wav
from tests.trained_checkpoints import BASES, settings_of

ATTACK = "<img src=x onerror=alert(1)>"
#: What a fresh page keeps: nothing compared or read.
FRESH = ("", ())
SKIP = str(gr.skip())


@dataclass
class Asker:
    """Who is signed in, as gr.Request tells it."""

    username: str = "ann"


ANN: Any = Asker()
BOB: Any = Asker("bob")


@pytest.fixture
def settings(tmp_path: Path, xtts_models: Path) -> Settings:
    return load_settings(home=tmp_path / "home", models_dir=xtts_models, device="cpu")


@pytest.fixture
def run(studio: Studio) -> Run:
    """Ann's, of three epochs, the second of which is the best."""
    return made(studio, ATTACK)


def made(
    studio: Studio,
    name: str,
    settings: RunSettings | None = None,
    epochs: Sequence[int] = (1, 2, 3),
    best: int | None = 2,
    created: float = 1.0,
    **more: Any,
) -> Run:
    """A run of Ann's as training leaves it, with weights that mean nothing."""
    settings = settings or settings_of(Family.XTTS)
    id = f"run-{len(list(studio.workspace.checkpoints.glob('run-*')))}"
    folder = RunFolder(studio.workspace.checkpoints / id)
    folder.root.mkdir(parents=True)
    config = new_config(settings, "Ada reads", "Practice", True) | {"note": ATTACK} | more
    head = Head(KIND, VERSION, name, "ann", created, created)
    (folder.root / "config.json").write_text(json.dumps(head.over(config)))
    for epoch in epochs:
        place = folder.checkpoint(epoch)
        place.mkdir()
        weights = ADAPTER if settings.method is Method.LORA else WEIGHTS
        save_file({"x.lora_A.weight": np.zeros((1, 250), np.float32)}, place / weights)
        (place / ADAPTER_CONFIG).write_text('{"peft_type": "LORA", "r": 1, "lora_alpha": 1}')
        (place / VOICES[settings.family]).write_bytes(b"a voice")
        about = Checkpoint(
            *(id, epoch, settings.family, settings.method, BASES[settings.family], 4 * epoch),
            *(2.0, 2.5, 1.0, 0),
            best=epoch == best,
            language="en",
        )
        (place / META).write_text(json.dumps(asdict(about)))
    rows = [StepRow("epoch", 0, 0.0, 0.0, eval_loss=4.0)]
    for epoch in range(1, max(epochs, default=0) + 1):
        first = 4 * epoch - 3
        rows += [StepRow("step", n, n / 4, n / 2, 3.0, {}, 5e-5) for n in range(first, first + 4)]
        heard = SampleReport(agreement=0.9)
        said = (f"Too slow {ATTACK}.",) if epoch == 3 else ()
        rows.append(
            StepRow("epoch", 4 * epoch, epoch, 2 * epoch, 3.0, eval_loss=5 - epoch, heard=heard,
                    warnings=said)
        )  # fmt: skip
    folder.metrics.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    return studio.runs.get(id, "ann")


def page(studio: Studio, run: Run | None, epoch: int | None = None, asker: Any = ANN) -> list[Any]:
    return showing.page(studio, asker, run.id if run else "", epoch, *FRESH)


def seen(page: list[Any]) -> tuple[Any, ...]:
    """What the page shows, in the order of `CheckpointsTab.shown`."""
    shown: tuple[Any, ...] = page[3]
    return shown


def html(page: list[Any]) -> str:
    return "".join(each for each in seen(page) if isinstance(each, str))


def able(page: list[Any]) -> dict[str, bool]:
    """Which buttons can be pressed."""
    return dict(zip(BUTTONS, seen(page)[9 : 9 + len(BUTTONS)], strict=True))


def ended(studio: Studio, kind: str, status: JobStatus, result: Any = None, **params: Any) -> str:
    """A job of Ann's that has ended so, without a process."""
    store = studio.jobs.store
    words = {"message": f"It broke {ATTACK}.", "hint": "Mend it."} if status is JobStatus.FAILED else {}
    job = store.create("training.exporting:run", params, title=f"Do {ATTACK}", kind=kind, owner="ann")
    assert store.claim_next("{id}") is not None
    store.finish(job.id, 1, status, result=result, **words)
    return job.id


class TestShowing:
    def test_names_are_shown_as_they_are(self, studio: Studio, run: Run) -> None:
        made(studio, f"{ATTACK} again")
        shown = page(studio, run, 3)
        assert shown[:2] == [run.id, 3]
        assert ATTACK not in html(shown)
        for words in ("&lt;img src=x", "Too slow", "90% understood", "best", "of “Ada reads”"):
            assert words in html(shown)

    def test_without_a_run_the_next_step_is_said(self, studio: Studio) -> None:
        shown = page(studio, None)
        assert "Train a voice in the Train tab, or import a checkpoint" in html(shown)
        assert not any(able(shown).values())
        assert not shown[4].active  # the timer

    def test_nobody_sees_or_changes_the_run_of_somebody_else(self, studio: Studio, run: Run) -> None:
        shown = page(studio, run, asker=BOB)
        assert shown[:2] == ["", None]
        assert run.id not in html(shown)
        attempts: list[tuple[Any, list[Any]]] = [
            (making.on_merge, ["Mine"]),
            (making.on_export, ["/tmp/mine"]),
            (making.on_zip, []),
            (keeping.on_save, ["Mine", ""]),
            (keeping.on_delete, [run.id]),
            (keeping.on_delete, [f"{run.id}:1"]),
        ]
        for handler, typed in attempts:
            with pytest.raises(NotFound):
                handler(studio, BOB, *typed, run.id, 1, *FRESH)
        with pytest.raises(NotFound):
            keeping.on_ask_run(studio, BOB, None, run.id, 1)

    def test_a_tick_sends_only_what_is_new(self, studio: Studio, run: Run) -> None:
        chosen, epoch, histories, shown, *_ = page(studio, run)
        tick = choosing.on_tick(studio, ANN, chosen, epoch, "", histories, shown)
        assert set(map(str, tick[3:])) == {SKIP}
        with RunFolder(studio.workspace.checkpoints / run.id).metrics.open("a") as file:
            file.write(json.dumps(asdict(StepRow("step", 13, 3.25, 7.0, 2.0))) + "\n")
        tick = choosing.on_tick(studio, ANN, chosen, epoch, "", histories, shown)
        new = {place for place, value in enumerate(tick[3:]) if value != gr.skip()}
        assert new == {1, 3, 7}  # the run has grown, and its curves; the table keeps the keyboard

    def test_a_damaged_checkpoint_and_damaged_curves_are_said(self, studio: Studio, run: Run) -> None:
        folder = RunFolder(studio.workspace.checkpoints / run.id)
        (folder.checkpoint(1) / META).write_text("{")
        folder.metrics.write_text("rubbish\n")
        shown = page(studio, studio.runs.get(run.id, "ann"))
        assert "meta.json is damaged" in html(shown)
        assert "metrics.jsonl is damaged" in html(shown)
        assert shown[1] == 2


class TestChoosing:
    def test_a_fresh_page_shows_the_newest_run_that_has_epochs(self, studio: Studio, run: Run) -> None:
        newest = made(studio, "newer", created=2.0, best=None)
        made(studio, "not begun", epochs=(), created=3.0)
        shown = choosing.on_show(studio, ANN, "", "", None, "", None, *FRESH)
        assert shown[1:3] == [newest.id, 3]
        assert shown[-3:-1] == ["newer, epoch 3, merged", "newer"]

    def test_a_reload_loses_nothing(self, studio: Studio, run: Run) -> None:
        made(studio, "newer", created=2.0)
        shown = choosing.on_show(studio, ANN, run.id, f"{run.id}:1", None, "", None, *FRESH)
        assert shown[1:3] == [run.id, 1]
        gone = choosing.on_show(studio, ANN, run.id, f"{run.id}:9", None, "", None, *FRESH)
        assert gone[1:3] == [run.id, 2]

    def test_what_is_being_typed_stays_when_the_tab_is_shown_again(
        self, studio: Studio, run: Run
    ) -> None:
        shown = choosing.on_show(studio, ANN, "", "", "xtts-practice", run.id, 1, *FRESH)
        assert set(map(str, shown[-3:])) == {SKIP}
        assert shown[0].value == "xtts-practice"
        assert [key for _, key in shown[0].choices] == ["", "xtts-practice"]  # those that are here

    def test_the_table_keeps_the_keyboard_while_one_chooses_in_it(
        self, studio: Studio, run: Run
    ) -> None:
        histories = page(studio, run)[2]
        picked = choosing.on_epoch(studio, ANN, f"{run.id}:3 7", run.id, 2, "", histories)
        assert picked[:2] == [run.id, 3]
        assert picked[5 + 4] == gr.skip()
        assert "<h4>Epoch 3</h4>" in picked[5 + 5]
        tick = choosing.on_tick(studio, ANN, run.id, 3, "", *picked[2:4])
        assert tick[3 + 4] == gr.skip()

    def test_an_epoch_that_is_gone_gives_way_to_the_best(self, studio: Studio, run: Run) -> None:
        assert page(studio, run, 9)[1] == 2
        studio.runs.delete_checkpoint(run.id, "ann", 2)
        assert page(studio, studio.runs.get(run.id, "ann"), 2)[1] == 3


class TestComparing:
    def test_two_runs_are_told_apart_by_more_than_colour(self, studio: Studio, run: Run) -> None:
        faster = replace(settings_of(Family.XTTS), learning_rate=0.02)
        other = made(studio, "faster", faster, epochs=(1, 2))
        told = html(showing.page(studio, ANN, run.id, 2, other.id, ()))
        assert told.count("timbre-dashed") == 4  # two curves and their keys
        for words in ("Eval loss: &lt;img", "faster from 4 to 3", "Learning rate", "0.02"):
            assert words in told
        assert "Weight decay" not in told.partition("timbre-cards")[2].partition("Settings")[0]
        assert "different data sets" not in told

    def test_what_cannot_be_compared_is_said(self, studio: Studio, run: Run) -> None:
        elsewhere = made(studio, "other set", replace(settings_of(Family.XTTS), dataset="other"))
        qwen = made(studio, "Qwen", settings_of(Family.QWEN))
        for other, words in ((elsewhere, "different data sets"), (qwen, "not of one kind")):
            assert words in html(showing.page(studio, ANN, run.id, 2, other.id, ()))

    def test_a_run_is_not_compared_with_itself_nor_with_another_owners(
        self, studio: Studio, run: Run
    ) -> None:
        shown = showing.page(studio, ANN, run.id, 2, run.id, ())
        assert seen(shown)[-1] == ((view.NO_OTHER,), "")


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
        assert ".pth" in ENDINGS


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
        assert keeping.on_other(asked, run.id, 2)[2] == asked
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


class TestOwners:
    """What Ann has trained is hers: nobody else is told its name."""

    def test_it_is_in_no_list_of_somebody_else(self, studio: Studio, run: Run) -> None:
        for asker, there in ((ANN, True), (BOB, False)):
            listed = [
                missing.on_models(studio, Capability.CLONE, asker, False, "xtts", "", None)[0].choices,
                by_engine.on_voices(studio, asker, "xtts", "auto", "").choices,
            ]
            for known in listed:
                assert any("onerror" in label for label, _ in known) is there
        saved = {"engine": "xtts", "model": f"trained-{run.id}-3"}
        for owner, kept in (("ann", saved["model"]), ("bob", "")):
            assert choices.consistent(studio, Capability.CLONE, saved, owner)["model"].value == kept

    def test_no_error_names_it(self, studio: Studio, run: Run) -> None:
        key = f"trained-{run.id}-3"
        order = SpeechOrder(Capability.PRESET, "Hello.", "xtts", speaker=key)
        assert studio.speech.plan(order, "ann").model == key
        for asked in (order, replace(order, speaker="", model=key), replace(order, speaker="nobody")):
            with pytest.raises(NotFound) as refused:
                studio.speech.start(asked, "bob")
            assert run.id not in refused.value.hint
            assert ATTACK not in str(refused.value)

    def test_nobody_performs_with_it(self, studio: Studio, run: Run, tmp_path: Path) -> None:
        neutral = NewEmotion("neutral", wav(tmp_path / "a.wav", tone(3)), transcript="Hello.")
        for owner in ("ann", "bob"):
            studio.personalities.create(NewPersonality("Anna", (neutral,), language="en"), owner)
        order = PerformOrder("Anna", "Hello.", "xtts", model=f"trained-{run.id}-3")
        assert studio.performances.plan(order, "ann").parts[0].plan.model == order.model
        with pytest.raises(NotFound):
            studio.performances.plan(order, "bob")

    def test_nor_do_the_commands(self, studio: Studio, run: Run, capsys: Any) -> None:
        from argparse import Namespace

        from studio.cli import commands

        commands.speakers(studio, Namespace(engine="xtts", language=None, all=True, json=True))
        commands.engines(studio, Namespace(json=True))
        said = capsys.readouterr().out
        assert "xtts-practice" in said
        assert run.id not in said


def test_nothing_is_told_of_jobs_that_ended_long_ago(
    studio: Studio, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(studio, MERGE, JobStatus.DONE, {"run": run.id})
    jobs = studio.runs.made("ann")
    assert working.to_show(studio, jobs, (MERGE,))
    later = time.time() + 2 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert working.to_show(studio, jobs, (MERGE,)) == []
