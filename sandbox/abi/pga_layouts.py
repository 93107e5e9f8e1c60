"""Where does each field of an agency record (OI, PG01 to PG60) stand?

CBP CATAIR PGA Message Set rev 29 (2026-07-01), read on the sandbox's own account (see :mod:`sandbox.abi.columns`).
The same records follow a tariff number in cargo release (SE60) and in the entry summary (50). A field whose absence has
a condition of its own in CBP's dictionary (P04, P05, ...) is not marked mandatory here; :mod:`sandbox.abi.pga_checks`
judges it.
"""

from __future__ import annotations

from typing import Final

from sandbox.abi.columns import layouts

PGA_LAYOUTS: Final = layouts(
    {
        "OI": "11-80 X C description",
        "PG00": "5-5 X M kind|6-9 AN M number",
        "PG01": "5-7 N C line|8-10 AN C agency|11-13 X C program|14-16 AN C processing|17-17 A C image"
        "|18-18 A C confidential|19-22 AN C product_type|23-41 X C product|42-57 X C use|58-78 X C use_text"
        "|79-79 X C correction|80-80 A C disclaimer",
        "PG02": "5-5 A M type|6-9 AN C code_type_1|10-28 X C code_1|29-32 AN C code_type_2|33-51 X C code_2"
        "|52-55 AN C code_type_3|56-74 X C code_3",
        "PG04": "5-5 A C active|6-56 X C name|57-68 N C quantity|69-73 AN C unit|74-80 N C percent",
        "PG05": "5-26 X C genus|27-48 X C species|49-66 X C subspecies|67-73 AN C species_code|74-80 AN C fws_code",
        "PG06": "5-7 AN C source|8-9 X C country|10-29 X C place|30-37 N C start|38-45 N C end"
        "|46-50 AN C processing|51-80 X C description",
        "PG07": "5-39 X C brand|40-54 X C model|55-60 N C made|61-63 AN C item_type|64-80 X C item",
        "PG08": "5-21 X C item_1|22-38 X C item_2|39-55 X C item_3|56-72 X C item_4",
        "PG10": "5-10 AN C category|11-15 AN C code|16-19 X C qualifier|20-23 AN C characteristic|24-80 X C text",
        "PG13": "5-39 X C issuer|40-42 A C location_type|43-45 A C location|46-70 X C region",
        "PG14": "5-5 N C transaction|6-8 AN C type|9-41 X C number|42-42 N C date_type|43-50 N C date"
        "|51-66 N C quantity|67-71 AN C unit|72-80 X C exemption",
        "PG17": "5-34 X C specific_name|35-64 X C general_name|65-65 A C venomous|66-70 N C cartons",
        "PG18": "5-14 AN C un_number|15-18 X C hazard_class|19-22 AN C waste_stream|23-72 X C description"
        "|73-73 N C packing_group",
        "PG19": "5-7 AN C role|8-10 AN C number_type|11-25 X C number|26-57 X C name|58-80 X C address",
        "PG20": "5-36 X C address|37-41 X C apartment|42-62 X C city|63-65 AN C region|66-67 A C country"
        "|68-76 X C postal",
        "PG21": "5-7 AN C role|8-30 X C name|31-45 X C telephone|46-80 X C email",
        "PG22": "5-5 A C substantiating|6-12 AN C document|13-17 X C conformance|18-20 AN C role"
        "|21-24 AN C declaration|25-25 A C certified|26-33 N C signed|34-50 X C invoice|51-80 X C description",
        "PG23": "5-9 X C affirmation|10-79 X C text",
        "PG24": "5-7 AN C type|8-12 AN C code|13-80 X C text",
        "PG25": "5-5 A C temperature|6-6 A C degrees|7-7 A C negative|8-13 N C actual|14-14 A C recorded"
        "|15-15 AN C lot_type|16-40 X C lot|41-48 N C start|49-56 N C end|57-68 N C line_value|69-80 N C unit_value",
        "PG26": "5-5 N C level|6-17 N C quantity|18-22 X C unit|23-47 X C package|48-50 AN C method|51-65 X C material"
        "|66-80 X C filling",
        "PG27": "5-24 AN C container_1|25-25 N C type_1|26-27 N C length_1|28-47 AN C container_2|48-48 N C type_2"
        "|49-50 N C length_2|51-70 AN C container_3|71-71 N C type_3|72-73 N C length_3",
        "PG28": "5-8 N C size_1|9-12 N C size_2|13-16 N C size_3|17-20 AN C tracking_type|21-70 AN C tracking",
        "PG29": "5-7 AN C unit_1|8-19 N C line_net|20-22 AN C unit_2|23-34 N C line_gross|35-37 AN C unit_3"
        "|38-49 N C unit_net|50-52 AN C unit_4|53-64 N C unit_gross",
        "PG30": "5-5 A C status|6-13 N C date|14-17 N C time|18-21 AN C location_type|22-71 X C location",
        "PG31": "5-7 AN C type|8-42 X C characteristic|43-45 AN C unit|46-55 N C weight",
        "PG32": "5-7 AN C type|8-9 A C country|10-12 AN C subunit_type|13-21 X C subunit|22-76 X C subunit_name",
        "PG33": "5-13 X C area|14-78 X C name",
        "PG34": "5-7 AN C type|8-9 A C country|10-44 X C number",
        "PG35": "5-7 AN C surety|8-37 X C serial|38-38 N C qualifier|39-46 N C amount",
        "PG50": "",
        "PG51": "",
        "PG55": "5-7 AN C role_1|8-10 AN C role_2|11-13 AN C role_3|14-16 AN C role_4|17-19 AN C role_5"
        "|20-22 AN C role_6|23-25 AN C role_7|26-28 AN C role_8|29-31 AN C role_9|32-34 AN C role_10",
        "PG60": "5-7 AN M type|8-80 X M text",
    }
)

AGENCIES: Final = frozenset(
    "ACE AMS APH ATF BIS BLS BTS CBC CBP CDC CGD CPS DCM DEA DEE DOL DTC ECO EIA EPA ETA EXI FAA FAS FCC FCN FDA FHA"
    " FMC FMS FSI FTZ FWS GIP ICE IDV IRS MAR NHT NMF NRC OFA OFE OFM OGC OLM OMC OTX PHM TRP TSA TTB UTC".split()
)
"""Government agency codes (CATAIR Appendix V, 2020-06-08)."""
