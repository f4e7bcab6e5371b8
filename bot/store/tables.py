"""The tables in which incidents are remembered: log, claims, readings, people, exhibits, talk, alerts, covers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.store.columns import Line, UTCDateTime, metadata

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
    Index(None, "at", "incident", "seq"),
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
    Index(
        None, "erased_at", sqlite_where=text("erased_at IS NOT NULL"), postgresql_where=text("erased_at IS NOT NULL")
    ),
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
    Column("search", Line, nullable=False, server_default=text("''")),  # its words in small letters; erased with them
    Column("readers", Line, nullable=False, server_default=text("''")),  # whom a restricted one names
    Column("left_out", Line, nullable=False, server_default=text("''")),  # why it is in no average
    Column("corrected", Line, nullable=False, server_default=text("''")),  # times that people set right
    Column("erased", Integer, nullable=False, server_default="0"),  # how many of its texts were
    Column("edition", Integer, nullable=False, server_default="0"),  # of what a row holds: see `projections`
    Column("ttd", BigInteger),  # milliseconds, as `measures` says
    Column("tta", BigInteger),
    Column("ttm", BigInteger),
    Column("ttr", BigInteger),
    Column("clock", UTCDateTime),  # when its next legal clock ends
    Index(None, "declared", "number"),
    Index(None, "number"),
    Index(None, "phase", "declared"),
    Index(None, "service", "declared", "number"),
    Index(None, "restricted", "service"),
    Index(None, "clock"),
    Index(  # holds all the numbers are made of, so that the rows themselves need not be read
        "ix_incidents_figures",
        *("declared", "restricted", "service", "severity", "cause", "phase", "left_out", "corrected"),
        *("ttd", "tta", "ttm", "ttr"),
    ),
)

followups = Table(  # a reading of the log as well: what somebody promised and has not done
    "followups",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("item", Line, primary_key=True),
    Column("owner", Line, nullable=False),
    Column("due", Line, nullable=False),  # a date
    Index(None, "owner"),
    Index(None, "due"),
)

paged = Table(  # a reading of the log as well: how often whom a channel took a page for, by the hour
    "paged",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("person", Line, primary_key=True),
    Column("hour", UTCDateTime, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("service", Line, nullable=False),  # as the incident has them: neither ever changes
    Column("restricted", Boolean, nullable=False),
    Index(None, "hour"),
)

statements = Table(  # a reading of the log too: which incidents the status page speaks of
    "statements",
    metadata,
    Column("incident", Line, primary_key=True),
    Column("version", Line, nullable=False),  # changes whenever the page would
    Column("ended", UTCDateTime),  # none while the page does not say that it is over
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
    Column("granted", Line),  # a JSON list: the roles of their groups with the provider, instead of `roles`
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

login_links = Table(  # one-time links and ways to the provider and back, by the hash of what is in the address
    "login_links",
    metadata,
    Column("digest", Line, primary_key=True),
    Column("key", Line, nullable=False),  # whom it lets in; "" for a way to the provider
    Column("errand", Line, nullable=False),  # JSON
    Column("ends", UTCDateTime, nullable=False),
    Index(None, "ends"),
)

sessions = Table(  # who is logged in, by the hash of the session's id
    "sessions",
    metadata,
    Column("digest", Line, primary_key=True),
    Column("person", Line, nullable=False),
    Column("way", Line, nullable=False),
    Column("begun", UTCDateTime, nullable=False),
    Column("seen", UTCDateTime, nullable=False),
    Column("ends", UTCDateTime, nullable=False),
    Column("roles", Line, nullable=False),  # those they had when the id was drawn
    Column("issuer", Line, nullable=False),
    Column("subject", Line, nullable=False),
    Column("hint", Line, nullable=False),
    Column("proved", UTCDateTime),
    Column("gone_on", Boolean, nullable=False),  # another id took its place
    Index(None, "person"),
    Index(None, "ends"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Line, primary_key=True),
    Column("digest", Line, nullable=False),
    Column("person", Line, nullable=False),
    Column("name", Line, nullable=False),
    Column("scopes", Line, nullable=False),
    Column("made", UTCDateTime, nullable=False),
    Column("expires", UTCDateTime, nullable=False),
    Column("used", UTCDateTime),
    UniqueConstraint("digest"),
    Index(None, "person"),
)

accounts = Table(  # people as a provider knows them
    "accounts",
    metadata,
    Column("issuer", Line, primary_key=True),
    Column("subject", Line, primary_key=True),
    Column("shown", Line, nullable=False),
    Column("person", Line, nullable=False),  # "" while they are nobody here
    Column("seen", UTCDateTime, nullable=False),
    Column("roles", Line),  # a JSON list
    Index(None, "person"),
)

access_log = Table(  # what was done to people's access; only ever added to
    "access_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    Column("by", Line, nullable=False),
    Column("what", Line, nullable=False),
    Column("about", Line, nullable=False),
    Column("detail", Line, nullable=False),
    Index(None, "about"),
)

begun = Table(  # the pages that were begun as one message, for a day
    "begun",
    metadata,
    Column("key", Line, primary_key=True),  # of the page
    Column("message", Line, nullable=False),  # the key of the page it is named by
    Column("incident", Line, nullable=False),
    Column("owed", Line, nullable=False),  # JSON
    Column("at", UTCDateTime, nullable=False),
    Index(None, "message"),
    Index(None, "at"),
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
