"""`tocsin migrate`: brings the database's tables up to the shape this version needs."""

from bot.cli._common import TOCSIN_YAML, Config


def migrate(config: Config = TOCSIN_YAML) -> None:
    """Bring the database up to date; `tocsin run` does the same at its start."""
    import asyncio

    from bot.cli._database import recorded
    from bot.cli._text import out
    from bot.store.migrations import HEAD

    before = asyncio.run(_migrate(recorded(config)))
    if before == HEAD:
        out([f"The database is up to date already: revision {HEAD}."])
    else:
        out([f"The database is up to date now: revision {HEAD}, {f'before {before}' if before else 'made new'}."])


async def _migrate(url: str) -> str:
    from bot.cli._database import absent, revision
    from bot.clock import SystemClock
    from bot.store import Store

    before = "" if absent(url) else await revision(url)
    async with await Store.open(url, SystemClock()):
        return before
