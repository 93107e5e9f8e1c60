"""What will CBP say next, and when? Answers on the pile and steps to come, in the order of their times; and how the
next of them is brought forward.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any, Final

from sandbox.border import NotPossible
from sandbox.cbp import Cbp
from sandbox.store import moment, stamp

WORDS: Final = {
    "match": "entries look for their bills",
    "arrive": "the truck arrives at its planned time",
    "oneusg": "every agency has released",
    "unhold": "the hold is over",
    "unexam": "the exam is over",
    "revoke": "the release is taken back",
    "review": "an officer looks at a correction or cancellation",
    "cancelled": "entries are cancelled",
    "over-limit": "the day's limit of a consignee is exceeded",
    "deleted": "bills were deleted",
    "here": "the truck is here by its carrier's word",
    "agency": "the agencies let the entry go",
    "unmatched": "entries still without their bills are reminded",
    "changed": "a change of entries is told",
    "cut-over": "the law changes for entries of type 86",
    "bills-cut-over": "the law changes: Section 321 releases are cancelled",
}
"""What a step means; one that is not here is shown by its name."""
_ABOUT: Final = 20
_MOST_STEPS: Final = 1000


def pending(cbp: Cbp, *, limit: int = 100) -> dict[str, Any]:
    """The next ``limit`` answers and steps, soonest first: ``items`` and ``more`` (how many are behind them)."""
    store = cbp.store
    rows = store.rows(
        "select 'answer' as what, id, due_at, kind, name, partner, note, attempts, '' as body from answer"
        " where state = 'pending' union all"
        " select 'step', id, due_at, kind, '', '', '', 0, body from step order by due_at, what, id limit ?",
        limit,
    )
    total = store.count("select (select count(*) from answer where state = 'pending') + (select count(*) from step)")
    return {"items": [_shown(cbp, row) for row in rows], "more": total - len(rows)}


def _shown(cbp: Cbp, row: sqlite3.Row) -> dict[str, Any]:
    item: dict[str, Any] = {"id": f"{row['what']}-{row['id']}", "due": moment(row["due_at"]).isoformat()}
    item |= {"what": row["what"], "kind": row["kind"]}
    if row["what"] == "answer":
        said = f"{row['kind']} is sent" if not row["attempts"] else f"{row['kind']} is sent again"
        return item | {"says": said, "name": row["name"], "partner": row["partner"], "note": row["note"]}
    body = json.loads(row["body"])
    about = [str(one) for one in body.get("scns") or body.get("entries") or []]
    if "manifest" in body:
        found = cbp.store.row("select trip from manifest where id = ?", body["manifest"])
        about = [found["trip"]] if found is not None else []
    says = WORDS.get(row["kind"], row["kind"])
    return item | {"says": says, "about": about[:_ABOUT], "about_more": max(0, len(about) - _ABOUT)}


def bring_forward(cbp: Cbp, now: datetime, which: str = "") -> list[dict[str, Any]]:
    """Make the next answer that is not due yet due now, and give it; ``which`` (an ``id`` of :func:`pending`) names
    another. A step is done now, and so are those after it until one of them has something to say (none: an empty list).

    Raises :class:`NotPossible`: nothing is to come, or nothing of that name.
    """
    with cbp.store.transaction():
        return _push_named(cbp, now, which) if which else _push_next(cbp, now)


def _push_next(cbp: Cbp, now: datetime) -> list[dict[str, Any]]:
    for done in range(_MOST_STEPS):
        row = cbp.store.row(
            "select 'answer' as what, id, due_at from answer where state = 'pending' and due_at > ? union all"
            " select 'step', id, due_at from step where due_at > ? order by due_at, what, id limit 1",
            stamp(now), stamp(now),
        )  # fmt: skip
        if row is None and done:
            return []  # steps were done, and none had anything to say
        if row is None:
            raise NotPossible("nothing_to_come", "Nothing is to come: no answer waits for its time, and no step.")
        pushed = _push(cbp, now, row["what"], int(row["id"]))
        if pushed:
            return pushed
    return []


def _push_named(cbp: Cbp, now: datetime, which: str) -> list[dict[str, Any]]:
    what, _, digits = which.partition("-")
    known = what in {"answer", "step"} and digits.isascii() and digits.isdigit() and len(digits) < 19
    state = " and state = 'pending'" if what == "answer" else ""
    if not known or not cbp.store.count(f"select count(*) from {what} where id = ?{state}", int(digits)):
        raise NotPossible("not_found", f"Nothing that is to come is called {which[:40]!r}.")
    return _push(cbp, now, what, int(digits))


def _push(cbp: Cbp, now: datetime, what: str, number: int) -> list[dict[str, Any]]:
    """The answers that are due by this: the one named, or what the step named has to say."""
    store = cbp.store
    store.run(f"update {what} set due_at = ? where id = ?", stamp(now), number)
    if what == "answer":
        return _answers(cbp, "id = ?", number)
    last = store.count("select max(id) from answer")
    cbp.due(now)
    return _answers(cbp, "id > ? and due_at <= ?", last, stamp(now))


def _answers(cbp: Cbp, where: str, *values: Any) -> list[dict[str, Any]]:
    rows = cbp.store.rows(f"select id, kind, name, partner from answer where {where} order by due_at, id", *values)
    return [{"id": f"answer-{r['id']}", "kind": r["kind"], "name": r["name"], "partner": r["partner"]} for r in rows]
