"""The dialog to declare an incident by hand."""

from collections.abc import Sequence

from bot.blockkit.blocks import (
    Element,
    Option,
    View,
    checkboxes,
    external_select,
    input_block,
    modal,
    option,
    plain_text_input,
    radio_buttons,
    static_select,
)
from bot.blockkit.text import clean
from bot.domain.policy import Severity
from bot.domain.service import Service
from bot.slack.ids import Ref
from bot.slack.views._words import filled

NAME = "declare"
OTHER = "-"
FEW = 20
"""So many services are chosen from a list; more are searched."""
MOST = 100
"""Options Slack takes."""
SEVERITIES = {
    Severity.SEV1: ("SEV1", "Everybody is affected, or somebody is harmed: wake people."),
    Severity.SEV2: ("SEV2", "Many are affected, or an important service is wrong: now."),
    Severity.SEV3: ("SEV3", "Some are affected, and there is a way around: today."),
    Severity.SEV4: ("SEV4", "Hardly anybody notices: it can wait until tomorrow."),
}


def render(services: Sequence[Service], text: str = "", link: str = "", said: str = "") -> View:
    """What is broken, where, how bad; text, link and key (`said`) may come from a message."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    title = plain_text_input("value", initial=clean(first, 150) or None, max_length=150)
    blocks = [input_block("What is broken?", title, block_id="title")]
    blocks.append(
        input_block("Service or model", _services(services), block_id="service", optional=len(services) > FEW)
    )
    levels = [option(label, str(int(level)), description=words) for level, (label, words) in SEVERITIES.items()]
    blocks.append(input_block("Severity", radio_buttons("value", levels, initial="3"), block_id="severity"))
    seen = plain_text_input("value", multiline=True, initial=_seen(text, link) or None, max_length=3_000)
    blocks.append(input_block("What do you see?", seen, block_id="because", optional=True))
    data = checkboxes("value", [option("Personal data may be involved", "personal")])
    hint = "It is noted as an open question; counsel sees which duties hang on it."
    blocks.append(input_block("Personal data", data, block_id="personal", optional=True, hint=hint))
    shut = checkboxes("value", [option("Restricted: only named people, no content in channels", "restricted")])
    blocks.append(input_block("Who may read it", shut, block_id="restricted", optional=True))
    return modal("Declare incident", blocks, callback_id=NAME, submit="Declare",
                 private_metadata=Ref(said=said).metadata if said else None)  # fmt: skip


def _seen(text: str, link: str) -> str:
    """The message and where it is."""
    return "\n".join(part for part in (clean(text, 2_500), clean(link, 400)) if part)


def _services(services: Sequence[Service]) -> Element:
    """A list where there are few, else a search in which every service can be found."""
    if len(services) > FEW:
        return external_select("value", placeholder="Type to search, or leave empty", min_query_length=0)
    return static_select("value", [_other(), *(_option(one) for one in services)], initial=OTHER)


def found(services: Sequence[Service], typed: str) -> list[Option]:
    """The options for what was typed: every word is somewhere in name, title or owner; titles that begin so first."""
    words = typed.casefold().split()
    fitting = [
        one for one in services if all(word in f"{one.name} {one.title} {one.owner}".casefold() for word in words)
    ]
    start = typed.strip().casefold()
    fitting.sort(key=lambda one: (not (one.title or one.name).casefold().startswith(start), one.title or one.name))
    return [*(_option(one) for one in fitting[: MOST - 1]), _other()]


def _option(service: Service) -> Option:
    return option(filled(service.title or service.name, 75), service.name[:150])


def _other() -> Option:
    return option("Another service", OTHER)
