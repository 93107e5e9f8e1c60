"""``gateway keys``: who may call the service, and as what? By which keys do we and an SFTP server know each other?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.database import in_store
from gateway.cli.keys_ssh import host, ssh
from gateway.cli.options import ConfigOption, JsonOption
from gateway.cli.output import Output, make_table, plain
from schemas.errors import Conflict, NotFound, Problem, ShipmentError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from filings.identity import ApiKey

SHORTEST = 4
"""Characters of an id that name a key at least."""
ROLES = ("broker", "dispatch", "auditor", "integration", "admin")

app = typer.Typer(
    help="API keys: make, list, revoke. Keys for SFTP: ssh, host.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("ssh")(ssh)
app.command("host")(host)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who the key is for.")],
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.", metavar="ROLE")],
    licensed: Annotated[bool, typer.Option("--licensed", help="A broker with a customs broker licence.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once and kept only as a hash.

    Example: gateway keys create "Buffalo desk" --role broker --licensed
    """
    from filings.identity import Role, create_key

    output = Output(as_json)
    if role not in ROLES:
        raise typer.BadParameter(f"{role!r} is not one of {', '.join(ROLES)}.", param_hint="--role")
    now = datetime.now(UTC)
    try:
        key, secret = in_store(config, lambda conn: create_key(conn, name, Role(role), now=now, licensed=licensed))
    except ValueError as error:
        text = f"{str(error)[:1].upper()}{str(error)[1:]}."
        raise ShipmentError(Problem("wrong_key", "", text, "See `gateway keys create --help`.")) from None
    if as_json:
        output.document(_shown(key) | {"key": secret})
        return
    output.say(f"Key for {key.name} ({_role(key)}), shown this once:")
    output.say(secret, "bold")
    output.say(f"Revoke it with: gateway keys revoke {key.id}", "dim")


@app.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every key ever made, oldest first; the keys themselves are kept nowhere.

    Example: gateway keys list
    """
    from filings.identity import list_keys

    output = Output(as_json)
    found = in_store(config, list_keys)
    if as_json:
        output.document({"keys": [_shown(key) for key in found]})
        return
    table = make_table(f"{len(found)} key{'' if len(found) == 1 else 's'}")
    table.add_column("id", no_wrap=True)
    columns = {
        "name": [plain(key.name) for key in found],
        "role": [_role(key) for key in found],
        "made (UTC)": [_at(key.created_at) for key in found],
        "last used (UTC)": [_at(key.last_used_at) for key in found],
        "revoked (UTC)": [_at(key.revoked_at) for key in found],
    }
    shown = {title: cells for title, cells in columns.items() if any(cells) or title == "made (UTC)"}
    for title in shown:
        table.add_column(title)
    for key, *cells in zip(found, *shown.values(), strict=True):
        table.add_row(key.id, *cells)
    output.show(table)


@app.command()
def revoke(
    identifier: Annotated[str, typer.Argument(help="The id of the key, or its beginning.", metavar="ID")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key for good. The beginning of its id is enough where no other key begins so.

    Example: gateway keys revoke 0199c0de-0000-7000-8000-000000000000
    """
    output = Output(as_json)
    now = datetime.now(UTC)
    revoked = in_store(config, lambda conn: _revoke(conn, identifier, now))
    if as_json:
        output.document({"id": revoked, "revoked_at": now})
    else:
        output.say(f"Revoked {revoked}.")


def _revoke(conn: Connection, beginning: str, now: datetime) -> str:
    """Revoke the one key whose id begins so; its whole id. No other key may begin so, not even a revoked one."""
    from filings.identity import list_keys, revoke_key

    found = [key.id for key in list_keys(conn) if key.id.startswith(beginning.lower())]
    if len(beginning) < SHORTEST or not found:
        text = f"There is no key whose id begins with {beginning[:40]!r}."
        remedy = f"See `gateway keys list`; give at least {SHORTEST} characters."
        raise NotFound(Problem("key_unknown", "ID", text, remedy))
    if len(found) > 1:
        text = f"The ids of {len(found)} keys begin with {beginning!r}."
        raise Conflict(Problem("key_ambiguous", "ID", text, "Give more of the id; see `gateway keys list`."))
    if not revoke_key(conn, found[0], now):
        text = f"The key {found[0]} has been revoked before."
        raise NotFound(Problem("key_unknown", "ID", text, "See `gateway keys list`."))
    return found[0]


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "licensed": key.licensed,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _role(key: ApiKey) -> str:
    return f"{key.role.value}, licensed" if key.licensed else key.role.value


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
