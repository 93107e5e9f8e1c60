"""The arrows of the house go one way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_room_imports_what_it_may_not() -> None:
    """gateway → filings → mappings → schemas, and the sandbox knows the codecs alone; the import linter says so."""
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
