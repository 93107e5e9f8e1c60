"""With which key does a command talk to the gateway, and where is it found?

Given by ``--key`` or ``GATEWAY_API_KEY``; for a gateway on this machine also the file ``local.key`` that
``gateway serve`` left in its data directory. A key file that others may read is not used.
"""

from __future__ import annotations

import ipaddress
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from schemas.errors import NotAllowed, Problem

if TYPE_CHECKING:
    from gateway.cli.output import Output
    from gateway.client import GatewayClient

LOCAL_KEY: Final = "local.key"
DEMO_KEYS: Final = "demo-keys.json"
LOOK_SECONDS: Final = 5.0
"""How long a look waits for a gateway that is away."""
KEY_SECONDS: Final = 10.0
"""How long the key file of a gateway that is just starting is waited for."""


def client_for(output: Output, url: str, key: str | None, *, retry_seconds: float = LOOK_SECONDS) -> GatewayClient:
    """The client for the gateway at ``url``. Raises :class:`NotAllowed` when there is no key for it.

    ``retry_seconds``: how long a gateway that is away, or is just starting, is waited for.
    """
    from gateway.client import GatewayClient

    found = find_key(url, key, min(retry_seconds, KEY_SECONDS), output.note)
    return GatewayClient(url, found, retry_seconds=retry_seconds, waiting=output.note)


def find_key(url: str, key: str | None, seconds: float = 0.0, told: Callable[[str], None] | None = None) -> str:
    """The key to use; a key file that a starting gateway is about to write is waited for.

    Raises :class:`NotAllowed` ``no_key`` or ``key_file_mode``.
    """
    if key:
        return key.strip()
    if not is_loopback(url):
        remedy = "Give --key, or set GATEWAY_API_KEY; an administrator makes keys with `gateway keys create`."
        raise NotAllowed(Problem("no_key", "--key", f"There is no API key for {url}.", remedy))
    from gateway.settings import load_settings

    path = load_settings().storage.directory / LOCAL_KEY
    end = time.monotonic() + seconds
    if not path.is_file() and seconds and told is not None:
        told(f"waiting for the key file {path}")
    while not path.is_file():
        if time.monotonic() >= end:
            text = f"There is no API key: neither --key, nor GATEWAY_API_KEY, nor the file {path}."
            remedy = (
                "Run this where `gateway serve` was started. If it was given --data DIR: "
                "export GATEWAY_API_KEY=$(cat DIR/local.key)."
            )
            raise NotAllowed(Problem("no_key", "--key", text, remedy))
        time.sleep(0.1)
    return read_key(path)


def read_key(path: Path) -> str:
    """The key in a file of mode 0600. Raises :class:`NotAllowed` when others may read it."""
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"Others may read the key file {path}, so it is not used."
        raise NotAllowed(Problem("key_file_mode", str(path), text, f"Run: chmod 600 {path}"))
    return path.read_text("utf-8").strip()


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
