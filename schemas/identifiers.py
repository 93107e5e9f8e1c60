"""Which identifiers are well formed? SCN, trip number, SCAC, importer number, filer code, ports, HTS, VIN.

Each check returns ``None`` or one sentence saying what is wrong, so that models, command line and
API can put their own path on it. Nothing here asks whether CBP knows the identifier.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

SCAC: Final = re.compile(r"[A-Z]{2,4}")
SCN: Final = re.compile(r"[A-Z]{4}[A-Z0-9]{4,12}")
TRIP_NUMBER: Final = re.compile(r"[A-Z]{4}[A-Z0-9]{4,21}")
HTS: Final = re.compile(r"(0[1-9]|[1-9][0-9])[0-9]{8}")
VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
FILER_CODE: Final = re.compile(
    r"[0-9]{3}|[A-Z][0-9]{2}|[A-Z]{2}[0-9]|[A-Z]{3}|[A-Z][0-9][A-Z]|[0-9][A-Z][0-9]|[0-9]{2}[A-Z]|[0-9][A-Z]{2}"
)
IMPORTER_NUMBER: Final = {
    "EIN": re.compile(r"[0-9]{2}-[0-9]{7}([A-Z0-9]{2})?"),
    "CBP": re.compile(r"[0-9]{6}-[0-9]{5}"),
    "SSN": re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}"),
}
IMPORTER_QUALIFIER: Final = {"EIN": "EI", "CBP": "ANI", "SSN": "34"}
"""Qualifier in SE10 22-24 for each kind of importer number (CATAIR Cargo Release v40)."""

US_STATES: Final = frozenset(
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR UM VI".split()
)
"""States, DC and territories: CATAIR Appendix B r21 without the armed forces abroad (AA, AE, AP), and with AS, MP and
UM, which the appendix has among its countries."""

COUNTRIES: Final = frozenset(
    (
        "AD AE AF AG AI AL AM AO AR AS AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BV BW BY BZ CA CC CD "
        "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA "
        "GB GD GE GF GH GI GL GM GN GP GQ GR GT GU GW GY GZ HK HM HN HR HT HU ID IE IL IN IO IQ IR IS IT JM JO JP KE "
        "KG KH KI KM KN KP KR KV KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MO MP MQ MR "
        "MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PT PW PY QA RE "
        "RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
        "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WE WF WS YE YT ZA ZM ZW "
    ).split()
)
"""Country codes in force (CATAIR Appendix B r21; a test holds them to the list ``countries`` of ``schemas.catair``)."""

CA_PROVINCES: Final = frozenset("AB BC MB NB NL NS NT NU ON PE QC SK YT".split())


@dataclass(frozen=True, slots=True)
class LandPort:
    """A US port where trucks arrive from Canada; ``timezone`` is the port's zone."""

    code: str
    name: str
    timezone: str


@cache
def land_ports() -> dict[str, LandPort]:
    """Land ports on the Canadian border by Schedule D code, from ``schemas/data/land_ports.toml``."""
    table = tomllib.loads(files("schemas").joinpath("data/land_ports.toml").read_text("utf-8"))
    return {row["code"]: LandPort(row["code"], row["name"], row["timezone"]) for row in table["port"]}


def scn_fault(value: str) -> str | None:
    """SCAC (4 letters) and 4 to 12 capitals or digits, 8 to 16 in all."""
    if SCN.fullmatch(value):
        return None
    return f"{value!r} is not a shipment control number: four letters (SCAC), then 4 to 12 capitals or digits."


def trip_number_fault(value: str, scac: str | None = None) -> str | None:
    """SCAC and 4 to 21 capitals or digits, 8 to 25 in all; begins with the carrier's SCAC."""
    if not TRIP_NUMBER.fullmatch(value):
        return f"{value!r} is not a trip number: four letters (SCAC), then 4 to 21 capitals or digits."
    if scac and not value.startswith(scac):
        return f"Trip number {value!r} does not begin with the carrier's SCAC {scac!r}."
    return None


def importer_number_fault(value: str, kind: str) -> str | None:
    """EIN ``NN-NNNNNNN[XX]``, CBP-assigned ``YYDDPP-NNNNN`` or SSN ``NNN-NN-NNNN``."""
    pattern = IMPORTER_NUMBER.get(kind)
    if pattern is None:
        return f"{kind!r} is not a kind of importer number; known: {', '.join(IMPORTER_NUMBER)}."
    if not pattern.fullmatch(value):
        shapes = {"EIN": "NN-NNNNNNN or NN-NNNNNNNXX", "CBP": "YYDDPP-NNNNN", "SSN": "NNN-NN-NNNN"}
        return f"{value!r} does not have the form {shapes[kind]} of this kind of importer number."
    return None


_VIN_VALUES = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ0123456789",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin_check_digit(vin: str) -> str:
    """The ninth character a 17-character VIN should have (49 CFR 565)."""
    rest = sum(_VIN_VALUES[c] * w for c, w in zip(vin, _VIN_WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else str(rest)
