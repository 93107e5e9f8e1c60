"""Which codes does a status of an entry carry, and in CBP's words? Bills (SO50), the entry (SO60), agencies (SO70) and
the reasons of a refused request (SO20 RSN).

SO50, SO60, RSN: CBP CATAIR Cargo/Manifest/In-bond/Entry Status Query v21 (WO50 note 1, WO60 note 1, WO20 note 2); 29,
30, 33, 34 of SO60 from Status Notification SO rev 36, through a public transcription. Agency statuses and their
reasons: an older copy of the query chapter; CBP has since moved them to its list of PGA Status Notification Codes,
which was not found (unsure whether the list still reads so).
"""

from __future__ import annotations

from typing import Final

BILL_CODES: Final = {
    "91": "NO BILL MATCH",
    "93": "BILL ON FILE",
    "95": "BILL ARRIVED",
    "51": "MANIFEST HOLD CBP",
    "54": "CBP MANIFEST HOLD REMOVED",
    "58": "QTY IS MORE THAN MANIFESTED BILL QTY",
    "59": "INBOND DOES NOT MATCH OR NOT ON FILE",
    "61": "BILL DELETED",
    "62": "BILL DELETED AFTER ARRIVAL",
}
ENTRY_CODES: Final = {
    "01": "ONEUSG",
    "03": "PENDING INTENSIVE EXAM",
    "22": "RELEASE DATE UPDATE",
    "23": "ENTRY CANCELLED",
    "25": "ENTRY WILL BE CANCELLED IN 7 DAYS",
    "26": "NO BILL MATCH AFTER 30 DAYS",
    "28": "NO BILLMATCH AFTER 60 DAYS",
    "29": "NOT RELEASED",
    "30": "DE MINIMIS MAY BE MET USE ALT ENTRY TYPE",
    "33": "ET86 INELIGIBLE COUNTRY; CANNOT RELEASE",
    "34": "ENTRY RELEASE WITHHELD - DE MINIMIS MET",
    "84": "DOC REQUIRED FOR CORRECTION REQUEST",
    "85": "DOC REQUIRED FOR CANCELLATION REQUEST",
    "86": "CORRECTION REQUEST REJECTED",
    "87": "CANCELLATION REQUEST REJECTED",
    "88": "ENTRY REPLACED",
    "89": "ENTRY SUMMARY PORT DISCREPANCY",
    "90": "UNDER CBP REVIEW",
    "96": "DOCUMENT REQUIRED",
    "97": "ADMISSIBLE",
    "98": "RELEASED",
    "99": "RELEASE SUSPENDED",
}
POSITIONS: Final = frozenset({"03", "23", "29", "33", "34", "90", "96", "97", "98", "99"})
"""Dispositions that say where an entry stands: a later one takes the place of an earlier one (recalled)."""

AGENCY_CODES: Final = {
    "01": "DATA UNDER PGA REVIEW",
    "02": "HOLD INTACT",
    "07": "MAY PROCEED",
}
AGENCY_REASONS: Final = {"02": "11", "07": "22"}
"""Reason that goes with a status: 11 HOLD INTACT, 22 MAY PROCEED."""

REFUSALS: Final = {
    "01": "PROVIDED REPLACEMENT ENTRY IS IN CANCELLED STATUS",
    "02": "PROVIDED REPLACEMENT ENTRY IS IN OPEN STATUS",
    "03": "PROVIDED REPLACEMENT IN-BOND IS IN DELETED STATUS",
    "04": "REQUESTED DOCUMENT IS NOT IN DIS",
    "09": "ORIGINAL ENTRY IS ON HOLD",
    "10": "ORIGINAL ENTRY IS ON HOLD",
    "11": "ORIGINAL ENTRY IS ON PGA HOLD",
    "12": "ORIGINAL ENTRY IS ON PGA HOLD",
    "13": "OTHER (SEE COMMENTS)",
    "14": "REPLACEMENT ENTRY HAS NOT THE SAME BILL",
    "15": "REPLACEMENT IN-BOND HAS NOT THE SAME BILL",
    "16": "PROVIDED REPLACEMENT ENTRY IS NOT ON FILE",
    "17": "PROVIDED REPLACEMENT FTZ ADM IS NOT ON FILE",
}
"""Reasons (RSN) to refuse a request, shortened to what fits into a comment (CMT)."""
