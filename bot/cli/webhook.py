"""Webhooks out: try one, see how they stand, send once more what nobody took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli._common import TOCSIN_YAML, Config

if TYPE_CHECKING:
    from bot.config.installation import Installation
    from bot.config.webhooks import Webhook

app = typer.Typer(no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="The webhook's name in tocsin.yaml.")]


@app.command("list")
def list_(config: Config = TOCSIN_YAML) -> None:
    """How each stands: how far behind it is, and what was put aside."""
    import asyncio

    from bot.cli._database import configured
    from bot.cli._text import out

    installation = configured(config)
    if not installation.webhooks:
        out(["no webhook is set up; see `webhooks:` of tocsin.yaml"])
        return
    out(asyncio.run(_stand(installation)))


@app.command("test")
def try_(name: Named, config: Config = TOCSIN_YAML) -> None:
    """Send a signed test that is about no incident."""
    import asyncio

    from bot.cli._database import configured
    from bot.cli._text import out

    installation = configured(config)
    found = _found(installation, name)
    asyncio.run(_ping(installation, found))
    out([f"{name} took it"])


@app.command()
def again(name: Named, config: Config = TOCSIN_YAML) -> None:
    """Send once more what was put aside, and what came after it in the same incidents."""
    import asyncio

    from bot.cli._database import configured
    from bot.cli._text import out

    installation = configured(config)
    _found(installation, name)
    many = asyncio.run(_again(installation, name))
    out([f"{many} {'change is' if many == 1 else 'changes are'} sent once more by the running Tocsin"])


def _found(installation: Installation, name: str) -> Webhook:
    """Raises NotFound naming those there are."""
    from bot.domain.errors import NotFound

    found = next((each for each in installation.webhooks if each.name == name), None)
    if found is None:
        raise NotFound("webhook", name, [each.name for each in installation.webhooks])
    return found


async def _ping(installation: Installation, found: Webhook) -> None:
    from bot.clock import SystemClock
    from bot.engine.changed import ping
    from bot.openings import webhook

    clock = SystemClock()
    door = webhook(found, clock)
    try:
        await door.tell(ping(installation.web.address, clock.now()))
    finally:
        await door.close()


async def _stand(installation: Installation) -> list[str]:
    from bot.clock import SystemClock
    from bot.store import Store

    lines = []
    async with await Store.open(installation.database_url, SystemClock()) as store:
        for each in installation.webhooks:
            behind = await store.hooks.waiting(each.name)
            letters = await store.hooks.letters(each.name)
            behind_ = f"{behind} incident{'' if behind == 1 else 's'} behind"
            aside = f"{len(letters)} change{'' if len(letters) == 1 else 's'} put aside"
            lines.append(f"{each.name}  {behind_}, {aside}")
            lines += [f"    {letter.incident}/{letter.seq}  {letter.because}" for letter in letters]
    return lines


async def _again(installation: Installation, name: str) -> int:
    from bot.clock import SystemClock
    from bot.store import Store

    async with await Store.open(installation.database_url, SystemClock()) as store:
        return await store.hooks.again(name)
