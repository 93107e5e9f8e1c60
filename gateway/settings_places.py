"""Which files that the settings name are not there, told all at once before anything begins?

What is ours (certificate, keys, rows of rules) must be there when it is named: nothing starts without it, and a key
that is named is never made, since a wrong name would become a new identity. What is the other side's (its certificate,
its host keys) may come later, since both sides may start in any order: it is told, and read when it appears.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.errors import Problem

if TYPE_CHECKING:
    from gateway.settings import Settings

MAKE: Final = "Put the file there, or leave the setting out: then a pair is made on first start."
MAKE_SSH: Final = "Put the file there, or leave the setting out; `gateway keys ssh` makes the pair and shows our half."
LATER: Final = "Put it there; it is read when it appears, and until then nothing goes out or comes in."


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing: ``ours`` forbids a start, ``theirs`` is told."""

    ours: tuple[Problem, ...]
    theirs: tuple[Problem, ...]


def missing_places(settings: Settings) -> Missing:
    """Every file and folder that the settings name and that cannot be used as what it is."""
    exchange, partner, name = settings.exchange, settings.partner, settings.partner_name
    ours = [
        *_file("exchange.certificate", exchange.certificate, MAKE),
        *_file("exchange.private_key", exchange.private_key, MAKE),
        *_overlay(settings.rules.overlay),
        *_folder("storage.directory", settings.storage.directory),
        *_folder("exchange.directory", exchange.directory),
    ]
    theirs: list[Problem] = []
    if partner.transport == "as2":
        theirs += _file(f"partners.{name}.certificate", settings.partner_certificate, LATER)
    if partner.transport == "directory":
        ours += _folder(f"partners.{name}.outbox", partner.outbox)
        ours += _folder(f"partners.{name}.inbox", partner.inbox)
    if partner.transport == "sftp":
        ours += _file(f"partners.{name}.sftp.private_key", partner.sftp.private_key, MAKE_SSH)
        if not partner.sftp.host_key:
            theirs += _file(f"partners.{name}.sftp.host_keys", settings.sftp_host_keys, LATER)
    return Missing(tuple(ours), tuple(theirs))


def files_missing(named: Mapping[str, Path], remedy: str) -> tuple[Problem, ...]:
    """A problem for each of the files (by the name of its setting) that is not there or cannot be read."""
    return tuple(problem for name, path in named.items() for problem in _file(name, path, remedy))


def _file(name: str, path: Path | None, remedy: str) -> Iterator[Problem]:
    if path is None:
        return
    where = path.absolute()
    if not where.exists():
        yield Problem("no_such_file", name, f"There is no file {where}.", remedy)
    elif not where.is_file():
        yield Problem("not_a_file", name, f"{where} is a folder, not a file.", "Name the file in it.")
    elif not os.access(where, os.R_OK):
        yield Problem("unreadable_file", name, f"{where} may not be read by us.", "Give us the right to read it.")


def _overlay(path: Path | None) -> Iterator[Problem]:
    if path is not None and not path.exists():
        text = f"There is no file or folder {path.absolute()}."
        yield Problem("no_such_file", "rules.overlay", text, "Name the file or folder of your own rows.")


def _folder(name: str, path: Path | None) -> Iterator[Problem]:
    """A folder may be missing, since it is made; something else must not stand in its place."""
    if path is not None and path.exists() and not path.is_dir():
        yield Problem("not_a_folder", name, f"{path.absolute()} is a file, not a folder.", "Name a folder.")
