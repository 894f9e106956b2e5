"""Makes the PNG of each drawing here: python assets/avatars/render.py (needs requirements-dev.txt).

The drawings are our own work and under the project's licence. Colours are rounded, among hair and lines
more than on even ground: nobody sees it, and the files become half as large.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

SIDE = 768
EVEN_STEP, BUSY_STEP = 2, 8
BUSY = 4  # deviation of the grey values about a pixel
FILTERS = (16, 32, 56, 64, 128, 248)  # of PNG, as cv2 numbers them: each is tried


def rounded(shot: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR).astype(int)
    grey = picture.mean(axis=2).astype(np.float32)
    deviation = np.sqrt((cv2.blur(grey * grey, (9, 9)) - cv2.blur(grey, (9, 9)) ** 2).clip(0))
    step = np.where(deviation > BUSY, BUSY_STEP, EVEN_STEP)[:, :, None]
    return ((picture + step // 2) // step * step).clip(0, 255).astype(np.uint8)


def smallest(picture: np.ndarray) -> bytes:
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_STRATEGY, 1, cv2.IMWRITE_PNG_FILTER]
    return min(
        (cv2.imencode(".png", picture, [*settings, each])[1].tobytes() for each in FILTERS), key=len
    )


def main() -> None:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIDE, "height": SIDE})
        for drawing in sorted(Path(__file__).parent.glob("*.svg")):
            page.set_content(f"<body style='margin:0'>{drawing.read_text('utf-8')}</body>")
            content = smallest(rounded(page.screenshot()))
            drawing.with_suffix(".png").write_bytes(content)
            print(drawing.stem, len(content))
        browser.close()


if __name__ == "__main__":
    main()
