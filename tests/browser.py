"""Debian's Chromium for tests: found or skipped by name, pictures kept small."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

try:
    from playwright.async_api import TimeoutError as SlowError
except ImportError:  # the browser's driver is in group `ci`

    class SlowError(Exception):  # type: ignore[no-redef]
        """Never raised without a driver."""


FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip
MARGIN = 14
PICTURES = Path(__file__).parent / "real" / "pictures"


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """A headless browser; without one the test is skipped by name, and fails under CI=true."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        program = None
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium and its driver are required under CI=true and are not installed")
        pytest.skip("chromium or its driver is not installed")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


def axe() -> str:
    """The script of axe-core, a file of an installed package; skipped and missed like the browser."""
    try:
        from axe_playwright_python.base import AXE_SCRIPT
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is required under CI=true and is not installed")
        pytest.skip("axe-core is not installed")
    return str(AXE_SCRIPT)


async def picture(page: Any, name: str, *, full: bool = False, around: Any = None) -> None:
    """Keep a picture for the README where TOCSIN_PICTURES is set: few colours, small files.

    Of what the window shows, of the full page, or of one part with a margin `around` it.
    """
    if not os.environ.get("TOCSIN_PICTURES"):
        return
    from io import BytesIO

    from PIL import Image

    PICTURES.mkdir(exist_ok=True)
    clip = None
    if around is not None:
        box = await around.bounding_box()
        scrolled = await page.evaluate("[scrollX, scrollY]")
        left, top = max(0, box["x"] + scrolled[0] - MARGIN), max(0, box["y"] + scrolled[1] - MARGIN)
        clip = {"x": left, "y": top, "width": box["width"] + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}
    shot = Image.open(BytesIO(await page.screenshot(full_page=full or clip is not None, clip=clip)))
    shot.convert("RGB").quantize(64).save(PICTURES / f"{name}.png", optimize=True)
