"""The page in a real browser, as a person uses it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from tests.browsing import (
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
from tests.spoken import clip_in

LONG = " ".join([TEXT] * 2_000)
#: Ids that several things of the page have.
_TWICE = """[...document.querySelectorAll("[id]")].map((part) => part.id)
  .filter((id, place, all) => id && all.indexOf(id) < place)"""
TABS = (
    "Clone",
    "Preset",
    "Design",
    "Transcribe",
    "Voices",
    "Personalities",
    "Avatar",
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
def address(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[str]:
    home = tmp_path_factory.mktemp("browser") / "home"
    measure_once(home)
    with Server(home) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


@pytest.fixture(scope="module")
def begun(browser: Browser, address: str) -> Iterator[Page]:
    """One page for tests that speak at most once in Preset, and need nothing else as it is at first."""
    with desktop(browser) as page:
        yield opened(page, address, "preset")


def show(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


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


def test_clone_takes_a_recording_and_speaks_like_it(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address, "clone")
    page.locator("#clone-ref-audio input[type=file]").set_input_files(clip_in(tmp_path))
    page.locator("#clone-ref-audio .waveform-container, #clone-ref-audio canvas").first.wait_for(
        state="attached"
    )
    generate(page, "clone")
    finished(page, "clone")
    expect(page.locator("#clone-status")).to_contain_text("Done")


def test_clone_without_a_recording_says_what_to_do_and_keeps_the_text(begun: Page) -> None:
    show(begun, "Clone")
    generate(begun, "clone")
    expect(begun.get_by_text("Upload or record", exact=False).first).to_be_visible()
    expect(begun.locator("#clone-text textarea")).to_have_value(TEXT)


def test_a_text_file_named_wav_is_refused_with_words(page: Page, address: str, tmp_path: Path) -> None:
    fake = tmp_path / "speech.wav"
    fake.write_text("This is no sound. " * 100)
    opened(page, address, "clone")
    page.locator("#clone-ref-audio input[type=file]").set_input_files(fake)
    page.locator("#clone-ref-audio .waveform-container, #clone-ref-audio canvas").first.wait_for(
        state="attached"
    )
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


def test_two_people_hear_only_their_own(browser: Browser, page: Page, address: str) -> None:
    other = browser.new_context()
    pages = [page, other.new_page()]
    for number, page in enumerate(pages):
        opened(page, address, "preset")
        generate(page, "preset", f"I am person number {number + 1}, and this is my text.")
    for number, page in enumerate(pages):
        finished(page, "preset")
        srt = downloaded(page, "#preset-downloads a[href$='format=srt']").read_text()
        assert f"number {number + 1}," in srt.replace("\n", " ")
    other.close()


def test_history_replays_annotates_exports_reuses_and_deletes(page: Page, address: str) -> None:
    opened(page, address, "preset")
    marked = "A take that can be found again."
    page.locator("#preset-advanced button").first.click()
    page.locator("#preset-seed input").fill("4711")
    generate(page, "preset", marked)
    finished(page, "preset")
    show(page, "History")
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
    show(page, "History")
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


def test_settings_without_a_name_are_refused_with_words(begun: Page) -> None:
    show(begun, "Preset")
    begun.locator("#preset-saved button").first.click()
    begun.locator("#preset-preset-save").click()
    expect(begun.get_by_text("The name is empty", exact=False).first).to_be_visible()
    begun.locator("#preset-preset-delete").click()
    expect(begun.get_by_text("No saved settings are chosen", exact=False).first).to_be_visible()
    expect(begun.locator("[data-testid=status-tracker] > .error:visible")).to_have_count(0)


def test_what_people_type_is_inert(page: Page, address: str) -> None:
    opened(page, address, "design")
    attack = "<img src=x onerror=\"document.title='owned'\"> man"
    page.locator("#design-description textarea").fill(attack)
    generate(page, "design", attack)
    finished(page, "design")
    show(page, "History")
    page.locator("#history-takes label").first.click()
    expect(page.locator("#history-detail")).to_contain_text("onerror")
    assert page.title() == "Timbre"


def test_everything_works_by_keyboard(begun: Page) -> None:
    show(begun, "Clone")
    begun.get_by_role("tab", name="Clone", exact=True).focus()
    begun.keyboard.press("ArrowRight")
    begun.locator("#tab-preset").wait_for()
    begun.locator("#preset-text textarea").focus()
    begun.keyboard.type(TEXT)
    begun.keyboard.press("Control+Enter")
    finished(begun, "preset")
    begun.locator(".timbre-play").focus()
    begun.keyboard.press("Enter")
    expect(begun.locator(".timbre-play")).to_contain_text("Resume")


def test_dropdowns_are_one_stop_of_the_tab_key_each_and_close_behind_it(begun: Page) -> None:
    show(begun, "Preset")
    begun.locator("#preset-text textarea").focus()
    for name in ("speaker", "language", "engine"):
        begun.keyboard.press("Tab")
        expect(begun.locator(f"#preset-{name} input")).to_be_focused()
        expect(begun.locator("ul.options:visible")).to_have_count(1)
    begun.keyboard.press("Tab")
    box = begun.locator("#preset-advanced button").first
    expect(box).to_be_focused()
    expect(begun.locator("ul.options:visible")).to_have_count(0)
    expect(box).to_have_attribute("aria-expanded", "false")
    begun.keyboard.press("Enter")
    expect(box).to_have_attribute("aria-expanded", "true")


def test_every_tab_opens_fits_and_can_be_read_the_address_follows_and_no_other_host_is_asked(
    browser: Browser, address: str
) -> None:
    asked: list[str] = []
    with phone(browser) as page:
        page.on("request", lambda request: asked.append(request.url))
        opened(page, address, "preset")
        for name in TABS:  # put into the page
            show(page, name)
            assert_fits(page)  # and the browser is not frozen
            assert page.locator(".timbre-shown").count() == 1
        for name in TABS:  # shown again
            show(page, name)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert page.locator(".timbre-shown").count() == 1
        assert page.url.endswith("?tab=about")
        assert page.evaluate(_TWICE) == []
        expect(page.locator("#about-settings tr", has_text="log_json")).to_contain_text("false")
        assert_legible(page, (".timbre-line", "#timbre-tabs button", "#about-settings td"))
        page.reload()
        expect(page.get_by_role("tab", name="Settings/About", exact=True)).to_have_attribute(
            "aria-selected", "true"
        )
    # Nothing is loaded from another host.
    assert len(asked) > 50
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_an_event_is_heard_of_that_begins_while_the_stream_is_closed(
    browser: Browser, address: str
) -> None:
    """The end of each stream is held back until the server has taken up one event more."""
    with desktop(browser) as page:
        page.add_init_script(_HEARD + "held = { end: true }")
        opened(page, address, "samples")
        for name in ("Checkpoints", "Samples") * 2:
            page.wait_for_function("begun && begun === told")
            before = page.evaluate("begun")
            page.get_by_role("tab", name=name, exact=True).click()
            page.wait_for_function("(before) => begun > before && begun === told", arg=before)


def test_an_event_that_ended_before_it_was_known_keeps_no_stream_open(
    browser: Browser, address: str
) -> None:
    """Of two events at once one opens the stream; the answer that names the other comes after its end."""
    with desktop(browser) as page:
        page.add_init_script(_HEARD)
        opened(page, address, "models")
        page.get_by_role("tab", name="Samples", exact=True).click()
        page.locator("#samples-refresh").wait_for(state="attached")
        for _ in range(2):
            page.wait_for_function("begun && begun === told && streams === 0")
            page.evaluate("held = { joins: 0 }")
            page.evaluate(
                """["models", "samples"].map((tab) => document.getElementById(`${tab}-refresh`).click())"""
            )
            page.wait_for_function("early")
            page.evaluate("held = {}, early = 0")


#: Counts the page's events that have begun, those whose end it was told (or told early), and the streams that
#: are open; and holds back what a slow line might.
_HEARD = """
  window.begun = 0;
  window.told = 0;
  window.early = 0;
  window.streams = 0;
  window.held = {};
  let asked = 0;
  const ended = new Set(), ask = window.fetch;
  const until = async (what) => { while (!what()) await new Promise((go) => setTimeout(go, 10)); };
  window.fetch = async (...given) => {
    const address = String(given[0].url ?? given[0]);
    asked += address.includes("/queue/join");
    const answer = await ask(...given);
    if (address.includes("/queue/join")) {
      const id = (await answer.clone().json()).event_id;
      const these = held, which = "joins" in these && ++these.joins;
      if (which === 1) await until(() => these.joins > 1); // so that one stream tells of both
      if (which === 2) {
        await until(() => ended.has(id));
        early += 1;
      }
      setTimeout(() => { begun += 1; }, 100);
    }
    if (!address.includes("/queue/data")) return answer;
    streams += 1;
    const reader = answer.body.getReader();
    const body = new ReadableStream({ async pull(out) {
      const { done, value } = await reader.read();
      if (done) return out.close();
      const text = new TextDecoder().decode(value), end = text.indexOf("close_stream");
      for (const [, id] of text.matchAll(/"process_completed","event_id":"([^"]+)/g)) ended.add(id), told += 1;
      if (end >= 0) streams -= 1;
      if (!held.end || end < 0) return out.enqueue(value);
      const from = text.lastIndexOf("data:", end), before = asked;
      if (from) out.enqueue(new TextEncoder().encode(text.slice(0, from)));
      await until(() => begun > before);
      out.enqueue(new TextEncoder().encode(text.slice(from)));
    } });
    return new Response(body, { status: answer.status, headers: answer.headers });
  };
"""
