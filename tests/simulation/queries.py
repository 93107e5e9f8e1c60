"""What does CBP answer to a status query? From its books, in the columns of CATAIR status query v21 (CQ, C1)."""

from __future__ import annotations

from typing import Final

from sandbox.store import Store

_TOLD: Final = {
    "ADMISSIBLE": ("97", "ADMISSIBLE"),
    "RELEASED": ("98", "RELEASED"),
    "CANCELLED": ("23", "ENTRY CANCELLED"),
}


def answer_to_query(sent: bytes, books: Store) -> bytes:
    """C1 for each entry that a CQ batch asks for."""
    lines = sent.decode().splitlines()
    head, site, tail = lines[0], lines[1], lines[-1]
    out = [f"{head[:8]}{'':6}{head[14:25]}C1{head[27:]}", f"{site[:10]}C1{site[12:]}"]
    for line in lines[2:]:
        if not line.startswith("WR1"):
            continue
        filer, number = line[7:10], line[10:19].strip()
        row = books.row("select type, state, filed_at from entry where number = ?", filer + number)
        if row is None:
            out.append(f"WR0{filer} {number}{'':14}950ENTRY RECORD NOT FOUND")
            continue
        out.append(f"WO10{site[3:7]}{filer}  {number} {row['type']}")
        if row["state"] in _TOLD:
            code, text = _TOLD[row["state"]]
            day = row["filed_at"]
            out.append(f"WO60{day[5:7]}{day[8:10]}{day[2:4]}0000{code}{text}")
    out.append(f"Y  {site[3:10]}C1{len(out) - 2:05d}")
    out.append(f"Z{head[1:8]}{'':6}{tail[14:20]}")
    return "".join(f"{line:80}\n" for line in out).encode()
