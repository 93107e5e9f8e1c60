"""How does each run get a process of its own? ``python -m gateway.bench.alone bulk '{"shipments": 100}'``.

The most that a process ever held says nothing about one of several runs in it, and one run must not warm up another.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from gateway.bench.bulk import Bulk, run_bulk
from gateway.bench.urgent import Urgent, run_urgent


def bulk_alone(shipments: int, **given: Any) -> Bulk:
    """:func:`gateway.bench.bulk.run_bulk` in a process of its own."""
    return Bulk(**_run("bulk", {"shipments": shipments, **given}))


def urgent_alone(shipments: int, **given: Any) -> Urgent:
    """:func:`gateway.bench.urgent.run_urgent` in a process of its own."""
    found = _run("urgent", {"shipments": shipments, **given})
    found |= {name: tuple(found[name]) for name in ("alone", "beside", "own")}
    return Urgent(**found)


def _run(what: str, given: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, what, json.dumps(given)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own module
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(what: str, given: dict[str, Any]) -> None:
    """Do one run and print what was measured as JSON."""
    from gateway.interpreter import serve_long
    from gateway.logs import configure_logs

    configure_logs("auto", "warning", sys.stderr)
    serve_long()
    measured: Bulk | Urgent = asyncio.run(run_bulk(**given)) if what == "bulk" else asyncio.run(run_urgent(**given))
    sys.stdout.write(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
