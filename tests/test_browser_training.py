"""From recordings to a trained voice that is spoken with and handed on, in a real browser."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from playwright.sync_api import Browser, Page, expect

from engines.qwen.package import qwen_tts_package
from engines.xtts.package import coqui
from tests.browsing import (
    CHROMIUM,
    assert_legible,
    desktop,
    downloaded,
    finished,
    generate,
    opened,
)
from tests.running import Server
from tests.spoken import saved, silence, spoken

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (apt install chromium)"),
    pytest.mark.timeout(360),
]

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
        self._environment = {"TIMBRE_MODELS_DIR": str(models), "QWEN_TTS_MODELS_DIR": str(qwen)}
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
    with desktop(browser, 40_000) as page:
        yield page


def test_a_voice_of_xtts_is_trained_heard_used_and_handed_on(
    page: Page, studio: Studio, recordings: list[Path], tmp_path: Path
) -> None:
    opened(page, studio.url, "datasets")
    build(page, "Anna", recordings)
    begin(page, "XTTS")
    expect(page.locator("#train-figures")).to_contain_text("of 3", timeout=LONG_MS)
    page.reload()
    expect(page.locator("#train-head h3")).to_have_text("Anna")
    expect(page.locator("#train-plots svg").first).to_be_visible()
    page.locator("#train-stop:enabled").click()
    expect(page.locator("#train-status")).to_contain_text("What is trained is kept", timeout=LONG_MS)
    page.locator("#train-start").get_by_text("Go on").click()
    expect(page.locator("#train-status progress")).to_be_visible()
    studio.again()
    opened(page, studio.url, "train")
    ended(page)
    listen(page)
    speak(page, "Anna, epoch 3")
    merge(page)
    folder = hand_on(page, tmp_path)
    config = coqui().XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = coqui().Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True, strict=True)
    assert model.gpt is not None


def test_a_voice_of_qwen_is_trained_heard_used_and_handed_on(
    page: Page, studio: Studio, recordings: list[Path], tmp_path: Path
) -> None:
    opened(page, studio.url, "datasets")
    build(page, "Berta", recordings, "Qwen3-TTS")
    begin(page, "Qwen3-TTS")
    ended(page)
    listen(page)
    speak(page, "Berta, epoch 3")
    folder = hand_on(page, tmp_path)
    talker = json.loads((folder / "config.json").read_text())["talker_config"]
    assert list(talker["spk_id"].values()) == [3000]
    model = qwen_tts_package().Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32)
    assert list(talker["spk_id"]) == list(model.get_supported_speakers())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tab_fits_and_can_be_read(browser: Browser, studio: Studio, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = opened(context.new_page(), studio.url, "train")
    page.locator("#train-plots svg").first.wait_for()
    texts = ("#train-head h3", "#train-figures dd", "#train-estimate dt", ".timbre-legend span")
    assert_legible(page, scheme, texts)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


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


def begin(page: Page, family: str) -> None:
    """Three epochs of the newest set, which is proposed, with adapters."""
    show(page, "train")
    expect(page.get_by_label(family, exact=True)).to_be_checked()
    expect(page.locator("#train-create")).to_be_enabled()
    page.get_by_label("Quick test", exact=True).check()
    expect(page.locator("#train-epochs input")).not_to_have_value("15")
    page.locator("#train-epochs input").fill("3")
    page.locator("#train-advanced button").first.click()
    page.locator("#train-sentences textarea").fill("Good morning to you all.")
    expect(page.locator("#train-estimate")).to_contain_text("clips")
    page.locator("#train-create:enabled").click()
    expect(page.locator("#train-status progress")).to_be_visible(timeout=LONG_MS)


def ended(page: Page) -> None:
    expect(page.locator("#train-status")).to_contain_text("Done: 3 checkpoints kept", timeout=LONG_MS)
    expect(page.locator("#train-plots svg")).to_have_count(2)


def listen(page: Page) -> None:
    """The base, and each epoch after it."""
    show(page, "samples")
    expect(page.locator("#samples-epochs .timbre-epoch").first).to_contain_text("3")
    page.locator("#samples-epochs .timbre-wave-play").first.click()
    page.wait_for_function(
        "Number(document.querySelector('#samples-epochs .timbre-waveform')?.dataset.heard) > 0.1"
    )


def speak(page: Page, model: str) -> None:
    """With the best epoch, in another tab."""
    show(page, "checkpoints")
    expect(page.locator("#checkpoints-head h3")).to_be_visible()
    page.locator("#checkpoints-preset:enabled").click()
    expect(page.locator("#preset-model input")).to_have_value(f"{model} (practice)", timeout=LONG_MS)
    generate(page, "preset", "This is my voice.")
    page.locator("#preset-downloads a").first.wait_for(timeout=LONG_MS)
    finished(page, "preset")
    samples, _ = soundfile.read(downloaded(page, "#preset-downloads a[href$='format=wav']"))
    assert abs(samples).max() > 0.01


def merge(page: Page) -> None:
    show(page, "checkpoints")
    page.locator("#checkpoints-merge-box button").first.click()
    page.locator("#checkpoints-merge-name :is(input, textarea)").fill("Anna in full")
    page.locator("#checkpoints-merge:enabled").click()
    expect(page.locator("#checkpoints-list")).to_contain_text("Anna in full", timeout=LONG_MS)


def hand_on(page: Page, tmp_path: Path) -> Path:
    """The chosen epoch as a folder for the family's own package."""
    show(page, "checkpoints")
    page.locator("#checkpoints-export-box button").first.click()
    page.locator("#checkpoints-zip:enabled").click()
    link = page.locator("#checkpoints-made a")
    link.wait_for(timeout=LONG_MS)
    with zipfile.ZipFile(downloaded(page, "#checkpoints-made a")) as archive:
        archive.extractall(tmp_path / "out")
    return next((tmp_path / "out").rglob("config.json")).parent
