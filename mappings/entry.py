"""How is one shipment entered? Shipment → the records of one cargo release transaction (SE).

Entry types 86 (pathway ``type86``), 11 (``informal``) and, only when asked to certify, 01 (``formal``).
What each type needs follows CBP CATAIR Cargo Release v40; the choices made here are:

- **Bill**: the shipment control number as a regular bill, SCAC and rest, with the piece count; manifested
  electronically, so never non-AMS.
- **Parties**: SE is the shipper. 86 has SE and CN at the header, CN by name and address. 11 has SE, BY, CN and
  MF; the consignee stands as buyer too. 01 names CN by the importer's number and the consignee as BY. MF is the
  line's manufacturer or, where none is given, the shipper as supplier: at the header if all lines share it,
  else by line.
- **Values** are whole US dollars (:mod:`mappings.entry_values`). SE10 states the sum of the lines, or the rounded
  total if that is more. Names and addresses are never cut (:mod:`mappings.entry_parties`).
- **Trip number**: SE11 takes five characters. The trip number without its SCAC is sent if it fits, else SE11 is
  left out with a note.
- **PGA**: :mod:`mappings.entry_pga`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from mappings.decision import PathwayDecision
from mappings.entry_parties import Level, party_records
from mappings.entry_pga import claim_records, note_makers
from mappings.entry_values import (
    CONTAINER_TYPES,
    ENTRY_TYPES,
    SOURCE,
    VALUE_LIMITS,
    Action,
    EntryMessage,
    FilerIdentity,
    line_dollars,
    note_refusals,
)
from mappings.measures import local_arrival
from mappings.notes import TRIP, Note, Wire
from schemas.catair.records import Record, Value, rec, write_record
from schemas.errors import FormatError, Problem
from schemas.identifiers import FILER_CODE, IMPORTER_QUALIFIER, scn_fault
from schemas.shipment import ImporterOfRecord, Line, Party, Shipment
from schemas.trip import Trip

__all__ = [
    "ENTRY_TYPES",
    "VALUE_LIMITS",
    "Action",
    "EntryMessage",
    "FilerIdentity",
    "build_entry",
    "check_entry",
    "entry_records",
    "try_entry",
]

DESCRIPTION_LENGTH: Final = 70
REFERENCE_LENGTH: Final = 9
TRIP_NUMBER_LENGTH: Final = 5

_ENTRY_NUMBER = re.compile(r"[A-Z0-9]{3}\d{8}")


class _Entry:
    """One transaction in the making."""

    def __init__(self, shipment: Shipment, decision: PathwayDecision, trip: Trip, filer: FilerIdentity) -> None:
        self.shipment = shipment
        self.decision = decision
        self.trip = trip
        self.filer = filer
        self.wire = Wire()
        self.records: list[Record] = []
        self._said: dict[tuple[str, Level], list[Record]] = {}
        self.entry_type = ENTRY_TYPES.get(decision.pathway, "")
        self.dollars = self._dollars()

    # -- values ---------------------------------------------------------------------------------

    def _dollars(self) -> list[int]:
        """Whole dollars of each line, by the rule at the head of this module."""
        values = [line.value for line in self.shipment.lines]
        dollars = line_dollars(values, VALUE_LIMITS.get(self.entry_type))
        for index, (value, whole) in enumerate(zip(values, dollars, strict=True)):
            if whole > 9_999_999_999:
                self.wire.too_long(f"lines[{index}].value", str(whole), 10, "SE60 15-24")
            if whole != value:
                self.wire.note(
                    "rounded", f"lines[{index}].value", "Whole US dollars, half up, at least 1.", str(value), str(whole)
                )
        return dollars

    def estimated_value(self) -> int:
        """SE10 40-49: never below the sum of the lines."""
        total = int(self.shipment.entered_value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
        value = max(total, sum(self.dollars))
        limit = VALUE_LIMITS.get(self.entry_type)
        if limit is not None and value > limit:
            self.wire.problem(
                "value_over_limit",
                "lines",
                f"The entry value is {value} US dollars; type {self.entry_type} takes at most {limit}.",
                "Choose another pathway.",
                f"{SOURCE}, SE10 note 13",
            )
        if value > 9_999_999_999:
            self.wire.too_long("lines", str(value), 10, "SE10 40-49")
        return value

    # -- header ---------------------------------------------------------------------------------

    def importer(self) -> ImporterOfRecord | None:
        """The importer of record this entry must name, ``None`` where it names none."""
        claims = any(line.pga for line in self.shipment.lines)
        if self.entry_type == "86" and not claims:
            return None
        found = self.shipment.importer_of_record
        if found is None and self.filer.default_importer is not None:
            found = self.filer.default_importer
            self.wire.note(
                "derived", "importer_of_record", "The filer's default importer of record stands in.", "", found.number
            )
        if found is None:
            why = "with data for an agency " if claims and self.entry_type == "86" else ""
            self.wire.problem(
                "importer_missing",
                "importer_of_record",
                f"An entry of type {self.entry_type} {why}must name the importer of record.",
                "Give the importer with its number.",
                f"{SOURCE}, SE10",
            )
        return found

    def header(self, action: Action, entry_number: str) -> None:
        """SE10."""
        if not _ENTRY_NUMBER.fullmatch(entry_number) or not entry_number.startswith(self.filer.code):
            self.wire.problem(
                "wrong_entry_number",
                "entry_number",
                f"{entry_number!r} is not an entry number of filer {self.filer.code!r}.",
                "Use filer code, seven digits and check digit.",
                "CATAIR Appendix E",
            )
        if not FILER_CODE.fullmatch(self.filer.code):
            self.wire.problem(
                "wrong_filer_code",
                "filer.code",
                f"{self.filer.code!r} is not a filer code.",
                "Use the three characters CBP assigned.",
                "CATAIR Appendix E",
            )
        bond = "0" if self.entry_type == "86" else self.filer.bond_type
        if bond not in ("0", "8"):
            self.wire.problem(
                "bond_type",
                "filer.bond_type",
                f"Bond type {bond!r} cannot be filed here.",
                "Use 8 (continuous) or 0 (none).",
                f"{SOURCE}, SE10 39",
            )
        importer = self.importer()
        contained = bool(self.trip.equipment) and self.trip.equipment[0].type in CONTAINER_TYPES
        self.add(
            "SE10",
            valid_action_code=action,
            entry_filer_code=entry_number[:3],
            entry_number=entry_number[3:],
            entry_type=self.entry_type,
            importer_of_record_type=IMPORTER_QUALIFIER[importer.number_type] if importer else None,
            importer_of_record=importer.number if importer else None,
            mode_of_transportation_code="31" if contained else "30",
            bond_type_code=bond,
            estimated_entry_value=self.estimated_value(),
            planned_port_of_entry=self.trip.port_of_arrival,
        )

    def conveyance(self) -> None:
        """SE11, if the trip number fits."""
        number = self.trip.trip_number.removeprefix(self.trip.carrier_scac)
        if len(number) <= TRIP_NUMBER_LENGTH:
            self.add("SE11", voyage_flight_trip_manifest_number=number)
        else:
            self.wire.note(
                "left_out",
                TRIP + "trip_number",
                f"SE11 40-44 takes {TRIP_NUMBER_LENGTH} characters; the bill number ties the entry to the manifest.",
                self.trip.trip_number,
            )

    def contact(self, reason_code: str) -> None:
        """SE13."""
        name = self.wire.alphanumeric(self.filer.contact_name, "filer.contact_name", 40, "SE13 5-44")
        phone = self.wire.alphanumeric(self.filer.contact_phone, "filer.contact_phone", 40, "SE13 45-59").replace(
            " ", ""
        )
        if len(phone) > 15:
            self.wire.too_long("filer.contact_phone", phone, 15, "SE13 45-59")
        for path, value in (("filer.contact_name", name), ("filer.contact_phone", phone)):
            if not value:
                self.wire.problem("missing", path, "The filing needs a contact.", "Set it.", f"{SOURCE}, SE13")
        self.add("SE13", contact_name=name, contact_phone=phone, reason_code=reason_code or None)

    def bill(self) -> None:
        """SE15."""
        scn = self.shipment.scn or ""
        if fault := scn_fault(scn):
            text = fault if scn else "The shipment has no control number."
            self.wire.problem(
                "wrong_scn" if scn else "missing_scn",
                "shipment_control_number",
                text,
                "Assign one before filing.",
                f"{SOURCE}, SE15",
            )
        self.add(
            "SE15",
            bill_type_indicator="R",
            issuer_code_of_bill_of_lading_number=scn[:4],
            bill_of_lading_number=scn[4:],
            quantity=self.shipment.packages.count,
            non_ams_indicator="N",
        )

    def references(self, reference: str, more: Sequence[tuple[str, str]]) -> None:
        """SE20: our own reference, for type 86 the day of arrival, and what the caller adds."""
        given = reference or self.shipment.shipment_id
        path = "reference" if reference else "shipment_id"
        if reference or len(given) <= REFERENCE_LENGTH:
            wire = self.wire.text(given, path, REFERENCE_LENGTH, "SE20 CR")
            self.add("SE20", reference_identifier_qualifier="CR", reference_identifier=wire)
        else:
            self.wire.note(
                "left_out", path, f"SE20 CR takes {REFERENCE_LENGTH} characters; no reference is sent.", given
            )
        if self.entry_type == "86":
            try:
                day: date = local_arrival(self.trip).date()
            except FormatError as error:
                self.wire.problems.extend(error.problems)
            else:
                self.add("SE20", reference_identifier_qualifier="EDA", reference_identifier=f"{day:%m%d%y}")
        for qualifier, value in more:
            self.add("SE20", reference_identifier_qualifier=qualifier, reference_identifier=value)

    # -- parties --------------------------------------------------------------------------------

    def party(self, code: str, party: Party, path: str, level: Level = "3") -> None:
        """A party by name and address."""
        said = self._said.get((path, level))
        if said is None:  # a party has one name and address, in however many roles it stands
            self._said[path, level] = said = party_records(code, party, path, level, self.wire)
        elif said:
            said = [Record(said[0].layout, {**said[0].values, "entity_code": code}), *said[1:]]
        self.records += said

    def makers(self) -> list[tuple[Party, str]]:
        """Manufacturer and path of each line: the line's own, or the shipper as supplier."""
        return [
            (line.manufacturer, f"lines[{index}].manufacturer")
            if line.manufacturer
            else (self.shipment.shipper, "shipper")
            for index, line in enumerate(self.shipment.lines)
        ]

    def parties(self) -> bool:
        """The header entities; true if the lines must name their manufacturers themselves."""
        shipment = self.shipment
        self.party("SE", shipment.shipper, "shipper")
        if self.entry_type == "86":
            self.party("CN", shipment.consignee, "consignee")
            return False
        self.wire.note("derived", "consignee", "The consignee stands as buyer (BY) too.", "", shipment.consignee.name)
        self.party("BY", shipment.consignee, "consignee")
        if self.entry_type == "11":
            self.party("CN", shipment.consignee, "consignee")
        elif (importer := shipment.importer_of_record or self.filer.default_importer) is not None:
            self.wire.note(
                "unconfirmed", "consignee", "Type 01 names the consignee by the importer's number.", "", importer.number
            )
            self.add(
                "SE30",
                entity_code="CN",
                entity_identifier_qualifier=IMPORTER_QUALIFIER[importer.number_type],
                entity_identifier=importer.number,
            )
        makers = self.makers()
        if any(path == "shipper" for _, path in makers):
            self.wire.note(
                "derived",
                "lines",
                "Where no manufacturer is given, the shipper stands as manufacturer or supplier (MF).",
                "",
                shipment.shipper.name,
            )
        if any(party != makers[0][0] for party, _ in makers):
            return True
        self.party("MF", *makers[0])
        return False

    # -- lines ----------------------------------------------------------------------------------

    def line(self, index: int, line: Line, maker: tuple[Party, str] | None) -> None:
        """SE40 with its entity, tariff number and agency records."""
        path = f"lines[{index}]"
        described = self.wire.text(line.description, f"{path}.description", DESCRIPTION_LENGTH, "SE40 11-80")
        self.add(
            "SE40",
            line_item_identifier=index + 1,
            country_of_origin=line.country_of_origin,
            commercial_invoice_description=described,
        )
        if maker is not None:
            self.party("MF", *maker, level="5")
        self.add("SE60", hts_number=line.hts, line_item_value=self.dollars[index])
        self.records += claim_records(line, path, described, self.decision.disclaimers, self.wire)

    def add(self, layout: str, /, **values: Value | None) -> None:
        """One record more; absent values are left out."""
        self.records.append(rec(layout, **values))


def build_entry(
    shipment: Shipment,
    decision: PathwayDecision,
    trip: Trip,
    filer: FilerIdentity,
    entry_number: str,
    *,
    action: Action = "A",
    certify: bool = False,
    reference: str = "",
    reason_code: str = "",
    references: Sequence[tuple[str, str]] = (),
) -> EntryMessage:
    """One SE transaction.

    ``action``: A adds and R replaces the whole; U sends header, conveyance, contact, bill and references; D header,
    contact with ``reason_code`` and references. ``certify`` allows type 01. ``reference`` (at most 9) is our own,
    default the shipment id where it fits. ``references`` are further SE20 pairs of qualifier and value.

    Raises :class:`FormatError` with every problem; paths are of the shipment, ``trip.…`` or ``filer.…``.
    """
    entry = _Entry(shipment, decision, trip, filer)
    note_refusals(entry.wire, decision, action, certify, reason_code, references)
    if entry.entry_type:
        entry.header(action, entry_number)
        if action != "D":
            entry.conveyance()
        entry.contact(reason_code if action == "D" else "")
        if action != "D":
            entry.bill()
        entry.references(reference, references)
        if action in ("A", "R"):
            by_line = entry.parties()
            makers = entry.makers()
            for index, line in enumerate(shipment.lines):
                entry.line(index, line, makers[index] if by_line else None)
                if entry.entry_type != "86":  # which names no manufacturer
                    note_makers(line, f"lines[{index}]", makers[index], "SE50" if by_line else "SE30", entry.wire)
    entry.wire.raise_problems()
    return EntryMessage(entry_number, entry.entry_type, tuple(entry.records), tuple(entry.wire.notes))


def entry_records(
    shipment: Shipment, decision: PathwayDecision, trip: Trip, filer: FilerIdentity, entry_number: str
) -> list[Record]:
    """The records of the transaction that adds this entry; raises like :func:`build_entry`."""
    return list(build_entry(shipment, decision, trip, filer, entry_number).records)


def check_entry(
    shipment: Shipment, decision: PathwayDecision, trip: Trip, filer: FilerIdentity, *, certify: bool = False
) -> tuple[Problem, ...]:
    """The problems of :func:`try_entry`."""
    return try_entry(shipment, decision, trip, filer, certify=certify)[0]


def try_entry(
    shipment: Shipment, decision: PathwayDecision, trip: Trip, filer: FilerIdentity, *, certify: bool = False
) -> tuple[tuple[Problem, ...], tuple[Note, ...]]:
    """Everything that keeps this shipment from being entered, down to the 80 columns, and what would be noted.

    The entry number, not drawn yet, is stood in for. A shipment without a control number is told so.
    """
    try:
        made = build_entry(shipment, decision, trip, filer, f"{filer.code}00000000", certify=certify)
    except FormatError as error:
        return error.problems, ()
    problems: list[Problem] = []
    for record in made.records:
        try:
            write_record(record)
        except FormatError as error:
            problems.extend(error.problems)
    return tuple(problems), made.notes
