"""Which facts are kept, and under which names?

Rules: keys are made by the application (UUID version 7 as text, or a business number), so that a
batch is one statement; ``shipment_key`` is always ``shipments.key`` (the caller's own
``shipment_id`` is unique within its trip only); instants are UTC; documents are JSON. Each table's
one-sentence meaning is its ``comment``, and stands in the database too.
``archive_entries`` and ``events`` are append-only: triggers refuse change and deletion.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from filings.store.types import Bytes, Instant, Json, Money, Whole

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

KEY = String(36)
WORD = String(40)


def _key(name: str = "id", **options: Any) -> Column[str]:
    return Column(name, KEY, **options)


def _trip(*, nullable: bool = False) -> Column[str]:
    return Column("trip_number", String(25), ForeignKey("trips.trip_number"), nullable=nullable)


def _shipment(*, nullable: bool = True) -> Column[str]:
    return Column("shipment_key", KEY, ForeignKey("shipments.key"), nullable=nullable)


trips = Table(
    "trips",
    metadata,
    Column("trip_number", String(25), primary_key=True),
    Column("carrier_scac", String(4), nullable=False),
    Column("port_of_arrival", String(4), nullable=False),
    Column("estimated_arrival", Instant, nullable=False),
    Column("document", Json, nullable=False),
    Column("state", WORD, nullable=False),
    Column("version", Integer, nullable=False),
    Column("filed_at", Instant),
    Column("filed_by", String(200)),
    Column("rule_book_version", String(100)),
    Column("plan_stage", WORD),
    Column("planned_through", Integer, nullable=False, server_default="0"),
    Column("arrived_at", Instant),
    Column("held_as", WORD),
    Column("judged_at", Instant),
    Column("judge_again_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "judge_again_at"),
    Index(None, "state", "estimated_arrival"),
    Index(None, "plan_stage"),
    Index(None, "estimated_arrival"),
    comment="One truck crossing; plan_stage and planned_through say how far its filings have been made, held_as what "
    "CBP holds its manifest as, judged_at for which instant of arrival the law was applied last, judge_again_at when "
    "that must be done anew.",
)

shipments = Table(
    "shipments",
    metadata,
    _key("key", primary_key=True),
    _trip(),
    Column("shipment_id", String(200), nullable=False),
    Column("order_id", String(200)),
    Column("scn", String(16)),
    Column("position", Integer, nullable=False),
    Column("document", Json, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("pathway", WORD),
    Column("entry_type", String(2)),
    Column("decision", Json),
    Column("lapse", Json),
    Column("state", WORD, nullable=False),
    Column("state_since", Instant, nullable=False),
    Column("manifest_state", WORD, nullable=False, server_default="none"),
    Column("entry_state", WORD, nullable=False, server_default="none"),
    Column("facts", Json, nullable=False),
    Column("entry_number", String(11)),
    Column("manifest_filing_id", KEY),
    Column("entry_filing_id", KEY),
    Column("notes", Json),
    Column("problems", Json),
    Column("sequence", Whole, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("trip_number", "shipment_id"),
    Index(None, "trip_number", "position"),
    Index(None, "trip_number", "state"),
    Index(None, "order_id"),
    Index(None, "scn"),
    Index(None, "entry_number"),
    comment="One consignment on a trip in manifest order, with what we know of it (facts) and where it stands.",
)

scn_ledger = Table(
    "scn_ledger",
    metadata,
    Column("scn", String(16), primary_key=True),
    Column("shipment_key", KEY, nullable=False),
    Column("trip_number", String(25), nullable=False),
    Column("reserved_on", Date, nullable=False),
    Column("used_on", Date),
    Column("free_after", Date),
    Index(None, "shipment_key"),
    comment="Who holds a shipment control number; once used it stays taken for three years.",
)

CHANGED = text("version > 1")
"""Filings that have been changed since they were made: few, and asked for by trip."""

filings = Table(
    "filings",
    metadata,
    _key(primary_key=True),
    Column("kind", WORD, nullable=False),
    _trip(),
    _shipment(),
    Column("scn", String(16)),
    Column("entry_number", String(11)),
    Column("entry_type", String(2)),
    Column("pathway", WORD),
    Column("state", WORD, nullable=False),
    Column("version", Integer, nullable=False),
    Column("accepted_version", Integer),
    Column("last_outcome", Json),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deadline_at", Instant),
    CheckConstraint("kind IN ('manifest', 'entry', 'handoff')", name="kind"),
    Index(None, "trip_number", "id"),
    Index(None, "state", "id"),
    Index(None, "pathway", "id"),
    Index(None, "scn"),
    Index(None, "entry_number"),
    Index(None, "shipment_key"),
    Index(None, "created_at", "id"),
    Index(None, "deadline_at"),
    Index("ix_filings_changed", "trip_number", "state", sqlite_where=CHANGED, postgresql_where=CHANGED),
    comment="One declaration to CBP (manifest of a trip, entry of a shipment) or one handoff, and where it stands.",
)

filing_versions = Table(
    "filing_versions",
    metadata,
    Column("filing_id", KEY, ForeignKey("filings.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content", Json, nullable=False),
    Column("message_digest", String(64)),
    Column("made_at", Instant, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("reason", Text),
    Column("reason_code", String(2)),
    Column("amendment_id", KEY),
    Column("action", WORD),
    Column("state", WORD),
    Column("difference", Json),
    Column("patch", Json),
    Column("outcome", Json),
    Column("settled_at", Instant),
    comment="Every content a filing has ever had; an amendment adds the next version: what differs, what was sent for "
    "it, and what CBP said.",
)

declared = Table(
    "declared",
    metadata,
    Column("filing_id", KEY, ForeignKey("filings.id"), primary_key=True),
    Column("subject", KEY, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("content", Json),
    Column("pending_version", Integer),
    Column("pending", Json),
    comment="What CBP has on file of a shipment (its key) or trip (the filing's id) since it was first amended, and "
    "the content that waits for CBP's answer.",
)

amendments = Table(
    "amendments",
    metadata,
    _key(primary_key=True),
    _trip(),
    Column("purpose", WORD, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reason_code", String(2)),
    Column("trip_change", WORD),
    Column("completes", Boolean, nullable=False, server_default=false()),
    Column("manifest_filing_id", KEY),
    Column("manifest_version", Integer),
    Column("made_at", Instant, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("finished_at", Instant),
    Index(None, "trip_number", "finished_at"),
    comment="A change of what has been filed for a trip, asked for by a person; open until all its messages are made.",
)

amendment_items = Table(
    "amendment_items",
    metadata,
    Column("amendment_id", KEY, ForeignKey("amendments.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("shipment_key", KEY, ForeignKey("shipments.key"), nullable=False),
    Column("bill_change", WORD),
    Column("cancels_filing_id", KEY),
    Column("cancels_reason", String(2)),
    Column("cancels_reference", String(11)),
    Column("changes_filing_id", KEY),
    Column("entry_action", String(1)),
    Column("new_filing_id", KEY),
    Column("new_pathway", WORD, nullable=False),
    Index(None, "shipment_key"),
    comment="What an amendment does to one shipment: its bill, the entry it cancels or changes, the filing that takes "
    "its place.",
)

transmissions = Table(
    "transmissions",
    metadata,
    _key(primary_key=True),
    Column("direction", String(3), nullable=False),
    Column("partner", String(100), nullable=False),
    Column("channel", WORD, nullable=False),
    Column("name", String(255), nullable=False),
    Column("application", WORD),
    Column("control_number", WORD),
    Column("correlation", String(255)),
    Column("trip_number", String(25)),
    Column("content_type", String(100), nullable=False),
    Column("payload_digest", String(64), nullable=False),
    Column("payload_size", Whole, nullable=False),
    Column("prepared", Json),
    Column("prepared_body", Bytes),
    Column("archive_position", Whole),
    Column("state", WORD, nullable=False),
    Column("priority", Integer, nullable=False, server_default="100"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant),
    Column("lease_until", Instant),
    Column("lease_owner", String(100)),
    Column("message_id", String(255)),
    Column("receipt", Json),
    Column("created_at", Instant, nullable=False),
    Column("doubt_since", Instant),
    Column("delivered_at", Instant),
    Column("answered_at", Instant),
    UniqueConstraint("direction", "message_id"),
    CheckConstraint("direction IN ('in', 'out')", name="direction"),
    Index(None, "direction", "state", "priority", "id"),
    Index(None, "direction", "application", "control_number"),
    Index(None, "direction", "state", "correlation"),
    Index(None, "trip_number", "id"),
    comment="One file of bytes that goes out or came in; the outbox and the inbox are views of this table.",
)

owed_receipts = Table(
    "owed_receipts",
    metadata,
    _key(primary_key=True),
    Column("partner", String(100), nullable=False),
    Column("message_id", String(255), nullable=False),
    Column("about", Text, nullable=False),
    Column("transmission_id", KEY, ForeignKey("transmissions.id")),
    Column("url", Text, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", Bytes, nullable=False),
    Column("state", WORD, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant),
    Column("lease_until", Instant),
    Column("lease_owner", String(100)),
    Column("wanted_at", Instant, nullable=False),
    Column("given_at", Instant),
    UniqueConstraint("message_id"),
    Index(None, "state", "next_attempt_at"),
    comment="Receipts for a partner's messages that it wants posted to an address, and whether they have been.",
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("lease_owner", String(100), nullable=False),
    Column("lease_until", Instant, nullable=False),
    comment="Work that one process at a time does and that is no row of its own, by name, and who does it until when.",
)

transmission_filings = Table(
    "transmission_filings",
    metadata,
    Column("transmission_id", KEY, ForeignKey("transmissions.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("filing_id", KEY, ForeignKey("filings.id"), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    _shipment(),
    Index(None, "filing_id"),
    Index(None, "shipment_key"),
    comment="What a transmission carries, in message order: which filing, shipment and version.",
)

retries = Table(
    "retries",
    metadata,
    _key(primary_key=True),
    Column("transmission_id", KEY, ForeignKey("transmissions.id"), nullable=False),
    Column("trip_number", String(25)),
    Column("attempt", Integer, nullable=False),
    Column("first_failed_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("source", WORD, nullable=False),
    Column("code", WORD),
    Column("text", Text),
    Column("entries", Json),
    Column("made_transmission_id", KEY),
    Column("made_at", Instant),
    Index(None, "made_at", "due_at"),
    Index(None, "transmission_id"),
    Index(None, "made_transmission_id"),
    comment="A declaration that CBP could not process for a failure of its own, to be sent again when it is due; "
    "entries are the entry numbers meant, null the whole file.",
)

inquiries = Table(
    "inquiries",
    metadata,
    _key(primary_key=True),
    Column("transmission_id", KEY, ForeignKey("transmissions.id"), nullable=False),
    Column("filing_id", KEY, ForeignKey("filings.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Index(None, "filing_id", "version"),
    Index(None, "transmission_id"),
    comment="A file by which CBP was asked for a filing that it had not answered.",
)

outcomes = Table(
    "outcomes",
    metadata,
    _key(primary_key=True),
    Column("filing_id", KEY, ForeignKey("filings.id")),
    _shipment(),
    Column("trip_number", String(25)),
    Column("transmission_id", KEY, ForeignKey("transmissions.id"), nullable=False),
    Column("source", WORD, nullable=False),
    Column("scope", WORD, nullable=False),
    Column("meaning", WORD, nullable=False),
    Column("code", WORD),
    Column("text", Text),
    Column("place", String(255)),
    Column("field_path", String(255)),
    Column("occurred_at", Instant),
    Column("recorded_at", Instant, nullable=False),
    Column("document", Json),
    Index(None, "filing_id", "id"),
    Index(None, "shipment_key", "id"),
    Index(None, "transmission_id"),
    comment="What one answer means for one filing or shipment; one that matches nothing is kept without either.",
)

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
    _key(primary_key=True),
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
    _key(primary_key=True),
    _trip(),
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
    _key(primary_key=True),
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
