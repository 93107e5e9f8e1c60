"""``gateway db``: is the database at this program's version? And: how do commands reach the store directly?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

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
def upgrade(
    config: ConfigOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data directory, over the settings.", file_okay=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the database to this program's version, make it if there is none; says which one it is.

    Example: gateway db upgrade --config gateway.toml
    """
    from filings.store.migrations import current_revision
    from gateway.settings import load_settings

    output = Output(as_json)
    overrides = {"storage": {"directory": str(data)}} if data is not None else None
    where, version = in_store(config, lambda conn: (conn.dialect.name, current_revision(conn)), overrides)
    shown = named(load_settings(config, overrides=overrides))
    if as_json:
        output.document({"database": where, "at": shown, "version": version})
    else:
        output.say(f"{where}, {shown}: version {version}")


def named(settings: Settings) -> str:
    """How the configured database is called; an address is not shown, it may hold a password."""
    return "the PostgreSQL server" if settings.storage.database_url else str(settings.storage.database_path)


def in_store(config: Path | None, work: Callable[[Connection], T], overrides: Mapping[str, Any] | None = None) -> T:
    """Run ``work`` in one transaction of the configured store, brought up to date first.

    Raises :class:`TransportError` ``store_not_usable``, without the address: it may hold a password.
    """
    import asyncio

    from sqlalchemy.exc import DBAPIError

    from filings.store import Store, StoreError
    from gateway.settings import load_settings

    settings = load_settings(config, overrides=overrides)

    async def run() -> T:
        async with await Store.open(settings.database_url) as store:
            return await store.write(work)

    try:
        return asyncio.run(run())
    except (StoreError, DBAPIError, ConnectionError) as error:
        raise store_not_usable(settings, error) from None


def store_not_usable(settings: Settings, error: BaseException) -> TransportError:
    """The configured database cannot be used, and why; its address is not shown."""
    from filings.store import NewerDatabase, StoreAway
    from gateway.causes import cause

    if isinstance(error, StoreAway) and error.__cause__ is not None:
        error = error.__cause__
    failure = getattr(error, "orig", None) or error
    shown = named(settings)
    words = cause(failure) if isinstance(failure, OSError) else str(failure).splitlines()[0].rstrip(".")
    words = words.rpartition(">: ")[2]  # the driver's own words, without the name of its class
    text = f"The database ({shown}) cannot be used: {words}."
    remedy = "Check that it runs and that storage.database_url or storage.directory is right."
    if isinstance(error, NewerDatabase):
        remedy = "Run the version of this program that made it, or a later one; a database is never taken back."
    return TransportError(Problem("store_not_usable", "storage", text, remedy), in_doubt=False)
