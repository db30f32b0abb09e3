"""Whether a tracker's library is installed, and whether its user is logged in to wandb."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

WANDB_SERVER = "https://api.wandb.ai"


def is_installed(library: str) -> bool:
    """Return whether a library can be imported; a plain folder of its name does not count."""
    spec = find_spec(library)
    return spec is not None and spec.origin is not None


def is_logged_in() -> bool:
    """Return whether wandb would find an API key, without importing wandb."""
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
