"""What does a licensed broker need to make a formal entry? The handoff package of one shipment.

The package is five files and a list of their digests::

    handoff.xml      every fact for programs, valid against schemas/xsd/handoff.xsd
    invoice.pdf      the commercial invoice for people
    shipment.json    the shipment record as it was given
    README.txt       what this is, and why the entry must be formal: rules and citations
    MANIFEST.sha256  digests, in the form that ``sha256sum --check`` reads

Rules: same input, same bytes; the XML is checked before it leaves (quickly by lxml, and only where that fails
once more by xmlschema for a message with a path); the parsers never read a network, a DTD or an entity.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from lxml import etree

from mappings.decision import PathwayDecision
from mappings.invoice import amount, build_invoice
from schemas.errors import FormatError, Problem
from schemas.identifiers import land_ports
from schemas.shipment import Line, Party, PgaClaim, Shipment
from schemas.trip import Trip

if TYPE_CHECKING:
    import xmlschema

NAMESPACE: Final = "urn:customs-filing-gateway:handoff:1"
XML, INVOICE, SHIPMENT, README, MANIFEST = (
    "handoff.xml",
    "invoice.pdf",
    "shipment.json",
    "README.txt",
    "MANIFEST.sha256",
)
Bill = Literal["on_manifest", "deleted", "never_on_file"]
"""Where the shipment's bill is: on the truck's manifest, taken off it, or refused by CBP before."""
_SCHEMA: Final = "xsd/handoff.xsd"
_NSMAP: Final[Any] = {None: NAMESPACE}


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@cache
def _schema_bytes() -> bytes:
    return files("schemas").joinpath(_SCHEMA).read_bytes()


@cache
def _quick_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(_schema_bytes(), _parser()))


@cache
def _telling_schema() -> xmlschema.XMLSchema:
    import xmlschema  # a tenth of a second, and only a document of ours that is wrong needs it

    return xmlschema.XMLSchema(_schema_bytes().decode("utf-8"), allow="none", defuse="always")


def check_xml(document: bytes) -> tuple[Problem, ...]:
    """What is wrong with a ``handoff.xml``; empty if it is valid. Never raises for its content."""
    try:
        tree = etree.fromstring(document, _parser())
    except etree.XMLSyntaxError as error:
        return (Problem("not_xml", "", f"The document is not XML: {error}.", "Send the file unchanged."),)
    if tree.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stub knows fewer attributes
        return (Problem("doctype", "", "The document has a document type.", "Send it without a DOCTYPE."),)
    if _quick_schema().validate(tree):
        return ()
    found = [
        Problem(
            "not_valid",
            error.path or "",
            " ".join((error.reason or "The document does not follow the schema.").split()),
            "See schemas/xsd/handoff.xsd.",
        )
        for error in _telling_schema().iter_errors(document.decode("utf-8"))
    ]
    return tuple(found) or (
        Problem("not_valid", "", "The document does not follow the schema.", "See schemas/xsd/handoff.xsd."),
    )


class _Tree:
    """Builds the document and remembers which text XML cannot hold."""

    def __init__(self, **attributes: str) -> None:
        self.root = etree.Element(f"{{{NAMESPACE}}}Handoff", attributes, nsmap=_NSMAP)
        self.problems: list[Problem] = []

    def add(
        self, parent: etree._Element, name: str, text: str | None = None, path: str = "", /, **attributes: str | None
    ) -> etree._Element:
        """A child element; attributes that are ``None`` are left out."""
        child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        try:
            for key, value in attributes.items():
                if value is not None:
                    child.set(key, value)
            if text is not None:
                child.text = text
        except ValueError:  # lxml refuses signs outside the XML character range, such as U+FFFE
            self.problems.append(
                Problem(
                    "invalid_character",
                    path,
                    "The text holds a sign that XML cannot carry.",
                    "Remove it.",
                    "XML 1.0, character range",
                )
            )
        return child


def _plain(value: Decimal) -> str:
    return f"{value:f}"


def _party(tree: _Tree, parent: etree._Element, name: str, party: Party, path: str) -> None:
    node = tree.add(parent, name)
    tree.add(node, "Name", party.name, f"{path}.name")
    for index, line in enumerate(party.address.lines):
        tree.add(node, "AddressLine", line, f"{path}.address.lines[{index}]")
    tree.add(node, "City", party.address.city, f"{path}.address.city")
    if party.address.region is not None:
        tree.add(node, "Region", party.address.region, f"{path}.address.region")
    if party.address.postal_code is not None:
        tree.add(node, "PostalCode", party.address.postal_code, f"{path}.address.postal_code")
    tree.add(node, "Country", party.address.country)


def _shipment_node(tree: _Tree, shipment: Shipment) -> None:
    node = tree.add(tree.root, "Shipment")
    tree.add(node, "Id", shipment.shipment_id, "shipment_id")
    tree.add(node, "ControlNumber", shipment.scn)
    tree.add(node, "OrderId", shipment.order_id, "order_id")
    tree.add(node, "PlaceOfReceipt", shipment.place_of_receipt, "place_of_receipt")
    tree.add(node, "Packages", str(shipment.packages.count), unit=shipment.packages.unit)
    tree.add(node, "GrossWeight", _plain(shipment.gross_weight.value), unit=shipment.gross_weight.unit)
    tree.add(node, "EnteredValue", _plain(shipment.entered_value), currency="USD")
    tree.add(node, "FairRetailValue", _plain(shipment.fair_value), currency="USD")


def _trip_node(tree: _Tree, trip: Trip, bill: Bill) -> None:
    node = tree.add(tree.root, "Trip", None, "", bill=None if bill == "on_manifest" else bill)
    tree.add(node, "Number", trip.trip_number)
    tree.add(node, "CarrierScac", trip.carrier_scac)
    port = land_ports().get(trip.port_of_arrival)
    tree.add(node, "PortOfArrival", port.name if port else trip.port_of_arrival, code=trip.port_of_arrival)
    tree.add(node, "EstimatedArrival", trip.arrival.isoformat())
    if trip.conveyance.vin is not None:
        tree.add(node, "Vin", trip.conveyance.vin)
    if (plate := trip.conveyance.plate) is not None:
        tree.add(node, "Plate", plate.number, region=plate.region, country=plate.country)
    for item in trip.equipment:
        tree.add(node, "Equipment", item.number, type=item.type)


def _findings(tree: _Tree, parent: etree._Element, name: str, problems: Iterable[Problem]) -> None:
    for one in problems:
        tree.add(parent, name, one.text, one.path, code=one.code, path=one.path)


def _decision_node(tree: _Tree, decision: PathwayDecision) -> None:
    node = tree.add(
        tree.root,
        "Decision",
        pathway=decision.pathway,
        entryType=decision.entry_type or "",
        ruleBook=decision.rule_book_version,
    )
    for rule in decision.rules:
        tree.add(node, "Rule", rule)
    for citation in decision.citations:
        tree.add(node, "Citation", citation)
    for reason in decision.reasons:
        tree.add(node, "Reason", reason)
    for refused in decision.refused:
        tree.add(node, "Refused", refused.text, pathway=refused.pathway, rule=refused.rule)
    _findings(tree, node, "Needed", decision.needs)
    _findings(tree, node, "Warning", decision.warnings)


def _claim_node(tree: _Tree, parent: etree._Element, claim: PgaClaim, path: str) -> None:
    node = tree.add(
        parent,
        "PgaClaim",
        None,
        path,
        agency=claim.agency,
        program=claim.program,
        processing=claim.processing,
        disclaimer=claim.disclaimer,
        intendedUse=claim.intended_use_code,
        confidential="true" if claim.confidential else None,
        imageSubmitted="true" if claim.image_submitted else None,
    )
    if claim.intended_use_description is not None:
        tree.add(node, "IntendedUse", claim.intended_use_description, f"{path}.intended_use_description")
    if (product := claim.product_id) is not None:
        tree.add(node, "ProductId", product.number, f"{path}.product_id", qualifier=product.qualifier)
    if claim.prior_notice_confirmation is not None:
        where = f"{path}.prior_notice_confirmation"
        tree.add(node, "PriorNoticeConfirmation", claim.prior_notice_confirmation, where)
    for index, record in enumerate(claim.message_set):
        where = f"{path}.message_set[{index}]"
        made = tree.add(node, "Record", None, where, id=record.get("record"))
        for name, value in record.items():
            if name != "record":
                tree.add(made, "Field", value, f"{where}.{name}", name=name)


def _line_node(tree: _Tree, parent: etree._Element, line: Line, path: str) -> None:
    node = tree.add(parent, "Line", number=str(line.line), quota="true" if line.quota else "false")
    if line.sku is not None:
        tree.add(node, "Sku", line.sku, f"{path}.sku")
    tree.add(node, "Description", line.description, f"{path}.description")
    tree.add(node, "Hts", line.hts)
    tree.add(node, "CountryOfOrigin", line.country_of_origin)
    tree.add(node, "Quantity", _plain(line.quantity), unit=line.unit)
    tree.add(node, "Value", _plain(line.value), currency="USD")
    if line.manufacturer is not None:
        _party(tree, node, "Manufacturer", line.manufacturer, f"{path}.manufacturer")
    if line.spi is not None:
        tree.add(node, "TradeProgram", line.spi)
    if line.ad_cvd_case is not None:
        tree.add(node, "AdCvdCase", line.ad_cvd_case)
    for index, claim in enumerate(line.pga):
        _claim_node(tree, node, claim, f"{path}.pga[{index}]")


def build_xml(
    shipment: Shipment, decision: PathwayDecision, trip: Trip, made_at: datetime, bill: Bill = "on_manifest"
) -> bytes:
    """``handoff.xml``. Raises :class:`FormatError` with shipment paths, or with XML paths if it is not valid."""
    tree = _Tree(version="1", made=made_at.astimezone(UTC).isoformat())
    _shipment_node(tree, shipment)
    _trip_node(tree, trip, bill)
    _decision_node(tree, decision)
    parties = tree.add(tree.root, "Parties")
    _party(tree, parties, "Seller", shipment.shipper, "shipper")
    _party(tree, parties, "Consignee", shipment.consignee, "consignee")
    if (importer := shipment.importer_of_record) is not None:
        tree.add(
            parties, "ImporterOfRecord", importer.name, "importer_of_record.name",
            number=importer.number, numberType=importer.number_type,
        )  # fmt: skip
    lines = tree.add(tree.root, "Lines")
    for index, line in enumerate(shipment.lines):
        _line_node(tree, lines, line, f"lines[{index}]")
    if tree.problems:
        raise FormatError(tree.problems)
    document = etree.tostring(tree.root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    problems = check_xml(document)
    if problems:
        raise FormatError(problems)
    return document


def shipment_json(shipment: Shipment) -> bytes:
    """The shipment in its published JSON shape, keys in their own order."""
    record: dict[str, Any] = shipment.model_dump(mode="json")
    return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _listed(title: str, rows: Iterable[str]) -> list[str]:
    listed = [f"  - {row}" for row in rows]
    return [title, *listed, ""] if listed else []


_WHERE: Final[Mapping[Bill, tuple[str, ...]]] = {
    "on_manifest": (
        "it arrives; a formal entry must be made for it. On the truck's manifest it stands as a regular bill under the",
        "shipment control number above: the entry must name that number, and must be on file before the truck arrives.",
    ),
    "deleted": (
        "it arrives; a formal entry must be made for it. The goods are not on this truck: their bill under the control",
        "number above is deleted from its manifest. They need a bill on the manifest of the truck that carries them;",
        "the entry must name that bill's control number, and must be on file before that truck arrives.",
    ),
    "never_on_file": (
        "it arrives; a formal entry must be made for it. The goods are not on this truck: CBP has no bill for them",
        "under the control number above. They need a bill on the manifest of the truck that carries them; the entry",
        "must name that bill's control number, and must be on file before that truck arrives.",
    ),
}


def _readme(shipment: Shipment, decision: PathwayDecision, trip: Trip, made_at: datetime, bill: Bill) -> bytes:
    importer = shipment.importer_of_record
    named = f"{importer.name} ({importer.number_type} {importer.number})" if importer else "not given: ask the seller"
    text = [
        f"Handoff of shipment {shipment.shipment_id} for a formal entry",
        "",
        f"Shipment control number  {shipment.scn or 'not assigned'}",
        f"Trip                     {trip.trip_number}, port {trip.port_of_arrival}",
        f"Expected                 {trip.arrival.isoformat()}",
        f"Entry type               {decision.entry_type}",
        f"Entered value            {amount(shipment.entered_value)} US dollars",
        f"Importer of record       {named}",
        f"Made                     {made_at.astimezone(UTC).isoformat()}",
        "",
        "This package is for a licensed customs broker. The shipment cannot be entered by a lower pathway on the day",
        *_WHERE[bill],
        "Nothing in this package has been sent to CBP as an entry.",
        "",
        *_listed("Why formal:", decision.reasons),
        *_listed("Rules that decided:", decision.rules),
        *_listed("Citations:", decision.citations),
        *_listed("Pathways refused:", (f"{one.pathway}: {one.text} ({one.rule})" for one in decision.refused)),
        *_listed("Still needed:", (f"{one.path or 'shipment'}: {one.text} {one.remedy}" for one in decision.needs)),
        *_listed("Warnings:", (f"{one.path or 'shipment'}: {one.text}" for one in decision.warnings)),
        f"Rule book                {decision.rule_book_version}",
        "",
        f"{XML:<16} every fact for programs (schema: schemas/xsd/handoff.xsd, namespace {NAMESPACE})",
        f"{INVOICE:<16} commercial invoice",
        f"{SHIPMENT:<16} the shipment record as given",
        f"{MANIFEST:<16} SHA-256 digests; check with: sha256sum --check {MANIFEST}",
        "",
    ]
    return "\n".join(text).encode("utf-8")


def build_package(
    shipment: Shipment, decision: PathwayDecision, trip: Trip, made_at: datetime, bill: Bill = "on_manifest"
) -> dict[str, bytes]:
    """The files of the package by name; ``made_at`` is an aware instant, ``trip`` has the arrival that was judged.

    ``bill`` says whether the shipment stands on the truck's manifest, or has come off it.

    Raises :class:`FormatError`: ``not_formal`` if the decision is another pathway, ``missing_scn`` if the shipment
    has no control number yet, ``invalid_character`` if a value cannot stand in XML.
    """
    problems = []
    if decision.pathway != "formal":
        problems.append(
            Problem(
                "not_formal",
                "pathway",
                f"The decision for this shipment is {decision.pathway}, not formal.",
                "Make a handoff for formal shipments only.",
            )
        )
    if not shipment.scn:
        problems.append(
            Problem(
                "missing_scn",
                "shipment_control_number",
                "The shipment has no control number; the broker's entry must name it.",
                "Assign it first.",
            )
        )
    if made_at.utcoffset() is None:
        problems.append(Problem("no_time_zone", "made_at", "The time has no offset.", "Give an aware time."))
    if problems:
        raise FormatError(problems)
    package = {
        XML: build_xml(shipment, decision, trip, made_at, bill),
        INVOICE: build_invoice(shipment, trip, made_at, aboard=bill == "on_manifest"),
        SHIPMENT: shipment_json(shipment),
        README: _readme(shipment, decision, trip, made_at, bill),
    }
    digests = [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in sorted(package.items())]
    package[MANIFEST] = ("\n".join(digests) + "\n").encode("ascii")
    return package


def zip_package(package: Mapping[str, bytes], made_at: datetime) -> bytes:
    """The package as one zip file: names sorted, ``made_at`` (UTC) as every file's time, same input same bytes."""
    moment = made_at.astimezone(UTC)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(package):
            if Path(name).name != name:
                raise ValueError(f"{name!r} is not a plain file name")
            entry = zipfile.ZipInfo(name, (max(moment.year, 1980), *moment.timetuple()[1:6]))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, package[name])
    return out.getvalue()
