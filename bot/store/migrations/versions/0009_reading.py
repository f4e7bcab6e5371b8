"""What lists and numbers need stands beside each incident: durations, clocks, readers, and words to search for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("search", "readers", "left_out", "corrected"):
        op.add_column("incidents", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))
    for name in ("erased", "edition"):  # rows of edition 0 are made anew from the log by whoever opens the store
        op.add_column("incidents", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    for name in ("ttd", "tta", "ttm", "ttr"):
        op.add_column("incidents", sa.Column(name, sa.BigInteger))
    op.add_column("incidents", sa.Column("clock", sa.DateTime(timezone=True)))
    op.create_index("ix_incidents_phase_declared", "incidents", ["phase", "declared"])
    op.create_index("ix_incidents_restricted_service", "incidents", ["restricted", "service"])
    op.create_index("ix_incidents_clock", "incidents", ["clock"])
    op.create_index(
        "ix_incidents_figures",
        "incidents",
        ["declared", "restricted", "service", "severity", "cause", "phase", "left_out", "corrected",
         "ttd", "tta", "ttm", "ttr"],
    )  # fmt: skip
    op.create_index("ix_followups_due", "followups", ["due"])
    op.create_table(
        "paged",
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("incident", "person", "hour", name="pk_paged"),
    )
    op.create_index("ix_paged_hour", "paged", ["hour"])
