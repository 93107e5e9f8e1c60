"""Does the auditor see each kind of fault, and do seeds that found something hold, also on a server?

The thousand seeds are in :mod:`tests.simulation.seeds`. By hand: ``python -m tests.simulation --seed N``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from filings.store import Store
from tests.simulation import __main__ as program
from tests.simulation.bugs import BUGS
from tests.simulation.run import run_seed

TRIES: Final = 60
"""Seeds within which a deliberate fault is seen."""
ON_POSTGRESQL: Final = (2, 4, 7, 73, 185, 247)
_REGRESSIONS: Final = Path(__file__).with_name("regressions.txt")


def _regressions() -> list[int]:
    lines = _REGRESSIONS.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("seed", _regressions())
def test_seeds_that_found_something_hold(seed: int) -> None:
    """A seed that has broken a promise once does not do so again."""
    run = run_seed(seed)
    assert run.fault is None, run.story()


@pytest.mark.parametrize("seed", ON_POSTGRESQL)
def test_promises_hold_on_a_server(seed: int, postgres_url: str) -> None:
    """The same promises hold on PostgreSQL."""
    run = run_seed(seed, server=_upgraded(postgres_url))
    assert run.fault is None, run.story()


def _upgraded(url: str) -> str:
    """The address of a database that has been brought to this program's version."""

    async def upgrade() -> None:
        await (await Store.open(url)).close()

    asyncio.run(upgrade())
    return url


@pytest.mark.parametrize("seed", [4, 73, 12345])
def test_a_seed_says_the_same_twice(seed: int) -> None:
    """A seed that broke something can be run again: its log is the same, whatever ran before."""
    first = run_seed(seed).world.log
    run_seed(seed + 1)
    assert run_seed(seed).world.log == first
    assert len(first) > 20


def test_a_seed_says_the_same_elsewhere() -> None:
    """Another process with other hashes says the same of a seed."""
    here = run_seed(73).world.log
    script = (
        "import hashlib\nfrom tests.simulation.run import run_seed\n"
        "print(hashlib.sha256('\\n'.join(run_seed(73).world.log).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == hashlib.sha256("\n".join(here).encode()).hexdigest()


@pytest.mark.parametrize("name", BUGS)
def test_the_auditor_sees_a_deliberate_fault(name: str) -> None:
    """A gateway with this fault in it is found out, as what it is."""
    fault = BUGS[name]
    for seed in range(fault.first, fault.first + TRIES):
        run = run_seed(seed, bug=fault.bug)
        if run.fault is not None:
            assert run.fault.promise in fault.breaks, run.story()
            return
    pytest.fail(f"{TRIES} seeds, and nobody noticed that the gateway {name}")


def test_the_program_shows_what_broke(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand a seed ends in its number and its verdict, and the program in 1 when a promise is broken."""
    monkeypatch.setattr(sys, "argv", ["simulation", "--seed", "4", "--trace"])
    assert program.main() == 0
    shown = capsys.readouterr().out
    assert "seed 4: holds" in shown
    assert "the weather clears up" in shown
    monkeypatch.setattr(program, "run_seed", lambda seed: run_seed(seed, bug=BUGS["changes the archive"].bug))
    monkeypatch.setattr(sys, "argv", ["simulation", "--seed", "0"])
    assert program.main() == 1
    assert "seed 0: the archive is complete" in capsys.readouterr().out
