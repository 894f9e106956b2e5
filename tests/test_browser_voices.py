"""The Voices tab in a real browser, as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from studio.services.studio import Studio
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from tests.browsing import (
    assert_fits,
    assert_legible,
    desktop,
    downloaded,
    finished,
    generate,
    opened,
    phone,
)
from tests.running import Server
from tests.spoken import SENTENCE, saved, silence, spoken

ATTACK = "<img src=x onerror=window.attacked=1>"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sentence twice, 0.8 s of silence around each."""
    parts = [silence(0.8), spoken(), silence(0.8), spoken(), silence(0.8)]
    return saved(tmp_path_factory.mktemp("sound") / "clip.wav", np.concatenate(parts))


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, clip: Path, measure_once: Callable[[Path], None]
) -> Iterator[str]:
    """A studio with two voices, one of them named by somebody who means no good."""
    folder = tmp_path_factory.mktemp("voices")
    measure_once(folder / "home")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as studio:
        for name, tags in (("Anna", ("warm",)), (ATTACK, (ATTACK,))):
            voice = NewVoice(
                name, clip, 0.8, 3.4, transcript=f"{SENTENCE} {ATTACK}", tags=tags, note=ATTACK
            )
            studio.voices.create(voice, "")
    with Server(folder / "home", TIMBRE_MODELS_DIR=str(folder / "models")) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page
        assert page.evaluate("window.attacked") is None
        assert page.locator("img[src=x]").count() == 0


def fill(page: Page, name: str, text: str) -> None:
    page.locator(f"#voices-{name} :is(input, textarea)").first.fill(text)


def value(page: Page, name: str) -> str:
    return page.locator(f"#voices-{name} :is(input, textarea)").first.input_value()


def choose(page: Page, name: str) -> None:
    page.locator(".timbre-voice").filter(has_text=name).first.click()
    expect(page.locator("#voices-caption h3")).to_have_text(name)


def test_a_clip_becomes_a_voice_that_is_heard_given_away_and_deleted(
    page: Page, address: str, clip: Path
) -> None:
    opened(page, address, "voices")
    page.locator("#voices-audio input[type=file]").set_input_files(clip)
    page.locator("#voices-wave .timbre-waveform").wait_for()
    expect(page.locator("#voices-report")).to_contain_text("silence")
    # The part is chosen by keyboard; typing into the boxes moves the handles as well.
    start = page.get_by_role("slider", name="Start of the part")
    start.focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#voices-start :is(input, textarea)")).to_have_value("0.95")
    fill(page, "end", "3.4")
    end = page.get_by_role("slider", name="End of the part")
    expect(end).to_have_attribute("aria-valuenow", "3.40")
    expect(page.locator(".timbre-wave-part")).to_contain_text("0.95 s to 3.40 s")
    page.locator(".timbre-wave-play").click()
    page.wait_for_function("Number(document.querySelector('.timbre-waveform').dataset.heard) > 1.1")
    page.locator("#voices-transcribe").click()
    expect(page.locator("#voices-transcript textarea")).to_have_value(re.compile("morning"))
    fill(page, "name", "Zoë 😀")
    fill(page, "person", "Zoë Ray")
    page.locator("#voices-basis input").click()
    page.get_by_role("option", name="With their permission").click()
    page.locator("#voices-name :is(input, textarea)").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#voices-caption")).to_contain_text("Zoë Ray: permission")
    expect(page.locator("#voices-list")).to_contain_text("Zoë 😀")
    page.locator("#voices-audition").click()
    expect(page.locator("#voices-audition-sound .waveform-container")).to_be_visible()
    archive = downloaded(page, "#voices-export")
    assert archive.name == "zoe-grinning.zip"
    page.locator("#voices-delete").click()
    expect(page.locator("#voices-question")).to_contain_text("1 take in the history")
    page.locator("#voices-delete-yes").click()
    expect(page.locator("#voices-list")).not_to_contain_text("Zoë")
    expect(page.locator("#voices-sure")).to_be_hidden()
    page.locator("#voices-files button").first.click()
    page.locator("#voices-zip input[type=file]").set_input_files(archive)
    expect(page.locator("#voices-zip")).to_contain_text("zoe")
    page.locator("button#voices-import").click()
    expect(page.locator("#voices-caption h3")).to_have_text("Zoë 😀")


def test_a_recording_is_cleaned_up(page: Page, address: str, clip: Path) -> None:
    opened(page, address, "voices")
    page.locator("#voices-audio input[type=file]").set_input_files(clip)
    expect(page.locator("#voices-report")).to_contain_text(
        "silence"
    )  # while it looks, nothing can be pressed
    page.locator("#voices-clean").click()
    expect(page.locator("#voices-report .timbre-pair audio")).to_have_count(2)
    page.locator("#voices-use").click()
    expect(page.locator("#voices-wave .timbre-waveform")).not_to_have_attribute(
        "data-duration", re.compile(r"^[789]\.")
    )
    expect(page.locator("#voices-report")).to_contain_text("Good")


def test_voices_are_found_and_changed_and_their_names_are_text(page: Page, address: str) -> None:
    opened(page, address, "voices")
    choose(page, ATTACK)
    assert value(page, "note") == ATTACK
    page.locator("#voices-delete").click()
    expect(page.locator("#voices-question")).to_contain_text(ATTACK)
    page.locator("#voices-delete-no").click()
    expect(page.locator("#voices-sure")).to_be_hidden()
    fill(page, "name", "anna")  # taken, whatever the case
    page.locator("#voices-save").click()
    expect(page.get_by_text("already", exact=False).first).to_be_visible()
    fill(page, "search", "anna")
    expect(page.locator(".timbre-voice")).to_have_count(1)
    page.locator(".timbre-voice").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#voices-caption h3")).to_have_text("Anna")
    page.locator("#voices-favourite").click()
    expect(page.locator("#voices-list")).to_contain_text("★")
    page.locator("#voices-favourite").click()
    expect(page.locator("#voices-list")).not_to_contain_text("★")


def test_a_saved_voice_is_chosen_in_clone_and_a_take_becomes_one(page: Page, address: str) -> None:
    opened(page, address, "clone")
    page.locator("#clone-saved-voice input").click()
    page.get_by_role("option", name="Anna").click()
    expect(page.locator("#clone-ref-text textarea")).to_have_value(re.compile(SENTENCE))
    generate(page, "clone", "Good morning to you, and to all of your friends.")
    finished(page, "clone")
    page.get_by_role("tab", name="History", exact=True).click()
    page.locator("#history-takes label").filter(has_text="like Anna").first.click()
    page.locator("#history-audio .waveform-container").wait_for()
    page.locator("#history-voice button").first.click()
    page.locator("#history-voice-name :is(input, textarea)").fill("Anna again")
    page.locator("#history-voice-save").click()
    expect(page.get_by_text("Saved as the voice", exact=False).first).to_be_visible()
    page.get_by_role("tab", name="Voices", exact=True).click()
    choose(page, "Anna again")
    assert value(page, "transcript") == "Good morning to you, and to all of your friends."
    page.locator("#voices-delete").click()
    page.locator("#voices-delete-yes").click()
    expect(page.locator("#voices-list")).not_to_contain_text("Anna again")


def test_the_tab_fits_and_can_be_read(browser: Browser, address: str) -> None:
    with phone(browser) as page:
        opened(page, address, "voices")
        choose(page, "Anna")
        page.locator("#voices-wave .timbre-waveform").wait_for()
        assert_legible(
            page,
            (
                "#voices-caption h3",
                ".timbre-voice b",
                ".timbre-snippet",
                ".timbre-wave-part",
                ".timbre-tag",
            ),
        )
        assert_fits(page)
