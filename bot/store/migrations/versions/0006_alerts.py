"""Alerts that senders told of are kept before they are answered."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("place", sa.BigInteger),
        sa.PrimaryKeyConstraint("source", "fingerprint", "starts", name="pk_alerts"),
    )
    op.create_index("ix_alerts_seq", "alerts", ["seq"], unique=True)
    op.create_index("ix_alerts_place_source_fingerprint", "alerts", ["place", "source", "fingerprint"])
    counted = op.create_table(
        "alert_marks",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_marks"),
    )
    op.bulk_insert(counted, [{"name": "given", "seq": 0}, {"name": "applied", "seq": 0}])
