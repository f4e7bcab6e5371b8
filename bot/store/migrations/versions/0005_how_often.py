"""How often something was changed is counted among all incidents; people belong to groups."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "incident", "seq", name="pk_tallies"),
    )
    op.create_index("ix_tallies_key_at", "tallies", ["key", "at"])
    op.add_column("people", sa.Column("groups", sa.Text, nullable=False, server_default="[]"))
