"""What can be wrong with an entry summary, under which condition code, and where does it stand written?

Codes and texts: ACE Error Dictionary v51 (2026-07-18), which is the list of E1. One row per code that the sandbox
gives: code, text, and the place of the rule in CATAIR Entry Summary Create/Update rev 109 (July 2026). Codes that
begin with Z (but ZZZ) are the sandbox's own: Z90 to Z95 refuse what it does not model, and the numbers that go with
ENTRY SUMMARY DELETED and TRANSACTION DATA REJECTED are in no document (``Behaviour.summary_deleted_code``,
``summary_rejected_code``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DICTIONARY: Final = "ACE Error Dictionary v51 (2026-07-18)"
GUIDE: Final = "CATAIR Entry Summary Create/Update rev 109 (July 2026)"
OWN: Final = "the sandbox's own, version 1, what it does not model"

_TABLE: Final = """
100 | IMPORTER NBR MISSING                     | 11, importer of record
101 | IMPORTER UNKNOWN                         | usage note f, importer of record
102 | IMPORTER NBR UNKNOWN FORMAT              | usage note f, importer of record
103 | IMPORTER NBR INELIGIBLE                  | usage note f, importer of record
105 | ULT CONSIGNEE NBR UNKNOWN FORMAT         | usage note f, consignee
107 | CONSIGNEE NBR INELIGIBLE                 | usage note f, consignee
109 | ENTRY PORT REQ'S A KNOWN CONSIGNEE       | usage note f, consignee
111 | IMPORTER INACTIVE                        | usage note f, importer of record
112 | BOND TYPE CODE MUST BE 8 OR 9            | 31, bond type code
113 | NO CONTINUOUS BOND FOUND FOR IMPORTER    | usage note i, continuous bond claim
119 | BOND DETAIL MISSING - ENTRY TYPE         | usage notes e and i
120 | BOND DETAIL NOT ALLOWED - BOND WAIVED    | usage note i, bond waiver claim
122 | BOND WAIVER IND MUST BE 0                | 10, bond waiver indicator
123 | BOND AMOUNT CONTAINS NON-NUMERICS        | usage note i, single transaction bond claim
125 | EST ENTRY DATE NOT A KNOWN DATE          | 11, estimated entry date
126 | STB ACCOUNT NOT ALLOWED FOR BOND TYPE    | usage note i, continuous bond claim
128 | IMPORT DATE IS NOT A KNOWN DATE          | 11, date of importation
129 | LIVE ENTRY IND MUST BE Y                 | 10, live entry indicator
130 | BND WAIVER REASON NOT ALLOWED-NOT WAIVED | usage note i, bond waiver claim
131 | SHIPMENT USAGE CODE MUST BE P OR X       | 10, shipment usage type code
132 | STATE OF DESTINATION MISSING             | usage note e
133 | STATE OF DESTINATION UNKNOWN             | 11, note 2
134 | DEF TAX IND MUST BE 1 OR 2               | 10, deferred tax payment code
135 | TAX MAY NOT BE DEFERRED - ENTRY TYPE     | usage note e
136 | FTZ IDENTIFIER NOT ALLOWED FOR ENT TYPE  | usage note e
137 | SURETY CODE MISSING                      | usage note i
138 | SURETY CODE UNKNOWN                      | usage note i
139 | BOND WAIVER CODE MISSING                 | usage note i, bond waiver claim
140 | BOND WAIVER REASON CODE UNKNOWN          | AE table 4
141 | BOND WAIVER NOT ALLOWED -ENT TYPE        | usage notes e and i
145 | REPORTED SURETY/BOND SURETY MISMATCH     | usage note i, continuous bond claim
151 | MISSING DOCUMENT CODE UNKNOWN            | AE table 7
152 | MISSING DOCUMENT DUPLICATE ENCOUNTERED   | 33
153 | 1ST MISSING DOCUMENT CODE CANNOT BE 99   | 33
154 | CONTINUOUS BOND REQ FOR RECONCILIATION   | usage note aa
155 | RECONCILIATION ISSUE UNKNOWN             | 10, reconciliation issue code
157 | NAFTA RECON IND MUST BE Y                | 10, trade agreement reconciliation indicator
159 | NAFTA RECON NOT ALLOWED - ENTRY TYPE     | usage note e
160 | OTHER RECON NOT ALLOWED - ENTRY TYPE     | usage note e
163 | WHRSE WITHDRWL INFO NOT ALLOWED          | usage note e
164 | MOT CODE MISSING                         | usage note e
165 | MOT CODE UNKNOWN                         | AE table 3
166 | UNLADING D/P UNKNOWN                     | usage note g
167 | UNLADING D/P REQUIRED FOR MOT            | usage note g
171 | EST ARRIVAL DATE NOT KNOWN DATE          | 20, estimated date of arrival
172 | FIRMS CODE UNKNOWN                       | usage note g
176 | CARRIER CODE MISSING                     | usage note g
178 | CARRIER CODE UNKNOWN FORMAT              | usage note g
180 | VESSEL CODE NOT ALLOWED FOR MOT          | usage note g
181 | CONVEYANCE NAME MISSING                  | usage note g
182 | BND WAIVER REASON NOT ALLOWED-ENT TYPE   | usage note i, bond waiver claim
183 | MANIFEST DETAIL REQUIRED FOR MOT         | usage note g
184 | MANIFEST DETAIL NOT ALLOWED W/O MOT      | usage note g
185 | BOL/IN-BOND NUMBER(S) MISSING            | 22 and 23
186 | MNFST COMPONENT TYP MUST BE I, H, M, OR S | 23, manifest component type code
187 | MFST COMPONENTS OUT OF SEQ OR DUP        | 23, note 1
189 | IN-BND/TRN DATE NOT A KNOWN DATE         | 20, in-bond/in-transit date
190 | IMPORT DATE CANNOT BE > IN-BND/TRN DATE  | 20, in-bond/in-transit date
191 | IN-BND/TRN DT CANNOT BE > EST ENTRY DT   | 20, in-bond/in-transit date
192 | IN-BND/TRN DT CANNOT BE > 2 YRS IN PAST  | 20, in-bond/in-transit date
193 | MULTIPLE CONTINUOUS BONDS NOT ALLOWED    | usage note i
196 | DSGNTD EXAM SITE NOT ALLOWED-NOT RLF     | 20, designated exam port
197 | PAYMENT TYPE CODE UNKNOWN                | usage note y
199 | PRELIM STMT DATE NOT ALLOWED             | usage note y
200 | PERIODIC STMT MONTH NOT ALLOWED          | usage note y
202 | PRELIM STMT DATE MISSING                 | usage note y
203 | PRELIM STMT DATE NOT A KNOWN DATE        | usage note y
204 | PRELIM STMT DATE IS SAT, SUN, OR HOL     | usage note y
205 | PRELIM STMT DATE MUST BE IN FUTURE       | usage note y
206 | PRELIM STMT DATE > 90 DAYS IN FUTURE     | usage note y
208 | PERIODIC STMT REQUIRES CONTINUOUS BOND   | usage note y
211 | PERIODIC STMT MONTH MISSING              | usage note y
212 | PERIODIC STATEMENT MONTH UNKNOWN         | usage note y
213 | PERIODIC STMT MONTH TOO FAR INTO FUTURE  | usage note y
214 | STB AMOUNT NOT ALLOWED FOR BOND TYPE     | usage note i, continuous bond claim
217 | PYMT INFO NOT ALLWD - POST PYMNT CORRCTN | usage note y, rejected entry summary
218 | ESTIMATED ENTRY DT CANNOT BE > STMT DT   | 11, estimated entry date
220 | ELEC INVOICE INDICATOR MUST BE Y         | 10, electronic invoice indicator
228 | CONSOLIDATED SUMM IND MUST BE Y          | 10, consolidated summary indicator
229 | CNSLDTN NOT ALLWD - ENTRY TYPE           | usage notes e and z
233 | RELEASE DETAIL NOT ALLOWED               | usage note z
240 | BOND AMOUNT CANNOT BE $0                 | usage note i, single transaction bond claim
248 | ACCT CLASS CODE MISSING                  | 34, 62 and 89
249 | ACCT CLASS CODE UNKNOWN                  | AE table 6
250 | ACCT CLASS CODE NOT ALLOWED              | AE table 6
252 | USER FEE AMOUNT MISSING                  | 34 and 62
253 | USER FEE AMOUNT CONTAINS NON-NUMERICS    | 34 and 62
254 | DUPLICATE ACCOUNT CLASS ENCOUNTERED      | 34, 62 and 89
255 | CONSIGNEE NBR MISSING                    | usage note e
258 | MANIFEST QTY MUST BE > ZERO              | usage note h
259 | MANIFEST QTY MISSING                     | usage note h
260 | MANIFEST QTY UOM MISSING                 | usage note h
261 | IN-BND/TRN DT REQ'D WITH IN-BND/TRN NBR  | usage note g
262 | IN-BND/TRN DT NOT ALLOWED W/O IN-BND NBRS | usage note g
263 | PAYMENT TYPE CODE MISSING                | usage note y
264 | MANIFEST QTY CONTAINS NON-NUMERICS       | 22, manifested quantity
265 | BOND AMOUNT MISSING                      | usage note i, single transaction bond claim
266 | BOND DESIGNATION MUST BE A OR B          | 31, bond designation type code
267 | CONTINUOUS BOND MUST BE FOR BASIC USE    | usage note i
268 | STB MUST BE DESIGNATED ADDITIONAL        | usage note i
269 | BASIC BOND MISSING                       | usage note i
277 | PSC FILING EXPLANATION NOT ALLOWED       | usage note gg
284 | HEADER PSC REASONS NOT ALLOWED           | usage note gg
292 | CARGO RELEASE CERT IND UNKNOWN           | 10, cargo release certification request indicator
317 | PGA DATA INCLD IND UNKNOWN               | 10, PGA data included indicator
319 | PGA DATA INCLD IND/ENTRY TYPE CONFLICT   | 10, PGA data included indicator
322 | MNFST CMPNT ID CANNOT CONTAIN SPEC CHAR  | 23, manifest component identifier
400 | LINE ITEM(S) MISSING                     | line item grouping
402 | LINE ITEM IDENTIFIER MISSING             | 40, note 1
403 | ARTICLE SET IND MUST BE X OR V           | 40, article set indicator
407 | COUNTRY OF ORIGIN MISSING                | usage note d
408 | COUNTRY OF ORIGIN UNKNOWN                | 40, country of origin code
410 | COUNTRY OF EXPORT MISSING                | usage note e
411 | COUNTRY OF EXPORT UNKNOWN                | 40, country of export code
412 | COUNTRY OF EXPORT CANNOT BE US           | 40, country of export code
414 | CANADIAN PROV REQ'D AS ORIGIN FOR TYPE   | AE table 5
415 | RELATED PARTY IND MUST BE Y OR N         | 40, note 3
416 | TRADE AGREE/SPEC PGM CLAIM CD UNKNOWN    | AE table 8
417 | PRODUCT CLAIM CD UNKNOWN                 | 40, product claim code
418 | EXPORT DATE MISSING                      | usage note e
419 | EXPORT DATE NOT A KNOWN DATE             | 40, date of exportation
421 | GROSS SHP WGT CONTAINS NON-NUMERICS      | 40, gross shipping weight
422 | FTA NED COST IND MUST BE Y               | 40, NAFTA net cost indicator
423 | FEE EXEMPTION CODE MUST BE 1 OR 2        | 40, fee exemption code
424 | CHARGES CONTAINS NON-NUMERICS            | 40, charges amount
426 | EXPORT DATE CANNOT BE > IMPORT DATE      | 40, date of exportation
428 | FOREIGN PORT UNKNOWN                     | 40, foreign port of lading code
429 | FOREIGN PORT REQ'D FOR MOT               | usage note g
430 | TEXTILE EXPORT DATE NOT A KNOWN DATE     | 40, date of exportation for textiles
431 | TARIFF/VALUE/QUANTITY DETAIL MISSING     | tariff grouping
432 | HTS NBR MISSING                          | usage note d
433 | HTS NBR UNKNOWN                          | 50, HTS number
436 | DUPLICATE HTS NUMBER ENCOUNTERED         | tariff grouping
437 | VALUE CONTAINS NON-NUMERICS              | 50, value of goods amount
438 | DUTY CONTAINS NON-NUMERICS               | 50, duty amount
439 | QUANTITY/UOM(S) MISSING                  | usage note d
440 | QUANTITY CONTAINS NON-NUMERICS           | 50, quantity
450 | FOREIGN EXPORTER UNKNOWN                 | usage note f, foreign exporter
463 | NON-REIMBURSE STM NOT ALLOWED - ENT TYP  | usage note e
464 | COMM DESC TEXT MISSING                   | 44
466 | AD/CVD CASE NOT ALLOWED FOR ENT TYPE     | usage notes e and ff
475 | NON-REIMBURSE STMNT MUST BE SPACE OR Y   | 40, non-reimbursement statement
477 | IR TAX CONTAINS NON-NUMERICS             | 60
481 | HMF NOT ALLOWED FOR ENTRY TYPE           | usage note o
482 | HMF NOT ALLOWED FOR MOT                  | usage note o
483 | MFGR CODE MISSING-REQ'D FOR ENTRY TYPE   | usage note e
499 | FOREIGN EXPORTER MISSING - REQUIRED FOR TYPE | usage notes e and ff
511 | BOND/CASH CLAIM MUST BE B OR C           | 53, bond/cash claim code
518 | DUPLICATE LINE IDENTIFIER ENCOUNTERED    | 40, note 1
519 | ARTICLE PARTY TYPE UNKNOWN               | 47, article party type code
520 | DUPLICATE PARTY TYPE ENCOUNTERED         | 47, article party type code
521 | ARTICLE PARTY IDENTIFIER MISSING         | 47, article party identifier
522 | ULT CONSIGNEE NBR NOT ALLOWED W/O HDR    | 47 and 11
523 | MFG CODE UNKNOWN                         | usage note f, manufacturer/supplier
525 | ADDTNL DECLARATION TYPE CODE MISSING     | 54
526 | ADDTNL DECLARATION TYPE CODE UNKNOWN     | 54
531 | IR TAX ACCT CLASS CODE MISSING           | 60
532 | IR TAX ACCT CLASS CODE UNKNOWN           | AE table 13
535 | MFGR CODE PREFIX MUST BE CANADIAN PROV   | usage note f, manufacturer/supplier
536 | CASE DEPOSIT RATE CONTAINS NON-NUMERICS  | 53, note 2
537 | AD/CVD VALUE CONTAINS NON-NUMERICS       | 53, note 3
538 | AD/CVD QTY CONTAINS NON-NUMERICS         | 53, note 4
539 | AD/CVD DUTY CONTAINS NON-NUMERICS        | 53, note 5
540 | RATE QUALIFIER MUST BE A OR S            | 53, case rate type qualifier code
541 | AD/CVD QTY NOT ALLOWED FOR AD VALOREM    | usage note ff
542 | AD/CVD VALUE NOT ALLOWED FOR SPECIFIC    | usage note ff
543 | CASE NUMBER MISSING                      | 53, case number
544 | CASE NBR MUST BEGIN WITH A OR C          | 53, case number
545 | DUPLICATE CASE TYPE ENCOUNTERED          | 53
575 | AD/CVD QTY MISSING - RQRD FOR SPECIFIC   | usage note ff
576 | ESTIMATE DUTY/CALC'D DUTY MISMATCH       | usage note ff
577 | SOLD TO PARTY MISSING -REQ'D FOR TYPE    | usage note e
578 | SOLD TO PARTY UNKNOWN                    | usage note f, sold to party
580 | LINE PSC REASONS NOT ALLOWED             | usage note gg
588 | DELIVERED TO PARTY UNKNOWN               | usage note f, delivered to party
590 | NOTIFY PARTY UNKNOWN FORMAT              | usage note f, designated notify party
591 | NOTIFY PARTY UNKNOWN                     | usage note f, designated notify party
594 | DELIVERED TO PARTY UNKNOWN FORMAT        | usage note f, delivered to party
596 | SOLD TO PARTY UNKNOWN FORMAT             | usage note f, sold to party
600 | MOT REQUIRES HMF                         | usage note o
601 | ESTIMATED HMF/CALC'D HMF MISMATCH        | usage note o
602 | HMF NOT ALLOWED - DE MINIMUS             | usage note o
604 | HTS NOT ALLOWED FOR ENTRY TYPE           | AE table 9
630 | FORMAL MPF NOT ALLOWED - INFRML SUMMARY  | usage note n
633 | FORMAL MPF REQUIRED - ARTICLE NOT EXEMPT | usage notes m and n
634 | EST MPF/CALC'D MPF MISMATCH - LINE       | usage note n
636 | INFRML MPF REQUIRED-SUMMARY NOT EXEMPT   | usage notes m and q
635 | INFRML MPF NOT ALLOWED-SUMMARY EXEMPT    | usage note q
637 | INFRML MPF NOT ALLOWED-FORMAL SUMMARY    | usage note q
638 | INFRML MPF FIXED AMOUNT INCORRECT        | usage note q
639 | FORMAL MPF MINIMUM AMOUNT REQUIRED       | usage note w
640 | FORMAL MPF MAXIMUM AMOUNT REQUIRED       | usage note w
641 | EST MPF/CALC'D MPF MISMATCH - TOTAL      | usage note w
646 | ARTCL VALUE EXCEEDS INFRML LIMIT FOR HTS | error dictionary, 646
648 | TOTAL VALUE EXCEEDS INFRML LIMIT         | error dictionary, 648
664 | CHARGES AMOUNT REQUIRED                  | usage note v
678 | FTZ STATUS CODE NOT ALLOWED FOR ENT TYPE | usage note e
700 | ENTRY SUMMARY TOTALS MISSING             | usage note c
701 | GRAND TOTALS MISSING                     | usage note c
706 | AT LEAST ONE LINE REQUIRES AD/CVD CASE   | usage note ff
712 | FEE TOTAL DETAIL NOT ALLOWED             | fee total grouping
714 | TOTAL FEE AMOUNT CONTAINS NON-NUMERICS   | 89
715 | FEE TOT MISSING FOR HDR FEE              | fee total grouping
716 | FEE TOT MISSING FOR LINE FEE             | fee total grouping
717 | FEE TOT NOT FOUND ON HDR/LINE FEE        | fee total grouping
719 | TOTAL HMF FEE NOT = SUM OF LINE EST FEE  | 89
720 | TOT OTH FEE NOT = SUM OF EST OTH FEE     | 89
721 | GRAND TOTAL DUTY CONTAINS NON-NUMERICS   | 90
722 | GRAND TOTAL DUTY NOT = SUM OF EST DUTY   | usage note x
723 | GRAND IR TAX TOTALS CONTAINS NON-NUMERICS | 90
724 | GRAND TOT IR TAX NOT = SUM OF EST IR TAX | usage note x
725 | GRAND TOTAL FEE CONTAINS NON-NUMERICS    | 90
726 | GRAND TOTAL FEE NOT = SUM OF EST FEE     | usage note x
727 | ADD/CVD DUTY TOTALS NOT ALLOWED          | usage notes e and ff
728 | GRAND ADD DUTY TOT CONTAINS NON-NUMERICS | 90
729 | GRAND CVD DUTY TOT CONTAINS NON-NUMERICS | 90
730 | TOT MAIL FEE NOT = HDR MAIL FEE          | 89
731 | TOT INFORMAL FEE NOT = HDR INFORMAL FEE  | 89
732 | TOT MPF SURCHRGE NOT = HDR MPF SURCHRGE  | 89
734 | ACCT CLASS CODE UNKNOWN FOR TOT          | AE table 6
735 | AD/CVD DUTY TOTALS MISSING               | usage notes e and ff
736 | TOT BONDED AD DUTY CONTAINS NON-NUMERICS | 88
737 | TOTAL BONDED AD NOT=SUM OF CASE EST      | 88
738 | TOT CASH AD DUTY CONTAINS NON-NUMERICS   | 88
739 | TOTAL CASH AD NOT = SUM OF CASE EST      | 88
740 | TOT BONDED CV DUTY CONTAINS NON-NUMERICS | 88
741 | TOTAL BONDED CV NOT=SUM OF CASE EST      | 88
742 | TOT CASH CV DUTY CONTAINS NON-NUMERICS   | 88
743 | TOTAL CASH CV NOT = SUM OF CASE EST      | 88
744 | GRAND TOT AD DUTY NOT ALLOWED            | usage note x
745 | GRAND TOTAL AD NOT = SUM OF EST AD       | usage note x
746 | GRAND TOT CV DUTY NOT ALLOWED            | usage note x
747 | GRAND TOTAL CV NOT = SUM OF EST CV       | usage note x
751 | KNOWN IMPORTER IND MUST BE Y             | 10, known importer indicator
752 | NO STB FOUND FOR FILER/ENTRY NUMBER      | usage note i, single transaction bond claim
756 | STB AMOUNTS DO NOT MATCH                 | usage note i, single transaction bond claim
757 | NO STB FOUND FOR IMPORTER                | usage note i, single transaction bond claim
763 | OTH REV ACCT CLASS CODE MISSING          | 61
764 | OTH REV ACCT CLASS CODE UNKNOWN          | AE table 17
766 | OTH REV CONTAINS NON-NUMERICS            | 61
767 | GRAND OTH REV TOT CONTAINS NON-NUMERICS  | 90
768 | GRAND TOT OTH REV NOT = SUM OF EST OTH   | usage note x
822 | ASTERISK("*") NOT ALLOWED IN LINE ITM ID | 40, note 1
852 | HTS OUT OF SEQUENCE                      | usage note ii
A00 | ENTRY SUMMARY HDR CONTROL MISSING        | response usage note a
A02 | UNKNOWN RECORD ID FOUND IN GROUPING      | response usage note a
A03 | RECORD: XXXX STARTING POSITION: NN       | response usage note a
A04 | OUT OF SEQUENCE RECORD FOUND IN GROUPING | response usage note a
A05 | LOOP EXCEEDED-CARGO MANIFEST DETAILS     | transaction input structure map
A06 | LOOP EXCEEDED-BOL/IN-BOND DETAILS        | transaction input structure map
A07 | LOOP EXCEEDED-RELEASE DETAILS            | transaction input structure map
A08 | LOOP EXCEEDED-LINE ITEMS                 | transaction input structure map
A09 | LOOP EXCEEDED-INVOICE REFERENCE DETAILS  | line grouping input structure map
A10 | LOOP EXCEEDED-COMMERCIAL DESCRIPTIONS    | line grouping input structure map
A11 | LOOP EXCEEDED-TARIFF/VALUE/QTY DETAILS   | line grouping input structure map
A17 | LOOP EXCEEDED-LIC/CERTIF/PERMIT DETAILS  | line grouping input structure map
A18 | LOOP EXCEEDED-ADD/CVD CASE DETAILS       | line grouping input structure map
A19 | LOOP EXCEEDED-LINE USER FEE DETAILS      | line grouping input structure map
A20 | LOOP EXCEEDED-FEE TOTAL DETAILS          | transaction input structure map
A22 | NON-CONTIGUOUS ITEM FOUND IN GROUPING    | response usage note a
A23 | LOOP EXCEEDED- ARTICLE PARTIES           | line grouping input structure map
A24 | LOOP EXCEEDED                            | response usage note a
A25 | LOOP EXCEEDED-IMP ADDTNL DEC DETAILS     | line grouping input structure map
B01 | ACTION REQUEST CODE MISSING              | usage note b
B02 | ACTION REQUEST CODE UNKNOWN              | 10, summary filing action request code
B03 | DISTRICT/PORT OF ENTRY MISSING           | usage note b
B04 | DISTRICT/PORT OF ENTRY UNKNOWN           | 10, district/port of entry
B05 | ENTRY FILER MISSING                      | usage note b
B06 | ENTRY FILER UNKNOWN                      | 10, entry filer code
B10 | ENTRY DIST NOT = PROCESSING DIST         | 10, district/port of entry
B14 | ENTRY NUMBER MISSING                     | usage note b
B15 | ENTRY NUMBER MUST BE NUMERIC             | 10, entry number
B16 | ENTRY NUMBER CHECK DIGIT MISMATCH        | AE table 1
B17 | ENTRY TYPE CODE MISSING                  | usage note b
B18 | ENTRY TYPE CODE UNKNOWN                  | AE table 2
B22 | ENTRY SUMMARY TO ENTRY PORT MISMATCH     | error dictionary, B22
B24 | EXTRANEOUS DATA NOT ALLOWED - DELETE     | usage note b and 10, note 2
B25 | ENTRY SUMMARY NOT FOUND FOR DELETE       | usage note a
B29 | ENTRY SUMMARY UNDER CBP CONTROL          | usage note a
B31 | ENTRY SUMMARY HAS BEEN CANCELLED         | error dictionary, B31
B32 | ENTRY SUMMARY FILED IN ANOTHER PORT      | error dictionary, B32
B35 | RE-ADD REQUIRES BROKER REF NBR TO MATCH  | usage note a
B39 | ELECTRONIC SIGNATURE MISSING             | usage note c
B40 | ELECTRONIC SIGNATURE MUST BE X           | 10, electronic signature
B53 | ENTRY FLR NOT = PROCESSING FLR           | 10, entry filer code
B67 | ES TYPE - CARGO RELEASE CONFLICT         | error dictionary, B67
X39 | DATA FOUND IN FILLER                     | input structure map submission notes
X40 | NON-STANDARD DATA FOUND                  | input structure map submission notes
ZZZ | ** ACE SYSTEM FAILURE **                 | response usage note d
995 | SUMMARY HAS BEEN ADDED                   | response usage note c
996 | SUMMARY HAS BEEN REPLACED                | response usage note c
999 | BATCH REJECTED                           | response usage note a
Z88 | MISSING DATA IN COLUMN {column}          | input record layouts, mandatory
Z89 | INVALID DATA IN COLUMN {column}          | record layout key, class
Z90 | CERTIFICATION FROM SUMMARY NOT MODELLED  | -
Z91 | ENTRY TYPE NOT MODELLED HERE             | -
Z92 | POST SUMMARY CORRECTION NOT MODELLED     | -
Z93 | CONSOLIDATION NOT MODELLED               | -
Z94 | CARGO RELEASE DATA NOT MODELLED HERE     | -
Z95 | ARTICLE SETS AND EIP NOT MODELLED        | -
Z98 | REJECTED BY MARKER                       | -
"""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One condition: code, CBP's text of it, and the reference for the transcript, which is never empty."""

    code: str
    text: str
    reference: str

    def __post_init__(self) -> None:
        if not self.reference:
            raise ValueError(f"the condition {self.code} {self.text} has no reference")


def _rows() -> dict[str, Wrong]:
    rows = {}
    for line in filter(None, _TABLE.splitlines()):
        code, text, section = (part.strip() for part in line.split(" | "))
        guide = f"{GUIDE}, {section}"
        listed = code[0] != "Z" or code == "ZZZ"
        reference = OWN if section == "-" else f"{DICTIONARY}, {code}; {guide}" if listed else guide
        rows[code] = Wrong(code, text, reference)
    return rows


CONDITIONS: Final = _rows()
"""Every condition the sandbox gives on an entry summary, by its code."""

LOOPS: Final = {
    "22": "A05",
    "23": "A06",
    "32": "A07",
    "40": "A08",
    "42": "A09",
    "44": "A10",
    "50": "A11",
    "52": "A17",
    "53": "A18",
    "62": "A19",
    "89": "A20",
    "47": "A23",
    "54": "A25",
}
"""The condition of an exceeded loop by the record that exceeds it; A24 for the others."""

SYNTAX: Final = {"X33": "A00", "X34": "A02", "X35": "A04", "X37": "A04", "X38": "A22", "X39": "X39", "X40": "X40"}
"""The dictionary's condition for each fault of syntax; X36 by :data:`LOOPS`."""
