"""The Data sets tab from the handlers' side: what it shows, and what a press does."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.api.datasets import audio_address
from studio.api.tickets import Tickets
from studio.dataset.ledger import DatasetFolder
from studio.dataset.values import Limits, PrepareSettings, Review, Segment
from studio.errors import BadInput, NotFound
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
from tests import training_sets
from tests.running import until
from tests.training_sets import segment, source

ATTACK = "<img src=x onerror=alert(1)>"


@dataclass
class Asker:
    """Who is signed in, as gr.Request tells it."""

    username: str = "ann"


ANN: Any = Asker()
BOB: Any = Asker("bob")

HALL, ROOM = source(0, "hall.wav", speaker="Bob"), source(1, f"{ATTACK}/room.wav", speaker="Ada")
BROKEN = replace(source(2, "notes.pdf"), problem="It is no recording.", hint="Leave it out.")
SEGMENTS = [
    segment(ROOM, 1),
    segment(ROOM, 2, text="", text_note="Nothing was understood."),
    segment(ROOM, 3, text=f"{ATTACK} </textarea>"),
    segment(HALL, 1, snr_db=4.0, speaker="Bob"),
    segment(HALL, 2, seconds=0.5, speaker="Bob"),
]
FIRST, MUTE, HOSTILE, NOISY, SHORT = (each.id for each in SEGMENTS)
KEPT = {FIRST, HOSTILE}


@pytest.fixture
def dataset(studio: Studio) -> Dataset:
    """Ann's, of two recordings; two of its five segments are kept."""
    return filled(studio, ATTACK, SEGMENTS)


def filled(studio: Studio, name: str, segments: list[Segment]) -> Dataset:
    made = studio.datasets.create(name, "ann")
    training_sets.build(studio.workspace.datasets / made.id, segments, [HALL, ROOM, BROKEN])
    studio.datasets.apply(made.id, "ann", Limits())
    return studio.datasets.get(made.id, "ann")


def kept(studio: Studio, dataset: Dataset) -> set[str]:
    folder = DatasetFolder(studio.workspace.datasets / dataset.id)
    return {path.stem for path in folder.wavs.glob("*.wav")}


def reviews(studio: Studio, dataset: Dataset) -> dict[str, Review]:
    return DatasetFolder(studio.workspace.datasets / dataset.id).read_reviews()


def acted(studio: Studio, dataset: Dataset, *acts: tuple[str, ...], chosen: str | None = None) -> str:
    """What the page sends, and the receipt."""
    told = [dict(zip(("id", "act", "text"), act, strict=False)) for act in acts]
    message = json.dumps({"sequence": 7, "dataset": dataset.id, "acts": told})
    limits = limits_form.values_of(dataset.settings.limits)
    chosen = dataset.id if chosen is None else chosen
    return str(reviewing.on_acts(studio, ANN, chosen, message, *limits)[0])


class TestReviewing:
    def test_what_is_done_is_saved_and_comes_back_in_a_receipt(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        assert kept(studio, dataset) == KEPT
        receipt = acted(
            studio, dataset, (FIRST, "drop"), (NOISY, "keep"), (MUTE, "text", " Hello  you. ")
        )
        assert 'data-sequence="7"' in receipt
        assert receipt.count('class="timbre-clip"') == 3
        assert "Kept by hand" in receipt
        assert kept(studio, dataset) == {NOISY, MUTE, HOSTILE}
        assert reviews(studio, dataset)[MUTE].text == "Hello you."
        acted(studio, dataset, (FIRST, "limits"), (NOISY, "limits"), (MUTE, "text-undo"))
        assert kept(studio, dataset) == KEPT
        assert reviews(studio, dataset) == {}

    def test_what_was_done_counts_for_its_own_set_whichever_is_shown(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        other = studio.datasets.create("Another", "ann")
        acted(studio, dataset, (FIRST, "drop"), chosen=other.id)
        assert kept(studio, dataset) == KEPT - {FIRST}

    @pytest.mark.parametrize(
        "message",
        [
            "",
            "7",
            "{}",
            '{"sequence": 1, "dataset": "x", "acts": []}',
            '{"sequence": 1, "dataset": "x", "acts": [{"id": "1"}]}',
            '{"sequence": 1, "dataset": "x", "acts": [{"id": "1", "act": "delete"}]}',
            '{"sequence": "a", "dataset": "x", "acts": [{"id": "1", "act": "keep"}]}',
        ],
    )
    def test_a_message_that_no_page_sends_is_refused(
        self, studio: Studio, dataset: Dataset, message: str
    ) -> None:
        with pytest.raises(BadInput, match="nothing this page can do"):
            reviewing.on_acts(studio, ANN, dataset.id, message)

    def test_nobody_decides_of_a_set_of_somebody_else(self, studio: Studio, dataset: Dataset) -> None:
        message = {"sequence": 1, "dataset": dataset.id, "acts": [{"id": FIRST, "act": "drop"}]}
        with pytest.raises(NotFound):
            reviewing.on_acts(studio, BOB, dataset.id, json.dumps(message))
        with pytest.raises(BadInput, match="no segment"):
            acted(studio, dataset, ("ffffffffffff-0001", "drop"))
        assert kept(studio, dataset) == KEPT

    def test_several_that_are_ticked_are_decided_of_at_once(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        asked = (studio, "keep", ANN, dataset.id, "selected", None)
        with pytest.raises(BadInput, match="No segment is ticked"):
            reviewing.on_bulk(*asked, "[]", *reviewing.EVERYTHING)
        shown = reviewing.on_bulk(*asked, json.dumps([NOISY, SHORT]), *reviewing.EVERYTHING)
        assert shown[2] == gr.skip()  # a question that was asked meanwhile stays
        assert kept(studio, dataset) == KEPT | {NOISY, SHORT}

    def test_all_that_a_filter_shows_are_asked_about_first(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        dropped = ("dropped", *reviewing.EVERYTHING[1:])
        shown = reviewing.on_bulk(studio, "drop", ANN, dataset.id, "all", None, "[]", *dropped)
        assert "Drop all 3 segments" in shown[1]
        assert reviews(studio, dataset) == {}
        reviewing.on_bulk_yes(studio, ANN, dataset.id, "drop", *dropped)
        assert {each for each, said in reviews(studio, dataset).items() if said.kept is False} == {
            MUTE,
            NOISY,
            SHORT,
        }

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"state": "kept", "order": "time"}, [FIRST, HOSTILE]),
            ({"reason": "noise"}, [NOISY]),
            ({"order": "duration"}, [SHORT]),
            ({"order": "snr_db"}, [NOISY]),
            ({"text": "sentence 1 of hall"}, [NOISY]),
            ({"speaker": "Bob", "reason": "short"}, [SHORT]),
            ({"source": ROOM.id, "state": "dropped"}, [MUTE]),
        ],
    )
    def test_filters_and_orders(
        self, studio: Studio, dataset: Dataset, asked: dict[str, str], found: list[str]
    ) -> None:
        names = ("state", "reason", "order", "text", "source", "speaker")
        plain = dict(zip(names, reviewing.EVERYTHING, strict=True))
        page = str(reviewing.on_list(studio, 0, ANN, dataset.id, 0, *(plain | asked).values())[0])
        places = [page.index(f'data-id="{each}"') for each in found]
        assert places == sorted(places)
        first = page.index("data-id=")
        assert page.startswith(f'data-id="{found[0]}"', first)

    def test_a_reason_in_the_chart_shows_its_segments(self, studio: Studio, dataset: Dataset) -> None:
        shown = reviewing.on_reason(studio, ANN, dataset.id, "noise 3")
        assert shown[:3] == ["dropped", "noise", "worst"]
        assert shown[6].count('class="timbre-clip"') == 1

    def test_a_page_of_ten_thousand_is_small_and_quick(self, studio: Studio) -> None:
        many = [segment(ROOM, number, snr_db=number % 40) for number in range(10_000)]
        made = studio.datasets.create("Many", "ann")
        folder = training_sets.build(studio.workspace.datasets / made.id, many[:25], [ROOM])
        ledger = folder.read_ledger()
        folder.write_ledger(replace(ledger, segments=tuple(many)))
        reviewing.on_list(studio, 0, ANN, made.id, 0, *reviewing.EVERYTHING)  # reads the ledger
        begun = time.process_time()
        page = reviewing.on_list(studio, 1, ANN, made.id, 9_900, "", "", "time", "", "", "")
        assert time.process_time() - begun < 0.5
        assert "9,926 to 9,950 of 10,000" in page[1]
        assert len(page[0]) < 100_000


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
        exporting.on_export(studio, ANN, dataset.id, "ljspeech")
        until(lambda: exporting.newest(studio, ANN).state.finished)  # type: ignore[union-attr]
        task = exporting.newest(studio, ANN)
        assert task is not None
        assert task.state is TaskState.DONE, task.error
        assert Path(task.result).name.endswith("-ljspeech.zip")
        assert "gradio_api/file=" in exporting.status(task)
        assert exporting.newest(studio, BOB) is None

    def test_what_cannot_be_exported_says_why_and_leaves_nothing(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        acted(studio, dataset, (FIRST, "drop"), (HOSTILE, "drop"))
        exporting.on_export(studio, ANN, dataset.id, "zip")
        until(lambda: exporting.newest(studio, ANN).state.finished)  # type: ignore[union-attr]
        assert "Nothing is kept" in exporting.status(exporting.newest(studio, ANN))
        assert not list((studio.workspace.gradio_temp / "exports").iterdir())


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


class TestSound:
    def test_a_ticket_is_the_owner_s_and_opens_one_thing(self) -> None:
        tickets = Tickets()
        ticket = tickets.issue("dataset", "a", "ann")
        assert ticket == tickets.issue("dataset", "a", "ann")
        assert ticket not in {tickets.issue("dataset", "b", "ann"), tickets.issue("run", "a", "ann")}
        for owner in ("ann", None):
            assert tickets.redeem("dataset", ticket, owner) == ("a", "ann")
        wrong = (("dataset", ticket, "bob"), ("run", ticket, "ann"), ("dataset", "0" * 32, "ann"))
        for kind, given, owner in wrong:
            with pytest.raises(NotFound):
                tickets.redeem(kind, given, owner)

    def test_an_address_tells_nothing_of_whose_it_is(self) -> None:
        assert "ann" not in audio_address("set", "ann", FIRST).split("/")


def a_job(studio: Studio) -> Job:
    return studio.jobs.store.create("training.prepare.job:run", {}, title="Build", kind="dataset")


def test_progress_at_the_end_of_a_build_tells_the_page_to_look_again(
    studio: Studio, dataset: Dataset
) -> None:
    *now, ended = choosing.on_tick(studio, ANN, dataset.id, "x:1:going", 3)
    assert ended == 4
    assert choosing.on_tick(studio, ANN, dataset.id, now[0], 4)[-1] == 4
