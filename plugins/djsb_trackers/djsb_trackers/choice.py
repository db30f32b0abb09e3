"""Which trackers a run is shown in: those asked for, and wandb where its user is logged in."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

VARIABLE = "DJSB_TRACKERS"
WANDB_SERVER = "https://api.wandb.ai"


def is_wanted(tracker: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether a run is to be shown in a tracker.

    The experiment's ``trackers`` decide, else the variable ``DJSB_TRACKERS``; where neither is
    there, wandb is wanted by those who use it.
    """
    wanted = settings.get("trackers")
    if wanted is None and VARIABLE in os.environ:
        wanted = tuple(filter(None, map(str.strip, os.environ[VARIABLE].split(","))))
        _warn_of_unknown(wanted)
    if tracker == "wandb" and os.environ.get("WANDB_MODE") == "disabled":
        return False
    if wanted is None:
        return tracker == "wandb" and ("WANDB_MODE" in os.environ or is_logged_in())
    return tracker in ([wanted] if isinstance(wanted, str) else wanted)


def is_installed(library: str) -> bool:
    """Tell whether a library can be imported; a mere folder of its name is none."""
    spec = find_spec(library)
    return spec is not None and spec.origin is not None


def is_logged_in() -> bool:
    """Tell whether wandb would find a key, without asking wandb."""
    import netrc

    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    server = urlsplit(os.environ.get("WANDB_BASE_URL") or WANDB_SERVER).netloc
    places = [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]
    for place in places:
        with suppress(OSError, RuntimeError, netrc.NetrcParseError):
            if netrc.netrc(Path(place).expanduser()).authenticators(server):
                return True
    return False


@cache
def _warn_of_unknown(wanted: tuple[str, ...]) -> None:
    known = {entry.name for entry in entry_points(group="djsb.listeners")}
    for name in wanted:
        if name not in known:
            log.warning("%s: no tracker '%s' is installed", VARIABLE, name)
