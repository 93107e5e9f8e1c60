"""Which facts are kept of what was told, proved, counted and asked of us?"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from filings.store.tables.shape import KEY, WORD, key_column, metadata, trip_column
from filings.store.types import Bytes, Instant, Json, Money, Whole

events = Table(
    "events",
    metadata,
    Column("cursor", Whole, primary_key=True, autoincrement=False),
    Column("id", KEY, nullable=False),
    Column("type", WORD, nullable=False),
    Column("subject", String(255), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("sequence", Whole, nullable=False),
    Column("trip_number", String(25)),
    Column("shipment_key", KEY),
    Column("occurred_at", Instant, nullable=False),
    Column("data", Json, nullable=False),
    UniqueConstraint("id"),
    UniqueConstraint("stream", "sequence"),
    Index(None, "trip_number", "cursor"),
    comment="What dispatch was told, append-only: one gapless cursor for all, one sequence per shipment or trip.",
)

alerts = Table(
    "alerts",
    metadata,
    key_column(primary_key=True),
    Column("kind", WORD, nullable=False),
    Column("severity", WORD, nullable=False),
    Column("text", Text, nullable=False),
    Column("detail", Json),
    Column("trip_number", String(25)),
    Column("filing_id", KEY),
    Column("transmission_id", KEY),
    Column("raised_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", String(200)),
    Index(None, "settled_at", "raised_at"),
    Index(None, "filing_id"),
    comment="Something a person must look at; open until somebody settles it.",
)

archive_entries = Table(
    "archive_entries",
    metadata,
    Column("position", Whole, primary_key=True, autoincrement=False),
    Column("kind", WORD, nullable=False),
    Column("name", String(255), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("trip_number", String(25)),
    Column("shipment_key", KEY),
    Column("filing_id", KEY),
    Column("transmission_id", KEY),
    Column("scn", String(16)),
    Column("entry_number", String(11)),
    Column("recorded_at", Instant, nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("body", Bytes, nullable=False),
    Column("body_size", Whole, nullable=False),
    Column("body_sha256", Bytes(32), nullable=False),
    Column("stored_sha256", Bytes(32), nullable=False),
    Column("leaf_hash", Bytes(32), nullable=False),
    Index(None, "trip_number", "position"),
    Index(None, "shipment_key"),
    Index(None, "filing_id"),
    Index(None, "transmission_id"),
    Index(None, "scn"),
    Index(None, "entry_number"),
    Index(None, "recorded_at"),
    CheckConstraint("kind IN ('transmission', 'decision', 'act', 'document')", name="kind"),
    comment="Evidence, append-only and provable: every transmission, decision, human act and document, compressed.",
)

archive_head = Table(
    "archive_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Whole, nullable=False),
    Column("root", Bytes(32), nullable=False),
    Column("frontier", Json, nullable=False),
    CheckConstraint("id = 1", name="single"),
    comment="The single row that says how many entries the archive has and what its Merkle root is.",
)

rule_books = Table(
    "rule_books",
    metadata,
    Column("version", String(100), primary_key=True),
    Column("archive_position", Whole, nullable=False),
    Column("first_used_at", Instant, nullable=False),
    comment="Versions of the rule book that decisions were made with, and the archive entry that has their text.",
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("first_value", Whole, primary_key=True, autoincrement=False),
    Column("last_value", Whole, nullable=False),
    Column("next_value", Whole, nullable=False),
    CheckConstraint("first_value <= last_value", name="order"),
    CheckConstraint("next_value BETWEEN first_value AND last_value + 1", name="within"),
    comment="Ranges of control numbers and the next one to give out; a number is given out once.",
)

day_ledger = Table(
    "day_ledger",
    metadata,
    Column("person_key", String(64), primary_key=True),
    Column("eastern_day", Date, primary_key=True),
    Column("shipment_key", KEY, ForeignKey("shipments.key"), primary_key=True),
    Column("pathway", WORD, nullable=False),
    Column("value", Money, nullable=False),
    Index(None, "shipment_key"),
    comment="Fair retail value counted for one person on one Eastern day, shipment by shipment.",
)

refused_rows = Table(
    "refused_rows",
    metadata,
    key_column(primary_key=True),
    trip_column(),
    Column("shipment_id", String(200)),
    Column("line_number", Integer, nullable=False),
    Column("problems", Json, nullable=False),
    Column("refused_at", Instant, nullable=False),
    Index(None, "trip_number", "shipment_id"),
    comment="Rows that were sent for a trip and refused; a row sent again under the same shipment_id replaces it.",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("actor", String(200), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("route", String(255), nullable=False),
    Column("body_digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", Json),
    Column("created_at", Instant, nullable=False),
    Index(None, "created_at"),
    comment="The first answer given under an idempotency key, to be given again for the same request.",
)

api_keys = Table(
    "api_keys",
    metadata,
    key_column(primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", WORD, nullable=False),
    Column("licensed", Boolean, nullable=False),
    Column("key_hash", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    UniqueConstraint("key_hash"),
    comment="Who may call: a role and the SHA-256 of a 256-bit random key, never the key.",
)

APPEND_ONLY: tuple[str, ...] = ("archive_entries", "events")
"""Tables on which the database itself refuses UPDATE and DELETE."""
