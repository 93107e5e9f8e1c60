"""Where does each field of a cargo release record stand, which record may follow which, and how often?

CBP CATAIR Cargo Release v40 (2025-07-01), read on the sandbox's own account (see :mod:`sandbox.abi.columns`). A field
whose absence has a condition of its own is not marked mandatory here. Records of agencies: :mod:`.pga_layouts`.
"""

from __future__ import annotations

from typing import Final

from sandbox.abi.columns import layouts
from sandbox.abi.grammar import Grammar, followers
from sandbox.abi.pga_layouts import PGA_LAYOUTS

LAYOUTS: Final = layouts(
    {
        "SE10": "5-5 A C action|6-8 AN C filer|11-18 AN C number|20-21 AN C type|22-24 AN C importer_type"
        "|25-36 X C importer|37-38 AN C mode|39-39 N C bond|40-49 N C value|50-54 AN C port"
        "|55-55 AN O split|56-60 AN C unlading",
        "SE11": "5-5 X C date_code|6-11 D C elected_date|12-15 AN C location|16-19 AN O exam_site"
        "|20-39 X C conveyance|40-44 X C voyage|45-64 AN O general_order|65-68 AN C warehouse"
        "|69-71 AN C origin_filer|72-79 AN C origin_number|80-80 X C immediate",
        "SE13": "5-44 AN C name|45-59 AN C phone|60-61 AN C reason|62-62 N O multiple|63-63 N O dis|64-64 N O split",
        "SE15": "5-5 A C type|6-9 AN C issuer|10-59 X C number|60-67 N C quantity|73-73 X C non_ams",
        "SE16": "5-8 AN M carrier|9-13 X M voyage|14-19 D M arrival|20-27 N M quantity|28-32 X O unit"
        "|33-52 X C conveyance",
        "SE17": "5-24 AN M equipment",
        "SE20": "5-7 AN M qualifier|8-57 X M reference",
        "SE30": "5-7 A C entity|8-42 X C name|43-45 X C id_type|46-65 X C id",
        "SE31": "5-8 A M qualifier|9-28 AN M id",
        "SE35": "5-6 AN M qualifier|7-41 X M address|42-43 AN O qualifier_2|44-78 X O address_2",
        "SE36": "5-39 X M city|40-42 AN O region|49-63 X C postal|64-65 A M country",
        "SE40": "5-7 N C line|8-9 A C origin|11-80 X O description",
        "SE41": "5-5 A M status|6-11 D C filed|12-19 N M quantity",
        "SE50": "5-7 A C entity|8-42 X C name|43-45 X O id_type|46-65 X O id",
        "SE51": "5-8 A M qualifier|9-28 AN M id",
        "SE55": "5-6 AN M qualifier|7-41 X M address|42-43 AN O qualifier_2|44-78 X O address_2",
        "SE56": "5-39 X M city|40-42 AN O region|49-63 X C postal|64-65 A M country",
        "SE60": "5-14 AN C hts|15-24 N C value",
        "SE61": "5-14 AN M hts",
    }
)

_FOLLOWERS: Final = followers(
    {
        "SE10": "SE11 SE13 SE15 SE20 SE30 SE40",
        "SE11": "SE13 SE15 SE20 SE30 SE40",
        "SE13": "SE15 SE20 SE30 SE40",
        "SE15": "SE15 SE16 SE17 SE20 SE30 SE40",
        "SE16": "SE15 SE16 SE17 SE20 SE30 SE40",
        "SE17": "SE15 SE17 SE20 SE30 SE40",
        "SE20": "SE20 SE30 SE40",
        "SE30": "SE30 SE31 SE35 SE36 SE40",
        "SE31": "SE30 SE31 SE35 SE36 SE40",
        "SE35": "SE30 SE35 SE36 SE40",
        "SE36": "SE30 SE40",
        "SE40": "SE41 SE50 SE60",
        "SE41": "SE50 SE60",
        "SE50": "SE50 SE51 SE55 SE56 SE60",
        "SE51": "SE50 SE51 SE55 SE56 SE60",
        "SE55": "SE50 SE55 SE56 SE60",
        "SE56": "SE50 SE60",
        "SE60": "SE40 SE60 SE61 OI PG SF",
        "SE61": "SE40 SE60 OI PG SF",
        "OI": "PG OI SE40 SE60 SF",
        "PG": "PG OI SE40 SE60 SF",
        "SF": "SF",
    }
)
"""Usage map for A and R; those of D and U are cut-outs of it. An OI or PG record out of place has a condition of its
own (P01, P03, P42)."""

_LOOPS: Final = {
    "SE11": 1,
    "SE13": 1,
    "SE15": 2997,
    "SE20": 99,
    "SE30": 12,
    "SE40": 999,
    "SF": 9999,
}
"""How often in a transaction. Bill groups: 999 of at most three SE15 (maps of U and of the output)."""

_INNER_LOOPS: Final = {
    "SE16": ("SE15", 99),
    "SE17": ("SE15", 99),
    "SE31": ("SE30", 3),
    "SE35": ("SE30", 3),
    "SE36": ("SE30", 1),
    "SE41": ("SE40", 1),
    "SE50": ("SE40", 11),
    "SE51": ("SE50", 3),
    "SE55": ("SE50", 3),
    "SE56": ("SE50", 1),
    "SE60": ("SE40", 32),
    "SE61": ("SE60", 1),
}


def _record_id(line: str) -> str:
    """SE, PG and SF records have four characters, OI two."""
    if line[:2] in {"SE", "PG", "SF"}:
        return line[:4]
    return line[:2] if line[:2] == "OI" else line[:1]


def _group(name: str) -> str:
    """Known PG records are one group, those of the security filing another."""
    if name[:2] == "PG":
        return "PG" if name in PGA_LAYOUTS else name
    return "SF" if name in _SECURITY_FILING else name


_SECURITY_FILING: Final = frozenset("SF10 SF20 SF25 SF30 SF31 SF35 SF36 SF40".split())

CARGO_RELEASE: Final = Grammar(
    application="SE",
    guide="CATAIR Cargo Release v40 (2025-07-01)",
    head="SE10",
    layouts={**LAYOUTS, **PGA_LAYOUTS},
    followers=_FOLLOWERS,
    unfinished=frozenset({"SE40", "SE41", "SE50", "SE51", "SE55", "SE56"}),
    loops=_LOOPS,
    inner_loops=_INNER_LOOPS,
    name_of=_record_id,
    group_of=_group,
)
