"""How is a refiling taken on? The amendment with its items, versions, new filings and cancellations, in one go.

What is done about each shipment was decided in :mod:`filings.refiling`; the messages are made by
:mod:`filings.amending`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from filings.amending_messages import NOT_COMING, REPLACED, STAGES
from filings.context import Actor
from filings.lifecycle import Act, Did, EventType, FilingInput, FilingState
from filings.lifecycle.evidence import Kind
from filings.moves import Moves, filing_event, move_filing
from filings.progress import load, tell, write
from filings.rejudging import settle_lapse
from filings.store import tables as t
from filings.trips import record_act
from filings.uuid7 import uuid7
from filings.versions import Pending, Version, VersionState, declare, keep

if TYPE_CHECKING:
    from filings.refiling import Refiling, Step

PAGE: Final = 400
_GONE: Final = (FilingState.REJECTED.value, FilingState.CANCELLED.value)


def begin(conn: Connection, begun: Refiling, *, actor: Actor, now: datetime) -> None:
    """Take it on: the amendment, its items, the versions, what the shipments go by from now on."""
    number = begun.trip_number
    amendment = uuid7()
    manifest, version = _next_manifest(conn, begun, amendment, actor, now)
    reason = f"{len(begun.steps)} shipments are no longer lawful as declared ({begun.steps[0].lapse['rule']})"
    conn.execute(
        insert(t.amendments).values(
            id=amendment,
            trip_number=number,
            purpose="refile",
            reason=reason,
            manifest_filing_id=manifest,
            manifest_version=version,
            made_at=now,
            made_by=actor.name,
        )
    )
    moves = Moves()
    new = {one.row.key: uuid7() for one in begun.steps if one.files}
    _new_filings(conn, begun, new, moves, now)
    _cancel(conn, begun, amendment, moves, actor, now)
    conn.execute(
        insert(t.amendment_items),
        [
            {
                "amendment_id": amendment,
                "position": place,
                "shipment_key": one.row.key,
                "bill_change": one.bill,
                "cancels_filing_id": one.cancels.id
                if one.cancels is not None and one.cancels.kind == "entry"
                else None,
                "new_filing_id": new.get(one.row.key),
                "new_pathway": one.lapse["pathway"],
            }
            for place, one in enumerate(begun.steps, start=1)
        ],
    )
    _take_other_way(conn, begun, new, now)
    known = load(conn, [one.row.key for one in begun.steps])
    for one in begun.steps:
        for did in declared_anew(one, version, now):
            tell(known[one.row.key], did, moves, now)
    values = {"plan_stage": STAGES[0], "planned_through": 0, "updated_at": now}
    conn.execute(update(t.trips).where(t.trips.c.trip_number == number).values(values))
    settle_lapse(conn, number, now, by=actor.name)
    shown = begun.as_dict()
    record_act(conn, "refile_trip", {"refiling": shown}, actor=actor, now=now, trip_number=number)
    write(conn, moves, now)


def declared_anew(one: Step, manifest_version: int | None, now: datetime) -> list[Did]:
    """The acts by which a lapsed shipment goes its other way."""
    if not one.stays:
        return [Did(Act.REVIEW_NEEDED, now, needs=("manifest",))]
    needs: tuple[Kind, ...] = ("manifest", "entry") if one.files == "entry" else ("manifest",)
    anew: tuple[Kind, ...] = ("entry", "handoff") if one.bill is None else ("manifest", "entry", "handoff")
    acts = [Did(Act.STAGED, now, needs=needs, anew=anew)]
    if one.bill is not None:
        acts.append(Did(Act.QUEUED, now, "manifest", manifest_version or 1))
    if one.files == "entry":
        acts.append(Did(Act.QUEUED, now, "entry"))
    return acts


def _next_manifest(
    conn: Connection, begun: Refiling, amendment: str, actor: Actor, now: datetime
) -> tuple[str | None, int | None]:
    """The manifest filing at its next version, if any bill changes."""
    bills = [{"shipment_control_number": one.row.scn, "change": one.bill} for one in begun.steps if one.bill]
    mine = (t.filings.c.trip_number == begun.trip_number) & (t.filings.c.kind == "manifest")
    row = conn.execute(select(t.filings).where(mine).with_for_update()).first()
    if row is None or not bills:
        return (row.id if row is not None else None), None
    version = row.version + 1
    moves = Moves()
    move_filing(row, FilingInput.QUEUED, moves, now)
    conn.execute(update(t.filings).where(t.filings.c.id == row.id).values(version=version))
    keep(conn, [first_manifest_version(conn, row)])
    further = Version(
        row.id, version, {"bills": bills}, now, actor.name, "lapsed pathways", amendment_id=amendment, action="Y"
    )
    keep(conn, [further])
    declare(conn, [_pending(one, row, version) for one in begun.steps if one.bill])
    write(conn, moves, now)
    return row.id, version


def _pending(one: Step, manifest: Row[Any], version: int) -> Pending:
    """What CBP has on file of a lapsed shipment's bill, and what it is to have."""
    declared = one.facts.declarations.get("manifest")
    before = {"shipment": one.row.document, "decision": one.row.decision}
    after = {"shipment": one.row.document, "decision": one.lapse["decision"]}
    return Pending(
        manifest.id,
        one.row.key,
        version,
        after if one.stays else None,
        before if declared is not None and declared.in_force else None,
        manifest.version,
    )


def first_manifest_version(conn: Connection, row: Row[Any]) -> Version:
    """The first version of a manifest filing, which is kept once there is a second one."""
    first = select(t.shipments.c.scn).where(t.shipments.c.manifest_filing_id == row.id)
    scns = list(conn.execute(first.order_by(t.shipments.c.position)).scalars())
    state: VersionState = "accepted" if row.accepted_version is not None else "partly_accepted"
    return Version(row.id, 1, {"bills": scns}, row.created_at, "gateway", state=state)


def _new_filings(conn: Connection, begun: Refiling, new: dict[str, str], moves: Moves, now: datetime) -> None:
    rows = [
        {
            "id": new[one.row.key],
            "kind": one.files,
            "trip_number": begun.trip_number,
            "shipment_key": one.row.key,
            "scn": one.row.scn,
            "entry_number": one.number or None,
            "entry_type": one.lapse["entry_type"],
            "pathway": one.lapse["pathway"],
            "state": FilingState.QUEUED.value,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        for one in begun.steps
        if one.files
    ]
    if rows:
        conn.execute(insert(t.filings), rows)
    for row in rows:
        if row["kind"] == "entry":
            told = (row["id"], "entry", begun.trip_number, row["shipment_key"], row["scn"] or "", now)
            moves.events.append(filing_event(EventType.FILING_QUEUED, *told))


def _cancel(conn: Connection, begun: Refiling, amendment: str, moves: Moves, actor: Actor, now: datetime) -> None:
    """Entries that go get a version that is their cancellation; a handoff that goes is withdrawn."""
    for one in begun.steps:
        old = one.old
        if old is None:
            continue
        content = {"shipment": one.row.document, "decision": one.row.decision}
        state: VersionState = (
            "accepted" if old.accepted_version is not None else "refused" if old.state in _GONE else "pending"
        )
        keep(conn, [Version(old.id, 1, content, old.created_at, "gateway", state=state)])
        if one.cancels is None:
            continue
        if old.kind == "handoff":
            move_filing(old, FilingInput.WITHDRAWN, moves, now)
            continue
        reason = REPLACED if one.number else NOT_COMING
        said = {"action": "D", "reason_code": reason, "replaced_by": one.number or None}
        version, why = old.version + 1, one.lapse["text"]
        keep(
            conn,
            [Version(old.id, version, said, now, actor.name, why, reason, amendment_id=amendment, action="D")],
        )
        conn.execute(update(t.filings).where(t.filings.c.id == old.id).values(version=version))
        move_filing(old, FilingInput.QUEUED, moves, now)


def _take_other_way(conn: Connection, begun: Refiling, new: dict[str, str], now: datetime) -> None:
    """The shipments' rows follow: the decision in force, the filing and the number they go by."""
    statement = update(t.shipments).where(t.shipments.c.key == bindparam("of"))
    changes = [
        {
            "of": one.row.key,
            "new_pathway": one.lapse["pathway"],
            "new_type": one.lapse["entry_type"],
            "new_decision": one.lapse["decision"],
            "new_filing": new.get(one.row.key),
            "new_number": one.number or None,
        }
        for one in begun.steps
    ]
    for start in range(0, len(changes), PAGE):
        conn.execute(
            statement.values(
                pathway=bindparam("new_pathway"),
                entry_type=bindparam("new_type"),
                decision=bindparam("new_decision"),
                entry_filing_id=bindparam("new_filing"),
                entry_number=bindparam("new_number"),
                lapse=None,
                updated_at=now,
            ),
            changes[start : start + PAGE],
        )
