"""What can be wrong with a cargo release transaction, under which code, and where does it stand written?

One row per edit: a name, CBP's condition code, its mark, the text of the SE90 (40 columns), and the reference. CBP's
list of condition codes was not found, only parts of it. Marks:

- ``known``: code and text were seen (input validation rules of 2014 and 2018, CSMS bulletins, certification runs);
- ``unsure``: the rule was seen, its number is deduced from the order of the list, or the pairing of a code of another
  list with SE90 is recalled. ``Behaviour.unconfirmed_codes`` false sends such an edit with its text alone;
- ``private``: the rule was seen, CBP's code was not: the number is of the sandbox's own range Z01 to Z99, so that
  nobody takes it for CBP's.

References begin with a short name of the document, written out by :func:`edit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOCUMENTS: Final = {
    "CR": "CATAIR Cargo Release v40 (2025-07-01)",
    "PGA": "CATAIR PGA Message Set rev 29 (2026-07-01)",
    "DICT": "ACE Error Dictionary v51 (2026-07-18)",
    "BB": "CATAIR Batch and Block Control rev 23 (2023-06-12)",
    "APPE": "CATAIR Appendix E, valid entry numbers (2018)",
    "R14": "Cargo Release input validation rules (2014-01-04)",
    "R18": "Cargo Release input validation rules (2018-10-22)",
    "CERT": "a certification run of August 2026, reported by a filer",
    "OWN": "the sandbox's own, version 1",
}
"""Short names of the documents in the references."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; ``text`` may hold ``{…}`` that the check fills in."""

    code: str
    mark: str
    text: str
    reference: str


_TABLE: Final = """
action-missing     | 001 | known | MISSING ACTION CODE | CR, SE10 5; code: R14
action-invalid     | 002 | known | INVALID ACTION CODE | CR, SE10 note 1; code: R14
filer-missing      | 003 | known | MISSING FILER CODE | CR, SE10 6-8; code: R14
filer-unknown      | 004 | known | FILER CODE NOT ON FILE | CR, SE10 6-8; code: R14
number-missing     | 005 | known | MISSING ENTRY NUMBER | CR, SE10 11-18; code: R14
number-invalid     | 006 | known | INVALID ENTRY NUMBER | APPE, check digit; code: R14
number-on-file     | 007 | known | ENTRY NUMBER ALREADY ON FILE | CR, transaction processing; code: R14
number-unknown     | 008 | known | ENTRY NUMBER NOT ON FILE | CR, SE10 note 1; code: R14
type-missing       | 009 | known | MISSING ENTRY TYPE | CR, SE10 20-21; code: R14
type-invalid       | 010 | known | INVALID ENTRY TYPE | CR, SE10 note 2; code: R14
importer-type-missing | 011 | known | MISSING IMPORTER OF RECORD TYPE | CR, SE10 note 3; code: R14
importer-type-invalid | 012 | known | INVALID IMPORTER OF RECORD TYPE | CR, SE10 note 3; code: R14
importer-missing   | 013 | known | MISSING IMPORTER OF RECORD | CR, SE10 note 4; code: R14
importer-unknown   | 014 | known | IMPORTER OF RECORD NOT ON FILE | CR, SE10 note 4; code: R14
mode-missing       | 015 | unsure | MISSING MODE OF TRANSPORTATION | CR, SE10 note 11; code: R14, by its order
mode-invalid       | 016 | unsure | INVALID MODE OF TRANSPORTATION | CR, SE10 note 5; code: R14, by its order
bond-holder        | 017 | unsure | MISSING BOND HOLDER | CR, SE10 note 6; code: R14, by its order
bond-inactive      | 018 | unsure | NO ACTIVE CONTINUOUS BOND | CR, rule 3; code: R14, by its order
bond-missing       | 019 | unsure | MISSING BOND TYPE | CR, SE10 note 6; code: R14, by its order
bond-invalid       | 020 | unsure | INVALID BOND TYPE | CR, SE10 note 6; code: R14, by its order
value-missing      | 021 | unsure | MISSING SHIPMENT VALUE | CR, SE10 40-49; code: R14, by its order
value-invalid      | 022 | known | INVALID SHIPMENT VALUE | CR, SE10 40-49; code: CERT
quantity-invalid   | 030 | known | INVALID BILL QUANTITY | CR, SE15 notes 1, 2 and 11; code: R18
unit-invalid       | 031 | unsure | INVALID BILL QUANTITY UNIT | CR, SE16 28-32; code: R18, by its order
buyer-missing      | 035 | known | MISSING BUYER | CR, SE30 note 1; code: CERT
consignee-missing  | 036 | unsure | MISSING CONSIGNEE | CR, SE30 note 1; code: R14, between 035 and 037
seller-missing     | 037 | known | MISSING SELLER | CR, SE30 note 1; code: CERT
manufacturer-missing | 038 | known | MISSING MANUFACTURER | CR, SE30 note 1; code: CERT
value-below-lines  | 119 | known | VALUE LESS THAN ALL LINE-ITEM VALUES | CSMS 63690754; CERT
contact-missing    | 208 | known | MISSING CONTACT INFO | CR, SE13; code: CERT
type-changed       | 210 | known | ENTRY TYPE CODE CHANGE IS NOT ALLOWED | CR, SE10 note 1; code: R18
data-class         | Z01 | private | INVALID DATA IN COLUMN {column} | CR, {record} and record layout key, class
data-missing       | Z02 | private | MISSING DATA IN COLUMN {column} | CR, {record} and record layout key, mandatory
syntax             | Z03 | private | {condition} | BB, X1 note 2; whether SE faults come as X1 or SE90 is not stated
date-unknown       | Z04 | private | NOT A DATE IN COLUMN {column} | CR, {record}
port-invalid       | Z05 | private | INVALID PORT CODE | CR, SE10 50-60
district-conflict  | Z06 | private | DISTRICT DIFFERS FROM BLOCK HEADER | BB, usage note c
facility-invalid   | Z07 | private | INVALID FIRMS CODE | CR, SE11 12-19 and 65-68
indicator-invalid  | Z08 | private | INVALID INDICATOR IN COLUMN {column} | CR, {record}
filing-unmodelled  | Z09 | private | ISF RECORDS ARE NOT MODELLED HERE | OWN, what the sandbox does not model
record-not-allowed | Z10 | private | RECORD NOT ALLOWED FOR ACTION CODE | CR, usage maps of D and U
filer-conflict     | Z11 | private | FILER DIFFERS FROM BLOCK HEADER | CR, SE10 6-8
reason-invalid     | Z12 | private | INVALID CANCELLATION REASON | CR, SE13 note 1
reason-reference   | Z13 | private | REFERENCE FOR REASON CODE MISSING | CR, SE13 note 1
port-missing       | Z14 | private | PLANNED PORT OF ENTRY MISSING | CR, SE10 note 7
documents-conflict | Z15 | private | DIS INDICATOR AND REFERENCE DISAGREE | CR, SE13 note 2
surety-missing     | Z16 | private | SURETY OR BOND AMOUNT MISSING | CR, SE10 note 6
value-above-limit  | Z17 | private | VALUE ABOVE {limit} FOR ENTRY TYPE {type} | CR, SE10 note 13
bill-missing       | Z18 | private | BILL OF LADING MISSING | CR, key data elements and SE15
bill-type          | Z19 | private | BILL TYPE NOT ALLOWED FOR MODE | CR, SE15 5 and notes 7 and 8
issuer-invalid     | Z20 | private | ISSUER CODE MISSING OR INVALID | CR, SE15 6-9
bill-number        | Z21 | private | INVALID BILL NUMBER | CR, SE15 10-59 and note 1
non-ams-invalid    | Z22 | private | NON-AMS INDICATOR INVALID | CR, SE15 note 5
conveyance-missing | Z23 | private | CONVEYANCE MISSING FOR NON-AMS BILL | CR, SE15 note 6
entity-twice       | Z24 | private | ENTITY GIVEN TWICE | CR, SE30 and SE50 note 1
entity-unknown     | Z25 | private | ENTITY CODE UNKNOWN | CR, SE30 and SE50 note 1
name-or-identifier | Z26 | private | NAME OR IDENTIFIER, NOT BOTH | CR, SE30 and SE50 note 2
identifier-not-allowed | Z27 | private | IDENTIFIER NOT ALLOWED FOR ENTITY | CR, SE30 and SE50 note 3
identifier-invalid | Z28 | private | INVALID ENTITY IDENTIFIER | CR, SE30 and SE50 note 3
address-invalid    | Z29 | private | ADDRESS OF ENTITY MISSING OR INVALID | CR, SE35, SE36, SE55, SE56
consignee-name     | Z30 | private | CONSIGNEE NAME ONLY ON TYPES 11 AND 86 | CR, SE30 and SE50 note 2
line-missing       | Z31 | private | LINE ITEM MISSING | CR, usage map of A and R
line-number        | Z32 | private | LINE NUMBERS NOT CONSECUTIVE | CR, SE40 5-7
origin-invalid     | Z33 | private | INVALID COUNTRY OF ORIGIN | CR, SE40 8-9
hts-invalid        | Z35 | private | INVALID HTS NUMBER | CR, SE60 5-14 and SE61
line-value-missing | Z36 | private | LINE VALUE MISSING | CR, SE60 note 3
arrival-invalid    | Z37 | private | INVALID ESTIMATED DATE OF ARRIVAL | CR, SE20 note 1, EDA
bills-on-86        | Z38 | private | ONE BILL ONLY ON ENTRY TYPE 86 | CR, SE15 note 12
consignee-on-86    | Z39 | private | CONSIGNEE ONCE AND AT HEADER ON TYPE 86 | CR, SE30 note 1
election-invalid   | Z40 | private | ENTRY DATE ELECTION NOT ALLOWED | CR, SE11 5
election-date      | Z41 | private | ELECTED ENTRY DATE MISSING OR INVALID | CR, SE11 note 1
zone-invalid       | Z42 | private | INVALID FTZ IDENTIFIER | CR, SE11 note 6
warehouse-conflict | Z43 | private | BONDED WAREHOUSE AND ENTRY TYPE DISAGREE | CR, SE11 note 2
origin-entry       | Z44 | private | ORIGINATING WAREHOUSE ENTRY INVALID | CR, SE11 note 3
delivery-invalid   | Z45 | private | IMMEDIATE DELIVERY NOT ALLOWED | CR, SE11 notes 8 and 9
split-invalid      | Z46 | private | INVALID SPLIT SHIPMENT RELEASE CODE | CR, SE10 note 8
unlading-missing   | Z47 | private | PORT OF UNLADING MISSING | CR, SE10 56-60
qualifier-unknown  | Z48 | private | REFERENCE QUALIFIER UNKNOWN | CR, SE20 note 1
reference-invalid  | Z49 | private | INVALID REFERENCE IDENTIFIER | CR, SE20 note 1
reference-unneeded | Z50 | private | REFERENCE DOES NOT GO WITH REASON CODE | CR, SE20 note 1, EN, IB and FTZ
cancelled          | Z51 | private | ENTRY IS CANCELLED | CR, transaction processing
replace-released   | Z52 | private | REPLACE NOT ALLOWED AFTER RELEASE | CR, SE10 note 1
update-late        | Z53 | private | UPDATE LATER THAN 15 DAYS AFTER RELEASE | CR, action U
in-bond-order      | Z54 | private | IN-BOND NUMBER WITHOUT ITS BILL | CR, SE15 note 1
house-order        | Z55 | private | MASTER AND HOUSE BILL NOT PAIRED | CR, SE15 note 1
issuer-unneeded    | Z56 | private | ISSUER CODE NOT ALLOWED | CR, SE15 6-9
quantity-twice     | Z57 | private | QUANTITY ON BILL AND ON CONVEYANCE | CR, SE15 note 2
zone-conveyance    | Z58 | private | CONVEYANCE NOT USED ON ENTRY TYPE 06 | CR, SE16, SE17 and SE11 note 7
zone-bill          | Z59 | private | BILL WITHOUT IN-BOND ON ENTRY TYPE 06 | CR, SE15 note 10
bills-exceeded     | Z60 | private | MORE THAN 999 BILLS | CR, usage map of U and output map
voyage-invalid     | Z61 | private | INVALID VOYAGE OR FLIGHT NUMBER | CR, SE16 9-13
carrier-invalid    | Z62 | private | INVALID CARRIER CODE | CR, SE16 5-8
pipeline-missing   | Z63 | private | CONVEYANCE NAME MISSING | CR, SE16 note 2
business-id-invalid | Z64 | private | GBI QUALIFIER UNKNOWN | CR, SE31 and SE51 note 1
address-qualifier  | Z65 | private | ADDRESS QUALIFIER UNKNOWN | CR, SE35 and SE55 note 1
address-pair       | Z66 | private | SECOND ADDRESS PART INCOMPLETE | CR, SE35 and SE55 42-78
address-unneeded   | Z67 | private | ADDRESS NOT USED WITH AN IDENTIFIER | CR, SE35, SE36, SE55, SE56
consignee-total    | Z68 | private | CONSIGNEE TOTAL ABOVE {limit} | CR, SE30 and SE50 note 2
consignee-at-limit | Z69 | private | CONSIGNEE TOTAL NOT BELOW {limit} | CR, SE30 note 2 against SE10 note 13
zone-status-missing | Z70 | private | FTZ STATUS MISSING | CR, SE41
zone-status-unneeded | Z71 | private | FTZ RECORD ONLY ON ENTRY TYPE 06 | CR, SE41 and SE61
zone-status        | Z72 | private | FTZ STATUS NOT ALLOWED | CR, SE41 note 1
zone-date          | Z73 | private | PRIVILEGED FILING DATE INVALID | CR, SE41 note 2
zone-quantity      | Z74 | private | FTZ QUANTITY MUST BE ABOVE ZERO | CR, SE41 12-19
zone-hts           | Z75 | private | CURRENT HTS ONLY WITH PRIVILEGED DATE | CR, SE61
hts-order          | Z76 | private | CHAPTER 99 NUMBERS COME FIRST | CR, SE60 note 2
hts-value          | Z77 | private | VALUE BELONGS ON THE COMMODITY NUMBER | CR, SE60 note 2
hts-pair           | Z78 | private | TYPE 23 NEEDS 9813 AND THE GOODS | CR, SE60 note 1
hts-commodity      | Z79 | private | COMMODITY HTS NUMBER MISSING | CR, SE60 note 2
description-missing | Z80 | private | INVOICE DESCRIPTION MISSING | CR, SE40 11-80; asked for by a switch
bond-required      | Z81 | private | BOND REQUIRED FOR ENTRY TYPE 11 | 19 CFR 113.62 (2026); asked for by a switch
bond-not-on-file   | Z82 | private | NO SINGLE TRANSACTION BOND ON FILE | CR, rule 3
documents-again    | Z84 | private | DIS REFERENCE USED BEFORE | CR, SE13 note 2
line-qualifier     | Z85 | private | ENTITY CODE NOT ALLOWED AT LINE LEVEL | CR, SE50 note 1
marker             | Z98 | private | REJECTED BY MARKER | OWN, magic markers
system-failure     | E90 | unsure | ACE SYSTEM FAILURE | CSMS 16-000935, its pairing with SE90 is recalled
pga-no-oi          | P01 | unsure | MISSING OI RECORD | DICT, P01; PGA, OI
pga-no-text        | P02 | unsure | MISSING OI PGA LINE ITEM DESCRIPTION | DICT, P02; PGA, OI 11-80
pga-no-agency-record | P03 | unsure | MISSING PG01 RECORD | DICT, P03; PGA, PG01
pga-no-line        | P04 | unsure | MISSING PGA LINE NUMBER | DICT, P04; PGA, PG01 5-7
pga-no-agency      | P05 | unsure | MISSING GOVERNMENT AGENCY CODE | DICT, P05; PGA, PG01 8-10
pga-no-program     | P06 | unsure | MISSING OR INVALID GOVT AGENCY PROG CODE | DICT, P06; PGA, PG01 11-13
pga-item-type      | P07 | unsure | INVALID ITEM TYPE | DICT, P07; PGA, PG02 5
pga-no-use         | P08 | unsure | MISSING INTENDED USE DESCRIPTION | DICT, P08; PGA, PG01 58-78
pga-no-source      | P10 | unsure | MISSING SOURCE TYPE CODE | DICT, P10; PGA, PG06 5-7
pga-no-role        | P12 | unsure | MISSING ENTITY ROLE CODE | DICT, P12; PGA, PG19 5-7
pga-no-affirmation | P14 | unsure | MISSING AFFIRMATION OF COMPLIANCE CODE | DICT, P14; PGA, PG23 5-9
pga-no-level       | P16 | unsure | MISSING PACKAGING QUALIFIER | DICT, P16; PGA, PG26 5
pga-level          | P17 | unsure | INVALID PACKAGING QUALIFIER | DICT, P17; PGA, PG26 5
pga-no-container   | P18 | unsure | MISSING CONTAINER NUMBER | DICT, P18; PGA, PG27 5-24
pga-no-inspection  | P19 | unsure | MISSING INSP/LAB TESTING STATUS CODE | DICT, P19; PGA, PG30 5
pga-no-vessel-type | P21 | unsure | MISSING CMDTY HARV VESSEL CHAR TYPE CODE | DICT, P21; PGA, PG31 5-7
pga-no-routing     | P23 | unsure | MISSING CMDTY ROUTING TYPE CODE | DICT, P23; PGA, PG32 5-7
pga-no-travel      | P25 | unsure | MISSING TRAVEL DOCUMENT TYPE CODE | DICT, P25; PGA, PG34 5-7
pga-no-processing  | P27 | unsure | MISSING PROCESSING DESCRIP WITH 017 | DICT, P27; PGA, PG06 51-80
pga-no-pg07        | P28 | unsure | MISSING PG07 RECORD | DICT, P28; PGA, PG08
pga-no-pg14        | P29 | unsure | MISSING PG14 RECORD | DICT, P29; PGA, PG13
pga-no-subunit     | P30 | unsure | MISSING CMDTY POL SUBUNIT ROUTING NAME | DICT, P30; PGA, PG32 22-76
pga-no-area        | P31 | unsure | MISSING CMDTY GEO AREA CODE OR NAME | DICT, P31; PGA, PG33
pga-in-group       | P32 | unsure | RECORDS NOT ALLOWED IN GROUP | DICT, P32; PGA, PG02 grouping contents
pga-no-pg19        | P33 | unsure | MISSING PG19 RECORD | DICT, P33; PGA, PG20
pga-relationship   | P34 | unsure | INVALID DATA RELATIONSHIP | DICT, P34; PGA, PG21
pga-grouping       | P35 | unsure | INVALID GROUPING | DICT, P35; PGA, PG50 and PG51
pga-no-vessel      | P39 | unsure | MISSING CMDTY HARV VESSEL CHARACTERISTIC | DICT, P39; PGA, PG31 8-42
pga-profile        | P40 | unsure | INVALID PGA PROFILE | DICT, P40; CATAIR Appendix V (2020-06-08)
pga-no-remark      | P41 | unsure | MISSING REMARKS CODE OR TEXT | DICT, P41; PGA, PG24
pga-second-oi      | P42 | unsure | MORE THAN ONE OI UNDER SINGLE HTS | DICT, P42; PGA, OI
pga-no-pg02        | P54 | unsure | MISSING PG02 RECORD | DICT, P54; PGA, PG02
pga-line-order     | Z90 | private | PGA LINE NUMBER OUT OF SEQUENCE | PGA, introduction and PG01 5-7
pga-disclaimer     | Z91 | private | DISCLAIMER CODE NOT ALLOWED | PGA, PG01 note 1
pga-substitution   | Z92 | private | PGA SUBSTITUTION NOT IN CARGO RELEASE | CR, usage map of A and R; PGA, PG00
"""


def _rows() -> dict[str, Row]:
    rows = {}
    for line in filter(None, _TABLE.splitlines()):
        name, code, mark, text, reference = (part.strip() for part in line.split("|"))
        rows[name] = Row(code, mark, text, reference)
    return rows


ROWS: Final = _rows()


@dataclass(frozen=True, slots=True)
class Edit:
    """One SE90 of record level: ``kind`` 11 the record is rejected, 13 it is accepted with a warning. ``reference``
    (guide, version and section) goes to the transcript and is never empty.
    """

    code: str
    text: str
    reference: str
    kind: str = "11"

    def __post_init__(self) -> None:
        if not self.reference:
            raise ValueError(f"the edit {self.code} {self.text} has no reference")


def edit(name: str, *, unconfirmed: bool = True, kind: str = "11", **values: object) -> Edit:
    """The edit of a row, its text filled in; ``unconfirmed`` false leaves a code out that is not sure."""
    row = ROWS[name]
    code = "" if row.mark == "unsure" and not unconfirmed else row.code
    return Edit(code, row.text.format(**values), _written_out(row.reference).format(**values), kind)


def _written_out(reference: str) -> str:
    parts = []
    for part in reference.split("; "):
        lead, code, rest = part.rpartition("code: ")
        name, comma, section = rest.partition(",")
        parts.append(lead + code + DOCUMENTS.get(name, name) + comma + section)
    return "; ".join(parts)
