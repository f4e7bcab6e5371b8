"""Which pages were begun as one message, so that they go again as that one when the house dies over it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "begun",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("owed", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_begun"),
    )
    op.create_index("ix_begun_message", "begun", ["message"])
    op.create_index("ix_begun_at", "begun", ["at"])
