"""Run the quickstart as a new user would, starting with `djsb init`, on its first samples only.

    python tools/run_quickstart.py --samples 300

Further arguments are passed to `djsb run`.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

DJSB = Path(sys.executable).with_name("djsb")


def main() -> None:
    """Create the experiment, truncate its data, check and run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, required=True, help="samples of each dataset")
    options, more = parser.parse_known_args()
    with TemporaryDirectory(prefix="djsb-quickstart-") as folder:
        lab = Path(folder, "lab")
        run("init", lab)
        for path in lab.glob("data/*.jsonl.gz"):
            cut(path, options.samples)
        run("validate", "sandbox.yaml", folder=lab)
        run("run", "sandbox.yaml", *more, folder=lab)
        run("runs", "sandbox.yaml", folder=lab)
        run("report", "last", "sandbox.yaml", folder=lab)


def cut(path: Path, samples: int) -> None:
    """Keep the first samples of a dataset."""
    with gzip.open(path, "rb") as lines:
        data = b"".join(islice(lines, samples))
    path.write_bytes(gzip.compress(data))


def run(*arguments: str | Path, folder: Path | None = None) -> None:
    """Run ``djsb``; exit with its exit status if it fails."""
    status = subprocess.run([DJSB, *arguments], cwd=folder, check=False).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
