"""Which incidents the status page speaks of, found without reading every incident."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statements",
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("incident", name="pk_statements"),
    )
