"""Does a coverage-guided search find bytes that break a law of a format, and do the ones once found stay mended?"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, seeds

CRASHERS = Path(__file__).parent / "crashers"
SECONDS = 12
"""Of searching for each family in the tests; ``python -m tests.fuzz`` searches for as long as it is told."""


@pytest.mark.parametrize("family", sorted(TARGETS))
def test_the_laws_hold_for_the_golden_files(family: str) -> None:
    """The messages the search begins with break nothing."""
    found = list(seeds(family))
    assert found
    for seed in found:
        TARGETS[family](seed)


@pytest.mark.parametrize("family", sorted(TARGETS))
def test_what_once_broke_a_law_does_so_no_more(family: str) -> None:
    """Every input that was ever found is tried again."""
    for path in sorted((CRASHERS / family).glob("crash-*")):
        TARGETS[family](path.read_bytes())


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="the fuzzer atheris has wheels for Linux on x86_64 up to Python 3.13 only",
)
@pytest.mark.parametrize("family", sorted(TARGETS))
def test_a_bounded_search_finds_nothing(family: str, tmp_path: Path) -> None:
    """A few seconds of searching from the golden files end without a broken law."""
    command = [sys.executable, "-m", "tests.fuzz", family, "--seconds", str(SECONDS), "--crashers", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, timeout=180, cwd=Path(__file__).parents[2], check=False)
    found = [one.read_bytes() for one in tmp_path.iterdir()]
    assert done.returncode == 0, f"{found!r}\n{done.stderr.decode(errors='replace')[-4000:]}"
