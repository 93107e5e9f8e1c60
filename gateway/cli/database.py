"""``gateway db``: is the database at this program's version? And: how do commands reach the store directly?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from gateway.cli.options import ConfigOption, JsonOption
from gateway.cli.output import Output
from schemas.errors import Problem, TransportError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.settings import Settings

T = TypeVar("T")

app = typer.Typer(help="The database.", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The database."""


@app.command()
def upgrade(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Bring the database to this program's version; nothing happens when it is there already.

    Example: gateway db upgrade --config gateway.toml
    """
    from filings.store.migrations import current_revision

    output = Output(as_json)
    where, version = in_store(config, lambda conn: (conn.dialect.name, current_revision(conn)))
    if as_json:
        output.document({"database": where, "version": version})
    else:
        output.say(f"{where}: version {version}")


def in_store(config: Path | None, work: Callable[[Connection], T]) -> T:
    """Run ``work`` in one transaction of the configured store, brought up to date first.

    Raises :class:`TransportError` ``store_not_usable``, without the address: it may hold a password.
    """
    import asyncio

    from sqlalchemy.exc import DBAPIError

    from filings.store.database import Store, StoreError
    from gateway.settings import load_settings

    settings = load_settings(config)

    async def run() -> T:
        async with await Store.open(settings.database_url) as store:
            return await store.write(work)

    try:
        return asyncio.run(run())
    except (StoreError, DBAPIError, ConnectionError) as error:
        raise store_not_usable(settings, error) from None


def store_not_usable(settings: Settings, error: Exception) -> TransportError:
    """The configured database cannot be used, and why; its address is not shown."""
    from filings.store import NewerDatabase
    from gateway.causes import cause

    failure = getattr(error, "orig", None) or error
    shown = "the PostgreSQL server" if settings.storage.database_url else str(settings.storage.database_path)
    words = cause(failure) if isinstance(failure, OSError) else str(failure).splitlines()[0].rstrip(".")
    words = words.rpartition(">: ")[2]  # the driver's own words, without the name of its class
    text = f"The database ({shown}) cannot be used: {words}."
    remedy = "Check that it runs and that storage.database_url or storage.directory is right."
    if isinstance(error, NewerDatabase):
        remedy = "Run the version of this program that made it, or a later one; a database is never taken back."
    return TransportError(Problem("store_not_usable", "storage", text, remedy), in_doubt=False)
