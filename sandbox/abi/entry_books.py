"""Which versions of an entry has CBP had, and which is in force? Nothing that was filed is thrown away.

A filing that takes effect at once (A, U, some R and D) is in force and replaces the version before it; a request (R or
D that a human looks at) is kept as asked until it is granted or refused. The row of the entry is what is in force.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.office import Office
from sandbox.store import moment, stamp

ASKED, IN_FORCE, REPLACED, REFUSED = "ASKED", "IN_FORCE", "REPLACED", "REFUSED"
_KEPT: Final = ("partner", "type", "a_header", "b_header", "consignee", "value", "day", "marks")
_CONTENT: Final = (*_KEPT, "body")


@dataclass(frozen=True, slots=True)
class Content:
    """An entry as one filing gives it. ``body`` is what statuses repeat, ``value`` whole dollars, ``day`` the day it
    counts for (YYYYMMDD), ``consignee`` what makes two consignees the same.
    """

    partner: str
    type: str
    a_header: str
    b_header: str
    body: dict[str, Any]
    consignee: str
    value: int
    day: str
    marks: str


@dataclass(frozen=True, slots=True)
class Filing:
    """What came for an entry: ``action`` A, R, U or D; ``reason`` (SE13) and ``references`` (SE20); no ``content`` in a
    cancellation.
    """

    number: str
    action: str
    reason: str = ""
    references: tuple[tuple[str, str], ...] = ()
    content: Content | None = None

    def reference(self, qualifier: str) -> str:
        """The first reference of a kind, or an empty text."""
        return next((v for q, v in self.references if q == qualifier), "")


@dataclass(frozen=True, slots=True)
class Version:
    """One version in the books; ``why`` a request was refused (RSN and CMT)."""

    version: int
    state: str
    asked_at: datetime
    decided_at: datetime | None
    why: str
    filing: Filing

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        content = self.filing.content
        return {
            "version": self.version,
            "action": self.filing.action,
            "state": self.state,
            "asked_at": self.asked_at.isoformat(),
            "decided_at": self.decided_at.isoformat() if self.decided_at is not None else None,
            "why": self.why,
            "body": content.body if content is not None else None,
        }


class EntryBooks:
    """Writes entries and their versions; to be called inside a transaction."""

    def __init__(self, office: Office) -> None:
        self.office = office

    # ------------------------------------------------------------------ what is there

    def entry(self, number: str) -> sqlite3.Row | None:
        """What is in force of an entry."""
        return self.office.store.row("select * from entry where number = ?", number)

    def versions(self, number: str) -> list[Version]:
        """Every version of an entry, oldest first."""
        rows = self.office.store.rows("select * from entry_version where number = ? order by version", number)
        return [_version(row) for row in rows]

    def has_open_request(self, number: str) -> bool:
        """Whether a request waits for a human."""
        return any(one.state == ASKED for one in self.versions(number))

    # ------------------------------------------------------------------ what changes

    def keep(self, filing: Filing, at: datetime) -> None:
        """A filing takes effect at once: a whole entry, new (A) or in place of what was there (R), or its end (D)."""
        self._replaced(filing.number)
        self._add(filing, IN_FORCE, at)
        if filing.content is None:
            self._cancelled(filing.number)
        else:
            self._put(filing.number, filing.content, at)

    def update(self, filing: Filing, at: datetime) -> None:
        """Action U: port, conveyance and, where it names some, bills; the rest stays."""
        row, fresh = self._row(filing.number), _content(filing).body
        body = json.loads(row["body"])
        for key in ("port", "carrier", "conveyance", "voyage"):
            body[key] = fresh[key] or body[key]
        body["bills"] = fresh["bills"] or body["bills"]
        content = Content(body=body, **{k: row[k] for k in _KEPT})
        self._replaced(filing.number)
        self._add(Filing(filing.number, "U", filing.reason, filing.references, content), IN_FORCE, at)
        store = self.office.store
        store.run("update entry set body = ? where number = ?", json.dumps(body), filing.number)
        if fresh["bills"]:
            self._link(filing.number, body)
            store.run("update entry set matched = 0 where number = ? and state <> 'RELEASED'", filing.number)

    def ask(self, filing: Filing, at: datetime) -> int:
        """A request waits for a human; gives the number of its version."""
        return self._add(filing, ASKED, at)

    def refuse(self, number: str, version: int, why: str, at: datetime) -> None:
        """A request is refused; what was in force stays so."""
        self._decide(number, version, REFUSED, at, why)

    def grant(self, number: str, version: int, at: datetime) -> bool:
        """A request is granted: the entry is replaced or cancelled. Gives whether it must be matched anew."""
        content = next(one.filing.content for one in self.versions(number) if one.version == version)
        self._replaced(number)
        self._decide(number, version, IN_FORCE, at)
        if content is None:
            self._cancelled(number)
            return False
        row = self._row(number)
        before = json.loads(row["body"])
        anew = any(before.get(k) != content.body.get(k) for k in ("bills", "agencies"))
        state, matched = row["state"], row["matched"]
        self._put(number, content, at)
        if not anew:
            self.office.store.run("update entry set state = ?, matched = ? where number = ?", state, matched, number)
        return anew

    def end(self, number: str) -> None:
        """CBP cancels an entry by itself: nothing is in force any more."""
        self._replaced(number)
        self._cancelled(number)

    # ------------------------------------------------------------------ rows

    def _row(self, number: str) -> sqlite3.Row:
        row = self.entry(number)
        if row is None:
            raise LookupError(number)
        return row

    def _add(self, filing: Filing, state: str, at: datetime) -> int:
        store = self.office.store
        version = 1 + store.count("select max(version) from entry_version where number = ?", filing.number)
        store.run(
            "insert into entry_version (number, version, action, state, asked_at, decided_at, reason, refs, content)"
            " values (?,?,?,?,?,?,?,?,?)",
            filing.number, version, filing.action, state, stamp(at), stamp(at) if state == IN_FORCE else None,
            filing.reason, json.dumps(filing.references),
            _content_text(filing.content),
        )  # fmt: skip
        return version

    def _replaced(self, number: str) -> None:
        self.office.store.run(
            "update entry_version set state = ? where number = ? and state = ?", REPLACED, number, IN_FORCE
        )

    def _decide(self, number: str, version: int, state: str, at: datetime, why: str = "") -> None:
        self.office.store.run(
            "update entry_version set state = ?, decided_at = ?, why = ? where number = ? and version = ?",
            state, stamp(at), why, number, version,
        )  # fmt: skip

    def _cancelled(self, number: str) -> None:
        """The number stays used."""
        self.office.store.run("update entry set state = 'CANCELLED', matched = 0 where number = ?", number)

    def _put(self, number: str, content: Content, at: datetime) -> None:
        """The row of the entry says what is in force from now on; it waits for its bills."""
        over = self._over_limit(number, content, at)
        self.office.store.run(
            "insert into entry (number, partner, type, state, filed_at, a_header, b_header, body, consignee, value,"
            " day, marks, over_limit) values (?,?,?,'ACCEPTED',?,?,?,?,?,?,?,?,?) on conflict (number) do update set"
            " partner = excluded.partner, state = excluded.state, a_header = excluded.a_header,"
            " b_header = excluded.b_header, body = excluded.body, consignee = excluded.consignee,"
            " value = excluded.value, day = excluded.day, marks = excluded.marks, over_limit = excluded.over_limit,"
            " matched = 0",
            number, content.partner, content.type, stamp(at), content.a_header, content.b_header,
            json.dumps(content.body), content.consignee, content.value, content.day, content.marks, int(over),
        )  # fmt: skip
        self._link(number, content.body)

    def _link(self, number: str, body: dict[str, Any]) -> None:
        scns = [issuer + bill for kind, issuer, bill, _, _ in body["bills"] if kind != "I"]
        self.office.store.run("delete from entry_bill where number = ?", number)
        self.office.store.run_many(
            "insert or ignore into entry_bill (scn, number) values (?,?)", [(scn, number) for scn in scns]
        )

    def _over_limit(self, number: str, content: Content, at: datetime) -> bool:
        """Whether a type 86 entry takes its consignee over the day's limit; counts it for its day."""
        if content.type != "86":
            return False
        store, cents = self.office.store, content.value * 100
        total = store.count(
            "select sum(cents) from day_value where consignee = ? and day = ? and reference <> ?",
            content.consignee, content.day, number,
        )  # fmt: skip
        store.run(
            "insert or replace into day_value (consignee, day, reference, cents) values (?,?,?,?)",
            content.consignee, content.day, number, cents,
        )  # fmt: skip
        rule = self.office.book.rule("day-limit-withhold", at)
        return rule is not None and Decimal(total + cents) > rule.limit * 100


def same_bills(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two bodies name the same bills (issuer and number)."""
    return {(b[1], b[2]) for b in one["bills"]} == {(b[1], b[2]) for b in other["bills"]}


def _content_text(content: Content | None) -> str:
    return json.dumps({name: getattr(content, name) for name in _CONTENT}) if content is not None else ""


def _content(filing: Filing) -> Content:
    if filing.content is None:
        raise LookupError(f"{filing.number}: an update without content")
    return filing.content


def _version(row: sqlite3.Row) -> Version:
    content = Content(**json.loads(row["content"])) if row["content"] else None
    references = tuple((q, v) for q, v in json.loads(row["refs"]))
    return Version(
        version=row["version"],
        state=row["state"],
        asked_at=moment(row["asked_at"]),
        decided_at=moment(row["decided_at"]) if row["decided_at"] else None,
        why=row["why"],
        filing=Filing(row["number"], row["action"], row["reason"], references, content),
    )
