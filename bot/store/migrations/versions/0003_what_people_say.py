"""What people say in an incident's thread is kept as it arrives, and what they mark it as."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "sayings",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("edited_at", moment, nullable=True),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("kept_at", moment, nullable=False),
        sa.Column("erased_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("channel", "ts", name="pk_sayings"),
    )
    op.create_index("ix_sayings_incident_at", "sayings", ["incident", "at"])
    op.create_index("ix_sayings_author", "sayings", ["author"])
    op.create_index("ix_posted_channel_surface", "posted", ["channel", "surface"])
    op.create_table(
        "marks",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("sign", sa.Text(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("channel", "ts", "person", "sign", name="pk_marks"),
    )
