"""Do our record tables still say what CBP's guides say?

``python -m schemas.drift FOLDER`` reads every guide text in a folder, takes out each record layout as printed, and
lays it beside the tables of ``schemas.catair`` by column; so it does with the record usage maps, and with the workbook
of the error dictionary. Rules:

- The guides are read without a glance at our tables: the parser knows how CBP prints, not what it ought to find.
- What differs is said, unless ``accepted.toml`` holds the very same difference with a reason; an accepted difference
  that is no longer there is said too.
- Reading and comparing are functions of text; only ``__main__`` opens files.
- The names below are imported when they are asked for: what they stand on reads our tables, and ``__main__`` must be
  running by then to tell of a slip in one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from schemas.drift.accepted import Accepted, load_accepted, read_accepted
    from schemas.drift.check import check_texts
    from schemas.drift.compare import Difference, GuideReport, compare_guide, uncovered, weigh
    from schemas.drift.dictionary import Dictionary, compare_dictionary, read_dictionary
    from schemas.drift.guide_text import Line, body_lines, version_of
    from schemas.drift.guides import Guide, identify, load_guides
    from schemas.drift.layout_parser import PrintedField, PrintedRecord, parse_layouts
    from schemas.drift.reference_tables import parse_reference_tables
    from schemas.drift.report import Findings, as_document, as_lines
    from schemas.drift.usage_maps import compare_usage_map, parse_usage_map

_HOMES: Final = {
    "accepted": "Accepted load_accepted read_accepted",
    "check": "check_texts",
    "compare": "Difference GuideReport compare_guide uncovered weigh",
    "dictionary": "Dictionary compare_dictionary read_dictionary",
    "guide_text": "Line body_lines version_of",
    "guides": "Guide identify load_guides",
    "layout_parser": "PrintedField PrintedRecord parse_layouts",
    "reference_tables": "parse_reference_tables",
    "report": "Findings as_document as_lines",
    "usage_maps": "compare_usage_map parse_usage_map",
}


__all__ = [
    "Accepted",
    "Dictionary",
    "Difference",
    "Findings",
    "Guide",
    "GuideReport",
    "Line",
    "PrintedField",
    "PrintedRecord",
    "as_document",
    "as_lines",
    "body_lines",
    "check_texts",
    "compare_dictionary",
    "compare_guide",
    "compare_usage_map",
    "identify",
    "load_accepted",
    "load_guides",
    "parse_layouts",
    "parse_reference_tables",
    "parse_usage_map",
    "read_accepted",
    "read_dictionary",
    "uncovered",
    "version_of",
    "weigh",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module that holds it."""
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"schemas.drift.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
