"""Which exact messages would a trip become? The files, without a store, a network or a control number spent.

The same mappings and codecs as in the running gateway; only what the store gives out is stood in for: control
numbers, entry numbers and shipment control numbers begin at 1. A shipment that fits into no message is
listed with every reason and left off; the others go on. Shipments for review are left off too: they may not
cross until a broker has decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from filings.context import FilingContext
from filings.wording import ENTERED, batch_reference, entry_bytes, manifest_bytes
from mappings.decision import PathwayDecision, decide_trip
from mappings.entry import build_entry, try_entry
from mappings.handoff import build_package, zip_package
from mappings.manifest import build_manifest
from mappings.manifest_bill import bill_segments
from mappings.notes import TRIP, Note, NoteKind
from mappings.preflight_trip import trip_findings
from schemas.entry_number import make_entry_number
from schemas.errors import FormatError, Problem
from schemas.shipment import Shipment
from schemas.trip import Trip

Pair = tuple[Shipment, PathwayDecision]

_NOTE_ORDER: Final[Sequence[NoteKind]] = (
    "transliterated",
    "differs",
    "rounded",
    "left_out",
    "split",
    "unconfirmed",
    "derived",
)


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file that would be sent, or handed over: ``shipments`` are those it carries."""

    name: str
    kind: str
    content: bytes = field(repr=False)
    shipments: tuple[str, ...]
    numbers: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The row of ``index.json``."""
        return {
            "file": self.name,
            "type": self.kind,
            "bytes": len(self.content),
            "shipments": len(self.shipments),
            **self.numbers,
            "shipment_ids": list(self.shipments),
        }


@dataclass(slots=True)
class Rendering:
    """What became of the shipments besides files."""

    decisions: list[PathwayDecision] = field(default_factory=list)
    unfit: list[dict[str, Any]] = field(default_factory=list)
    review: list[str] = field(default_factory=list)
    noted: dict[tuple[str, Note], None] = field(default_factory=dict)
    remarks: tuple[Problem, ...] = ()
    """What is odd about the trip itself; an error would refuse it when it is filed."""

    def note(self, shipment_id: str, notes: Iterable[Note]) -> None:
        """Keep what is said otherwise than given, once for all messages; what is of the trip has no shipment."""
        self.noted |= {("" if one.path.startswith(TRIP) else shipment_id, one): None for one in notes}

    def notes(self) -> list[dict[str, str]]:
        """Every note with its shipment, other spellings and values first, what is derived last."""
        rows = sorted(self.noted, key=lambda row: _NOTE_ORDER.index(row[1].kind))
        return [({"shipment_id": shipment} if shipment else {}) | note.as_dict() for shipment, note in rows]


class Renderer:
    """Renders one trip; ``result`` fills while :meth:`run` gives the files."""

    def __init__(self, trip: Trip, arrival: datetime, ctx: FilingContext, made_at: datetime) -> None:
        self.trip, self.arrival, self.made_at = trip, arrival, made_at
        self.profile, self.rules, self.filer = ctx.profile, ctx.rules, ctx.filer
        self.ctx, self.limits = ctx, ctx.limits
        self.result = Rendering(remarks=trip_findings(trip, made_at, ctx.rules.advice))

    def run(self, shipments: Sequence[Shipment], step: Callable[[], None]) -> Iterator[RenderedFile]:
        """Every file in the order of sending; ``step`` is called once a shipment."""
        good: list[Pair] = []
        numbered = list(self._numbered(shipments))
        decisions = decide_trip(
            numbered, self.trip, self.arrival, self.rules, default_importer=self.filer.default_importer
        )
        for shipment, decision in zip(numbered, decisions, strict=True):
            self.result.decisions.append(decision)
            if self._fits(shipment, decision):
                good.append((shipment, decision))
            step()
        if good:
            yield from self._manifests(good)
        yield from self._entries([pair for pair in good if pair[1].pathway in ENTERED])
        for shipment, decision in good:
            if decision.pathway == "formal":
                content = zip_package(build_package(shipment, decision, self.trip, self.made_at), self.made_at)
                numbers = {"scn": shipment.scn}
                yield RenderedFile(f"handoff-{shipment.scn}.zip", "handoff", content, (shipment.shipment_id,), numbers)

    def _numbered(self, shipments: Iterable[Shipment]) -> Iterator[Shipment]:
        number = 0
        for shipment in shipments:
            if shipment.scn is None:
                number += 1
                scn = f"{self.trip.carrier_scac}G{number:011d}"
                yield shipment.model_copy(update={"shipment_control_number": scn})
            else:
                yield shipment

    def _fits(self, shipment: Shipment, decision: PathwayDecision) -> bool:
        """Whether the shipment goes into the messages of its pathway; else it is noted why not."""
        if decision.pathway == "review":
            self.result.review.append(shipment.shipment_id)
            return False
        noted: list[Note] = []
        problems: list[Problem] = [need for need in decision.needs if need.severity == "error"]
        try:
            noted += bill_segments(shipment, decision, self.trip, self.profile, 1).notes
        except FormatError as error:
            problems += error.problems
        if decision.pathway in ENTERED:
            faults, more = try_entry(shipment, decision, self.trip, self.filer)
            problems += faults
            noted += more
        if problems:
            told = list(dict.fromkeys(problems))
            shown = [problem.as_dict() for problem in told]
            self.result.unfit.append({"shipment_id": shipment.shipment_id, "errors": shown})
        else:
            self.result.note(shipment.shipment_id, noted)
        return not problems

    def _manifests(self, pairs: Sequence[Pair]) -> Iterator[RenderedFile]:
        limit = self.limits.bills_per_manifest
        ids = {shipment.scn: shipment.shipment_id for shipment, _ in pairs}
        for number, message in enumerate(build_manifest(self.trip, pairs, self.profile, limit=limit), 1):
            self.result.note("", (note for note in message.notes if note.path.startswith(TRIP)))
            content = manifest_bytes(self.ctx, message, number, self.made_at)
            name = f"309-{self.trip.trip_number}-{number:03d}.x12"
            yield RenderedFile(name, "309", content, tuple(ids[scn] for scn in message.scns), {"control": str(number)})

    def _entries(self, pairs: Sequence[Pair]) -> Iterator[RenderedFile]:
        most = self.limits.entries_per_transmission
        for batch, start in enumerate(range(0, len(pairs), most), 1):
            some = pairs[start : start + most]
            numbers = [str(make_entry_number(self.filer.code, start + place)) for place in range(1, len(some) + 1)]
            transactions = [
                list(build_entry(shipment, decision, self.trip, self.filer, number).records)
                for (shipment, decision), number in zip(some, numbers, strict=True)
            ]
            content = entry_bytes(self.ctx, transactions, batch_reference(batch), self.made_at)
            ids = tuple(shipment.shipment_id for shipment, _ in some)
            yield RenderedFile(f"SE-{self.filer.code}-{batch:03d}.txt", "SE", content, ids, {"entry_numbers": numbers})
