"""How is a gateway told where it runs, who it files for, and whom it talks to?

Rules of this module:

1. Without any configuration the gateway works, on loopback only, against the simulated CBP.
2. Later sources win: defaults, then a TOML file, then ``GATEWAY_*`` environment variables, then
   overrides given by a caller (command line options). ``GATEWAY_LISTEN__PORT=9000`` is ``[listen] port``.
3. A key that is not known is an error that names its path; nothing is ignored silently.
4. Secrets are :class:`pydantic.SecretStr`: no ``repr``, log line or documentation shows them.
5. Listening beyond loopback, and filing in production with the values of the simulator, are refused
   unless asked for in so many words.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings_base import Section, matching
from gateway.settings_sections import (
    SANDBOX_PASSWORD,
    Carrier,
    Deadlines,
    Exchange,
    FilerSettings,
    Limits,
    Listen,
    Logs,
    Partner,
    Processes,
    Retries,
    Rules,
    Storage,
)
from gateway.settings_sources import ENVIRONMENT_PREFIX, SettingsError, read_sources
from schemas.errors import Problem
from schemas.model import json_path

__all__ = ["Settings", "SettingsError", "load_settings", "settings_documentation", "settings_rows"]


class Settings(Section):
    """Everything the gateway is told from outside."""

    usage: Literal["T", "P"] = Field("T", description="`T` test or `P` production (ISA15).")
    profile: str = Field("default", min_length=1, description="Which profile of unconfirmed CBP facts is in force.")
    partner_name: str = Field("cbp", min_length=1, description="Which of `partners` filings are sent to.")
    listen: Listen = Listen()
    storage: Storage = Storage()
    exchange: Exchange = Exchange()
    partners: dict[Annotated[str, matching(r"[a-z0-9][a-z0-9_-]{0,31}", "a partner name")], Partner] = Field(
        default_factory=lambda: {"cbp": Partner()}, description="Receivers by name."
    )
    filer: FilerSettings = FilerSettings()
    carrier: Carrier = Carrier()
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()
    retries: Retries = Retries()
    rules: Rules = Rules()
    processes: Processes = Processes()
    logs: Logs = Logs()

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not self.listen.is_loopback and not self.listen.allow_remote:
            raise PydanticCustomError(
                "listens_beyond_loopback",
                "The service would be reachable from other machines at {host}.",
                {
                    "host": self.listen.host,
                    "path": "listen.host",
                    "remedy": "Use 127.0.0.1, or set listen.allow_remote = true behind a proxy that ends TLS.",
                },
            )
        if self.partner_name not in self.partners:
            raise PydanticCustomError(
                "unknown_partner",
                "No partner is called {name}.",
                {"name": repr(self.partner_name), "path": "partner_name", "remedy": "Add it under [partners]."},
            )
        if self.usage == "P" and self.filer.password.get_secret_value() == SANDBOX_PASSWORD:
            raise PydanticCustomError(
                "sandbox_password_in_production",
                "Production filing still has the simulator's password.",
                {"path": "filer.password", "remedy": "Set filer.password to the one agreed with CBP, or usage to T."},
            )
        return self

    @property
    def partner(self) -> Partner:
        """The partner that filings are sent to."""
        return self.partners[self.partner_name]

    @property
    def database_url(self) -> str:
        """What the store opens: the configured address, or the path of the embedded database. May hold a password."""
        if self.storage.database_url is not None:
            return self.storage.database_url.get_secret_value()
        return str(self.storage.database_path)

    @property
    def certificate(self) -> Path:
        """Our certificate."""
        return self.exchange.certificate or self.exchange.directory / "gateway.pem"

    @property
    def private_key(self) -> Path:
        """Our private key, kept away from the directory that partners read."""
        return self.exchange.private_key or self.storage.directory / "gateway-key.pem"

    @property
    def sftp_key(self) -> Path:
        """Our key on the partner's SFTP server, kept away from the directory that partners read."""
        return self.partner.sftp.private_key or self.storage.directory / "gateway-sftp-key"

    @property
    def sftp_public_key(self) -> Path:
        """The public half of it, laid out for the partner."""
        return self.exchange.directory / "gateway-sftp.pub"

    @property
    def sftp_host_keys(self) -> Path:
        """The keys by which the partner's SFTP server is known."""
        return self.partner.sftp.host_keys or self.exchange.directory / "sandbox-sftp.pub"

    @property
    def partner_certificate(self) -> Path:
        """The certificate of the partner that filings are sent to."""
        return self.partner.certificate or self.exchange.directory / "sandbox.pem"


def load_settings(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from defaults, file, environment and ``overrides`` (nested mapping), in that order.

    ``path`` may also come from ``GATEWAY_CONFIG``. Raises :class:`SettingsError` with every fault.
    """
    values, problems = read_sources(path, os.environ if environ is None else environ, overrides or {})
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError([*problems, *(_problem(detail) for detail in _details(error))]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _details(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False))


def _problem(detail: Mapping[str, Any]) -> Problem:
    context = detail.get("ctx") or {}
    path = str(context.get("path") or json_path(part for part in detail["loc"] if part != "[key]"))
    if detail["type"] == "extra_forbidden":
        return Problem("unknown_key", path, f"There is no setting called {path}.", _suggestion(path))
    code = "wrong_value" if detail["type"] in _PLAIN_TYPES else str(detail["type"])
    remedy = str(context.get("remedy") or "See the table of settings in the documentation.")
    return Problem(code, path, f"{str(detail['msg']).rstrip('.')}.", remedy)


_PLAIN_TYPES: Final = frozenset(
    "string_type int_parsing int_type bool_parsing bool_type float_parsing literal_error model_type dict_type "
    "greater_than greater_than_equal less_than_equal string_too_short string_too_long path_type".split()
)


def _suggestion(path: str) -> str:
    known = [row.key.replace("<name>", path.split(".")[1] if "." in path else "cbp") for row in settings_rows()]
    close = difflib.get_close_matches(path, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else "Leave it out, or see the table of settings."


class SettingRow(BaseModel):
    """One line of the documentation: key, environment variable, default as text, meaning."""

    model_config = ConfigDict(frozen=True)
    key: str
    variable: str
    default: str
    meaning: str


def settings_rows() -> list[SettingRow]:
    """Every setting there is, in the order of the file."""
    rows: list[SettingRow] = []
    for name, field in Settings.model_fields.items():
        if name == "partners":
            rows.extend(_section_rows("partners.<name>", Partner))
        elif isinstance(field.default, Section):
            rows.extend(_section_rows(name, type(field.default)))
        else:
            rows.append(_row(name, field))
    return rows


def _section_rows(prefix: str, section: type[Section]) -> list[SettingRow]:
    rows: list[SettingRow] = []
    for name, field in section.model_fields.items():
        if isinstance(field.default, Section):
            rows.extend(_section_rows(f"{prefix}.{name}", type(field.default)))
        else:
            rows.append(_row(f"{prefix}.{name}", field))
    return rows


def _row(key: str, field: Any) -> SettingRow:
    variable = ENVIRONMENT_PREFIX + key.upper().replace(".", "__").replace("<NAME>", "NAME")
    default = field.get_default(call_default_factory=True)
    if isinstance(default, SecretStr):
        shown = "(simulator's)"
    elif default is None or default in ("", {}):
        shown = ""
    else:
        shown = str(default).lower() if isinstance(default, bool) else str(default)
    return SettingRow(key=key, variable=variable, default=shown, meaning=field.description or "")


def settings_documentation() -> str:
    """The settings as a Markdown table; no secret's value appears in it."""
    lines = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    for row in settings_rows():
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.key}` | `{row.variable}` | {default} | {row.meaning} |")
    return "\n".join(lines) + "\n"
