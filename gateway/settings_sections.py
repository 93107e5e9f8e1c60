"""What can be set, group by group: each value with its default, its bounds and one sentence of meaning?

The defaults run on loopback against the simulated CBP. What concerns several groups is checked in
:mod:`gateway.settings`, which reads them; the descriptions become the page of settings.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings_base import Section, matching
from gateway.settings_sftp import SftpPartner
from schemas.identifiers import FILER_CODE, importer_number_fault
from schemas.shipment import ImporterOfRecord

if TYPE_CHECKING:
    from filings.deadlines import Patience

SANDBOX_PASSWORD: Final = "SANDBX"  # noqa: S105 - not a secret: the simulator's documented password


def _filer_code(value: str) -> str:
    if not FILER_CODE.fullmatch(value):
        raise PydanticCustomError("wrong_shape", "{value} is not a filer code.", {"value": repr(value)})
    return value


def _importer(value: ImporterOfRecord) -> ImporterOfRecord:
    if fault := importer_number_fault(value.number, value.number_type):
        raise PydanticCustomError("wrong_importer_number", "{fault}", {"fault": fault})
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        well_formed = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise PydanticCustomError("not_a_url", "{value} is not an http or https address.", {"value": repr(value)})
    return value


def _web_address_or_none(value: str) -> str:
    return _web_address(value) if value else value


def _store_address(value: SecretStr) -> SecretStr:
    if value.get_secret_value().split("://", 1)[0] not in {"postgresql+asyncpg", "sqlite"}:
        raise PydanticCustomError(
            "not_a_store_address",
            "The address of the database has a form that is not supported.",
            {"remedy": "Write it like postgresql+asyncpg://user:password@host/name."},
        )
    return value


Scac = Annotated[str, matching(r"[A-Z]{2,4}", "a SCAC of two to four capitals")]
Port = Annotated[str, matching(r"\d{4}", "a four-digit Schedule D port")]
As2Name = Annotated[str, matching(r"[\x20-\x7e]{1,128}", "an AS2 name of 1 to 128 printable characters")]
Url = Annotated[str, AfterValidator(_web_address)]


class Listen(Section):
    """Where the HTTP service listens."""

    host: str = Field("127.0.0.1", description="Address to listen on; anything but loopback needs `allow_remote`.")
    port: int = Field(8470, ge=0, le=65535, description="TCP port; 0 takes any free one.")
    allow_remote: bool = Field(
        default=False, description="Permit listening beyond loopback. Put a TLS proxy in front: the service has no TLS."
    )

    @property
    def is_loopback(self) -> bool:
        """Whether ``host`` can only be reached from this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


class Storage(Section):
    """Where everything that must not be lost is kept."""

    directory: Path = Field(Path("var/gateway"), description="Data directory: the embedded database and our keys.")
    database_url: Annotated[SecretStr, AfterValidator(_store_address)] | None = Field(
        None,
        description="PostgreSQL instead of the embedded database: `postgresql+asyncpg://user:password@host/name`.",
    )
    lock_seconds: float = Field(
        10.0,
        gt=0,
        le=60,
        description="How long another process may hold the embedded database locked (a backup, a shell) before what is "
        "asked is refused for now (503).",
    )

    @property
    def database_path(self) -> Path:
        """The embedded database, used when no ``database_url`` is given."""
        return self.directory / "gateway.db"


class Exchange(Section):
    """Certificates that partners give each other, and our own identity on the wire."""

    directory: Path = Field(
        Path("var/exchange"), description="Where certificates are laid out: ours `gateway.pem`, theirs `sandbox.pem`."
    )
    as2_name: As2Name = Field("GATEWAY", description="Our AS2 name (`AS2-From` of what we send).")
    certificate: Path | None = Field(
        None,
        description="Our certificate. A file that is named has to be there; by default `gateway.pem` in the exchange "
        "directory, made on first start.",
    )
    private_key: Path | None = Field(
        None,
        description="Our private key. A file that is named has to be there; by default `gateway-key.pem` in the data "
        "directory, made on first start.",
    )
    private_key_password: SecretStr | None = Field(None, description="Password of the private key, if it has one.")


class Partner(Section):
    """One receiver of filings and how it is reached."""

    transport: Literal["as2", "directory", "sftp"] = Field("as2", description="How: `as2`, `directory` or `sftp`.")
    url: Url = Field("http://127.0.0.1:8471/as2", description="Where AS2 messages are posted.")
    as2_name: As2Name = Field("CBP-SANDBOX", description="The partner's AS2 name.")
    certificate: Path | None = Field(
        None, description="The partner's certificate; by default `sandbox.pem` in the exchange directory."
    )
    encrypt: bool = Field(default=True, description="Encrypt what is sent.")
    compress: bool = Field(default=False, description="Compress what is sent.")
    timeout_seconds: float = Field(60.0, gt=0, le=3600, description="Longest wait for the answer after sending.")
    receipt_url: Annotated[str, AfterValidator(_web_address_or_none)] = Field(
        "",
        description="AS2: where the partner posts its receipts (asynchronous): the address, as it sees it, at which "
        "our `/as2` is reached. Empty: receipts come in its answers (synchronous).",
    )
    receipt_wait_seconds: float = Field(
        300.0,
        gt=0,
        le=86_400,
        description="AS2: how long a receipt may take to come to `receipt_url` before the same bytes are sent again.",
    )
    outbox: Path | None = Field(None, description="Directory transport: where files for the partner are put.")
    inbox: Path | None = Field(None, description="Directory transport: where files of the partner are found.")
    sftp: SftpPartner = SftpPartner()

    @model_validator(mode="after")
    def _directories(self) -> Self:
        if self.transport == "directory" and None in (self.outbox, self.inbox):
            raise PydanticCustomError("missing", "The directory transport needs both outbox and inbox.")
        return self


class FilerSettings(Section):
    """Who makes entries: the broker's filer identity (CATAIR A, B and SE10 records)."""

    code: Annotated[str, AfterValidator(_filer_code)] = Field("XYZ", description="Filer code given by CBP.")
    port: Port = Field("0901", description="Port of the filer's B record.")
    office: Annotated[str, matching(r"[A-Z0-9]{0,2}", "an office code")] = Field(
        "", description="Filer office code, if CBP gave one."
    )
    site: Annotated[str, matching(r"[A-Z0-9]{4}", "a four-character site code")] = Field(
        "0901", description="Sender site code of the A record."
    )
    password: SecretStr = Field(SecretStr(SANDBOX_PASSWORD), description="Communication password of the A record.")
    contact_name: str = Field("BROKER DESK", min_length=1, max_length=35, description="Whom CBP may ask.")
    contact_phone: Annotated[str, matching(r"\d{10,15}", "a phone number of 10 to 15 digits")] = Field(
        "7165550100", description="Phone of the contact, digits only."
    )
    bond_type: Literal["0", "8", "9"] = Field(
        "8", description="Bond on entries: `0` none, `8` continuous, `9` single transaction."
    )
    default_importer: Annotated[ImporterOfRecord, AfterValidator(_importer)] | None = Field(
        None, description="Importer of record for shipments that name none: a table of name, number, number_type."
    )


class Carrier(Section):
    """Who drives: the carrier's identifiers on the manifest."""

    scac: Scac = Field("SFIC", description="The carrier's SCAC.")
    sender_qualifier: Literal["02", "ZZ"] = Field("02", description="ISA05: `02` SCAC or `ZZ` mutually defined.")
    sender_id: str | None = Field(None, max_length=15, description="ISA06 and GS02; by default the SCAC.")
    receiver_qualifier: Literal["02", "ZZ"] = Field("ZZ", description="ISA07.")
    receiver_id: str = Field("CBP-ACE-TEST", min_length=2, max_length=15, description="ISA08 and GS03, given by CBP.")

    @property
    def sender(self) -> str:
        """What stands in ISA06: ``sender_id``, or the SCAC."""
        return self.sender_id or self.scac


class Limits(Section):
    """How much is put into one thing."""

    bills_per_manifest: int = Field(9999, ge=1, le=9999, description="Most bills in one manifest message.")
    entries_per_transmission: int = Field(500, ge=1, le=5000, description="Most entries in one transmission.")
    shipments_per_step: int = Field(500, ge=1, le=5000, description="Shipments staged or planned in one transaction.")


class Deadlines(Section):
    """When silence becomes an alert."""

    receipt_minutes: int = Field(15, ge=1, description="A transmission without receipt.")
    response_minutes: int = Field(60, ge=1, description="A filing without CBP's answer.")
    before_arrival_minutes: int = Field(60, ge=1, description="A manifest must be accepted this long before arrival.")
    doubt_minutes: int = Field(30, ge=1, description="A transmission of which we do not know whether CBP has it.")
    review_minutes: int = Field(240, ge=1, description="A filing that CBP has under review.")
    border_minutes: int = Field(
        120, ge=1, description="A truck that was due, or goods that are at the border, without a word of CBP."
    )
    summary_days: int = Field(
        2, ge=0, le=10, description="Working days ahead that an entry summary is told of; it is due ten after release."
    )

    @property
    def patience(self) -> Patience:
        """The same as spans of time."""
        from filings.deadlines import Patience  # here: most commands need no filings

        return Patience(
            receipt=timedelta(minutes=self.receipt_minutes),
            answer=timedelta(minutes=self.response_minutes),
            before_arrival=timedelta(minutes=self.before_arrival_minutes),
            doubt=timedelta(minutes=self.doubt_minutes),
            review=timedelta(minutes=self.review_minutes),
            border=timedelta(minutes=self.border_minutes),
            summary_ahead=self.summary_days,
        )


class Retries(Section):
    """How a declaration goes again that CBP could not process for a failure of its own."""

    first_minutes: int = Field(5, ge=1, description="The pause before the first time; it doubles.")
    longest_minutes: int = Field(20, ge=1, description="The longest pause.")
    give_up_minutes: int = Field(60, ge=1, description="How long it is tried before a person is told to call CBP.")


class Rules(Section):
    """How much stricter than the law this filer wants to be."""

    overlay: Path | None = Field(
        None,
        description="File or folder with rows of your own, which may only deny, limit, require, warn or inform, and "
        "severities (`[severity]`).",
    )
    severity: dict[str, Literal["error", "warning", "off"]] = Field(
        default_factory=dict,
        description="Severity of advisory checks by id: `error` (about a shipment: it goes to review; about the "
        "trip: the trip is refused when it is filed; about shipments together: the later one is refused when it is "
        "staged), `warning` or `off`. `gateway rules list --advice` names them.",
    )


class Processes(Section):
    """How several gateways on one database tell that one of them has died or stands still."""

    lease_seconds: float = Field(
        180.0,
        gt=0,
        le=3600,
        description="How long a process may be silent before another takes its work over; a message that is being "
        "sent has the partner's `timeout_seconds` on top. The clocks of the machines must agree to within it.",
    )
    stalled_seconds: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="PostgreSQL: how long a transaction may stand still before the server ends it. A process that is "
        "paused in the middle of one keeps the others waiting for so long.",
    )

    @property
    def lease(self) -> timedelta:
        """``lease_seconds`` as a span."""
        return timedelta(seconds=self.lease_seconds)


class Logs(Section):
    """What is written to standard error."""

    format: Literal["auto", "json", "console"] = Field(
        "auto", description="`json`, `console`, or `auto`: console at a terminal, JSON elsewhere."
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity shown.")
