"""By which document does the sandbox refuse? Guide, version and section of every rule of the truck side.

CBP's element pages were not readable; where a rule rests on something else the citation says so. Every refusal carries
one of these, or one made by :func:`element`.
"""

from __future__ import annotations

from typing import Final

GUIDES: Final = {
    "309": "CBP ACE Truck Manifest 309, December 2016 (X12 005020)",
    "358": "CBP ACE Truck Manifest 358 (X12 005020; edition not seen)",
    "353": "CBP ACE Truck Manifest 353, May 2018 (X12 006050)",
    "355": "CBP rail 355, v7010, February 2016",
    "350": "CBP ACE Truck Manifest 350, April 2018 (X12 004060)",
    "997": "X12 005020 997",
}
ONE_OF_EACH: Final = "CBP ACE Truck Manifest 309, December 2016, special messaging constraints: one ISA, GS and ST"
APPENDIX_L: Final = "CAMIR V1.4 Appendix L, Truck Manifest Error Codes, November 2011"
APPENDIX_H: Final = "CAMIR Appendix H, error codes, edition not kept"
CUSRES: Final = "CBP truck CUSRES guide v1.6, April 2009, acceptance and rejection"
CHARACTERS: Final = "CSMS 12-000403 and 12-000407, data characters"
SUSPENSION_NOTICE: Final = "CSMS 64792502, error 470"
IN_BOND_NOTICE: Final = "CSMS 18-000366, in-bond changes of August 2018"
ONE_HOUR: Final = "19 CFR 123.92(b); 68 FR 68140"
ADVANCE_DATA: Final = "19 CFR 123.92(d), data elements; 68 FR 68140"
VIN_RULE: Final = "49 CFR 565.15, check digit"
BUREAU_STATES: Final = "service bureau help (edition not dated), order of ACE truck transactions"
BUREAU_TEXTS: Final = "service bureau help (edition not dated), ACE rejection messages"
BUREAU_PERSONS: Final = "service bureau data list (edition not dated), crew and travel documents"
BUREAU_CODES: Final = "service bureau code lists (edition not dated), packaging and equipment"
BUREAU_SHIPMENTS: Final = "service bureau help (edition not dated), shipment types and control numbers"
SANDBOX: Final = "sandbox/truck, docs/sandbox.md: an assumption of the sandbox, switch or marker"


def appendix(code: str) -> str:
    """Where an error code of the truck manifest is listed."""
    listed_in_l = {"001", "002", "003", "004", "005", "009", "017", "020", "021", "032", "033", "401", "402"}
    return f"{APPENDIX_L if code in listed_in_l else APPENDIX_H}, error {code}"


def element(set_id: str, place: str) -> str:
    """A rule about a segment or element, by the set's guide and its base release."""
    return f"{GUIDES[set_id]}, {place}"


def note(code: str) -> str:
    """A TA1 note code."""
    if code == "022":
        return f"X12 TA1, TA105 022; {ONE_OF_EACH}"
    return f"X12 003050 TA1, TA105 {code}"
