"""What does CBP do with a 309? Envelope, syntax, characters, business, books; TA1, 997 and 355 onto the pile.

States of a manifest: PRELIMINARY, COMPLETE, ARRIVED, DELETED. A bill with a fault is refused, the others are kept and
the manifest falls back to
preliminary; a fault of the trip refuses everything (CBP truck CUSRES guide for the former, deduced for the latter).
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.border import Border
from sandbox.markers import read_marks
from sandbox.office import Office, Origin
from sandbox.store import stamp
from sandbox.truck import syntax, x12
from sandbox.truck.answers import Disposition355, acknowledgment, manifest_answer, ta1
from sandbox.truck.manifest_checks import ManifestChecks, ManifestFaults, Remark, check_characters, marks_of
from sandbox.truck.manifest_reader import Bill, Manifest, read_manifest

_WORD_OF_TYPE: Final = {"W": "COMPLETE", "P": "PRELIMINARY", "Y": "AMENDED", "3": "DELETED"}
_ON_FILE: Final = Remark("", "SHIPMENT ALREADY ON FILE", reference="an SCN is not used again for three years")


class Judged:
    """The slow, bookless part of reading an interchange: done outside the books' lock."""

    __slots__ = ("interchange", "unreadable", "verdict")

    def __init__(self, payload: bytes, *, character_faults_in_997: bool) -> None:
        self.interchange: x12.Interchange | None = None
        self.verdict: syntax.SyntaxVerdict | None = None
        self.unreadable = ""
        try:
            self.interchange = x12.take_apart(payload)
        except x12.NotAnInterchange as error:
            self.unreadable = str(error)
            return
        one = self.interchange
        if one.fault is not None:
            return
        group = one.elements(0)
        kind = group[1] if len(group) > 1 else ""
        if kind == "FA":
            return
        if kind != "AQ":
            self.verdict = syntax.SyntaxVerdict("R", (), (), ("1",))
        else:
            self.verdict = syntax.judge(one, character_faults_in_997=character_faults_in_997)


class ManifestDesk:
    """Settles judged interchanges; to be called inside a transaction."""

    def __init__(self, office: Office, border: Border) -> None:
        self.office, self.border = office, border

    def settle(self, origin: Origin, judged: Judged, reused_number: bool, now: datetime) -> dict[str, Any]:
        """Answer one interchange; gives the verdict for the transcript."""
        one = judged.interchange
        if one is None:
            return {"stage": "envelope", "result": "unreadable", "reasons": [{"text": judged.unreadable}]}
        addresses = x12.Addresses.back_to(
            one, (one.element_separator, one.repetition_separator, one.component_separator, one.terminator)
        )
        behaviour = self.office.behaviour
        due = self.office.after(now, behaviour.answer_delay)
        fault = one.fault
        if fault is None and reused_number:
            fault = ("025", "ISA13 was used before for another interchange")
        if fault is None and behaviour.receiver_ids and one.receiver not in behaviour.receiver_ids:
            fault = ("009", "ISA08 is not known here")
        if fault is not None:
            self.office.answer(origin, "TA1", self._ta1(addresses, one, "R", fault[0], now), now, due)
            return {"stage": "envelope", "result": "TA1 R", "reasons": [{"code": fault[0], "text": fault[1]}]}
        verdict = judged.verdict
        if verdict is None:
            return {"stage": "acknowledgment", "result": "noted"}
        manifest = self._manifest(one) if verdict.accepted else None
        marks = read_marks(manifest.trip[4:]) if manifest is not None else read_marks("")
        if "LATE" in marks:
            due = self.office.after(due, behaviour.late_seconds)
        speaks, twice = "SILENT" not in marks, "TWICE" in marks
        if speaks and one.isa[13] == "1":
            self.office.answer(origin, "TA1", self._ta1(addresses, one, "A", "000", now), now, due, twice=twice)
        if speaks:
            release = (one.elements(0) + [""] * 9)[8]
            payload = self.office.interchange(addresses, "997", acknowledgment(one, verdict), now, release)
            self.office.answer(origin, "997", payload, now, due, twice=twice)
        if manifest is None:
            return {"stage": "syntax", "result": "997 R", "reasons": _syntax_reasons(verdict)}
        result = self._business(origin, one, manifest, addresses, now)
        if speaks:
            body = manifest_answer(one, manifest, result, self.office.profile)
            named = marks.names.union(*(marks_of(b).names for b in manifest.bills))
            payload = self.office.interchange(addresses, "355", body, now)
            self.office.answer(origin, "355", payload, now, due, garble="GARBLE" in named, twice="TWICE" in named)
        return {
            "stage": "business",
            "result": f"355 accepted {result.accepted}, rejected {result.rejected}",
            "trip": manifest.trip,
            "reasons": _business_reasons(manifest, result),
        }

    def _manifest(self, one: x12.Interchange) -> Manifest:
        return read_manifest(one, self.office.profile.trip_number_element)

    def _ta1(self, addresses: x12.Addresses, one: x12.Interchange, code: str, note: str, now: datetime) -> bytes:
        if (
            not addresses.separators[0].strip()
            or len(set(addresses.separators)) < 4
            or any(s.isalnum() for s in addresses.separators)
        ):
            p = self.office.profile
            usual = (p.element_separator, p.repetition_separator, p.component_separator, p.segment_terminator)
            addresses = replace(addresses, separators=usual)
        return self.office.interchange(addresses, "TA1", [ta1(one, code, note)], now)

    # ------------------------------------------------------------------ business

    def _business(
        self, origin: Origin, one: x12.Interchange, manifest: Manifest, addresses: x12.Addresses, now: datetime
    ) -> Disposition355:
        office, faults = self.office, ManifestFaults()
        check_characters(one, manifest, faults)
        ManifestChecks(manifest, now, office.book, office.behaviour, office.profile).run(faults)
        row = office.store.row(
            "select * from manifest where trip = ? and arrival_date = ?", manifest.trip, manifest.arrival_date
        )
        state = "" if row is None or row["state"] == "DELETED" else str(row["state"])
        if state == "ARRIVED":
            faults.trip.append(Remark("", "MANIFEST ALREADY ARRIVED"))
        elif manifest.kind in {"W", "P"}:
            self._check_filing(manifest, state, row, faults)
        elif manifest.kind in {"Y", "3"}:
            self._check_change(manifest, state, row, faults)
        else:
            faults.trip.append(Remark("", "INVALID MANIFEST TYPE", manifest.kind))
        rejected = len(manifest.bills) if faults.trip else len(faults.bills)
        empty = sum(1 for b in manifest.bills if not b.m11_at and not b.m13_at)
        rejected = max(0, rejected - empty) if faults.trip else rejected
        accepted = 0 if faults.trip else len(manifest.bills) - empty - rejected
        result = Disposition355(faults, rejected, accepted, _WORD_OF_TYPE.get(manifest.kind, "PRELIMINARY"))
        if faults.trip:
            return result
        if manifest.kind == "W" and faults.bills:
            result.extra.append(Remark("", "MAN RETURNED TO PRELIMINARY"))
        self._keep(origin, manifest, state, faults, addresses, now)
        return result

    def _check_filing(self, manifest: Manifest, state: str, row: sqlite3.Row | None, faults: ManifestFaults) -> None:
        store = self.office.store
        scns = [b.scn for b in manifest.bills if b.m11_at]
        mine = (
            {
                r["scn"]
                for r in store.rows("select scn from bill where manifest_id = ? and state <> 'DELETED'", row["id"])
            }
            if row and state
            else set()
        )
        if state == "COMPLETE":
            more = manifest.kind == "W" and self.office.behaviour.further_w_adds_bills and not mine.intersection(scns)
            if not more:
                faults.trip.append(Remark("", "MANIFEST ALREADY ON FILE DO NOT RESEND", manifest.trip))
                return
        used = {r["scn"] for r in store.rows_for("select scn from used_scn where scn in ({})", scns)} - mine
        seen: set[str] = set()
        for index, bill in enumerate(manifest.bills):
            if not bill.m11_at:
                continue
            if bill.scn in used or bill.scn in seen or "DUP" in marks_of(bill):
                faults.add(index, bill.m11_at, _ON_FILE)
            seen.add(bill.scn)

    def _check_change(self, manifest: Manifest, state: str, row: sqlite3.Row | None, faults: ManifestFaults) -> None:
        if not state or row is None:
            faults.trip.append(Remark("", "MANIFEST NOT ON FILE", manifest.trip))
            return
        if manifest.kind == "3":
            return
        complete = state == "COMPLETE"
        if complete and not manifest.reason:
            faults.trip.append(Remark("", "AMENDMENT REASON MISSING"))
        store = self.office.store
        mine = {
            r["scn"] for r in store.rows("select scn from bill where manifest_id = ? and state <> 'DELETED'", row["id"])
        }
        used = {
            r["scn"]
            for r in store.rows_for("select scn from used_scn where scn in ({})", [b.scn for b in manifest.bills])
        }
        for index, bill in enumerate(manifest.bills):
            for position, remark in self._bill_change(bill, complete, mine, used):
                faults.add(index, position, remark)

    @staticmethod
    def _bill_change(bill: Bill, complete: bool, mine: set[str], used: set[str]) -> list[tuple[int, Remark]]:
        if not bill.m13_at:
            return [(bill.m11_at, Remark("", "M13 MISSING IN AMENDMENT"))] if bill.m11_at else []
        out = []
        if complete and not bill.reason:
            out.append((bill.m13_at, Remark("", "AMENDMENT REASON MISSING")))
        if bill.amendment == "A":
            if not bill.m11_at:
                out.append((bill.m13_at, Remark("003", "NO B01/M11 RECORD FOUND", reference="CAMIR Appendix L")))
            if bill.scn in used or "DUP" in marks_of(bill):
                out.append((bill.m13_at, _ON_FILE))
        elif bill.amendment not in {"D", "R"}:
            out.append((bill.m13_at, Remark("", "AMENDMENT TYPE NOT MODELLED", bill.amendment)))
        elif bill.scn not in mine:
            out.append((bill.m13_at, Remark("", "SHIPMENT NOT ON FILE", bill.scn)))
        return out

    # ------------------------------------------------------------------ the books

    def _keep(
        self,
        origin: Origin,
        manifest: Manifest,
        state: str,
        faults: ManifestFaults,
        addresses: x12.Addresses,
        now: datetime,
    ) -> None:
        store = self.office.store
        next_state = state
        if manifest.kind == "3":
            next_state = "DELETED"
        elif manifest.kind == "P" or (manifest.kind == "W" and faults.bills):
            next_state = "PRELIMINARY"
        elif manifest.kind == "W":
            next_state = "COMPLETE"
        eta = stamp(manifest.eta) if manifest.eta is not None else None
        store.run(
            "insert into manifest (trip, arrival_date, partner, scac, port, eta, state, filed_at, addresses,"
            " header, port_segment)"
            " values (?,?,?,?,?,?,?,?,?,?,?) on conflict (trip, arrival_date) do update set partner ="
            " excluded.partner, port = excluded.port,"
            " eta = excluded.eta, state = excluded.state, filed_at = excluded.filed_at, addresses ="
            " excluded.addresses, header = excluded.header,"
            " port_segment = excluded.port_segment, arrived_at = null",
            manifest.trip, manifest.arrival_date, origin.partner, manifest.scac, manifest.port, eta, next_state,
            stamp(now),
            json.dumps(addresses.as_list()), json.dumps(manifest.header), json.dumps(manifest.port_segment),
        )  # fmt: skip
        row = store.row(
            "select id from manifest where trip = ? and arrival_date = ?", manifest.trip, manifest.arrival_date
        )
        if row is None:
            raise LookupError(manifest.trip)
        manifest_id = int(row["id"])
        good = [b for i, b in enumerate(manifest.bills) if i not in faults.bills]
        gone = [b.scn for b in good if b.amendment == "D"]
        if manifest.kind == "3":
            gone = [
                r["scn"]
                for r in store.rows("select scn from bill where manifest_id = ? and state <> 'DELETED'", manifest_id)
            ]
        store.run_many("update bill set state = 'DELETED' where scn = ?", [(s,) for s in gone])
        self.border.bills_deleted(gone, now)
        for bill in good:
            if bill.amendment == "R" and not bill.m11_at and bill.new_quantity is not None:
                store.run("update bill set quantity = ? where scn = ?", str(int(bill.new_quantity)), bill.scn)
        filed = [b for b in good if b.m11_at and b.amendment in {"", "A", "R"}]
        self._keep_bills(manifest, manifest_id, filed, now)
        if (
            manifest.kind in {"W", "P"}
            and manifest.eta is not None
            and self.office.behaviour.arrive_at_eta
            and manifest.eta > now
        ):
            self.office.step("arrive", manifest.eta, {"manifest": manifest_id, "eta": eta})

    def _keep_bills(self, manifest: Manifest, manifest_id: int, bills: list[Bill], now: datetime) -> None:
        store, consignee_role = self.office.store, self.office.profile.party_roles["consignee"]
        over = self._day_limit(manifest, bills, now)
        rows = []
        for bill in bills:
            consignee = bill.party(consignee_role)
            rows.append(
                (
                    bill.scn, manifest_id, "ON_FILE", bill.kind, bill.scac, bill.number, str(int(bill.quantity or 0)),
                    bill.unit,
                    _consignee_key(bill, consignee_role), consignee.name if consignee else "", str(bill.value),
                    marks_of(bill).as_text(),
                    int(bill.scn in over),
                )
            )  # fmt: skip
        store.run_many(
            "insert or replace into bill (scn, manifest_id, state, kind, scac, number, quantity, unit,"
            " consignee, consignee_name, value, marks, over_limit)"
            " values (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            rows,
        )
        store.run_many(
            "insert or ignore into used_scn (scn, used_at) values (?,?)", [(b.scn, stamp(now)) for b in bills]
        )
        self.border.bills_filed([b.scn for b in bills], over, now)

    def _day_limit(self, manifest: Manifest, bills: list[Bill], now: datetime) -> list[str]:
        """SCNs of Section 321 bills that take their consignee over the day's limit, counted in the order manifested."""
        office = self.office
        rule = office.book.rule("day-limit-withhold", now) or office.book.rule("day-limit-warning", now)
        lots = [b for b in bills if b.kind in office.profile.section321_bill_types]
        if rule is None or not lots:
            return []
        day, role = manifest.arrival_date, office.profile.party_roles["consignee"]
        keys = {b.scn: _consignee_key(b, role) for b in lots}
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for row in office.store.rows_for(
            f"select * from day_value where day = '{int(day)}' and consignee in ({{}})", set(keys.values())
        ):
            if row["reference"] not in keys:
                totals[row["consignee"]] += Decimal(row["cents"]) / 100
        over = []
        for bill in lots:
            totals[keys[bill.scn]] += bill.value
            if totals[keys[bill.scn]] > rule.limit:
                over.append(bill.scn)
        office.store.run_many(
            "insert or replace into day_value (consignee, day, reference, cents) values (?,?,?,?)",
            [(keys[b.scn], day, b.scn, int(b.value * 100)) for b in lots],
        )
        return over


def _consignee_key(bill: Bill, role: str) -> str:
    party = bill.party(role)
    if party is None:
        return ""
    parts = ("", party.name, party.lines[0] if party.lines else "", party.postal[:5])
    return "|".join("".join(c for c in p.upper() if c.isalnum()) for p in parts)


def _syntax_reasons(verdict: syntax.SyntaxVerdict) -> list[dict[str, str]]:
    reasons = [{"code": f"AK502 {c}", "text": "transaction set"} for c in verdict.set_codes]
    reasons += [{"code": f"AK905 {c}", "text": "functional group"} for c in verdict.group_codes]
    reasons += [
        {
            "code": f"AK304 {f.code}",
            "text": f.text,
            "place": f"{f.segment} at {f.position}",
            "reference": "X12 005020 309",
        }
        for f in verdict.faults
    ]
    return reasons[:50]


def _business_reasons(manifest: Manifest, result: Disposition355) -> list[dict[str, str]]:
    reasons = [{"code": r.code, "text": r.text, "place": "trip", "reference": r.reference} for r in result.faults.trip]
    for index, places in sorted(result.faults.bills.items()):
        for position, remarks in sorted(places.items()):
            place = f"{manifest.bills[index].scn} at {position}"
            reasons += [{"code": r.code, "text": r.text, "place": place, "reference": r.reference} for r in remarks]
        if len(reasons) >= 50:
            break
    return reasons[:50]
