"""``gateway keys ssh`` and ``gateway keys host``: our key for the partner's SFTP server, and its keys for us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.options import ConfigOption, JsonOption
from gateway.cli.output import Output, make_table, plain
from schemas.errors import Problem, TransportError

if TYPE_CHECKING:
    import asyncssh

    from gateway.settings_sftp import SftpPartner


def ssh(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the public key we log in with by SFTP, for the partner; it is made when there is none.

    Example: gateway keys ssh --config gateway.toml
    """
    import asyncssh

    from gateway.settings import load_settings
    from gateway.sftp_road import client_key_line

    settings = load_settings(config)
    output = Output(as_json)
    line = client_key_line(settings)
    fingerprint = asyncssh.import_public_key(line).get_fingerprint("sha256")
    if as_json:
        output.document(
            {
                "public_key": line,
                "fingerprint": fingerprint,
                "private_key": settings.sftp_key,
                "file": settings.sftp_public_key,
            }
        )
        return
    output.say("Give this line to the partner:")
    output.say(line, "bold")
    output.say(f"fingerprint {fingerprint}")
    output.say(f"private key {settings.sftp_key}; public key also in {settings.sftp_public_key}", "dim")


def host(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the keys that the partner's SFTP server offers, and whether we know it by one. Nothing is written down.

    Compare the fingerprint with what the partner told you by another way, then set it as sftp.host_key.

    Example: gateway keys host --config gateway.toml
    """
    import asyncio

    from gateway.settings import load_settings
    from gateway.sftp_road import host_pins

    settings = load_settings(config)
    output = Output(as_json)
    sftp = settings.partner.sftp
    pins = host_pins(settings)
    offered = asyncio.run(_offered(sftp))
    if not offered:
        text = f"Nothing at {sftp.host}:{sftp.port} shows a host key."
        remedy = "Check sftp.host and sftp.port, and that the server runs."
        raise TransportError(Problem("sftp-not-connected", "partners.sftp", text, remedy), in_doubt=False)
    shown: list[dict[str, Any]] = [
        {"algorithm": key.get_algorithm(), "fingerprint": key.get_fingerprint("sha256"), "known": pins.holds(key)}
        for key in offered
    ]
    known = any(one["known"] for one in shown)
    if as_json:
        output.document({"host": sftp.host, "port": sftp.port, "keys": shown, "known": known})
    else:
        table = make_table(f"Host keys of {sftp.host}:{sftp.port}")
        for column in ("kind", "fingerprint", "known to us"):
            table.add_column(column, no_wrap=True)
        for one in shown:
            table.add_row(plain(str(one["algorithm"])), str(one["fingerprint"]), "yes" if one["known"] else "no")
        output.show(table)
        if not known:
            output.say("Known to us: " + (pins.shown() or "none"))
    raise typer.Exit(0 if known else 1)


async def _offered(sftp: SftpPartner) -> list[asyncssh.SSHKey]:
    """One key of each kind that the server has; nothing is told to it."""
    import asyncio

    import asyncssh

    from gateway.transports.sftp_link import KINDS_OF_HOST_KEYS

    found: list[asyncssh.SSHKey] = []
    for kinds in KINDS_OF_HOST_KEYS:
        try:
            async with asyncio.timeout(sftp.connect_seconds):
                key = await asyncssh.get_server_host_key(sftp.host, sftp.port, server_host_key_algs=kinds, config=None)
        except (OSError, TimeoutError, asyncssh.Error):
            continue
        if key is not None and key not in found:
            found.append(key)
    return found
