"""What is a shipment? One consignment to one consignee under one shipment control number.

The JSON shape is part of the public interface (``schemas/shipment.schema.json``). Money and weights
are decimals written as strings; a shipment with any fault is refused whole, with the full list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from schemas.claims import claim_checks
from schemas.errors import Problem, ShipmentError
from schemas.identifiers import CA_PROVINCES, HTS, SCN, US_STATES, importer_number_fault
from schemas.message_set import MessageSetField
from schemas.model import (
    Amount,
    Country,
    OneOf,
    PositiveAmount,
    Record,
    Shaped,
    Text,
    at,
    validate,
)

PACKAGING_UNITS: Final = tuple(
    "BAG BBL BDL BIC BIN BKT BLE BOX BSK CAN CAR CAS CBC CBY CCS CHS COL COR CRT CSK CTN CYL DBK DRM GAL HED HMP KEG "
    "LBK LOG LUG LVN PAL PCL PCS PKG PLT POV QTR REL ROL SAK SHT SID SKD TBE TBN TIN TNK UNT VEH VPK WDC WLC".split()
)
"""Packaging units that truck manifest software offers; candidates for X12 DE 599, unconfirmed."""

PATHWAYS: Final = ("section321", "type86", "informal", "formal", "review")
Pathway = Literal["section321", "type86", "informal", "formal", "review"]

_SCN_REMEDY: Final = "Use the carrier's four-letter SCAC and 4 to 12 capitals or digits."
_PLAIN_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_UNIT = re.compile(r"[A-Z]{1,3}[A-Z0-9]?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_SPI = re.compile(r"[A-Z][A-Z0-9+*]?")
_AGENCY = re.compile(r"[A-Z0-9]{2,3}")
_AD_CVD = re.compile(r"[AC][0-9]{9}|[AC]-?[0-9]{3}-?[0-9]{3}(-?[0-9]{3})?")
_US_ZIP = re.compile(r"[0-9]{5}(-?[0-9]{4})?")
_CA_POSTAL = re.compile(r"[A-Za-z][0-9][A-Za-z] ?[0-9][A-Za-z][0-9]")
MAX_LINES: Final = 999
"""SE line groups per entry (CATAIR Cargo Release v40, output map)."""


class Address(Record):
    """A postal address; ``region`` is the state or province code."""

    lines: list[Annotated[str, Text(1, 55, "an address line (X12 N3)")]] = Field(min_length=1, max_length=2)
    city: Annotated[str, Text(2, 30, "a city (X12 N401)")]
    region: Annotated[str, Text(1, 3, "a state or province code")] | None = None
    postal_code: Annotated[str, Text(3, 15, "a postal code (X12 N403)")] | None = None
    country: Country


class Party(Record):
    """A person or firm with an address."""

    name: Annotated[str, Text(1, 60, "a name (X12 N102)")]
    address: Address


class ImporterOfRecord(Record):
    """Who answers to CBP for the goods; ``number_type`` is EIN, CBP (assigned) or SSN."""

    name: Annotated[str, Text(1, 60, "a name")]
    number: Annotated[str, Text(1, 12, "an importer number (SE10 25-36)")]
    number_type: Literal["EIN", "CBP", "SSN"]


class Packages(Record):
    """Pieces in the smallest outer packing."""

    count: int = Field(ge=1, le=99_999_999)
    unit: Annotated[str, OneOf(PACKAGING_UNITS, "a packaging unit")] = "BOX"


class Weight(Record):
    """Gross weight in kilograms or pounds."""

    value: PositiveAmount
    unit: Literal["KG", "LB"]


class ProductId(Record):
    """A globally unique product number: kind (GTIN, UPC) and number."""

    qualifier: Annotated[str, Text(1, 4, "a kind of product number (PG01 19-22)")]
    number: Annotated[str, Text(1, 19, "a product number (PG01 23-41)")]


class PgaClaim(Record):
    """What a partner government agency is told about one line: a disclaimer, or a message set with what PG01 says."""

    agency: Annotated[str, Shaped(_AGENCY, "an agency code", "Use the three-letter code, for example FDA.")]
    program: Annotated[str, Text(1, 3, "an agency program code (PG01 11-13)")] | None = None
    processing: Annotated[str, Text(1, 3, "an agency processing code (PG01 14-16)")] | None = None
    disclaimer: Literal["A", "B", "C", "D", "E", "F", "G"] | None = None
    intended_use_code: Annotated[str, Text(1, 16, "an intended use code (PG01 42-57)")] | None = None
    intended_use_description: Annotated[str, Text(1, 21, "an intended use (PG01 58-78)")] | None = None
    product_id: ProductId | None = None
    confidential: bool = False
    image_submitted: bool = False
    prior_notice_confirmation: (
        Annotated[str, Text(1, 33, "the confirmation number of a prior notice (PG14 9-41)")] | None
    ) = None
    message_set: MessageSetField = Field(default_factory=list)


class Line(Record):
    """One kind of goods: ``value`` is the entered value in US dollars of the whole line."""

    line: int = Field(ge=1, le=MAX_LINES)
    sku: Annotated[str, Text(1, 60, "a stock number")] | None = None
    description: Annotated[str, Text(3, 512, "a description of the goods")]
    hts: Annotated[str, Shaped(HTS, "a 10-digit HTS number", "Write ten digits without dots, for example 6109100012.")]
    country_of_origin: Country
    quantity: PositiveAmount
    unit: Annotated[
        str, Shaped(_UNIT, "a unit of measure", "Use a unit of CATAIR Appendix B, for example NO, KG, DOZ.")
    ] = "NO"
    value: PositiveAmount
    currency: Annotated[str, Shaped(_CURRENCY, "a currency code", "Use three capital letters.")] = "USD"
    manufacturer: Party | None = None
    spi: Annotated[str, Shaped(_SPI, "a trade program code", "Use the code of the program, for example S.")] | None = (
        None
    )
    ad_cvd_case: (
        Annotated[
            str, Shaped(_AD_CVD, "an AD/CVD case number", "Write A or C and nine digits, for example A533902000.")
        ]
        | None
    ) = None
    quota: bool = False
    pga: list[PgaClaim] = Field(default_factory=list, max_length=99)


class Shipment(Record):
    """One consignment as the web shop's systems hand it over, already validated by them."""

    shipment_id: Annotated[str, Text(1, 64, "a shipment id")]
    shipment_control_number: (
        Annotated[str, Shaped(SCN, "a shipment control number", _SCN_REMEDY, "wrong_scn")] | None
    ) = None
    order_id: Annotated[str, Text(1, 64, "an order id")]
    shipper: Party
    consignee: Party
    importer_of_record: ImporterOfRecord | None = None
    place_of_receipt: Annotated[str, Text(1, 17, "the place of receipt (X12 M1110)")]
    packages: Packages
    gross_weight: Weight
    lines: list[Line] = Field(min_length=1, max_length=MAX_LINES)
    fair_retail_value: Amount | None = None
    pathway: Literal["section321", "type86", "informal", "formal", "review"] | None = None

    @property
    def scn(self) -> str | None:
        """The shipment control number, once it has one."""
        return self.shipment_control_number

    @property
    def entered_value(self) -> Decimal:
        """Sum of the line values, US dollars."""
        return sum((line.value for line in self.lines), Decimal(0))

    @property
    def fair_value(self) -> Decimal:
        """Fair retail value in the country of shipment; the entered value where none was given."""
        return self.entered_value if self.fair_retail_value is None else self.fair_retail_value


def _address_faults(address: object, path: str, role: str) -> Iterator[Problem]:
    country, region = at(address, "country"), at(address, "region")
    postal = at(address, "postal_code")
    if country == "US":
        if not region:
            yield Problem(
                f"{role}_state_missing",
                f"{path}.region",
                f"The {role}'s US address has no state.",
                "Add the two-letter state code.",
                "CSMS 64824427",
            )
        elif isinstance(region, str) and region not in US_STATES:
            yield Problem(
                "unknown_state",
                f"{path}.region",
                f"{region!r} is not a US state or territory.",
                "Use the two capital letters of the state.",
                "CATAIR Appendix B r21",
            )
        if isinstance(postal, str) and not _US_ZIP.fullmatch(postal):
            yield Problem(
                "wrong_zip", f"{path}.postal_code", f"{postal!r} is not a US ZIP code.", "Write five digits, or ZIP+4."
            )
    elif country == "CA":
        if not region or (isinstance(region, str) and region not in CA_PROVINCES):
            yield Problem(
                "unknown_province",
                f"{path}.region",
                f"{region!r} is not a Canadian province or territory.",
                "Use the two capital letters of the province.",
                "CATAIR Appendix B r21",
            )
        if isinstance(postal, str) and not _CA_POSTAL.fullmatch(postal):
            yield Problem(
                "wrong_postal_code",
                f"{path}.postal_code",
                f"{postal!r} is not a Canadian postal code.",
                "Write it like M5H 1A1.",
            )


def _party_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _address_faults(at(raw, "consignee", "address"), "consignee.address", "consignee")
    yield from _address_faults(at(raw, "shipper", "address"), "shipper.address", "shipper")
    if (country := at(raw, "consignee", "address", "country")) and isinstance(country, str) and country != "US":
        yield Problem(
            "consignee_not_in_us",
            "consignee.address.country",
            f"The consignee is in {country}, not in the United States.",
            "Correct the address, or take the shipment off this trip.",
        )
    importer = raw.get("importer_of_record")
    number, kind = at(importer, "number"), at(importer, "number_type")
    if isinstance(number, str) and isinstance(kind, str) and (fault := importer_number_fault(number, kind)):
        yield Problem(
            "wrong_importer_number",
            "importer_of_record.number",
            fault,
            "Copy the number from CBP form 5106.",
            "CATAIR Cargo Release v40, SE10",
        )


def _line_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    lines = raw.get("lines")
    if not isinstance(lines, list):
        return
    seen: set[int] = set()
    for index, line in enumerate(lines):
        number, currency = at(line, "line"), at(line, "currency")
        if isinstance(number, int):
            if number in seen:
                yield Problem(
                    "duplicate_line",
                    f"lines[{index}].line",
                    f"Line number {number} is used twice.",
                    "Number the lines 1, 2, 3 …",
                )
            seen.add(number)
        if isinstance(currency, str) and currency != "USD":
            yield Problem(
                "currency_not_usd",
                f"lines[{index}].currency",
                f"The value is in {currency}; CBP takes US dollars.",
                "Convert it at the rate of the export date.",
                "19 CFR 159.31",
            )


def _value_checks(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """A fair retail value below what the goods were sold for: lawful, but mostly a slip, so a person is told."""
    stated = _amount(raw.get("fair_retail_value"))
    lines = raw.get("lines")
    values = [_amount(at(line, "value")) for line in lines] if isinstance(lines, list) else []
    known = [value for value in values if value is not None]
    if stated is None or not known or len(known) != len(values) or stated >= sum(known):
        return
    total = sum(known)
    yield Problem(
        "fair_value_below_lines",
        "fair_retail_value",
        f"The fair retail value {stated} is below the {total} dollars of the lines.",
        "State the retail price in the country of shipment; leave it out to take the sum of the lines.",
        "19 CFR 10.151",
        "warning",
    )


def _amount(value: object) -> Decimal | None:
    if isinstance(value, str) and _PLAIN_AMOUNT.fullmatch(value):
        return Decimal(value)
    return None


CROSS_CHECKS: Final = (_party_checks, _line_checks, claim_checks, _value_checks)


def check_shipment(raw: object) -> tuple[Shipment | None, tuple[Problem, ...]]:
    """The shipment, or ``None`` with every fault of the row (code, path, sentence, remedy)."""
    return validate(Shipment, raw, CROSS_CHECKS)


def read_shipment(raw: object) -> Shipment:
    """As :func:`check_shipment`, raising :class:`ShipmentError` with all faults."""
    shipment, problems = check_shipment(raw)
    if shipment is None:
        raise ShipmentError(problems)
    return shipment


def read_shipments(rows: Iterable[object]) -> Iterator[tuple[Shipment | None, tuple[Problem, ...]]]:
    """:func:`check_shipment` over many rows, one at a time."""
    return map(check_shipment, rows)
