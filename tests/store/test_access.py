"""How people come in, as both databases keep it: once is once whoever asks, and what ends is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.domain.policy import Role
from bot.engine.access import Account, Deed, Errand, HeldToken, Scope, Session, Way
from bot.engine.values import Profile
from bot.store import Store
from tests.store.conftest import HandClock

HOUR = timedelta(hours=1)


def session(clock: HandClock, digest: str = "d1", person: str = "p_ana") -> Session:
    now = clock.now()
    return Session(digest, person, Way.PROVIDER, now, now, now + HOUR, frozenset({"responder"}), "iss", "sub", "a.b.c")


async def test_a_link_is_used_by_one_of_many(store: Store, clock: HandClock) -> None:
    """Ten ask at once, one is answered; looking used nothing up, and an old one is nobody's."""
    kept, now = store.access.sessions, clock.now()
    await kept.keep_link("d1", "ana", now, now + HOUR)
    await kept.keep_link("d2", "ben", now, now + HOUR)
    assert [await kept.link("d1", now) for _ in range(2)] == ["ana", "ana"]
    answers = await asyncio.gather(*(kept.use_link("d1", now) for _ in range(10)))
    assert sorted(answers) == [""] * 9 + ["ana"]
    assert await kept.link("d1", now) == ""
    assert (await kept.link("d2", now + HOUR), await kept.use_link("d2", now + HOUR)) == ("", "")


async def test_a_way_to_the_provider_comes_back_once(store: Store, clock: HandClock) -> None:
    """With everything that was kept for it; a link's hash is no state, and a state's no link."""
    kept, now = store.access.sessions, clock.now()
    errand = Errand("nonce", "verifier", "/slos", now, "d9")
    await kept.send("s1", errand, now + HOUR)
    await kept.keep_link("d1", "ana", now, now + HOUR)
    assert (await kept.link("s1", now), await kept.back("d1", now)) == ("", None)
    answers = await asyncio.gather(*(kept.back("s1", now) for _ in range(5)))
    assert [each for each in answers if each is not None] == [errand]


async def test_a_session_goes_on_once(store: Store, clock: HandClock) -> None:
    """Of two requests that draw a new id at once one does; the old id ends soon, and is not counted."""
    kept, now = store.access.sessions, clock.now()
    first = session(clock)
    await kept.begin(first)
    assert await kept.session("d1", now) == first
    news = [replace(first, digest=f"n{n}", roles=frozenset({"admin"}), proved=now) for n in range(4)]
    until = now + timedelta(minutes=1)
    done = await asyncio.gather(*(kept.replace("d1", each, until) for each in news))
    assert sorted(done) == [False, False, False, True]
    assert await kept.sessions(now) == [news[done.index(True)]]
    assert await kept.session("d1", until) is None
    assert not await kept.replace("unknown", news[0], until)


async def test_a_proof_is_used_once(store: Store, clock: HandClock) -> None:
    """Of several who ask at once one gets it, and an old one is none."""
    kept, now = store.access.sessions, clock.now()
    await kept.begin(session(clock))
    new = replace(session(clock, "n1"), proved=now)
    assert await kept.replace("d1", new, now + HOUR)
    assert not await kept.use_proof("n1", now)
    assert not await kept.use_proof("d1", now - HOUR)
    used = await asyncio.gather(*(kept.use_proof("n1", now - HOUR) for _ in range(4)))
    assert sorted(used) == [False, False, False, True]


async def test_sessions_end_and_are_forgotten(store: Store, clock: HandClock) -> None:
    """One, or all of a person; what is over is deleted when somebody else comes in."""
    kept = store.access.sessions
    for digest, person in (("d1", "p_ana"), ("d2", "p_ana"), ("d3", "p_ben")):
        await kept.begin(session(clock, digest, person))
    await kept.seen("d2", clock.now() + timedelta(minutes=2))
    assert [each.digest for each in await kept.sessions(clock.now())] == ["d2", "d1", "d3"]
    await kept.end("d1")
    assert await kept.end_all("p_ana") == 1
    assert [each.digest for each in await kept.sessions(clock.now())] == ["d3"]
    clock.forward(hours=1)
    await kept.begin(session(clock, "d4"))
    assert await kept.sessions(clock.now() - 2 * HOUR) == [session(clock, "d4")]


async def test_tokens_are_kept_and_end(store: Store, clock: HandClock) -> None:
    """By their hash, once; one by one or all of a person, and nobody ends another's by its id."""
    kept, now = store.access.tokens, clock.now()
    first = HeldToken("t_1", "p_ana", "script", frozenset({Scope.READ}), now, now + HOUR)
    assert [await kept.add("h1", first), await kept.add("h1", replace(first, id="t_9"))] == [True, False]
    await kept.add("h2", replace(first, id="t_2", made=now + timedelta(seconds=1)))
    await kept.add("h3", replace(first, id="t_3", person="p_ben"))
    assert await kept.token("h1", now) == first
    assert await kept.token("h1", now + HOUR) is None
    await kept.used("t_1", now)
    assert [(each.id, each.used) for each in await kept.tokens(now, "p_ana")] == [("t_2", None), ("t_1", now)]
    assert (await kept.end("t_1", "p_ben"), await kept.end("t_1"), await kept.end("t_1")) == ("", "script", "")
    assert (await kept.end_all("p_ana"), await kept.end_all("p_ana")) == (1, 0)
    assert [each.id for each in await kept.tokens(now)] == ["t_3"]


async def test_groups_give_roles_until_they_are_taken_away(store: Store, clock: HandClock) -> None:
    """An account's roles are its person's everywhere; linked to somebody else, both have what is theirs."""
    await store.people.enrol([Profile("", key, key, frozenset({Role.RESPONDER})) for key in ("ana", "ben")])
    ana, ben = await store.people.by_key("ana"), await store.people.by_key("ben")
    assert ana is not None
    assert ben is not None

    async def roles() -> list[frozenset[Role]]:
        clock.forward(seconds=6)
        return [each.roles for each in await store.people.everyone()]

    account = Account("iss", "sub", "Ana", clock.now(), ana.id, frozenset({Role.ADMIN}))
    await store.access.accounts.met(account)
    assert await roles() == [{Role.ADMIN}, {Role.RESPONDER}]
    assert await store.access.accounts.account("iss", "sub") == account
    await store.access.accounts.met(replace(account, person=ben.id, roles=frozenset()))
    assert await roles() == [{Role.RESPONDER}, frozenset()]
    await store.access.accounts.met(replace(account, person="", roles=None))
    assert await roles() == [{Role.RESPONDER}, {Role.RESPONDER}]


async def test_what_was_done_is_only_added_to(store: Store, clock: HandClock) -> None:
    """The newest first, of everybody or about one."""
    accounts = store.access.accounts
    done = [Deed(clock.now(), "", "given a token", f"p_{n}", str(n)) for n in range(3)]
    for each in done:
        await accounts.write(each)
    assert await accounts.deeds() == done[::-1]
    assert await accounts.deeds(limit=1) == done[2:]
    assert await accounts.deeds(about="p_1") == [done[1]]
