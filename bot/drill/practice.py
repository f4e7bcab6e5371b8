"""A practice workspace for a drill: the user's own people, in rooms that say what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import SecretStr

from bot.clock import Clock
from bot.config.installation import Installation
from bot.config.model import Slack
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.localslack import LocalSlack
from bot.localslack.people import Member, Room
from bot.localslack.workspace import Settings
from bot.slack import manifest

ROOM, LEGAL = "C0DRILL", "C0DRILLLEGAL"


def _account(number: int) -> str:
    return f"U0DRILL{number}"


def practising(installation: Installation) -> Iterator[Profile]:
    """Everybody with an account of the practice workspace in place of their own."""
    for number, person in enumerate(installation.people, 1):
        yield replace(person, slack_team=Settings().team, slack_user=_account(number))


def workspace(installation: Installation, clock: Clock) -> LocalSlack:
    """The workspace, not yet listening."""
    people = [
        Member(_account(n), each.key, each.name, each.email, title=", ".join(sorted(each.roles)))
        for n, each in enumerate(installation.people, 1)
    ]
    lawyers = [_account(n) for n, each in enumerate(installation.people, 1) if Role.COUNSEL in each.roles]
    rooms = [
        Room(ROOM, "drill-incidents", members=[each.id for each in people]),
        Room(LEGAL, "drill-legal", private=True, members=lawyers or [each.id for each in people]),
    ]
    made = LocalSlack(people=people, channels=rooms, clock=clock)
    made.workspace.install(manifest.build())
    return made


def connected(slack: LocalSlack) -> Slack:
    """How the drill's house is connected to it: the made-up tokens open nothing else."""
    return Slack(
        mode="socket",
        api_url=slack.api_url,
        bot_token=SecretStr(slack.bot_token),
        app_token=SecretStr(slack.app_token),
        team=slack.workspace.settings.team,
        home_channel=ROOM,
        legal_channel=LEGAL,
    )
