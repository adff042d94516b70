"""`make screenshots`: pictures of the wallboard for the documentation, of the demo's simulated day.

The day is the same for every run; which second of it a picture shows depends on the machine. Needs Chromium.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "docs" / "images"
# Name, width, height, path of the page.
PICTURES: Final = (
    ("wallboard", 1500, 1000, ""),
    ("wallboard-tv", 1920, 1080, "?tv=true"),
    ("wallboard-phone", 390, 844, ""),
    ("wallboard-contacts", 1200, 520, "contacts?what=SERVICE_LEVEL"),
    ("wallboard-settings", 1200, 760, "settings"),
    ("wallboard-history", 1200, 900, "history"),
)
_SETTLE_MS: Final = 4_000
_DEMO: Final = "demo --serve --contacts 4000 --speed 30 --port 0"


def main() -> int:
    """Start the demo, take the pictures, and stop it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("screenshots need Chromium: apt-get install --no-install-recommends chromium\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    trunkline = Path(sys.executable).with_name("trunkline")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([str(trunkline), *_DEMO.split()], cwd=folder, stdout=subprocess.PIPE) as demo,
    ):
        line = demo.stdout.readline().decode() if demo.stdout is not None else ""
        try:
            _take(line.split()[-1], chromium)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
    return 0


def _take(url: str, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, width, height, path in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(url + path)
            page.wait_for_timeout(_SETTLE_MS)
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
