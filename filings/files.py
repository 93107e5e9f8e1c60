"""What stood in one file that went out or came in for a filing?

Reads only. The bytes are those of the archive, checked against their digest. One thing is not shown: the password in
the A record of a batch of ours, which is a secret of the installation. A file of which something is hidden has another
digest than the one that is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, select

from filings import archive, queries
from filings.amendments.previewed import HIDDEN
from filings.store import tables as t
from schemas.errors import NotFound, Problem

_PASSWORD: Final = slice(8, 14)
"""Columns 9 to 14 of an A record (CBP CATAIR Batch and Block Control rev 23)."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file with its name; ``hides_password`` if a password in it is hidden."""

    name: str
    body: bytes = field(repr=False)
    hides_password: bool = False


def file_of(conn: Connection, filing: str, transmission: str) -> KeptFile:
    """One of the files that concern a filing; raises :class:`NotFound` for any other."""
    found = next((one for one in queries.transmissions(conn, filing) if one["id"] == transmission), None)
    if found is None:
        text = f"No file {transmission} went out or came in for filing {filing}."
        remedy = "The list of its transmissions has their ids."
        raise NotFound(Problem("transmission_unknown", "transmission_id", text, remedy))
    position = conn.execute(select(t.transmissions.c.archive_position).where(t.transmissions.c.id == transmission))
    kept = archive.read(conn, position.scalar_one())
    if kept is None:
        raise archive.ArchiveError(f"the archive entry of transmission {transmission} is missing")
    if found["direction"] == "out":
        return KeptFile(found["name"], *without_password(kept.entry.body))
    return KeptFile(found["name"], kept.entry.body)


def without_password(payload: bytes) -> tuple[bytes, bool]:
    """A file of ours with the password of its A record hidden, and whether it had one."""
    if not payload.startswith(b"A") or not payload[_PASSWORD].strip():
        return payload, False
    return payload[: _PASSWORD.start] + HIDDEN.encode() + payload[_PASSWORD.stop :], True
