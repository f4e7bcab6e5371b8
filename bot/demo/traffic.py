"""The people who come by: real held-out rows sent through the router at a steady rate, each with its outcome."""

import asyncio
import random
from dataclasses import asdict, dataclass

import aiohttp

from bot.demo.data import People
from bot.demo.gateway import SLICE_HEADER

_IN_FLIGHT = 64
_BREATH = 0.02  # seconds between looks at what is due: requests leave in twos and threes
_CATCH_UP = 0.5  # seconds of backlog kept; what is older was never sent, as real visitors would have left


@dataclass(slots=True)
class Tally:
    """What became of the requests; `shed` were due but not sent, because too many were under way."""

    sent: int = 0
    answered: int = 0
    errors: int = 0
    shed: int = 0


class Traffic:
    """Sends `rate` requests a second to `url` until stopped; never more than 64 at once."""

    def __init__(self, url: str, people: People, rate: float, dice: random.Random | None = None) -> None:
        self.url, self.rate, self.tally = f"{url}/predict", rate, Tally()
        self._dice = dice or random.Random(1)
        self._health = ["poor" if poor else "good" for poor in people.poor.tolist()]
        self._busy: set[asyncio.Task[None]] = set()

    def tell(self) -> dict[str, float]:
        return {"rate": self.rate, **asdict(self.tally)}

    async def run(self) -> None:
        """Send until cancelled; requests under way are given up then."""
        connector = aiohttp.TCPConnector(limit=_IN_FLIGHT, keepalive_timeout=60)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5)) as session:
            try:
                await self._send(session)
            finally:
                for task in self._busy:
                    task.cancel()
                await asyncio.gather(*self._busy, return_exceptions=True)

    async def _send(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        due, before = 0.0, loop.time()
        while True:
            await asyncio.sleep(_BREATH)
            at = loop.time()
            due = min(due + (at - before) * self.rate, max(1.0, self.rate * _CATCH_UP))
            before = at
            while due >= 1:
                due -= 1
                if len(self._busy) >= _IN_FLIGHT:
                    self.tally.shed += 1
                    continue
                task = asyncio.create_task(self._one(session, self._dice.randrange(len(self._health))))
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)

    async def _one(self, session: aiohttp.ClientSession, row: int) -> None:
        self.tally.sent += 1
        headers = {SLICE_HEADER: self._health[row], "content-type": "application/json"}
        try:
            async with session.post(self.url, data=b'{"row":%d}' % row, headers=headers) as answer:
                await answer.read()
                good = answer.status == 200  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError):
            good = False
        if good:
            self.tally.answered += 1
        else:
            self.tally.errors += 1
