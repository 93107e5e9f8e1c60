"""Which facts are kept of trips, shipments and what is declared of them?"""

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
    false,
    text,
)

from filings.store.tables.shape import KEY, WORD, key_column, metadata, shipment_column, trip_column
from filings.store.types import Instant, Json, Whole

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
    key_column("key", primary_key=True),
    trip_column(),
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
    key_column(primary_key=True),
    Column("kind", WORD, nullable=False),
    trip_column(),
    shipment_column(),
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
    key_column(primary_key=True),
    trip_column(),
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
