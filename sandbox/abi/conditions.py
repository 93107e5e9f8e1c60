"""Why is a whole batch rejected, and which of the reasons are told?

CBP CATAIR Batch and Block Control rev 23, X1 record and usage notes a to c: a fault of the batch's own records is told
alone, since no block is looked at then; a fault of a block is told without looking at any transaction; only then come
the faults of transactions. The conditions a file alone can show are here; those that need CBP's profiles of senders
and preparers (X18, X20, X27 to X31, X43) are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

GUIDE: Final = "CATAIR Batch and Block Control rev 23 (2023-06-12)"

CONDITIONS: Final = {
    "X03": "BLOCK CONTROL MISSING - B-RECORD",
    "X04": "TRANSACTION DETAIL MISSING",
    "X05": "BLOCK CONTROL MISSING - Y-RECORD",
    "X06": "BATCH CONTROL MISSING - Z-RECORD",
    "X07": "SENDER/RECEIVER SITE CODE MISSING",
    "X08": "SENDER/RECEIVER ID CODE MISSING",
    "X09": "SENDER/RECEIVER NOT AUTHORIZED",
    "X10": "TRANSMISSION DATE UNKNOWN",
    "X11": "APPLICATION ID CODE MISSING",
    "X12": "NOT A KNOWN ACE APPLICATION ID CODE",
    "X13": "APPLICATION NOT CURRENTLY AVAILABLE",
    "X14": "Z-REC DOES NOT MATCH A-REC",
    "X15": "PROCESSING PORT CODE MISSING",
    "X16": "PROCESSING FILER CODE MISSING",
    "X17": "PROCESSING FILER NOT AUTHORIZED",
    "X19": "BLOCK APP ID / BATCH APP ID CONFLICT",
    "X21": "PREPARER INDICATOR UNKNOWN",
    "X22": "PREPARER/PREPARER IND CONFLICT",
    "X23": "PREPARER CODES NOT ALLOWED FOR APP ID",
    "X24": "PREPARER PORT CODE MISSING",
    "X25": "PREPARER FILER CODE MISSING",
    "X26": "PREPARER AND PRSSNG FILER NOT THE SAME",
    "X32": "Y-REC DOES NOT MATCH B-REC",
    "X33": "TRANSACTION HDR CONTROL MISSING",
    "X34": "UNKNOWN RECORD ID FOUND IN GROUPING",
    "X35": "OUT OF SEQUENCE RECORD FOUND IN GROUPING",
    "X36": "LOOP EXCEEDED",
    "X37": "MISSING DATA RECORD FOUND IN GROUPING",
    "X38": "NON-CONTIGUOUS ITEM FOUND IN GROUPING",
    "X39": "DATA FOUND IN FILLER",
    "X40": "NON-STANDARD DATA FOUND",
    "X41": "MULTIPLE QUERIES IN BATCH NOT ALLOWED",
    "X42": "LAST RECORD LESS THAN 80-CHAR LENGTH",
    "999": "BATCH REJECTED",
}
"""X1 condition codes and texts used here (Batch and Block Control rev 23, X1 note 2)."""

MOST_NOTED: Final = 100
"""Conditions kept of one batch; what is wrong after them would not be read by anybody."""

_NOTES: Final = {0: "usage note a", 1: "usage note b", 2: "usage note c"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to reject a batch. ``block`` and ``transaction`` count from 1, 0 = not at that level; ``record`` is
    the position in the batch, ``column`` the place in it (0: the whole record).
    """

    code: str
    block: int = 0
    transaction: int = 0
    record: int = 0
    column: int = 0

    @property
    def text(self) -> str:
        """CBP's text of the code."""
        return CONDITIONS[self.code]

    @property
    def level(self) -> int:
        """0 the batch, 1 a block, 2 a transaction."""
        return 2 if self.transaction else 1 if self.block else 0

    @property
    def place(self) -> str:
        """Where it is, for people."""
        if self.transaction:
            return f"record {self.record}" + (f" column {self.column}" if self.column else "")
        return f"block {self.block}" if self.block else "batch"

    @property
    def reference(self) -> str:
        """Guide, version and section."""
        return f"{GUIDE}, X1 note 2 and {_NOTES[self.level]}"


def outermost(conditions: Iterable[Condition]) -> list[Condition]:
    """The conditions CBP tells: those of the outermost level that has any."""
    listed = list(conditions)
    level = min((one.level for one in listed), default=0)
    return [one for one in listed if one.level == level]
