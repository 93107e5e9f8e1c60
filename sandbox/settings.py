"""How is a sandbox set up? Doors and behaviour; defaults, then a TOML file, then ``SANDBOX_*`` in the environment.

``Behaviour`` holds every switch of CBP's conduct that the reference documents leave unsure, with the default stated
here. A key of either
dataclass may stand in the file (behaviour under ``[behaviour]``) and in the environment (``SANDBOX_ANSWER_DELAY=2``).
"""

from __future__ import annotations

import os
import random
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from sandbox.clock import FIRST, LAST, ClockError, instant, read_speed
from sandbox.registry import Bond, Importer, RegistryError, read_rows
from sandbox.truck.behaviour import TruckBehaviour

MOST_DAYS: Final = 3_652
MOST_SECONDS: Final = MOST_DAYS * 86_400
"""What a switch of time may say at most: ten years."""


@dataclass(frozen=True, slots=True)
class Span:
    """A number of seconds between two, drawn from a seed and the number of what takes it: ``60-120``."""

    least: float
    most: float

    def drawn(self, seed: int, number: str) -> float:
        """The same seconds for the same seed and number."""
        return random.Random(f"{seed}:{number}").uniform(self.least, self.most)  # noqa: S311 - repeatable on purpose


@dataclass(frozen=True, slots=True)
class Behaviour(TruckBehaviour):
    """CBP's conduct; the switches of the truck side stand in its base. Seconds are seconds of the sandbox's clock."""

    seed: int = 0
    """What is drawn (times of answers) follows from it and the number of the file."""
    answer_delay: float | Span = 0.0
    """Seconds from receipt to the direct answers, and between later steps; ``"60-120"``: drawn for each file between
    these (the reference sheets say 60 to 120 s).
    """
    hold_seconds: float = 1800.0
    exam_seconds: float = 1800.0
    late_seconds: float = 600.0
    revoke_seconds: float = 60.0
    garble_seconds: float = 60.0
    shuffle_seconds: float = 600.0
    """How long statuses of what is marked SHUFFLE are held back at most, so that later ones can pass."""
    agency_seconds: float = 1800.0
    """Time an agency takes to let go what is marked AGENCY."""
    agency_review_seconds: float = 0.0
    """Time an agency takes to look at the data of any other entry; it has no objection."""
    prior_notice_qualifier: str = "06"
    """Qualifier of a prior notice number in SO71; seen once in a third party's test, unsure."""
    unmatched_first_days: int = 30
    unmatched_last_days: int = 60
    """Days without a bill match after which an entry is reminded (26, 28)."""
    cancel_notice_days: int = 7
    """Days from the warning (25, told with 28) to the cancellation of an entry without its bills."""
    release_ahead: bool = False
    """Release entries as soon as they are admissible, for the day their truck is expected (98 with origin 02)."""
    cut_over_releases: bool = True
    """When the law changes, suspend the releases (99) of type 86 entries whose truck has not come."""
    cut_over_admissible: bool = False
    """When the law changes, tell type 86 entries that are not released yet as well (29 or 33); they hear of it at the
    arrival otherwise.
    """
    review_seconds: float = 60.0
    """Time for a human to look at a correction or cancellation request (SX 04)."""
    repeat_dispositions: bool = True
    """Each SO repeats the dispositions that hold beside the new ones (recalled); false: it tells the new ones alone."""
    query_output_limit: int = 99_999
    """Records of one block of a C1 at most; beyond it every query of the block fails (CSMS 42072893)."""
    status_batch: int = 500
    """Statuses (X4 loops, SO transactions) in one file at most."""
    arrive_at_eta: bool = True
    """A truck whose estimated arrival was still ahead when its manifest came arrives at that time."""
    profile: str = "default"
    """Profile of unconfirmed facts (``schemas.profile``): places, layouts of K1 and K3, placeholder codes, as the
    gateway's.
    """
    receiver_ids: tuple[str, ...] = ()
    """Receiver identifiers answered to (ISA08); empty: any."""
    catair_senders: tuple[str, ...] = ()
    """``SITE/ID/PASSWORD`` allowed in A records; empty: any."""
    batches_in_file: int = 1_000
    """Batches of one file at most: each has an answer of its own. The guide allows several and names no number."""
    filer_codes: tuple[str, ...] = ()
    """Filer codes on file; empty: any well-formed one."""
    ftz_admissions_on_file: tuple[str, ...] = ()
    """FTZ admissions that a cancellation may name as its replacement (RSN 17 otherwise); empty: any."""
    check_line_values: bool = True
    """SE90 119 when SE10's value is below the sum of its lines; reports conflict on whether it was retired in June
    2026.
    """
    unknown_importers: str = "accept"
    """``accept``: any importer number of the right form is on file unless the books say otherwise; ``reject``: only
    those in the books (``[[importer]]``).
    """
    unknown_bonds: str = "accept"
    """``accept``: a bond that is claimed exists unless the books hold one for the importer that says otherwise;
    ``reject``: only those in the books (``[[bond]]``).
    """
    unconfirmed_codes: bool = True
    """Give SE90 codes whose number is deduced (015 to 021, 031, 036) or whose pairing with SE90 is recalled (P01 to
    P54); false: the text alone.
    """
    cargo_syntax_faults: str = "batch"
    """Whether faults of the record order in SE come back as X0 and X1 (``batch``) or as SE90 (``record``): the chapter
    does not say.
    """
    contact_on_update: bool = True
    """SE13 is demanded of action U, as its usage map has it; note 1 of SE10 leaves it out."""
    buyer_on_informal: bool = False
    """A buyer (BY) is demanded on entry type 11; the chapter says conditional."""
    bond_on_informal: bool = False
    """A bond is demanded on entry type 11; documents conflict for goods that were de minimis before."""
    description_required: bool = False
    """SE40 11-80 is demanded; the layout says optional, practice takes it for mandatory."""
    self_certification: bool = False
    """SE20 takes the qualifier SCE, which only the summary's chapter lists so far."""
    check_block_district: bool = True
    """SE90 Z06 when an entry's port is of another district than the block's: batch control says so of entries and
    summaries alike, but "generally". A summary gets B10 in any case.
    """
    summary_syntax_faults: str = "E1"
    """Faults of the record order in AE come back as E1, as its chapter says, or as X0 and X1 (``X1``)."""
    summary_deleted_code: str = "Z97"
    """E1 code of ENTRY SUMMARY DELETED; no document prints it (997 is plausible)."""
    summary_rejected_code: str = "Z96"
    """E1 code of TRANSACTION DATA REJECTED; no document prints it (998 is plausible)."""
    summary_type_must_match: bool = True
    """E1 B67 when summary and cargo release differ in entry type; the dictionary prints it for types 3n and 51."""

    def __post_init__(self) -> None:
        TruckBehaviour.__post_init__(self)
        for one in fields(self):
            most = MOST_SECONDS if one.name.endswith("_seconds") else MOST_DAYS if one.name.endswith("_days") else None
            if most is not None and not 0 <= getattr(self, one.name) <= most:
                raise SettingsError(f"{one.name}: {getattr(self, one.name)!r} is not a number from 0 to {most:,}")
        delay = self.answer_delay
        if not 0 <= (delay.most if isinstance(delay, Span) else delay) <= MOST_SECONDS:
            raise SettingsError(f"answer_delay: no answer takes more than {MOST_SECONDS:,} seconds (ten years)")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise SettingsError(f"{name}: {getattr(self, name)!r} is none of {', '.join(allowed)}")


_CHOICES: Final = {
    "unknown_importers": ("accept", "reject"),
    "unknown_bonds": ("accept", "reject"),
    "cargo_syntax_faults": ("batch", "record"),
    "summary_syntax_faults": ("E1", "X1"),
}
"""What a switch that is a word may say."""


@dataclass(frozen=True, slots=True)
class Filer:
    """One filer: its AS2 name (also its name in the books), certificate, where its answers are posted, its books, and
    the directory that holds its folders (``directory``, instead of one under ``directory_root``).

    Filers that name the same ``books`` share them, as a carrier and its broker do at CBP; without a name a filer has
    books of its own.
    """

    name: str
    certificate: Path
    url: str = ""
    books: str = ""
    receipts: str = ""
    """How it gives receipts for answers: ``sync``, ``async``; empty: as the setting ``receipts``."""
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Doors, places and the clock a sandbox starts with."""

    data_dir: Path = Path("var/sandbox")
    exchange_dir: Path = Path("var/exchange")
    memory: bool = False
    host: str = "127.0.0.1"
    as2_port: int = 8471
    control_port: int = 8472
    gateway_url: str = "http://127.0.0.1:8470/as2"
    as2_name: str = "CBP-SANDBOX"
    gateway_as2_name: str = "GATEWAY"
    receipts: str = "sync"
    """Receipts asked for answers: ``sync``, in the filer's answer; ``async``, posted to us."""
    receipt_url: str = ""
    """Where filers post them; empty: the AS2 door's own address."""
    require_signed: bool = True
    require_encrypted: bool = True
    body_limit: int = 16 * 1024 * 1024
    """Bytes of one AS2 message; CBP's own ocean limit is 12 MB."""
    upload_seconds: float = 120.0
    """Real seconds in which the body of an AS2 message must have come."""
    sftp_port: int = -1
    """Port of the SFTP door; 0: a free one; -1: there is no SFTP door."""
    sftp_accounts: tuple[str, ...] = ()
    """Who may log in by SFTP: ``USER/FILER/PASSWORD``, or ``USER/FILER/@FILE`` with public keys; empty: ``gateway``,
    filer ``gateway_as2_name``, with the key in ``gateway-sftp.pub`` of the exchange folder.
    """
    sftp_quota: int = 256 * 1024 * 1024
    """Bytes and ``sftp_files`` files that one filer may leave unfinished in ``in``, and that wait for it in ``out``
    (also of the directory door).
    """
    sftp_files: int = 10_000
    directory_root: str = ""
    """Where the folders ``FILER/in`` and ``FILER/out`` of the directory door are; empty: only filers with a
    ``directory`` of their own have some.
    """
    directory_signed: bool = True
    """Whether a file in a directory needs its filer's signature beside it (``NAME.p7s``), and an answer gets ours."""
    directory_poll: float = 0.2
    """Real seconds between two looks into a filer's folder."""
    clock: str = ""
    """ISO instant the clock starts at; empty: real time, or where the books left it."""
    frozen: bool = False
    speed: float = 1.0
    """Seconds of the sandbox's clock in a real second, from 0.1 to 100,000; of a clock that is started."""
    send_timeout: float = 20.0
    retry_first: float = 0.2
    retry_longest: float = 30.0
    """Back-off in real seconds while the gateway cannot be reached."""
    log_level: str = "INFO"
    filers: tuple[Filer, ...] = ()
    """``[[filer]]`` tables of the settings file; none: one filer, ``gateway_as2_name`` at ``gateway_url``."""
    importers: tuple[Importer, ...] = ()
    bonds: tuple[Bond, ...] = ()
    """``[[importer]]`` and ``[[bond]]`` tables of the settings file; put into every set of books at each start."""
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def own_certificate(self) -> Path:
        """Where the sandbox publishes its certificate."""
        return self.exchange_dir / "sandbox.pem"

    @property
    def sftp_host_keys(self) -> Path:
        """Where the sandbox publishes the key of its SFTP door."""
        return self.exchange_dir / "sandbox-sftp.pub"

    @property
    def gateway_sftp_key(self) -> Path:
        """Where the gateway publishes the key it logs in with."""
        return self.exchange_dir / "gateway-sftp.pub"

    @property
    def gateway_certificate(self) -> Path:
        """Where the gateway publishes its certificate."""
        return self.exchange_dir / "gateway.pem"

    def all_filers(self) -> tuple[Filer, ...]:
        """The filers there are; the first one's books are the main ones."""
        return self.filers or (Filer(self.gateway_as2_name, self.gateway_certificate, self.gateway_url),)


_T = TypeVar("_T", Settings, Behaviour)


class SettingsError(ValueError):
    """A settings file or an environment variable that cannot be used; the message names the key."""


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Defaults, then ``path``, then ``SANDBOX_*`` variables, then ``overrides`` (``None`` means not given)."""
    environment = os.environ if environment is None else environment
    outer: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    read: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: {error}") from error
        inner.update(table.pop("behaviour", {}))
        read["filers"] = _read_filers(table.pop("filer", []), path)
        try:
            read["importers"] = read_rows(table.pop("importer", []), Importer, "importer")
            read["bonds"] = read_rows(table.pop("bond", []), Bond, "bond")
        except RegistryError as error:
            raise SettingsError(f"{path}: {error}") from error
        outer.update(table | {k: str(path.parent / table[k]) for k in _PLACES if isinstance(table.get(k) or 0, str)})
    known = {f.name for f in fields(Settings)} - {"behaviour", "filers", "importers", "bonds"}
    conduct = {f.name for f in fields(Behaviour)}
    for key, value in environment.items():
        name = key.removeprefix("SANDBOX_").lower()
        if key.startswith("SANDBOX_") and name in known | conduct:
            (outer if name in known else inner)[name] = value
    for name, value in overrides.items():
        if value is not None:
            (outer if name in known else inner)[name] = value
    unknown = sorted(set(outer) - known) + sorted(set(inner) - conduct)
    if unknown:
        raise SettingsError(f"unknown settings: {', '.join(unknown)}")
    settings = replace(_fill(Settings(), outer), behaviour=_fill(Behaviour(), inner), **read)
    if settings.clock:
        try:
            starts = instant(settings.clock)
        except ValueError as error:
            raise SettingsError(f"clock: {error}") from error
        if not FIRST <= starts < LAST:
            raise SettingsError(f"clock: it runs from {FIRST.year} to {LAST.year - 1}, not at {settings.clock}")
    if settings.receipts not in RECEIPTS:
        raise SettingsError(f"receipts: {settings.receipts!r} is neither sync nor async")
    return settings


RECEIPTS: Final = ("sync", "async")
_PLACES: Final = ("data_dir", "exchange_dir", "directory_root")
"""Folders; a relative name counts from the folder of the file it stands in, as those of ``[[filer]]`` tables do."""
_FILER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def _read_filers(tables: Any, path: Path) -> tuple[Filer, ...]:
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise SettingsError(f"{path}: filers are tables, [[filer]]")
    known = {f.name for f in fields(Filer)}
    found: dict[str, Filer] = {}
    for number, table in enumerate(tables, 1):
        place = f"filer {number}"
        if unknown := sorted(set(table) - known):
            raise SettingsError(f"{place}: unknown settings: {', '.join(unknown)}")
        for key in ("name", "certificate"):
            if not isinstance(table.get(key), str) or not table[key]:
                raise SettingsError(f"{place}: {key} is missing")
        for key, value in table.items():
            if not isinstance(value, str):
                raise SettingsError(f"{place}: {key} is a text")
        for key in ("name", "books"):
            if not _FILER_NAME.fullmatch(table.get(key, "x")):
                raise SettingsError(f"{place}: {key} has letters, digits, '.', '_' and '-' only")
        if table.get("receipts", "sync") not in RECEIPTS:
            raise SettingsError(f"{place}: receipts is sync or async")
        if table["name"] in found:
            raise SettingsError(f"{place}: there is a filer {table['name']} already")
        places = {k: path.parent / table[k] for k in ("certificate", "directory") if k in table}
        filer = Filer(**(table | places))
        found[filer.name] = filer
    return tuple(found.values())


def _fill(start: _T, values: Mapping[str, Any]) -> _T:
    converted = {k: _convert(k, v, getattr(start, k)) for k, v in values.items()}
    try:
        return replace(start, **converted)
    except ValueError as error:  # a switch that is none
        raise SettingsError(str(error)) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _convert(name: str, value: Any, model: Any) -> Any:
    try:
        if name == "answer_delay":
            return _seconds(value)
        if name == "speed":
            return read_speed(float(value))
        if isinstance(model, bool):
            return (
                value
                if isinstance(value, bool)
                else {"1": True, "true": True, "0": False, "false": False}[str(value).lower()]
            )
        if isinstance(model, tuple):
            return tuple(value.split(",")) if isinstance(value, str) and value else tuple(value)
        if isinstance(model, str):
            return _text(value)
        return type(model)(value) if not isinstance(model, Path) else Path(value)
    except (ClockError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{name}: {value!r} cannot be used ({error})") from error


_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")


def _seconds(value: Any) -> float | Span:
    match = _SPAN.fullmatch(str(value))
    if match is None:
        raise ValueError("neither seconds nor a range like 60-120")
    least, most = float(match[1]), float(match[2] or match[1])
    if most < least:
        raise ValueError("the range ends before it begins")
    return Span(least, most) if match[2] else least
