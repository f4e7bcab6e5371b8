"""The first tables: the log and its claims, its readings, people, exhibits, checkpoints, posted messages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def need(name: str, kind: sa.types.TypeEngine | type = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def may(name: str, kind: sa.types.TypeEngine | type = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    op.create_table(
        "entries",
        need("incident"), need("seq", sa.Integer), need("at", MOMENT), need("by"), need("name"),
        need("before"), need("hash"), need("stored", sa.LargeBinary),
        sa.PrimaryKeyConstraint("incident", "seq", name="pk_entries"),
    )
    op.create_table(
        "texts",
        need("ref"), need("incident"), need("seq", sa.Integer), need("by"),
        may("salt", sa.LargeBinary), may("text", sa.LargeBinary), may("erased_at", MOMENT),
        sa.PrimaryKeyConstraint("ref", name="pk_texts"),
    )
    op.create_index("ix_texts_incident_seq", "texts", ["incident", "seq"])
    op.create_index("ix_texts_by", "texts", ["by"])
    op.create_table(
        "holds",
        need("incident"), need("because"), need("at", MOMENT),
        sa.PrimaryKeyConstraint("incident", name="pk_holds"),
    )
    op.create_table(
        "inbound",
        need("id"), need("incident"), need("refused"), need("at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_inbound"),
    )
    op.create_table(
        "claims",
        need("key"), need("incident"), need("seq", sa.Integer), need("at", MOMENT),
        sa.PrimaryKeyConstraint("key", name="pk_claims"),
    )
    op.create_index("ix_claims_incident", "claims", ["incident"])
    op.create_table(
        "incidents",
        need("id"), need("number", sa.BigInteger), need("seq", sa.Integer), need("head"),
        need("title"), need("phase"), need("severity", sa.Integer), need("service"), need("slice"),
        need("restricted", sa.Boolean), need("declared", MOMENT), need("onset", MOMENT), need("detected", MOMENT),
        may("acknowledged", MOMENT), may("mitigated", MOMENT), may("resolved", MOMENT), need("cause"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_declared_number", "incidents", ["declared", "number"])
    op.create_index("ix_incidents_number", "incidents", ["number"])
    op.create_table(
        "people",
        need("id"), need("key"), need("name"), need("roles"), need("slack_team"), need("slack_user"), need("email"),
        need("named", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("key", name="uq_people_key"),
    )
    op.create_index("ix_people_slack_user", "people", ["slack_user"])
    op.create_table(
        "exhibits",
        need("id"), need("incident"), need("name"), need("media_type"), need("sha256"), need("at", MOMENT),
        need("content", sa.LargeBinary), need("note"),
        sa.PrimaryKeyConstraint("id", name="pk_exhibits"),
    )
    op.create_index("ix_exhibits_incident", "exhibits", ["incident"])
    op.create_table(
        "checkpoints",
        need("name"), need("document"), need("at", MOMENT),
        sa.PrimaryKeyConstraint("name", name="pk_checkpoints"),
    )
    op.create_table(
        "posted",
        need("incident"), need("surface"), need("channel"), need("ts"), need("shown"), need("state"),
        need("attempt", sa.Integer), need("at", MOMENT),
        sa.PrimaryKeyConstraint("incident", "surface", name="pk_posted"),
    )
    op.create_index("ix_posted_channel_ts", "posted", ["channel", "ts"])
