"""Which field of the shipment does a place in a message point back to?

The tables are data: an X12 element or CATAIR field → the JSON path of the shipment (or, beginning with
``trip.``, of the trip). ``{party}``, ``{line}``, ``{claim}`` and ``{record}`` are filled from where the place stood:
under which N1 or SE30, in which commodity or line, in which agency claim and record of it. What cannot be filled
is left off from there on, never guessed: ``lines`` instead of ``lines[2].hts``, ``""`` instead of a party.

A response repeats only what is wrong, so a place often cannot be told from it alone. With the bytes that were
sent (:class:`~mappings.outcomes_sent.SentManifest`, :class:`SentEntries`) the very segment or record is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from mappings.outcomes_claims import claim_paths
from schemas.catair import read_batches
from schemas.catair.layouts import RECORDS
from schemas.catair.records import Record
from schemas.claims import PG01_KEYS
from schemas.message_set import MESSAGE_RECORDS
from schemas.profile import Profile


@dataclass(frozen=True, slots=True)
class Context:
    """Where in a message: shipment, and the paths of party (``consignee``), line (``lines[2]``), agency claim
    (``lines[2].pga[0]``) and record of its message set (``lines[2].pga[0].message_set[4]``); empty if not known."""

    scn: str = ""
    entry_number: str = ""
    party: str = ""
    line: str = ""
    claim: str = ""
    record: str = ""


X12_PATHS: Final = {
    "M10": "trip.trip_number",
    "M1001": "trip.carrier_scac",
    "M1003": "trip.conveyance.plate.country",
    "M1006": "trip.trip_number",
    "M1007": "trip.trip_number",
    "M1012": "trip.trip_number",
    "VEH": "trip.conveyance",
    "VEH02": "trip.conveyance.vin",
    "VEH09": "trip.conveyance.plate.number",
    "VEH10": "trip.conveyance.plate.region",
    "VEH17": "trip.conveyance.plate.country",
    "NM1": "trip.crew",
    "NM103": "trip.crew",
    "NM104": "trip.crew",
    "DMG": "trip.crew",
    "REF": "trip.crew",
    "P4": "trip.port_of_arrival",
    "P401": "trip.port_of_arrival",
    "P402": "trip.estimated_arrival",
    "P405": "trip.estimated_arrival",
    "M11": "",
    "M1101": "shipment_control_number",
    "M1102": "place_of_receipt",
    "M1103": "packages.count",
    "M1104": "packages.unit",
    "M1105": "gross_weight.value",
    "M1106": "gross_weight.unit",
    "M1109": "pathway",
    "M1110": "place_of_receipt",
    "M1112": "shipment_control_number",
    "N1": "{party}",
    "N102": "{party}.name",
    "N3": "{party}.address.lines",
    "N301": "{party}.address.lines[0]",
    "N302": "{party}.address.lines[1]",
    "N4": "{party}.address",
    "N401": "{party}.address.city",
    "N402": "{party}.address.region",
    "N403": "{party}.address.postal_code",
    "N404": "{party}.address.country",
    "N407": "{party}.address.region",
    "VID": "trip.equipment[0]",
    "VID01": "trip.equipment[0].type",
    "VID03": "trip.equipment[0].number",
    "VID04": "trip.equipment[0].seals[0]",
    "VID05": "trip.equipment[0].seals[1]",
    "VID14": "trip.equipment[0].plate.number",
    "VID15": "trip.equipment[0].plate.region",
    "VID16": "trip.equipment[0].plate.country",
    "M7": "trip.equipment[0].seals",
    "N10": "{line}",
    "N1001": "{line}.quantity",
    "N1002": "{line}.description",
    "N1004": "{line}.hts",
    "N1005": "{line}.hts",
    "N1006": "{line}.value",
    "N1010": "{line}.unit",
    "N1011": "{line}.country_of_origin",
}
"""Element, or segment where no element is known, of a 309 → path (see :mod:`mappings.manifest`)."""

CATAIR_PATHS: Final = {
    "SE10": "",
    "SE10.entry_type": "pathway",
    "SE10.importer_of_record_type": "importer_of_record.number_type",
    "SE10.importer_of_record": "importer_of_record.number",
    "SE10.mode_of_transportation_code": "trip.equipment",
    "SE10.estimated_entry_value": "lines",
    "SE10.planned_port_of_entry": "trip.port_of_arrival",
    "SE11": "trip.trip_number",
    "SE11.voyage_flight_trip_manifest_number": "trip.trip_number",
    "SE15": "shipment_control_number",
    "SE15.issuer_code_of_bill_of_lading_number": "shipment_control_number",
    "SE15.bill_of_lading_number": "shipment_control_number",
    "SE15.quantity": "packages.count",
    "SE20": "",
    "SE30": "{party}",
    "SE30.entity_name": "{party}.name",
    "SE30.entity_identifier": "importer_of_record.number",
    "SE35": "{party}.address.lines",
    "SE35.address_information_1": "{party}.address.lines",
    "SE35.address_information_2": "{party}.address.lines",
    "SE36": "{party}.address",
    "SE36.city_name": "{party}.address.city",
    "SE36.country_sub_entity_code": "{party}.address.region",
    "SE36.postal_code": "{party}.address.postal_code",
    "SE36.country_code": "{party}.address.country",
    "SE40": "{line}",
    "SE40.country_of_origin": "{line}.country_of_origin",
    "SE40.commercial_invoice_description": "{line}.description",
    "SE60": "{line}",
    "SE60.hts_number": "{line}.hts",
    "SE60.line_item_value": "{line}.value",
    "OI": "{line}.description",
    "OI.commercial_description": "{line}.description",
    "PG01": "{claim}",
    "PG01.government_agency_code": "{claim}.agency",
    **{f"PG01.{field}": f"{{claim}}.{key}" for key, field in PG01_KEYS.items()},
}
"""Field, or record where no field is known, of an SE transaction → path; SE5x is read as SE3x.

The records of message sets are not listed: their fields are the keys of the shipment.
"""

CONDITION_FIELDS: Final = {
    "001": "SE10.valid_action_code",
    "002": "SE10.valid_action_code",
    "003": "SE10.entry_filer_code",
    "004": "SE10.entry_filer_code",
    "005": "SE10.entry_number",
    "006": "SE10.entry_number",
    "007": "SE10.entry_number",
    "008": "SE10.entry_number",
    "009": "SE10.entry_type",
    "010": "SE10.entry_type",
    "011": "SE10.importer_of_record_type",
    "012": "SE10.importer_of_record_type",
    "013": "SE10.importer_of_record",
    "014": "SE10.importer_of_record",
    "015": "SE10.mode_of_transportation_code",
    "016": "SE10.mode_of_transportation_code",
    "019": "SE10.bond_type_code",
    "020": "SE10.bond_type_code",
    "021": "SE10.estimated_entry_value",
    "022": "SE10.estimated_entry_value",
    "030": "SE15.quantity",
    "119": "SE10.estimated_entry_value",
    "208": "SE13.contact_name",
    "210": "SE10.entry_type",
    "282": "SE20.reference_identifier",
    "288": "SE20.reference_identifier",
    "318": "SE40.country_of_origin",
    "333": "SE10.importer_of_record",
    "335": "SE60.hts_number",
}
"""SE condition code (SE90 7-9) → the field it speaks of, by its text (readings are this project's own)."""

CONDITION_PATHS: Final = {
    "035": "consignee",
    "036": "consignee",
    "037": "shipper",
    "038": "lines",
    "282": "trip.estimated_arrival",
    "288": "trip.estimated_arrival",
    "318": "{line}.country_of_origin",
}
"""SE condition codes that name a thing which no echoed field holds."""

ENTITY_PATHS: Final = {"SE": "shipper", "BY": "consignee", "CN": "consignee"}
ENTITY_LEVEL: Final = {"SE50": "SE30", "SE55": "SE35", "SE56": "SE36"}


def fill(template: str, context: Context) -> str:
    """``template`` with party and line filled in, cut off where one is not known."""
    if template.startswith("{party}"):
        return template.replace("{party}", context.party, 1) if context.party else ""
    if template.startswith("{line}"):
        return template.replace("{line}", context.line, 1) if context.line else "lines"
    if template.startswith("{claim}"):
        return template.replace("{claim}", context.claim, 1) if context.claim else fill("{line}.pga", context)
    if template.startswith("{record}"):
        if context.record:
            return template.replace("{record}", context.record, 1)
        return f"{context.claim}.message_set" if context.claim else fill("{claim}", context)
    return template


def x12_path(segment_id: str, element: int, context: Context) -> str:
    """Path of an element (from 1; 0 for the whole segment) of a 309."""
    whole = X12_PATHS.get(segment_id, "")
    return fill(X12_PATHS.get(f"{segment_id}{element:02d}", whole) if element else whole, context)


def catair_path(layout: str, field_key: str, context: Context) -> str:
    """Path of a field (``""`` for the whole record) of an SE transaction."""
    if layout in MESSAGE_RECORDS:
        return fill(f"{{record}}.{field_key}" if field_key else "{record}", context)
    base = ENTITY_LEVEL.get(layout, layout)
    whole = CATAIR_PATHS.get(base, "")
    return fill(CATAIR_PATHS.get(f"{base}.{field_key}", whole) if field_key else whole, context)


def field_at(layout: str, column: int) -> str:
    """The field of a record that holds a column; ``""`` if none does."""
    defined = RECORDS.get(layout)
    if defined is None:
        return ""
    return next((one.key for one in defined.fields if one.start <= column <= one.end), "")


def columns_of(layout: str, field_key: str) -> str:
    """``columns 40-49`` of a field, ``""`` if the layout has no such field."""
    defined = RECORDS.get(layout)
    found = next((one for one in defined.fields if one.key == field_key), None) if defined and field_key else None
    return f"columns {found.start}-{found.end}" if found else ""


def party_path(role: str, profile: Profile) -> str:
    """``shipper`` or ``consignee`` for the role code of an N1."""
    return next((name for name in ("shipper", "consignee") if profile.party_roles.get(name) == role), "")


def entry_number_of(record: Record, number_field: str = "entry_number") -> str:
    """Filer and number of SE10 or SO10 joined; ``""`` unless both are there."""
    filer, number = record.text("entry_filer_code"), record.text(number_field)
    return filer + number if len(filer) == 3 and len(number) == 8 else ""


def step_catair(context: Context, record: Record) -> Context:
    """The context of a record of an SE transaction, from those before it."""
    layout = record.layout
    if layout == "SE40":
        number = record.get("line_item_identifier")
        return replace(context, party="", line=f"lines[{number - 1}]" if isinstance(number, int) and number else "")
    if layout in ("SE30", "SE50"):
        code = record.text("entity_code")
        maker = f"{context.line if layout == 'SE50' and context.line else 'lines[0]'}.manufacturer"
        return replace(context, party=maker if code == "MF" else ENTITY_PATHS.get(code, ""))
    if layout in ("SE35", "SE36", "SE55", "SE56"):
        return context
    return replace(context, party="")


def _shared(one: Context | None, other: Context) -> Context | None:
    """What two records of the same columns have in common: records of one line may differ in claim and record."""
    if one is None or one == other:
        return one
    claim = one.claim if one.claim == other.claim else ""
    same = replace(other, claim=claim, record="")
    return same if replace(one, claim=claim, record="") == same else None


class SentEntries:
    """An SE batch as it was sent, to find places again."""

    def __init__(self, data: bytes) -> None:
        read = read_batches(data)
        self._by_number: dict[int, tuple[str, Context]] = {}
        self._echoes: dict[tuple[str, str], Context | None] = {}
        for batch in read.batches:
            for transaction in batch.transactions:
                self._keep([(one.number, one.line, one.record) for one in transaction.records])

    def _keep(self, records: Sequence[tuple[int, str, Record]]) -> None:
        context = Context()
        contexts: list[Context] = []
        for _, _, record in records:
            if record.layout == "SE10":
                context = Context(entry_number=entry_number_of(record))
            if record.layout == "SE15":
                context = replace(context, scn=bill_of(record))
            context = step_catair(context, record)
            contexts.append(context)
        paths = claim_paths([one.line for one in contexts], [record for _, _, record in records])
        for at, (claim, item) in paths.items():
            contexts[at] = replace(contexts[at], claim=claim, record=item)
        for (number, line, record), context in zip(records, contexts, strict=True):
            self._by_number[number] = (record.layout, context)
            key = (context.entry_number, line)
            known = self._echoes.get(key, context)
            self._echoes[key] = _shared(known, context)

    def at(self, number: int) -> tuple[str, Context]:
        """Layout and context of the record with this number (A is 1)."""
        return self._by_number.get(number, ("", Context()))

    def echo(self, entry_number: str, line: str) -> Context | None:
        """The context of a repeated record of that entry, ``None`` if it is not there or there are several."""
        return self._echoes.get((entry_number, line))


def bill_of(record: Record) -> str:
    """SCAC and number of SE15 or SO40 joined; ``""`` unless both are there."""
    scac, number = record.text("issuer_code_of_bill_of_lading_number"), record.text("bill_of_lading_number")
    return scac + number if scac and number else ""
