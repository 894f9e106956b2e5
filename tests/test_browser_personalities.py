"""The Personalities tab in a real browser, as a new user has it, with the embedded engine."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.settings import load_settings
from tests.browsing import (
    assert_fits,
    assert_legible,
    desktop,
    downloaded,
    opened,
    phone,
)
from tests.running import Server
from tests.spoken import SENTENCE, saved, spoken

ATTACK = "<img src=x onerror=\"document.title='hacked'\">"
TEXT = (
    "[neutral] Good morning. [happy] The sun is out! [sad] But I have to leave. [pause 0.3]"
    " [angry] Nobody asked me! [felice] Never mind. [neutral] See you soon."
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("sound") / "me.wav", spoken())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, recording: Path) -> Iterator[str]:
    """A studio in which somebody has left a personality with a hostile name."""
    folder = tmp_path_factory.mktemp("personalities")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as studio:
        emotions = (
            NewEmotion("neutral", recording, transcript=ATTACK),
            NewEmotion("<i>glad", recording, aliases=("<b>merry",)),
        )
        studio.personalities.create(NewPersonality(ATTACK, emotions, note=ATTACK), "")
    with Server(folder / "home", TIMBRE_MODELS_DIR=str(folder / "models")) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def show(page: Page, view: str) -> None:
    page.locator(f"#personalities-{view}-button").click()
    page.locator(f"#personalities-view-{view}").wait_for()


def typed(page: Page, name: str, text: str) -> None:
    page.locator(f"#personalities-{name} :is(textarea, input)").first.fill(text)


def unfolded(page: Page, accordion: str) -> None:
    page.locator(f"#personalities-{accordion} button").first.click()


def speak(page: Page, text: str) -> None:
    """Type a text and have it spoken, to the end."""
    typed(page, "text", text)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#personalities-stop")).to_be_enabled()
    expect(page.locator("#personalities-status")).to_contain_text("Done")
    expect(page.locator("#personalities-speak")).to_be_enabled()


def parts(page: Page) -> list[bool]:
    """Of each part of the spoken text, whether it is as it was before."""
    rows = page.locator("#personalities-part-list tbody tr")
    return [row.get_attribute("data-cached") == "1" for row in rows.all()]


def test_a_new_user_builds_speaks_changes_and_hands_on(
    page: Page, address: str, recording: Path
) -> None:
    opened(page, address, "personalities")
    expect(page.locator("#personalities-list")).to_contain_text("img src=x")
    build(page, recording)
    hear_the_emotions(page)
    speak_and_change(page)
    hand_on(page)


def build(page: Page, recording: Path) -> None:
    show(page, "new")
    page.locator("#personalities-build").click()
    expect(page.get_by_text("There is no recording", exact=False).first).to_be_visible()
    page.locator("#personalities-new-audio input[type=file]").set_input_files(recording)
    page.locator(
        "#personalities-new-audio canvas, #personalities-new-audio .waveform-container"
    ).first.wait_for(state="attached")
    typed(page, "new-name", "Zoë 😀")
    typed(page, "new-description", "a young woman")
    typed(page, "new-transcript", SENTENCE)
    page.locator("#personalities-wanted .timbre-want textarea[data-field=text]").first.fill(
        "What a lovely surprise, I am so glad that you came!"
    )
    unfolded(page, "how")
    for slider in ("own-s", "expressive-s"):  # short references are quickly looked at
        page.locator(f"#personalities-{slider} input[type=number]").fill("1.5")
    page.locator("#personalities-build").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#personalities-build-status progress")).to_be_visible()
    page.reload()  # loses nothing
    expect(page.locator("#personalities-build-status")).to_contain_text("Hear its emotions")
    assert page.locator("#personalities-build-status li[data-state=made]").count() == 3


def hear_the_emotions(page: Page) -> None:
    page.locator("#personalities-build-status button").click()
    expect(page.locator("#personalities-head h3")).to_have_text("Zoë 😀")
    table = page.locator("#personalities-emotions table")
    expect(table.locator("tbody tr")).to_have_count(4)
    expect(table).to_contain_text("lovely")  # the text that was typed is what the clip says
    table.locator(".timbre-pick").filter(has_text="happy").press("Enter")
    expect(page.locator("#personalities-joint figure audio")).to_have_count(3)
    expect(page.locator("#personalities-joint")).to_contain_text("The joint")
    page.locator("#personalities-play-all").click()
    page.wait_for_function("document.querySelector('#personalities-emotions audio').currentTime > 0.1")
    page.locator("#personalities-play-all").click()
    unfolded(page, "comparison")
    page.locator("#personalities-compare").click()
    expect(page.locator("#personalities-audit svg")).to_have_count(4)
    said = page.locator("#personalities-audit svg").first.get_attribute("aria-label") or ""
    assert re.search(r"Pitch: neutral \d+ Hz, happy \d+ Hz", said)


def speak_and_change(page: Page) -> None:
    show(page, "speak")
    typed(page, "text", "")
    page.locator("#personalities-tags button").filter(has_text="sad").click()
    expect(page.locator("#personalities-text textarea")).to_have_value("[sad] ")
    typed(page, "text", "[purple] Hello.")
    page.locator("#personalities-speak").click()
    expect(page.get_by_text("“purple”", exact=False).first).to_be_visible()
    speak(page, TEXT)
    assert parts(page) == [False] * 6
    page.locator("#personalities-part-list audio").nth(1).evaluate("(sound) => sound.play()")
    page.wait_for_function(
        "document.querySelectorAll('#personalities-part-list audio')[1].currentTime > 0.1"
    )
    speak(page, TEXT.replace("Nobody asked me!", "Why did nobody ask me?"))
    expect(page.locator("#personalities-status")).to_contain_text("1 spoken anew")
    assert parts(page) == [True, True, True, False, True, True]
    page.locator("[data-value='again 2']").click()
    seeds = page.locator("tr[data-part='2'] [data-value^='choose 2']")
    expect(seeds).to_have_count(2)
    expect(seeds.nth(1)).to_have_attribute("aria-pressed", "true")
    seeds.nth(0).press("Enter")
    expect(seeds.nth(0)).to_have_attribute("aria-pressed", "true")
    page.reload()  # loses nothing
    expect(page.locator("#personalities-part-list tbody tr")).to_have_count(6)
    archive = downloaded(page, "#personalities-pack")
    with zipfile.ZipFile(archive) as files:
        assert len(files.namelist()) == 8
        times = json.loads(files.read("timings.json"))["parts"]
    assert [part["tag"] for part in times] == ["neutral", "happy", "sad", "angry", "happy", "neutral"]


def hand_on(page: Page) -> None:
    show(page, "emotions")
    unfolded(page, "keep")
    archive = downloaded(page, "#personalities-export")
    assert archive.name == "zoe-grinning.zip"
    page.locator("#personalities-delete").click()
    page.locator("#personalities-delete-no").click()
    page.locator("#personalities-delete").click()
    page.locator("#personalities-delete-yes").click()
    expect(page.locator("#personalities-list")).not_to_contain_text("Zoë")
    unfolded(page, "import-box")
    page.locator("#personalities-zip input[type=file]").set_input_files(archive)
    expect(page.locator("#personalities-zip")).to_contain_text("zoe-grinning")
    page.locator("#personalities-import").click()
    expect(page.locator("#personalities-head h3")).to_have_text("Zoë 😀")
    expect(page.locator("#personalities-emotions tbody tr")).to_have_count(4)


def test_what_was_typed_is_never_a_part_of_the_page(page: Page, address: str) -> None:
    opened(page, address, "personalities")
    page.locator(".timbre-entry").filter(has_text="onerror").click()
    expect(page.locator("#personalities-head h3")).to_have_text(ATTACK)
    expect(page.locator("#personalities-tags")).to_contain_text("<i>glad")
    show(page, "emotions")
    page.locator("#personalities-emotions .timbre-pick").nth(1).click()
    expect(page.locator("#personalities-caption h3")).to_have_text("“<i>glad”")
    expect(page.locator("#personalities-tag :is(textarea, input)")).to_have_value("<i>glad")
    unfolded(page, "keep")
    page.locator("#personalities-change").click()
    page.locator("#personalities-duplicate").click()
    expect(page.get_by_text("Duplicated: ", exact=False).first).to_be_visible()
    expect(page.locator("#personalities-head h3")).to_have_text(f"{ATTACK} 2")
    page.locator("#personalities-delete").click()
    page.locator("#personalities-delete-yes").click()
    expect(page.get_by_text("Deleted: ", exact=False).first).to_be_visible()
    assert page.locator("#tab-personalities img[src='x'], .toast-body img[src='x']").count() == 0
    assert page.title() == "Timbre"


def test_it_fits_can_be_read_and_works_by_keyboard(browser: Browser, address: str) -> None:
    with phone(browser) as page:
        opened(page, address, "personalities")
        page.locator(".timbre-entry").first.press("Enter")
        expect(page.locator("#personalities-head h3")).to_have_text(ATTACK)
        page.locator("#personalities-speak-button").press("ArrowRight")
        expect(page.locator("#personalities-emotions-button")).to_have_attribute("aria-selected", "true")
        page.locator("#personalities-emotions .timbre-pick").nth(1).press("Enter")
        page.locator("#personalities-joint .timbre-waveform").wait_for()
        assert_legible(
            page,
            (".timbre-entry b", ".timbre-entry span", "#personalities-emotions td", ".timbre-tag"),
        )
        for view in ("emotions", "new", "speak"):
            show(page, view)
            assert_fits(page)
