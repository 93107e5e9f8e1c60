"""Which page can a person read? The commercial invoice of one shipment, as PDF.

Rules:

- the facts are those that an invoice for entry states (19 CFR 141.86 as far as the shipment record has
  them): seller, consignee, importer, each line with description, tariff number, origin, quantity and value,
  totals, weight, shipment control number and trip; what the record does not have is said to be missing;
- same input, same bytes: no clock, no random identifiers (reportlab's invariant mode);
- the type face is the one that comes with the PDF library; a sign it does not have is shown in Latin letters
  and the page says so. The value as given stands in ``shipment.json``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from anyascii import anyascii
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from schemas.identifiers import land_ports
from schemas.shipment import Party, Shipment
from schemas.trip import Trip

_FONT: Final = "Vera"
_BOLD: Final = "VeraBd"
_RULE: Final = colors.HexColor("#444444")
_SHADE: Final = colors.HexColor("#eeeeee")
_COLUMNS: Final = tuple(width * mm for width in (9, 66, 25, 14, 26, 24, 24))


@cache
def _signs() -> frozenset[int]:
    """Register the faces once; the code points that both can show."""
    shown: frozenset[int] | None = None
    for name in (_FONT, _BOLD):
        font = TTFont(name, f"{name}.ttf")
        pdfmetrics.registerFont(font)
        points = frozenset(font.face.charToGlyph)
        shown = points if shown is None else shown & points
    return shown or frozenset()


class _Page:
    """Text made ready for the page; remembers whether a sign had to be written in Latin letters."""

    def __init__(self) -> None:
        self._shown = _signs()
        self.replaced = False
        self._styles = {
            "plain": ParagraphStyle("plain", fontName=_FONT, fontSize=8, leading=10),
            "right": ParagraphStyle("right", fontName=_FONT, fontSize=8, leading=10, alignment=2),
            "bold": ParagraphStyle("bold", fontName=_BOLD, fontSize=8, leading=10),
            "title": ParagraphStyle("title", fontName=_BOLD, fontSize=15, leading=19, spaceAfter=4),
            "small": ParagraphStyle("small", fontName=_FONT, fontSize=7, leading=9, textColor=_RULE),
        }

    def legible(self, text: str) -> str:
        """``text`` with every sign that the face lacks written in Latin letters."""
        if all(ord(sign) in self._shown for sign in text):
            return text
        self.replaced = True
        return "".join(sign if ord(sign) in self._shown else anyascii(sign) or "?" for sign in text)

    def say(self, lines: str | Iterable[str], style: str = "plain") -> Any:
        """A paragraph; several lines stand below each other."""
        rows = [lines] if isinstance(lines, str) else lines
        return Paragraph("<br/>".join(escape(self.legible(row)) for row in rows), self._styles[style])


def amount(value: Decimal) -> str:
    """Dollars and cents, with more decimals only where the value has them: ``45`` → ``45.00``."""
    fitted = value.normalize()
    exponent = fitted.as_tuple().exponent
    return f"{value:,.2f}" if isinstance(exponent, int) and exponent >= -2 else f"{fitted:,f}"


def _address(party: Party) -> list[str]:
    address = party.address
    place = " ".join(part for part in (address.city, address.region, address.postal_code) if part)
    return [party.name, *address.lines, place, address.country]


def _boxed(cells: list[list[Any]], widths: tuple[float, ...]) -> Any:
    table = Table(cells, colWidths=widths)
    table.setStyle(
        TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.5, _RULE),
                ("INNERGRID", (0, 0), (-1, -1), 0.25, _RULE),
                ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table


def _head(page: _Page, shipment: Shipment, trip: Trip, made_at: datetime, aboard: bool) -> list[Any]:
    importer = shipment.importer_of_record
    named = (
        [importer.name, f"{importer.number_type} {importer.number}"]
        if importer
        else ["not given in the shipment record"]
    )
    port = land_ports().get(trip.port_of_arrival)
    arrival = trip.arrival.astimezone(ZoneInfo(port.timezone)) if port else trip.arrival
    third = sum(_COLUMNS) / 3
    parties = _boxed(
        [
            [page.say(word, "bold") for word in ("Seller and shipper", "Sold to (consignee)", "Importer of record")],
            [page.say(_address(shipment.shipper)), page.say(_address(shipment.consignee)), page.say(named)],
        ],
        (third, third, third),
    )
    facts = _boxed(
        [
            [page.say(word, "bold") for word in ("Shipment", "Carriage", "Packing")],
            [
                page.say(
                    [
                        f"Shipment control number {shipment.scn or 'not assigned'}",
                        f"Shipment {shipment.shipment_id}",
                        f"Order {shipment.order_id}",
                    ]
                ),
                page.say(
                    [
                        f"Trip {trip.trip_number}" + ("" if aboard else ": not on this truck"),
                        f"Port of arrival {trip.port_of_arrival}" + (f" {port.name}" if port else ""),
                        f"Expected {arrival:%Y-%m-%d %H:%M %Z}",
                        f"Received at {shipment.place_of_receipt}",
                    ]
                ),
                page.say(
                    [
                        f"{shipment.packages.count} {shipment.packages.unit}",
                        f"Gross weight {shipment.gross_weight.value} {shipment.gross_weight.unit}",
                    ]
                ),
            ],
        ],
        (third, third, third),
    )
    return [
        page.say("COMMERCIAL INVOICE", "title"),
        page.say(
            f"Made {made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC from the shipper's record. All amounts in US dollars."
        ),
        Spacer(1, 3 * mm),
        parties,
        Spacer(1, 3 * mm),
        facts,
        Spacer(1, 3 * mm),
    ]


def _goods(page: _Page, shipment: Shipment) -> Any:
    titles = ("No", "Description", "HTS number", "Origin", "Quantity", "Unit price", "Value")
    rows: list[list[Any]] = [[page.say(word, "bold") for word in titles]]
    for line in shipment.lines:
        words = [line.description]
        if line.sku:
            words.append(f"Stock number {line.sku}")
        if line.manufacturer is not None:
            words.append("Made by " + ", ".join(_address(line.manufacturer)))
        if line.ad_cvd_case:
            words.append(f"AD/CVD case {line.ad_cvd_case}")
        rows.append(
            [
                page.say(str(line.line)),
                page.say(words),
                page.say(line.hts),
                page.say(line.country_of_origin),
                page.say(f"{line.quantity} {line.unit}", "right"),
                page.say(amount((line.value / line.quantity).quantize(Decimal("0.0001"))), "right"),
                page.say(amount(line.value), "right"),
            ]
        )
    rows.append(
        ["", page.say("Total entered value", "bold"), "", "", "", "", page.say(amount(shipment.entered_value), "right")]
    )
    if shipment.fair_retail_value is not None:
        fair = page.say(amount(shipment.fair_retail_value), "right")
        rows.append(["", page.say("Fair retail value stated by the seller"), "", "", "", "", fair])
    table = Table(rows, colWidths=_COLUMNS, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.25, _RULE),
                ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table


def build_invoice(shipment: Shipment, trip: Trip, made_at: datetime, *, aboard: bool = True) -> bytes:
    """The invoice as PDF; ``made_at`` is an aware instant and the only time in it."""
    page = _Page()
    story = [*_head(page, shipment, trip, made_at, aboard), _goods(page, shipment), Spacer(1, 4 * mm)]
    closing = ["Terms of sale, freight, insurance, rebates and the date of sale are not in the shipment record."]
    if page.replaced:
        closing.append(
            "Some signs cannot be shown here and are written in Latin letters; shipment.json has them as given."
        )
    story.append(page.say(closing, "small"))
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=letter,
        leftMargin=14 * mm,
        rightMargin=14 * mm,
        topMargin=14 * mm,
        bottomMargin=16 * mm,
        title=f"Commercial invoice {shipment.shipment_id}",
        author=page.legible(shipment.shipper.name),
        invariant=1,
    )

    def footer(canvas: Any, doc: Any) -> None:
        canvas.setFont(_FONT, 7)
        canvas.drawString(14 * mm, 9 * mm, page.legible(f"Invoice {shipment.shipment_id}"))
        canvas.drawRightString(letter[0] - 14 * mm, 9 * mm, f"Page {doc.page}")

    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()
