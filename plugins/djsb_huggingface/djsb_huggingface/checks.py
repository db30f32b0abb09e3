"""What ``djsb doctor`` shows of this package, in addition to its dependencies."""

from __future__ import annotations

import os
from pathlib import Path

from djsb_core.api import CheckKind, DoctorCheck, check_packages, counted
from djsb_huggingface.loading import PACKAGES


def list_checks() -> list[DoctorCheck]:
    """Check the packages, and report where models are looked up by name."""
    return [*check_packages("djsb-huggingface", PACKAGES), check_cache()]


def check_cache() -> DoctorCheck:
    """Report the local Hugging Face cache and its number of models; an empty one is fine."""
    folder = cache_folder()
    count = sum(1 for _ in folder.glob("models--*/snapshots"))
    return DoctorCheck(
        "Hugging Face cache",
        ok=True,
        finding=f"{folder}: {counted(count, 'model') if count else 'no models'}",
        kind=CheckKind.FILE,
        required=False,
        path=folder,
    )


def cache_folder() -> Path:
    """Return where huggingface_hub stores models, without importing it."""
    home = os.environ.get("HF_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
    )
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(named or Path(home, "hub")).expanduser()
