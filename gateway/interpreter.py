"""How is Python set up for a process that serves for long?

Two of its defaults are made for scripts. The collector of cycles looks through everything alive again and again while a
truckload of objects is made, and finds nothing: it is told to look less often, and never at what was there before the
work began. And a thread that computes keeps the interpreter for 5 ms at a time, which every statement of the database
beside it waits for anew: it is told to give way sooner.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

OBJECTS: Final = 50_000
"""Objects made, less those gone again, after which the youngest are looked through; Python's own is 700."""
SWITCH_SECONDS: Final = 0.001


def serve_long() -> None:
    """Set this process up; call it once, when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)
