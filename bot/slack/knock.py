"""Somebody knocks: who, with what, where; and what they get to see in return."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.blockkit.blocks import Block, View
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.engine.desk import Desk
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.slack.client import Client
from bot.slack.ids import Ref

Json = Mapping[str, Any]


# -- what they get to see --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Show:
    """A dialog: opened after a click, in place of the one that was sent."""

    view: View


@dataclass(frozen=True, slots=True)
class Redraw:
    """The dialog that was clicked in, drawn anew in its place; drawn once more where it was changed meanwhile."""

    draw: Callable[[], Awaitable[View]]


@dataclass(frozen=True, slots=True)
class Tell:
    """Words (mrkdwn, safe) for this person alone, with blocks where words are not enough."""

    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Errors:
    """What is wrong with which answers of a dialog: question → words."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Slow:
    """Work that asks another system and may outlast Slack's three seconds; `heading` stands above the wait."""

    work: Coroutine[Any, Any, "Reply"]
    heading: str


@dataclass(frozen=True, slots=True)
class Close:
    """Nothing more: the dialog goes, and those below it, which no longer offer what may be done."""


Reply = Show | Redraw | Tell | Errors | Slow | Close | None


# -- what they bring -------------------------------------------------------------------------------------------------


class Values:
    """The answers of a dialog by question; a question's block id may end in `:anything`."""

    def __init__(self, view: Json) -> None:
        state = view.get("state") or {}
        self._held = state.get("values") or {}
        self._blocks = [block for block in view.get("blocks") or [] if isinstance(block, dict)]

    def _element(self, name: str) -> Json:
        for block_id, inputs in self._held.items():
            if str(block_id).partition(":")[0] == name and isinstance(inputs, dict):
                return next((one for one in inputs.values() if isinstance(one, dict)), {})
        return {}

    def text(self, name: str) -> str:
        """What was typed or chosen, "" where nothing was."""
        one = self._element(name)
        option = one.get("selected_option")
        if isinstance(option, dict):
            return str(option.get("value") or "")
        for key in ("value", "selected_user", "selected_date", "selected_date_time"):
            if one.get(key):
                return str(one[key]).strip()
        return ""

    def ticked(self, name: str) -> bool:
        """Whether any box of the question is ticked."""
        return bool(self.chosen(name))

    def chosen(self, name: str) -> list[str]:
        """The values of the boxes that are ticked."""
        ticked = self._element(name).get("selected_options") or []
        return [str(one.get("value")) for one in ticked if isinstance(one, dict)]

    def block(self, name: str) -> str:
        """The block id of a question; of the first one where the name is "" or not there. "" without questions."""
        asked = [str(one.get("block_id")) for one in self._blocks if one.get("type") == "input"]
        return next((one for one in asked if one.partition(":")[0] == name), asked[0] if asked else "")


@dataclass(frozen=True, slots=True)
class Knock:
    """One click, sent dialog, command, shortcut or mention. `inbound` is its id and commits with what it causes."""

    desk: Desk
    slack: Client
    who: Profile
    inbound: str
    deed: str
    ref: Ref
    values: Values = field(default_factory=lambda: Values({}))
    body: Json = field(default_factory=dict)
    text: str = ""
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    user: str = ""
    home: str = ""  # the channel where cards go when the service names none

    async def submit(self, command: Command, *, part: str = "") -> Incident:
        """Pass a command on to the incident meant; `part` tells several commands of one knock apart."""
        inbound = self.inbound + part if self.inbound else ""
        return await self.desk.submit(self.ref.incident, command, self.who, inbound=inbound)

    async def situation(self) -> Situation:
        """The incident meant, as it stands."""
        if not self.ref.incident:
            raise Refused("say which incident you mean, such as INC-7")
        return await self.desk.situation(self.ref.incident)


Handler = Callable[[Knock], Awaitable[Reply]]
