"""Who takes an X12 file? Envelope and syntax are answered here with TA1 and 997; a good set goes on to its desk.

Order of the answers: TA1 (always when the envelope is refused, else when ISA14 asks for it), one 997 for the group, the
desk's 355. A 997 that comes in is noted and never acknowledged (X12 practice). Marks in the trip number hold for the
direct answers: LATE, SILENT, GARBLE, TWICE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from sandbox.markers import read_marks
from sandbox.office import Office, Origin
from sandbox.truck import syntax, x12
from sandbox.truck.acceptance import AcceptanceWriter, Result
from sandbox.truck.answers import acknowledgment, ta1
from sandbox.truck.citations import GUIDES, ONE_OF_EACH, note
from sandbox.truck.remarks import MOST_REASONS, Faults, Remark

_X12_CODES: Final = {
    "AK304": "X12 data element 720",
    "AK403": "X12 data element 723",
    "AK502": "X12 data element 718",
    "AK905": "X12 data element 716",
}


@dataclass(frozen=True, slots=True)
class Settled:
    """What a desk did with a set: a short result, the reasons of every refusal (``code``, ``text``, ``place``,
    ``reference``), warnings of the same form, the 355 from ST on, and the magic markers of its shipments. ``undone``: a
    system failure met every shipment; the same file may come again as a new one.
    """

    result: str
    answer: list[list[str]]
    reasons: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    marks: frozenset[str] = frozenset()
    undone: bool = False


class Desk(Protocol):
    """Settles the sets of one kind."""

    def trip_of(self, interchange: x12.Interchange) -> str:
        """The trip number a set names, empty where it names none. Needs no books."""
        ...

    def settle(self, origin: Origin, interchange: x12.Interchange, addresses: x12.Addresses, now: datetime) -> Settled:
        """Judge a well-formed set and keep what is good of it. Called inside a transaction."""
        ...


class Judged:
    """The slow, bookless part of reading an interchange: done outside the books' lock."""

    __slots__ = ("interchange", "unreadable", "verdict")

    def __init__(self, payload: bytes, *, character_faults_in_997: bool) -> None:
        self.interchange: x12.Interchange | None = None
        self.verdict: syntax.SyntaxVerdict | None = None
        self.unreadable = ""
        try:
            self.interchange = one = x12.take_apart(payload)
        except x12.NotAnInterchange as error:
            self.unreadable = str(error)
            return
        if one.fault is not None:
            return
        if self.kind == "FA":
            self.verdict = syntax.judge(one, set_id="997")
        elif self.kind not in x12.SET_OF_GROUP:
            self.verdict = syntax.SyntaxVerdict("R", (), (), ("1",))
        else:
            self.verdict = syntax.judge(one, character_faults_in_997=character_faults_in_997)

    @property
    def kind(self) -> str:
        """GS01, empty where there is no group."""
        group = self.interchange.elements(0) if self.interchange is not None and self.interchange.segments else []
        return group[1] if len(group) > 1 else ""


class X12FrontDesk:
    """Settles judged interchanges; to be called inside a transaction. ``desks`` by set."""

    def __init__(self, office: Office, desks: Mapping[str, Desk]) -> None:
        self.office, self.desks = office, desks

    def settle(self, origin: Origin, judged: Judged, reused_number: bool, now: datetime) -> dict[str, Any]:
        """Answer one interchange; gives the verdict for the transcript."""
        one = judged.interchange
        if one is None:
            reason = {"code": "", "text": judged.unreadable, "place": "ISA", "reference": ONE_OF_EACH}
            return {"stage": "envelope", "result": "unreadable", "reasons": [reason]}
        addresses = x12.Addresses.back_to(
            one, (one.element_separator, one.repetition_separator, one.component_separator, one.terminator)
        )
        due = self.office.after(now, self.office.behaviour.answer_delay)
        fault = one.fault or self._fault_of_the_day(one, reused_number)
        if fault is not None:
            self.office.answer(origin, "TA1", self._ta1(addresses, one, "R", fault[0], now), now, due)
            reason = {"code": fault[0], "text": fault[1], "place": "envelope", "reference": note(fault[0])}
            return {"stage": "envelope", "result": "TA1 R", "reasons": [reason]}
        verdict = judged.verdict
        if verdict is None:
            raise LookupError("a sound envelope was judged")
        if judged.kind == "FA":
            return {"stage": "acknowledgment", "result": "noted", "reasons": syntax_reasons(verdict, "997")}
        return self._set(origin, one, judged.kind, verdict, addresses, now, due)

    def _fault_of_the_day(self, one: x12.Interchange, reused_number: bool) -> tuple[str, str] | None:
        """What is wrong with the envelope by what is known here, not by its form."""
        behaviour = self.office.behaviour
        if reused_number:
            return "025", "ISA13 was used before for another interchange"
        qualifiers, versions = behaviour.qualifiers, behaviour.interchange_versions
        if qualifiers and one.isa[4] not in qualifiers:
            return "005", f"ISA05 is none of {', '.join(qualifiers)}"
        if qualifiers and one.isa[6] not in qualifiers:
            return "007", f"ISA07 is none of {', '.join(qualifiers)}"
        if versions and one.isa[11] not in versions:
            return "017", "ISA12 is no version that is taken here"
        if behaviour.receiver_ids and one.receiver not in behaviour.receiver_ids:
            return "009", "ISA08 is not known here"
        if behaviour.sender_ids and one.sender not in behaviour.sender_ids:
            return "006", "ISA06 is not known here"
        return None

    def _set(
        self,
        origin: Origin,
        one: x12.Interchange,
        group: str,
        verdict: syntax.SyntaxVerdict,
        addresses: x12.Addresses,
        now: datetime,
        due: datetime,
    ) -> dict[str, Any]:
        office, set_id = self.office, x12.SET_OF_GROUP.get(group, "")
        desk = self.desks[set_id] if verdict.accepted else None
        trip = desk.trip_of(one) if desk is not None else ""
        marks = read_marks(trip[4:])
        if "LATE" in marks:
            due = office.after(due, office.behaviour.late_seconds)
        speaks = "SILENT" not in marks
        if speaks:
            self._acknowledge(origin, one, verdict, addresses, now, due, twice="TWICE" in marks)
        if desk is None:
            return {"stage": "syntax", "result": "997 R", "reasons": syntax_reasons(verdict, set_id)}
        settled = desk.settle(origin, one, addresses, now)
        if settled.undone and origin.received_id is not None:
            office.forget(origin.received_id)
        if speaks:
            payload = office.interchange(addresses, "355", settled.answer, now)
            named = marks.names | settled.marks
            office.answer(origin, "355", payload, now, due, garble="GARBLE" in named, twice="TWICE" in named)
        shown = {"stage": "business", "result": settled.result, "trip": trip, "reasons": settled.reasons}
        return shown | {"warnings": settled.warnings} if settled.warnings else shown

    def _acknowledge(
        self,
        origin: Origin,
        one: x12.Interchange,
        verdict: syntax.SyntaxVerdict,
        addresses: x12.Addresses,
        now: datetime,
        due: datetime,
        *,
        twice: bool = False,
    ) -> None:
        """TA1 when ISA14 asks for it, then the 997."""
        if one.isa[13] == "1":
            self.office.answer(origin, "TA1", self._ta1(addresses, one, "A", "000", now), now, due, twice=twice)
        release = (one.elements(0) + [""] * 9)[8]
        payload = self.office.interchange(addresses, "997", acknowledgment(one, verdict), now, release)
        self.office.answer(origin, "997", payload, now, due, twice=twice)

    def fail(self, origin: Origin, judged: Judged, remark: Remark, now: datetime) -> bool:
        """CBP's system fails over a good set: 997 as always, then a 355 with ``remark``, and nothing is kept.

        False: there is nothing good in the file to fail over, or no trip that a 355 could name.
        """
        one, verdict = judged.interchange, judged.verdict
        if one is None or one.fault is not None or verdict is None or not verdict.accepted:
            return False
        rows = [segment.split(one.element_separator) for segment in one.body]
        header = next(((at, row) for at, row in enumerate(rows, 1) if row[0] == "M10"), None)
        port = next(((at, row) for at, row in enumerate(rows, 1) if row[0] == "P4"), None)
        if header is None or port is None:
            return False
        separators = (one.element_separator, one.repetition_separator, one.component_separator, one.terminator)
        addresses = x12.Addresses.back_to(one, separators)
        due = self.office.after(now, self.office.behaviour.answer_delay)
        self._acknowledge(origin, one, verdict, addresses, now, due)
        faults = Faults()
        faults.of_trip(header[0], remark)
        result = Result(faults, sum(row[0] == "LX" for row in rows), 0, "NOT PROCESSED")
        body = AcceptanceWriter(one, self.office.profile, self.office.behaviour.trip_faults_at).write(
            header, port, {}, result
        )
        self.office.answer(origin, "355", self.office.interchange(addresses, "355", body, now), now, due)
        return True

    def _ta1(self, addresses: x12.Addresses, one: x12.Interchange, code: str, note: str, now: datetime) -> bytes:
        separators = addresses.separators
        if (
            not separators[0].strip()
            or len(set(separators)) < 4
            or any(s.isalnum() or not s.isascii() for s in separators)
        ):
            p = self.office.profile
            usual = (p.element_separator, p.repetition_separator, p.component_separator, p.segment_terminator)
            addresses = replace(addresses, separators=usual)
        return self.office.interchange(addresses, "TA1", [ta1(one, code, note)], now)


def syntax_reasons(verdict: syntax.SyntaxVerdict, set_id: str) -> list[dict[str, str]]:
    """Why a 997 refuses, for the transcript: group, set, segments and elements."""
    guide = GUIDES.get(set_id, "X12 functional group header, GS01")

    def reason(kind: str, code: str, text: str, place: str, where: str = "") -> dict[str, str]:
        reference = f"{guide}{where and ', ' + where}; {_X12_CODES[kind]}"
        return {"code": f"{kind} {code}", "text": text, "place": place, "reference": reference}

    out = [reason("AK905", code, "functional group", "GS, GE") for code in verdict.group_codes]
    out += [reason("AK502", code, "transaction set", "ST, SE") for code in verdict.set_codes]
    for fault in verdict.faults:
        place = f"{fault.segment} at {fault.position}"
        out.append(reason("AK304", fault.code, fault.text, place, fault.segment))
        for one in fault.elements:
            where = f"{fault.segment}{int(one.position.split(':')[0]):02d}"
            out.append(reason("AK403", one.code, one.text, f"{place}, element {one.position}", where))
        if len(out) >= MOST_REASONS:
            break
    return out[:MOST_REASONS]
