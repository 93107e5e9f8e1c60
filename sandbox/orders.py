"""What can somebody outside tell this CBP, and how is it remembered?

The truck is here, hold this, let that go, say the next thing now, forget everything. Each order that was carried out
stands in the transcript between the files (direction ``told``), so that a reader sees why CBP spoke.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from sandbox import views
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


WAITS: Final = "the manifest is preliminary: the truck waits until it is complete (stop_preliminary_trucks)"
WENT_ON: Final = (
    "the manifest was preliminary; no readable document says what CBP does with such a truck, so its good bills went"
    " on (stop_preliminary_trucks lets it wait)"
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A truck at the border: the number of its ``shipments``, the manifest's ``state`` (ARRIVED; PRELIMINARY when it
    waits), and a ``note`` where the manifest was not complete.
    """

    shipments: int
    state: str
    note: str = ""


class Orders:
    """Orders to one set of books. Raises :class:`~sandbox.border.NotPossible` for what they do not permit."""

    def __init__(self, cbp: Cbp, clock: Clock) -> None:
        self.cbp, self.clock = cbp, clock

    def arrive(self, trip: str) -> Arrived:
        """The truck of a trip is at the border."""
        before = views.trip(self.cbp.store, trip)
        shipments = self.cbp.arrive(trip, self.clock.now())
        after = views.trip(self.cbp.store, trip)
        waits = after is not None and after["state"] == "PRELIMINARY"
        preliminary = before is not None and before["state"] == "PRELIMINARY"
        note = WAITS if waits else WENT_ON if preliminary else ""
        arrived = Arrived(shipments, "PRELIMINARY" if waits else "ARRIVED", note)
        count = f"{shipments} shipment{'' if shipments == 1 else 's'} at the border"
        self.note("arrive", trip, f"{count}; {note}" if note else count)
        return arrived

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
