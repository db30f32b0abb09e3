"""Whether a server can be reached, found out in seconds."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

SECONDS = 3.0
PORTS = {"http": 80, "https": 443}


def can_reach(url: str) -> bool:
    """Tell whether something answers where requests to an address go: its server, or the proxy.

    Libraries that download try again for minutes where nothing answers.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(parts.netloc):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = parts.port or PORTS.get(parts.scheme, PORTS["https"])
    try:
        socket.create_connection((parts.hostname or "", port), timeout=SECONDS).close()
    except (OSError, UnicodeError):
        return False
    return True
