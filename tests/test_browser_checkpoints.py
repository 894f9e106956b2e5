"""The Checkpoints tab in a real browser: from a run that was trained to a voice that speaks, is handed on and
makes room."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from studio.files import read_json, write_json
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Family, StepRow
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
from tests.trained_checkpoints import changed, make_run, settings_of

pytestmark = pytest.mark.timeout(240)  # it merges, exports and speaks: three processes that load torch

ATTACK = "<img src=x onerror=\"document.title='hacked'\">"
HEARD = "Number(document.querySelector('.timbre-player')?.dataset.heard) > 0.1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, xtts_models: Path) -> Path:
    """A home with a run of three epochs, and one with a hostile name that learned more quickly."""
    home = tmp_path_factory.mktemp("checkpoints") / "home"
    settings = settings_of(Family.XTTS)
    family = changed(xtts_models / "XTTS" / "practice", settings)
    told(make_run(home / "checkpoints", "ada", settings, family, epochs=3), "Ada", 2.0)
    quicker = replace(settings, learning_rate=2e-4)
    told(make_run(home / "checkpoints", "other", quicker, family, epochs=2), ATTACK, 1.0)
    best = home / "checkpoints" / "other" / "checkpoint_epoch_1" / META
    write_json(best, read_json(best) | {"best": True})
    return home


def told(run: RunFolder, name: str, created: float) -> None:
    """Give a run its name and its curves."""
    config = run.root / "config.json"
    write_json(config, read_json(config) | {"name": name, "created": created})
    rows = [StepRow("epoch", 0, 0.0, 0.0, eval_loss=4.0)]
    for epoch in run.epochs():
        steps = range(4 * epoch - 3, 4 * epoch + 1)
        rows += [StepRow("step", n, n / 4, n / 2, 3.0 / created) for n in steps]
        rows.append(StepRow("epoch", 4 * epoch, epoch, 2.0 * epoch, 3.0, eval_loss=4 - epoch / 2))
    run.metrics.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))


@pytest.fixture(scope="module")
def address(home: Path, xtts_models: Path) -> Iterator[str]:
    with Server(home, TIMBRE_MODELS_DIR=str(xtts_models), TIMBRE_DEVICE="cpu") as server:
        yield server.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with desktop(browser) as page:
        yield page


def unfolded(page: Page, accordion: str) -> None:
    page.locator(f"#checkpoints-{accordion}-box button").first.click()


def press(page: Page, name: str) -> None:
    page.locator(f"#checkpoints-{name}").click()


def filled(page: Page, name: str, text: str) -> None:
    page.locator(f"#checkpoints-{name} :is(input, textarea)").fill(text)


def epoch(page: Page, number: int) -> Locator:
    return page.get_by_role("radio", name=f"Epoch {number}", exact=True)


def compared(page: Page, name: str) -> None:
    page.locator("#checkpoints-compared input").click()
    page.get_by_role("option").filter(has_text=name).click()
    expect(page.locator("#checkpoints-plots .timbre-dashed").first).to_be_visible()


def test_a_trained_voice_is_used_handed_on_and_deleted_and_names_are_shown_as_they_are_on_a_phone(
    page: Page, address: str, home: Path
) -> None:
    opened(page, address, "checkpoints")
    choose(page, home)
    merge(page)
    name_and_note(page)
    press_zip(page)
    speak(page)
    take_away(page)
    delete(page, home)
    it_fits_a_phone_can_be_read_and_shows_names_as_they_are(page)


def choose(page: Page, home: Path) -> None:
    """By keyboard, which keeps its place."""
    ada, other = (page.locator(".timbre-entry").filter(has_text=name) for name in ("Ada", "onerror"))
    second, third = epoch(page, 2), epoch(page, 3)
    expect(third).to_be_checked()
    third.press("ArrowUp")
    expect(page.locator("#checkpoints-choice h4")).to_have_text("Epoch 2")
    other.press("Enter")
    expect(page.locator("#checkpoints-choice h4")).to_have_text("Epoch 1")  # its best
    expect(epoch(page, 1)).to_be_checked()
    expect(other).to_be_focused()
    ada.press("Enter")
    expect(third).to_be_checked()
    third.press("ArrowUp")
    expect(page.locator("#checkpoints-choice h4")).to_have_text("Epoch 2")
    run = RunFolder(home / "checkpoints" / "ada")
    shutil.copytree(run.checkpoint(3), run.checkpoint(4))  # as a run that trains would write it
    write_json(run.checkpoint(4) / META, read_json(run.checkpoint(4) / META) | {"epoch": 4})
    page.evaluate("document.getElementById('checkpoints-refresh').click()")
    expect(epoch(page, 4)).not_to_be_checked()
    expect(second).to_be_focused()
    expect(second).to_be_checked()
    compared(page, "onerror")
    expect(page.locator("#checkpoints-plots table")).to_contain_text("0.0002")


def merge(page: Page) -> None:
    unfolded(page, "merge")
    filled(page, "merge-name", "Ada, whole")
    press(page, "merge")
    expect(page.locator("#checkpoints-made progress")).to_be_visible()
    page.reload()  # loses nothing
    expect(page.locator("#checkpoints-head h3")).to_have_text("Ada")
    expect(page.locator("#checkpoints-choice h4")).to_have_text("Epoch 2")
    expect(epoch(page, 2)).to_be_checked()
    expect(page.locator("#checkpoints-made")).to_contain_text("Merge Ada, epoch 2")


def name_and_note(page: Page) -> None:
    unfolded(page, "about")
    filled(page, "name", "Ada speaks")
    filled(page, "note", f"the calm one {ATTACK}")
    press(page, "save")
    expect(page.locator("#checkpoints-head")).to_contain_text(f"the calm one {ATTACK}")
    expect(page.locator(".timbre-entry").filter(has_text="Ada speaks")).to_be_visible()


def press_zip(page: Page) -> None:
    unfolded(page, "export")
    press(page, "zip")
    expect(page.locator("#checkpoints-made")).to_contain_text("Export Ada speaks, epoch 2")


def speak(page: Page) -> None:
    """With the epoch in Preset, while it is being exported."""
    press(page, "preset")
    expect(page.locator("#preset-engine input")).to_have_value("XTTS")
    for field in ("model", "speaker"):
        expect(page.locator(f"#preset-{field} input")).to_have_value(re.compile("Ada speaks, epoch 2"))
    generate(page, "preset", "Hello.")
    page.wait_for_function(HEARD)
    # Random weights do not know when a sentence ends; it may have by now.
    page.locator("#preset-stop").evaluate("(button) => button.disabled || button.click()")
    finished(page, "preset")
    expect(page.locator("#preset-status")).to_contain_text("Ada speaks, epoch 2")


def take_away(page: Page) -> None:
    page.locator("#tab-checkpoints-button").click()
    with zipfile.ZipFile(downloaded(page, "#checkpoints-made a")) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {"model.pth", "config.json", "speakers_xtts.pth", "timbre.json"} <= names
    expect(page.locator(".timbre-entry").filter(has_text="Ada, whole")).to_contain_text("full")


def delete(page: Page, home: Path) -> None:
    unfolded(page, "delete")
    press(page, "delete-epoch")
    expect(page.locator("#checkpoints-question")).to_contain_text("It frees")
    press(page, "no")
    expect(page.locator("#checkpoints-yes")).not_to_be_visible()
    press(page, "delete-epoch")
    press(page, "yes")
    expect(epoch(page, 2)).to_have_count(0)
    expect(page.locator("#checkpoints-yes")).not_to_be_visible()
    assert not (home / "checkpoints" / "ada" / "checkpoint_epoch_2").exists()
    page.locator("#tab-preset-button").click()  # where that voice was chosen
    expect(page.locator("#preset-speaker input")).not_to_have_value(re.compile("Ada speaks, epoch 2"))
    page.locator("#tab-checkpoints-button").click()
    press(page, "delete-run")
    press(page, "yes")
    expect(page.locator("#checkpoints-head")).to_contain_text("Choose a run")
    assert not (home / "checkpoints" / "ada").exists()


def it_fits_a_phone_can_be_read_and_shows_names_as_they_are(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.locator(".timbre-entry").filter(has_text="onerror").click()
    expect(page.locator("#checkpoints-head h3")).to_have_text(ATTACK)
    page.locator("#checkpoints-import button").first.click()
    for accordion in ("details", "merge", "export", "about", "delete"):
        button = page.locator(f"#checkpoints-{accordion}-box button").first
        if "open" not in str(button.get_attribute("class")).split():
            button.click()
    expect(page.locator("#checkpoints-details table")).to_be_visible()
    texts = (".timbre-entry b", ".timbre-entry span", "#checkpoints-epochs td")
    assert_legible(page, (*texts, "#checkpoints-head .timbre-line"))
    assert_fits(page)
    assert page.locator("#tab-checkpoints img[src='x']").count() == 0
    assert page.title() == "Timbre"
