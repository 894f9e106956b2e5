"""The Transcribe and Pronunciation tabs in a real browser, as a person uses them."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import srt
import webvtt
from playwright.sync_api import Browser, Page, expect

from engines.recognition import Segment, Word
from studio.control import Control
from studio.services.studio import Studio
from studio.services.transcripts import Transcript, TranscriptRecord
from studio.settings import load_settings
from studio.text.pronunciation import Entry
from tests.audio_files import compressed
from tests.browsing import (
    assert_fits,
    assert_legible,
    desktop,
    downloaded,
    opened,
    phone,
)
from tests.running import Server
from tests.spoken import REAL, saved, silence, spoken

TEXT = "We will see you at the station this morning."
KEPT = "Minutes of Monday.wav"
#: Parts are recognised as they come, so that text is there before the end.
SHORT_PARTS = {"TIMBRE_MAX_SEGMENT_S": "3"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = [spoken(), silence(0.6)] * 3
    return saved(tmp_path_factory.mktemp("sound") / "station.wav", np.concatenate(parts))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, recording: Path) -> Path:
    """A home with a lexicon of one word, and a transcript of several segments for each test that
    changes one."""
    folder = tmp_path_factory.mktemp("transcribe")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as studio:
        studio.lexicon.add(Entry("SQL", respelling="sequel"))
        keep(studio, recording, KEPT)
        keep(studio, recording, "Looked at.wav")
    return folder / "home"


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with Server(home, TIMBRE_MODELS_DIR=str(home / "models"), **SHORT_PARTS) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def keep(studio: Studio, recording: Path, name: str) -> None:
    """A transcript as a good recognizer would have made it, one word of each segment unsure."""
    duration = soundfile.info(recording).duration
    step = duration / 3
    segments = []
    for number in range(3):
        said = TEXT.split()
        words = [
            Word(word, number * step + n * 0.25, number * step + n * 0.25 + 0.25, 0.3 if n == 6 else 0.9)
            for n, word in enumerate(said)
        ]
        segments.append(Segment(TEXT, words[0].start, words[-1].end, tuple(words), 0.8, "en"))
    transcript = Transcript(tuple(segments), "en", None, duration)
    record = TranscriptRecord(
        id=secrets.token_hex(16), created=time.time(), owner="", name=name, recording="",
        engine="pocketsphinx", model="", task="transcribe", transcript=transcript,
        recognised=duration, seconds=1.0, status="done", settings={}, raw_text=transcript.text,
        text=transcript.text, file="",
    )  # fmt: skip
    history = studio.transcripts.history
    history.add(record, history.take_in(recording, studio.workspace.spool / record.id, Control()))


def give(page: Page, recording: Path) -> None:
    page.locator("#transcribe-audio input[type=file]").set_input_files(recording)
    page.locator("#transcribe-audio .waveform-container, #transcribe-audio canvas").first.wait_for(
        state="attached"
    )


def reopened(page: Page, address: str, name: str) -> Page:
    """The page with an earlier transcript open."""
    opened(page, address, "transcribe")
    page.locator("#transcribe-kept button").first.click()
    page.locator("#transcribe-list label").filter(has_text=name).click()
    expect(page.locator("#transcribe-head h3")).to_have_text(name)
    return page


def rows(page: Page) -> list[str]:
    return page.locator(".timbre-segment span:last-child").all_inner_texts()


def test_a_recording_becomes_text_before_one_s_eyes(page: Page, address: str, recording: Path) -> None:
    opened(page, address, "transcribe")
    expect(page.locator("#transcribe-engine-note")).to_contain_text("draft")
    page.locator("#transcribe-generate").click()
    expect(page.get_by_text("There is no recording", exact=False).first).to_be_visible()
    give(page, recording)
    page.locator("#transcribe-generate").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#transcribe-status progress")).to_be_visible()
    expect(page.locator(".timbre-partial")).to_contain_text("morning")
    page.reload()  # loses nothing
    expect(page.locator("#transcribe-status")).to_contain_text("Done")
    expect(page.locator("#transcribe-status")).to_contain_text("real-time factor")
    expect(page.locator("#transcribe-status")).to_contain_text("taken for English")
    expect(page.locator("#transcribe-head h3")).to_have_text("station.wav")
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(re.compile("morning"))
    assert len(rows(page)) >= 2
    page.locator("#transcribe-delete").click()
    page.locator("#transcribe-delete-no").click()
    expect(page.locator("#transcribe-sure")).to_be_hidden()
    page.locator("#transcribe-delete").click()
    page.locator("#transcribe-delete-yes").click()
    expect(page.locator("#transcribe-result")).to_be_hidden()


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_a_real_recording_is_written_down(page: Page, address: str) -> None:
    opened(page, address, "transcribe")
    give(page, REAL / "LJ001-0002.flac")
    page.locator("#transcribe-generate").click()
    expect(page.locator("#transcribe-text textarea")).to_have_value(re.compile("modern"))


def test_a_long_recording_can_be_stopped(page: Page, address: str, recording: Path) -> None:
    opened(page, address, "transcribe")
    sound, rate = soundfile.read(recording)
    long = recording.with_name("long.flac")
    soundfile.write(long, np.tile(sound, 40), rate)
    give(page, long)
    page.locator("#transcribe-generate").click()
    page.locator(".timbre-partial").wait_for()
    page.locator("#transcribe-stop").click()
    expect(page.locator("#transcribe-status")).to_contain_text("Stopped; kept what was recognised")
    expect(page.locator("#transcribe-generate")).to_be_enabled()
    expect(page.locator("#transcribe-head")).to_contain_text("stopped at")


def test_a_film_without_speech_says_so(page: Page, address: str, tmp_path: Path) -> None:
    film = compressed(tmp_path / "film.mp4", "aac", "mp4", video=True)
    opened(page, address, "transcribe")
    page.locator("#transcribe-other button").first.click()
    page.locator("#transcribe-file input[type=file]").set_input_files(film)
    expect(page.locator("#transcribe-file")).to_contain_text("film")
    page.locator("#transcribe-generate").click()
    expect(page.locator("#transcribe-segments")).to_contain_text("No speech was found")


def test_segments_are_heard_corrected_split_and_merged(page: Page, address: str) -> None:
    reopened(page, address, KEPT)
    assert rows(page) == [TEXT] * 3
    expect(page.locator(".timbre-segment mark").first).to_have_text("station")
    page.locator(".timbre-segment").first.focus()  # all by keyboard
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#transcribe-segment")).to_contain_text("Segment 2 of 3")
    page.locator("#transcribe-segment-play").press("Enter")
    page.wait_for_function("document.querySelector('#transcribe-segment audio').currentTime > 0.1")
    assert 2 < page.evaluate("document.querySelector('#transcribe-segment audio').duration") < 2.5
    box = page.locator("#transcribe-segment-text textarea")
    box.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("We shall meet you at the station.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timbre-segment").nth(1)).to_contain_text("We shall meet")
    box.focus()
    box.evaluate("(box) => box.setSelectionRange(18, 18)")  # before "at"
    page.locator("#transcribe-segment-split").press("Enter")
    expect(page.locator("#transcribe-segment")).to_contain_text("Segment 3 of 4")
    assert rows(page)[1:3] == ["We shall meet you", "at the station."]
    page.locator("#transcribe-segment-previous").press("Enter")
    expect(page.locator("#transcribe-segment")).to_contain_text("Segment 2 of 4")
    page.locator("#transcribe-segment-merge").press("Enter")
    expect(page.locator("#transcribe-segment")).to_contain_text("Segment 2 of 3")
    page.locator("#transcribe-note textarea, #transcribe-note input").first.fill("checked by ear")
    page.locator("#transcribe-save-note").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    page.reload()
    expect(page.locator(".timbre-segment").nth(1)).to_contain_text("We shall meet you at the station.")
    expect(page.locator("#transcribe-text textarea")).to_have_value(re.compile("We shall meet"))
    expect(page.locator("#transcribe-raw textarea")).not_to_have_value(re.compile("shall"))
    expect(page.locator("#transcribe-note textarea, #transcribe-note input").first).to_have_value(
        "checked by ear"
    )


def test_a_transcript_is_taken_away_and_sent_to_other_tabs(page: Page, address: str) -> None:
    reopened(page, address, "Looked at.wav")
    paths = {
        key: downloaded(page, f"#transcribe-downloads a[href$='format={key}']")
        for key in ("txt", "srt", "vtt", "tsv", "json")
    }
    assert paths["txt"].name == "looked-at.txt"
    assert TEXT in paths["txt"].read_text("utf-8")
    assert len(list(srt.parse(paths["srt"].read_text("utf-8")))) >= 3
    assert len(webvtt.read(str(paths["vtt"]))) >= 3
    assert len(paths["tsv"].read_text("utf-8").splitlines()) == 4
    assert len(json.loads(paths["json"].read_text("utf-8"))["segments"]) == 3
    page.locator("#transcribe-to-preset").click()
    expect(page.locator("#preset-text textarea")).to_have_value(re.compile(TEXT))
    page.get_by_role("tab", name="Transcribe", exact=True).click()
    page.locator("#transcribe-segment-reference").click()
    page.locator("#tab-clone").wait_for()
    expect(page.locator("#clone-ref-text textarea")).to_have_value(TEXT)
    expect(page.locator("#clone-ref-audio")).to_contain_text("0:02")
    page.locator("#clone-transcribe").click()  # by the recognizer, which is only a draft
    expect(page.get_by_text("It is a draft", exact=False).first).to_be_visible()
    expect(page.locator("#clone-ref-text textarea")).not_to_have_value(TEXT)


def test_a_word_is_added_to_the_lexicon_and_heard_of(page: Page, address: str) -> None:
    opened(page, address, "lexicon")
    expect(page.locator("#lexicon-table")).to_contain_text("sequel")
    page.locator("#lexicon-word :is(input, textarea)").fill("Nguyen")
    page.locator("#lexicon-respelling :is(input, textarea)").fill("win")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#lexicon-table")).to_contain_text("Nguyen")
    page.locator("#lexicon-text textarea").fill("Nguyen's SQL.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#lexicon-said mark")).to_have_text(["win", "sequel"])
    page.get_by_role("button", name="Nguyen", exact=True).press("Enter")
    expect(page.locator("#lexicon-caption")).to_contain_text("Change “Nguyen”")
    page.locator("#lexicon-delete").click()
    page.locator("#lexicon-delete-yes").click()
    expect(page.locator("#lexicon-table")).not_to_contain_text("Nguyen")
    expect(page.locator("#lexicon-sure")).to_be_hidden()
    page.locator("#lexicon-files button").first.click()
    csv = downloaded(page, "#lexicon-files a[href$='format=csv']")
    assert "SQL,,sequel" in csv.read_text("utf-8-sig")
    csv.write_text("word,respelling\nGIF,jif\nbad,\n", "utf-8")
    page.locator("#lexicon-file input[type=file]").set_input_files(csv)
    expect(page.locator("#lexicon-file")).to_contain_text("lexicon")
    page.locator("#lexicon-import").click()
    expect(page.locator("#lexicon-report")).to_contain_text("1 added")
    expect(page.locator("#lexicon-report")).to_contain_text("Line 3")
    expect(page.locator("#lexicon-table")).to_contain_text("jif")


def test_both_tabs_fit_and_can_be_read(browser: Browser, address: str) -> None:
    with phone(browser) as page:
        reopened(page, address, "Looked at.wav")
        page.locator(".timbre-segment").first.wait_for()
        assert_legible(
            page,
            (".timbre-segment[aria-current=false] span", ".timbre-when", "#transcribe-head h3", "mark"),
        )
        assert_fits(page)
        page.get_by_role("tab", name="Pronunciation", exact=True).click()
        expect(page.locator("#lexicon-table")).to_contain_text("SQL")
        assert_legible(page, ("#lexicon-table td", "#lexicon-table .timbre-pick"))
        assert_fits(page)
