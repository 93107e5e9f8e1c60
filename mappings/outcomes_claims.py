"""Which agency claim, and which record of its message set, does a record of an entry stand for?

Told from the entry that was sent alone, and only where it is certain:

- an entry has the claims of one agency together (:mod:`mappings.entry_pga`), so the place of a claim that may have
  stood after one of another agency in the shipment is not told;
- nor is that of the records behind the place where another key of the claim is filed as a record
  (:func:`schemas.claims.filed_place`), if such a record stands there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.catair.records import Record
from schemas.claims import filed_keys, filed_place
from schemas.message_set import MESSAGE_RECORDS


def claim_paths(lines: Sequence[str], records: Sequence[Record]) -> Mapping[int, tuple[str, str]]:
    """Index of a record → path of its claim and path of the record, each ``""`` where it is not certain.

    ``records`` are those of one SE transaction, ``lines`` the line path of each (``lines[2]``). Records that belong to
    no claim have no row.
    """
    heads: dict[str, list[int]] = {}
    for at, (line, record) in enumerate(zip(lines, records, strict=True)):
        if record.layout == "PG01" and line:
            heads.setdefault(line, []).append(at)
    found: dict[int, tuple[str, str]] = {}
    for line, places in heads.items():
        agencies = [records[at].text("government_agency_code") for at in places]
        for place, at in enumerate(places):
            claim = f"{line}.pga[{place}]" if _is_certain(place, agencies) else ""
            layouts = _layouts_after(at, records)
            known = _known(layouts) if claim else 0
            found[at] = claim, ""
            for item in range(len(layouts)):
                found[at + 1 + item] = claim, f"{claim}.message_set[{item}]" if item < known else ""
    return found


def _layouts_after(at: int, records: Sequence[Record]) -> list[str]:
    """The layouts of the message set after the PG01 at ``at``."""
    layouts: list[str] = []
    for record in records[at + 1 :]:
        if record.layout not in MESSAGE_RECORDS:
            break
        layouts.append(record.layout)
    return layouts


def _known(layouts: Sequence[str]) -> int:
    """How many of these records surely stand where they stood in the shipment."""
    filed = filed_place(layouts)
    may_be_filed = filed < len(layouts) and any(row.record == layouts[filed] for row in filed_keys())
    return filed if may_be_filed else len(layouts)


def _is_certain(place: int, agencies: Sequence[str]) -> bool:
    """The claim at this place of the entry has the same place in the shipment, whatever the order was there."""
    order = list(dict.fromkeys(agencies))
    if sorted(agencies, key=order.index) != list(agencies):
        return False
    rank = order.index(agencies[place])
    first = agencies.index(agencies[place])
    return first == rank and (place == first or rank == len(order) - 1)
