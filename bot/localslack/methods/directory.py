"""users.*, usergroups.* and dnd.*: who is there, who is meant by a group, and who wants to be left alone."""

from typing import Any

from bot.localslack.methods.arguments import Call, Method, page
from bot.localslack.people import Member
from bot.localslack.workspace import SlackError

_EMAIL = "users:read.email"
TEAM_INFO = 50
"""People in one dnd.teamInfo (Slack)."""
HOUR = 3600


def _person(call: Call, name: str) -> Member:
    found = call.workspace.people.get(name)
    if found is None:
        raise SlackError("user_not_found")
    return found


def _shown(call: Call, one: Member) -> dict[str, Any]:
    """A person; the address only where the app may read addresses."""
    told = one.as_json(call.workspace.settings.team)
    if _EMAIL not in call.workspace.settings.scopes:
        told["profile"].pop("email", None)
    return told


def users_info(call: Call) -> dict[str, Any]:
    """users.info."""
    return {"user": _shown(call, _person(call, call.need("user")))}


def users_list(call: Call) -> dict[str, Any]:
    """users.list."""
    people = [_shown(call, one) for one in call.workspace.people.values()]
    answer = page(call, people, "members", default=200, most=1000)
    del answer["has_more"]
    return answer


def users_by_email(call: Call) -> dict[str, Any]:
    """users.lookupByEmail."""
    email = call.need("email").lower()
    for one in call.workspace.people.values():
        if one.email.lower() == email and not one.deleted:
            return {"user": _shown(call, one)}
    raise SlackError("users_not_found")


def presence(call: Call) -> dict[str, Any]:
    """users.getPresence."""
    one = _person(call, call.need("user"))
    return {"presence": "away" if one.away or one.deleted else "active"}


def group_list(call: Call) -> dict[str, Any]:
    """usergroups.list."""
    team, groups = call.workspace.settings.team, call.workspace.settings.groups.values()
    users = call.flag("include_users")
    return {"usergroups": [
        one.as_json(team) | ({"users": list(one.users)} if users else {})
        for one in groups if call.flag("include_disabled") or not one.disabled
    ]}  # fmt: skip


def group_users(call: Call) -> dict[str, Any]:
    """usergroups.users.list."""
    group = call.workspace.settings.groups.get(call.need("usergroup"))
    if group is None or (group.disabled and not call.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _quiet(call: Call, one: Member) -> dict[str, Any]:
    now = int(call.workspace.now())
    start, end = (now - HOUR, now + 8 * HOUR) if one.dnd else (1, 1)
    return {"dnd_enabled": one.dnd, "next_dnd_start_ts": start, "next_dnd_end_ts": end}


def dnd_info(call: Call) -> dict[str, Any]:
    """dnd.info."""
    return _quiet(call, _person(call, call.need("user"))) | {"snooze_enabled": False}


def dnd_team(call: Call) -> dict[str, Any]:
    """dnd.teamInfo: several people at once; nobody it does not know."""
    asked = [one for one in call.need("users").split(",") if one]
    if len(asked) > TEAM_INFO:
        raise SlackError("too_many_users")
    people = call.workspace.people
    return {"users": {one: _quiet(call, people[one]) for one in asked if one in people}, "cached": False}


METHODS: dict[str, Method] = {
    "users.info": users_info, "users.list": users_list, "users.lookupByEmail": users_by_email,
    "users.getPresence": presence, "usergroups.list": group_list, "usergroups.users.list": group_users,
    "dnd.info": dnd_info, "dnd.teamInfo": dnd_team,
}  # fmt: skip
