"""A replica of the house as a process of its own: everything is real but the phone, which writes each page to a file.

Arguments: tocsin.yaml, and the file of the phone. Runs until SIGTERM.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot import openings, serving, telemetry, wiring
from bot.config.load import load
from bot.durable.dbos import Dbos
from tests.phone import Phone


async def main(config: Path, phone: Path) -> None:
    installation = load(config, environ=os.environ, models=openings.models)
    installation.state.mkdir(parents=True, exist_ok=True)
    telemetry.listen("info")
    stop, sockets = asyncio.Event(), serving.bound(installation.web)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = Dbos(installation.database_url, takeover_every=0.5)
    async with wiring.running(installation, durable=engine, pagers={"phone": Phone(phone)}) as house:
        await serving._listen(serving.console(house), sockets, stop)


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
