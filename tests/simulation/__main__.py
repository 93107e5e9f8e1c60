"""Run seeds by hand: ``python -m tests.simulation --seed 17`` or ``--seeds 0 200``.

Prints the last steps of a seed that breaks a promise, ``--trace`` all of them.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.run import run_seed


def main() -> int:
    """Run what is asked for; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FROM", "TO"), help="seeds FROM to TO, without TO")
    parser.add_argument("--trace", action="store_true", help="show every step")
    parser.add_argument("--steps", type=int, default=60, help="steps shown of a broken seed")
    given = parser.parse_args()
    seeds = range(*given.seeds) if given.seeds else [given.seed or 0]
    began, broken = time.process_time(), 0
    for seed in seeds:
        run = run_seed(seed)
        if run.fault is not None:
            broken += 1
        if run.fault is not None or given.trace:
            shown = run.world.log if given.trace else run.world.log[-given.steps :]
            sys.stdout.write("\n".join(shown) + f"\nseed {seed}: {run.fault or 'holds'}\n")
    spent = time.process_time() - began
    sys.stdout.write(f"{len(seeds)} seeds, {broken} broken, {spent:.1f} s of one processor\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
