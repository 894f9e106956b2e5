"""Promises of the data sets' service, on ledgers written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.dataset.config import as_built
from studio.dataset.ledger import DatasetFolder, Ledger
from studio.dataset.metadata import read_metadata
from studio.dataset.values import Limits, PrepareSettings, Segment, Source
from studio.errors import BadInput, NotFound
from studio.library import Library
from studio.services.dataset_values import Dataset, SegmentQuery
from studio.services.studio import Studio
from tests.audio_files import wav

ONE, TWO = "1" * 12, "2" * 12


def segment(number: int, source: str = ONE, **measures: Any) -> Segment:
    """One that is kept, unless `measures` say otherwise."""
    good: dict[str, Any] = {
        "start": 5.0 * number,
        "end": 5.0 * number + 4,
        "speaker": "Ann",
        "snr_db": 30.0,
        "loudness_lufs": -20.0,
        "speech_share": 0.9,
        "bandwidth_hz": 8_000.0,
        "text": f"Sentence number {number}.",
        "language": "en",
        "confidence": 0.9,
    }
    return Segment(id=f"{source}-{number:04}", source=source, **(good | measures))


SEGMENTS = (
    segment(1),
    segment(2, snr_db=4.0),
    segment(3, text=""),
    segment(1, TWO, snr_db=12.0, speaker="Bob"),
    segment(2, TWO, snr_db=-3.0, text="A loud hall."),
)
SOURCES = (
    Source(ONE, "one.wav", "1" * 64, 10, duration=30.0, speech_s=20.0),
    Source(TWO, "two.wav", "2" * 64, 10, duration=30.0, speech_s=20.0),
    Source("3" * 12, "bad.wav", "3" * 64, 10, problem="It is no recording.", hint="Choose another."),
)


def fill(studio: Studio, dataset: Dataset, segments: tuple[Segment, ...] = SEGMENTS) -> DatasetFolder:
    """What a build leaves."""
    folder = DatasetFolder(studio.workspace.datasets / dataset.id)
    for each in segments:
        wav(folder.dropped / f"{each.id}.wav", np.zeros(100, np.float32))
    folder.write_ledger(Ledger(SOURCES, segments, "en"))
    library = Library(studio.workspace.datasets, "data set", 1)
    library.change(dataset.id, lambda config, _: config | {"built": as_built(config, ["A note."])})
    studio.datasets.apply(dataset.id, dataset.owner, Limits())
    return folder


@pytest.fixture
def built(studio: Studio) -> Dataset:
    dataset = studio.datasets.create("Ann reads", "")
    (studio.workspace.datasets / dataset.id / "dropped").mkdir()
    fill(studio, dataset)
    return studio.datasets.get(dataset.id, "")


def ids(studio: Studio, dataset: Dataset, **query: Any) -> list[str]:
    page = studio.datasets.segments(dataset.id, "", SegmentQuery(**query))
    assert page.total == len(page.ids)
    return [row.segment.id for row in page.rows]


def kept_files(studio: Studio, dataset: Dataset) -> list[str]:
    rows = read_metadata(studio.workspace.datasets / dataset.id)
    return sorted(row.audio for row in rows)


def test_a_new_set_has_a_name_settings_and_its_inputs_where_they_lie(
    studio: Studio, tmp_path: Path
) -> None:
    settings = PrepareSettings(target="qwen", language="de")
    made = studio.datasets.create("Zoë 😀", "ann", settings, [tmp_path])
    assert studio.datasets.get("zoë 😀", "ann") == made == studio.datasets.get(made.id, "ann")
    assert (made.state, made.stale, made.settings, made.target) == ("new", "", settings, "qwen")
    assert [(each.path, each.uploaded, each.missing) for each in made.inputs] == [
        (str(tmp_path), False, False)
    ]
    assert (made.segments, made.kept_s, made.mean_snr_db, made.kept_share) == (0, 0, None, 0)


def test_sets_are_their_owners(studio: Studio) -> None:
    made = studio.datasets.create("Mine", "ann")
    studio.datasets.create("Mine", "bob")
    assert [each.id for each in studio.datasets.list("ann")] == [made.id]
    for call in (studio.datasets.get, studio.datasets.delete, studio.datasets.size):
        with pytest.raises(NotFound):
            call(made.id, "bob")
    with pytest.raises(BadInput, match="already"):
        studio.datasets.create("MINE", "ann")


def test_what_is_not_there_cannot_be_an_input(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        studio.datasets.create("Set", "", inputs=[tmp_path / "none.wav"])
    with pytest.raises(BadInput, match="folder"):
        studio.datasets.create("Set", "", inputs=[tmp_path], copy=True)
    assert studio.datasets.list("") == ()
    made = studio.datasets.create("Set", "")
    with pytest.raises(BadInput, match="nothing to build"):
        studio.datasets.build(made.id, "")


def test_uploads_are_copied_under_names_that_any_disk_can_have(studio: Studio, tmp_path: Path) -> None:
    names = [".hidden.wav", "a\nb:\u202egnp.wav", "talk.srt", "talk.wav", "many.zip", "x" * 250 + ".wav"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    made = studio.datasets.create("Set", "", inputs=[tmp_path / name for name in names[:3]], copy=True)
    made = studio.datasets.add(made.id, "", [tmp_path / name for name in names[3:]], copy=True)
    found = {each.name: each for each in made.inputs}
    assert sorted(found) == [
        "a b_gnp.wav",
        "hidden.wav",
        "many.zip",
        "talk.srt",
        "talk.wav",
        "x" * 176 + ".wav",
    ]
    assert all(each.uploaded and not each.missing for each in made.inputs)
    for name in names:
        (tmp_path / name).unlink()
    root = studio.workspace.datasets / made.id
    assert (root / found["talk.wav"].path).read_bytes() == b"talk.wav"
    assert found["talk.wav"].path.rpartition("/")[0] == found["talk.srt"].path.rpartition("/")[0]


def test_an_upload_of_a_taken_name_does_not_replace_the_other(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "take.wav"
    file.write_bytes(b"one")
    made = studio.datasets.create("Set", "", inputs=[file], copy=True)
    studio.datasets.add(made.id, "", [file], copy=True)
    file.write_bytes(b"two")
    made = studio.datasets.add(made.id, "", [file], copy=True)
    assert [each.name for each in made.inputs] == ["take (2).wav", "take.wav"]


def test_an_input_is_removed_and_what_lies_elsewhere_stays_there(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "take.wav"
    file.write_bytes(b"one")
    made = studio.datasets.create("Set", "", inputs=[file], copy=True)
    made = studio.datasets.add(made.id, "", [file])
    for each in made.inputs:
        made = studio.datasets.remove_input(made.id, "", each.path)
    assert made.inputs == ()
    assert file.exists()
    assert not [*(studio.workspace.datasets / made.id).rglob("*.wav")]
    with pytest.raises(NotFound):
        studio.datasets.remove_input(made.id, "", str(file))


def test_the_summary_counts_what_is_kept(studio: Studio, built: Dataset) -> None:
    [summary] = studio.datasets.list("")
    assert summary == built
    assert (built.state, built.stale, built.notes) == ("ready", "", ("A note.",))
    assert (built.recordings, built.segments, built.kept) == (2, 5, 2)
    assert (built.total_s, built.kept_s, built.kept_share) == (20.0, 8.0, 0.4)
    assert (built.language, built.speakers, built.mean_snr_db) == ("en", ("Ann", "Bob"), 21.0)
    assert [source.problem for source in built.sources] == ["", "", "It is no recording."]


def test_pages_filters_and_orders(studio: Studio, built: Dataset) -> None:
    everything = [each.id for each in SEGMENTS]
    assert ids(studio, built) == everything
    assert ids(studio, built, descending=True) == everything[::-1]
    assert ids(studio, built, limit=2, order="time")[0] == everything[0]
    page = studio.datasets.segments(built.id, "", SegmentQuery(offset=2, limit=2))
    assert [row.segment.id for row in page.rows] == everything[2:4]
    assert (page.total, page.seconds, page.rows[1].source_name) == (5, 20.0, "two.wav")
    assert ids(studio, built, kept=True) == [everything[0], everything[3]]
    assert ids(studio, built, reason="noise") == [everything[1], everything[4]]
    assert ids(studio, built, source=TWO, kept=False) == [everything[4]]
    assert ids(studio, built, speaker="Bob") == [everything[3]]
    assert ids(studio, built, text="HALL loud") == [everything[4]]
    by_snr = ids(studio, built, order="snr_db")
    assert by_snr[:2] == [everything[4], everything[1]]
    assert ids(studio, built, order="text")[-1] == everything[2], "what has none comes last"
    assert ids(studio, built, offset=50) == []


def test_the_worst_comes_first(studio: Studio, built: Dataset) -> None:
    noisiest, wordless = SEGMENTS[4].id, SEGMENTS[2].id
    order = ids(studio, built, order="worst")
    assert order[:3] == [noisiest, wordless, SEGMENTS[1].id]
    assert order[3:] == [SEGMENTS[3].id, SEGMENTS[0].id]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"offset": -1}, {"limit": 10_000}, {"order": "colour"}])
def test_queries_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        SegmentQuery(**wrong)


def test_decisions_count_at_once_and_can_be_taken_back(studio: Studio, built: Dataset) -> None:
    noisy, good = SEGMENTS[1].id, SEGMENTS[0].id
    assert studio.datasets.decide(built.id, "", [noisy], True).kept == 3
    assert studio.datasets.decide(built.id, "", [good], False).kept == 2
    assert f"wavs/{noisy}.wav" in kept_files(studio, built)
    assert f"wavs/{good}.wav" not in kept_files(studio, built)
    [row] = studio.datasets.segments(built.id, "", SegmentQuery(text="number 2")).rows
    assert (row.verdict.kept, row.verdict.by_hand) == (True, True)
    assert [reason.code for reason in row.verdict.reasons] == ["noise"]
    assert studio.datasets.audio(built.id, "", good).is_file()
    assert studio.datasets.decide(built.id, "", [noisy, good], None).kept == 2
    assert f"wavs/{good}.wav" in kept_files(studio, built)


def test_a_text_is_edited_at_once_and_stays_beside_a_decision(studio: Studio, built: Dataset) -> None:
    wordless = SEGMENTS[2].id
    assert studio.datasets.edit_text(built.id, "", wordless, " =Now\nit  speaks. ").kept == 3
    studio.datasets.decide(built.id, "", [wordless], False)
    studio.datasets.decide(built.id, "", [wordless], None)
    rows = studio.datasets.segments(built.id, "", SegmentQuery(text="speaks")).rows
    assert [(row.segment.id, row.text, row.edited) for row in rows] == [
        (wordless, "=Now it speaks.", True)
    ]
    texts = [row.text for row in read_metadata(studio.workspace.datasets / built.id)]
    assert "=Now it speaks." in texts
    assert studio.datasets.edit_text(built.id, "", wordless, None).kept == 2


def test_segments_that_are_not_there_are_refused(studio: Studio, built: Dataset) -> None:
    for id in ("x", "../../config"):
        with pytest.raises(BadInput, match="no segment"):
            studio.datasets.decide(built.id, "", [SEGMENTS[0].id, id], False)
        with pytest.raises(BadInput, match="no segment"):
            studio.datasets.audio(built.id, "", id)
    assert studio.datasets.get(built.id, "").kept == 2


def test_limits_are_tried_without_a_trace_and_applied(studio: Studio, built: Dataset) -> None:
    loose = Limits(min_snr_db=None)
    assert studio.datasets.outlook(built.id, "", loose).kept == 4
    assert studio.datasets.get(built.id, "") == built
    assert studio.datasets.apply(built.id, "", loose).kept == 4
    assert len(kept_files(studio, built)) == 4
    assert studio.datasets.outlook(built.id, "").kept == 4


def test_settings_that_cut_otherwise_ask_for_another_build(studio: Studio, built: Dataset) -> None:
    settings = replace(built.settings, eval_share=0.1, processes=1, limits=Limits(min_snr_db=3))
    assert studio.datasets.change(built.id, "", settings=settings, note="hm").stale == ""
    settings = replace(settings, max_s=8.0)
    assert "settings have changed" in studio.datasets.change(built.id, "", settings=settings).stale
    settings = replace(settings, max_s=11.0, limits=Limits(min_speaker_similarity=0.5))
    assert "voices" in studio.datasets.change(built.id, "", settings=settings).stale
    studio.datasets.apply(built.id, "", Limits())
    added = studio.datasets.add(built.id, "", [studio.workspace.home])
    assert "recordings have changed" in added.stale
    assert added.note == "hm"


def test_what_was_built_says_how_it_was_built_until_the_next_build(
    studio: Studio, built: Dataset
) -> None:
    settings = replace(built.settings, target="qwen", loudness_lufs=-25.0, limits=Limits(min_snr_db=3))
    changed = studio.datasets.change(built.id, "", settings=settings)
    assert (changed.settings, changed.kept) == (settings, 3)
    about = json.loads((studio.workspace.datasets / built.id / "dataset.json").read_text("utf-8"))
    assert (about["target"], about["sample_rate"]) == ("xtts", 22_050)
    assert (about["settings"]["loudness_lufs"], about["settings"]["limits"]["min_snr_db"]) == (-19, 3)


def test_a_new_name_is_that_of_its_files_too(studio: Studio, built: Dataset) -> None:
    assert studio.datasets.change(built.id, "", name="Berta").id == built.id
    about = json.loads((studio.workspace.datasets / built.id / "dataset.json").read_text("utf-8"))
    assert about["name"] == "Berta"


def test_a_copy_has_the_decisions_and_a_life_of_its_own(studio: Studio, built: Dataset) -> None:
    studio.datasets.decide(built.id, "", [SEGMENTS[1].id], True)
    copy = studio.datasets.duplicate(built.id, "", "Second")
    assert (copy.name, copy.kept, copy.segments, copy.state) == ("Second", 3, 5, "ready")
    studio.datasets.decide(copy.id, "", [each.id for each in SEGMENTS], False)
    assert studio.datasets.get(built.id, "").kept == 3
    assert studio.datasets.size(copy.id, "") > 0
    studio.datasets.delete(built.id, "")
    assert [each.name for each in studio.datasets.list("")] == ["Second"]
    assert studio.datasets.audio(copy.id, "", SEGMENTS[0].id).is_file()


def test_a_damaged_ledger_is_said_and_the_set_can_still_be_reached(
    studio: Studio, built: Dataset
) -> None:
    folder = DatasetFolder(studio.workspace.datasets / built.id)
    folder.ledger_file.write_text('{"kind": "seg')
    [summary] = studio.datasets.list("")
    assert "damaged" in summary.problem
    assert summary.segments == 0
    studio.datasets.delete(built.id, "")


def test_a_damaged_config_does_not_hide_the_others(studio: Studio, built: Dataset) -> None:
    other = studio.datasets.create("Other", "")
    (studio.workspace.datasets / other.id / "config.json").write_text("{}")
    assert [each.id for each in studio.datasets.list("")] == [built.id]
    assert [each.id for each in studio.datasets.damaged()] == [other.id]


@pytest.mark.parametrize("change", [{"settings": {"min_s": 99}}, {"settings": None}, {"inputs": None}])
def test_a_config_that_makes_no_sense_is_damaged(
    studio: Studio, built: Dataset, change: dict[str, Any]
) -> None:
    path = studio.workspace.datasets / built.id / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change))
    assert studio.datasets.list("") == ()
    assert [each.id for each in studio.datasets.damaged()] == [built.id]
