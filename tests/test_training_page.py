"""The Train tab from the handlers' side: what it proposes, shows and refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import gradio as gr
import pytest

from studio.dataset.values import Limits, PrepareSettings
from studio.errors import BadInput, NotFound
from studio.jobs import Job, JobStatus
from studio.runs.presets import Preset
from studio.runs.run_folder import RunFolder
from studio.runs.values import (
    LORA_TARGETS,
    Family,
    LoraOptions,
    Method,
    Precision,
    RunSettings,
    Schedule,
    StepRow,
)
from studio.services.dataset_values import Dataset
from studio.services.run_values import Estimate, LeftOutClip, Run
from studio.services.studio import Studio
from tabs import plots
from tabs.training import following, form, history, planning, view
from tabs.training.history import History, read_on
from tests import training_sets
from tests.asking import ANN, ATTACK, BOB
from tests.training_sets import segment, source

LORA = RunSettings(Family.XTTS, "base", "set")


@pytest.fixture
def dataset(studio: Studio) -> Dataset:
    return filled(studio, ATTACK)


@pytest.fixture
def run(studio: Studio, dataset: Dataset) -> Run:
    """Ann's, not started."""
    return created(studio, dataset, ATTACK)


def filled(studio: Studio, name: str, target: str = "xtts") -> Dataset:
    """Ann's, of six clips."""
    made = studio.datasets.create(name, "ann", PrepareSettings(target=target))
    talk = source(1, "talk.wav", speaker="Ada")
    clips = [segment(talk, number, seconds=5.0) for number in range(6)]
    training_sets.build(studio.workspace.datasets / made.id, clips, [talk])
    studio.datasets.apply(made.id, "ann", Limits())
    return studio.datasets.get(made.id, "ann")


def created(studio: Studio, dataset: Dataset, name: str) -> Run:
    base = studio.runs.bases(Family.XTTS)[0].key
    return studio.runs.create(name, "ann", replace(LORA, base=base, dataset=dataset.id))


def folder_of(studio: Studio, run: Run) -> RunFolder:
    return RunFolder(studio.workspace.checkpoints / run.id)


def write(folder: RunFolder, rows: Iterable[StepRow], how: str = "w") -> None:
    with folder.metrics.open(how) as file:
        file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)


def steps(first: int, last: int, loss: float = 3.0) -> list[StepRow]:
    """Four steps an epoch, half a second each."""
    return [
        StepRow("step", number, number / 4, number / 2, loss, {}, 5e-5, 1.0, 8.0, 900.0, 0.03)
        for number in range(first, last + 1)
    ]


def epoch(number: int, eval_loss: float, *warnings: str) -> StepRow:
    return StepRow(
        "epoch", 4 * number, float(number), 2.0 * number, 3.0, eval_loss=eval_loss, warnings=warnings
    )


def plain(values: list[Any]) -> list[Any]:
    """What the components would send back."""
    return [value.value if isinstance(value, gr.components.Component) else value for value in values]


def shown(studio: Studio, asker: Any = ANN) -> list[Any]:
    """What a fresh form is filled with: the choice, then the fields."""
    fresh = [None, "xtts", None, "lora", "balanced", *[0] * len(form.names())]
    filled = planning.on_show(studio, asker, *fresh)
    return plain(filled[: len(planning.CHOICE) + len(form.names())])


class TestForm:
    @pytest.mark.parametrize(
        "settings",
        [
            LORA,
            replace(LORA, method=Method.FULL, learning_rate=2.5e-6, sentences=("One.", "Two?")),
            RunSettings(
                Family.QWEN,
                "base",
                "set",
                epochs=3,
                max_train_samples=7,
                gradient_checkpointing=True,
                precision=Precision.BFLOAT16,
                warmup_share=0.075,
                schedule=Schedule.CONSTANT,
                early_stop=2,
                stop_when_worse=True,
                lora=LoraOptions(8, 16, 0.1, ("q_proj", "v_proj"), ("codec_head",)),
            ),
        ],
    )
    def test_what_the_form_shows_is_what_it_says(self, settings: RunSettings) -> None:
        values = plain(form.values_of(settings))
        chosen = settings.family, settings.method, settings.base, settings.dataset
        assert form.settings_of(values, *chosen) == settings

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("learning_rate", "fast", "“fast”, no number"),
            ("learning_rate", "1", "outside"),
            ("learning_rate", "nan", "no number"),
            ("epochs", None, "is empty"),
            ("epochs", 2.5, "no whole number"),
            ("epochs", 0, "outside"),
            ("rank", 1000, "not possible"),
            ("targets", [], "no layers"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, name: str, value: Any, words: str) -> None:
        values = plain(form.values_of(LORA))
        values[form.names().index(name)] = value
        with pytest.raises(BadInput, match=words):
            form.settings_of(values, Family.XTTS, Method.LORA, "base", "set")


class TestPlanning:
    def test_a_fresh_form_is_filled_for_the_set_that_is_ready(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        studio.datasets.create("Nothing in it yet", "ann")
        settings = planning.order_of(shown(studio))
        proposed = studio.runs.propose(Family.XTTS, Method.LORA, Preset.BALANCED, dataset.id, "ann")
        assert settings == proposed.settings
        assert shown(studio, BOB)[0] is None  # nothing of Ann's

    def test_the_form_says_what_is_missing(self, studio: Studio) -> None:
        fresh = [None, "xtts", None, "lora", "balanced", *[0] * len(form.names())]
        *_, words, button = planning.on_show(studio, ANN, *fresh)
        assert "Make one in the Data sets tab" in words
        assert not button.interactive
        with pytest.raises(BadInput, match="No data set"):
            following.on_create(studio, ANN, "Mine", *fresh)

    def test_a_data_set_brings_its_family(self, studio: Studio) -> None:
        qwen = filled(studio, "For Qwen", "qwen")
        told = planning.on_choice(studio, "dataset", ANN, qwen.id, "xtts", "xtts-v2", "lora", "quick")
        assert told[1] == "qwen"
        assert [key for _, key in told[2].choices] == [
            base.key for base in studio.runs.bases(Family.QWEN)
        ]
        fields = dict(zip(form.names(), told[len(planning.CHOICE) :], strict=False))
        assert fields["targets"].value == [*LORA_TARGETS[Family.QWEN]]
        assert fields["epochs"] == 2

    def test_what_was_set_by_hand_stays_when_the_tab_is_shown_again(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        asked = shown(studio)
        asked[len(planning.CHOICE)] = 77
        told = planning.on_show(studio, ANN, *asked)
        assert all(value == gr.skip() for value in told[len(planning.CHOICE) : -2])

    def test_a_setting_that_makes_no_sense_is_said_at_once(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        asked = shown(studio)
        asked[len(planning.CHOICE)] = 0
        words, button = planning.on_fields(studio, ANN, *asked)
        assert "epochs is 0" in words
        assert not button.interactive

    def test_what_cannot_start_leaves_no_run(self, studio: Studio, dataset: Dataset) -> None:
        with pytest.raises(BadInput):  # the base model is not on this machine
            following.on_create(studio, ANN, "Mine", *shown(studio))
        assert studio.runs.list("ann") == ()


class TestEstimate:
    FOUND = Estimate(
        *(2048.0, 4096.0, "cpu", 754.0, 100.0, 90_000.0, 60, 300.0, 480), advice=(), problems=()
    )

    def test_it_is_told_in_figures(self) -> None:
        told = view.estimate(self.FOUND)
        for words in ("60 clips, 5 min", "480", "about 13 min", "2.1 GB of 4.3 GB free"):
            assert words in told
        assert "alert" not in told
        assert "not known yet" in view.estimate(replace(self.FOUND, seconds=None))

    def test_what_does_not_fit_and_what_is_wrong_stand_first(self) -> None:
        tight = view.estimate(replace(self.FOUND, memory_mb=9000.0, advice=(f"Halve it {ATTACK}.",)))
        assert tight.startswith('<p class="timbre-bad" role="alert">It will hardly fit')
        assert ATTACK not in tight
        wrong = view.estimate(replace(self.FOUND, problems=(f"Too small {ATTACK}.",)))
        assert wrong.startswith('<p class="timbre-bad" role="alert">Too small &lt;img')


class TestFollowing:
    def test_names_are_shown_as_they_are(self, studio: Studio, run: Run) -> None:
        page = following.page(studio, ANN, run.id, None)
        assert page[0] == run.id
        assert ATTACK not in "".join(page[2])
        assert "&lt;img src=x" in page[2][1]

    def test_nobody_follows_a_run_of_somebody_else(self, studio: Studio, run: Run) -> None:
        assert following.page(studio, BOB, run.id, None)[0] == ""
        assert run.id not in str(following.page(studio, BOB, "", None))
        for handler in (following.on_start, following.on_stop):
            with pytest.raises(NotFound):
                handler(studio, BOB, run.id, None)

    def test_a_tick_sends_only_what_is_new(self, studio: Studio, run: Run) -> None:
        write(folder_of(studio, run), [epoch(0, 4.0), *steps(1, 3)])
        before = following.page(studio, ANN, run.id, None)
        assert set(map(str, following.on_tick(studio, ANN, *before[:3])[5:])) == {str(gr.skip())}
        write(folder_of(studio, run), steps(4, 4), "a")
        after = following.on_tick(studio, ANN, *before[:3])
        new = [place for place, value in enumerate(after[5:]) if value != gr.skip()]
        assert new == [4, 5]  # the figures and the plots
        assert len(after[0].steps) == 4

    def test_a_run_that_went_on_from_an_earlier_state_forgets_what_was_cut(
        self, studio: Studio, run: Run
    ) -> None:
        folder = folder_of(studio, run)
        write(folder, [epoch(0, 4.0), *steps(1, 4), epoch(1, 3.5), *steps(5, 7)])
        read = read_on(History(), studio.runs, run.id, "ann")
        assert (len(read.steps), len(read.epochs)) == (7, 2)
        write(folder, [epoch(0, 4.0), *steps(1, 2)])
        write(folder, [*steps(3, 4, loss=2.5), epoch(1, 3.4)], "a")  # shorter than before
        read = read_on(read, studio.runs, run.id, "ann")
        assert [row.step for row in read.steps] == [1, 2, 3, 4]
        assert [row.loss for row in read.steps] == [3.0, 3.0, 2.5, 2.5]
        write(folder, [epoch(0, 4.0), *steps(1, 9, loss=2.25)])  # longer, and cut within a line
        read = read_on(read, studio.runs, run.id, "ann")
        assert [row.step for row in read.steps] == [*range(1, 10)]

    def test_what_is_damaged_is_said_and_the_rest_stays(
        self, studio: Studio, dataset: Dataset, run: Run
    ) -> None:
        folder = folder_of(studio, run)
        folder.metrics.write_text("rubbish\n")
        folder.left_out.write_text("{")
        page = following.page(studio, ANN, run.id, None)
        assert "is damaged" in page[2][3]
        assert "<h3>" in page[2][2]
        assert "left_out.json is damaged" in page[2][7]
        assert "accelerate launch" in page[2][7]
        other = created(studio, dataset, "Other")
        config = folder.root / "config.json"
        config.write_text(config.read_text().replace('"epochs": 10', '"epochs": 0'))
        page = following.page(studio, ANN, run.id, None)  # as a window that follows it asks
        assert page[0] == ""
        assert other.id in page[2][1]

    def test_figures_and_warnings(self, studio: Studio, run: Run) -> None:
        folder = folder_of(studio, run)
        rows = [epoch(0, 4.0), *steps(1, 4), epoch(1, 2.5), *steps(5, 8), epoch(2, 2.75, ATTACK)]
        write(folder, rows)
        told = str(following.page(studio, ANN, run.id, None)[2][4])
        for words in ("2.00 of 10", "2.75", "2.5, epoch 1", "500 ms", "8 clips/s", "3%"):
            assert words in told
        assert "Epoch 2: &lt;img" in told

    def test_how_it_stands(self, run: Run) -> None:
        job = a_job(JobStatus.RUNNING, stage=f"epoch 1 {ATTACK}", step=25, total=100)
        told = view.status(run, job, 0, 150.0)
        assert "25%" in told
        assert 'value="0.2500"' in told
        assert ATTACK not in told
        assert "2 runs before it" in view.status(run, a_job(JobStatus.QUEUED), 2, 0.0)
        failed = a_job(JobStatus.FAILED, message="The memory did not suffice.", hint="Halve it.")
        assert "Halve it." in view.status(run, failed, 0, 0.0)
        done = a_job(JobStatus.DONE, result={"notes": ["The run ended early."]})
        assert "The run ended early." in view.status(run, done, 0, 0.0)

    def test_its_settings_and_what_was_left_out_are_told(self, run: Run) -> None:
        told = view.details(run, [LeftOutClip(f"{ATTACK}.wav", "Too long.")], "accelerate launch x")
        for words in ("rank 16", "c_attn", "1 clip not trained on", "Too long.", "accelerate launch"):
            assert words in told
        assert ATTACK not in told

    def test_a_run_of_twenty_thousand_steps_is_drawn_small_and_quickly(self) -> None:
        long = History("id", 0, tuple(steps(1, 20_000)), tuple(epoch(n, 2.0) for n in range(50)))
        begun = time.process_time()
        drawn = history.plots(long)
        assert time.process_time() - begun < 1.0
        assert drawn.count("<svg") == 2
        assert len(drawn) < 30_000


class TestPlots:
    def test_curves_stay_within_their_frame_and_are_told_in_words(self) -> None:
        points = [(0.0, 3.0), (1.0, 1.5), (2.0, 1.75)]
        drawn = plots.plot("Loss", "epoch", [plots.Curve(ATTACK, points, 2, dots=True)])
        assert "from 3 to 1.75, lowest 1.5" in drawn
        assert drawn.count("<circle") == 3
        assert ATTACK not in drawn

    @pytest.mark.parametrize("points", [[(0.0, 0.0)], [(1.0, 7.0)], [(0.0, 2e-6), (3.0, 2e-6)]])
    def test_one_value_is_a_plot_too(self, points: list[plots.Point]) -> None:
        assert "NaN" not in plots.plot("Loss", "epoch", [plots.Curve("train", points)])

    def test_nothing_is_drawn_of_nothing(self) -> None:
        assert plots.plot("Loss", "epoch", [plots.Curve("train", [])]) == ""

    def test_many_points_become_the_means_of_neighbours(self) -> None:
        points = [(float(x), float(x % 2)) for x in range(1000)]
        few = plots.condensed(points)
        assert len(few) <= plots.MOST_POINTS
        assert all(0.3 < y < 0.7 for _, y in few)
        assert plots.smoothed([(0.0, 5.0), (1.0, 5.0)]) == [(0.0, 5.0), (1.0, 5.0)]


def a_job(status: JobStatus, **more: Any) -> Job:
    values: dict[str, Any] = dict.fromkeys(Job.__dataclass_fields__) | {
        "status": status, "stage": "", "step": 0, "total": 0, "cancel": False, "base_step": 0,
        "message": "", "hint": "",
    }  # fmt: skip
    return Job(**(values | more))
