"""What can somebody outside tell this CBP, and how is it remembered?

The truck is here, hold this, let that go, say the next thing now, forget everything. Each order that was carried out
stands in the transcript between the files (direction ``told``), so that a reader sees why CBP spoke.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sandbox.cbp import Cbp
from sandbox.clock import Clock
from sandbox.pending import bring_forward

ACTS: Final = ("hold", "exam", "release", "revoke")
"""Orders about one shipment."""
TOLD: Final = "told"
"""Direction of an order in the transcript, besides ``in`` and ``out`` of files."""
_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_KEPT: Final = ("meta", "importer", "bond")
"""What emptied books keep: the clock, the faults, the counters of numbers that are never given twice; and whom CBP
knows.
"""


class Orders:
    """Orders to one set of books. Raises :class:`~sandbox.border.NotPossible` for what they do not permit."""

    def __init__(self, cbp: Cbp, clock: Clock) -> None:
        self.cbp, self.clock = cbp, clock

    def arrive(self, trip: str) -> int:
        """The truck of a trip is at the border; gives the number of its shipments."""
        shipments = self.cbp.arrive(trip, self.clock.now())
        self.note("arrive", trip, f"{shipments} shipments at the border")
        return shipments

    def shipment(self, act: str, scn: str) -> str:
        """One of :data:`ACTS`; gives the shipment's state."""
        cbp, now = self.cbp, self.clock.now()
        acts = {"hold": cbp.hold, "exam": cbp.exam, "release": cbp.release, "revoke": cbp.revoke}
        state = acts[act](scn, now)
        self.note(act, scn, state)
        return state

    def push(self, which: str = "") -> list[dict[str, Any]]:
        """Say the next thing now, or what is named; gives the answers that are due by this."""
        pushed = bring_forward(self.cbp, self.clock.now(), which)
        self.note("push", which, ", ".join(one["kind"] for one in pushed) or "nothing to say")
        return pushed

    def empty(self) -> None:
        """Forget every file, manifest, bill and entry. Numbers go on: nothing is ever called like something before."""
        store = self.cbp.store
        tables = store.rows("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
        with store.transaction():
            for row in tables:
                if row["name"] not in _KEPT:
                    store.run(f'delete from "{row["name"]}"')
            self.note("reset", "", "the books are empty")

    def note(self, act: str, name: str, result: str) -> None:
        """Put an order into the transcript."""
        verdict = {"stage": "control", "result": result}
        self.cbp.store.note(self.clock.now(), TOLD, act, name, "", _NOTHING, verdict, b"")
