"""The manifest against the code: no call without its scope, no event unheard, nothing asked for in vain."""

import ast
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import bot.slack
from bot.cli._main import run
from bot.localslack import scopes as slacks
from bot.slack import features, manifest
from bot.slack.features import CALLS, CORE_SCOPES, EVENTS, FEATURES, OPTIONAL_SCOPES, SHORTCUTS, Feature
from bot.slack.ingress import _SHORTCUTS, CLICKS
from bot.words import house
from tests.calling import summons
from tests.slack.bench import Bench

ROOM = Path(next(iter(bot.slack.__path__)))
HEARD = {*slacks.EVENTS, "app_home_opened", "message", "app_uninstalled", "tokens_revoked", "link_shared"}
"""Kinds of event Slack has; `message` stands for all its channels."""
MARKS = {"pins.add", "bookmarks.add", "bookmarks.list"}
"""Calls of which a feature may do without some."""


def parsed() -> Iterator[ast.AST]:
    """Every node of the room's code, but for the table itself."""
    for file in ROOM.rglob("*.py"):
        if file.name not in {"features.py", "manifest.py"}:
            yield from ast.walk(ast.parse(file.read_text("utf-8")))


def literals(nodes: Iterable[ast.AST]) -> set[str]:
    """The texts among them."""
    return {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def called() -> set[str]:
    """Methods of the Web API that the code calls by name: the first argument of every `call` and its like."""
    calls = [one for one in parsed() if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.args]
    ours = [one for one in calls if one.func.attr in {"call", "optional", "api_call"}]
    return {text for one in ours for text in literals(ast.walk(one.args[0]))}


def built(feature: Feature) -> bool:
    """Whether any code of this feature is there."""
    return bool({*feature.calls} & called()) or not feature.calls


def test_every_call_is_some_features():
    """A method the code calls stands in the table, so that its scope is asked for."""
    assert called() - set(CALLS) == set()
    assert {"chat.postMessage", "views.open", "users.info"} <= called(), "the scan sees what is there"


def test_no_method_named_in_the_code_is_missing():
    """Also one that is chosen first and called by a variable; and whoever grants a scope reads all it is for."""
    spoken = {text for file in ROOM.rglob("*.py") if file.name not in {"features.py", "manifest.py", "lanes.py"}
              for text in literals(ast.walk(ast.parse(file.read_text("utf-8"))))}  # fmt: skip
    assert {text for text in spoken if text in slacks.NEEDS} - set(CALLS) == set()
    assert "reactions.remove" in spoken
    assert "post-mortem" in features.wanted_by("files:write")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name)
def test_a_feature_asks_for_what_it_does_and_no_more(feature: Feature):
    """Its calls, events and menus need its scopes (or those everybody has); each scope is needed by one of them."""
    assert built(feature), "no code of this feature: take it out of the table"
    assert set(feature.calls) - called() <= MARKS
    granted = {*feature.scopes, *CORE_SCOPES}
    kinds = ("channel", "group")
    wanted = [
        one
        for call in feature.calls
        for kind in kinds
        for one in slacks.needed(call, kind, ["public_channel", "private_channel"])
    ]
    wanted += [slacks.EVENTS[event] for event in feature.events if event in slacks.EVENTS]
    wanted += [(slacks.COMMANDS,)] if feature.shortcuts else []
    assert slacks.lacking(granted, wanted) == []
    needed = {scope for choices in wanted for scope in choices}
    spare = set(feature.scopes) - needed
    assert spare <= {"chat:write.public", "im:history"}, "these two widen a call rather than allow it"


def test_every_event_is_heard_and_every_event_heard_is_asked_for():
    """What the ingress tells apart is subscribed to, and nothing else."""
    code = literals(parsed()) & HEARD
    asked = {event.partition(".")[0] for event in EVENTS}
    assert code - asked <= {"message"}
    assert asked <= code
    assert "message.im" not in EVENTS, "nobody's direct messages are read"


def test_every_shortcut_is_known_and_every_known_one_is_offered():
    """Each has its deed; labels fit into Slack's menus, no two of a kind read alike."""
    offered = {one.callback_id for one in SHORTCUTS}
    assert set(_SHORTCUTS) <= offered
    assert offered - set(_SHORTCUTS) == set()
    assert all(deed in CLICKS for deed in _SHORTCUTS.values())
    assert all(len(one.label) <= 24 for one in SHORTCUTS)
    assert len({(one.kind, one.label) for one in SHORTCUTS}) == len(SHORTCUTS) <= 10


def test_optional_scopes_are_marked_and_explained():
    """A scope somebody cannot do without is not optional; each optional one says what it is for."""
    made = manifest.build()["oauth_config"]["scopes"]
    assert made["bot"] == [*CORE_SCOPES, *OPTIONAL_SCOPES]
    assert made["bot_optional"] == list(OPTIONAL_SCOPES)
    assert not set(CORE_SCOPES) & set(OPTIONAL_SCOPES)
    assert {"channels:manage", "pins:write", "bookmarks:write", "dnd:read", "reactions:read", "files:write"} <= set(
        OPTIONAL_SCOPES
    )
    assert all(features.wanted_by(one) for one in (*CORE_SCOPES, *OPTIONAL_SCOPES))


def test_the_starters_manifest_is_the_codes(capsys):
    """What `tocsin init` puts down is what `tocsin slack manifest` prints, and reads as the same manifest."""
    assert run(["slack", "manifest"]) == 0
    printed = capsys.readouterr().out
    assert (house() / "templates" / "starter" / "slack-manifest.yaml").read_text("utf-8") == printed
    assert yaml.safe_load(printed) == manifest.build()
    assert max(map(len, printed.splitlines())) <= 120


def test_the_manifest_for_http(capsys):
    """The address stands everywhere Slack posts to, by the name asked for, in JSON too; a wrong address is refused."""
    url = "https://tocsin.example/slack/events"
    assert run(["slack", "manifest", "--request-url", url, "--name", "Bell", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["features"]["bot_user"]["display_name"] == made["display_information"]["name"] == "Bell"
    assert json.dumps(made).count(url) == 3
    assert not made["settings"]["socket_mode_enabled"]
    for wrong in ("http://tocsin.example/slack/events", "https://tocsin.example", "tocsin.example/slack/events"):
        assert run(["slack", "manifest", "--request-url", wrong]) == 2
        assert "Slack posts to https://" in " ".join(capsys.readouterr().err.split())
    assert run(["slack", "manifest", "--name", "x" * 36]) == 2


# -- a small workspace -----------------------------------------------------------------------------------------------


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        workspace = made.slack.workspace
        workspace.settings = replace(workspace.settings, scopes=CORE_SCOPES, events=frozenset(EVENTS))
        yield made


async def test_the_core_scopes_are_enough(small: Bench):
    """Card, thread, dialog, mention, page, Home tab with the core scopes alone: only optional calls are refused."""
    await small.declared()
    ana = await small.person("ana")
    (card,) = small.posts("card")
    await ana.click("ack")
    await ana.say("@Tocsin update looking", in_thread_of=card["ts"])
    await small.slack.delivery.settle()
    await ana.click("update.open")
    await ana.open_home()
    await small.slack.delivery.settle()
    await small.settle()
    situation = await small.desk.situation("INC-1")
    await small.room.page(summons(await small.who("ben"), situation, "page:1"))
    await small.room.chat.tend()
    refused = [one for one in small.slack.traffic.entries if one["outcome"] == "missing_scope"]
    assert {one["answer"]["needed"] for one in refused} <= set(OPTIONAL_SCOPES)
    outcomes = {one["what"]: one["outcome"] for one in small.slack.traffic.entries if one["way"] == "app->slack"}
    for call in (
        "chat.postMessage",
        "chat.update",
        "views.open",
        "views.publish",
        "reactions.add",
        "conversations.open",
    ):
        assert outcomes[call] == "ok"
