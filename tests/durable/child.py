"""A process that performs under a durable engine and is killed, or kills itself, in the middle of it.

Arguments: the engine's URL, a file to write each performance to, the key, and what to do: `start` it or `take-up`;
a third word `die` makes performing it kill the process.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.durable.dbos import Dbos


async def main(url: str, seen: Path, key: str, what: str, how: str) -> None:
    done = asyncio.Event()

    async def perform(key: str) -> None:
        with seen.open("a") as file:
            file.write(f"{key}\n")
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        done.set()

    async def wake(incident: str) -> None:
        with seen.open("a") as file:
            file.write(f"wake {incident}\n")
        done.set()

    engine = Dbos(url, takeover_every=0.2)
    await engine.open(perform, wake)
    if what == "start":
        await engine.start(key)
    elif what == "give-up":  # until the engine itself says so
        while not await engine.dead_letters():  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.05)
        done.set()
    await asyncio.wait_for(done.wait(), 20)
    print(*(key for key, _attempt in await engine.dead_letters()))  # noqa: T201
    await engine.close()


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:6]))
