"""Why did a connection, a file or a database fail, in a person's words? No name of a class, no text of a library."""

from __future__ import annotations

import errno
import os
import socket
from typing import Final


def not_json(message: str, line: int, column: int) -> str:
    """Why a text is not JSON, as a clause: what the parser says and where."""
    if "UTF-8" in message:
        return "it is no text in UTF-8"
    return f"{message} (line {line}, column {column})"


_KINDS: Final = (
    ("Timeout", "no answer came in time"),
    ("Certificate", "the certificate of the other side is not trusted"),
    ("SSL", "no secured connection could be made"),
    ("Disconnected", "the other side closed the connection"),
    ("ConnectionLost", "the connection was lost"),
    ("Payload", "the answer broke off"),
    ("InvalidURL", "the address cannot be used"),
)
"""Part of the name of an error's class → what it means."""


def cause(error: BaseException) -> str:
    """The cause of a failure as a clause without a full stop."""
    for one in (error, getattr(error, "os_error", None), error.__cause__):
        if isinstance(one, socket.gaierror):
            return "no machine of that name is known"
        number = getattr(one, "errno", None)
        if isinstance(one, OSError) and isinstance(number, int) and number in errno.errorcode:
            return os.strerror(number).lower()
    kind = next((words for part, words in _KINDS if part in type(error).__name__), "")
    if kind:
        return kind
    return "the other side closed the connection" if isinstance(error, ConnectionError) else "the connection failed"
