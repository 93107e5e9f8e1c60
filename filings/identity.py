"""Who is calling, and as what?

Rules: a key is 256 random bits, shown once when it is made; the store keeps its SHA-256 (a random key
needs no slow hash). Everything is denied that is not allowed: an unknown or revoked key is nobody.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from filings.store.tables import api_keys
from filings.uuid7 import uuid7
from schemas.plain_text import unfit_sentence

PREFIX = "cfg_"  # lets secret scanners and people recognise a key of this gateway
MAX_PRESENTED = 200  # characters of a presented key that are looked at


class Role(StrEnum):
    """What a caller may do; the routes say which roles they admit."""

    BROKER = "broker"
    DISPATCH = "dispatch"
    AUDITOR = "auditor"
    INTEGRATION = "integration"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as kept: everything but the key itself."""

    id: str
    name: str
    role: Role
    licensed: bool
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


def make_secret() -> str:
    """A new key: 256 random bits behind a fixed prefix."""
    return PREFIX + secrets.token_urlsafe(32)


def key_digest(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(
    conn: Connection, name: str, role: Role, *, now: datetime, licensed: bool = False, secret: str | None = None
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself and cannot be had again. Only a broker can be licensed."""
    if not name or len(name) > 200:
        raise ValueError("a key needs a name of at most 200 characters")
    if unfit := unfit_sentence(name):
        raise ValueError(unfit.rstrip("."))
    if licensed and role is not Role.BROKER:
        raise ValueError("only a broker can be licensed")
    plain = secret or make_secret()
    key = ApiKey(uuid7(), name, role, licensed, now)
    conn.execute(
        insert(api_keys),
        {
            "id": key.id,
            "name": name,
            "role": role.value,
            "licensed": licensed,
            "key_hash": key_digest(plain),
            "created_at": now,
        },
    )
    return key, plain


def authenticate(conn: Connection, presented: str) -> ApiKey | None:
    """The key that was presented, unless it is unknown or revoked. Only reads."""
    if not presented or len(presented) > MAX_PRESENTED:
        return None
    query = _COLUMNS.where(api_keys.c.key_hash == key_digest(presented), api_keys.c.revoked_at.is_(None))
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else ApiKey(**{**row, "role": Role(row["role"])})


def touch(conn: Connection, identifiers: Iterable[str], now: datetime) -> None:
    """Note when keys were last used; meant to be called now and then for many, not per request."""
    conn.execute(update(api_keys).where(api_keys.c.id.in_(list(identifiers))).values(last_used_at=now))


def revoke_key(conn: Connection, identifier: str, now: datetime) -> bool:
    """Revoke a key for good; false when there is none that is still good."""
    good = (api_keys.c.id == identifier) & api_keys.c.revoked_at.is_(None)
    return conn.execute(update(api_keys).where(good).values(revoked_at=now)).rowcount == 1


def list_keys(conn: Connection) -> list[ApiKey]:
    """Every key ever made, oldest first."""
    rows = conn.execute(_COLUMNS.order_by(api_keys.c.id)).mappings()
    return [ApiKey(**{**row, "role": Role(row["role"])}) for row in rows]


_COLUMNS = select(
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.role,
    api_keys.c.licensed,
    api_keys.c.created_at,
    api_keys.c.revoked_at,
    api_keys.c.last_used_at,
)
