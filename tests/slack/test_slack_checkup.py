"""`tocsin doctor --slack`, look by look, against the practice Slack: what is wrong is named with what to do about it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.blockkit.validate import validate_message, validate_view
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.localslack import LocalSlack, Member, Room
from bot.localslack.people import CAST, ROOMS
from bot.localslack.traffic import Fault
from bot.slack.checkup import BAD, NOTE, OK, Checkup, Expected, Look
from bot.slack.features import CORE_SCOPES, OPTIONAL_SCOPES
from bot.slack.specimen import samples
from tests.localslack.conftest import MovedClock
from tests.slack.test_slack_manifest import ROOM

PEOPLE = tuple(Profile("", one, one.title(), frozenset({Role.RESPONDER}), "T0TOCSIN", f"U0{one.upper()}")
               for one in ("ana", "ben", "cleo"))  # fmt: skip


@pytest.fixture
async def slack(clock: MovedClock) -> AsyncIterator[LocalSlack]:
    rooms = [*ROOMS, Room("C0OLD", "old", archived=True), Room("C0OUT", "outside", bot=False),
             Room("C0SHR", "shared", shared_with=("T0OTHER",)), Room("C0PRV", "hidden", private=True, bot=False)]  # fmt: skip
    people = [*CAST, Member("U0SIM", "sim", is_ultra_restricted=True), Member("U0OUT", "out", deleted=True)]
    scopes = [*CORE_SCOPES, *OPTIONAL_SCOPES]
    async with LocalSlack(clock=clock, channels=rooms, people=people, scopes=scopes) as server:
        yield server


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


def expected(slack: LocalSlack, **changes: Any) -> Expected:
    given = Expected(
        slack.api_url, slack.bot_token, slack.app_token, "socket", "T0TOCSIN",
        {"home channel": "#ml-incidents", "channel of visits": "C0GENERAL"}, "legal-review", PEOPLE, frozenset({"ana"}),
    )  # fmt: skip
    return replace(given, **changes)


async def looks(slack: LocalSlack, *, clock: Any = None, views: Any = samples, **changes: Any) -> dict[str, Look]:
    asked = Checkup(expected(slack, **changes), clock or MovedClock(), views)
    return {one.what: one async for one in asked.looks()}


async def test_a_healthy_connection(slack: LocalSlack):
    """Each look is well; nothing was posted, opened or changed by looking, and the socket is closed again."""
    found = await looks(slack)
    assert {what: one.mark for what, one in found.items()} == {
        "workspace": OK, "clock": OK, "scopes": OK, "manifest": NOTE, "socket": OK, "home channel": OK,
        "channel of visits": OK, "legal channel": OK, "people": OK, "views": OK,
    }  # fmt: skip
    assert "we are @tocsin in tocsin-demo (T0TOCSIN)" in found["workspace"].said
    assert found["people"].said == "3 full members"
    assert slack.delivery.sockets == 0
    assert slack.workspace.memory.messages == {}
    assert slack.bot_token not in str(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bot_token": "xoxb-old"}, "does not know the bot token"),
        ({"bot_token": ""}, "there is no bot token"),
        ({"bot_token": "xapp-local"}, "not a bot token"),
        ({"api_url": "http://127.0.0.1:1/api/"}, "gives no answer"),
    ],
)
async def test_without_a_workspace_nothing_else_is_looked_at(slack: LocalSlack, changes, words):
    """The first look says what is wrong; the rest is not told to be wrong as well."""
    found = await looks(slack, **changes)
    assert found["workspace"].mark == BAD
    assert words in found["workspace"].said
    assert list(found) == ["workspace", "the rest"]


async def test_another_workspace_than_the_one_named_is_a_fault_among_the_others(slack: LocalSlack):
    """It answers, so the rest is looked at too; every click would be refused, and that is said."""
    found = await looks(slack, team="T0OTHER")
    assert found["workspace"].mark == BAD
    assert "of workspace T0TOCSIN, the configuration names T0OTHER: every click" in found["workspace"].said
    assert found["scopes"].mark == OK


async def test_scopes_that_lack_are_named_with_what_they_are_for(slack: LocalSlack):
    """A needed one is a fault with the way to mend it, an optional one a note, a spare one is named."""

    def grant(*scopes: str) -> None:
        slack.workspace.settings = replace(slack.workspace.settings, scopes=scopes)

    grant(*(one for one in CORE_SCOPES if one != "im:write"))
    found = (await looks(slack))["scopes"]
    assert found.mark == BAD
    assert "im:write (pages by direct message)" in found.said
    assert "tocsin slack manifest" in found.said
    grant(*CORE_SCOPES, "canvases:write")
    found = (await looks(slack))["scopes"]
    assert found.mark == NOTE
    assert "channels:manage (war rooms)" in found.said
    assert "granted and not needed: canvases:write" in found.said


@pytest.mark.parametrize(
    ("channel", "mark", "words"),
    [
        ("#old", BAD, "archived"),
        ("C0OLD", BAD, "#old is archived: name another one"),
        ("outside", NOTE, "cards are posted there all the same"),
        ("shared", NOTE, "another organisation, which reads the cards"),
        ("hidden", BAD, "/invite @Tocsin"),
        ("#nowhere", BAD, "no Slack channel called '#nowhere'"),
        ("C0NOWHERE", BAD, "channel_not_found"),
        ("", NOTE, "none is configured"),
    ],
)
async def test_channels(slack: LocalSlack, channel, mark, words):
    """Archived, not joined, shared, hidden, misspelt: each is told with what to do."""
    if channel == "#old":
        words = "no Slack channel called"  # archived ones are not in the list of names
    found = (await looks(slack, channels={"home channel": channel}))["home channel"]
    assert (found.mark, words in found.said) == (mark, True), found


async def test_a_channel_one_is_not_in_takes_nothing_without_the_scope(slack: LocalSlack):
    """Without chat:write.public nothing can be posted there."""
    scopes = [one for one in slack.workspace.settings.scopes if one != "chat:write.public"]
    slack.workspace.settings = replace(slack.workspace.settings, scopes=tuple(scopes))
    found = (await looks(slack, channels={"home channel": "outside"}))["home channel"]
    assert (found.mark, "nothing can be posted" in found.said) == (BAD, True)


@pytest.mark.parametrize(
    ("channel", "words"), [("general", "is public"), ("shared", "is public"), ("nowhere", "no Slack channel")]
)
async def test_the_legal_channel_is_private(slack: LocalSlack, channel, words):
    """Drafts in a public channel are a fault."""
    found = (await looks(slack, legal=channel))["legal channel"]
    assert (found.mark, words in found.said) == (BAD, True), found


async def test_people_of_the_directory_who_may_not_act(slack: LocalSlack):
    """Guests, those who left, ids nobody has, on-call people without an account: each by name; the others are counted."""
    odd = {"gus": "U0GUS", "sim": "U0SIM", "out": "U0OUT", "who": "U0WHO", "may": ""}
    people = [*PEOPLE, *(replace(PEOPLE[0], key=key, slack_user=user) for key, user in odd.items())]
    found = await looks(slack, people=tuple(people), on_call=frozenset({"ana", "may"}))
    told = {what.removeprefix("person "): one.said for what, one in found.items() if what.startswith("person")}
    assert set(told) == set(odd)
    assert all(found[f"person {key}"].mark == BAD for key in odd)
    assert "Guests cannot act" in told["gus"]
    assert "Guests cannot act" in told["sim"]
    assert "deactivated" in told["out"]
    assert "nobody here (user_not_found)" in told["who"]
    assert "is on call and has no Slack account" in told["may"]
    assert found["people"].said == "3 full members; 1 without a Slack account"


class Wrong:
    """A clock that is some way off."""

    def __init__(self, seconds: float) -> None:
        self._off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return MovedClock().now() + self._off


@pytest.mark.parametrize(
    ("off", "mark", "words"),
    [(20, NOTE, "ahead of"), (-30, NOTE, "behind"), (400, BAD, "five minutes off"), (2, OK, "agrees")],
)
async def test_the_clock(slack: LocalSlack, off, mark, words):
    """A few seconds are a note, a minute is a fault, with its direction."""
    found = (await looks(slack, clock=Wrong(off)))["clock"]
    assert (found.mark, words in found.said) == (mark, True), found


async def test_sockets(slack: LocalSlack):
    """A bot token opens none; where ten are open the eleventh is told why."""
    found = (await looks(slack, app_token=slack.bot_token))["socket"]
    assert (found.mark, "not_allowed_token_type" in found.said) == (BAD, True)
    async with aiohttp.ClientSession() as session:
        held = [await session.ws_connect(f"{slack.url}/socket?ticket={slack.delivery.ticket()}") for _ in range(10)]
        found = (await looks(slack))["socket"]
        assert (found.mark, "too_many_websockets" in found.said) == (BAD, True)
        assert slack.delivery.sockets == 10
        for one in held:
            await one.close()


async def test_a_mode_without_sockets_opens_none(slack: LocalSlack):
    """For http there is nothing to open."""
    assert "socket" not in await looks(slack, mode="http", app_token="")


async def test_views_that_slack_refuses_are_named(slack: LocalSlack):
    """A view beyond the limits is told by its name and place; an older workspace without the check is only noted."""
    slack.workspace.faults.add(Fault("blocks.validate", "500", 1))
    found = (await looks(slack))["views"]
    assert (found.mark, "0 of" in found.said) == (NOTE, True)
    first = next(iter(samples()))
    broken = replace(
        first,
        name="message card, broken",
        payload=first.payload | {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
    )
    everything = await looks(slack, views=lambda: [first, broken])
    assert everything["views"].said == "1 of 2 would be refused"
    assert "/blocks/0/text/text" in everything["message card, broken"].said


async def test_every_sample_holds_and_none_is_missing():
    """Our own validator takes all of them; each file of views is in it, messages in both their forms."""
    made = list(samples())
    for one in made:
        wrong = (
            validate_view(one.payload)
            if one.kind == "view"
            else validate_message(one.payload["blocks"], one.payload["text"])
        )
        assert wrong == [], one.name
    names = {one.name for one in made}
    for surface in ("card", "step", "request", "update", "summary", "duties", "notice", "page"):
        assert any(name.startswith(f"message {surface} ") for name in names), surface
    assert {f"Home of {who} (open)" for who in ("ana", "ben")} <= names
    assert len(made) > 80
    files = ("specimen.py", "specimen_call.py", "specimen_legal.py", "wanted.py")
    source = "".join((ROOM / name).read_text("utf-8") for name in files)
    for file in (ROOM / "views").glob("[a-z]*.py"):
        assert f" {file.stem}" in source, f"{file.name} has no sample"


async def test_a_strict_workspace_is_looked_at_all_the_same(slack: LocalSlack):
    """Everything answers 500: each look ends with a sentence, none with a traceback."""
    await looks(slack)
    for method in (
        "users.info",
        "conversations.info",
        "conversations.list",
        "blocks.validate",
        "apps.connections.open",
    ):
        slack.workspace.faults.add(Fault(method, "500", 50))
    found = await looks(slack)
    assert {what: one.mark for what, one in found.items() if what in {"home channel", "socket", "views"}} == {
        "home channel": BAD, "socket": BAD, "views": NOTE}  # fmt: skip
    assert "was not looked up" in found["person ana"].said
