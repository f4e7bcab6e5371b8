"""A cover: the form that asks to be stood in for, the message with its button, and how it stands in one line."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    actions,
    context,
    datetimepicker,
    input_block,
    modal,
    option,
    plain_text_input,
    section,
    static_select,
)
from bot.blockkit.text import untrusted
from bot.engine.covering import REASON
from bot.engine.roster import Stint
from bot.engine.roster_ports import Cover, Stand
from bot.engine.values import Profile
from bot.slack.message import Message, said
from bot.slack.views._words import at, clock, filled, plain_line, press

OPEN, NAME, TAKE, WITHDRAW = "cover.open", "cover", "cover.take", "cover.withdraw"
LISTED = 5
People = Mapping[str, Profile]


def render(shifts: Sequence[Stint], titles: Mapping[str, str], now: datetime) -> View:
    """The form, filled in with the next of one's own shifts; times are by the reader's own clock."""
    first = shifts[0]
    rotas = list(dict.fromkeys(each.rota for each in shifts))[:100]
    choices = [option(filled(titles.get(each, each), 75), each) for each in rotas]
    hours = [f"{untrusted(plain_line(titles.get(each.rota, each.rota)), 80)}: {at(each.start)} to {at(each.end)}"
             for each in shifts[:LISTED]]  # fmt: skip
    start = max(first.start, now)
    blocks: list[Block] = [
        section("Somebody stands in for you. Until one of them takes it, you stay on call."),
        input_block("On which rota?", static_select("value", choices, initial=first.rota), block_id="rota"),
        input_block("From", datetimepicker("value", initial=int(start.timestamp())), block_id="from"),
        input_block("To", datetimepicker("value", initial=int(first.end.timestamp())), block_id="to"),
        input_block("Why", plain_text_input("value", max_length=REASON), block_id="because", optional=True,
                    hint="Those who could take it read this."),
        context("Your next shifts · " + " · ".join(hours)),
    ]  # fmt: skip
    return modal("Ask to be covered", blocks, callback_id=NAME, submit="Ask")


def request(cover: Cover, title: str, people: People, now: datetime, *, newer: bool = False) -> Message:
    """What those read who could take it, as it stands: the button is there as long as nobody has it.

    `newer` where the same request was sent again below.
    """
    asker = name(people, cover.asker)
    hours = f"for {untrusted(plain_line(title), 100)}"
    ask = f"*{asker} asks to be covered* {hours}\n{span(cover)}"
    why = f"\n“{untrusted(plain_line(cover.because), 600)}”" if cover.because else ""
    blocks = [section(ask + why)]
    standing = _standing(cover, people, now)
    if newer and not standing:
        blocks.append(context("Asked again below."))
    elif standing:
        blocks.append(context(standing))
    else:
        blocks += [actions(take_button(cover)), context("Whoever takes it is paged in that time instead.")]
    told = {Stand.TAKEN: "is covered", Stand.WITHDRAWN: "needs no cover any more"}.get(
        cover.stand, "asks to be covered"
    )
    return Message(f"{asker} {told} {hours}, {clock(cover.start)} to {clock(cover.end)}", blocks)


def told(text: str) -> Message:
    """What became of a cover, in a sentence for those it concerns."""
    return Message(untrusted(text, 900), said(untrusted(text, 2_500)))


def _standing(cover: Cover, people: People, now: datetime) -> str:
    """Why nobody can take it any more; "" while they can."""
    if cover.stand is Stand.WITHDRAWN:
        return "Withdrawn: nobody is needed any more."
    if cover.stand is Stand.TAKEN:
        return f"✓ {name(people, cover.taker)} takes it."
    return "This time is over; nobody took it." if cover.end <= now else ""


def line(cover: Cover, title: str, people: People) -> str:
    """A cover in a list."""
    words = f"*{untrusted(plain_line(title), 100)}* {span(cover)}\n"
    if cover.stand is Stand.TAKEN:
        return words + f"{name(people, cover.taker)} covers {name(people, cover.asker)}"
    because = f": {untrusted(plain_line(cover.because), 300)}" if cover.because else ""
    return words + f"{name(people, cover.asker)} asks to be covered{because}"


def span(cover: Cover) -> str:
    """From when to when, by the reader's own clock."""
    return f"{at(cover.start)} to {at(cover.end)}"


def name(people: People, person: str) -> str:
    """Who that is; nobody is mentioned, so that a line about them wakes nobody."""
    known = people.get(person)
    return untrusted(plain_line(known.name), 80) if known else "somebody"


def take_button(cover: Cover) -> Element:
    """Whoever presses it is on call then."""
    return press("Take it", TAKE, "", cover.id, style="primary")


def way(cover: Cover, who: str) -> Element:
    """What this person may do with a cover that stands."""
    if cover.asker == who:
        return press("Withdraw", WITHDRAW, "", cover.id)
    if cover.taker == who:
        return press("Let go", WITHDRAW, "", cover.id)
    return take_button(cover)
