"""``gateway filing --files``: how do the files of a filing come into a folder?

One file each, in their order, numbered, with the direction in the name; for their owner alone, since they name people.
The bytes are those whose digest is listed; only the password of a batch of ours is hidden, and that is told.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import Conflict, FormatError, Problem

if TYPE_CHECKING:
    from gateway.client import GatewayClient

_HIDDEN = b"******"


def prepare(folder: Path) -> None:
    """Make the folder. Raises :class:`Conflict` when something is in it: nothing is written over."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        text = f"The folder {folder} is not empty."
        raise Conflict(Problem("folder_not_empty", "--files", text, "Name an empty or new folder."))


async def save(client: GatewayClient, found: Mapping[str, Any], folder: Path) -> None:
    """Write every file of a filing; each of its transmissions gets ``saved_as`` and ``hides_password``."""
    for number, one in enumerate(found["transmissions"], start=1):
        data = await client.file(str(found["id"]), str(one["id"]))
        name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in str(one["name"]))
        path = folder / f"{number:03d}-{one['direction']}-{name}"
        one["hides_password"] = _hides(one, data)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        one["saved_as"] = str(path)


def _hides(one: Mapping[str, Any], data: bytes) -> bool:
    """Whether the password is hidden. Raises :class:`FormatError` for bytes that differ otherwise from those listed."""
    if hashlib.sha256(data).hexdigest() == one["payload_sha256"]:
        return False
    if one["direction"] == "out" and data[:1] == b"A" and data[8:14] == _HIDDEN:
        return True
    text = f"What came for {one['name']} has another digest than the file that is listed."
    raise FormatError(Problem("file_differs", "--files", text, "Look at the log of the gateway."))
