"""The tables in which incidents are remembered: log, claims, readings, people, exhibits, talk, alerts, covers."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment. SQLite keeps no zone, PostgreSQL answers in the session's: both are read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write in UTC. Raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """The text with what no database takes replaced by U+FFFD: lone surrogates and NUL."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


class Line(TypeDecorator[str]):
    """Text from anywhere, written so that every database takes it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write what can be written."""
        return None if value is None else storable(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

entries = Table(
    "entries",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Column("by", Line, nullable=False),
    Column("name", Line, nullable=False),
    Column("before", Line, nullable=False),
    Column("hash", Line, nullable=False),
    Column("stored", LargeBinary, nullable=False),  # what the hash covers; read, never written again
)

texts = Table(
    "texts",
    metadata,
    Column("ref", Line, primary_key=True),
    Column("incident", Line, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("by", Line, nullable=False),
    Column("salt", LargeBinary),  # gone together with the text
    Column("text", LargeBinary),
    Column("erased_at", UTCDateTime),
    Index(None, "incident", "seq"),
    Index(None, "by"),
)

holds = Table(
    "holds",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("because", Line, nullable=False),
    Column("at", UTCDateTime, nullable=False),
)

inbound = Table(
    "inbound",
    metadata,
    Column("id", Line, primary_key=True),
    Column("incident", Line, nullable=False),  # "" where it concerned none
    Column("refused", Line, nullable=False),  # the words it was refused with, "" where it was not
    Column("at", UTCDateTime, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("key", Line, primary_key=True),
    Column("incident", Line, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "incident"),
)

tallies = Table(  # how often something happened, in whatever incident: cool-downs, budgets, undos seen to work
    "tallies",
    metadata,
    Column("key", Line, primary_key=True),
    Column("incident", Line, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "key", "at"),
)

incidents = Table(  # a reading of the log, written with it; `rebuild` makes it anew
    "incidents",
    metadata,
    Column("id", Line, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("head", Line, nullable=False),
    Column("title", Line, nullable=False),
    Column("phase", Line, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("service", Line, nullable=False),
    Column("slice", Line, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("declared", UTCDateTime, nullable=False),
    Column("onset", UTCDateTime, nullable=False),
    Column("detected", UTCDateTime, nullable=False),
    Column("acknowledged", UTCDateTime),
    Column("mitigated", UTCDateTime),
    Column("resolved", UTCDateTime),
    Column("cause", Line, nullable=False),
    Index(None, "declared", "number"),
    Index(None, "number"),
)

followups = Table(  # a reading of the log as well: what somebody promised and has not done
    "followups",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("item", Line, primary_key=True),
    Column("owner", Line, nullable=False),
    Column("due", Line, nullable=False),  # a date
    Index(None, "owner"),
)

people = Table(
    "people",
    metadata,
    Column("id", Line, primary_key=True),
    Column("key", Line, nullable=False),
    Column("name", Line, nullable=False),
    Column("roles", Line, nullable=False),  # a JSON list
    Column("groups", Line, nullable=False, server_default="[]"),  # a JSON list
    Column("slack_team", Line, nullable=False),
    Column("slack_user", Line, nullable=False),
    Column("email", Line, nullable=False),
    Column("named", Boolean, nullable=False),  # whether the configuration still names them
    UniqueConstraint("key"),
    Index(None, "slack_user"),
)

exhibits = Table(
    "exhibits",
    metadata,
    Column("id", Line, primary_key=True),
    Column("incident", Line, nullable=False),
    Column("name", Line, nullable=False),
    Column("media_type", Line, nullable=False),
    Column("sha256", Line, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("note", Line, nullable=False),
    Column("erased_at", UTCDateTime),  # then content and note are empty, the hash stays
    Index(None, "incident"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("name", Line, primary_key=True),
    Column("document", Line, nullable=False),  # JSON
    Column("at", UTCDateTime, nullable=False),
)

posted = Table(
    "posted",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("surface", Line, primary_key=True),
    Column("channel", Line, nullable=False),
    Column("ts", Line, nullable=False),
    Column("shown", Line, nullable=False),
    Column("state", Line, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "channel", "ts"),
    Index(None, "channel", "surface"),  # each message that is said asks whether its channel is a war room
)

sayings = Table(
    "sayings",
    metadata,
    Column("channel", Line, primary_key=True),
    Column("ts", Line, primary_key=True),
    Column("incident", Line, nullable=False),  # "" until somebody says which one is meant
    Column("thread_ts", Line, nullable=False),
    Column("author", Line, nullable=False),  # an opaque id, "" where the directory knows nobody
    Column("user", Line, nullable=False),  # the account in the chat
    Column("text", Line, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("edited_at", UTCDateTime),
    Column("deleted_at", UTCDateTime),  # then the text is empty, unless a legal hold keeps it
    Column("kept_at", UTCDateTime, nullable=False),
    Column("erased_at", UTCDateTime),  # then text and account are empty
    Index(None, "incident", "at"),
    Index(None, "author"),
)

marks = Table(  # what people put on a message: a reaction, or a choice of its menu
    "marks",
    metadata,
    Column("channel", Line, primary_key=True),
    Column("ts", Line, primary_key=True),
    Column("person", Line, primary_key=True),
    Column("sign", Line, primary_key=True),
    Column("stands", Boolean, nullable=False),
    Column("at", UTCDateTime, nullable=False),
)

covers = Table(  # who asked to be stood in for, and who does; people are opaque ids
    "covers",
    metadata,
    Column("id", Line, primary_key=True),
    Column("rota", Line, nullable=False),
    Column("start", UTCDateTime, nullable=False),
    Column("end", UTCDateTime, nullable=False),
    Column("asker", Line, nullable=False),
    Column("taker", Line, nullable=False),  # "" until somebody took it
    Column("stand", Line, nullable=False),
    Column("because", Line, nullable=False),
    Column("asked_at", UTCDateTime),
    Column("taken_at", UTCDateTime),
    Index(None, "end"),
)

hooks = Table(  # how far a receiver of webhooks was told of an incident; the row of incident "" says that it is known
    "hooks",
    metadata,
    Column("hook", Line, primary_key=True),
    Column("incident", Line, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("since", UTCDateTime),
    Column("due", UTCDateTime),
)

hook_letters = Table(  # what nobody took
    "hook_letters",
    metadata,
    Column("hook", Line, primary_key=True),
    Column("incident", Line, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
    Column("because", Line, nullable=False),
)

calendars = Table(  # the secret address of a person's calendar, as its hash: one at a time
    "calendars",
    metadata,
    Column("person", Line, primary_key=True),
    Column("digest", Line, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    UniqueConstraint("digest"),
)

alerts = Table(  # moments are microseconds since 1970: compared and joined as they are, thousands a second
    "alerts",
    metadata,
    Column("source", Line, primary_key=True),
    Column("fingerprint", Line, primary_key=True),
    Column("starts", BigInteger, primary_key=True, autoincrement=False),
    Column("ends", BigInteger),  # NULL while it fires
    Column("severity", Integer, nullable=False),
    Column("service", Line, nullable=False),
    Column("words", Text, nullable=False),  # JSON in ASCII: title, text, url, labels
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("place", BigInteger),  # where it stands in the list of what fires; NULL once it is over or overtaken
    Index(None, "seq", unique=True),
    Index(None, "place", "source", "fingerprint"),
)

# the last seq that was given, up to which one incidents know of them, and heard/SENDER: when that was last heard
alert_marks = Table(
    "alert_marks",
    metadata,
    Column("name", Line, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
