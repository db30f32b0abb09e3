"""What ``djsb doctor`` shows of the trackers: whether their user is logged in."""

from __future__ import annotations

import os

from djsb_core.api import CheckKind, DoctorCheck
from djsb_trackers.login import WANDB_SERVER, is_installed, is_logged_in


def list_checks() -> list[DoctorCheck]:
    """Check whether wandb would find an API key, without network access; only if installed."""
    if not is_installed("wandb"):
        return []
    finding, ok = describe_wandb()
    remedy = "" if ok else "unset WANDB_MODE, or log in: wandb login"
    kind = CheckKind.ACCESS
    return [DoctorCheck("wandb login", ok, finding, remedy, kind=kind, required=False)]


def describe_wandb() -> tuple[str, bool]:
    """Describe where wandb writes runs, and whether that matches ``WANDB_MODE``."""
    mode = os.environ.get("WANDB_MODE")
    server = os.environ.get("WANDB_BASE_URL") or WANDB_SERVER
    if mode in ("offline", "disabled"):
        return f"WANDB_MODE={mode}", True
    if is_logged_in():
        return f"logged in to {server}", True
    if mode == "online":
        return f"WANDB_MODE=online, but not logged in to {server}", False
    return "not logged in: runs are written to disk, for wandb sync", True
