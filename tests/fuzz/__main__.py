"""Search for bytes that break a law: ``python -m tests.fuzz x12 --seconds 60``.

The fuzzer is atheris (libFuzzer): it watches which lines of ``schemas`` an input reaches and keeps those that reach
new ones. It starts from the golden files. An input that breaks a law is written to ``crashers/FAMILY/`` (or
``--crashers DIR``) and the exit status is 77; keep it there with its mending, and the tests try it for ever.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["schemas"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS, seeds

MOST_BYTES = 2048


def main() -> None:
    """Fuzz one family for a bounded time."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("family", choices=sorted(TARGETS))
    options.add_argument("--seconds", type=int, default=60, help="how long to search")
    options.add_argument("--seed", type=int, default=1, help="of the fuzzer's own random choices")
    options.add_argument("--crashers", type=Path, help="where an input that breaks a law is written")
    chosen = options.parse_args()
    crashers = chosen.crashers or Path(__file__).parent / "crashers" / chosen.family
    crashers.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(chosen.family)):
            Path(corpus, f"seed-{number:03d}").write_bytes(seed)
        settings = [
            sys.argv[0],
            corpus,
            f"-max_total_time={chosen.seconds}",
            f"-seed={chosen.seed}",
            f"-max_len={MOST_BYTES}",
            "-timeout=20",
            f"-artifact_prefix={crashers}/",
            "-print_final_stats=1",
        ]
        atheris.Setup(settings, TARGETS[chosen.family])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
