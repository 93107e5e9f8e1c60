"""One case at a door of a sandbox: a day, a trip and numbers of its own, acts of a filer, readers of what it is told.

Everything a case files is its own, so that cases share one sandbox; each begins on a later day with nothing due.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from tests.sandbox_lines import Came, Line, Told

FIRST_DAY = date(2024, 12, 2)
NUMBERS = itertools.count(1)


class Case:
    """A row of a documented table, driven at one door."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.number = next(NUMBERS)
        self.day = FIRST_DAY + timedelta(days=2 * self.number)
        self.trip = f"TSTC{self.number:010d}"
        self._files = itertools.count(self.number * 100)

    async def begin(self, time: str = "09:00") -> Case:
        """No faults, the morning of its day, nothing due from before."""
        await self.plan({})
        await self.line.control("POST", "/clock", {"freeze": True, "set": f"{self.day}T{time}:00"})
        await self.line.collect()
        return self

    # ------------------------------------------------------------------ numbers

    def scn(self, marker: str = "") -> str:
        """The number of its shipment after the SCAC, with a marker in it."""
        return f"{marker}{self.number:0{min(5, 12 - len(marker))}d}"  # twelve characters at most

    def entry(self, **changes: Any) -> SampleEntry:
        """Its entry, for the shipment unless ``bill`` names another."""
        values: dict[str, Any] = {"sequence": f"{self.number:07d}", "bill": self.scn()}
        return SampleEntry(**(values | changes))

    # ------------------------------------------------------------------ acts

    async def plan(self, faults: dict[str, Any]) -> None:
        """Set a fault plan."""
        await self.line.control("POST", "/faults", faults)

    def manifest(self, bill: SampleBill | None = None, *, marker: str = "", trip: str = "", days: int = 0) -> bytes:
        """A complete manifest of one shipment, with a control number that was not used."""
        day = self.day + timedelta(days=days)
        return manifest_309(
            [bill or SampleBill(self.scn(marker))],
            trip=trip or self.trip,
            day=f"{day:%Y%m%d}",
            control=next(self._files),
        )

    def entries(self, *entries: SampleEntry) -> bytes:
        """A batch of cargo release transactions."""
        return entries_se(entries, day=self.day, reference=f"REF-{next(self._files):06d}")

    async def send(self, payload: bytes, expected: Told = "taken") -> None:
        """Hand a file in; told has to be ``expected``."""
        told = await self.line.send(payload)
        assert told == expected, f"told {told}, not {expected}"

    async def say(self, payload: bytes) -> list[Came]:
        """Hand a file in that is taken, and give what comes back."""
        await self.send(payload)
        return await self.line.collect()

    async def file(self, marker: str) -> list[Came]:
        """File the shipment and its entry, both with a marker in the number; gives what comes back."""
        answers = await self.say(self.manifest(marker=marker))
        return answers + await self.say(self.entries(self.entry(bill=self.scn(marker))))

    async def arrive(self, trip: str = "") -> list[Came]:
        """The truck is at the border."""
        await self.line.control("POST", f"/trips/{trip or self.trip}/arrive")
        return await self.line.collect()

    async def release(self, marker: str) -> list[Came]:
        """The control API releases the shipment."""
        await self.line.control("POST", f"/shipments/TSTC{self.scn(marker)}/release")
        return await self.line.collect()

    async def later(self, seconds: float) -> list[Came]:
        """What comes when the clock has moved on."""
        await self.line.control("POST", "/clock", {"advance": seconds})
        return await self.line.collect()

    async def on_file(self, number: str) -> bool:
        """Whether the books hold the shipment, as a bill."""
        status, document = await self.line.asked("GET", f"/shipments/TSTC{number}")
        return status == 200 and "trip" in document

    async def transcript(self, kind: str) -> list[dict[str, Any]]:
        """The last lines of a kind in the transcript."""
        items: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.line.control("GET", f"/transcript?after={after}&limit=1000&bytes=0&kind={kind}")
            items += page["items"]
            after = page["next"]
        return items


# ---------------------------------------------------------------------------------------------------- reading


def kinds(answers: Iterable[Came]) -> list[str]:
    """Kinds of what came, in order."""
    return [one.kind for one in answers]


def one(answers: Iterable[Came], kind: str) -> bytes:
    """The only file of a kind."""
    (found,) = [came.payload for came in answers if came.kind == kind]
    return found


def x4(answers: Iterable[Came]) -> list[str]:
    """Disposition codes of all 350s, in the order in which they came."""
    return [
        segment.split("*")[7]
        for came in answers
        if came.kind == "350"
        for segment in came.payload.decode().split("~")
        if segment.startswith("X4*")
    ]


def so(answers: Iterable[Came]) -> list[list[str]]:
    """The SO50 and SO60 codes of each SO, in the order in which they came."""
    return [
        [r[14:16] for r in came.payload.decode().splitlines() if r[:4] in {"SO50", "SO60"}]
        for came in answers
        if came.kind == "SO"
    ]


def told(answers: Iterable[Came]) -> set[str]:
    """All codes of all SOs."""
    return {code for codes in so(answers) for code in codes}


def records(answers: Iterable[Came], name: str) -> list[str]:
    """All records of a name in what is CATAIR."""
    found = []
    for came in answers:
        if came.name.endswith(".txt"):
            found += [r for r in came.payload.decode("latin-1").splitlines() if r.startswith(name)]
    return found
