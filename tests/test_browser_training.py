"""From recordings to a trained voice that is listened to and spoken with, in a real browser. How one of XTTS
is spoken with, merged and handed on: test_browser_checkpoints.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from tests.browsing import (
    assert_fits,
    assert_legible,
    desktop,
    downloaded,
    finished,
    generate,
    opened,
)
from tests.running import Server
from tests.spoken import saved, silence, spoken

pytestmark = pytest.mark.timeout(360)

SENTENCES = (
    "We will see you at the station this morning.",
    "The train from the north is nearly always late.",
    "Please bring a warm coat and something to read.",
    "My sister lives in a small house near the river.",
    "Nobody knows what the weather will be tomorrow.",
    "He opened the letter and read it twice.",
)
#: Of the work that is waited for; other tests may keep the processor busy.
LONG_MS = 120_000


class Studio:
    """One that can be started anew at the same address."""

    def __init__(self, home: Path, models: Path, qwen: Path) -> None:
        self._home = home
        self._environment = {
            "TIMBRE_MODELS_DIR": str(models),
            "QWEN_TTS_MODELS_DIR": str(qwen),
            "TIMBRE_DEVICE": "cpu",
        }
        self._server = Server(home, **self._environment)
        self.url = self._server.url

    def again(self) -> None:
        self.close()
        self._server = Server(self._home, port=self._server.port, **self._environment)

    def close(self) -> None:
        self._server.stop()


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, practice_models: Path, xtts_models: Path
) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("training") / "home"
    opened = Studio(home, xtts_models, practice_models)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A sentence each, with what is said beside it."""
    folder, files = tmp_path_factory.mktemp("recordings"), []
    for number, sentence in enumerate(SENTENCES):
        sound = np.concatenate([silence(0.4), spoken(sentence), silence(0.4)])
        files.append(saved(folder / f"{number}.wav", sound, 0.8))
        files.append(folder / f"{number}.txt")
        files[-1].write_text(sentence)
    return files


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def test_a_voice_of_xtts_is_trained_through_a_stop_and_a_restart_and_listened_to(
    page: Page, studio: Studio, recordings: list[Path]
) -> None:
    opened(page, studio.url, "datasets")
    build(page, "Anna", recordings)
    begin(page, "XTTS", 3, "Good morning.")
    expect(page.locator("#train-figures")).to_contain_text("of 3", timeout=LONG_MS)
    page.locator("#train-stop:enabled").click()
    expect(page.locator("#train-status")).to_contain_text("What is trained is kept", timeout=LONG_MS)
    page.locator("#train-start").get_by_text("Go on").click()
    expect(page.locator("#train-status progress")).to_be_visible()
    page.goto("about:blank")  # left open, it would load itself again, in the middle of being opened
    studio.again()
    opened(page, studio.url, "train")
    expect(page.locator("#train-head h3")).to_have_text("Anna")
    expect(page.locator("#train-plots svg").first).to_be_visible()
    ended(page, "3 checkpoints")
    listen(page, "3")
    choose_best(page, "Anna, epoch 3")


def test_a_voice_of_qwen_is_trained_and_speaks(
    page: Page, studio: Studio, recordings: list[Path]
) -> None:
    opened(page, studio.url, "datasets")
    build(page, "Berta", recordings, "Qwen3-TTS")
    begin(page, "Qwen3-TTS", 1, "Good day.")
    ended(page, "1 checkpoint")
    listen(page, "1")
    choose_best(page, "Berta, epoch 1")
    speak(page)
    show(page, "train")
    it_fits_and_can_be_read(page)


def it_fits_and_can_be_read(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#train-plots svg").first.wait_for()
    texts = ("#train-head h3", "#train-figures dd", "#train-estimate dt", ".timbre-legend span")
    assert_legible(page, texts)
    assert_fits(page)


def show(page: Page, tab: str) -> None:
    page.locator(f"#tab-{tab}-button").click()
    page.locator(f"#tab-{tab}").wait_for()


def choose(page: Page, dropdown: str, option: str) -> None:
    page.locator(f"{dropdown} input").click()
    page.get_by_role("option", name=option).first.click()


def build(page: Page, name: str, files: list[Path], target: str = "") -> None:
    """A data set of recordings that come with their texts."""
    page.locator("#datasets-new button").first.click()
    page.locator("#datasets-new-name :is(input, textarea)").fill(name)
    page.locator("#datasets-new-files input[type=file]").set_input_files(files)
    arrived = page.locator("#datasets-new-files").get_by_label("Remove this file")
    expect(arrived).to_have_count(len(files))
    if target:
        choose(page, "#datasets-new-target", target)
    choose(page, "#datasets-new-recognizer", "None: only")
    page.locator("#datasets-create").click()
    expect(page.locator("#datasets-head h3")).to_have_text(name)
    expect(page.locator("#datasets-outlook")).to_contain_text("kept", timeout=LONG_MS)


def begin(page: Page, family: str, epochs: int, sentence: str) -> None:
    """Some epochs of the newest set, which is proposed, with adapters."""
    show(page, "train")
    expect(page.get_by_label(family, exact=True)).to_be_checked()
    expect(page.locator("#train-create")).to_be_enabled()
    page.get_by_label("Quick test", exact=True).check()
    expect(page.locator("#train-epochs input")).not_to_have_value("15")
    page.locator("#train-epochs input").fill(str(epochs))
    page.locator("#train-advanced button").first.click()
    page.locator("#train-sentences textarea").fill(sentence)
    expect(page.locator("#train-estimate")).to_contain_text("clips")
    page.locator("#train-create:enabled").click()
    expect(page.locator("#train-status progress")).to_be_visible(timeout=LONG_MS)


def ended(page: Page, kept: str) -> None:
    expect(page.locator("#train-status")).to_contain_text(f"Done: {kept} kept", timeout=LONG_MS)
    expect(page.locator("#train-plots svg")).to_have_count(2)


def listen(page: Page, newest: str) -> None:
    """The base, and each epoch after it."""
    show(page, "samples")
    expect(page.locator("#samples-epochs .timbre-epoch").first).to_contain_text(newest)
    page.locator("#samples-epochs .timbre-wave-play").first.click()
    page.wait_for_function(
        "Number(document.querySelector('#samples-epochs .timbre-waveform')?.dataset.heard) > 0.1"
    )


def choose_best(page: Page, model: str) -> None:
    """The best epoch, to speak with it in another tab."""
    show(page, "checkpoints")
    expect(page.locator("#checkpoints-head h3")).to_be_visible()
    page.locator("#checkpoints-preset:enabled").click()
    expect(page.locator("#preset-model input")).to_have_value(f"{model} (practice)", timeout=LONG_MS)


def speak(page: Page) -> None:
    generate(page, "preset", "Hello.")
    page.locator("#preset-downloads a").first.wait_for(timeout=LONG_MS)
    finished(page, "preset")
    samples, _ = soundfile.read(downloaded(page, "#preset-downloads a[href$='format=wav']"))
    assert abs(samples).max() > 0.01
