"""The Checkpoints tab from the handlers' side: what it shows, chooses and compares; and that what somebody
else has trained is not known of."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from engines.base import Capability
from studio.errors import NotFound
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Family, StepRow
from studio.services.performance_values import PerformOrder
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.run_values import Run
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.settings import Settings, load_settings
from tabs.checkpoints import choosing, keeping, making, showing, view
from tabs.speech import by_engine, choices, missing
from tests.asking import ANN, ATTACK, BOB
from tests.audio_files import tone, wav
from tests.checkpoints_tab import FRESH, able, html, made, page, seen
from tests.trained_checkpoints import settings_of

SKIP = str(gr.skip())


@pytest.fixture
def settings(tmp_path: Path, xtts_models: Path) -> Settings:
    return load_settings(home=tmp_path / "home", models_dir=xtts_models, device="cpu")


@pytest.fixture
def run(studio: Studio) -> Run:
    """Ann's, of three epochs, the second of which is the best."""
    return made(studio, ATTACK)


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
        theirs = made(studio, "theirs", owner="bob")
        for other in (run, theirs):
            shown = showing.page(studio, ANN, run.id, 2, other.id, ())
            assert seen(shown)[-1] == ((view.NO_OTHER,), "")


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
