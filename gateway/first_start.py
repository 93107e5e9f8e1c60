"""Who makes what is made once, when several processes start at the same moment?

The first to come makes it; the others wait, and find it made.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """While this is held, no other process holds it for the same folder; the folder is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder / "first-start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
