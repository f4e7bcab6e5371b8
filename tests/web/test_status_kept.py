"""The status page as it is kept: read once for all readers, still there when the database is not, erased where asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from bot.domain.status import Kind, State
from bot.engine.status import EVERY, STALE
from bot.store import Store
from tests.kit import NOON
from tests.web.fakes import Place
from tests.web.rich import declared
from tests.web.speaking import approved, drafted, published, speaking
from tests.web.test_status import DOORS, everything, whole

# -- caching, silence, replicas --------------------------------------------------------------------------------------


async def test_a_thousand_readers_ask_the_log_once(home: Place) -> None:
    """Within ten seconds nobody asks twice, after them one does; a commit of ours is asked for with the next reader."""
    home = speaking(home)
    name = await declared(home)
    board = home.web.status
    assert board is not None
    async with home.client() as stranger:
        await asyncio.gather(*(stranger.get("/status") for _ in range(1000)))
        assert board.asked == 1
        home.clock.forward(seconds=EVERY.total_seconds())
        await asyncio.gather(*(stranger.get(door) for door in DOORS for _ in range(20)))
        assert board.asked == 2
        await published(home, name, text="Told at once.")
        assert "Told at once." in (await stranger.get("/status")).text
        assert board.asked == 3


async def test_what_is_unchanged_is_not_sent_again(home: Place) -> None:
    """A tag for each form; the same within the minute, another after a statement; short lives in every cache."""
    home = speaking(home)
    name = await declared(home)
    async with home.client() as stranger:
        for door in DOORS:
            first = await stranger.get(door)
            assert first.headers["cache-control"] == "public, max-age=15, must-revalidate"
            again = await stranger.get(door, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        head = await stranger.head("/status")
        assert (head.status_code, head.headers["etag"]) == (200, (await stranger.get("/status")).headers["etag"])
        tags = {door: (await stranger.get(door)).headers["etag"] for door in DOORS}
        await published(home, name)
        for door in DOORS:
            assert (await stranger.get(door, headers={"If-None-Match": tags[door]})).status_code == 200


async def test_the_page_stands_while_the_database_is_silent(home: Place) -> None:
    """As of the last time it was read; after two minutes it says that it could not be refreshed, and comes back."""
    from bot.domain.errors import Unavailable

    class Silent:
        async def spoken_of(self, since: object) -> dict[str, str]:
            raise Unavailable("the database", "no answer within 1.5 s")

    home = speaking(home)
    name = await declared(home)
    await published(home, name)
    board = home.web.status
    assert board is not None
    async with home.client() as stranger:
        first = (await stranger.get("/status")).text
        log, board.spoken = board.spoken, Silent()
        home.clock.forward(seconds=30)
        assert (await stranger.get("/status")).text == first
        home.clock.forward(seconds=STALE.total_seconds())
        late = await stranger.get("/status")
        assert "could not be refreshed since 20 November 2026, 12:00 UTC" in whole(late).text
        assert "Predictions are wrong" in late.text
        assert (await stranger.get("/status.json")).json()["stale"] is True
        board.spoken = log
        home.clock.forward(seconds=EVERY.total_seconds())
        assert "could not be refreshed" not in (await stranger.get("/status")).text


async def test_without_a_first_copy_the_page_says_nothing_of_the_services(home: Place) -> None:
    """503 in its own frame, without a way into the console, and never "operational"; it is asked for at once again."""
    from bot.domain.errors import Unavailable

    class Silent:
        async def spoken_of(self, since: object) -> dict[str, str]:
            raise Unavailable("the database", "no answer within 1.5 s")

    home = speaking(home)
    board = home.web.status
    assert board is not None
    log, board.spoken = board.spoken, Silent()
    async with home.client() as stranger:
        answer = await stranger.get("/status")
        assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
        assert "This says nothing about our services." in answer.text
        assert "perational" not in answer.text
        assert 'href="/"' not in answer.text
        assert (await stranger.get("/status.json")).status_code == 503
        board.spoken = log
        assert (await stranger.get("/status")).status_code == 200


async def test_another_replica_shows_it_within_seconds(home: Place) -> None:
    """Two houses on one database: what one publishes the other shows after ten seconds, and never a draft."""
    from bot.engine.handle import Handler
    from bot.engine.status import StatusBoard
    from tests.web.speaking import COMPONENTS

    home = speaking(home)
    name = await declared(home)
    async with await Store.open(home.store.database.url.render_as_string(hide_password=False), home.clock) as other:
        board = StatusBoard(Handler(other.log, home.clock, home.desk.handler.policy), other.log, "S", COMPONENTS)
        assert (await board.copy()).page.now == ()
        made = await drafted(home, name)
        digest = await approved(home, name, made)
        home.clock.forward(seconds=EVERY.total_seconds())
        assert (await board.copy()).page.now == ()
        from bot.domain.stating import PublishStatement

        await home.desk.submit(name, PublishStatement(made, digest), await home.who("ana"))
        assert (await board.copy()).page.now == ()
        home.clock.forward(seconds=EVERY.total_seconds())
        assert [told.title for told in (await board.copy()).page.now] == ["Predictions are wrong for some visits"]


async def test_erased_words_are_gone_from_the_page(home: Place) -> None:
    """Erasing leaves no entry, and the list of what the page speaks of says so all the same."""
    home = speaking(home)
    name = await declared(home)
    await published(home, name, text="zzz-personal")
    assert "zzz-personal" in await everything(home)
    assert await home.store.erasure.erase(person=(await home.who("ana")).id) > 0
    home.clock.forward(seconds=EVERY.total_seconds())
    told = await everything(home)
    assert "zzz-personal" not in told
    assert "[erased]" not in told
    assert "All components operational" in told


async def test_the_list_is_made_anew_from_the_log(home: Place, tmp_path: Path) -> None:
    """The page after a rebuild is the page before it."""
    home = speaking(home)
    name = await declared(home)
    await published(home, name)
    await published(home, name, kind=Kind.RESOLVED, text="Over.", states=(("predictions", State.OPERATIONAL),))
    before = await home.store.log.spoken_of(NOON)
    assert set(before) == {name}
    await home.store.log.rebuild()
    assert await home.store.log.spoken_of(NOON) == before
    assert await home.store.log.spoken_of(NOON + timedelta(days=1)) == {}
