"""With which key does a command talk to the gateway, and where is it found?

Given by ``--key`` or ``GATEWAY_API_KEY``; for a gateway on this machine also the file ``local.key`` that
``gateway serve`` left in its data directory. A key file that others may read is not used.
"""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from schemas.errors import NotAllowed, Problem

if TYPE_CHECKING:
    from gateway.cli.output import Output
    from gateway.client import GatewayClient

LOCAL_KEY: Final = "local.key"
DEMO_KEYS: Final = "demo-keys.json"


def client_for(output: Output, url: str, key: str | None, *, retry_seconds: float | None = None) -> GatewayClient:
    """The client for the gateway at ``url``. Raises :class:`NotAllowed` when there is no key for it."""
    from gateway.client import RETRY_SECONDS, GatewayClient

    return GatewayClient(
        url,
        find_key(url, key),
        retry_seconds=RETRY_SECONDS if retry_seconds is None else retry_seconds,
        waiting=output.note,
    )


def find_key(url: str, key: str | None) -> str:
    """The key to use. Raises :class:`NotAllowed` ``no_key`` or ``key_file_mode``."""
    if key:
        return key.strip()
    if not is_loopback(url):
        remedy = "Give --key, or set GATEWAY_API_KEY; an administrator makes keys with `gateway keys create`."
        raise NotAllowed(Problem("no_key", "--key", f"There is no API key for {url}.", remedy))
    from gateway.settings import load_settings

    path = load_settings().storage.directory / LOCAL_KEY
    if not path.is_file():
        text = f"There is no API key: neither --key, nor GATEWAY_API_KEY, nor the file {path}."
        raise NotAllowed(Problem("no_key", "--key", text, "Run this where `gateway serve` was started, or give --key."))
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
