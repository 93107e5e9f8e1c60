"""How do the settings of a partner become a connection by SFTP?

Our key is made on the first start and its public half laid out in the exchange directory. The keys the server is known
by come from ``host_key`` or from the file of them; the file is read at every connection, so both sides may start in
any order.
"""

from __future__ import annotations

import logging

import asyncssh

from gateway.settings import Settings
from gateway.transports.sftp_link import SftpLink, SftpPlace
from gateway.transports.ssh_keys import (
    HostPins,
    make_client_key,
    public_line,
    read_client_key,
    read_pins,
    read_pins_file,
)


def client_key_line(settings: Settings) -> str:
    """The public half of our key as one line, laid out for the partner; the key is made when there is none."""
    secret = settings.partner.sftp.private_key_password
    passphrase = secret.get_secret_value() if secret is not None else None
    made = settings.sftp_key.exists()
    key = read_client_key(settings.sftp_key, passphrase) if made else make_client_key(settings.sftp_key, passphrase)
    line = public_line(key)
    settings.sftp_public_key.parent.mkdir(parents=True, exist_ok=True)
    part = settings.sftp_public_key.with_name(settings.sftp_public_key.name + ".part")
    part.write_text(line + "\n", "ascii")
    part.replace(settings.sftp_public_key)
    return line


def host_pins(settings: Settings) -> HostPins:
    """The keys by which the partner's server is known now. Raises FormatError when they cannot be read."""
    sftp = settings.partner.sftp
    if sftp.host_key:
        return read_pins(sftp.host_key, sftp.host, sftp.port)
    return read_pins_file(settings.sftp_host_keys, sftp.host, sftp.port)


def open_link(settings: Settings) -> SftpLink | None:
    """The connection to the partner, not yet made; ``None`` when files travel another way."""
    if settings.partner.transport != "sftp":
        return None
    asyncssh.set_log_level(logging.WARNING)  # it tells of every connection
    sftp = settings.partner.sftp
    key = None
    if sftp.password is None or sftp.private_key is not None:
        client_key_line(settings)
        secret = sftp.private_key_password
        key = read_client_key(settings.sftp_key, secret.get_secret_value() if secret is not None else None)
    return SftpLink(
        SftpPlace(
            host=sftp.host,
            port=sftp.port,
            user=sftp.user,
            pins=lambda: host_pins(settings),
            key=key,
            password=sftp.password.get_secret_value() if sftp.password is not None else None,
            connect_seconds=sftp.connect_seconds,
            operation_seconds=sftp.operation_seconds,
        )
    )
