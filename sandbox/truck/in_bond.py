"""Which in-bond movements are on file, what rides under them, and where do they stand?

An in-bond number comes on file with the M12 of an accepted bill, or by the switch ``in_bonds_on_file`` (filed elsewhere
as QP). Its movement begins when the truck arrives, and ends with the arrival at its destination (61) or with the export
(62, 63).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from sandbox.office import Office
from sandbox.store import stamp
from sandbox.truck.events_reader import Event

_BY_BILL = frozenset("26B")
_BY_CONTAINER = frozenset("37C")


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement as the books have it: in-bond type, port of destination or export, who answers for it, its ends."""

    kind: str = ""
    destination: str = ""
    carrier: str = ""
    arrived_at: str | None = None
    exported_at: str | None = None


class InBondBooks:
    """In-bond movements in the store."""

    def __init__(self, office: Office) -> None:
        self.office, self.store = office, office.store

    def of_event(self, event: Event) -> list[str]:
        """In-bond numbers that an event is about: one, or those of a bill or of a container; none: not on file."""
        if event.kind in _BY_BILL:
            rows = self.store.rows(
                "select in_bond from bill where scn = ? and in_bond <> '' and state <> 'DELETED'",
                event.issuer + event.reference,
            )
        elif event.kind in _BY_CONTAINER:
            rows = self.store.rows(
                "select distinct in_bond from bill, json_each(bill.equipment) as one"
                " where in_bond <> '' and state = 'IN_BOND' and one.value = ?",
                event.reference,
            )
        else:
            number = event.reference
            return [number] if self.scns(number) or number in self.office.behaviour.in_bonds_on_file else []
        return [row["in_bond"] for row in rows]

    def movement(self, number: str) -> Movement:
        """One movement; nothing is known of those filed elsewhere."""
        found = self.store.row("select * from in_bond where number = ?", number)
        return Movement() if found is None else Movement(*tuple(found)[1:])

    def scns(self, number: str) -> list[str]:
        """The bills that move under a number."""
        rows = self.store.rows("select scn from bill where in_bond = ? and state <> 'DELETED' order by rowid", number)
        return [row["scn"] for row in rows]

    def manifest_of(self, event: Event) -> sqlite3.Row | None:
        """The manifest whose bills an event is about, if one is on file."""
        for number in self.of_event(event):
            found = self._manifest(number)
            if found is not None:
                return found
        return None

    def manifest_state(self, number: str) -> str | None:
        """State of the manifest that brought a movement on file; ``None``: none did (QP)."""
        found = self._manifest(number)
        return None if found is None else str(found["state"])

    def _manifest(self, number: str) -> sqlite3.Row | None:
        return self.store.row(
            "select m.* from bill b join manifest m on m.id = b.manifest_id where b.in_bond = ?"
            " and b.state <> 'DELETED' order by b.rowid desc limit 1",
            number,
        )

    def note(self, number: str, at: datetime, *, exported: bool) -> None:
        """A movement arrived or left the country."""
        self._set(number, "exported_at" if exported else "arrived_at", stamp(at))

    def transfer(self, number: str, carrier: str) -> None:
        """Another carrier answers for a movement now."""
        self._set(number, "carrier", carrier)

    def _set(self, number: str, column: str, value: str) -> None:
        self.store.run(
            "insert or ignore into in_bond (number, kind, destination, carrier) values (?, '', '', '')", number
        )
        self.store.run(f"update in_bond set {column} = ? where number = ?", value, number)
