"""The first tables of the store, and the triggers that make its journals append-only.

Revision: 0001, the first.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration says what the tables were on its day, so it repeats types instead of importing them.
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = (("archive_entries", "position"), ("events", "cursor"))


def upgrade() -> None:
    """Make every table, then protect the journals."""
    _make_tables()
    empty = hashlib.sha256(b"").digest()
    head = sa.table(
        "archive_head",
        sa.column("id", sa.Integer()),
        sa.column("size", sa.Integer()),
        sa.column("root", sa.LargeBinary()),
        sa.column("frontier", JSON),
    )
    op.execute(sa.insert(head).values(id=1, size=0, root=empty, frontier=[]))
    if op.get_bind().dialect.name == "postgresql":
        _protect_on_postgresql()
    else:
        _protect_on_sqlite()


def _protect_on_sqlite() -> None:
    for table, key in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # INSERT OR REPLACE deletes without asking the trigger above, unless the connection wants it to.
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER archive_head_no_delete BEFORE DELETE ON archive_head "
        "BEGIN SELECT RAISE(ABORT, 'archive_head stays'); END"
    )


def _protect_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table, _key in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER archive_head_stays BEFORE DELETE OR TRUNCATE ON archive_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _make_tables() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=True),
        sa.Column("trip_number", sa.String(length=25), nullable=True),
        sa.Column("filing_id", sa.String(length=36), nullable=True),
        sa.Column("transmission_id", sa.String(length=36), nullable=True),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("settled_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        comment="Something a person must look at; open until somebody settles it.",
    )
    op.create_index("ix_alerts_filing_id", "alerts", ["filing_id"])
    op.create_index("ix_alerts_settled_at_raised_at", "alerts", ["settled_at", "raised_at"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("licensed", sa.Boolean(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
        comment="Who may call: a role and the SHA-256 of a 256-bit random key, never the key.",
    )
    op.create_table(
        "archive_entries",
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("trip_number", sa.String(length=25), nullable=True),
        sa.Column("shipment_key", sa.String(length=36), nullable=True),
        sa.Column("filing_id", sa.String(length=36), nullable=True),
        sa.Column("transmission_id", sa.String(length=36), nullable=True),
        sa.Column("scn", sa.String(length=16), nullable=True),
        sa.Column("entry_number", sa.String(length=11), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_size", WHOLE, nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("stored_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("kind IN ('transmission', 'decision', 'act', 'document')", name="ck_archive_entries_kind"),
        sa.PrimaryKeyConstraint("position", name="pk_archive_entries"),
        comment="Evidence, append-only and provable: every transmission, decision, human act and document, compressed.",
    )
    op.create_index("ix_archive_entries_entry_number", "archive_entries", ["entry_number"])
    op.create_index("ix_archive_entries_filing_id", "archive_entries", ["filing_id"])
    op.create_index("ix_archive_entries_recorded_at", "archive_entries", ["recorded_at"])
    op.create_index("ix_archive_entries_scn", "archive_entries", ["scn"])
    op.create_index("ix_archive_entries_shipment_key", "archive_entries", ["shipment_key"])
    op.create_index("ix_archive_entries_transmission_id", "archive_entries", ["transmission_id"])
    op.create_index("ix_archive_entries_trip_number_position", "archive_entries", ["trip_number", "position"])
    op.create_table(
        "archive_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("frontier", JSON, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_archive_head_single"),
        sa.PrimaryKeyConstraint("id", name="pk_archive_head"),
        comment="The single row that says how many entries the archive has and what its Merkle root is.",
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("first_value", WHOLE, autoincrement=False, nullable=False),
        sa.Column("last_value", WHOLE, nullable=False),
        sa.Column("next_value", WHOLE, nullable=False),
        sa.CheckConstraint("first_value <= last_value", name="ck_counters_order"),
        sa.CheckConstraint("next_value BETWEEN first_value AND last_value + 1", name="ck_counters_within"),
        sa.PrimaryKeyConstraint("name", "first_value", name="pk_counters"),
        comment="Ranges of control numbers and the next one to give out; a number is given out once.",
    )
    op.create_table(
        "events",
        sa.Column("cursor", WHOLE, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("stream", sa.String(length=64), nullable=False),
        sa.Column("sequence", WHOLE, nullable=False),
        sa.Column("trip_number", sa.String(length=25), nullable=True),
        sa.Column("shipment_key", sa.String(length=36), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("cursor", name="pk_events"),
        sa.UniqueConstraint("id", name="uq_events_id"),
        sa.UniqueConstraint("stream", "sequence", name="uq_events_stream_sequence"),
        comment="What dispatch was told, append-only: one gapless cursor for all, one sequence per shipment or trip.",
    )
    op.create_index("ix_events_trip_number_cursor", "events", ["trip_number", "cursor"])
    op.create_table(
        "idempotency",
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("route", sa.String(length=255), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", JSON, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name="pk_idempotency"),
        comment="The first answer given under an idempotency key, to be given again for the same request.",
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
    op.create_table(
        "scn_ledger",
        sa.Column("scn", sa.String(length=16), nullable=False),
        sa.Column("shipment_key", sa.String(length=36), nullable=False),
        sa.Column("trip_number", sa.String(length=25), nullable=False),
        sa.Column("reserved_on", sa.Date(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.Column("free_after", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("scn", name="pk_scn_ledger"),
        comment="Who holds a shipment control number; once used it stays taken for three years.",
    )
    op.create_index("ix_scn_ledger_shipment_key", "scn_ledger", ["shipment_key"])
    op.create_table(
        "transmissions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("partner", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("application", sa.String(length=40), nullable=True),
        sa.Column("control_number", sa.String(length=40), nullable=True),
        sa.Column("correlation", sa.String(length=255), nullable=True),
        sa.Column("trip_number", sa.String(length=25), nullable=True),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("payload_digest", sa.String(length=64), nullable=False),
        sa.Column("payload_size", WHOLE, nullable=False),
        sa.Column("prepared", JSON, nullable=True),
        sa.Column("prepared_body", sa.LargeBinary(), nullable=True),
        sa.Column("archive_position", WHOLE, nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="100", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("receipt", JSON, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.CheckConstraint("direction IN ('in', 'out')", name="ck_transmissions_direction"),
        sa.PrimaryKeyConstraint("id", name="pk_transmissions"),
        sa.UniqueConstraint("direction", "message_id", name="uq_transmissions_direction_message_id"),
        comment="One file of bytes that goes out or came in; the outbox and the inbox are views of this table.",
    )
    op.create_index(
        "ix_transmissions_direction_application_control_number",
        "transmissions",
        ["direction", "application", "control_number"],
    )
    op.create_index(
        "ix_transmissions_direction_state_correlation", "transmissions", ["direction", "state", "correlation"]
    )
    op.create_index(
        "ix_transmissions_direction_state_priority_id", "transmissions", ["direction", "state", "priority", "id"]
    )
    op.create_index("ix_transmissions_trip_number_id", "transmissions", ["trip_number", "id"])
    op.create_table(
        "trips",
        sa.Column("trip_number", sa.String(length=25), nullable=False),
        sa.Column("carrier_scac", sa.String(length=4), nullable=False),
        sa.Column("port_of_arrival", sa.String(length=4), nullable=False),
        sa.Column("estimated_arrival", INSTANT, nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("filed_at", INSTANT, nullable=True),
        sa.Column("filed_by", sa.String(length=200), nullable=True),
        sa.Column("rule_book_version", sa.String(length=100), nullable=True),
        sa.Column("plan_stage", sa.String(length=40), nullable=True),
        sa.Column("planned_through", sa.Integer(), server_default="0", nullable=False),
        sa.Column("arrived_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("trip_number", name="pk_trips"),
        comment="One truck crossing; plan_stage and planned_through say how far its filings have been made.",
    )
    op.create_index("ix_trips_estimated_arrival", "trips", ["estimated_arrival"])
    op.create_index("ix_trips_plan_stage", "trips", ["plan_stage"])
    op.create_index("ix_trips_state_estimated_arrival", "trips", ["state", "estimated_arrival"])
    op.create_table(
        "shipments",
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("trip_number", sa.String(length=25), nullable=False),
        sa.Column("shipment_id", sa.String(length=200), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.Column("scn", sa.String(length=16), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("pathway", sa.String(length=40), nullable=True),
        sa.Column("entry_type", sa.String(length=2), nullable=True),
        sa.Column("decision", JSON, nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("manifest_state", sa.String(length=40), server_default="none", nullable=False),
        sa.Column("entry_state", sa.String(length=40), server_default="none", nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("entry_number", sa.String(length=11), nullable=True),
        sa.Column("manifest_filing_id", sa.String(length=36), nullable=True),
        sa.Column("entry_filing_id", sa.String(length=36), nullable=True),
        sa.Column("notes", JSON, nullable=True),
        sa.Column("problems", JSON, nullable=True),
        sa.Column("sequence", WHOLE, server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["trip_number"], ["trips.trip_number"], name="fk_shipments_trip_number"),
        sa.PrimaryKeyConstraint("key", name="pk_shipments"),
        sa.UniqueConstraint("trip_number", "shipment_id", name="uq_shipments_trip_number_shipment_id"),
        comment="One consignment on a trip in manifest order, with what we know of it (facts) and where it stands.",
    )
    op.create_index("ix_shipments_entry_number", "shipments", ["entry_number"])
    op.create_index("ix_shipments_scn", "shipments", ["scn"])
    op.create_index("ix_shipments_trip_number_position", "shipments", ["trip_number", "position"])
    op.create_index("ix_shipments_trip_number_state", "shipments", ["trip_number", "state"])
    op.create_table(
        "day_ledger",
        sa.Column("person_key", sa.String(length=64), nullable=False),
        sa.Column("eastern_day", sa.Date(), nullable=False),
        sa.Column("shipment_key", sa.String(length=36), nullable=False),
        sa.Column("pathway", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shipment_key"], ["shipments.key"], name="fk_day_ledger_shipment_key"),
        sa.PrimaryKeyConstraint("person_key", "eastern_day", "shipment_key", name="pk_day_ledger"),
        comment="Fair retail value counted for one person on one Eastern day, shipment by shipment.",
    )
    op.create_index("ix_day_ledger_shipment_key", "day_ledger", ["shipment_key"])
    op.create_table(
        "refused_rows",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("trip_number", sa.String(length=25), nullable=False),
        sa.Column("shipment_id", sa.String(length=200), nullable=True),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("problems", JSON, nullable=False),
        sa.Column("refused_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["trip_number"], ["trips.trip_number"], name="fk_refused_rows_trip_number"),
        sa.PrimaryKeyConstraint("id", name="pk_refused_rows"),
        comment="Rows that were sent for a trip and refused; a row sent again under the same shipment_id replaces it.",
    )
    op.create_index("ix_refused_rows_trip_number_shipment_id", "refused_rows", ["trip_number", "shipment_id"])
    op.create_table(
        "filings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("trip_number", sa.String(length=25), nullable=False),
        sa.Column("shipment_key", sa.String(length=36), nullable=True),
        sa.Column("scn", sa.String(length=16), nullable=True),
        sa.Column("entry_number", sa.String(length=11), nullable=True),
        sa.Column("entry_type", sa.String(length=2), nullable=True),
        sa.Column("pathway", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("accepted_version", sa.Integer(), nullable=True),
        sa.Column("last_outcome", JSON, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deadline_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('manifest', 'entry', 'handoff')", name="ck_filings_kind"),
        sa.ForeignKeyConstraint(["shipment_key"], ["shipments.key"], name="fk_filings_shipment_key"),
        sa.ForeignKeyConstraint(["trip_number"], ["trips.trip_number"], name="fk_filings_trip_number"),
        sa.PrimaryKeyConstraint("id", name="pk_filings"),
        comment="One declaration to CBP (manifest of a trip, entry of a shipment) or one handoff, and where it stands.",
    )
    op.create_index("ix_filings_created_at_id", "filings", ["created_at", "id"])
    op.create_index("ix_filings_deadline_at", "filings", ["deadline_at"])
    op.create_index("ix_filings_entry_number", "filings", ["entry_number"])
    op.create_index("ix_filings_pathway_id", "filings", ["pathway", "id"])
    op.create_index("ix_filings_scn", "filings", ["scn"])
    op.create_index("ix_filings_shipment_key", "filings", ["shipment_key"])
    op.create_index("ix_filings_state_id", "filings", ["state", "id"])
    op.create_index("ix_filings_trip_number_id", "filings", ["trip_number", "id"])
    op.create_table(
        "filing_versions",
        sa.Column("filing_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("message_digest", sa.String(length=64), nullable=True),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name="fk_filing_versions_filing_id"),
        sa.PrimaryKeyConstraint("filing_id", "version", name="pk_filing_versions"),
        comment="Every content a filing has ever had; an amendment adds the next version.",
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("filing_id", sa.String(length=36), nullable=True),
        sa.Column("shipment_key", sa.String(length=36), nullable=True),
        sa.Column("trip_number", sa.String(length=25), nullable=True),
        sa.Column("transmission_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("meaning", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("place", sa.String(length=255), nullable=True),
        sa.Column("field_path", sa.String(length=255), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("document", JSON, nullable=True),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name="fk_outcomes_filing_id"),
        sa.ForeignKeyConstraint(["shipment_key"], ["shipments.key"], name="fk_outcomes_shipment_key"),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmissions.id"], name="fk_outcomes_transmission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        comment="What one answer means for one filing or shipment; one that matches nothing is kept without either.",
    )
    op.create_index("ix_outcomes_filing_id_id", "outcomes", ["filing_id", "id"])
    op.create_index("ix_outcomes_shipment_key_id", "outcomes", ["shipment_key", "id"])
    op.create_index("ix_outcomes_transmission_id", "outcomes", ["transmission_id"])
    op.create_table(
        "transmission_filings",
        sa.Column("transmission_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filing_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("shipment_key", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name="fk_transmission_filings_filing_id"),
        sa.ForeignKeyConstraint(["shipment_key"], ["shipments.key"], name="fk_transmission_filings_shipment_key"),
        sa.ForeignKeyConstraint(
            ["transmission_id"], ["transmissions.id"], name="fk_transmission_filings_transmission_id"
        ),
        sa.PrimaryKeyConstraint("transmission_id", "position", name="pk_transmission_filings"),
        comment="What a transmission carries, in message order: which filing, shipment and version.",
    )
    op.create_index("ix_transmission_filings_filing_id", "transmission_filings", ["filing_id"])
    op.create_index("ix_transmission_filings_shipment_key", "transmission_filings", ["shipment_key"])
