"""The page in a real browser, as a person uses it."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from tests.browsing import (
    CHROMIUM,
    TEXT,
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

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (apt install chromium)")

LONG = " ".join([TEXT] * 2_000)
TABS = (
    "Clone",
    "Preset",
    "Design",
    "Transcribe",
    "Voices",
    "Personalities",
    "Data sets",
    "Train",
    "Samples",
    "Checkpoints",
    "History",
    "Models",
    "Pronunciation",
    "Settings/About",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Server(tmp_path_factory.mktemp("browser") / "home") as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def test_preset_speaks_at_once_and_can_be_downloaded(page: Page, address: str) -> None:
    opened(page, address, "preset")
    generate(page, "preset")
    page.wait_for_function("Number(document.querySelector('.timbre-player')?.dataset.heard) > 0.2")
    finished(page, "preset")
    expect(page.locator("#preset-status")).to_contain_text("real-time factor")
    expect(page.locator("#preset-result")).to_contain_text("0:03")
    for suffix in ("wav", "mp3", "flac", "ogg"):
        path = downloaded(page, f"#preset-downloads a[href$='format={suffix}']")
        assert path.suffix == f".{suffix}"
        assert soundfile.info(path).duration > 2
    assert "-->" in downloaded(page, "#preset-downloads a[href$='format=srt']").read_text()


def test_design_follows_the_words_and_speaks(page: Page, address: str) -> None:
    opened(page, address, "design")
    page.locator("#design-description textarea").fill("an old man, deep and slow")
    expect(page.locator("#design-understood")).to_contain_text("old")
    assert float(page.locator("#design-espeak-f0 input[type=number]").input_value()) < 100
    generate(page, "design")
    finished(page, "design")


def test_clone_takes_a_recording_and_speaks_like_it(page: Page, address: str) -> None:
    opened(page, address, "preset")
    generate(page, "preset", " ".join([TEXT] * 2))
    finished(page, "preset")
    reference = downloaded(page, "#preset-downloads a[href$='format=flac']")
    opened(page, address, "clone")
    page.locator("#clone-ref-audio input[type=file]").set_input_files(reference)
    page.locator("#clone-ref-audio .waveform-container, #clone-ref-audio canvas").first.wait_for(
        state="attached"
    )
    generate(page, "clone")
    finished(page, "clone")
    expect(page.locator("#clone-status")).to_contain_text("Done")


def test_clone_without_a_recording_says_what_to_do_and_keeps_the_text(page: Page, address: str) -> None:
    opened(page, address, "clone")
    generate(page, "clone")
    expect(page.get_by_text("Upload or record", exact=False).first).to_be_visible()
    expect(page.locator("#clone-text textarea")).to_have_value(TEXT)


def test_a_text_file_named_wav_is_refused_with_words(page: Page, address: str, tmp_path: Path) -> None:
    fake = tmp_path / "speech.wav"
    fake.write_text("This is no sound. " * 100)
    opened(page, address, "clone")
    page.locator("#clone-ref-audio input[type=file]").set_input_files(fake)
    time.sleep(1)
    generate(page, "clone")
    expect(page.locator("#clone-status [role=alert]")).to_be_visible()


def test_stop_ends_a_long_text_and_keeps_what_was_spoken(page: Page, address: str) -> None:
    opened(page, address, "preset")
    generate(page, "preset", LONG)
    expect(page.locator("#preset-stop")).to_be_enabled()
    page.locator("#preset-status progress").wait_for()
    page.locator("#preset-stop").click()
    expect(page.locator("#preset-status")).to_contain_text("Stopped; kept")
    finished(page, "preset")
    expect(page.locator("#preset-generate")).to_be_enabled()


def test_a_reload_loses_nothing(page: Page, address: str) -> None:
    opened(page, address, "preset")
    generate(page, "preset", LONG)
    page.locator("#preset-status progress").wait_for()
    page.reload()
    page.locator("#preset-status progress").wait_for()
    page.locator("#preset-stop").click()
    finished(page, "preset")


def test_two_people_hear_only_their_own(browser: Browser, address: str) -> None:
    contexts = [browser.new_context() for _ in range(2)]
    pages = [context.new_page() for context in contexts]
    for number, page in enumerate(pages):
        opened(page, address, "preset")
        generate(page, "preset", f"I am person number {number + 1}, and this is my text.")
    for number, page in enumerate(pages):
        finished(page, "preset")
        srt = downloaded(page, "#preset-downloads a[href$='format=srt']").read_text()
        assert f"number {number + 1}," in srt.replace("\n", " ")
    for context in contexts:
        context.close()


def test_history_replays_annotates_exports_reuses_and_deletes(page: Page, address: str) -> None:
    opened(page, address, "preset")
    marked = "A take that can be found again."
    page.locator("#preset-advanced button").first.click()
    page.locator("#preset-seed input").fill("4711")
    generate(page, "preset", marked)
    finished(page, "preset")
    opened(page, address, "history")
    page.locator("#history-search input, #history-search textarea").first.fill("found again")
    expect(page.locator("#history-takes label")).to_have_count(1)
    page.locator("#history-takes label").click()
    expect(page.locator("#history-detail")).to_contain_text("4711")
    page.locator("#history-favourite").click()
    expect(page.locator("#history-takes label")).to_contain_text("★")
    page.locator("#history-note textarea").fill("the best one")
    page.locator("#history-save-note").click()
    expect(page.locator("#history-detail")).to_contain_text("the best one")
    page.locator("#history-export button").first.click()
    page.locator("#history-several label").first.click()
    page.locator("#history-pack").click()
    archive = downloaded(page, "#history-zip a[download]")
    names = zipfile.ZipFile(archive).namelist()
    assert sorted(Path(name).suffix for name in names) == [".json", ".wav"]
    page.locator("#history-reuse").click()
    page.locator("#tab-preset").wait_for()
    expect(page.locator("#preset-text textarea")).to_have_value(marked)
    page.locator("#preset-advanced button").first.click()
    expect(page.locator("#preset-seed input")).to_have_value("4711")
    page.get_by_role("tab", name="History", exact=True).click()
    page.locator("#history-delete").click()
    page.locator("#history-delete-yes").click()
    expect(page.locator("#history-takes label")).to_have_count(0)


def test_a_result_is_sent_to_another_tab(page: Page, address: str) -> None:
    opened(page, address, "preset")
    generate(page, "preset")
    finished(page, "preset")
    page.locator("#preset-to-ref").click()
    page.locator("#tab-clone").wait_for()
    expect(page.locator("#clone-ref-text textarea")).to_have_value(TEXT)
    generate(page, "clone", "Another sentence in the same voice.")
    finished(page, "clone")


def test_settings_are_saved_under_a_name_and_used_again(page: Page, address: str) -> None:
    opened(page, address, "preset")
    page.locator("#preset-advanced button").first.click()
    page.locator("#preset-speed input[type=number]").fill("1.5")
    page.locator("#preset-saved button").first.click()
    page.locator("#preset-preset-name input, #preset-preset-name textarea").first.fill("<b>Fast</b> 😀")
    page.locator("#preset-preset-save").click()
    expect(page.locator("#preset-preset input")).to_have_value("<b>Fast</b> 😀")
    opened(page, address, "preset")
    page.locator("#preset-saved button").first.click()
    page.locator("#preset-preset input").click()
    page.get_by_role("option", name="Fast").click()
    page.locator("#preset-advanced button").first.click()
    expect(page.locator("#preset-speed input[type=number]")).to_have_value("1.5")


def test_settings_without_a_name_are_refused_with_words(page: Page, address: str) -> None:
    opened(page, address, "preset")
    page.locator("#preset-saved button").first.click()
    page.locator("#preset-preset-save").click()
    expect(page.get_by_text("The name is empty", exact=False).first).to_be_visible()


def test_what_people_type_is_inert(page: Page, address: str) -> None:
    opened(page, address, "design")
    attack = "<img src=x onerror=\"document.title='owned'\"> man"
    page.locator("#design-description textarea").fill(attack)
    generate(page, "design", attack)
    finished(page, "design")
    opened(page, address, "history")
    page.locator("#history-takes label").first.click()
    expect(page.locator("#history-detail")).to_contain_text("onerror")
    assert page.title() == "Timbre"


def test_everything_works_by_keyboard(page: Page, address: str) -> None:
    opened(page, address, "clone")
    page.get_by_role("tab", name="Clone", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.locator("#tab-preset").wait_for()
    page.locator("#preset-text textarea").focus()
    page.keyboard.type(TEXT)
    page.keyboard.press("Control+Enter")
    finished(page, "preset")
    page.locator(".timbre-play").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".timbre-play")).to_contain_text("Resume")


def test_every_tab_opens_fits_and_can_be_read_and_the_address_follows(
    browser: Browser, address: str
) -> None:
    with phone(browser) as page:
        opened(page, address, "preset")
        for _ in range(2):  # put into the page, then shown again
            for name in TABS:
                page.get_by_role("tab", name=name, exact=True).click()
                assert_fits(page)  # and the browser is not frozen
                assert page.locator(".timbre-shown").count() == 1
        assert page.url.endswith("?tab=about")
        assert_legible(page, (".timbre-line", "#timbre-tabs button", "#about-settings td"))
        opened(page, address, "history")
        expect(page.get_by_role("tab", name="History", exact=True)).to_have_attribute(
            "aria-selected", "true"
        )


def test_nothing_is_loaded_from_another_host(page: Page, address: str) -> None:
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    opened(page, address, "preset")
    page.wait_for_timeout(1_000)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert errors == []
