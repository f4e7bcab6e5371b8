"""The record is searched by time across all incidents, incidents by service, and what was erased is listed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_entries_at_incident_seq", "entries", ["at", "incident", "seq"])
    erased = sa.text("erased_at IS NOT NULL")
    op.create_index("ix_texts_erased_at", "texts", ["erased_at"], sqlite_where=erased, postgresql_where=erased)
    op.create_index("ix_incidents_service_declared_number", "incidents", ["service", "declared", "number"])
