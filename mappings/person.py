"""Are two consignees one person?

The exemption of 19 USC 1321 counts what *one person* is sent on one day, and CBP sees a person as a
name and an address. The same person is written in many ways, so both are brought to one form:

1. the text becomes CBP's characters (:func:`schemas.text.transliterate`: accents dropped, upper case);
2. apostrophes vanish, every other sign but ``#`` parts words, and single letters in a row join
   (``J. P.`` and ``JP``, ``P.O.`` and ``PO`` are the same);
3. in names, courtesy titles go, ``DOE, JANE`` turns round, ``&`` is ``AND``, company forms are
   abbreviated; a middle initial and ``JR``/``SR`` stay, because they may tell two people apart;
4. in addresses, streets, directions and ordinals are abbreviated as the post does; apartment, suite,
   unit, room and ``#`` are one designator, whose number stands at the end wherever it was written (``No 4``, ``04``,
   ``4-B`` and ``4 B`` are ``4`` and ``4B``); ``c/o`` somebody is left out, of the name and as a line;
5. the place is the five digits of the ZIP code (ZIP+4 is cut to it); without one, city and state.

Merging two people refuses an exemption that one of them had; missing that two are one breaks the law.
Where a rule must err, it errs toward one person. What it cannot know: a moved person, a misspelt
street, a nickname. Source of the abbreviations: USPS Publication 28 (common ones, recalled).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from schemas.shipment import Party
from schemas.text import transliterate

_APOSTROPHES: Final = re.compile(r"['`’]")
_PARTS: Final = re.compile(r"[A-Z0-9]+|#")
_GLUED_UNIT: Final = re.compile(r"(APT|UNIT|STE|SUITE|RM)([0-9][0-9A-Z]*)")
_FIVE: Final = re.compile(r"\s*([0-9]{5})(?:-?[0-9]{4})?\s*")
_INVERTED: Final = re.compile(r"\s*([^,]+),\s*([^,]+)\s*")

_ZERO_WIDTH: Final = "\u200b"
"""A blank that is not seen; it parts words all the same."""
_CARE_OF: Final = re.compile(r"\s*\b(?:C/O|CARE OF|ATTN)\b:?\s*")
_NUMBER_WORDS: Final = frozenset({"NO", "NUMBER", "NR", "NUM"})
"""Words that may stand between "apartment" and its number."""
_BOX: Final = {"POB": ("P", "O", "BOX")}
_DIRECTIONS: Final = frozenset("NSEW")

_TITLES: Final = frozenset("MR MRS MS MISS MX DR PROF SIR MADAM MME MLLE".split())
_SUFFIXES: Final = frozenset("INC LTD LLC LLP CORP CO COMPANY LIMITED INCORPORATED CORPORATION JR SR II III IV".split())
_NAME_WORDS: Final = {
    "INCORPORATED": "INC",
    "LIMITED": "LTD",
    "CORPORATION": "CORP",
    "COMPANY": "CO",
    "BROTHERS": "BROS",
    "JUNIOR": "JR",
    "SENIOR": "SR",
}
_UNIT: Final = "UNIT"
_ADDRESS_WORDS: Final = {
    **dict.fromkeys("APARTMENT APT APPARTMENT UNIT SUITE STE ROOM RM #".split(), _UNIT),
    **dict.fromkeys("STREET STR ST SAINT".split(), "ST"),
    **dict.fromkeys("AVENUE AVEN AV AVE".split(), "AVE"),
    **dict.fromkeys("BOULEVARD BOUL BLVD".split(), "BLVD"),
    **dict.fromkeys("DRIVE DRV DR".split(), "DR"),
    **dict.fromkeys("ROAD RD".split(), "RD"),
    **dict.fromkeys("LANE LN".split(), "LN"),
    **dict.fromkeys("COURT CT".split(), "CT"),
    **dict.fromkeys("PLACE PL".split(), "PL"),
    **dict.fromkeys("SQUARE SQ".split(), "SQ"),
    **dict.fromkeys("TERRACE TER TERR".split(), "TER"),
    **dict.fromkeys("PARKWAY PKWY PKY".split(), "PKWY"),
    **dict.fromkeys("HIGHWAY HWY".split(), "HWY"),
    **dict.fromkeys("CIRCLE CIR".split(), "CIR"),
    **dict.fromkeys("TRAIL TRL".split(), "TRL"),
    **dict.fromkeys("CRESCENT CRES".split(), "CRES"),
    **dict.fromkeys("EXPRESSWAY EXPY".split(), "EXPY"),
    **dict.fromkeys("TURNPIKE TPKE".split(), "TPKE"),
    **dict.fromkeys("HEIGHTS HTS".split(), "HTS"),
    **dict.fromkeys("FLOOR FLR FL".split(), "FL"),
    **dict.fromkeys("BUILDING BLDG".split(), "BLDG"),
    **dict.fromkeys("MOUNT MT".split(), "MT"),
    **dict.fromkeys("FORT FT".split(), "FT"),
    **dict(zip("NORTH SOUTH EAST WEST".split(), "NSEW", strict=True)),
    **dict(zip("NORTHEAST NORTHWEST SOUTHEAST SOUTHWEST".split(), "NE NW SE SW".split(), strict=True)),
    **dict(zip("FIRST SECOND THIRD FOURTH FIFTH".split(), "1ST 2ND 3RD 4TH 5TH".split(), strict=True)),
    **dict(zip("SIXTH SEVENTH EIGHTH NINTH TENTH".split(), "6TH 7TH 8TH 9TH 10TH".split(), strict=True)),
    **dict(zip("ELEVENTH TWELFTH THIRTEENTH".split(), "11TH 12TH 13TH".split(), strict=True)),
    **dict(zip("FOURTEENTH FIFTEENTH SIXTEENTH".split(), "14TH 15TH 16TH".split(), strict=True)),
    **dict(zip("SEVENTEENTH EIGHTEENTH NINETEENTH TWENTIETH".split(), "17TH 18TH 19TH 20TH".split(), strict=True)),
}


def person_key(party: Party) -> str:
    """``NAME|ADDRESS|ZIP`` (or ``NAME|ADDRESS|CITY STATE``): equal for one person, readable for a broker."""
    address = party.address
    return _key(
        party.name,
        "\n".join(address.lines),
        address.city,
        address.region or "",
        address.postal_code or "",
        address.country,
    )


@lru_cache(maxsize=16_384)
def _key(name: str, lines: str, city: str, region: str, postal_code: str, country: str) -> str:
    place = _place(city, region, postal_code, country)
    return f"{normal_name(name)}|{normal_address(lines)}|{place}"


def normal_name(name: str) -> str:
    """A name in the one form of this module."""
    text = _CARE_OF.split(transliterate(name.replace(_ZERO_WIDTH, " ")))[0]
    turned = _INVERTED.fullmatch(text) if "," in text else None
    if turned and not _SUFFIXES.intersection(_PARTS.findall(turned[2])):
        text = f"{turned[2]} {turned[1]}"
    words = _joined(_words(text.replace("&", " AND ")))
    kept = [_NAME_WORDS.get(word, word) for word in words if word not in _TITLES]
    return " ".join(kept or words) or text or name.strip().upper()


def normal_address(lines: str) -> str:
    """Street lines (one to a line) in the one form of this module, the unit last; a line of "care of" goes."""
    split = [transliterate(line.replace(_ZERO_WIDTH, " ")) for line in lines.splitlines()]
    text = " ".join(filter(None, [line for line in split if not _CARE_OF.match(line)] or split))
    words: list[str] = []
    units: list[str] = []
    after_designator = after_number = False
    for word in _words(text):
        glued = _GLUED_UNIT.fullmatch(word)
        for part in (glued[1], glued[2]) if glued else _BOX.get(word, (word,)):
            normal = _ADDRESS_WORDS.get(part, part)
            if normal == _UNIT:
                after_designator = True
            elif after_designator and normal in _NUMBER_WORDS:
                continue
            elif after_designator:
                units.append(f"{_UNIT} {normal.lstrip('0') or normal}")
                after_designator, after_number = False, normal.isdigit()
            elif after_number and len(part) == 1 and part.isalpha() and part not in _DIRECTIONS:
                units[-1] += part  # 4 B and 4-B are 4B
                after_number = False
            else:
                words.append(normal)
                after_number = False
    return " ".join((*_joined(words), *units)) or text or lines.strip().upper()


def _place(city: str, region: str, postal_code: str, country: str) -> str:
    if country == "US" and (five := _FIVE.fullmatch(postal_code)):
        return five[1]
    where = " ".join(_ADDRESS_WORDS.get(word, word) for word in _words(transliterate(city)))
    code = "".join(_words(transliterate(postal_code)))
    return " ".join(part for part in (where or city.upper(), region.upper(), code, country) if part)


def _words(text: str) -> list[str]:
    return _PARTS.findall(_APOSTROPHES.sub("", text))


def _joined(words: list[str]) -> list[str]:
    """Single letters that follow each other made one word."""
    joined: list[str] = []
    letters = False
    for word in words:
        single = len(word) == 1 and word.isalpha()
        if single and letters:
            joined[-1] += word
        else:
            joined.append(word)
        letters = single
    return joined
