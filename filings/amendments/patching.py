"""What do the trip and its shipments become by a patch, and what is wrong with them then? Every fault at once.

- What names a shipment or a trip (ids, control numbers, trip number, carrier) is no part of a patch: another number is
  another declaration.
- CBP knows a manifest by its trip number and the date of arrival. Another time of that date is told by a 309 of type Y;
  another date would make a second manifest and leave the bills on the first, so it is refused with the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from filings.amendments.asked import Asked
from filings.amendments.held import Held, Target, named
from filings.shown import local_text, zone_of
from filings.trips import TOLERANCE
from schemas.errors import Problem, ShipmentError
from schemas.merge_patch import merge_patch
from schemas.shipment import Shipment, check_shipment
from schemas.trip import Trip, check_trip, read_trip

FIXED_OF_SHIPMENT: Final = ("shipment_id", "shipment_control_number")
FIXED_OF_TRIP: Final = ("trip_number", "carrier_scac")


def patches_of(conn: Connection, target: Target, asked: Asked) -> tuple[Mapping[str, Any] | None, dict[str, Any]]:
    """The patch of the trip, and those of shipments by key; raises for names that are not on the trip."""
    if target.shipment_key is not None:
        return None, {target.shipment_key: asked.patch}
    patch = dict(asked.patch)
    some = patch.pop("shipments", {})
    if not isinstance(some, Mapping):
        text = "shipments is not an object."
        raise ShipmentError(Problem("wrong_shape", "shipments", text, 'Send {"shipments": {"ID": {…}}}.'))
    keys = named(conn, target.trip_number, [str(one) for one in some])
    problems = [
        Problem(
            "shipment_unknown",
            f"shipments.{one}",
            f"There is no shipment {one} on trip {target.trip_number}.",
            "Name it by its id or its control number.",
        )
        for one in some
        if one not in keys
    ]
    problems += [
        Problem("wrong_shape", f"shipments.{one}", "The patch of a shipment is an object, or null.", "Correct it.")
        for one, value in some.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    if len({keys[one] for one in some if one in keys}) < sum(one in keys for one in some):
        problems.append(
            Problem("shipment_twice", "shipments", "A shipment is named twice.", "Patch each shipment once.")
        )
    if problems:
        raise ShipmentError(problems)
    return (patch or None), {keys[one]: value for one, value in some.items()}


def _fixed(patch: Any, before: Mapping[str, Any], names: tuple[str, ...], path: str) -> list[Problem]:
    return [
        Problem(
            "identity_is_fixed",
            f"{path}{name}",
            f"{name} names what has been declared; it cannot be amended.",
            "Take it off and file it anew under another.",
        )
        for name in names
        if isinstance(patch, Mapping) and name in patch and patch[name] != before.get(name)
    ]


def patched_trip(
    on: Held, patch: Mapping[str, Any] | None, now: datetime
) -> tuple[Mapping[str, Any] | None, Trip, list[Problem]]:
    """The trip's document after the patch (``None`` without one), the trip, and the faults."""
    before = on.trip.document
    if patch is None:
        return None, read_trip(before), []
    problems = _fixed(patch, before, FIXED_OF_TRIP, "")
    document = merge_patch(before, patch)
    trip, faults = check_trip(document)
    problems += [one for one in faults if one.severity == "error"]
    if trip is None or problems:
        return document, read_trip(before), problems
    return document, trip, _arrival_faults(on, trip, now)


def _arrival_faults(on: Held, trip: Trip, now: datetime) -> list[Problem]:
    if trip.arrival == read_trip(on.trip.document).arrival:
        return []
    zone = zone_of(on.on_file.port_of_arrival)
    declared, wanted = on.on_file.arrival.astimezone(zone), trip.arrival.astimezone(zone)
    if declared.date() != wanted.date() and not on.refused_whole:
        text = (
            f"CBP knows this manifest by {trip.trip_number} and {declared.date()}: the date {wanted.date()} would make "
            "another manifest, and leave the bills on this one."
        )
        remedy = (
            f"Note the new time with `gateway trip {trip.trip_number} --eta INSTANT` and let the manifest stay, or "
            f"delete it (`gateway cancel {trip.trip_number}`) and file its shipments on a new trip number, under new "
            "control numbers."
        )
        return [Problem("arrival_date_is_fixed", "estimated_arrival", text, remedy)]
    if trip.arrival < now - TOLERANCE:
        text = f"{local_text(trip.arrival, zone)} has passed, and the truck has not arrived."
        remedy = "Give the instant at which the truck is expected now; its actual arrival comes from CBP."
        return [Problem("arrival_in_past", "estimated_arrival", text, remedy)]
    return []


def patched_shipments(
    rows: list[Row[Any]], patches: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any] | None], dict[str, Shipment], list[Problem]]:
    """Documents after the patches by key (``None``: off the truck), the shipments that stay, and every fault."""
    documents: dict[str, dict[str, Any] | None] = {}
    corrected: dict[str, Shipment] = {}
    problems: list[Problem] = []
    for row in rows:
        patch = patches[row.key]
        path = f"shipments.{row.shipment_id}." if len(rows) > 1 else ""
        if patch is None:
            documents[row.key] = None
            continue
        problems += _fixed(patch, row.document, FIXED_OF_SHIPMENT, path)
        document = merge_patch(row.document, patch)
        shipment, faults = check_shipment(document)
        problems += [replace(one, path=f"{path}{one.path}") for one in faults if one.severity == "error"]
        documents[row.key] = document
        if shipment is not None:
            corrected[row.key] = shipment
    return documents, corrected, problems
