"""How is Python set up for a process that serves for long?

Some defaults are made for scripts. The collector of cycles looks through everything alive again and again while a
truckload of objects is made, and finds nothing: it is told to look less often, and never at what was there before the
work began. And a thread that computes keeps the interpreter for 5 ms at a time, which every statement of the database
beside it waits for anew: it is told to give way sooner. And the C library gives each thread a store of memory of its
own, and keeps in each what a truckload once needed there: few stores, given back when they are empty, are enough.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

OBJECTS: Final = 50_000
"""Objects made, less those gone again, after which the youngest are looked through; Python's own is 700."""
SWITCH_SECONDS: Final = 0.001
ARENAS: Final = 2
TRIM_BYTES: Final = 128 * 1024
"""Free memory at the end of a store that is given back; naming it keeps glibc from raising it by itself."""
_M_TRIM_THRESHOLD: Final = -1
_M_ARENA_MAX: Final = -8


def serve_long() -> None:
    """Set this process up; call it once, when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)
    _share_memory()


def _share_memory() -> None:
    """glibc's ``mallopt(3)``; another C library has none, and none of these stores."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)
