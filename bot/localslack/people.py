"""Who is in the practice workspace and where they talk: people, rooms, groups, and the cast of a first start."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

BOT_USER = "U0TOCSIN"
BOT_ID = "B_TOCSIN"
APP_ID = "A_TOCSIN"


@dataclass(frozen=True, slots=True)
class Member:
    """A person (or bot) of the workspace, or of another one they share channels with (`team`).

    `is_restricted` is Slack's word for a guest, `is_ultra_restricted` for a guest of a single channel, `dnd` for do not
    disturb, `away` for nobody at the keyboard.
    """

    id: str
    name: str
    real_name: str = ""
    email: str = ""
    is_bot: bool = False
    is_restricted: bool = False
    deleted: bool = False
    dnd: bool = False
    tz: str = "Europe/Berlin"
    title: str = ""
    is_ultra_restricted: bool = False
    team: str = ""
    away: bool = False

    @property
    def is_guest(self) -> bool:
        """Whether they are a guest of either kind."""
        return self.is_restricted or self.is_ultra_restricted

    def as_json(self, team: str) -> dict[str, Any]:
        """The person as `users.info` answers to an app of workspace `team`."""
        real = self.real_name or self.name
        home, team = team, self.team or team
        profile = {"real_name": real, "display_name": self.name, "email": self.email, "title": self.title,
                   "team": team}  # fmt: skip
        return {
            "id": self.id, "team_id": team, "name": self.name, "real_name": real, "deleted": self.deleted,
            "is_bot": self.is_bot, "is_restricted": self.is_guest, "is_ultra_restricted": self.is_ultra_restricted,
            "is_admin": False, "is_app_user": False, "tz": self.tz, "profile": profile,
        } | ({"is_stranger": True} if team != home else {})  # fmt: skip


@dataclass(slots=True)
class Room:
    """A channel, or a direct conversation when `dm_with` names the person; `bot` says whether Tocsin is in it."""

    id: str
    name: str
    private: bool = False
    members: Sequence[str] = ()
    bot: bool = True
    archived: bool = False
    topic: str = ""
    dm_with: str = ""
    purpose: str = ""
    shared_with: Sequence[str] = ()  # the other workspaces of a shared channel
    creator: str = ""
    created: int = 0

    @property
    def kind(self) -> str:
        """As events name it: `im`, `group` or `channel`."""
        return "im" if self.dm_with else "group" if self.private else "channel"

    def as_json(self) -> dict[str, Any]:
        """The room as `conversations.info` answers."""
        common = {"id": self.id, "is_archived": self.archived, "is_private": self.private, "is_member": self.bot,
                  "is_ext_shared": bool(self.shared_with), "is_shared": bool(self.shared_with),
                  "shared_team_ids": list(self.shared_with)}  # fmt: skip
        if self.dm_with:
            return common | {"is_im": True, "is_channel": False, "is_group": False, "user": self.dm_with,
                             "is_private": True}  # fmt: skip
        return common | {
            "name": self.name, "name_normalized": self.name, "is_im": False, "is_mpim": False,
            "is_channel": not self.private, "is_group": self.private, "num_members": len(self.members),
            "topic": {"value": self.topic}, "purpose": {"value": self.purpose}, "creator": self.creator,
            "created": self.created,
        }  # fmt: skip

    def kept(self) -> dict[str, Any]:
        """The room as it is stored."""
        return asdict(self) | {"members": list(self.members), "shared_with": list(self.shared_with)}


@dataclass(frozen=True, slots=True)
class Group:
    """A user group: who is meant by `@handle`."""

    id: str
    handle: str
    users: Sequence[str] = ()
    name: str = ""
    disabled: bool = False

    def as_json(self, team: str) -> dict[str, Any]:
        """The group as `usergroups.list` answers, without its users."""
        return {"id": self.id, "team_id": team, "is_usergroup": True, "handle": self.handle,
                "name": self.name or self.handle, "description": "", "is_external": False,
                "date_delete": 1 if self.disabled else 0, "user_count": len(self.users)}  # fmt: skip


def groups(given: Mapping[str, Sequence[str] | Group]) -> dict[str, Group]:
    """User groups by id; a bare list of people is a group whose handle is its id in small letters."""
    return {key: one if isinstance(one, Group) else Group(key, key.lower(), tuple(one)) for key, one in given.items()}


def member(given: Member | Mapping[str, Any]) -> Member:
    """A person from a value or a mapping of the same fields."""
    return given if isinstance(given, Member) else Member(**_known(Member, given))


def room(given: Room | Mapping[str, Any]) -> Room:
    """A room from a value or a mapping of the same fields."""
    if isinstance(given, Room):
        return Room(**given.kept())
    return Room(**_known(Room, given))


def _known(kind: type[Member] | type[Room], given: Mapping[str, Any]) -> dict[str, Any]:
    names = [one.name for one in fields(kind)]
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; it has {', '.join(names)}")
    return dict(given)


CAST = (
    Member("U0ANA", "ana", "Ana Souza", "ana@example.com", title="On call, ML platform"),
    Member("U0BEN", "ben", "Ben Okafor", "ben@example.com", title="Engineering manager"),
    Member("U0CLEO", "cleo", "Cleo Martin", "cleo@example.com", title="Counsel"),
    Member("U0DEV", "dev", "Dev Rao", "dev@example.com", title="Risk modelling"),
    Member("U0GUS", "gus", "Gus Vendor", "gus@vendor.example", is_restricted=True, title="Guest"),
)
ROOMS = (
    Room("C0INC", "ml-incidents", members=("U0ANA", "U0BEN", "U0CLEO", "U0DEV")),
    Room("C0GENERAL", "general", members=("U0ANA", "U0BEN", "U0CLEO", "U0DEV", "U0GUS")),
    Room("C0LEGAL", "legal-review", private=True, members=("U0BEN", "U0CLEO")),
)
