"""The record as the API tells it to an auditor: whether it verifies, its entries by time, and what was erased."""

from __future__ import annotations

from pydantic import Field

from bot.engine.record import Erased, Written
from bot.web.shape import Instant, Shape


class Verified(Shape):
    """Whether every chain of the log verified when that was last looked at: how many, and the heads one may see.

    `ok` is false before the first look, with `error` saying so. `running` with `done` and `of` tells of a look under
    way. `digest` is SHA-256 over the lines `INCIDENT  HEAD` that `tocsin verify` prints.
    """

    ok: bool
    count: int = 0
    heads: dict[str, str] = Field(default_factory=dict)
    error: str = ""
    at: Instant | None = None
    took_s: float = 0.0
    entries: int = 0
    bad: int = 0
    digest: str = ""
    running: bool = False
    done: int = 0
    of: int = 0


class EntryShape(Shape):
    """One entry: by whom, because of what, and the hashes that chain it. Nobody's words are in it."""

    incident: str
    seq: int
    at: Instant
    by: str
    name: str
    cause: str
    before: str
    hash: str

    @classmethod
    def of(cls, entry: Written) -> EntryShape:
        """As it is told; `by` is an opaque id, or tocsin."""
        return cls.model_validate(entry)


class EntriesShape(Shape):
    """Entries, the newest first. `next` is handed back as `after`; `back_to` is how far this answer looked."""

    entries: list[EntryShape]
    next: str
    back_to: Instant | None


class ErasedShape(Shape):
    """What was erased of one incident at one time: words or files, and how many."""

    incident: str
    what: str
    at: Instant
    count: int

    @classmethod
    def of(cls, erased: Erased) -> ErasedShape:
        return cls.model_validate(erased)
