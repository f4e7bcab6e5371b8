"""Erase what people wrote where the law asks for it, and keep the legal holds that forbid it.

It works on the database itself, beside a running server or without one. The chain of hashes stays whole: it covers a
salted hash of each text, never the words. Backups, and what Slack holds of a thread, are not reached from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli._common import TOCSIN_YAML, Because, Config, Incident, Yes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from typing import TypeVar

    from bot.engine.values import Profile
    from bot.store import Store

    T = TypeVar("T")

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def listed(incident: Incident, config: Config = TOCSIN_YAML) -> None:
    """Show every text of an incident with its reference, its exhibits, and whether a legal hold is on it."""
    from bot.cli._text import line, out, table

    async def look(store: Store) -> tuple[list[list[str]], list[list[str]], int, str]:
        await _require(store, incident)
        rows = [
            [kept.ref, str(kept.seq), await _name(store, kept.by), "[erased]" if kept.erased else kept.words]
            for kept in await store.erasure.texts(incident)
        ]
        exhibits = [[each.name, each.sha256, each.note] for each in await store.exhibits.of(incident)]
        said = len([each for each in await store.talk.of(incident) if each.text])
        return rows, exhibits, said, await store.erasure.held(incident)

    rows, exhibits, said, held = _on(config, look)
    out(table([["TEXT", "ENTRY", "BY", "WORDS"], *rows]))
    if exhibits:
        out(["", *table([["EXHIBIT", "SHA-256", "NOTE"], *exhibits])])
    if said:
        out(["", f"{_count(said, 'message')} of its thread and war room; tocsin erase talk {incident} erases them."])
    if held:
        out(["", f"{incident} is under a legal hold: {line(held)}"])


@app.command()
def person(
    key: Annotated[str, typer.Argument(help="A key of people.yaml, now or formerly, or an opaque id.", metavar="KEY")],
    yes: Yes = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Erase all that a person wrote or said, everywhere; and who they are, once people.yaml no longer names them."""
    from bot.cli._text import line, out

    async def look(store: Store) -> tuple[Profile, dict[str, int], bool]:
        who = await _who(store, key)
        return who, await store.erasure.concerned(person=who.id), await _is_named(store, who)

    who, found, named = _on(config, look)
    names = line(who.name) if who.name == key else f"{line(key)} ({line(who.name)})"
    out([f"{names} wrote {_texts(sum(found.values()))}{_in(found)}"])
    if named:
        out([f"The name stays: people.yaml names {line(who.key)}. Take them out, start Tocsin once, and erase again."])
    elif who.name != "[erased]":
        out(["The name, the mail address and the Slack account are forgotten as well; the id stays in the log."])
    if not found and (named or who.name == "[erased]"):
        out(["Nothing is left to erase."])
        return
    _agreed(yes=yes)

    async def erase(store: Store) -> int:
        count = await store.erasure.erase(person=who.id)
        if not named:
            await store.people.erase(who.id)
        return count

    _told(config, _changed(config, erase), found)


@app.command()
def text(
    ref: Annotated[str, typer.Argument(help="A reference as `tocsin erase list` shows it.", metavar="REF")],
    yes: Yes = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Erase one text."""
    from bot.cli._text import out, wrapped

    async def look(store: Store) -> tuple[dict[str, int], list[str]]:
        found = await store.erasure.concerned(ref=ref)
        return found, [kept.words for name in found for kept in await store.erasure.texts(name) if kept.ref == ref]

    found, words = _on(config, look)
    if not found:
        out([f"There is no text {ref!r} that is not erased already; tocsin erase list INCIDENT shows what there is."])
        raise typer.Exit(1)
    out([f"{ref} of {', '.join(found)}:", *(row for each in words for row in wrapped(each))])
    _agreed(yes=yes)
    _told(config, _changed(config, lambda store: store.erasure.erase(ref=ref)), found)


@app.command()
def exhibits(incident: Incident, yes: Yes = False, config: Config = TOCSIN_YAML) -> None:
    """Erase what an incident's exhibits hold; their names and SHA-256 stay."""
    from bot.cli._text import line, out
    from bot.clock import SystemClock
    from bot.domain.errors import Refused

    async def look(store: Store) -> list[str]:
        await _require(store, incident)
        if held := await store.erasure.held(incident):
            raise Refused(f"{incident} is under a legal hold: {held}")
        return [each.name for each in await store.exhibits.of(incident) if each.note != "[erased]"]

    names = _on(config, look)
    if not names:
        out([f"{incident} has no exhibits that are not erased already."])
        return
    out([f"{incident} has {_count(len(names), 'exhibit')}:", *(f"  {line(name)}" for name in names)])
    _agreed(yes=yes)
    count = _changed(config, lambda store: store.exhibits.erase(incident, SystemClock().now()))
    _told(config, count, {incident: count}, what="exhibit")


@app.command()
def talk(incident: Incident, yes: Yes = False, config: Config = TOCSIN_YAML) -> None:
    """Erase what people said in an incident's thread and war room; what the timeline keeps of it stays."""
    from bot.cli._text import out
    from bot.domain.errors import Refused

    async def look(store: Store) -> int:
        await _require(store, incident)
        if held := await store.erasure.held(incident):
            raise Refused(f"{incident} is under a legal hold: {held}")
        return len([each for each in await store.talk.of(incident) if each.text])

    said = _on(config, look)
    if not said:
        out([f"Of {incident}'s thread nothing is kept that is not erased already."])
        return
    out([f"{incident} has {_count(said, 'message')} of its thread and war room."])
    _agreed(yes=yes)
    _told(config, _changed(config, lambda store: store.talk.erase(incident)), {incident: said}, what="message")


@app.command()
def hold(incident: Incident, because: Because = "", config: Config = TOCSIN_YAML) -> None:
    """Put an incident under a legal hold: nothing of it can be erased until it is released."""
    from bot.cli._text import out

    async def work(store: Store) -> None:
        await _require(store, incident)
        await store.erasure.hold(incident, because)

    _changed(config, work)
    out([f"{incident} is under a legal hold: nothing of it can be erased."])


@app.command()
def release(incident: Incident, config: Config = TOCSIN_YAML) -> None:
    """Lift a legal hold."""
    from bot.cli._text import out

    async def work(store: Store) -> bool:
        await _require(store, incident)
        return await store.erasure.release(incident)

    lifted = _changed(config, work)
    out([f"The legal hold on {incident} is lifted." if lifted else f"{incident} is under no legal hold."])


# -- the database ------------------------------------------------------------------------------------------------------


def _on(config: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` reads in the configured database. Raises Unavailable where it is not as this version needs it."""
    import asyncio

    from bot.cli._database import looked_at, recorded
    from bot.clock import SystemClock

    async def go(url: str) -> T:
        async with looked_at(url, SystemClock()) as store:
            return await work(store)

    return asyncio.run(go(recorded(config)))


def _changed(config: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` answers that changes the configured database. Raises Unavailable as above."""
    import asyncio

    from bot.cli._database import recorded, standing
    from bot.clock import SystemClock
    from bot.domain.errors import Unavailable
    from bot.store import Store

    async def go(url: str) -> T:
        if trouble := await standing(url):
            raise Unavailable("the database", trouble)
        async with await Store.open(url, SystemClock(), migrate=False) as store:
            return await work(store)

    return asyncio.run(go(recorded(config)))


async def _require(store: Store, incident: str) -> None:
    from bot.domain.errors import NotFound

    if not (await store.log.load(incident)).exists:
        raise NotFound("incident", incident)


async def _who(store: Store, key: str) -> Profile:
    from bot.domain.errors import NotFound

    found = await store.people.known(key)
    if found is None:
        raise NotFound("person", key, [each.key for each in await store.people.everyone()])
    return found


async def _name(store: Store, by: str) -> str:
    found = await store.people.by_id(by)
    return found.name if found else by


async def _is_named(store: Store, who: Profile) -> bool:
    """Whether the configuration named them when Tocsin last started; the next start would bring them back."""
    return await store.people.by_key(who.key) is not None


# -- what is said ------------------------------------------------------------------------------------------------------


def _agreed(*, yes: bool) -> None:
    """Go on only where a person says yes."""
    from bot.domain.errors import Refused

    if not yes and not typer.confirm("Erase this for good? Nothing brings it back"):
        raise Refused("not erased; nothing was changed")


def _told(config: Path, count: int, found: Mapping[str, int], what: str = "text") -> None:
    """How much was erased, and that the record is whole. Raises Tampered where it is not."""
    from bot.cli._text import out

    chains = [name for name in found if name]  # a message that belongs to no incident yet has none
    out([f"{_count(count, what)} erased."])

    async def walk(store: Store) -> None:
        for name in chains:
            await store.log.verify(name)

    _on(config, walk)
    if chains:
        out([f"In order: {_count(len(chains), 'chain')} concerned, to the last entry."])


def _texts(count: int) -> str:
    return _count(count, "text") if count else "nothing that is not erased already"


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _in(found: Mapping[str, int]) -> str:
    names = ", ".join(name for name in found if name)
    return f" in {names}" if names else ""
