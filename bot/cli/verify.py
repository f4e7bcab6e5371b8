"""`tocsin verify`: proves that nobody rewrote the record, straight from the database and without a running server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config

if TYPE_CHECKING:
    from bot.store import Store


def verify(
    incident: Annotated[str, typer.Argument(help="One incident; left out, all of them.")] = "",
    config: Config = TOCSIN_YAML,
    database: Annotated[
        str, typer.Option(help="A database by address or file instead of the configuration's, such as a copy.")
    ] = "",
    against: Annotated[
        Path | None, typer.Option(help="What an earlier run printed: each head in it must still be in the record.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk every chain of hashes: print each head, or name the first entry that was altered."""
    import asyncio

    from bot.cli._database import recorded
    from bot.cli._text import out, out_json
    from bot.domain.errors import Tampered

    url = database or recorded(config)
    earlier = _heads(against) if against is not None else {}
    try:
        heads = asyncio.run(_walk(url, incident, earlier))
    except Tampered as tampered:
        if as_json:
            out_json({"ok": False, "heads": {}, "error": str(tampered)})
        raise
    if as_json:
        out_json({"ok": True, "heads": heads, "error": ""})
        return
    count = len(heads)
    out(f"{name}  {head}" for name, head in heads.items())
    out([f"in order: {count} {'chain verifies' if count == 1 else 'chains verify'}, to the last entry"])


async def _walk(url: str, incident: str, earlier: dict[str, str]) -> dict[str, str]:
    from bot.cli._database import looked_at
    from bot.clock import SystemClock
    from bot.domain.errors import Tampered

    async with looked_at(url, SystemClock()) as store:
        try:
            heads = await store.log.verify(incident)
        except (TypeError, ValueError, AttributeError) as error:  # a column holds what nobody of ours ever wrote there
            raise Tampered(f"{await _first_strange(store)}: an entry is of no form that was ever written") from error
        for name, head in earlier.items():
            if not incident or name == incident:
                await _still_there(store, name, head, heads)
        return heads


async def _first_strange(store: Store) -> str:
    """The first incident that cannot even be walked."""
    from bot.store.reading import every_id

    for name in await store.database.read(every_id, within=None):
        try:
            await store.log.verify(name)
        except (TypeError, ValueError, AttributeError):
            return name
    return "the record"


async def _still_there(store: Store, name: str, head: str, heads: dict[str, str]) -> None:
    """A chain may have grown since; what it was then must be one of its entries. Raises Tampered."""
    from bot.domain.errors import Tampered

    if heads.get(name) == head:
        return
    if name not in heads:
        raise Tampered(f"{name}: the whole incident is gone, its head was {head}")
    if all(entry.hash != head for entry in await store.log.entries(name)):
        raise Tampered(f"{name}: the entry {head} that was its head is no longer in the record")


def _heads(path: Path) -> dict[str, str]:
    """Incident and head of each line an earlier run printed. Raises Unavailable."""
    import re

    from bot.domain.errors import Unavailable

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise Unavailable(str(path), f"cannot be read: {reason}") from None
    found = dict(re.findall(r'^\s*"?([^\s"]+?)"?:?\s+"?([0-9a-f]{64})"?,?\s*$', text, flags=re.MULTILINE))
    if not found:
        raise Unavailable(str(path), "holds no heads; expected what `tocsin verify` printed")
    return found
