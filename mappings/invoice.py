"""Which page can a person read? The commercial invoice of one shipment, as PDF.

Rules:

- the facts are those that an invoice for entry states (19 CFR 141.86 as far as the shipment record has
  them): seller, consignee, importer, each line with description, tariff number, origin, quantity and value,
  totals, weight, shipment control number and trip; what the record does not have is said to be missing;
- same input, same bytes: no clock, no random identifiers (reportlab's invariant mode);
- the type face is one that every reader of PDF brings along (Helvetica), so a page is two kilobytes; where it lacks a
  sign, the page carries the face that comes with the PDF library; a sign that this one lacks too is shown in Latin
  letters and the page says so. The value as given stands in ``shipment.json``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from anyascii import anyascii
from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from schemas.identifiers import land_ports
from schemas.shipment import Party, Shipment
from schemas.trip import Trip

_RULE: Final = colors.HexColor("#444444")
_SHADE: Final = colors.HexColor("#eeeeee")
rl_config.useA85 = 0  # pages are octets, not letters
_SIZE: Final = 8.0
_LEADING: Final = 10.0
_PADDING: Final = 6.0
"""Points on either side of a cell's text: what a table of the PDF library leaves by itself."""
_TITLES: Final = ("No", "Description", "HTS number", "Origin", "Quantity", "Unit price", "Value")
_COLUMNS: Final = tuple(width * mm for width in (9, 66, 25, 14, 26, 24, 24))


@dataclass(frozen=True, slots=True)
class _Face:
    """A type face by its names in the PDF library, and the code points that it can show."""

    plain: str
    bold: str
    signs: frozenset[int]


@cache
def _common() -> _Face:
    """The face of every reader: Latin letters of western Europe, ``WinAnsiEncoding`` (PDF 32000-1, annex D)."""
    shown = {ord(sign) for sign in bytes(range(0x20, 0x100)).decode("cp1252", "ignore")} - {0x7F, 0xA0, 0xAD}
    return _Face("Helvetica", "Helvetica-Bold", frozenset(shown))


@cache
def _carried() -> _Face:
    """The face that the page has to bring itself; registered once."""
    fonts = [TTFont(name, f"{name}.ttf") for name in ("Vera", "VeraBd")]
    for font in fonts:
        pdfmetrics.registerFont(font)
    return _Face("Vera", "VeraBd", frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in fonts)))


class _Page:
    """Text made ready for the page; remembers whether a sign had to be written in Latin letters."""

    def __init__(self, face: _Face) -> None:
        self.face = face
        self.replaced = False

    def legible(self, text: str) -> str:
        """``text`` with every sign that the face lacks written in Latin letters."""
        if all(ord(sign) in self.face.signs for sign in text):
            return text
        self.replaced = True
        return "".join(sign if ord(sign) in self.face.signs else anyascii(sign) or "?" for sign in text)

    def cell(self, lines: str | Iterable[str], width: float, *, bold: bool = False) -> str:
        """The lines of a table's cell, each broken where it is wider than its column."""
        font = self.face.bold if bold else self.face.plain
        rows = [lines] if isinstance(lines, str) else lines
        return "\n".join(part for row in rows for part in _broken(self.legible(row), font, width - 2 * _PADDING))

    def paragraph(self, text: str, size: float = _SIZE, **style: Any) -> Paragraph:
        """Running text outside the tables."""
        font = self.face.bold if style.pop("bold", False) else self.face.plain
        return Paragraph(escape(self.legible(text)), ParagraphStyle(font, fontName=font, fontSize=size, **style))

    def table(self, cells: Sequence[Sequence[str]], widths: tuple[float, ...], *styles: Any, **layout: Any) -> Table:
        """A table whose first row is its shaded head."""
        table = Table(cells, colWidths=widths, **layout)
        plain, bold = (self.face.plain, _SIZE, _LEADING), (self.face.bold, _SIZE, _LEADING)
        common = [
            ("FONT", (0, 0), (-1, -1), *plain),
            ("FONT", (0, 0), (-1, 0), *bold),
            ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
        table.setStyle(TableStyle([*common, *styles]))
        return table


def _broken(text: str, font: str, width: float) -> Iterator[str]:
    """``text`` in lines of at most ``width`` points, at its spaces; within a word that is wider than that alone."""
    for line in simpleSplit(text, font, _SIZE, width):
        rest = line
        while len(rest) > 1 and stringWidth(rest, font, _SIZE) > width:
            fits = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or stringWidth(rest[:n], font, _SIZE) <= width)
            yield rest[:fits]
            rest = rest[fits:]
        yield rest


def amount(value: Decimal) -> str:
    """Dollars and cents, with more decimals only where the value has them: ``45`` → ``45.00``."""
    fitted = value.normalize()
    exponent = fitted.as_tuple().exponent
    return f"{value:,.2f}" if isinstance(exponent, int) and exponent >= -2 else f"{fitted:,f}"


def _address(party: Party) -> list[str]:
    address = party.address
    place = " ".join(part for part in (address.city, address.region, address.postal_code) if part)
    return [party.name, *address.lines, place, address.country]


def _boxed(page: _Page, titles: tuple[str, ...], columns: Iterable[Sequence[str]]) -> Table:
    """Columns of equal width over the whole page, each under its title."""
    width = sum(_COLUMNS) / len(titles)
    cells = [
        [page.cell(title, width, bold=True) for title in titles],
        [page.cell(lines, width) for lines in columns],
    ]
    lines = (("BOX", (0, 0), (-1, -1), 0.5, _RULE), ("INNERGRID", (0, 0), (-1, -1), 0.25, _RULE))
    return page.table(cells, (width,) * len(titles), *lines)


def _head(page: _Page, shipment: Shipment, trip: Trip, made_at: datetime, aboard: bool) -> list[Any]:
    importer = shipment.importer_of_record
    named = (
        [importer.name, f"{importer.number_type} {importer.number}"]
        if importer
        else ["not given in the shipment record"]
    )
    port = land_ports().get(trip.port_of_arrival)
    arrival = trip.arrival.astimezone(ZoneInfo(port.timezone)) if port else trip.arrival
    parties = _boxed(
        page,
        ("Seller and shipper", "Sold to (consignee)", "Importer of record"),
        (_address(shipment.shipper), _address(shipment.consignee), named),
    )
    carriage = [
        f"Trip {trip.trip_number}" + ("" if aboard else ": not on this truck"),
        f"Port of arrival {trip.port_of_arrival}" + (f" {port.name}" if port else ""),
        f"Expected {arrival:%Y-%m-%d %H:%M %Z}",
        f"Received at {shipment.place_of_receipt}",
    ]
    facts = _boxed(
        page,
        ("Shipment", "Carriage", "Packing"),
        (
            [
                f"Shipment control number {shipment.scn or 'not assigned'}",
                f"Shipment {shipment.shipment_id}",
                f"Order {shipment.order_id}",
            ],
            carriage,
            [
                f"{shipment.packages.count} {shipment.packages.unit}",
                f"Gross weight {shipment.gross_weight.value} {shipment.gross_weight.unit}",
            ],
        ),
    )
    made = f"Made {made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC from the shipper's record. All amounts in US dollars."
    gap = Spacer(1, 3 * mm)
    title = page.paragraph("COMMERCIAL INVOICE", 15, bold=True, leading=19, spaceAfter=4)
    return [title, page.paragraph(made, leading=_LEADING), gap, parties, gap, facts, gap]


def _goods(page: _Page, shipment: Shipment) -> Table:
    rows: list[list[str]] = [[page.cell(word, width, bold=True) for word, width in zip(_TITLES, _COLUMNS, strict=True)]]

    def add(*values: str | list[str]) -> None:
        rows.append([page.cell(value, width) for value, width in zip(values, _COLUMNS, strict=True)])

    for line in shipment.lines:
        words = [line.description]
        if line.sku:
            words.append(f"Stock number {line.sku}")
        if line.manufacturer is not None:
            words.append("Made by " + ", ".join(_address(line.manufacturer)))
        if line.ad_cvd_case:
            words.append(f"AD/CVD case {line.ad_cvd_case}")
        each = amount((line.value / line.quantity).quantize(Decimal("0.0001")))
        quantity = f"{line.quantity} {line.unit}"
        add(str(line.line), words, line.hts, line.country_of_origin, quantity, each, amount(line.value))
    total = len(rows)
    add("", "Total entered value", "", "", "", "", amount(shipment.entered_value))
    if shipment.fair_retail_value is not None:
        stated = "Fair retail value stated by the seller"
        add("", stated, "", "", "", "", amount(shipment.fair_retail_value))
    return page.table(
        rows,
        _COLUMNS,
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, _RULE),
        ("ALIGN", (4, 1), (-1, -1), "RIGHT"),
        ("FONT", (0, total), (-1, total), page.face.bold, _SIZE, _LEADING),
        ("FONT", (4, total), (-1, total), page.face.plain, _SIZE, _LEADING),
        repeatRows=1,
    )


def build_invoice(shipment: Shipment, trip: Trip, made_at: datetime, *, aboard: bool = True) -> bytes:
    """The invoice as PDF; ``made_at`` is an aware instant and the only time in it."""
    page, story = _laid_out(_Page(_common()), shipment, trip, made_at, aboard)
    if page.replaced:
        page, story = _laid_out(_Page(_carried()), shipment, trip, made_at, aboard)
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
        canvas.setFont(page.face.plain, 7)
        canvas.drawString(14 * mm, 9 * mm, page.legible(f"Invoice {shipment.shipment_id}"))
        canvas.drawRightString(letter[0] - 14 * mm, 9 * mm, f"Page {doc.page}")

    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


def _laid_out(
    page: _Page, shipment: Shipment, trip: Trip, made_at: datetime, aboard: bool
) -> tuple[_Page, list[Flowable]]:
    """Everything on the page, in the face of ``page``."""
    story = [*_head(page, shipment, trip, made_at, aboard), _goods(page, shipment), Spacer(1, 4 * mm)]
    closing = ["Terms of sale, freight, insurance, rebates and the date of sale are not in the shipment record."]
    if page.replaced:
        closing.append(
            "Some signs cannot be shown here and are written in Latin letters; shipment.json has them as given."
        )
    story.extend(page.paragraph(line, 7, leading=9, textColor=_RULE) for line in closing)
    return page, story
