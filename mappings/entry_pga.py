"""What is a partner government agency told about one line? Disclaimers only: OI and one PG01 each.

The disclaimer is the claim's own, or the one that a waiver of the rule book justifies (the decision names it). A
claim without one needs the agency's message set, which is not written here, and is a problem: data that
an agency wants is never left out in silence. PG01s of one agency stand together, numbered anew for each agency (CBP
CATAIR PGA Message Set r29).
"""

from __future__ import annotations

from collections.abc import Sequence

from mappings.decision import Disclaimer
from mappings.notes import Wire
from schemas.catair.records import Record, rec
from schemas.shipment import Line


def claim_records(line: Line, path: str, described: str, waived: Sequence[Disclaimer], wire: Wire) -> list[Record]:
    """OI and PG01s of a line, nothing where it has no claim.

    ``described`` is the line's description on the wire, ``waived`` what the decision's waivers disclaim.
    """
    if not line.pga:
        return []
    records = [rec("OI", commercial_description=described)]
    agencies = list(dict.fromkeys(claim.agency for claim in line.pga))
    numbers = dict.fromkeys(agencies, 0)
    for index, claim in sorted(enumerate(line.pga), key=lambda one: agencies.index(one[1].agency)):
        where = f"{path}.pga[{index}]"
        code: str | None = claim.disclaimer
        if code is None:
            code = next((one.code for one in waived if one.path == where), None)
        if code is None:
            wire.problem(
                "pga_message_set",
                where,
                f"{claim.agency} needs its message set for this line; only disclaimers can be sent.",
                "Give a disclaimer if one is lawful, or have a broker file the entry.",
                "CBP CATAIR PGA Message Set r29, PG01",
            )
            continue
        if claim.program is None:
            wire.problem(
                "missing",
                f"{where}.program",
                f"A disclaimer for {claim.agency} must name the agency's program.",
                "Give the program code.",
                "CBP CATAIR PGA Message Set r29, PG01 11-13",
            )
            continue
        numbers[claim.agency] += 1
        records.append(
            rec(
                "PG01",
                pga_line_number=numbers[claim.agency],
                government_agency_code=claim.agency,
                government_agency_program_code=wire.text(claim.program, f"{where}.program", 3, "PG01 11-13"),
                disclaimer=code,
            )
        )
    return records
