"""`people.yaml`: who works here, what each may do, and where each can be reached."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.config.contacts import Phone, Zone, handles
from bot.config.files import read_page
from bot.config.fit import Fitter, Unreadable
from bot.config.marks import Marked
from bot.domain.policy import Role
from bot.engine.calling import Contact
from bot.engine.values import Profile

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")


class SlackAccount(BaseModel):
    """A person's account in the workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    team: str = Field(default="", pattern=r"^([TE][A-Z0-9]+)?$")
    """The workspace's id; left out, the one of tocsin.yaml."""
    user: str = Field(pattern=r"^[UW][A-Z0-9]+$")
    """The member id, from the profile's menu: `Copy member ID`."""


class OidcAccount(BaseModel):
    """A person as the provider of logins (web.oidc) knows them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sub: str = Field(min_length=1, max_length=255)
    """The subject: what the provider calls them for ever, unlike their mail address."""


class PersonModel(BaseModel):
    """One person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    roles: list[Role] = Field(default=[Role.RESPONDER], min_length=1)
    slack: SlackAccount | None = None
    oidc: OidcAccount | None = None
    email: str = Field(default="", pattern=r"^([^@\s]+@[^@\s]+)?$")
    groups: list[str] = Field(default_factory=list)
    """Teams and the like; a rule of the policy names one as group:name."""
    phone: Phone = ""
    """With its country, such as '+49 30 123456'."""
    zone: Zone = ""
    """IANA name; left out, the organisation's."""
    reach: list[str] = Field(default_factory=list)
    """Pagers of tocsin.yaml in this person's order; left out, all of them in theirs."""
    push: dict[str, Any] = Field(default_factory=dict)
    """Names with push services, read by `contacts.handles`."""

    @field_validator("groups")
    @classmethod
    def _plain(cls, given: list[str]) -> list[str]:
        for name in given:
            if not _KEY.match(name):
                raise ValueError(f"{name!r} is no name of a group (expected small letters, digits, . _ -)")
        return given


@dataclass(frozen=True, slots=True)
class People:
    """Everybody named, and where each stands in the file."""

    profiles: tuple[Profile, ...] = ()
    page: Marked | None = None
    by_key: dict[str, Profile] = field(default_factory=dict)
    named: frozenset[str] = frozenset()  # every key that stands in the file, those with mistakes included
    contacts: dict[str, Contact] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)  # the provider's subject → key


def read_people(path: Path, fitter: Fitter, *, team: str) -> People:
    """Everybody of the file; `team` is the workspace of those who name none. A file that is not there names nobody."""
    if not path.is_file():
        return People()
    page = read_page(path, fitter.problems)
    if page is None or not isinstance(page.data, dict):
        if page is not None:
            fitter.problems.append(page.problem("holds no people", expected="`key:` lines, one for each person"))
        return People(named=Unreadable())
    profiles: dict[str, Profile] = {}
    contacts: dict[str, Contact] = {}
    subjects: dict[str, str] = {}
    for key in page.data:
        if not isinstance(key, str) or not _KEY.match(key):
            shown = str(key).lower() if isinstance(key, bool) else key
            what = f"{shown!r} is no key of a person" if isinstance(key, str) else f"the key was read as {shown}"
            expected = "small letters, digits, . _ -" if isinstance(key, str) else "a name; write it in quotes"
            fitter.problems.append(page.problem(what, key, key=True, expected=expected))
            continue
        model = fitter.fit(PersonModel, page, key, references=False)
        if model is not None:
            profile = _profile(key, model, team)
            _check_own(profile, profiles.values(), page, fitter)
            profiles[key] = profile
            if model.oidc is not None:
                _check_subject(key, model.oidc.sub, subjects, page, fitter)
            contacts[key] = _contact(key, model, handles(page, key, fitter))
    named = frozenset(key for key in page.data if isinstance(key, str))
    return People(tuple(profiles.values()), page, profiles, named, contacts, subjects)


def _profile(key: str, model: PersonModel, team: str) -> Profile:
    return Profile(
        id="",
        key=key,
        name=model.name,
        roles=frozenset(model.roles),
        slack_team=(model.slack.team or team) if model.slack else "",
        slack_user=model.slack.user if model.slack else "",
        email=model.email,
        groups=frozenset(model.groups),
    )


def _contact(key: str, model: PersonModel, push: dict[str, str]) -> Contact:
    return Contact(key, model.email, model.phone, model.zone, tuple(model.reach), push)


def _check_own(profile: Profile, earlier: Iterable[Profile], page: Marked, fitter: Fitter) -> None:
    """A Slack account needs its workspace; it and a mail address belong to one person.

    Two keys for one human would let them approve what they proposed.
    """
    key = profile.key
    if profile.slack_user and not profile.slack_team:
        what = f"{key}'s Slack account names no workspace"
        fitter.problems.append(page.problem(what, key, "slack", expected="team here, or slack.team in tocsin.yaml"))
    for other in earlier:
        if profile.slack_user and other.slack_user == profile.slack_user and _same_team(other, profile):
            what = f"{profile.slack_user} is {other.key}'s Slack account already, {_line(page, other.key, 'slack')}"
            fitter.problems.append(page.problem(what, key, "slack", "user", expected="one person for each account"))
            break
    for other in earlier:
        if profile.email and other.email.casefold() == profile.email.casefold():
            what = f"{profile.email} is {other.key}'s mail address already, {_line(page, other.key, 'email')}"
            fitter.problems.append(page.problem(what, key, "email", expected="one person for each address"))
            break


def _check_subject(key: str, sub: str, subjects: dict[str, str], page: Marked, fitter: Fitter) -> None:
    """A subject is one person's: whoever logs in with it must not be two."""
    other = subjects.setdefault(sub, key)
    if other != key:
        what = f"{sub!r} is {other}'s subject with the provider already, {_line(page, other, 'oidc')}"
        fitter.problems.append(page.problem(what, key, "oidc", "sub", expected="one person for each subject"))


def _same_team(one: Profile, other: Profile) -> bool:
    """Whether the accounts may be of one team; one that names none could be of any."""
    return one.slack_team == other.slack_team or not one.slack_team or not other.slack_team


def _line(page: Marked, *path: str) -> str:
    return f"in line {page.where(*path)[0]}"
