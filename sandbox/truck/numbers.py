"""Is this identifier well formed? Carrier, trip, shipment, VIN, plate, in-bond number: shapes and check digits.

Read from the public rules on the sandbox's own account, not from the gateway's identifiers.
"""

from __future__ import annotations

import re
from typing import Final

SCAC: Final = re.compile(r"[A-Z]{2,4}")
SCN: Final = re.compile(r"[A-Z]{4}[A-Z0-9]{4,12}")
TRIP: Final = re.compile(r"[A-Z]{4}[A-Z0-9]{4,21}")
PLATE: Final = re.compile(r"[A-Z0-9]{1,10}")
PORT: Final = re.compile(r"[0-9]{4}")
FOREIGN_PORT: Final = re.compile(r"[0-9]{5}")
FIRMS: Final = re.compile(r"[A-Z0-9]{4}")
SEAL: Final = re.compile(r"[A-Z0-9]{2,15}")
EQUIPMENT_NUMBER: Final = re.compile(r"[A-Z0-9]{1,19}")
HAZARD: Final = re.compile(r"(UN|NA)?[0-9]{4}")
IN_BOND: Final = re.compile(r"V[0-9]{7,8}|[0-9]{9}|[0-9]{11}")
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VALUES: Final = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)),
}
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def is_scn(issuer: str, number: str) -> bool:
    """Whether a shipment control number is well formed: a SCAC of four letters, then 4 to 12 letters and digits."""
    return len(issuer) == 4 and len(number) <= 12 and SCN.fullmatch(issuer + number) is not None


def is_vin(value: str, *, check_digit: bool) -> bool:
    """A VIN of 17 characters, with its check digit (the ninth, 49 CFR 565.15) unless that is not asked for.

    Vehicles from before 1981 have shorter numbers: those are taken as they are, from five characters on.
    """
    if len(value) != len(_WEIGHTS):
        return 5 <= len(value) < len(_WEIGHTS) and value.isalnum()
    if not _VIN.fullmatch(value):
        return False
    rest = sum(_VALUES[sign] * weight for sign, weight in zip(value, _WEIGHTS, strict=True)) % 11
    return not check_digit or value[8] == ("X" if rest == 10 else str(rest))
