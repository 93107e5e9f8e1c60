"""Where may a receipt be posted that somebody asks to have posted?

Whoever asks is not yet known for who it says it is, so the address it names must be one that was agreed before: the
scheme, host and port at which the partner takes messages. The path is the partner's own affair. Everything else
(another host, another port, a name and password in the address, ``mailto:``) is no address to us: a stranger must not
be able to make us call on third parties or on our own network.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_ADDRESS: Final = re.compile(r"[\x21-\x7e]{1,2000}")


def may_post(url: str, agreed: str) -> bool:
    """Whether ``url`` lies at the scheme, host and port of ``agreed`` ("" when nothing is agreed)."""
    place = _place(url)
    return bool(place) and place == _place(agreed)


def _place(url: str) -> tuple[str, str, int] | None:
    if not _ADDRESS.fullmatch(url) or "\\" in url:
        return None
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port
