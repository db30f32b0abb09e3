"""Create docs/images/report.png: the top of the demo's report, rendered by a browser.

    make demo && .venv/bin/python tools/picture_report.py

Needs Chromium (or the browser named by ``--browser``) and Pillow; writes no other file.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import djsb

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "report.png"
SIZE = (1280, 1150)
"""Width and height of the window, in pixels."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
)


def main() -> None:
    """Render the newest run of the demo, or a given page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", nargs="?", type=Path, help="a report; default: the demo's")
    parser.add_argument("--browser", default="chromium")
    options = parser.parse_args()
    page = (
        options.page
        or djsb.open_run("last", ROOT / "outputs" / "quickstart").folder / "report.html"
    )
    with TemporaryDirectory() as folder:
        shot = Path(folder, "report.png")
        size = ",".join(map(str, SIZE))
        flags = [*FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={size}"]
        command = [options.browser, *flags, f"--screenshot={shot}", page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True)
        PICTURE.parent.mkdir(exist_ok=True)
        # 128 colours are enough for a page and reduce the file to a third.
        Image.open(shot).convert("RGB").quantize(128).save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes, of {page}")


if __name__ == "__main__":
    main()
