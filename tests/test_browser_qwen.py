"""The neural voice in a real browser: its models come, speak and go. Practice models make noise."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from tests.audio_files import RATE, tone, wav
from tests.browsing import (
    TEXT,
    assert_legible,
    desktop,
    downloaded,
    finished,
    generate,
    opened,
)
from tests.running import Server

LONG = " ".join([TEXT] * 200)
PRACTICE = "qwen-practice-custom-voice"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing but a download that somebody broke off by hand, at first."""
    models = tmp_path_factory.mktemp("bare") / "models"
    begun = models / "Qwen3-TTS-12Hz-1.7B-Base"
    begun.mkdir(parents=True)
    (begun / "merges.txt").write_text("#version: 0.2\n")
    return models


@pytest.fixture(scope="module")
def bare(models: Path) -> Iterator[str]:
    """A machine without models, and Qwen3-TTS as the engine chosen at first."""
    home = models.with_name("home")
    with Server(home, QWEN_TTS_MODELS_DIR=str(models), TIMBRE_DEFAULT_ENGINE="qwen") as server:
        yield server.url


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One for all, as each page that is loaded takes seconds."""
    with desktop(browser) as page:
        yield page


@pytest.fixture(scope="module")
def page(window: Page, bare: str, models: Path, request: pytest.FixtureRequest) -> Page:
    """That of a machine which has the practice models: the first test has made them, where it has run."""
    if not (models / "practice-custom-voice").exists():
        made: Path = request.getfixturevalue("practice_models")
        shutil.copytree(made, models, dirs_exist_ok=True)
        opened(window, bare, "preset")
    return window


def choose(page: Page, dropdown: str, option: str) -> None:
    page.locator(f"{dropdown} input").click()
    page.get_by_role("option", name=option).click()


def show(page: Page, tab: str) -> None:
    page.locator(f"#tab-{tab}-button").click()
    page.locator(f"#tab-{tab}").wait_for()


def heard(page: Page, tab: str) -> float:
    """Seconds of sound in the finished file, which must not be silent."""
    samples, rate = soundfile.read(downloaded(page, f"#{tab}-downloads a[href$='format=wav']"))
    assert abs(samples).max() > 0.01
    return float(len(samples) / rate)


def test_it_fits_a_phone_and_can_be_read(window: Page, bare: str) -> None:
    window.set_viewport_size({"width": 390, "height": 844})
    opened(window, bare, "models")
    window.locator(".timbre-pick").first.wait_for()
    texts = (".timbre-pick", "#models-list td", "#models-detail .timbre-line")
    assert_legible(window, texts)
    for tab in ("models", "clone", "preset", "design"):
        show(window, tab)
        window.wait_for_timeout(300)
        assert window.evaluate("document.documentElement.scrollWidth") <= 390
    window.set_viewport_size({"width": 1280, "height": 900})


def test_a_bare_machine_says_what_is_missing_and_makes_it(window: Page, bare: str) -> None:
    opened(window, bare, "clone")
    notice = window.locator("#clone-missing")
    expect(notice).to_contain_text("incomplete")
    expect(notice).to_contain_text("model.safetensors is missing")
    expect(window.locator("#clone-missing-download")).to_contain_text("GB")
    window.locator("#clone-missing-practice").click()
    expect(window.locator("#clone-missing-progress")).to_contain_text("practice")
    window.reload()
    # Without a further touch: the page finds the job that runs, and sees it end.
    expect(window.locator("#clone-model input")).to_have_value(
        re.compile("Practice model"), timeout=90_000
    )
    expect(notice).to_be_hidden()
    show(window, "preset")
    expect(window.locator("#preset-missing")).to_be_hidden()


def test_a_preset_voice_is_heard_before_it_has_ended_and_stop_keeps_what_was_spoken(page: Page) -> None:
    show(page, "preset")
    expect(page.locator("#preset-speaker-note")).to_contain_text("voice")
    expect(page.locator("#preset-model-note")).to_contain_text("noise")
    assert page.locator("#preset-missing").is_hidden()
    generate(page, "preset", LONG)
    page.wait_for_function(
        "Number(document.querySelector('.timbre-player')?.dataset.heard) > 0.3"
        " && document.querySelector('#preset-status progress')"
    )
    expect(page.locator("#preset-status")).to_contain_text("frame")
    page.locator("#preset-stop").click()
    expect(page.locator("#preset-status")).to_contain_text("Stopped; kept")
    finished(page, "preset")
    assert heard(page, "preset") > 0.3


def test_a_recording_is_cloned(page: Page, tmp_path: Path) -> None:
    show(page, "clone")
    reference = wav(tmp_path / "reference.wav", tone(3))
    more = wav(tmp_path / "more.wav", tone(2, RATE, 330))
    page.locator("#clone-ref-audio input[type=file]").set_input_files(reference)
    page.locator("#clone-ref-audio .waveform-container, #clone-ref-audio canvas").first.wait_for(
        state="attached"
    )
    page.locator("#clone-region button").first.click()
    with page.expect_response(lambda response: "upload" in response.url):
        page.locator("#clone-ref-more input[type=file]").set_input_files(more)
    page.locator("#clone-ref-more").get_by_text("more").first.wait_for()
    generate(page, "clone")
    finished(page, "clone")
    assert heard(page, "clone") > 0.5


def test_a_described_voice_speaks_and_the_engine_reads_the_words_itself(page: Page) -> None:
    show(page, "design")
    expect(page.locator("#design-understood")).to_contain_text("reads your words itself")
    assert page.locator("#design-espeak-f0").count() == 0
    choose(page, "#design-example", "an old man")
    expect(page.locator("#design-description textarea")).to_have_value("an old man, deep and slow")
    generate(page, "design")
    finished(page, "design")
    expect(page.locator("#design-status")).to_contain_text("Running on")
    assert heard(page, "design") > 0.5


def test_the_form_follows_the_engine(page: Page) -> None:
    show(page, "preset")
    page.locator("#preset-advanced button").first.click()
    expect(page.locator("#preset-loudness")).to_be_visible()
    assert not page.locator("#preset-speed").is_visible()
    page.locator("#preset-qwen-draw button").first.click()
    choose(page, "#preset-qwen-sampling", "Steady")
    temperature = page.locator("#preset-qwen-temperature input[type=number]")
    expect(temperature).to_have_value("0.6")
    page.locator("#preset-qwen-top_p input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#preset-qwen-sampling input")).to_have_value("Custom")
    choose(page, "#preset-engine", "eSpeak")
    expect(page.locator("#preset-speed")).to_be_visible()
    expect(page.locator("#preset-model")).to_be_hidden()
    expect(page.locator("#preset-instruct")).to_be_hidden()
    expect(page.locator("#preset-qwen-draw")).to_be_hidden()
    choose(page, "#preset-engine", "Qwen3-TTS")
    expect(page.locator("#preset-instruct")).to_be_visible()
    expect(temperature).to_have_value("0.6")


def test_a_model_is_loaded_and_unloaded_by_keyboard_and_deleted(page: Page) -> None:
    show(page, "models")
    name = page.locator(f"[data-pick={PRACTICE}]")
    name.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#models-detail")).to_contain_text("custom voice")
    expect(page.locator("tr.timbre-chosen")).to_contain_text("ready")
    if page.locator("#models-unload").is_enabled():  # an earlier take has loaded it
        page.locator("#models-unload").press("Enter")
    choose(page, "#models-precision", "float32")
    page.locator("#models-load:enabled").press("Enter")
    expect(page.locator("tr.timbre-chosen")).to_contain_text("ready, loaded")
    expect(page.locator("#models-summary")).to_contain_text("float32, set so")
    page.get_by_role("tab", name="Settings/About", exact=True).click()
    expect(page.locator("#about-engines")).to_contain_text("float32, set so")
    page.get_by_role("tab", name="Models", exact=True).click()
    page.locator("#models-unload:enabled").press("Enter")
    expect(page.locator("#models-summary")).to_contain_text("No model is in memory")
    page.locator("[data-pick=qwen-practice-base]").click()
    expect(page.locator("tr.timbre-chosen")).to_contain_text("ready")
    page.locator("#models-delete:enabled").click()
    page.locator("#models-delete-no").click()
    expect(page.locator("#models-delete-yes")).to_be_hidden()
    page.locator("#models-delete").click()
    page.locator("#models-delete-yes").click()
    expect(page.locator("tr.timbre-chosen")).to_contain_text("not here")
