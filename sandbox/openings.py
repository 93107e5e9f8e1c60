"""Where may a file come in, and who may bring it? Every door that is open and every filer that is known, in words: for
the lines with which a sandbox starts, for ``ports.json`` and for the console.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.doors.directory_door import places_of
from sandbox.doors.sftp_door import Account, read_accounts
from sandbox.settings import Settings


@dataclass(frozen=True, slots=True)
class FilerDoors:
    """One filer: its books, the certificate that is expected of it, where its answers are posted (empty: nowhere), its
    SFTP accounts as (user, how it logs in), and the folder that holds its ``in`` and ``out``.
    """

    name: str
    books: str
    certificate: Path
    answers: str = ""
    accounts: tuple[tuple[str, str], ...] = ()
    directory: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        shown: dict[str, Any] = {"name": self.name, "books": self.books, "certificate": str(self.certificate)}
        if self.answers:
            shown["answers"] = self.answers
        if self.accounts:
            shown["sftp"] = [{"user": user, "login": login} for user, login in self.accounts]
        return shown if self.directory is None else shown | {"directory": str(self.directory)}

    def sentence(self) -> str:
        """The same for people, without the name."""
        parts = [f"certificate {self.certificate}{'' if self.certificate.exists() else ' (not there yet)'}"]
        if self.answers:
            parts.append(f"AS2 answers to {self.answers}")
        parts += [f"SFTP as {user}, {login}" for user, login in self.accounts]
        if self.directory is not None:
            parts.append(f"folders {self.directory / 'in'} and out")
        return f"{'; '.join(parts)}; books {self.books}"


def filer_doors(settings: Settings, *, sftp: bool) -> tuple[FilerDoors, ...]:
    """Every filer with its doors; ``sftp``: whether that door is open. Raises SettingsError."""
    accounts = list(read_accounts(settings, Path()).values()) if sftp else []
    places = places_of(settings)
    return tuple(
        FilerDoors(
            filer.name,
            filer.books or filer.name,
            filer.certificate,
            filer.url,
            tuple((one.user, _login(one)) for one in accounts if one.filer == filer.name),
            places[filer.name].root if filer.name in places else None,
        )
        for filer in settings.all_filers()
    )


def sentences(settings: Settings, filers: tuple[FilerDoors, ...]) -> list[str]:
    """What a sandbox says of its directory door and its filers when it starts."""
    lines = []
    if any(one.directory is not None for one in filers):
        signed = "each file with its signature, NAME.p7s, first" if settings.directory_signed else "without signatures"
        lines.append(f"directory door: write NAME.part into in and rename it; {signed}")
    return lines + [f"filer {one.name}: {one.sentence()}" for one in filers]


def _login(account: Account) -> str:
    if account.keys is None:
        return "with its password"
    return f"with a key of {account.keys}{'' if account.keys.exists() else ' (not there yet)'}"
