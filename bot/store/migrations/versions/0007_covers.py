"""Who asked to be covered and who takes it; the secret address of each person's calendar."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "covers",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("rota", sa.Text, nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asker", sa.Text, nullable=False),
        sa.Column("taker", sa.Text, nullable=False),
        sa.Column("stand", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("taken_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_covers"),
    )
    op.create_index("ix_covers_end", "covers", ["end"])
    op.create_table(
        "calendars",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_calendars"),
        sa.UniqueConstraint("digest", name="uq_calendars_digest"),
    )
