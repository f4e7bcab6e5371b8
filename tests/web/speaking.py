"""A house with a status page, and statements on their way to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.stating import ApproveStatement, DraftStatement, FreezeStatement, PublishStatement
from bot.domain.status import Kind, State, statement_of
from bot.domain.status_page import Announced, Component
from bot.domain.status_rules import StatusRules
from bot.engine.status import StatusBoard
from tests.web.fakes import Place

COMPONENTS = (
    Component("predictions", "Predictions", ("visits",)),
    Component("portal", "Customer portal"),
    Component("backoffice", "Back office", (), public=False),
)


def speaking(
    home: Place, *, public: bool = True, announced: Sequence[Announced] = (), title: str = "Service status"
) -> Place:
    """The same place with a status page."""
    rules = StatusRules(tuple(each.name for each in COMPONENTS), frozenset({"manager", "counsel"}))
    handler = home.desk.handler
    handler.policy = replace(handler.policy, status=rules)
    board = StatusBoard(handler, home.store.log, title, COMPONENTS, announced, public)
    return home.having(status=board)


async def drafted(
    home: Place,
    name: str,
    *,
    kind: Kind = Kind.INVESTIGATING,
    title: str = "Predictions are wrong for some visits",
    text: str = "Some predictions are wrong. We are looking into it.",
    states: tuple[tuple[str, State], ...] = (("predictions", State.PARTIAL),),
    corrects: str = "",
) -> str:
    """A draft of ana's; its id."""
    command = DraftStatement(kind, title, text, states, corrects=corrects)
    after = await home.desk.submit(name, command, await home.who("ana"))
    return list(after.statements)[-1]


async def approved(home: Place, name: str, statement: str) -> str:
    """Asked for by ana and approved by max; the digest."""
    digest = statement_of(await home.desk.log.load(name), statement).said
    await home.desk.submit(name, FreezeStatement(statement, digest), await home.who("ana"))
    await home.desk.submit(name, ApproveStatement(statement, digest), await home.who("max"))
    return digest


async def published(home: Place, name: str, **said: object) -> str:
    """Drafted, approved and published; its id."""
    statement = await drafted(home, name, **said)
    digest = await approved(home, name, statement)
    await home.desk.submit(name, PublishStatement(statement, digest), await home.who("ana"))
    return statement
