"""Covers in Slack: asked for with a form, taken with a button, let go and withdrawn; each side hears, each click answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blockkit.validate import validate_message, validate_view
from bot.domain.errors import Unavailable
from bot.engine.roster import Stint
from bot.engine.roster_ports import Stand
from bot.localslack import Person
from bot.slack.handlers.cover import shifts_of
from tests.slack.bench import Bench
from tests.slack.rotas import with_rotas


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        with_rotas(made)
        yield made


async def next_shift(bench: Bench, key: str) -> Stint:
    """One that has not begun."""
    found = await shifts_of(bench.desk, await bench.who(key))
    return next(each for each in found if each.start > bench.clock.now())


async def told(bench: Bench) -> None:
    """Everything that is owed is told, and answered."""
    await bench.slack.delivery.settle()
    await bench.room.covers.tend()
    await bench.settle()


async def asks(bench: Bench, key: str, because: str = "a *visit* <!channel>") -> Stint:
    """Somebody fills the form in for their next shift."""
    shift = await next_shift(bench, key)
    person = await bench.person(key)
    await person.command("/incident", "cover")
    view = await person.wait_for_view("cover")
    kept = ("type", "title", "blocks", "callback_id", "submit", "close", "private_metadata")
    assert validate_view({name: view[name] for name in kept if view.get(name)}) == []
    await person.submit({
        "rota": "ml", "from": int(shift.start.timestamp()), "to": int(shift.end.timestamp()), "because": because,
    })  # fmt: skip
    await told(bench)
    return shift


async def mail(bench: Bench, key: str) -> list[dict[str, Any]]:
    """What stands in somebody's direct conversation, oldest first."""
    channel = await bench.room.client.direct(f"U0{key.upper()}")
    said = bench.slack.workspace.memory.messages.get(channel, {})
    found = [said[ts] for ts in sorted(said) if not said[ts].get("deleted")]
    for each in found:
        assert validate_message(each["blocks"], each["text"]) == []
    return found


async def presses(bench: Bench, key: str, deed: str) -> list[str]:
    """A button in one's own direct conversation; what they are told."""
    person = await bench.person(key)
    before = len(bench.whispers(key))
    await person.click(deed, room=await bench.room.client.direct(f"U0{key.upper()}"))
    await told(bench)
    return bench.whispers(key)[before:]


async def who(bench: Bench, at: datetime) -> list[str]:
    return [each.key for each in await bench.desk.roster.who("ml", at)]


async def test_asked_by_a_form_taken_with_a_button(bench: Bench) -> None:
    """Who could take it reads it with a button, the rota follows at once, the asker hears, the button is gone."""
    shift = await asks(bench, "ana")
    view = await (await bench.person("ana")).wait_for_view("info")
    assert "Asked: Ben Okafor can take it. Until somebody does, you stay on call." in str(view)
    (request,) = await mail(bench, "ben")
    words = str(request["blocks"])
    assert "*Ana Souza asks to be covered* for ML platform" in words
    assert f"<!date^{int(shift.start.timestamp())}^" in words
    assert "“a *visit* &lt;!channel&gt;”" in words
    assert await mail(bench, "ana") == []
    middle = shift.start + timedelta(hours=1)
    assert await who(bench, middle) == ["ana"]
    (said,) = await presses(bench, "ben", "cover.take")
    assert said.startswith("You cover Ana Souza for ML platform, <!date^")
    assert await who(bench, middle) == ["ben"]
    (heard,) = await mail(bench, "ana")
    assert heard["text"].startswith("Ben Okafor covers Ana Souza for ML platform, ")
    (request,) = await mail(bench, "ben")
    assert "✓ Ben Okafor takes it." in str(request["blocks"])
    assert "cover.take" not in str(request["blocks"])


async def test_a_second_click_and_somebody_who_was_quicker(bench: Bench) -> None:
    """The same person again: the same sentence. Somebody else: that it is taken. Neither changes anything."""
    shift = await asks(bench, "ana")
    (cover,) = bench.desk.roster.covers
    button = {"action_id": "cover.take", "value": f"/{cover.id}", "type": "button"}
    answers = []
    for number, key in enumerate(("ben", "ben", "dev", "cleo", "ana")):
        await bench.room.ingress.take(
            pressed(key, button, f"t{number}", await bench.room.client.direct(f"U0{key.upper()}"))
        )
        await told(bench)
        answers.append(bench.whispers(key)[-1])
    assert answers[0] == answers[1]
    assert answers[0].startswith("You cover Ana Souza")
    assert answers[2] == "Somebody else has taken this cover already"
    assert answers[3].startswith("To be on call takes a ")
    assert "Somebody else has taken this cover already" in answers[4] or "your own request" in answers[4]
    assert await who(bench, shift.start) == ["ben"]
    assert len(await mail(bench, "ana")) == 1


def pressed(key: str, action: dict[str, str], trigger: str, channel: str) -> dict[str, Any]:
    """A click as Slack sends it."""
    user = f"U0{key.upper()}"
    return {
        "type": "block_actions", "team": {"id": "T0TOCSIN"}, "user": {"id": user, "team_id": "T0TOCSIN"},
        "channel": {"id": channel}, "container": {"type": "message", "channel_id": channel, "message_ts": "1.2"},
        "trigger_id": trigger, "actions": [action],
    }  # fmt: skip


async def home(bench: Bench, key: str) -> str:
    person = await bench.person(key)
    await person.open_home()
    await told(bench)
    view = await person.home()
    assert view is not None
    assert validate_view({name: view[name] for name in ("type", "blocks")}) == []
    return str(view["blocks"])


async def on_home(bench: Bench, key: str, deed: str, trigger: str) -> str:
    """A button of the Home tab; the dialog that answers."""
    (cover,) = [one for one in bench.desk.roster.covers if one.stand is not Stand.WITHDRAWN]
    user = f"U0{key.upper()}"
    await bench.room.ingress.take({
        "type": "block_actions", "team": {"id": "T0TOCSIN"}, "user": {"id": user, "team_id": "T0TOCSIN"},
        "view": {"type": "home"}, "trigger_id": bench.slack.dialogs.trigger(user),
        "actions": [{"action_id": deed, "value": f"/{cover.id}", "type": "button", "action_ts": trigger}],
    })  # fmt: skip
    await told(bench)
    return str(bench.calls("views.open")[-1]["sent"]["view"])


async def test_from_the_home_tab_taken_let_go_and_taken_again(bench: Bench) -> None:
    """Each sees what they may do; letting go asks the others anew, and the older request points below."""
    shift = await asks(bench, "ana", "")
    assert "Withdraw" in await home(bench, "ana")
    assert "Take it" in await home(bench, "dev")  # who may respond, though not of this rota
    assert "Covers" not in await home(bench, "cleo")
    assert "You cover Ana Souza" in await on_home(bench, "ben", "cover.take", "1")
    assert "Let go" in await home(bench, "ben")
    assert "Ben Okafor covers Ana Souza" in await home(bench, "ana")
    assert "Covers" not in await home(bench, "dev")
    assert "Let go: you do not cover Ana Souza any more." in await on_home(bench, "ben", "cover.withdraw", "2")
    assert await who(bench, shift.start) == ["ana"]
    assert (await mail(bench, "ana"))[-1]["text"].startswith("Ben Okafor cannot cover Ana Souza")
    assert "You cover Ana Souza" in await on_home(bench, "dev", "cover.take", "3")
    assert await who(bench, shift.start) == ["dev"]
    assert "✓ Dev Rao takes it." in str((await mail(bench, "ben"))[-1]["blocks"])


async def test_withdrawn_both_sides_hear_and_the_button_answers(bench: Bench) -> None:
    """The asker needs nobody: whoever took it hears, who still has the button reads why, twice is said so."""
    shift = await asks(bench, "ana")
    again = bench.desk.roster.covers[0].id
    await presses(bench, "ben", "cover.take")
    assert "Whoever took it is told." in await on_home(bench, "ana", "cover.withdraw", "1")
    assert await who(bench, shift.start) == ["ana"]
    assert "needs no cover any more" in (await mail(bench, "ben"))[-1]["text"]
    assert "Withdrawn: nobody is needed any more." in str((await mail(bench, "ben"))[0]["blocks"])
    for key, deed, words in (("ben", "take", "was withdrawn"), ("ana", "withdraw", "was withdrawn already")):
        button = {"action_id": f"cover.{deed}", "value": f"/{again}", "type": "button"}
        await bench.room.ingress.take(
            pressed(key, button, f"x{key}", await bench.room.client.direct(f"U0{key.upper()}"))
        )
        await told(bench)
        assert words in bench.whispers(key)[-1]


async def test_a_request_that_is_over_says_so(bench: Bench) -> None:
    """The message loses its button; a phone that was offline reads a plain sentence."""
    shift = await asks(bench, "ana")
    (cover,) = bench.desk.roster.covers
    bench.clock.ahead += shift.end - bench.clock.now() + timedelta(minutes=1)
    await told(bench)
    (request,) = await mail(bench, "ben")
    assert "This time is over; nobody took it." in str(request["blocks"])
    button = {"action_id": "cover.take", "value": f"/{cover.id}", "type": "button"}
    await bench.room.ingress.take(pressed("ben", button, "late", await bench.room.client.direct("U0BEN")))
    await told(bench)
    assert bench.whispers("ben")[-1] == "This cover is over already"
    gone = {"action_id": "cover.take", "value": "/cover-none", "type": "button"}
    await bench.room.ingress.take(pressed("ben", gone, "none", await bench.room.client.direct("U0BEN")))
    await told(bench)
    assert "cover-none" in bench.whispers("ben")[-1]


@pytest.mark.parametrize(("changes", "field", "words"), [
    ({"to": -3600}, "to", "A cover ends after it begins."),
    ({"from": -200_000_000, "to": -100_000_000}, "to", "That time is over already."),
    ({"from": 40, "to": 41}, "rota", "not on call for ML platform in that time; the next shift begins"),
])  # fmt: skip
async def test_what_cannot_be_is_said_beside_the_question(
    bench: Bench, changes: dict[str, int], field: str, words: str
) -> None:
    """The form stays with every word; times are relative to the shift (in seconds), 40 and 41 a year away."""
    shift = await next_shift(bench, "ana")
    ana = await bench.person("ana")
    await ana.command("/incident", "cover")
    await ana.wait_for_view("cover")
    start = int(shift.start.timestamp())
    far = {40: 86_400 * 41 + 90_000, 41: 86_400 * 41 + 90_060}
    other = await bench.desk.roster.who("ml", datetime.fromtimestamp(start + far[40], UTC))
    if other[0].key == "ana":
        far = {name: seconds + 86_400 for name, seconds in far.items()}
    given = {"from": start, "to": start + 3_600}
    given |= {name: start + far.get(seconds, seconds) for name, seconds in changes.items()}
    await ana.submit({"rota": "ml", **given})
    await told(bench)
    errors = await ana.errors()
    assert words in errors[field]
    assert bench.desk.roster.covers == ()


async def test_who_is_on_call_nowhere_has_nothing_to_be_covered(bench: Bench) -> None:
    """A sentence in place of a form; and a word after `cover` is not taken for a request."""
    cleo = await bench.person("cleo")
    answer = (await cleo.command("/incident", "cover"))["answer"]
    assert "You are on call in no rota" in answer["text"]
    answer = (await (await bench.person("ana")).command("/incident", "cover next week"))["answer"]
    assert "`cover` alone opens the form" in str(answer)


async def test_asked_on_the_console_heard_in_slack(bench: Bench) -> None:
    """Whichever door was used: the desk's own covering reaches the same direct conversations."""
    shift = await next_shift(bench, "ben")
    agreed = await bench.desk.covering.ask("ml", shift.start, shift.end, await bench.who("ben"), because="a trip")
    await told(bench)
    (request,) = await mail(bench, "ana")
    assert "Ben Okafor asks to be covered" in str(request["blocks"])
    await bench.desk.covering.take(agreed.cover.id, await bench.who("ana"))
    await told(bench)
    (heard,) = await mail(bench, "ben")
    assert "Ana Souza covers Ben Okafor" in heard["text"]


@pytest.mark.parametrize("kind", ["500", "cut_after_storing"])
async def test_while_slack_is_away_it_is_agreed_and_told_later(bench: Bench, kind: str) -> None:
    """Asking waits for nobody; once Slack answers each is told, once."""
    shift = await next_shift(bench, "ana")
    bench.fault("chat.postMessage", kind, times=2)
    agreed = await bench.desk.covering.ask("ml", shift.start, shift.end, await bench.who("ana"))
    assert agreed.cover.stand is Stand.ASKED
    tries = 0
    for _ in range(8):
        with contextlib.suppress(Unavailable):
            tries += 1
            await told(bench)
            break
        bench.clock.forward(60)
    assert tries > 1
    assert len(await mail(bench, "ben")) == 1


async def test_after_a_restart_a_request_nobody_heard_of_is_told(bench: Bench) -> None:
    """Asked a moment before the bot stopped; who was told already is not told again."""
    shift = await next_shift(bench, "ana")
    bench.desk.covering.tell = None  # it stopped before anybody was told
    await bench.desk.covering.ask("ml", shift.start, shift.end, await bench.who("ana"))
    for _ in range(2):
        await bench.restart()
        with_rotas(bench)
        await bench.desk.roster.reread()
        await told(bench)
        assert len(await mail(bench, "ben")) == 1


async def test_nobody_else_in_the_rota_is_said(bench: Bench) -> None:
    """Whoever asks learns that nobody could be told, and what to do."""
    roster = bench.desk.roster
    ml = roster.plans.rotas["ml"]
    alone = replace(ml, layers=(replace(ml.layers[0], turns=(("ana",),)),))
    roster.plans = replace(roster.plans, rotas={"ml": alone})
    ana: Person = await bench.person("ana")
    await ana.command("/incident", "cover")
    await ana.wait_for_view("cover")
    start = int((bench.clock.now() + timedelta(hours=2)).timestamp())
    await ana.submit({"rota": "ml", "from": start, "to": start + 3_600})
    await told(bench)
    assert "nobody else of this rota can be told in Slack" in str(await ana.wait_for_view("info"))
