"""Proves the record beside everything else: chain after chain in the background, the last result kept with its time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.domain.errors import Tampered, Unavailable
from bot.engine.ports import Checkpoints
from bot.engine.record import Record
from bot.telemetry import log as logger

LAST, HEADS = "audit/proved", "audit/heads"
"""The documents that hold the last result, and the heads it found."""
NAMED = 20
"""So many altered chains are named; of the others the number."""
PATIENCE = 2.0
"""Seconds an answer waits for a walk under way: a small record is proved in that time."""
SHARE = 20
"""A look renews what took a second only after twenty: at most a twentieth of the time goes into walking."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What walking every chain found: `errors` name the first altered entries, `bad` counts the chains.

    `digest` is SHA-256 over the lines `INCIDENT  HEAD` as `tocsin verify` prints them.
    """

    began: datetime
    at: datetime
    by: str
    count: int
    entries: int
    bad: int
    errors: tuple[str, ...]
    digest: str

    @property
    def ok(self) -> bool:
        """Whether every chain verifies."""
        return not self.bad

    @property
    def took(self) -> timedelta:
        return self.at - self.began


@dataclass(slots=True)
class Progress:
    """How far a walk is."""

    by: str
    began: datetime
    done: int = 0
    of: int = 0


class Proofs:
    """One walk at a time. Whoever asks meanwhile is told how far it is."""

    def __init__(self, record: Record, kept: Checkpoints, clock: Clock) -> None:
        self.record, self.kept, self.clock = record, kept, clock
        self.patience = PATIENCE
        self.progress: Progress | None = None
        self.trouble = ""
        """Why the last walk could not be finished."""
        self._heads: Mapping[str, str] | None = None
        self._last: Proof | None = None
        self._task: asyncio.Task[None] | None = None

    async def last(self) -> Proof | None:
        """The newest result, whichever replica found it; None before the first. Raises Unavailable."""
        held = (await self.kept.load([LAST])).get(LAST)
        if held is not None and (self._last is None or datetime.fromisoformat(str(held["at"])) > self._last.at):
            self._last, self._heads = _proof(held), None
        return self._last

    async def heads(self) -> Mapping[str, str]:
        """Head by incident of the newest result; none where a chain was altered. Raises Unavailable."""
        proof = await self.last()
        if proof is None or not proof.ok:
            return {}
        if self._heads is None:
            held = (await self.kept.load([HEADS])).get(HEADS, {})
            self._heads = {str(name): str(head) for name, head in held.items()}
        return self._heads

    def begin(self, by: str) -> bool:
        """Walk every chain anew; False where a walk is under way."""
        if self._task is not None and not self._task.done():
            return False
        self.progress = Progress(by, self.clock.now())
        self._task = asyncio.create_task(self._walk(self.progress))
        return True

    async def looked(self, by: str) -> Proof | None:
        """The newest result, renewed where it is old for what it costs; one under way is waited for with patience."""
        proof = await self.last()
        if proof is None or self.clock.now() - proof.at > SHARE * proof.took:
            self.begin(by)
        await self.settled()
        return await self.last()

    async def settled(self, within: float | None = None) -> None:
        """Wait until the walk under way is over, so many seconds at most; left out, as long as it has patience."""
        within = self.patience if within is None else within
        if self._task is not None and not self._task.done() and within > 0:
            await asyncio.wait({self._task}, timeout=within)

    async def close(self) -> None:
        """End a walk under way; its result is lost, the one before stands."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _walk(self, progress: Progress) -> None:
        try:
            await self._through(progress)
        except Unavailable as silent:
            self.trouble = f"could not be finished after {progress.done} of {progress.of} chains: {silent}"
        except Exception as fault:  # noqa: BLE001 - told on the page; a job nobody awaits must not end in silence
            self.trouble = "could not be finished: that is a fault of Tocsin's own; the details are in its log"
            logger().error("walking the record met a fault", fault=f"{type(fault).__name__}: {fault}")
        finally:
            self.progress = None

    async def _through(self, progress: Progress) -> None:
        ids, size = await self.record.ids(), await self.record.size()
        progress.of = len(ids)
        heads: dict[str, str] = {}
        errors: list[str] = []
        for name in ids:
            try:
                heads[name] = await self.record.walk(name)
            except Tampered as tampered:
                errors.append(str(tampered))
            except (TypeError, ValueError, AttributeError):  # a column holds what nobody of ours ever wrote there
                errors.append(f"{name}: an entry is of no form that was ever written")
            progress.done += 1
            await asyncio.sleep(0)
        lines = "".join(f"{name}  {head}\n" for name, head in heads.items())
        proof = Proof(
            progress.began, self.clock.now(), progress.by, len(ids), size, len(errors), tuple(errors[:NAMED]),
            hashlib.sha256(lines.encode()).hexdigest(),
        )  # fmt: skip
        told = {**asdict(proof), "began": proof.began.isoformat(), "at": proof.at.isoformat(), "errors": errors[:NAMED]}
        self._last, self._heads, self.trouble = proof, heads, ""
        await self.kept.save({LAST: told, HEADS: heads}, proof.at)
        if not proof.ok:
            logger().error("the record was altered", chains=proof.bad, first=proof.errors[0])


def _proof(held: Mapping[str, Any]) -> Proof:
    told = {name: held[name] for name in ("by", "count", "entries", "bad", "digest")}
    return Proof(
        began=datetime.fromisoformat(held["began"]),
        at=datetime.fromisoformat(held["at"]),
        errors=tuple(held["errors"]),
        **told,
    )
