"""What the watch remembers over a restart: the ledger, the evidence and the episodes, written together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from bot.domain.errors import Invalid
from bot.engine.counting import Counting
from bot.engine.ports import Checkpoints
from bot.slo import keeping
from bot.slo.episode import Episode
from bot.telemetry import log as logger

CHECKPOINT = "watch"
"""The document that names all others; they are called `watch/…`."""


class Memory:
    """Writes what changed at each save, in one transaction, and takes it up again."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.checkpoints = checkpoints
        self._kept = keeping.Kept()

    async def save(self, counting: Counting, episodes: Mapping[str, Episode], at: datetime) -> None:
        """Write down what is new. Raises Unavailable; then the next save writes it."""
        # packing a month of thousands of objectives takes seconds: nobody's click waits for it
        made = await asyncio.to_thread(keeping.checkpoint, counting.ledger, self._kept)
        documents: dict[str, Mapping[str, object]] = {
            f"{CHECKPOINT}/{name}": held for name, held in made.documents.items() if name != keeping.HEAD
        }
        documents[CHECKPOINT] = {
            "ledger": made.documents[keeping.HEAD],
            "evidence": counting.panel.checkpoint(),
            "slices": counting.slices.checkpoint(),
            "fair": counting.fair.checkpoint(),
            "episodes": {name: episode.to_dict() for name, episode in episodes.items() if episode.eventful},
        }
        newest = counting.ledger.grid.last
        await self.checkpoints.save(documents, at, drop=[f"{CHECKPOINT}/{name}" for name in made.drop])
        self._kept = made.kept
        keeping.written(counting.ledger, newest)

    async def restore(self, counting: Counting) -> bool:
        """Take up the ledger and the evidence where the last save left them; False where nothing can be taken up."""
        self._kept = keeping.Kept()
        head = (await self.checkpoints.load([CHECKPOINT])).get(CHECKPOINT, {})
        held = head.get("ledger")
        if not isinstance(held, dict):
            return False
        try:
            names = keeping.names(held)
            beside = await self.checkpoints.load([f"{CHECKPOINT}/{name}" for name in names])
            parts = {name.removeprefix(f"{CHECKPOINT}/"): document for name, document in beside.items()}
            self._kept = keeping.restore(counting.ledger, {keeping.HEAD: held, **parts})
        except Invalid as trouble:  # another poll interval, another version: watching begins anew, the log stands
            logger().warning("what the watch knew cannot be taken up", because=str(trouble))
            return False
        counting.ledger.keep({slo.name for slo in counting.panel.slos})
        counting.arrange()
        slices, fair = head.get("slices"), head.get("fair")
        counting.slices.restore(slices if isinstance(slices, dict) else {})
        counting.fair.restore(fair if isinstance(fair, dict) else {})
        evidence = head.get("evidence")
        try:
            counting.panel.restore(evidence if isinstance(evidence, dict) else {})
        except Invalid as trouble:
            logger().warning("the evidence cannot be taken up", because=str(trouble))
        return True

    async def fair(self, counting: Counting) -> None:
        """Take up the comparison of groups as the last leader saved it: it knows what people resolved."""
        fair = (await self.checkpoints.load([CHECKPOINT])).get(CHECKPOINT, {}).get("fair")
        counting.fair.restore(fair if isinstance(fair, dict) else {})

    async def episodes(self) -> dict[str, Episode]:
        """The episodes as they were saved, as far as they can be read."""
        saved = (await self.checkpoints.load([CHECKPOINT])).get(CHECKPOINT, {}).get("episodes")
        known: dict[str, Episode] = {}
        try:
            for name, each in saved.items() if isinstance(saved, dict) else ():
                known[name] = Episode.from_dict(each)
        except Invalid as trouble:
            logger().warning("what the watch knew cannot be taken up", because=str(trouble))
        return known
