"""The Data sets tab in a real browser, from recordings to a reviewed set that is taken away."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from studio.dataset.ledger import DatasetFolder
from studio.dataset.values import Limits, Review
from studio.services.studio import Studio
from studio.settings import load_settings
from tests import training_sets
from tests.browsing import assert_fits, assert_legible, desktop, downloaded, opened
from tests.running import Server, until
from tests.spoken import saved, silence, spoken
from tests.training_sets import segment, source

HEARD = "(row) => +document.querySelector(row).dataset.heard"
ATTACK = "<img src=x onerror=\"document.title='hacked'\">"
MANY = 1_000
SENTENCES = (
    "We will see you at the station this morning.",
    "The train from the north is nearly always late.",
    "Please bring a warm coat and something to read.",
    "My sister lives in a small house near the river.",
    "Nobody knows what the weather will be tomorrow.",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio with a set of 1,000 segments, and one with hostile names."""
    home = tmp_path_factory.mktemp("datasets") / "home"
    with Studio(load_settings(home=home, models_dir=home.parent / "models")) as studio:
        talk = source(1, f"{ATTACK}.wav", speaker=ATTACK)
        names = {"Many": MANY, ATTACK: 3}
        for name, count in names.items():
            made = studio.datasets.create(name, "")
            segments = [
                segment(talk, number, text=f"Sentence {number}. {ATTACK}", snr_db=number % 40)
                for number in range(count)
            ]
            folder = training_sets.build(studio.workspace.datasets / made.id, segments[:60], [talk])
            folder.write_ledger(replace(folder.read_ledger(), segments=tuple(segments)))
            studio.datasets.apply(made.id, "", Limits())
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with Server(home, TIMBRE_MODELS_DIR=str(home.parent / "models")) as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def show(page: Page, view: str) -> None:
    page.locator(f"#datasets-{view}-button").click()
    page.locator(f"#datasets-view-{view}").wait_for()


def choose(page: Page, name: str) -> None:
    page.locator(".timbre-entry").filter(has_text=name).first.click()
    expect(page.locator("#datasets-head h3")).to_have_text(name)


def unfolded(page: Page, accordion: str) -> None:
    page.locator(f"#datasets-{accordion} button").first.click()


def rows(page: Page) -> list[str]:
    """The segments of the page, by id."""
    return [str(row.get_attribute("data-id")) for row in page.locator(".timbre-clip").all()]


def row(page: Page, id: str) -> str:
    return f".timbre-clip[data-id='{id}']"


def press(page: Page, key: str) -> None:
    """A key for the row that has the focus."""
    page.locator(".timbre-clip:focus").press(key)


def test_recordings_become_a_reviewed_set(page: Page, address: str, home: Path, tmp_path: Path) -> None:
    opened(page, address, "datasets")
    build(page, recordings(tmp_path))
    folder = DatasetFolder(next((home / "datasets").glob("zoe-reads*")))
    found = folder.read_ledger()
    noisy = [each for each in found.segments if each.snr_db is not None and each.snr_db < 10]
    assert len(found.segments) == 5
    assert len(noisy) == 2  # those of the recordings with noise, and no other
    assert "broken.wav" in page.locator("#datasets-outlook").inner_text()
    try_limits(page, folder)
    review(page, folder)
    cover_and_hand_on(page, tmp_path)


def recordings(folder: Path) -> list[Path]:
    pause = silence(0.7)
    hiss = np.random.default_rng(0)

    def read(name: str, sentences: tuple[str, ...], noise: float) -> Path:
        sound = np.concatenate([pause, *(part for text in sentences for part in (spoken(text), pause))])
        sound = sound * 0.8 + hiss.normal(0, noise, len(sound))
        return saved(folder / name, sound.astype(np.float32))

    broken = folder / "broken.wav"
    broken.write_bytes(b"RIFF and then nothing")
    return [
        read("clean.wav", SENTENCES[:3], 0.0005),
        read("noisy.wav", SENTENCES[3:4], 0.06),
        read("loud.wav", SENTENCES[4:], 0.06),
        broken,
    ]


def build(page: Page, files: list[Path]) -> None:
    unfolded(page, "new")
    page.locator("#datasets-create").click()
    expect(page.get_by_text("There are no recordings", exact=False).first).to_be_visible()
    page.locator("#datasets-new-name :is(input, textarea)").fill("Zoë reads")
    page.locator("#datasets-new-files input[type=file]").set_input_files(files)
    expect(page.locator("#datasets-new-files")).to_contain_text("noisy")
    page.locator("#datasets-create").click()
    expect(page.locator("#datasets-head h3")).to_have_text("Zoë reads")
    expect(page.locator("#datasets-status progress")).to_be_visible()
    page.reload()  # loses nothing
    expect(page.locator("#datasets-head h3")).to_have_text("Zoë reads")
    expect(page.locator("#datasets-outlook")).to_contain_text("kept", timeout=90_000)
    expect(page.locator("#datasets-status progress")).to_have_count(0)


def try_limits(page: Page, folder: DatasetFolder) -> None:
    before = len(list(folder.wavs.iterdir()))
    page.locator("#datasets-limit-min-snr-db input[type=number]").fill("-10")
    expect(page.locator("#datasets-outlook")).to_contain_text("Nothing has changed yet")
    assert len(list(folder.wavs.iterdir())) == before
    page.locator("#datasets-reset").click()
    expect(page.locator("#datasets-outlook")).not_to_contain_text("Nothing has changed yet")
    expect(page.locator("#datasets-limit-min-snr-db input[type=number]")).to_have_value("10")
    page.locator("#datasets-limit-min-confidence input[type=number]").fill("0")
    page.locator("#datasets-apply").click()
    expect(page.locator("#datasets-apply")).to_be_disabled()
    expect(page.locator("#datasets-charts svg")).to_have_count(3)


def review(page: Page, folder: DatasetFolder) -> None:
    page.locator("#datasets-charts [data-value='noise']").click()
    expect(page.locator(".timbre-clip")).to_have_count(2)
    expect(page.locator(".timbre-clip").first).to_contain_text("under 10")
    first, second = rows(page)
    page.locator(row(page, first)).focus()
    press(page, " ")
    page.wait_for_function(f"{HEARD} > 0.1", arg=wave(page, first))
    press(page, "k")
    expect(page.locator(row(page, first))).to_contain_text("Kept once it has a text")
    page.wait_for_function(f"{HEARD} > 0.6", arg=wave(page, first))  # what plays goes on
    press(page, "e")
    box = page.locator(f"{row(page, first)} textarea")
    expect(box).to_be_focused()
    box.fill("=Nobody knew, did they?")
    box.press("Escape")
    expect(page.locator(f"{row(page, first)} .timbre-clip-saved")).to_have_text("Saved")
    expect(page.locator(row(page, first))).to_be_focused()
    expect(page.locator(row(page, first))).to_contain_text("Kept by hand")
    assert folder.read_reviews()[first] == Review(True, "=Nobody knew, did they?")
    assert "'=Nobody knew" in (folder.root / "metadata.csv").read_text("utf-8")
    press(page, "ArrowDown")
    expect(page.locator(row(page, second))).to_be_focused()
    press(page, "d")
    expect(page.locator(row(page, second))).to_contain_text("Dropped by hand")
    press(page, "u")
    expect(page.locator(row(page, second))).not_to_contain_text("by hand")


def wave(page: Page, id: str) -> str:
    return f"{row(page, id)} .timbre-waveform"


def cover_and_hand_on(page: Page, tmp_path: Path) -> None:
    show(page, "coverage")
    page.locator("#datasets-cover").click()
    expect(page.locator("#datasets-coverage .timbre-coach li")).to_have_count(10)
    show(page, "settings")
    expect(page.locator("#datasets-inputs")).to_contain_text("clean.wav")
    unfolded(page, "export-box")
    page.locator("#datasets-export").click()
    archive = downloaded(page, "#datasets-exported a")
    with zipfile.ZipFile(archive) as files:
        names = [Path(name).name for name in files.namelist()]
        assert "metadata.csv" in names
        assert sum(name.endswith(".wav") for name in names) >= 4
    unfolded(page, "keep")
    page.locator("#datasets-delete").click()
    page.locator("#datasets-delete-no").click()
    expect(page.locator("#datasets-delete-yes")).not_to_be_visible()
    page.locator("#datasets-delete").click()
    page.locator("#datasets-delete-yes").click()
    expect(page.locator("#datasets-list")).not_to_contain_text("Zoë")


def test_a_thousand_segments_are_reviewed_and_names_are_shown_as_they_are_on_a_phone(
    page: Page, address: str, home: Path
) -> None:
    opened(page, address, "datasets")
    choose(page, "Many")
    show(page, "segments")
    expect(page.locator("#datasets-pages")).to_contain_text("1 to 25 of 1,000")
    before = rows(page)
    page.locator(".timbre-clip").first.focus()
    press(page, "ArrowUp")  # there is nothing above
    press(page, "End")
    press(page, "ArrowDown")  # to the next page
    expect(page.locator("#datasets-pages")).to_contain_text("26 to 50 of 1,000")
    expect(page.locator(".timbre-clip").first).to_be_focused()
    assert not set(before) & set(rows(page))
    decided = rows(page)[:8]
    for _ in decided:  # faster than the server answers
        press(page, "d")
        press(page, "ArrowDown")
    reviews = next((home / "datasets").glob("many*")) / "review.json"
    until(lambda: reviews.exists() and set(decided) == set(json.loads(reviews.read_text())))
    press(page, "ArrowUp")
    press(page, "x")
    expect(page.locator(".timbre-ticked")).to_have_text("1 ticked")
    page.locator("#datasets-bulk-keep").click()
    until(lambda: json.loads(reviews.read_text())[decided[-1]]["kept"] is True)
    page.locator("#datasets-scope label").nth(1).click()
    page.locator("#datasets-bulk-limits").click()
    expect(page.locator("#datasets-many-question")).to_contain_text("1,000")
    page.locator("#datasets-many-yes").click()
    until(lambda: json.loads(reviews.read_text()) == {}, 60)
    expect(page.locator("#datasets-many-yes")).not_to_be_visible()
    it_fits_a_phone_can_be_read_and_shows_names_as_they_are(page)


def it_fits_a_phone_can_be_read_and_shows_names_as_they_are(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    show(page, "overview")
    entry = page.locator(".timbre-entry").filter(has_text="onerror")
    entry.press("Enter")
    expect(page.locator("#datasets-head h3")).to_have_text(ATTACK)
    page.locator("#datasets-overview-button").press("ArrowRight")
    expect(page.locator("#datasets-segments-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".timbre-clip textarea").last).to_have_value(f"Sentence 2. {ATTACK}")
    assert_legible(
        page,
        (".timbre-entry b", ".timbre-entry span", ".timbre-clip-state", ".timbre-clip .timbre-line"),
    )
    for view in ("overview", "segments", "coverage", "settings"):
        show(page, view)
        assert_fits(page)
    assert page.locator("#tab-datasets img[src='x']").count() == 0
    assert page.title() == "Timbre"
