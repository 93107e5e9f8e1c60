"""How does Alembic run here? On the connection it is given, inside the transaction already open."""

from __future__ import annotations

from alembic import context

from filings.store.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("use filings.store.migrations.upgrade, or pass an open connection in the attributes")
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
    compare_server_default=True,
)
context.run_migrations()
