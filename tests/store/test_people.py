"""Who people are: ids that stay, whatever they are renamed to, and the forgetting of those who left."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import Refused
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.store import Store
from tests.store.conftest import HandClock


def profile(key: str, **how) -> Profile:
    return Profile("ignored", key, how.pop("name", key.title()), how.pop("roles", frozenset({Role.RESPONDER})), **how)


async def test_ids_of_people_are_opaque_and_stay(store: Store, url: str, clock: HandClock) -> None:
    """A key keeps its id through renaming and restarts; whoever is taken out keeps it as well, without any role."""
    ana = profile("ana", slack_team="T1", slack_user="U1", email="ana@example.org")
    await store.people.enrol([ana, profile("ben")])
    first = await store.people.by_key("ana")
    assert first is not None
    assert first.id.startswith("p_")
    assert first == replace(ana, id=first.id)
    async with await Store.open(url, clock) as other:
        await other.people.enrol([replace(ana, name="Ana B.", roles=frozenset({Role.COUNSEL}))])
        again = await other.people.by_id(first.id)
        assert again is not None
        assert (again.id, again.name, again.roles) == (first.id, "Ana B.", {Role.COUNSEL})
        assert [one.key for one in await other.people.everyone()] == ["ana"]
        assert await other.people.by_key("ben") is None
    await store.people.enrol([profile("ben")])
    gone = await store.people.by_id(first.id)
    assert gone is not None
    assert (gone.name, gone.roles) == ("Ana B.", frozenset())
    assert await store.people.by_slack("T1", "U1") is None


async def ids(store: Store, *profiles: Profile) -> dict[str, str]:
    """Everybody's id under this configuration."""
    await store.people.enrol(profiles)
    return {each.key: each.id for each in await store.people.everyone()}


ANA = {"slack_team": "T1", "slack_user": "U1", "email": "ana@example.org"}
BEN = {"slack_team": "T1", "slack_user": "U2", "email": "ben@example.org"}


@pytest.mark.parametrize(
    "again",
    [
        ANA,
        {"slack_user": "U1"},
        {"email": "Ana@example.org"},
        ANA | {"email": "a@example.org"},
        ANA | {"slack_user": "U8"},
    ],
    ids=["both", "no team", "mail alone", "another mail", "another account"],
)
async def test_whoever_is_renamed_stays_who_they_are(store: Store, again: dict[str, str]) -> None:
    """The account or the address tells who has a new key: nobody approves what they proposed under a former one."""
    before = await ids(store, profile("ana", **ANA), profile("ben", **BEN))
    after = await ids(store, profile("ana.weiss", **again), profile("ben", **BEN))
    assert after == {"ana.weiss": before["ana"], "ben": before["ben"]}
    assert await store.people.by_key("ana") is None
    renamed = await store.people.by_id(before["ana"])
    assert renamed is not None
    assert (renamed.key, renamed.name) == ("ana.weiss", "Ana.Weiss")
    assert await ids(store, profile("ana.weiss", **again), profile("ben", **BEN)) == after


async def test_it_is_remembered_who_was_taken_out_in_between(store: Store) -> None:
    """Taken out in one edit and put in under another key in the next; meanwhile nobody is at the account."""
    before = await ids(store, profile("ana", slack_user="U1"))
    assert await ids(store) == {}
    gone = await store.people.by_id(before["ana"])
    assert gone is not None
    assert gone.slack_user == ""
    assert await ids(store, profile("ana.weiss", slack_team="T1", slack_user="U1")) == {"ana.weiss": before["ana"]}


async def test_keys_that_change_hands_leave_everybody_who_they_are(store: Store) -> None:
    """Two keys were mixed up, and a newcomer gets the key of somebody renamed: accounts tell whose id is whose."""
    before = await ids(store, profile("ana", **ANA), profile("ben", **BEN))
    swapped = await ids(store, profile("ana", **BEN), profile("ben", **ANA))
    assert swapped == {"ana": before["ben"], "ben": before["ana"]}
    new = await ids(store, profile("ana", slack_team="T1", slack_user="U3"), profile("ana.weiss", **BEN))
    assert new["ana.weiss"] == before["ben"]
    assert new["ana"] not in before.values()
    assert await store.people.known("ben") is not None  # taken out, and still to be forgotten by that key
    by_mail = await ids(store, profile("ana.weiss", email="new@example.org"), profile("ana.w", email="ben@example.org"))
    assert by_mail["ana.w"] == before["ben"]
    assert by_mail["ana.weiss"] not in {*before.values(), *new.values()}


async def test_one_id_is_one_persons(store: Store) -> None:
    """One user in two teams is two people; who could be two is told by the key, and else by the account first."""
    two = [profile("ana", slack_team="T1", slack_user="U1"), profile("ben", slack_team="T2", slack_user="U1")]
    before = await ids(store, *two)
    after = await ids(store, *(replace(each, key=f"{each.key}.x") for each in two))
    assert after == {"ana.x": before["ana"], "ben.x": before["ben"]}
    anywhere = await ids(store, profile("cleo", slack_user="U1"))
    assert anywhere["cleo"] not in before.values()
    elsewhere = await ids(store, profile("dora", slack_team="T3", slack_user="U1"))
    assert elsewhere["dora"] == anywhere["cleo"]
    mixed = await ids(
        store, profile("eve", slack_team="T1", slack_user="U7", email="e@example.org"), profile("ben", **BEN)
    )
    both = await ids(store, profile("zoe", slack_team="T1", slack_user="U7", email="ben@example.org"))
    assert both == {"zoe": mixed["eve"]}


async def test_a_key_stays_with_its_person_whatever_address_they_get(store: Store) -> None:
    """A known key that is given the address of somebody who left is no other person for it."""
    before = await ids(store, profile("ana", email="ana@example.org"), profile("ben", email="ben@example.org"))
    assert await ids(store, profile("ana", email="ben@example.org")) == {"ana": before["ana"]}


async def test_whoever_was_forgotten_is_known_by_nothing(store: Store) -> None:
    """After the erasure the same account and address are those of somebody new."""
    before = await ids(store, profile("ana", **ANA))
    await ids(store)
    assert await store.people.erase(before["ana"])
    assert (await ids(store, profile("ana", **ANA)))["ana"] != before["ana"]


async def test_two_replicas_that_start_at_once_agree_who_was_renamed(store: Store, url: str, clock: HandClock) -> None:
    """Both enrol the same edit: one id each, as if one had."""
    before = await ids(store, profile("ana", **ANA), profile("ben", **BEN))
    edit = [profile("ana", slack_team="T1", slack_user="U3"), profile("ana.weiss", **ANA), profile("ben", **BEN)]
    async with await Store.open(url, clock) as other:
        await asyncio.gather(store.people.enrol(edit), other.people.enrol(edit))
        after = {each.key: each.id for each in await store.people.everyone()}
        assert after == {each.key: each.id for each in await other.people.everyone()}
    assert (after["ana.weiss"], after["ben"]) == (before["ana"], before["ben"])
    assert len(set(after.values())) == 3


async def test_a_directory_of_another_replica_is_known_in_a_moment(store: Store, url: str, clock: HandClock) -> None:
    """Whoever another replica's configuration takes out may act here for five seconds more, and no longer."""
    await store.people.enrol([profile("ana", slack_user="U1"), profile("ben", slack_user="U2")])
    assert await store.people.by_slack("T1", "U1") is not None
    async with await Store.open(url, clock) as other:
        await other.people.enrol([profile("ben", slack_user="U2")])
        assert await other.people.by_slack("T1", "U1") is None
    clock.forward(seconds=5)
    assert await store.people.by_slack("T1", "U1") is None
    assert [one.key for one in await store.people.everyone()] == ["ben"]


async def test_people_are_found_by_team_and_user(store: Store) -> None:
    """The same user id in two teams is two people; a profile without a team is known in every team."""
    await store.people.enrol(
        [
            profile("ana", slack_team="T1", slack_user="U1"),
            profile("ben", slack_team="T2", slack_user="U1"),
            profile("cleo", slack_user="U3"),
        ]
    )
    for team, user, key in (("T1", "U1", "ana"), ("T2", "U1", "ben"), ("T9", "U3", "cleo")):
        found = await store.people.by_slack(team, user)
        assert found is not None
        assert found.key == key
    assert await store.people.by_slack("T3", "U1") is None
    assert await store.people.by_slack("T1", "") is None


async def test_a_directory_that_contradicts_itself_is_refused(store: Store) -> None:
    """Two people with one key, account or mail address are refused, and the directory stays as it was.

    An account that names no team is one of every team.
    """
    await store.people.enrol([profile("ana")])
    with pytest.raises(Refused, match="two people are called ben"):
        await store.people.enrol([profile("ben"), profile("ben")])
    with pytest.raises(Refused, match="ben and cleo have the same Slack account U1"):
        await store.people.enrol([profile("ben", slack_user="U1"), profile("cleo", slack_user="U1")])
    for teams in (("", "T1"), ("T1", "")):
        twice = [
            profile(key, slack_team=team, slack_user="U1") for key, team in zip(("ben", "cleo"), teams, strict=True)
        ]
        with pytest.raises(Refused, match="ben and cleo have the same Slack account U1"):
            await store.people.enrol(twice)
    with pytest.raises(Refused, match=r"ben and cleo have the same mail address BEN@example\.org"):
        await store.people.enrol([profile("ben", email="ben@example.org"), profile("cleo", email="BEN@example.org")])
    assert [one.key for one in await store.people.everyone()] == ["ana"]


async def test_somebody_who_left_can_be_forgotten(store: Store) -> None:
    """Name and accounts go, the id stays; not while the configuration still names them."""
    await store.people.enrol([profile("ana", email="ana@example.org")])
    ana = (await store.people.everyone())[0]
    with pytest.raises(Refused, match="still names ana"):
        await store.people.erase(ana.id)
    assert await store.people.known("ana") == await store.people.known(ana.id) == ana
    await store.people.enrol([])
    assert await store.people.by_key("ana") is None
    left = await store.people.known("ana")
    assert left is not None
    assert left.id == ana.id
    assert await store.people.erase(ana.id)
    assert await store.people.known("ana") is None
    left = await store.people.by_id(ana.id)
    assert left is not None
    assert (left.id, left.name, left.email) == (ana.id, "[erased]", "")
    assert not await store.people.erase("p_nobody")
