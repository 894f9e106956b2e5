"""The Avatar tab in a real browser: a text becomes a video that plays, faces are chosen on a picture, and a
reload loses nothing. One page for all, since loading one takes longer than most of what is done in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import assert_fits, assert_legible, desktop, downloaded, opened
from tests.face_files import astronaut, nobody, save
from tests.running import Server

TEXT = " ".join(
    ["Peter Piper picked a peck of pickled peppers, and Mary baked a big blueberry pie."] * 3
)
LONG = " ".join([TEXT] * 10)
#: Of the video: whether it has what it shows, how wide that is, where it is, and how long it is.
STATE = "(video) => [video.readyState, video.videoWidth, video.currentTime]"


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The tab of a fresh studio."""
    with Server(tmp_path_factory.mktemp("avatar") / "home") as server, desktop(browser) as page:
        opened(page, server.url, "avatar")
        page.locator("#avatar-generate").wait_for()
        yield page


def make(page: Page, text: str) -> None:
    page.locator("#avatar-text textarea").fill(text)
    page.keyboard.press("Control+Enter")


def test_a_text_and_the_default_face_become_a_video_that_plays(page: Page) -> None:
    expect(page.locator("#avatar-entries")).to_contain_text("No videos yet")
    page.get_by_role("button", name="A welcome").press("Enter")
    expect(page.locator("#avatar-text textarea")).to_have_value(re.compile("Welcome!"))
    make(page, TEXT)
    page.locator(".timbre-stages [aria-current]").wait_for()
    picture = page.locator(".timbre-preview img")
    picture.wait_for()
    page.wait_for_function("(image) => image.naturalWidth > 100", arg=picture.element_handle())
    video = page.locator(".timbre-video video")
    video.wait_for()
    # It begins by itself, and goes on.
    page.wait_for_function("document.querySelector('.timbre-video video').currentTime > 0.3")
    ready, width, place = video.evaluate(STATE)
    assert ready >= 3
    assert width == 720
    page.wait_for_function(
        "(place) => document.querySelector('.timbre-video video').currentTime > place", arg=place + 0.3
    )
    facts = page.locator(".timbre-video .timbre-line").first.inner_text()
    assert re.search(r"made in [\d.]+ s", facts)
    path = downloaded(page, ".timbre-video a[href$='download=true']")
    assert path.suffix == ".mp4"
    with av.open(str(path)) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]


def test_it_is_marked_annotated_and_deleted(page: Page) -> None:
    page.get_by_role("button", name="☆ Favourite").press("Enter")
    expect(page.locator(".timbre-card")).to_contain_text("★")
    expect(page.locator(".timbre-card")).to_have_attribute("aria-current", "true")
    page.locator("#avatar-note textarea").fill("the best one")
    page.locator("#avatar-save-note").click()
    expect(page.locator(".timbre-card")).to_contain_text("the best one")
    page.get_by_role("button", name="Delete").press("Enter")
    page.keyboard.press("Enter")  # "No, keep it" has the focus
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.locator(".timbre-card")).to_have_count(0)
    expect(page.locator(".timbre-video")).to_have_count(0)


def test_of_two_faces_one_is_chosen_by_click_and_by_keyboard(page: Page, tmp_path: Path) -> None:
    pair = np.concatenate([astronaut()[:300, 80:380]] * 2, axis=1)
    page.locator("#avatar-file input[type=file]").set_input_files(save(pair, tmp_path / "pair.png"))
    areas = page.locator(".timbre-face-area")
    expect(areas).to_have_count(2)
    expect(page.locator("#avatar-face")).to_contain_text("pair.png")
    first, second = (page.get_by_role("button", name=f"Face {n}", exact=True) for n in (1, 2))
    for number, button in enumerate((first, second)):
        areas.nth(number).click()
        expect(button).to_have_attribute("aria-pressed", "true")
    first.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first).to_be_focused()
    expect(second).to_have_attribute("aria-pressed", "false")


def test_where_no_face_is_found_it_is_set_by_clicks_and_numbers(page: Page, tmp_path: Path) -> None:
    path = save(nobody(200, 400), tmp_path / "dusk.png")
    page.locator("#avatar-file input[type=file]").set_input_files(path)
    says = page.locator("[data-says]")
    expect(says).to_have_text("Click the left eye on the picture.")
    face = page.locator(".timbre-face[data-alive]")
    box = face.bounding_box()
    assert box is not None
    scale = box["width"] / 400
    for x, y in ((150, 60), (200, 60), (155, 110)):
        face.click(position={"x": x * scale, "y": y * scale})
    expect(says).to_have_text("Click the right corner of the mouth on the picture.")
    use = page.get_by_role("button", name="Use these points")
    expect(use).to_be_disabled()
    page.locator(".timbre-points summary").press("Enter")
    for axis, value in (("x", "195"), ("y", "110")):
        page.get_by_label(f"Right corner of the mouth, {axis}").fill(value)
    expect(page.locator(".timbre-face circle")).to_have_count(4)
    assert float(page.get_by_label("Left eye, x").input_value()) == pytest.approx(150, abs=2)
    use.press("Enter")
    expect(page.locator("#avatar-face")).to_contain_text("set by you")


def test_a_reload_in_the_middle_loses_nothing_and_stop_ends_it(page: Page) -> None:
    page.locator(".timbre-avatar").nth(1).press("Enter")
    expect(page.locator(".timbre-avatar").nth(1)).to_have_attribute("aria-pressed", "true")
    make(page, LONG)
    page.locator(".timbre-preview img").wait_for()
    page.reload()
    page.locator(".timbre-preview img").wait_for()
    expect(page.locator("#avatar-generate")).to_be_disabled()
    page.locator("#avatar-stop").press("Enter")
    expect(page.locator("#avatar-status")).to_contain_text("Stopped. What was spoken is in the history.")
    expect(page.locator("#avatar-generate")).to_be_enabled()
    expect(page.locator(".timbre-preview img")).to_have_count(0)


def test_another_engine_says_what_it_needs_and_everything_fits_and_can_be_read(page: Page) -> None:
    page.locator("#avatar-engine").get_by_text("Wav2Lip").click()
    expect(page.locator("#avatar-missing")).to_contain_text("Wav2Lip needs a model")
    expect(page.locator("#avatar-engine-note")).to_contain_text("non-commercial")
    page.locator("#avatar-wav2lip-options > button").click()
    page.locator("#avatar-picture > button").click()
    assert_fits(page)
    page.locator("[data-view=said-recording]").click()
    page.locator("#avatar-audio").wait_for()
    assert_fits(page)
    texts = ("#avatar-face .timbre-line", "#avatar-engine-note .timbre-line", ".timbre-avatar span")
    assert_legible(page, (*texts, "#avatar-status .timbre-line", "#tab-avatar h3"))
