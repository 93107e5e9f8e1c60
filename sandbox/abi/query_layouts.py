"""Where does each field of a status query stand, and what makes a query batch?

CBP CATAIR Cargo/Manifest/In-bond/Entry Status Query v21 (2025-09-09), record WR1 (input), read on the sandbox's own
account. Its error appendix has filler and characters (X39, X40) as errors of a single query, so they do not reject the
batch.
"""

from __future__ import annotations

from typing import Final

from sandbox.abi.columns import layouts
from sandbox.abi.grammar import Grammar, followers

GUIDE: Final = "Status Query v21"
OUTPUT_LIMIT: Final = 99_999
"""Output records of a block, as many as a Y record can count; a query that would give more fails (CSMS 42072893)."""

LAYOUTS: Final = layouts(
    {
        "WR1": "8-10 AN C filer|11-19 AN C entry|20-31 AN C in_bond|32-35 AN C issuer|36-47 AN C bill"
        "|48-58 AN C air_waybill|59-70 AN O house|71-71 AN O related|72-72 AN O with_bills|73-73 AN O limit",
    }
)

QUERY: Final = Grammar(
    application="CQ",
    guide=GUIDE,
    head="WR1",
    layouts=LAYOUTS,
    followers=followers({"WR1": "WR1"}),
    name_of=lambda line: line[:3] if line[:2] == "WR" else line[:1],
    max_transactions=OUTPUT_LIMIT,
    rejects_bad_columns=False,
    preparers=False,
)
