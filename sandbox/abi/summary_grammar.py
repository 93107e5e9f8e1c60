"""Which record of an entry summary may follow which, and how often?

CBP CATAIR Entry Summary Create/Update rev 109 (July 2026), input record structure maps. Where the map makes a record
mandatory but the error dictionary has a condition of its own for its absence (185, 400, 431, 701), the order here lets
it be absent and the condition is given by the checks.
"""

from __future__ import annotations

from typing import Final

from sandbox.abi.grammar import Grammar, followers
from sandbox.abi.pga_layouts import PGA_LAYOUTS
from sandbox.abi.summary_layouts import SUMMARY_LAYOUTS

_TOTALS: Final = "88 89 90"
_LINES: Final = f"40 {_TOTALS}"
_PARTIES: Final = f"SE30 {_LINES}"
_AFTER_BONDS: Final = f"32 33 34 35 36 PG SE20 {_PARTIES}"
_AFTER_MANIFEST: Final = f"30 31 {_AFTER_BONDS}"
_REST: Final = f"52 53 54 60 61 62 SE62 63 CW02 {_LINES}"
_TARIFFS: Final = f"PG 50 {_REST}"

_FOLLOWERS: Final = followers(
    {
        "10": f"11 20 SE13 21 22 {_AFTER_MANIFEST}",
        "11": f"20 SE13 21 22 {_AFTER_MANIFEST}",
        "20": f"SE13 21 22 {_AFTER_MANIFEST}",
        "SE13": f"21 22 {_AFTER_MANIFEST}",
        "21": f"22 {_AFTER_MANIFEST}",
        "22": f"22 23 {_AFTER_MANIFEST}",
        "23": f"22 23 SE16 SE17 {_AFTER_MANIFEST}",
        "SE16": f"22 SE16 SE17 {_AFTER_MANIFEST}",
        "SE17": f"22 SE17 {_AFTER_MANIFEST}",
        "30": f"31 {_AFTER_BONDS}",
        "31": f"31 {_AFTER_BONDS}",
        "32": _AFTER_BONDS,
        "33": f"34 35 36 PG SE20 {_PARTIES}",
        "34": f"35 36 PG SE20 {_PARTIES}",
        "35": f"36 PG SE20 {_PARTIES}",
        "36": f"36 PG SE20 {_PARTIES}",
        "SE20": f"SE20 {_PARTIES}",
        "SE30": f"SE31 SE35 SE36 {_PARTIES}",
        "SE31": f"SE31 SE32 SE35 SE36 {_PARTIES}",
        "SE32": f"SE31 SE32 SE35 SE36 {_PARTIES}",
        "SE35": f"SE35 SE36 {_PARTIES}",
        "SE36": _PARTIES,
        "40": f"41 42 43 44 47 SE50 {_TARIFFS}",
        "41": f"42 43 44 47 SE50 {_TARIFFS}",
        "42": f"42 43 44 47 SE50 {_TARIFFS}",
        "43": f"42 44 47 SE50 {_TARIFFS}",
        "44": f"42 44 47 SE50 {_TARIFFS}",
        "47": f"47 SE50 {_TARIFFS}",
        "SE50": f"SE50 SE51 SE55 SE56 {_TARIFFS}",
        "SE51": f"SE50 SE51 SE52 SE55 SE56 {_TARIFFS}",
        "SE52": f"SE50 SE51 SE52 SE55 SE56 {_TARIFFS}",
        "SE55": f"SE50 SE55 SE56 {_TARIFFS}",
        "SE56": f"SE50 {_TARIFFS}",
        "50": f"50 SE60 SE61 OI PG 51 {_REST}",
        "SE60": f"50 SE61 OI PG 51 {_REST}",
        "SE61": f"50 OI PG 51 {_REST}",
        "OI": f"50 PG 51 {_REST}",
        "PG": f"PG SE20 SE30 50 51 {_REST}",
        "51": f"50 {_REST}",
        "52": f"52 53 54 60 61 62 SE62 63 CW02 {_LINES}",
        "53": f"53 54 60 61 62 SE62 63 CW02 {_LINES}",
        "54": f"54 60 61 62 SE62 63 CW02 {_LINES}",
        "60": f"61 62 SE62 63 CW02 {_LINES}",
        "61": f"62 SE62 63 CW02 {_LINES}",
        "62": f"62 SE62 63 CW02 {_LINES}",
        "SE62": "SE63",
        "SE63": f"SE62 SE63 63 CW02 {_LINES}",
        "63": f"CW02 {_LINES}",
        "CW02": _LINES,
        "88": "89 90",
        "89": "89 90",
        "90": "",
    }
)

_ONCE: Final = "11 20 SE13 21 30 33 34 35 88 90"
_LOOPS: Final = {
    **dict.fromkeys(_ONCE.split(), 1),
    "22": 999,
    "31": 2,
    "32": 999,
    "36": 99,
    "SE20": 4,
    "SE30": 12,
    "40": 998,
    "89": 9,
}
"""Where the map prints two numbers the smaller one is the limit (its note 1)."""

_ONCE_A_LINE: Final = "41 52 60 61 63 CW02"
_INNER_LOOPS: Final = {
    **dict.fromkeys(_ONCE_A_LINE.split(), ("40", 1)),
    "23": ("22", 4),
    "SE16": ("22", 99),
    "SE17": ("22", 99),
    "SE31": ("SE30", 4),
    "SE32": ("SE31", 9),
    "SE35": ("SE30", 3),
    "SE36": ("SE30", 1),
    "42": ("40", 999),
    "44": ("40", 999),
    "47": ("40", 6),
    "SE50": ("40", 11),
    "SE51": ("SE50", 4),
    "SE52": ("SE51", 9),
    "SE55": ("SE50", 3),
    "SE56": ("SE50", 1),
    "50": ("40", 32),
    "SE60": ("50", 1),
    "SE61": ("50", 1),
    "OI": ("50", 1),
    "51": ("50", 1),
    "53": ("40", 2),
    "54": ("40", 9),
    "62": ("40", 5),
    "SE62": ("40", 99),
    "SE63": ("SE62", 99),
}
"""47: the map says six, the text of the record four."""


def _fields(*names: str, most: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{name}_{place}" for name in names) for place in range(1, most + 1))


_REPEATS: Final = {
    "32": _fields("filer", "number", most=6),
    "33": _fields("code", most=2),
    "34": _fields("class", "amount", most=2),
    "50": _fields("quantity", "unit", most=3),
    "89": _fields("class", "amount", most=5),
}


def _record_id(line: str) -> str:
    """SE, PG and CW records have four characters, the others two."""
    return line[:4] if line[:2] in {"SE", "PG", "CW"} else line[:2]


def _group(name: str) -> str:
    return "PG" if name[:2] == "PG" and name in PGA_LAYOUTS else name


ENTRY_SUMMARY: Final = Grammar(
    application="AE",
    guide="CATAIR Entry Summary Create/Update rev 109 (July 2026)",
    head="10",
    layouts=SUMMARY_LAYOUTS,
    followers=_FOLLOWERS,
    unfinished=frozenset({"SE62"}),
    loops=_LOOPS,
    inner_loops=_INNER_LOOPS,
    name_of=_record_id,
    group_of=_group,
    max_transactions=100_000,
    repeats=_REPEATS,
)
