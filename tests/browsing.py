"""Using the page in a real browser, as a person does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

TEXT = "Good morning. This is a voice of your own."

#: The shell without a window of its own does the same with two thirds of the processor time.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
#: Other tests may keep the processor busy, and the first that speaks imports much.
_PATIENCE_MS = 60_000
CHROMIUM = next((path for name in _BROWSERS if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that plays sound without being touched."""
    expect.set_options(timeout=_PATIENCE_MS)
    # Without a graphics card its work would be imitated, which costs more than not using one.
    options = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
    # A fresh page makes much garbage: with more room for it, a tenth of its work is saved.
    options.append("--js-flags=--min-semi-space-size=32")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@contextmanager
def desktop(browser: Browser) -> Iterator[Page]:
    """A window of its own, 1280 pixels wide; at its end no script has broken off."""
    page = _profile(browser).new_page()
    page.set_default_timeout(_PATIENCE_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
        assert errors == []
    finally:
        page.close()


@contextmanager
def phone(browser: Browser) -> Iterator[Page]:
    """The same, 390 pixels wide."""
    with desktop(browser) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        yield page


@lru_cache(maxsize=1)
def _profile(browser: Browser) -> BrowserContext:
    """One for all windows of a browser: each of its own would read and compile the page's scripts anew,
    which takes a second. What a window remembers over a reload is its own all the same."""
    return browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)


def opened(page: Page, address: str, tab: str) -> Page:
    page.goto(f"{address}/?tab={tab}")
    page.locator(f"#tab-{tab}").wait_for()
    return page


def generate(page: Page, tab: str, text: str = TEXT) -> None:
    page.locator(f"#{tab}-text textarea").fill(text)
    page.locator(f"#{tab}-generate").click()


def finished(page: Page, tab: str) -> None:
    page.locator(f"#{tab}-downloads a").first.wait_for()


def downloaded(page: Page, selector: str) -> Path:
    with page.expect_download() as caught:
        page.locator(selector).click()
    path = Path(caught.value.path())
    named = path.with_name(caught.value.suggested_filename)
    return path.rename(named)


def assert_legible(page: Page, selectors: Sequence[str]) -> None:
    """By day and in the dark, each text stands out from the page's ground by 4.5 (WCAG AA)."""
    for scheme in _SCHEMES:
        # Colours would fade into one another.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_function(_IS_DARK if scheme == "dark" else f"!{_IS_DARK}")
        ground = page.evaluate(_LUMINANCE, "body")
        assert ground < 0.2 if scheme == "dark" else ground > 0.8
        for selector in selectors:
            ink = page.evaluate(_LUMINANCE_OF_TEXT, selector)
            contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
            assert contrast >= 4.5, f"{selector} has a contrast of {contrast:.1f}, {scheme}"


def assert_fits(page: Page) -> None:
    """Nothing makes a laptop or a phone scroll sideways, no label is cut, no text runs under an arrow."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_CUT) == [], width


#: What is seen of a tab, but not whole: labels that end outside their box, and dropdowns whose text
#: may run on below the arrow.
_CUT = """(() => {
  const right = (part) => part.getBoundingClientRect().right, seen = (part) => part.offsetParent !== null;
  const labels = [...document.querySelectorAll(".timbre-shown .label-text")].filter(seen);
  const arrows = [...document.querySelectorAll(".timbre-shown .secondary-wrap .icon-wrap")].filter(seen);
  return [
    ...labels.filter((label) => right(label) > right(label.closest(".block")) + 1),
    ...arrows.map((arrow) => arrow.parentElement.querySelector("input")).filter((input) =>
      right(input) - parseFloat(getComputedStyle(input).paddingRight)
        > input.parentElement.querySelector(".icon-wrap").getBoundingClientRect().left + 1),
  ].map((part) => part.textContent || part.getAttribute("aria-label")); })()"""
_SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
_IS_DARK = "document.body.classList.contains('dark')"
_TO_LUMINANCE = """const lum = (css) => {
  const [r, g, b] = css.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };"""
_LUMINANCE = (
    "(selector) => {"
    + _TO_LUMINANCE
    + "return lum(getComputedStyle(document.querySelector(selector)).backgroundColor); }"
)
_LUMINANCE_OF_TEXT = (
    "(selector) => {"
    + _TO_LUMINANCE
    + "return lum(getComputedStyle(document.querySelector(selector)).color); }"
)
