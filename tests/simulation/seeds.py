"""Does every promise hold over a thousand seeds? Half of them each in two modules, which two processes can run at once.

Measured: a seed takes 0.4 s of one processor (two cores that are threads of one, 2.5 GHz), so that with ``-n 2`` the
thousand take less than four minutes there.
"""

from __future__ import annotations

import time
from typing import Final

from tests.simulation.run import run_seed

SEEDS: Final = 1000
CHUNK: Final = 25
PATIENCE: Final = 1.2
"""Seconds of a processor that a seed may take: three times what is measured, so that only a change of kind fails."""
FIRST_HALF: Final = range(0, SEEDS // 2, CHUNK)
SECOND_HALF: Final = range(SEEDS // 2, SEEDS, CHUNK)


def check_seeds(first: int) -> None:
    """Whatever these seeds bring, no promise is broken, and it is found out in the stated time."""
    began = time.process_time()
    runs = [run_seed(seed) for seed in range(first, first + CHUNK)]
    spent = time.process_time() - began
    broken = [run.story() for run in runs if run.fault is not None]
    assert not broken, "\n\n".join(broken)
    assert spent < PATIENCE * CHUNK
    assert all(run.looks > 3 for run in runs)
