"""Is the database at the version this program was written for?

Alembic revisions live in ``versions``. They are applied inside one transaction on both engines, and
only one process applies them at a time (the write lock on SQLite, an advisory lock on PostgreSQL).
"""

from __future__ import annotations

import io
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from filings.store.database import JOURNAL_LOCK, Store
from filings.store.faults import NewerDatabase, StoreError

_HERE = Path(__file__).parent


def configuration(conn: Connection | None = None) -> Config:
    """Alembic's configuration for the revisions of this package, on an open connection."""
    config = Config(stdout=io.StringIO())  # standard output belongs to the command line's answer
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config


def head_revision() -> str:
    """The revision this program was written for."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    if head is None:
        raise StoreError("this package carries no migrations")
    return head


def current_revision(conn: Connection) -> str | None:
    """The revision the database is at; ``None`` when it is empty."""
    return MigrationContext.configure(conn).get_current_revision()


def upgrade_connection(conn: Connection) -> str:
    """Bring the database to :func:`head_revision` inside the caller's transaction; gives that revision."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": JOURNAL_LOCK + 1})
    head, current = head_revision(), current_revision(conn)
    if current != head:
        _refuse_newer(current)
        command.upgrade(configuration(conn), head)
    return head


def require_current(conn: Connection) -> None:
    """Raise :class:`StoreError` unless the database is at :func:`head_revision`."""
    current = current_revision(conn)
    if current != head_revision():
        _refuse_newer(current)
        raise StoreError(f"the database is at version {current or 'none'}; run `gateway db upgrade`")


def _refuse_newer(current: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if current is not None and current not in known:
        raise NewerDatabase(f"the database is at version {current}, which this program does not know: it is newer")


async def upgrade(target: str | Path) -> str:
    """Bring the database at a URL or path to this program's version; gives that revision."""
    async with await Store.open(target, upgrade=True):
        return head_revision()
