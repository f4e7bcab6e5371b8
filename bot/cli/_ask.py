"""How every verb of `tocsin incident` asks the server and tells what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.cli._api import Api


def door(config: Path, person: str) -> Api:
    """The server as this person reaches it: by their own token where they have one, else by the machine's.

    Raises a usage error where nobody was named, and no token file that may say it.
    """
    import os

    from bot.cli._api import TOKEN_FILE, Api, own, place
    from bot.cli._common import somebody

    if not person.strip() and os.environ.get(TOKEN_FILE):
        return Api(place(config, os.environ))
    who = somebody(person)
    return Api(own(place(config, os.environ), who), who)


EVERY_LINE = 1_000_000


def look(api: Api, incident: str) -> dict[str, Any]:
    """Everything known of one incident. Raises Refused where there is none of that name."""
    from bot.cli._api import segment
    from bot.domain.errors import Unavailable

    found = api.get(f"/api/incidents/{segment(incident)}?timeline={EVERY_LINE}")
    if not isinstance(found, dict) or found.get("id") != incident:
        raise Unavailable(api.url, f"answered something that is not {incident!r}; is it the same version?")
    return found


def one(api: Api, rows: Any, what: str, name: str, waiting: str = "") -> dict[str, Any]:
    """The one of that id; without a name the only one in state `waiting`. Raises NotFound, Refused."""
    from bot.domain.errors import NotFound, Refused

    with api.understood():
        by_id = {str(row["id"]): dict(row) for row in rows}
        open_ones = [key for key, row in by_id.items() if row.get("state", row.get("standing")) == waiting]
    if not name and len(open_ones) == 1:
        return by_id[open_ones[0]]
    if not name:
        standing = ", ".join(f"{key} ({row.get('state', row.get('standing'))})" for key, row in by_id.items())
        nothing = f"no {what} waits for it; there is {standing or 'none'}"
        raise Refused(f"say which: {', '.join(open_ones)}" if open_ones else nothing)
    if name not in by_id:
        raise NotFound(what, name, list(by_id))
    return by_id[name]


def ask(config: Path, person: str, incident: str, verb: str, done: str, /, **body: object) -> None:
    """Ask one thing of one incident and say what became of it; what is None is left out."""
    api = door(config, person)
    said(api, post(api, incident, verb, **body), done)


def post(api: Api, incident: str, verb: str, /, **body: object) -> Any:
    """Ask; the incident as it then stands."""
    from bot.cli._api import segment

    given = {name: value for name, value in body.items() if value is not None}
    return api.post(f"/api/incidents/{segment(incident)}/{verb}", given)


def said(api: Api, answer: Any, done: str) -> None:
    """What was done, and where the incident now stands."""
    from bot.cli._show import head
    from bot.cli._text import out

    with api.understood():
        lines = [done, head(answer)]
    out(lines)


def may_approve(config: Path, person: str, name: str, over: str) -> None:
    """Say at once what would be refused after the question: it waits no more (`over`), or the token is not one's own.

    Raises Refused.
    """
    import os

    from bot.cli._api import TOKEN_FILE, own, place
    from bot.cli._common import somebody
    from bot.domain.errors import Refused

    if over:
        raise Refused(f"{name} is {over}; there is nothing to approve")
    if os.environ.get(TOKEN_FILE):
        return
    where, who = place(config, os.environ), somebody(person)
    if own(where, who) == where:
        raise Refused(f"this needs your own token or login: ask for one with `tocsin token {who}`")


def agreed(question: str, *, yes: str, read: str) -> None:
    """Go on only where a person says yes to what was shown, or a script named the digest of exactly that.

    Raises Refused.
    """
    import typer

    from bot.domain.errors import Refused

    if yes and yes != read:
        raise Refused(f"what stands there now is not what you read: its digest is {read}; nothing was changed")
    if not yes and not typer.confirm(f"{question} Digest {read[:8]}"):
        raise Refused("you did not say yes; nothing was changed")


def agreed_plan(
    api: Api,
    config: Path,
    person: str,
    incident: str,
    name: str,
    question: str,
    *,
    yes: str,
    code: str,
    warning: str = "",
    alone: bool = False,
) -> tuple[str, str, str]:
    """Show a proposed plan and go on with a yes to exactly that: its id, its digest and the one-time code for it.

    Raises Refused.
    """
    import typer

    from bot.cli._paint import Paint
    from bot.cli._plan import plan
    from bot.cli._text import clean, out
    from bot.domain.errors import Refused

    paint = Paint.here()
    found = one(api, look(api, incident).get("mitigations"), "mitigation", name, "proposed")
    with api.understood():
        lines, read, state = list(plan(incident, found, paint)), str(found["digest"]), str(found["state"])
        target, asks_name = str(found["target"]), not yes and (alone or bool(found["name_wanted"]))
        asks_code = bool(found["code_wanted"]) and not code and not yes
    out([*lines, paint.bad(warning)] if warning else lines)
    may_approve(config, person, found["id"], "" if state == "proposed" else state)
    agreed(question, yes=yes, read=read)
    if asks_name and typer.prompt(f"Type {clean(target)} to confirm").strip() != target.strip():
        raise Refused(f"that is not {clean(target)}; nothing was changed")
    if asks_code:
        code = typer.prompt(f"Your one-time code (`tocsin incident code {incident} {found['id']}` gives one)")
    return str(found["id"]), read, code
