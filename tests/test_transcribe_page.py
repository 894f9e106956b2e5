"""The Transcribe tab from the handlers' side: from a recording to its text, the editor, and the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from studio.errors import BadInput, NotFound
from studio.services.studio import Studio
from studio.services.transcripts import TranscribeOrder, TranscriptRecord
from studio.settings import load_settings
from tabs import about, clone
from tabs.transcripts import choices, editing, keeping, notice, sending, starting, view
from tests.asking import ANN, BOB, Asker
from tests.llm_server import LlmServer
from tests.spoken import saved, spoken
from tests.transcribe_tab import SEGMENTS, kept, texts, two_parts


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("transcribe")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as opened:
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_parts(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is recognised four times as fast."""
    return saved(tmp_path_factory.mktemp("short") / "Short.wav", spoken("Good morning."))


@pytest.fixture
def record(studio: Studio, recording: Path) -> TranscriptRecord:
    """A transcript of ann's, with words as a good recognizer would have heard them."""
    return kept(studio, recording, "ann", SEGMENTS)


def edit(
    studio: Studio,
    record: TranscriptRecord,
    action: editing.Action,
    place: int,
    text: str,
    told: str = "",
) -> TranscriptRecord:
    """Press a button of the editor, as the page does."""
    now = studio.transcripts.history.get(record.id, "ann")
    seen = editing.stamp(now.transcript.segments)
    editing.on_edit(studio, action, ANN, record.id, place, seen, text, told)
    return studio.transcripts.history.get(record.id, "ann")


def form(**given: Any) -> tuple[list[str], list[Any]]:
    plain = {
        "audio": None, "file": None, "engine": "auto", "model": "", "language": "auto",
        "task": "transcribe", "process": False, "prompt": "", "words": True,
    }  # fmt: skip
    values = plain | given
    return list(values), list(values.values())


def test_a_recording_goes_from_the_form_to_the_result(studio: Studio, recording: Path) -> None:
    names, values = form(audio=str(recording), language="en")
    running, _, _ = starting.on_transcribe(studio, names, ANN, False, *values)
    seen = list(starting.on_follow(studio, ANN, running))
    status, finished, start, stop = seen[-1]
    assert finished == running
    assert "Done" in status
    assert "real-time factor" in status
    assert "the best that is installed for English" in status
    assert (start.interactive, stop.interactive) == (True, False)
    assert not seen[0][2].interactive
    column, shown, transcript_id, head, raw, links, *_ = editing.on_open(studio, ANN, False, finished)
    assert column.visible
    assert shown
    assert transcript_id == running
    assert "Two parts.wav" in head
    assert "morning" in raw
    assert links.count("<a ") == 6


def test_nothing_is_started_without_a_recording(studio: Studio) -> None:
    names, values = form()
    with pytest.raises(BadInput, match="no recording"):
        starting.on_transcribe(studio, names, ANN, False, *values)


def test_a_stranger_neither_follows_nor_resumes_nor_opens(studio: Studio, short: Path) -> None:
    running = studio.transcripts.start(TranscribeOrder(short), "ann")
    assert all(not isinstance(value, str) for value in next(starting.on_follow(studio, BOB, running)))
    assert starting.on_resume(studio, BOB, running) == ("", "")
    list(studio.transcripts.follow(running))
    assert starting.on_resume(studio, ANN, running) == (running, running)
    with pytest.raises(NotFound):
        editing.on_open(studio, BOB, False, running)


@pytest.mark.parametrize("remembered", ["", "0" * 32, "../../timbre.db", "\x00", "' OR 1=1", "😀" * 50])
def test_a_window_remembers_nothing_that_is_not_there(studio: Studio, remembered: str) -> None:
    assert starting.on_resume(studio, ANN, remembered) == ("", "")


def test_the_recognizer_is_told_before_it_starts(studio: Studio) -> None:
    about_it, sizes, _, *rest = notice.on_models(
        studio, ANN, False, "auto", "", None, "auto", "transcribe"
    )
    assert "taken for English" in about_it
    assert [value for _, value in sizes.choices] == [""]
    assert not rest[1]


@pytest.mark.parametrize(
    ("engine", "language", "task", "words", "offered"),
    [
        ("auto", "de", "transcribe", "writes down German", "whisper-turbo"),
        ("auto", "de", "translate", "translates German", "whisper-medium"),
        ("whisper", "en", "transcribe", "Whisper needs a model", "whisper-turbo"),
    ],
)
def test_a_missing_model_is_offered(
    studio: Studio, engine: str, language: str, task: str, words: str, offered: str
) -> None:
    _, _, _, block, shown, text, which, download, *_ = notice.on_models(
        studio, ANN, False, engine, "", None, language, task
    )
    assert block.visible
    assert shown
    assert words in text
    assert which.value == offered
    assert "Download" in download.value


def test_an_optional_recognizer_says_what_is_missing(studio: Studio) -> None:
    labels = {value: label for label, value in choices.engines(studio)}
    assert "draft" in labels["pocketsphinx"]
    if "not installed" in labels["faster_whisper"]:
        said = notice.on_models(studio, ANN, False, "faster_whisper", "", None, "auto", "transcribe")[0]
        assert "pip install faster-whisper" in said


def test_what_can_be_chosen_follows_the_recognizer(studio: Studio) -> None:
    languages, tasks = starting.on_engine(studio, "pocketsphinx", "de", "translate")
    assert (languages.value, tasks.value) == ("auto", "transcribe")
    assert [value for _, value in tasks.choices] == ["transcribe"]
    languages, tasks = starting.on_engine(studio, "whisper", "de", "translate")
    assert (languages.value, tasks.value) == ("de", "translate")
    assert starting.on_models_group(studio, "whisper").visible
    assert not starting.on_models_group(studio, "auto").visible
    with pytest.raises(NotFound):
        choices.needs(studio, "no-such", "de", "transcribe")


def test_unsure_words_are_marked_and_what_was_said_is_inert(
    studio: Studio, record: TranscriptRecord
) -> None:
    rows = view.segments(record.transcript.segments, 0)
    assert '<mark title="20% sure">will</mark>' in rows
    assert rows.count("<mark") == 2
    assert f"{len(record.transcript.segments)} segments." in rows
    assert "1 segment." in view.segments(record.transcript.segments[:1], 0)
    assert "&lt;b&gt;the&lt;/b&gt;" in rows
    for html in (rows, view.head(record)):
        assert "<b>the" not in html
        assert "<img" not in html
    listed = keeping.on_list(studio, None, ANN, "station", "", 0)[0]
    assert record.id in [value for _, value in listed.choices]


def test_a_text_is_corrected_and_the_files_follow(studio: Studio, record: TranscriptRecord) -> None:
    changed = edit(studio, record, editing.save, 0, "We shall see you at the station.")
    assert texts(changed)[0] == "We shall see you at the station."
    assert changed.text.startswith("We shall see you at the station.\n")
    assert changed.raw_text == record.raw_text
    assert studio.transcripts.history.path(changed).read_text("utf-8") == f"{changed.text}\n"


def test_what_was_typed_is_kept_when_another_segment_is_chosen(
    studio: Studio, record: TranscriptRecord
) -> None:
    assert texts(edit(studio, record, editing.go, 0, "Typed.", "1"))[0] == "Typed."
    assert texts(edit(studio, record, editing.go, 0, "   ", "1"))[0] == "Typed."
    assert texts(edit(studio, record, editing.save, 0, "   ")) == [SEGMENTS[1].text]


def test_segments_are_split_at_the_cursor_and_merged(studio: Studio, record: TranscriptRecord) -> None:
    text = SEGMENTS[0].text
    halves = edit(studio, record, editing.split, 0, text, str(text.index("at")))
    assert texts(halves)[:2] == ["We will see you", "at the station this morning."]
    times = [(each.start, each.end) for each in halves.transcript.segments]
    assert times == sorted(times)
    assert texts(edit(studio, record, editing.merge, 0, "We will see you")) == texts(record)


@pytest.mark.parametrize(
    ("text", "told", "place"),
    [("one two", "4", 4), ("one  two", "5", 4), ("😀 two", "3", 2), ("one", "x", 0), ("", "9" * 40, 0)],
)
def test_a_browser_s_cursor_is_a_place_in_the_text(text: str, told: str, place: int) -> None:
    assert editing.character(text, told) == place


@pytest.mark.parametrize("told", ["2", "-1", "1.5", "", "' OR 1=1", "9" * 400])
def test_a_segment_that_is_not_there_is_refused(
    studio: Studio, record: TranscriptRecord, told: str
) -> None:
    with pytest.raises(BadInput, match="no such segment"):
        edit(studio, record, editing.go, 0, "", told)


def test_edits_follow_one_another(studio: Studio, record: TranscriptRecord) -> None:
    """What the page holds after an edit is what the next one is judged by, times rounded or not."""
    seen, text = editing.stamp(record.transcript.segments), SEGMENTS[0].text
    for _ in range(3):
        _, seen, *_ = editing.on_edit(studio, editing.split, ANN, record.id, 0, seen, text, "8")
        _, seen, *_ = editing.on_edit(studio, editing.merge, ANN, record.id, 0, seen, "", "")
    assert texts(studio.transcripts.history.get(record.id, "ann")) == texts(record)


def test_two_windows_do_not_write_over_one_another(studio: Studio, record: TranscriptRecord) -> None:
    seen = editing.stamp(record.transcript.segments)
    edit(studio, record, editing.save, 0, "Changed in another window.")
    with pytest.raises(BadInput, match="another window"):
        editing.on_edit(studio, editing.merge, ANN, record.id, 0, seen, "", "")


def test_a_corrected_text_stays_when_segments_change(studio: Studio, recording: Path) -> None:
    record = kept(studio, recording, "ann", SEGMENTS, text="Corrected by a model.")
    assert edit(studio, record, editing.save, 0, "Other.").text == "Corrected by a model."
    text, _ = editing.on_from_segments(studio, ANN, record.id)
    assert text.startswith("Other.\n")
    assert editing.on_save_text(studio, ANN, record.id, " By hand. ")[0] == "By hand."


def test_only_the_owner_changes_a_transcript(studio: Studio, record: TranscriptRecord) -> None:
    seen = editing.stamp(record.transcript.segments)
    for action in (
        lambda: editing.on_edit(studio, editing.save, BOB, record.id, 0, seen, "mine", ""),
        lambda: editing.on_save_text(studio, BOB, record.id, "mine"),
        lambda: editing.on_from_segments(studio, BOB, record.id),
        lambda: keeping.on_note(studio, BOB, record.id, "mine"),
        lambda: keeping.on_delete(studio, BOB, True, record.id),
        lambda: sending.on_reference(studio, BOB, record.id),
        lambda: sending.on_segment_reference(studio, BOB, record.id, 0, seen, ""),
    ):
        with pytest.raises(NotFound):
            action()
    assert studio.transcripts.history.get(record.id, "ann") == record


def test_the_list_pages_searches_and_forgets(studio: Studio, recording: Path) -> None:
    asker: Any = Asker("list")
    ids = [kept(studio, recording, "list", SEGMENTS).id for _ in range(keeping.PAGE_SIZE + 2)]
    listed, empty, newer, older, offset = keeping.on_list(studio, None, asker, "", ids[-1], 0)
    assert len(listed.choices) == keeping.PAGE_SIZE
    assert listed.value == ids[-1]
    assert (empty, newer.interactive, older.interactive) == ("", False, True)
    listed, _, newer, older, _ = keeping.on_list(studio, 1, asker, "", "", offset)
    assert [value for _, value in listed.choices] == [ids[1], ids[0]]
    assert (newer.interactive, older.interactive) == (True, False)
    keeping.on_note(studio, asker, ids[0], "The Minutes")
    assert [value for _, value in keeping.on_list(studio, None, asker, "minutes", "", 0)[0].choices] == [
        ids[0]
    ]
    column, shown, left = keeping.on_delete(studio, asker, True, ids[0])
    assert (column.visible, shown, left) == (False, False, "")
    assert "No transcript matches" in keeping.on_list(studio, None, asker, "minutes", "", 0)[1]


def test_a_transcript_becomes_a_reference(studio: Studio, record: TranscriptRecord) -> None:
    path, text, voice = sending.on_reference(studio, ANN, record.id)
    assert voice == "", "it is not that of a saved voice"
    assert text == record.text
    assert soundfile.info(path).duration == pytest.approx(record.transcript.duration, abs=0.01)
    seen = editing.stamp(record.transcript.segments)
    path, text, _ = sending.on_segment_reference(studio, ANN, record.id, 1, seen, " As typed. ")
    assert text == "As typed."
    assert soundfile.info(path).duration == pytest.approx(1.4, abs=0.01)
    assert studio.workspace.gradio_temp in Path(path).parents


def test_the_clone_tab_has_its_reference_written_down(studio: Studio, recording: Path) -> None:
    assert "morning" in clone.on_transcribe(studio, str(recording), 0, 0)
    assert "morning" not in clone.on_transcribe(studio, str(recording), 4, 0)
    assert sorted(recording.parent.iterdir()) == [recording]
    with pytest.raises(BadInput, match="no reference"):
        clone.on_transcribe(studio, None, 0, 0)


def test_the_language_model_is_told_of(tmp_path: Path, short: Path) -> None:
    with LlmServer() as server:
        settings = load_settings(
            home=tmp_path / "home", llm_url=server.url, llm_model="<i>small</i>", llm_api_key="sesame"
        )
        with Studio(settings) as opened:
            said = about._language_model(opened)
            assert server.url.removeprefix("http://") in said
            assert "transcripts: on, texts before speech: off" in said
            assert "sesame" not in said
            assert "<i>" not in said
            for process in (True, False):
                names, values = form(audio=str(short), process=process)
                running, _, _ = starting.on_transcribe(opened, names, None, False, *values)
                finished = list(starting.on_follow(opened, None, running))[-1][1]
                shown = editing.on_open(opened, None, False, finished)
                raw, text = shown[4], shown[9]
                assert text == (raw.upper() if process else raw) != ""
