"""The Data sets tab from the handlers' side: what it shows, its forms, and what a press does."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.dataset.values import Limits, PrepareSettings
from studio.errors import BadInput
from studio.jobs import Job, JobStatus
from studio.services.coverage import Coverage, PhonemeCount, Proposal
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from studio.services.tasks import TaskState
from studio.settings import load_settings
from tabs.datasets import (
    choosing,
    clips_view,
    coverage_view,
    exporting,
    limits_form,
    making,
    overview,
    reviewing,
    settings_form,
    view,
    working,
)
from tests.asking import ANN, ATTACK, BOB
from tests.datasets_tab import FIRST, HOSTILE, KEPT, MUTE, NOISY, SEGMENTS, acted, filled, kept
from tests.running import until


@pytest.fixture
def dataset(studio: Studio) -> Dataset:
    """Ann's, of two recordings; two of its five segments are kept."""
    return filled(studio, ATTACK, SEGMENTS)


class TestLimits:
    def test_trying_shows_the_gain_and_changes_nothing(self, studio: Studio, dataset: Dataset) -> None:
        wanted = limits_form.values_of(replace(Limits(), min_snr_db=None))
        words, _, apply, _ = overview.on_limits(studio, ANN, dataset.id, *wanted)
        assert "2 s more" in words
        assert "Nothing has changed yet" in words
        assert apply.interactive
        assert kept(studio, dataset) == KEPT
        overview.on_apply(studio, ANN, dataset.id, *wanted)
        assert kept(studio, dataset) == KEPT | {NOISY}
        *values, words, _, apply, _ = overview.on_reset(studio, ANN, dataset.id)
        assert values == wanted
        assert not apply.interactive

    @pytest.mark.parametrize(
        "limits",
        [
            Limits(),
            Limits(min_snr_db=None, max_s=None, min_confidence=None, max_clipped=None),
            Limits(min_snr_db=-3.5, max_clipped=0.0005, min_speaker_similarity=0.7, cut_in_speech=True),
            Limits(min_s=0.333, max_s=11.59),  # finer than a slider's steps
        ],
    )
    def test_what_the_sliders_show_is_what_they_say(self, limits: Limits) -> None:
        assert limits_form.limits_of(limits_form.values_of(limits), limits) == limits

    def test_at_its_loosest_end_a_measure_does_not_count(self) -> None:
        values = limits_form.values_of(Limits())
        values[limits_form.names().index("min_snr_db")] = -10
        values[limits_form.names().index("max_given_error")] = 100
        found = limits_form.limits_of(values, Limits())
        assert (found.min_snr_db, found.max_given_error) == (None, None)


class TestSettings:
    @pytest.mark.parametrize(
        "settings",
        [
            PrepareSettings(),
            PrepareSettings(target="qwen", max_s=20.0, loudness_lufs=None, eval_share=0.1, frame_ms=10),
        ],
    )
    def test_what_the_form_shows_is_what_it_says(self, settings: PrepareSettings) -> None:
        values = settings_form.values_of(settings)
        assert settings_form.settings_of(values, settings) == settings

    def test_segments_of_the_chosen_lengths_are_within_the_limits(self) -> None:
        values = settings_form.values_of(PrepareSettings(target="qwen", min_s=2.0, max_s=20.0))
        limits = settings_form.settings_of(values).limits
        assert (limits.min_s, limits.max_s) == (2.0, 20.0)

    def test_a_language_that_no_recognizer_has_stays_chosen(self, studio: Studio) -> None:
        shown = settings_form.languages_of(studio, "tlh")
        assert shown.value == "tlh"
        assert ("tlh", "tlh") in shown.choices

    def test_what_makes_no_sense_together_is_said(self) -> None:
        values = settings_form.values_of(PrepareSettings())
        values[settings_form.names().index("max_s")] = 20.0
        with pytest.raises(BadInput, match="XTTS"):
            settings_form.settings_of(values)


class TestMaking:
    def test_a_set_needs_recordings(self, studio: Studio) -> None:
        values = settings_form.values_of(PrepareSettings())
        with pytest.raises(BadInput, match="no recordings"):
            making.on_create(studio, ANN, "Mine", None, " \n", *values)
        with pytest.raises(BadInput, match="no whole path"):
            making.on_create(studio, ANN, "Mine", None, "talks/one.wav", *values)
        assert studio.datasets.list("ann") == ()

    def test_recordings_are_added_and_removed(
        self, studio: Studio, dataset: Dataset, tmp_path: Path
    ) -> None:
        one, two = tmp_path / "one.wav", tmp_path / "two.wav"
        for each in (one, two):
            each.write_bytes(b"RIFF")
        making.on_add(studio, ANN, dataset.id, [str(one)], str(two))
        given = studio.datasets.get(dataset.id, "ann").inputs
        assert [(each.name, each.uploaded) for each in given] == [("one.wav", True), (str(two), False)]
        making.on_remove(studio, ANN, dataset.id, "0 1")
        assert [each.name for each in studio.datasets.get(dataset.id, "ann").inputs] == [str(two)]
        with pytest.raises(BadInput, match="not in the list"):
            making.on_remove(studio, ANN, dataset.id, "7 2")

    def test_a_shared_studio_reads_no_files_of_its_machine(self, tmp_path: Path) -> None:
        given = load_settings(home=tmp_path / "home", models_dir=tmp_path, auth="ann:secret")
        values = settings_form.values_of(PrepareSettings())
        with Studio(given) as shared, pytest.raises(BadInput, match="several people"):
            making.on_create(shared, ANN, "Mine", None, "/etc", *values)

    def test_a_set_is_renamed_copied_and_deleted(self, studio: Studio, dataset: Dataset) -> None:
        values = settings_form.values_of(dataset.settings)
        making.on_save(studio, ANN, dataset.id, "Ada reads", "from the radio", *values)
        assert studio.datasets.get(dataset.id, "ann").name == "Ada reads"
        acted(studio, dataset, (NOISY, "keep"))
        making.on_duplicate(studio, ANN, dataset.id, "")
        copy = studio.datasets.get("Ada reads 2", "ann")
        assert kept(studio, copy) == KEPT | {NOISY}
        _, question, asked = making.on_ask_delete(studio, ANN, copy.id, None)
        assert "Delete “Ada reads 2” for good?" in question
        making.on_delete(studio, ANN, asked)
        assert [each.id for each in studio.datasets.list("ann")] == [dataset.id]

    def test_an_export_becomes_a_link(self, studio: Studio, dataset: Dataset) -> None:
        exports = studio.workspace.gradio_temp / "exports" / "datasets"
        old, recent = exports / "old", exports / "recent"
        for folder in (old, recent):
            folder.mkdir(parents=True)
        os.utime(old, (1.0, time.time() - 25 * 3600))
        exporting.on_export(studio, ANN, dataset.id, "ljspeech")
        until(lambda: exporting.newest(studio, ANN).state.finished)  # type: ignore[union-attr]
        task = exporting.newest(studio, ANN)
        assert task is not None
        assert task.state is TaskState.DONE, task.error
        assert Path(task.result).name.endswith("-ljspeech.zip")
        assert "gradio_api/file=" in exporting.status(task)
        assert exporting.newest(studio, BOB) is None
        assert (old.exists(), recent.exists()) == (False, True)

    def test_what_cannot_be_exported_says_why_and_leaves_nothing(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        acted(studio, dataset, (FIRST, "drop"), (HOSTILE, "drop"))
        exporting.on_export(studio, ANN, dataset.id, "zip")
        until(lambda: exporting.newest(studio, ANN).state.finished)  # type: ignore[union-attr]
        assert "Nothing is kept" in exporting.status(exporting.newest(studio, ANN))
        assert not list((studio.workspace.gradio_temp / "exports" / "datasets").iterdir())


class TestWhatIsShown:
    def test_names_and_texts_are_never_a_part_of_the_page(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        shown = "".join(
            part
            for part in choosing.everything(studio, ANN, dataset)
            if isinstance(part, str) and part.startswith("<") and part != ATTACK  # in its text box
        )
        assert ATTACK not in shown
        assert "</textarea>\n" not in shown
        assert shown.count("&lt;img src=x onerror=alert(1)&gt;") > 3
        assert shown.count("<textarea") == shown.count("</textarea>") == len(SEGMENTS)

    def test_a_segment_says_what_was_measured_and_why_it_is_dropped(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        rows = studio.datasets.rows(dataset.id, "ann", [NOISY, MUTE])
        assert clips_view.measures(rows[1])[:3] == ["SNR 4.0 dB", "2.0 s", "2.5 words/s"]
        page = str(reviewing.on_list(studio, 0, ANN, dataset.id, 0, *reviewing.EVERYTHING)[0])
        for words in ("Its SNR is 4.0 dB, under 10.", "Nothing was understood.", "It lasts 0.50 s"):
            assert words in page

    def test_a_sound_that_is_gone_leaves_the_row_readable(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        (studio.workspace.datasets / dataset.id / "wavs" / f"{FIRST}.wav").unlink()
        page = str(reviewing.on_list(studio, 0, ANN, dataset.id, 0, *reviewing.EVERYTHING)[0])
        assert "is not there" in page
        assert page.count("<textarea") == len(SEGMENTS)

    def test_recordings_that_could_not_be_read_come_first_with_the_remedy(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        shown = view.inputs(dataset)
        assert "It is no recording.</b> Leave it out." in shown
        assert shown.index("notes.pdf") < shown.index("hall.wav")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"status": JobStatus.QUEUED}, "waiting for its turn"),
            ({"stage": "Transcribing", "step": 3, "total": 4}, "Transcribing · 75%"),
            ({"status": JobStatus.CANCELLED}, "goes on from there"),
            ({"status": JobStatus.INTERRUPTED}, "goes on from where it was"),
            (
                {"status": JobStatus.FAILED, "message": "The disk is full.", "hint": "Make room."},
                "Make room.",
            ),
            ({"status": JobStatus.DONE}, ""),
        ],
    )
    def test_how_a_build_stands(self, studio: Studio, change: dict[str, Any], words: str) -> None:
        said = view.build_status(replace(a_job(studio), **change), "the log", time.time())
        assert words in said
        assert bool(said) == bool(words)

    def test_nothing_chosen_says_what_to_do(self, studio: Studio) -> None:
        shown = choosing.everything(studio, ANN, None)
        assert "No data sets yet" in shown[1]
        assert "New data set" in shown[3]
        assert working.now(studio, ANN, None)[0] == "-:0:"

    def test_coverage_says_what_to_record(self) -> None:
        found = Coverage(
            "en",
            (PhonemeCount("ə", 30, 0.1), PhonemeCount("ʒ", 2, 0.01), PhonemeCount("ɔɪ", 0, 0.01)),
            2 / 3,
            ("ʒ",),
            ("ɔɪ",),
            {"statement": 9, "question": 1, "number": 0},
            (Proposal("The boy's voice <b>rose</b>.", ("ɔɪ", "question"), 4),),
            ("A note.",),
        )
        shown = coverage_view.coverage(found)
        assert "67% of the language" in shown
        assert "Never heard: ɔɪ." in shown
        assert "Adds ɔɪ, questions, 4 new pairs of sounds." in shown
        assert "<b>rose" not in shown


def a_job(studio: Studio) -> Job:
    return studio.jobs.store.create("training.prepare.job:run", {}, title="Build", kind="dataset")


def test_progress_at_the_end_of_a_build_tells_the_page_to_look_again(
    studio: Studio, dataset: Dataset
) -> None:
    *now, ended = choosing.on_tick(studio, ANN, dataset.id, "x:1:going", 3)
    assert ended == 4
    assert choosing.on_tick(studio, ANN, dataset.id, now[0], 4)[-1] == 4
