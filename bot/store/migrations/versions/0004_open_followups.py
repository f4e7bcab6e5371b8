"""Whoever promised something is found without reading every incident: what is open stands beside the list."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "followups",
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("due", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("incident", "item", name="pk_followups"),
    )
    op.create_index("ix_followups_owner", "followups", ["owner"])
    _read_from_the_log(op.get_bind())


def _read_from_the_log(connection: sa.Connection) -> None:
    """What earlier versions wrote down and did not list."""
    kept = connection.execute(
        sa.text(
            "SELECT incident, name, stored FROM entries WHERE name IN ('FollowUpAdded', 'FollowUpFinished')"
            " ORDER BY incident, seq"
        )
    )
    rows = {}
    for incident, name, stored in kept:
        body = json.loads(bytes(stored))["body"]
        if name == "FollowUpFinished":
            rows.pop((incident, body["followup"]), None)
        else:
            rows[incident, body["id"]] = {
                "incident": incident, "item": body["id"], "owner": body["owner"], "due": body["due"],
            }  # fmt: skip
    if rows:
        insert = sa.text("INSERT INTO followups (incident, item, owner, due) VALUES (:incident, :item, :owner, :due)")
        connection.execute(insert, list(rows.values()))
