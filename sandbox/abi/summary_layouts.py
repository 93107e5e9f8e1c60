"""Where does each field of an entry summary record stand?

CBP CATAIR Entry Summary Create/Update rev 109 (July 2026), read on the sandbox's own account (see
:mod:`sandbox.abi.columns`). Amounts are of class SN, as the chapter prints them. A field whose absence has a condition
of its own in the error dictionary is not marked mandatory here. SE60 is another record than cargo release's SE60. The
carrier (20), the program (40) and the party's number (47) are printed as AN, yet their own notes demand values with
other characters (``*F``, ``P+``, ``NN-NNNNNNN``): they are X here.
"""

from __future__ import annotations

from typing import Final

from sandbox.abi.columns import layouts
from sandbox.abi.pga_layouts import PGA_LAYOUTS

_PARTY: Final = "5-7 A C entity|8-42 X C name|43-45 X C id_type|46-65 X C id"
_ADDRESS: Final = "5-6 AN M qualifier|7-41 X M address|42-43 AN O qualifier_2|44-78 X O address_2"
_PLACE: Final = "5-39 X M city|40-42 AN C region|49-63 X C postal|64-65 A M country"
_BUSINESS: Final = "5-8 A M qualifier|9-43 AN M id"
_REASONS: Final = "3-5 AN M reason_1|6-8 AN C reason_2|9-11 AN C reason_3|12-14 AN C reason_4|15-17 AN C reason_5"

SUMMARY_LAYOUTS: Final = {
    **layouts(
        {
            "10": "3-3 A C action|4-6 AN C filer|9-16 AN C number|18-21 AN C port|22-30 X C reference|34-35 AN C type"
            "|36-37 AN C mode|38-38 AN C waiver|39-39 AN C signature|40-40 AN C certify|41-41 AN C invoice"
            "|42-42 AN C consolidated|43-43 AN C usage|44-44 AN C live|45-45 AN C deferred|46-46 AN C agreement"
            "|47-49 AN C issue|51-51 AN C payment|52-57 D C print_date|58-59 AN C month|60-61 AN C branch"
            "|62-64 AN C waiver_reason|65-65 AN C correction|66-66 AN C accelerated|67-67 AN O known"
            "|68-68 AN C agency_data|69-69 AN C temporary|70-70 AN C express",
            "11": "3-14 X C importer|15-26 X C consignee|27-38 X C notify|42-47 D C entry_date|48-53 D C import_date"
            "|61-62 AN C state|63-71 AN C zone",
            "20": "3-6 X C carrier|7-10 AN C unlading|11-16 D C arrival|17-20 AN C location|21-40 X C conveyance"
            "|41-47 AN C vessel|48-51 AN C exam_port|52-57 D C in_bond_date",
            "SE13": "5-44 AN M name|45-59 AN M phone|60-60 N O dis",
            "21": "3-7 X M trip",
            "22": "3-10 SN C quantity|11-15 X C unit",
            "23": "3-3 AN C type|4-7 AN C issuer|8-19 AN M number",
            "SE16": "5-8 AN M carrier|9-13 X M voyage|14-19 N M arrival|20-27 N M quantity|28-32 X O unit"
            "|33-52 X C conveyance",
            "SE17": "5-24 AN M equipment",
            "30": "3-5 AN M filer|8-15 AN M number|17-20 AN M port|21-21 AN C final",
            "31": "3-3 AN C type|4-4 AN C designation|5-5 AN C continuous|6-8 AN C surety|9-18 SN C amount"
            "|19-28 AN O producer",
            "32": "3-5 AN M filer_1|8-15 AN M number_1|16-18 AN C filer_2|21-28 AN C number_2|29-31 AN C filer_3"
            "|34-41 AN C number_3|42-44 AN C filer_4|47-54 AN C number_4|55-57 AN C filer_5|60-67 AN C number_5"
            "|68-70 AN C filer_6|73-80 AN C number_6",
            "33": "3-4 AN M code_1|5-6 AN C code_2",
            "34": "3-5 AN C class_1|6-13 SN C amount_1|14-16 AN C class_2|17-24 SN C amount_2",
            "35": _REASONS,
            "36": "3-77 X M text",
            "SE20": "5-7 AN M qualifier|8-57 X M reference",
            "SE30": _PARTY,
            "SE31": _BUSINESS,
            "SE32": "5-5 N M sequence|6-80 X M text",
            "SE35": _ADDRESS,
            "SE36": _PLACE,
            "40": "5-7 X C line|8-8 AN C set|9-10 X C origin|11-12 AN C export|13-18 D C export_date"
            "|19-24 D C textile_date|25-26 X C program|27-36 SN C charges|37-41 AN C foreign_port"
            "|42-51 SN C weight|52-54 N C category|55-55 AN C product|56-56 AN C related|57-57 AN C net_cost"
            "|58-58 AN C exempt|60-60 AN C statement",
            "41": "3-3 AN M status|4-9 D C filed|10-19 N M quantity",
            "42": "3-17 AN M supplier|18-34 X M invoice|36-39 SN M begin_1|41-44 SN M end_1|46-49 SN C begin_2"
            "|51-54 SN C end_2|56-59 SN C begin_3|61-64 SN C end_3|66-69 SN C begin_4|71-74 SN C end_4",
            "43": "3-3 AN M type|9-14 AN C number",
            "44": "3-72 X C text",
            "47": "3-3 AN C type|4-18 X C id",
            "SE50": _PARTY,
            "SE51": _BUSINESS,
            "SE52": "5-5 N M sequence|6-80 X M text",
            "SE55": _ADDRESS,
            "SE56": _PLACE,
            "50": "3-12 AN C hts|14-23 SN C duty|25-34 SN C value|36-47 SN C quantity_1|48-50 AN C unit_1"
            "|51-62 SN C quantity_2|63-65 AN C unit_2|66-77 SN C quantity_3|78-80 AN C unit_3",
            "SE60": "5-5 A C sanction",
            "SE61": "5-14 AN M hts",
            "51": "3-11 AN M visa",
            "52": "3-4 AN M type|5-14 X M number",
            "53": "3-12 AN C case|13-13 AN C claim|14-21 SN C rate|22-22 AN C rate_type|25-34 SN C value"
            "|35-46 SN C quantity|47-56 SN C duty|57-66 AN C declaration",
            "54": "3-4 AN C type|5-80 X C detail",
            "60": "3-5 AN C class|6-15 SN C amount",
            "61": "3-5 AN C class|6-15 SN C amount",
            "62": "3-5 AN C class|6-13 SN C amount",
            "SE62": "5-6 N M record|7-16 AN M type|17-80 AN M field",
            "SE63": "5-80 AN M value",
            "63": _REASONS,
            "CW02": "10-12 AN M condition_1|13-14 AN M override_1|15-17 AN C condition_2|18-19 AN C override_2"
            "|20-22 AN C condition_3|23-24 AN C override_3|25-27 AN C condition_4|28-29 AN C override_4"
            "|30-32 AN C condition_5|33-34 AN C override_5|35-37 AN C condition_6|38-39 AN C override_6"
            "|40-42 AN C condition_7|43-44 AN C override_7",
            "88": "3-13 SN C bonded_ad|15-25 SN C cash_ad|27-37 SN C bonded_cv|39-49 SN C cash_cv",
            "89": "3-5 N C class_1|6-16 SN C amount_1|17-19 AN C class_2|20-30 SN C amount_2|31-33 AN C class_3"
            "|34-44 SN C amount_3|45-47 AN C class_4|48-58 SN C amount_4|59-61 AN C class_5|62-72 SN C amount_5",
            "90": "3-13 SN C duty|15-25 SN C fee|27-37 SN C tax|39-49 SN C ad|51-61 SN C cv|63-73 SN C other",
        }
    ),
    **PGA_LAYOUTS,
}
