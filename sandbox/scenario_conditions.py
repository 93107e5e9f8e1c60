"""Is it so? Conditions of a scenario against the books and against what CBP has said, and what is seen instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox import views
from sandbox.cbp import Cbp
from sandbox.said import Statement, statements
from sandbox.scenario import Condition
from sandbox.scenario_words import NOT_ON_FILE

_COUNTS: Final = {
    "manifests": "select count(*) from manifest where (? = '' or state = ?)",
    "shipments": "select count(*) from bill where (? = '' or state = ?)",
    "entries": "select count(*) from entry where (? = '' or state = ?)",
    "received": "select count(*) from received where repeats is null and (? = '' or format = ?)",
    "sent": "select count(*) from answer where state = 'sent' and (? = '' or kind = ?)",
}
_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether a condition is met, and what is to be seen of its matter."""

    met: bool
    text: str


@dataclass(slots=True)
class Witness:
    """Looks at several sets of books; reads each answer once."""

    books: Mapping[str, Cbp]
    _read: dict[str, int] = field(default_factory=dict)
    _said: list[Statement] = field(default_factory=list)

    def look(self, one: Condition) -> Seen:
        """Whether the condition is met now."""
        looks = {
            "trip": self._trip,
            "shipment": self._shipment,
            "entry": self._entry,
            "answer": self._answer,
            "count": self._count,
            "nothing_due": self._nothing_due,
        }
        return looks[one.kind](one)

    def _trip(self, one: Condition) -> Seen:
        found = next((f for cbp in self.books.values() if (f := views.trip(cbp.store, one.about))), None)
        if found is None:
            return Seen(False, f"trip {one.about} {NOT_ON_FILE}")
        if (found["state"], one.wants.get("state")) == ("CLOSED", "ARRIVED"):
            found |= {"state": "ARRIVED"}  # a trip of which all is final has arrived none the less
        return _compare(f"trip {one.about}", one.wants, found | {"shipments": sum(found["shipments"].values())})

    def _shipment(self, one: Condition) -> Seen:
        found = next((f for cbp in self.books.values() if (f := views.shipment(cbp.store, one.about))), None)
        if found is None:
            return Seen(False, f"shipment {one.about} {NOT_ON_FILE}")
        living = [e for e in found["entries"] if e["state"] != "CANCELLED"] or found["entries"]
        newest = living[-1] if living else {"state": "none", "type": "none"}
        return _compare(
            f"shipment {one.about}", one.wants,
            {"state": NOT_ON_FILE} | found | {"entry": newest["state"], "entry_type": newest["type"]},
        )  # fmt: skip

    def _entry(self, one: Condition) -> Seen:
        found = next((f for cbp in self.books.values() if (f := views.entry(cbp.store, one.about))), None)
        if found is None:
            return Seen(False, f"entry {one.about} {NOT_ON_FILE}")
        return _compare(f"entry {one.about}", one.wants, found)

    def _count(self, one: Condition) -> Seen:
        state = str(one.wants.get("state", ""))
        number = sum(cbp.store.count(_COUNTS[one.about], state, state) for cbp in self.books.values())
        met = number == one.wants["is"] if "is" in one.wants else number >= one.wants["at_least"]
        return Seen(met, f"{number} {one.about}{' ' + state if state else ''}")

    def _nothing_due(self, _: Condition) -> Seen:
        due = [moment for cbp in self.books.values() if (moment := cbp.next_due()) is not None]
        return Seen(not due, f"the next thing is due {min(due).isoformat()}" if due else "nothing is to come")

    def _answer(self, one: Condition) -> Seen:
        self._listen()
        number = next((str(one.wants[n]) for n in ("shipment", "entry", "trip") if n in one.wants), "")
        about = [said for said in self._said if not number or said.names(number)]
        fitting = [
            said
            for said in about
            if said.kind == one.about and said.says(str(one.wants.get("code", "")), str(one.wants.get("text", "")))
        ]
        if one.wants.get("never"):
            return Seen(not fitting, f"{len(fitting)} such answers")
        met = len(fitting) == one.wants["times"] if "times" in one.wants else bool(fitting)
        told = [str(said) for said in about][-_SHOWN:]
        return Seen(met, f"{len(fitting)} such answers; about it CBP said: {'; '.join(told) or 'nothing'}")

    def _listen(self) -> None:
        """Read the answers that went out since the last look; what was dropped was not said."""
        for name, cbp in self.books.items():
            rows = cbp.store.rows(
                "select id, kind, verdict, payload from transcript where id > ? and direction = 'out' order by id",
                self._read.get(name, 0),
            )
            for row in rows:
                self._read[name] = row["id"]
                if json.loads(row["verdict"]).get("result") != "dropped":
                    self._said += statements(row["kind"], bytes(row["payload"] or b""))


def _compare(what: str, wants: Mapping[str, Any], found: Mapping[str, Any]) -> Seen:
    met = all(
        str(found.get(name, "")) in [str(one) for one in (value if isinstance(value, list) else [value])]
        for name, value in wants.items()
    )
    seen = ", ".join(f"{name.replace('_', ' ')} {found.get(name) or 'none'}" for name in wants)
    return Seen(met, f"{what} has {seen}")
