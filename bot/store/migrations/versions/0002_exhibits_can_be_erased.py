"""An exhibit can be erased: when that was stands beside its hash."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exhibits", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
