"""Which shipments ask for a special outcome? Magic markers, like a payment provider's test cards.

A marker stands in the shipment control number after its four SCAC letters (anywhere), or as a whole word in the
consignee's name. The table is repeated in ``docs/sandbox.md`` and held to it by a test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MARKERS: Final = {
    "HOLD": "350 1H at arrival (SO 51), then 1I and 1C (SO 54, 98) after hold_seconds",
    "EXAM": "350 1A at arrival (SO 03), then 1B (SO 98) after exam_seconds",
    "DOCS": "entry: SO 96 instead of 97; at arrival 350 1H with a remark; goes on only when released by the"
    " control API",
    "REJ": "355 refuses the bill, SX refuses the entry, with the three characters after REJ as code (none:"
    " private code)",
    "DUP": "355 'SHIPMENT ALREADY ON FILE', SX 007: as if filed before",
    "SILENT": "the entry gets no SX and no SO, the bill no 350; in the trip number: no answer to the"
    " transmission at all",
    "LATE": "every status (SO, 350) of the shipment comes late_seconds later; in the trip number: the direct"
    " answers too",
    "REVOKE": "released, and after revoke_seconds the release is taken back: 350 4E, SO 99",
    "GARBLE": "the first answer (355, SX) arrives with damaged bytes, the intact one garble_seconds later",
    "NOENT": "at arrival 350 'entry not on file', as if the entry were lost; goes on only when released by the control"
    " API",
    "SYSFAIL": "the first time the bill or entry is filed CBP answers with a system failure and keeps nothing; filed"
    " again it is taken",
    "AGENCY": "entry: SO 90 with SO70 02 hold intact of the agency; SO70 07 may proceed and 97 after agency_seconds",
    "NOCHANGE": "a correction or cancellation request (SX 04) is refused: SO 86 or 87 with RSN and CMT",
    "TWICE": "every answer and status about it comes twice, the same bytes under another name; in the trip number: the"
    " direct answers and the 350s of its bills",
    "SHUFFLE": "its statuses (350, SO) are held back for shuffle_seconds at most, then come in the reverse of their"
    " order; in the trip number: the 350s of its bills",
}

_WORDS: Final = "|".join(r"REJ(?:[A-Z0-9]\d\d)?" if name == "REJ" else name for name in MARKERS)
_IN_NUMBER: Final = re.compile(_WORDS)
_IN_NAME: Final = re.compile(rf"\b(?:{_WORDS})\b")


@dataclass(frozen=True, slots=True)
class Marks:
    """The markers of one shipment: names from :data:`MARKERS`, and the code that follows ``REJ``."""

    names: frozenset[str] = frozenset()
    code: str = ""

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def as_text(self) -> str:
        """One line for the books; read back by :func:`from_text`."""
        return " ".join(sorted(n + self.code if n == "REJ" else n for n in self.names))


def read_marks(number_after_scac: str, *names: str) -> Marks:
    """Markers in a number (after its SCAC) and in names, both upper case."""
    found = _IN_NUMBER.findall(number_after_scac)
    for name in names:
        found += _IN_NAME.findall(name)
    return _marks(found)


def from_text(text: str) -> Marks:
    """Read back :meth:`Marks.as_text`."""
    return _marks(text.split())


def _marks(found: list[str]) -> Marks:
    code = next((f[3:] for f in found if f.startswith("REJ") and len(f) == 6), "")
    return Marks(frozenset("REJ" if f.startswith("REJ") else f for f in found), code)
