"""Has everything settled? With nothing going wrong any more, each shipment is at an end, or a person knows why not.

Rules: nothing that came in is unread, nothing of ours is still on its way, no retry is owed. A shipment is at its end,
or in a state that says what a person has to do, or it waits for one that is, or an open alert names it, its declaration
or a file that carries it. A filing has its answer, or an open alert names it. And where CBP has spoken last of a bill
and nothing of it was lost, our books say the same: it is on file, to the consignee and in the number that we last said.
And what our books say that CBP has, it has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.text import transliterate
from tests.simulation.auditor import Auditor
from tests.simulation.broken import Broken

Row = Mapping[str, Any]

PERSONS: Final = frozenset(
    "in_review rejected lapsed held exam documents_required release_suspended release_revoked"
    " handed_off delinked".split()
)
"""States in which a person has something to do, and the state says what."""
UNANSWERED: Final = frozenset({"queued", "sent", "in_doubt", "under_review", "requested"})
"""States of a filing for which CBP's word is awaited."""
GONE: Final = frozenset({"cancelled", "lapsed", "refused", "delinked", "cancelling"})
"""States of a shipment that is not to be on the truck, or perhaps not."""
HELD: Final = frozenset({"accepted", "under_review"})
"""States of a bill that say that CBP has it."""
UNMADE: Final = "trip_not_plannable"
"""An alert that the messages of a trip cannot be made as they are."""
MENDED: Final = frozenset({"in_review", "rejected"})
"""States of a shipment for which its whole trip waits, shown as blocked."""


async def final(auditor: Auditor) -> None:
    """Look a last time, and at what only the end can show."""
    await auditor.look()
    await auditor.archive.whole()
    rows = auditor.database.rows
    unread = await rows("SELECT name FROM transmissions WHERE direction = 'in' AND state = 'received'")
    if unread:
        raise Broken("everything settles", f"{unread[0]['name']} came in and was never read")
    for row in auditor.out.values():
        if row["state"] not in ("delivered", "withdrawn"):
            raise Broken("everything settles", f"{row['name']} is still {row['state']}")
    owed = await rows(
        "SELECT name FROM retries JOIN transmissions ON transmissions.id = transmission_id WHERE made_at IS NULL"
    )
    if owed:
        raise Broken("everything settles", f"{owed[0]['name']} was to be sent again and was not")
    alerts = await rows(
        "SELECT kind, trip_number, filing_id, transmission_id, text FROM alerts WHERE settled_at IS NULL"
    )
    carried = await rows("SELECT transmission_id, shipment_key, filing_id FROM transmission_filings")
    for row in auditor.shipments.values():
        if not _waits_for_a_person(auditor, row) and not _is_told(auditor, row, alerts, carried):
            raise Broken("everything settles", f"shipment {row['scn']} is {row['state']}, and nobody is told why")
    files = {(one["filing_id"], one["transmission_id"]) for one in carried}
    for filing in auditor.filings.values():
        if filing["kind"] != "handoff" and filing["state"] in UNANSWERED:
            _asked_of_a_person(auditor, filing, alerts, {file for of, file in files if of == filing["id"]})
    _agree(auditor)
    await _agree_on_bills(auditor)


def _asked_of_a_person(auditor: Auditor, filing: Row, alerts: Sequence[Row], files: set[str]) -> None:
    """A filing without its answer is named by an open alert, itself or by a file that carries it."""
    if auditor.trips[filing["trip_number"]]["state"] == "cancelled":
        return  # it goes with its manifest
    unmade = any(one["kind"] == UNMADE and one["trip_number"] == filing["trip_number"] for one in alerts)
    if not unmade and not any(one["filing_id"] == filing["id"] or one["transmission_id"] in files for one in alerts):
        name = f"{filing['kind']} filing {filing['entry_number'] or filing['trip_number']}"
        raise Broken("everything settles", f"{name} is {filing['state']}, and nobody is told why")


def _waits_for_a_person(auditor: Auditor, row: Row) -> bool:
    """Whether a shipment is at its end, or its state or that of another aboard says what is to be done."""
    trip = auditor.trips[row["trip_number"]]
    state = row["state"]
    if trip["filed_at"] is None or state in PERSONS or state in {"refused", "cancelled"}:
        return True
    if state == "released" and trip["arrived_at"] is not None:
        return True
    aboard = (one for one in auditor.shipments.values() if one["trip_number"] == row["trip_number"])
    return trip["state"] == "blocked" and any(one["state"] in MENDED for one in aboard)


def _is_told(auditor: Auditor, row: Row, alerts: Sequence[Row], carried: Sequence[Row]) -> bool:
    """Whether an open alert names a shipment, one of its declarations, or a file that carries it."""
    named = {one["id"] for one in auditor.filings.values() if _about(one, row)}
    files = {one["transmission_id"] for one in carried if one["shipment_key"] == row["key"]}
    return any(
        alert["filing_id"] in named
        or alert["transmission_id"] in files
        or (alert["trip_number"] == row["trip_number"] and row["scn"] in alert["text"])
        for alert in alerts
    )


def _about(filing: Row, shipment: Row) -> bool:
    if filing["kind"] == "manifest":
        return bool(filing["trip_number"] == shipment["trip_number"])
    return bool(filing["shipment_key"] == shipment["key"])


def _agree(auditor: Auditor) -> None:
    """Where CBP has spoken of a bill and none of it was lost, our last word is CBP's."""
    lost = [one.payload for one in auditor.network.journal.purged]
    for bill in auditor.network.cbp.store.rows("select scn, number, state, marks from bill"):
        row = next((one for one in auditor.shipments.values() if one["scn"] == bill["scn"]), None)
        if row is None or "SILENT" in bill["marks"] or any(bill["number"].encode() in one for one in lost):
            continue
        released = row["state"] == "released"
        if released is not (bill["state"] == "RELEASED") and row["state"] not in {"cancelled", "lapsed"}:
            text = f"shipment {bill['scn']} is {row['state']} here and {bill['state']} at CBP"
            raise Broken("our books are CBP's", text)


async def _agree_on_bills(auditor: Auditor) -> None:
    """A bill that CBP has is on file here too; where CBP has taken our last word on the manifest, it says that."""
    purged = [one.payload for one in auditor.network.journal.purged]
    found = await auditor.database.rows("SELECT key, document FROM shipments")
    documents = {row["key"]: _document(row["document"]) for row in found}
    by_scn = {row["scn"]: row for row in auditor.shipments.values()}
    said = await auditor.database.rows(
        "SELECT filing_id, MAX(version) AS version FROM filing_versions WHERE state <> 'not_sent' GROUP BY filing_id"
    )
    newest = {row["filing_id"]: row["version"] for row in said}
    manifests = {row["trip_number"]: row for row in auditor.filings.values() if row["kind"] == "manifest"}
    bills = auditor.network.cbp.store.rows("select * from bill where state <> 'DELETED'")
    there = {bill["scn"] for bill in bills}
    for row in auditor.shipments.values():
        held = row["manifest_state"] in HELD and row["state"] not in GONE and "DUP" not in row["scn"]
        if held and row["scn"] not in there:
            text = f"the bill {row['scn']} is {row['manifest_state']} here, and CBP does not have it"
            raise Broken("our books are CBP's", text)
    for bill in bills:
        row = by_scn[bill["scn"]]
        manifest, trip = manifests[row["trip_number"]], row["trip_number"].encode()
        unheard = {"SILENT", "GARBLE"} & set(bill["marks"].replace(",", " ").split())
        if unheard or row["state"] in GONE or any(trip in one or row["scn"][4:].encode() in one for one in purged):
            continue
        name = f"the bill {row['scn']}"
        # What was declared anew and refused stands as it was before at CBP: here the refusal is what is shown.
        refused = row["manifest_state"] == "rejected" and newest.get(manifest["id"], 1) == 1
        if refused or row["manifest_state"] in ("none", "queued", "under_review"):
            raise Broken("our books are CBP's", f"{name} is {row['manifest_state']} here, and CBP has it on file")
        if manifest["state"] != "accepted" or manifest["accepted_version"] != newest.get(manifest["id"], 1):
            continue
        here = documents[row["key"]]
        consignee = here["consignee"]
        address = consignee["address"]
        parts = (consignee["name"], address["lines"][0], address["postal_code"][:5])
        key = "|".join(["", *("".join(sign for sign in transliterate(part) if sign.isalnum()) for part in parts)])
        count = str(here["packages"]["count"])
        if (key, count) != (bill["consignee"], bill["quantity"]):
            theirs = f"{bill['quantity']} for {bill['consignee']}"
            raise Broken("our books are CBP's", f"{name} is {count} for {key} here, and {theirs} at CBP")


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value
