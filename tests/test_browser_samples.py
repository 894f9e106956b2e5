"""The Samples tab in a real browser: epochs by ear while a run trains, one sentence over all of them, and a
blind test by keyboard. The run is one that a test has written; its job is a row that nobody works at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from studio.runs.run_folder import RunFolder
from studio.services.studio import Studio
from studio.settings import load_settings
from tests.browsing import assert_fits, assert_legible, desktop, opened
from tests.run_samples import make_run, speak
from tests.running import Server

ATTACK = "<img src=x onerror=\"document.title='hacked'\">"
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
#: So long that what plays is still playing when the next thing has happened.
PACE = 8.0
#: Keeps each place that is heard, relative to the whole.
FOLLOW = """() => {
  window.places = [];
  const follow = () => {
    window.places.push(+document.querySelector(".timbre-across").dataset.heard);
    requestAnimationFrame(follow);
  };
  follow();
}"""


#: Counts what waits to hear that something plays.
COUNT = """
  const add = window.addEventListener;
  window.waiting = 0;
  window.addEventListener = function (type, ...more) {
    window.waiting += type === "timbre-plays";
    return add.call(this, type, ...more);
  };
"""


#: From now on the page hears of no choice of epochs by itself, as where a press overtakes it.
OVERTAKE = """() => document.addEventListener("input", (event) => {
  if (event.target.value.startsWith("compare ")) event.stopImmediatePropagation();
}, true)"""


@dataclass(frozen=True)
class Home:
    """A studio that is open, with Zoë's run, which trains, and one with hostile names."""

    address: str
    zoe: RunFolder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("samples")
    with Studio(load_settings(home=folder / "home", models_dir=folder / "models")) as studio:
        studio.jobs.store.create("training.job:run", {}, title="Train", kind="training", slot="training")
        job = studio.jobs.store.claim_next("logs/{id}/log.txt")
        assert job is not None
        checkpoints = studio.workspace.checkpoints
        zoe = make_run(checkpoints, "zoe", name="Zoë", best=2, created=9.0, job=job.id, pace=PACE)
        texts = (ATTACK, LONG)
        make_run(checkpoints, "hostile", "", ATTACK, (0, 1), texts, warnings={1: ATTACK}, practice=True)
    lasting = {"TIMBRE_JOB_DEAD_AFTER_S": "600"}  # nobody tells that the job lives
    with Server(folder / "home", TIMBRE_MODELS_DIR=str(folder / "models"), **lasting) as server:
        yield Home(server.url, zoe)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def show(page: Page, view: str) -> None:
    page.locator(f"#samples-{view}-button").click()
    page.locator(f"#samples-view-{view}").wait_for()


def until_heard(page: Page, selector: str, share: float) -> None:
    page.wait_for_function(
        "([selector, share]) => document.querySelector(selector).dataset.heard > share",
        arg=[selector, share],
    )


def test_epochs_are_heard_while_the_run_trains_and_names_are_shown_as_they_are_on_a_phone(
    page: Page, home: Home
) -> None:
    opened(page, home.address, "samples")
    headings = page.locator(".timbre-epoch h4")
    expect(headings).to_have_text(["Epoch 3", "Epoch 2 best", "Epoch 1", "Base"])
    picture = page.locator(".timbre-epoch .timbre-spectrogram").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("(image) => image.naturalWidth > 100", arg=picture.element_handle())
    playing = "#samples-epochs [aria-label='Sentence 2, Epoch 3']"
    page.locator(f"{playing} .timbre-wave-play").press("Enter")
    until_heard(page, playing, 0.03)
    speak(home.zoe, 4, pace=PACE)
    expect(headings.first).to_have_text("Epoch 4")  # by itself
    before = page.evaluate("(selector) => +document.querySelector(selector).dataset.heard", playing)
    until_heard(page, playing, before + 0.05)  # and what played goes on
    expect(page.locator(f"{playing} .timbre-wave-play")).to_have_text("Pause")
    one_sentence(page)
    it_fits_a_phone_can_be_read_and_shows_names_as_they_are(page)


def one_sentence(page: Page) -> None:
    """A sentence over all epochs, by keyboard, while it is heard."""
    show(page, "by-sentence")
    across, output, button = (
        ".timbre-across",
        page.locator(".timbre-across output"),
        page.locator(".timbre-across .timbre-wave-play"),
    )
    page.locator("#samples-sentence").select_option("2")
    slider = page.locator("#samples-epoch")
    expect(output).to_have_text("Epoch 4")
    slider.press("Space")
    expect(button).to_have_text("Pause")
    expect(page.locator("#samples-epochs .timbre-wave-play").first).to_have_text("Play")  # one at a time
    until_heard(page, across, 0.03)
    page.evaluate(FOLLOW)
    for label in ("Epoch 3", "Epoch 2, the best", "Epoch 1"):
        share = page.evaluate("places.at(-1)")
        slider.press("ArrowLeft")
        expect(output).to_have_text(label)
        until_heard(page, across, share)
        expect(button).to_have_text("Pause")
    places = page.evaluate("places")
    assert all(after > before - 0.01 for before, after in pairwise(places))  # it never began anew
    slider.press("Space")
    expect(button).to_have_text("Play")


def it_fits_a_phone_can_be_read_and_shows_names_as_they_are(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.locator(".timbre-entry").filter(has_text="onerror").press("Enter")
    expect(page.locator("#samples-head h3")).to_have_text(ATTACK)
    expect(page.locator("#samples-head")).to_contain_text("noise")
    show(page, "by-epoch")
    expect(page.locator(".timbre-epoch .timbre-note")).to_have_text(ATTACK)
    texts = (".timbre-epoch h4", ".timbre-sentence-text", ".timbre-epoch .timbre-note")
    assert_legible(page, (*texts, ".timbre-epoch a"))
    for view in ("by-epoch", "by-sentence", "blind"):
        show(page, view)
        if view == "blind":
            page.get_by_role("button", name="Next pair").click()
            page.locator(".timbre-trial").wait_for()
        assert_fits(page)
    assert page.locator("#tab-samples img[src='x']").count() == 0
    assert page.title() == "Timbre"


def test_pairs_are_judged_blindly_and_by_keyboard(page: Page, home: Home) -> None:
    page.add_init_script(COUNT)
    opened(page, home.address, "samples")
    waiting = page.evaluate("waiting")
    show(page, "by-sentence")
    page.locator("#samples-epoch").press("Home")
    show(page, "blind")
    first, second = page.locator("#samples-first"), page.locator("#samples-second")
    choice = page.locator(".timbre-pair-choice")
    first.select_option(label="Base")  # which was the other one
    expect(choice).to_have_attribute("data-value", "0 2")
    expect(second).to_have_value("2")
    first.select_option(label="Epoch 2, the best")
    page.evaluate(OVERTAKE)
    second.select_option(label="Epoch 1")
    expect(choice).to_have_attribute("data-value", "2 1")
    page.get_by_role("button", name="Next pair").press("Enter")
    for number, key in enumerate(("1", "0", "2"), 1):
        trial = page.locator(".timbre-trial")
        expect(trial).to_be_focused()
        expect(trial.get_by_role("button", name="Play A")).to_be_enabled()
        expect(trial.get_by_role("button", name="Play B")).to_be_enabled()
        page.keyboard.press(key)  # before both were heard: nothing
        for side in ("a", "b"):
            page.keyboard.press(side)
            expect(trial.get_by_role("button", name=f"Stop {side.upper()}")).to_be_visible()
        page.keyboard.press(key)
        expect(page.locator("#samples-tally")).to_contain_text(f"{number} pair")
    assert page.evaluate("waiting") == waiting  # pairs that were judged leave nothing behind
    (row,) = json.loads(home.zoe.listening.read_text())["pairs"]
    assert row["epochs"] == [1, 2]
    assert (sum(row["preferred"]), row["undecided"]) == (2, 1)
    open_one = page.locator(".timbre-trial").get_attribute("data-value")
    page.reload()
    expect(page.locator(".timbre-trial")).to_have_attribute("data-value", str(open_one))
    expect(page.locator(".timbre-across output")).to_have_text("Base")
    expect(page.locator("#samples-tally")).not_to_contain_text("prefer")
    page.get_by_role("button", name="Show which is which").click()
    expect(page.locator("#samples-tally")).to_contain_text("by chance in")
    page.get_by_role("button", name="Begin anew").press("Enter")
    page.keyboard.press("Enter")  # "No" has the focus
    page.get_by_role("button", name="Begin anew").click()
    page.get_by_role("button", name="Yes, forget them").click()
    expect(page.locator("#samples-tally")).to_contain_text("No pair of these two")
