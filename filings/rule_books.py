"""Which law did a decision go by, years later?

A decision names the version of the rule book it was made with. When a version is first used on a store, its whole
canonical text is put into the archive, once: the rows of law, the filer's own among them, the severities it has set,
and the data of the advisory checks. The text is two lines of JSON. The version is the beginning of the SHA-256 of the
first line, and the first line names the beginning of the SHA-256 of the second: so anybody can see that the text is
the one that the decision names. ``rule_books`` says where in the archive it is.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, insert, select

from filings import archive
from filings.shown import instant_text
from filings.store import tables as t
from filings.store.database import hold_journal
from mappings.rulebook import RuleBook
from schemas.errors import NotFound, Problem

CONTENT: Final = "application/x-ndjson"


def keep(conn: Connection, rules: RuleBook, now: datetime) -> None:
    """Archive the book if this store has not seen its version; in the transaction that goes by it, and late there."""
    if _position(conn, rules.version) is not None:
        return
    hold_journal(conn)
    if _position(conn, rules.version) is not None:
        return  # another process has kept it while this one waited
    body = rules.canonical + b"\n" + rules.advice.preflight.canonical
    name = f"rule book {rules.version}"
    entry = archive.Entry(archive.EntryKind.DOCUMENT, name, body, now, CONTENT, actor=name)
    position = archive.append(conn, [entry]).start
    conn.execute(insert(t.rule_books).values(version=rules.version, archive_position=position, first_used_at=now))


def _position(conn: Connection, version: str) -> int | None:
    found = conn.execute(select(t.rule_books.c.archive_position).where(t.rule_books.c.version == version)).scalar()
    return None if found is None else int(found)


def read(conn: Connection, version: str) -> dict[str, Any] | None:
    """A kept book, or ``None``. Raises :class:`filings.archive.ArchiveError` if its text is not that of its version."""
    row = conn.execute(select(t.rule_books).where(t.rule_books.c.version == version)).first()
    kept = archive.read(conn, row.archive_position) if row is not None else None
    if row is None or kept is None:
        return None
    first, _, second = kept.entry.body.partition(b"\n")
    book = orjson.loads(first)
    if not _names(version, first) or not _names(str(book["checks"]), second):
        raise archive.ArchiveError(f"entry {row.archive_position}: the text is not that of rule book {version}")
    return {
        "version": version,
        "first_used_at": instant_text(row.first_used_at),
        "archive_position": row.archive_position,
        "sha256": archive.digest(first),
        "checks_sha256": archive.digest(second),
        "rules": book["rules"],
        "own": book["own"],
        "severity": book["severity"],
        "checks": orjson.loads(second),
    }


def _names(version: str, text: bytes) -> bool:
    return bool(version) and hashlib.sha256(text).hexdigest().startswith(version)


def show(conn: Connection, version: str) -> dict[str, Any]:
    """A kept book; raises :class:`NotFound` with the versions that there are."""
    found = read(conn, version)
    if found is not None:
        return found
    known = conn.execute(select(t.rule_books.c.version).order_by(t.rule_books.c.first_used_at.desc()).limit(10))
    listed = ", ".join(known.scalars())
    text = f"No rule book {version[:40]!r} has been used here."
    remedy = f"The latest used here: {listed}." if listed else "None has been used here yet."
    raise NotFound(Problem("rule_book_unknown", "version", text, remedy))
