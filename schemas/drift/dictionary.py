"""Do our lists of conditions still say what the ACE error dictionary says?

The dictionary is a workbook: one sheet of changes, the newest revision first, and one of conditions under the heads
Condition Code and Narrative Text. Rules:

- The workbook is known by those heads, never by its name.
- All our lists that cite the dictionary are compared with it as one: a number may stand in several of them.
- Code and text must agree. Set aside are letter case and typographic marks (CBP sends capitals and plain marks, the
  workbook was typed by hand), runs of blanks, and the zeros in front of a number, which a number in a cell has not.
- A row printed as ``<eliminated>`` has no text any more: ours must be retired. A retired code of ours may be missing in
  the print.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from schemas.catair.codes import CodeList
from schemas.drift.compare import Difference, GuideReport
from schemas.drift.guides import Guide

DICTIONARY = Guide(
    key="error-dictionary", title="ACE Error Dictionary", says="", cites="CBP ACE Error Dictionary v", prefixes=()
)
HEADS = ("Condition Code", "Narrative Text")
"""How the sheet of conditions begins; by this the workbook is known."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml")
_COLUMN = re.compile(r"[A-Z]+")
_WIDEST_MEMBER = 32 * 1024 * 1024
_ELIMINATED = "<ELIMINATED>"
_CODE_WIDTH = 3
_MARKS = str.maketrans({"’": "'", "‘": "'", "–": "-", "—": "-", "“": '"', "”": '"'})


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """One row of the dictionary and the row of the sheet it stands in."""

    code: str
    text: str
    row: int


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The dictionary as printed."""

    version: str
    codes: tuple[PrintedCode, ...]


def _member(archive: zipfile.ZipFile, name: str) -> etree._Element:
    if archive.getinfo(name).file_size > _WIDEST_MEMBER:
        raise ValueError(f"{name} is larger than {_WIDEST_MEMBER} bytes")
    return etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True))


def _text(element: etree._Element) -> str:
    return " ".join("".join(one.text or "" for one in element.iter(f"{_MAIN}t")).split())


def _rows(sheet: etree._Element, shared: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number and its cells by column letter."""
    for row in sheet.iter(f"{_MAIN}row"):
        cells: dict[str, str] = {}
        for cell in row.iter(f"{_MAIN}c"):
            column = _COLUMN.match(cell.get("r", ""))
            value = cell.findtext(f"{_MAIN}v") or ""
            if cell.get("t") == "s" and value.isdigit() and int(value) < len(shared):
                value = shared[int(value)]
            elif cell.get("t") == "inlineStr":
                value = _text(cell)
            if column and value:
                cells[column.group()] = " ".join(value.split())
        number = row.get("r", "0")
        yield int(number) if number.isdigit() else 0, cells


def _sheets(data: bytes) -> list[list[tuple[int, dict[str, str]]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            shared: list[str] = []
            if "xl/sharedStrings.xml" in names:
                shared = [_text(one) for one in _member(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]
            return [list(_rows(_member(archive, name), shared)) for name in sorted(names) if _SHEET.fullmatch(name)]
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        etree.XMLSyntaxError,
    ) as error:
        raise ValueError(f"not a workbook that can be read: {error}") from error


def read_dictionary(data: bytes) -> Dictionary | None:
    """The dictionary in a workbook, None where the workbook holds something else; ValueError for a broken one."""
    version = ""
    codes: list[PrintedCode] = []
    for sheet in _sheets(data):
        head = [value.casefold() for value in sheet[0][1].values()] if sheet else []
        if head[:2] == [one.casefold() for one in HEADS]:
            codes += [
                PrintedCode(cells["A"], cells.get("B", ""), number) for number, cells in sheet[1:] if "A" in cells
            ]
        elif head[:1] == ["revision number"] and len(sheet) > 1:
            version = sheet[1][1].get("A", "")
    return Dictionary(version, tuple(codes)) if codes else None


def _said(text: str) -> str:
    return " ".join(text.translate(_MARKS).upper().split())


def compare_dictionary(printed: Dictionary, lists: Mapping[str, CodeList]) -> GuideReport:
    """Compare the dictionary with every list that cites it."""
    ours: dict[str, set[str]] = {}
    editions: set[str] = set()
    for one in lists.values():
        for code in one.codes.values():
            cited = re.match(r"\d+", code.source.removeprefix(DICTIONARY.cites))
            if code.source.startswith(DICTIONARY.cites) and cited:
                retired = code.valid_to is not None
                ours.setdefault(code.code, set()).update({_said(code.text), *([_ELIMINATED] if retired else [])})
                editions.add(cited.group())
    theirs: dict[str, set[str]] = {}
    differences: list[Difference] = []
    for row in printed.codes:
        code_ = row.code.zfill(_CODE_WIDTH)
        text = _said(row.text)
        theirs.setdefault(code_, set()).add(text)
        if text not in ours.get(code_, ()):
            held = " / ".join(sorted(ours.get(code_, ())))
            differences.append(Difference(DICTIONARY.key, "text" if held else "code", code_, text, held, 0, row.row))
    for name, texts in ours.items():
        if name not in theirs and _ELIMINATED not in texts:
            differences += [Difference(DICTIONARY.key, "code", name, "", text) for text in sorted(texts)]
    for edition in sorted(editions - {printed.version}):
        differences.append(Difference(DICTIONARY.key, "version", "edition", printed.version, edition))
    return GuideReport(DICTIONARY, printed.version, 0, 0, tuple(differences), frozenset(), len(printed.codes))
