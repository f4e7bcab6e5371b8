"""Who is on call: now, next and at any time; covers, one's own calendar, and a test page to oneself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli._common import TOCSIN_YAML, As, AsJson, Because, Config

app = typer.Typer(invoke_without_command=True)
cover_app = typer.Typer(no_args_is_help=True)
app.add_typer(cover_app, name="cover", help="Ask to be stood in for, and stand in for others.")

At = Annotated[
    str, typer.Option("--at", metavar="TIME", help="Such as 2026-12-01T09:00; left out, now.", show_default=False)
]
OfRota = Annotated[str, typer.Option("--rota", metavar="NAME", help="Only this rota.", show_default=False)]
OfService = Annotated[str, typer.Option("--service", metavar="NAME", help="Only this service.", show_default=False)]
Offline = Annotated[
    bool, typer.Option("--offline", help="Read the files instead of asking the server; covers are not known then.")
]
Cover = Annotated[str, typer.Argument(metavar="COVER", help="Its id, as `tocsin oncall cover list` shows it.")]


@app.callback()
def _group(
    context: typer.Context,
    at: At = "",
    rota: OfRota = "",
    service: OfService = "",
    offline: Offline = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Who is on call: now, next and at any time; covers, one's own calendar, and a test page to oneself."""
    if context.invoked_subcommand is not None:
        _nothing_before(context)
    else:
        who(at, rota, service, offline, as_json, config, person)


def _nothing_before(context: typer.Context) -> None:
    """What stands before a command would not count for it: the answer would be another one. Raises a usage error."""
    typed = {each.name: context.get_parameter_source(each.name or "") for each in context.command.params}
    given = [each.opts[0] for each in context.command.params if getattr(typed[each.name], "name", "") == "COMMANDLINE"]
    if given:
        told, command = " and ".join(given), context.invoked_subcommand
        raise typer.BadParameter(f"write {told} after the command: tocsin oncall {command} {' '.join(given)} ...")


@app.command()
def who(
    at: At = "",
    rota: OfRota = "",
    service: OfService = "",
    offline: Offline = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Who is on call by every rota, and whom pages of every service come to, level by level."""
    from bot.cli import _oncall as look

    found = look.now(config, person, at=at, rota=rota, service=service, offline=offline)
    _show(found, look.shown, as_json=as_json, offline=offline)


@app.command("next")
def next_(
    at: At = "",
    rota: OfRota = "",
    offline: Offline = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """The next hand-off of every rota, the soonest first."""
    from bot.cli import _oncall as look

    found = look.now(config, person, at=at, rota=rota, service="", offline=offline)
    _show(found, _handed, as_json=as_json, offline=offline)


@app.command()
def shifts(
    at: At = "",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How many days.")] = 14,
    rota: OfRota = "",
    whose: Annotated[str, typer.Option("--person", metavar="KEY", help="Only this person's.", show_default=False)] = "",
    offline: Offline = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Everybody's shifts of the coming days, and the hours in which nobody is on call."""
    from bot.cli import _oncall as look

    found = look.ahead(config, person, at=at, days=days, rota=rota, whose=whose, offline=offline)
    _show(found, look.listed, as_json=as_json, offline=offline)


@app.command()
def calendar(
    end: Annotated[bool, typer.Option("--end", help="From now on your calendar has no address.")] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """A new secret address of your shifts, to subscribe to in a calendar; the one before ends."""
    from bot.cli._ask import door
    from bot.cli._text import line, out, out_json

    api = door(config, person)
    found = api.post("/api/oncall/calendar/end" if end else "/api/oncall/calendar", {})
    if as_json:
        out_json(found)
        return
    with api.understood():
        if end:
            said = ["Your calendar has no address any more." if found["ended"] else "Your calendar had no address."]
        else:
            said = ["Your shifts; whoever has this address can read them, and it is shown once:"]
            said += [f"  {line(found['url'])}"]
            said += [f"  {line(name)}: {line(url)}" for name, url in found["rotas"].items()]
            said += ["An address you had before leads nowhere now. `tocsin oncall calendar --end` ends this one."]
    out(said)


@app.command("test")
def trial(
    channel: Annotated[
        str,
        typer.Argument(metavar="CHANNEL", help="A pager, such as sms; left out, each of yours.", show_default=False),
    ] = "",
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Page yourself, and see what became of it; ends with 1 where no channel took it."""
    from bot.cli._ask import door
    from bot.cli._text import line, out, out_json, table

    api = door(config, person)
    found = api.post("/api/oncall/test", {"channel": channel}, patience=90.0)
    with api.understood():
        rows = [
            (
                each["channel"],
                each["receipt"],
                f"{each['seconds']:.1f} s",
                " ".join(filter(None, (each["where"], each["because"]))),
            )
            for each in found["receipts"]
        ]
        reached = any(each["receipt"] != "failed" for each in found["receipts"])
    if as_json:
        out_json(found)
    else:
        out(table([("channel", "receipt", "after", "where"), *((line(a), line(b), c, line(d)) for a, b, c, d in rows)]))
    if not reached:
        raise typer.Exit(1)


@cover_app.command("list")
def covers(as_json: AsJson = False, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Every cover that is not over, those nobody took first."""
    from bot.cli import _oncall as look

    _show(look.fetched(config, person, "/api/oncall/covers", {}), look.covers, as_json=as_json)


@cover_app.command()
def ask(
    rota: Annotated[str, typer.Argument(metavar="ROTA", show_default=False)],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="From when.", show_default=False)],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when.", show_default=False)],
    because: Because = "",
    instead_of: Annotated[
        str, typer.Option("--for", metavar="KEY", help="For somebody else; a manager may.", show_default=False)
    ] = "",
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Ask to be stood in for."""
    from bot.cli._oncall import moment

    since, until = moment(start), moment(end)
    if since is None or until is None:
        raise typer.BadParameter("say from when to when: --from TIME --to TIME")
    body = {"rota": rota, "start": since.isoformat(), "end": until.isoformat()}
    body |= {"because": because, "instead_of": instead_of}
    _agree(config, person, "/api/oncall/covers", body, as_json=as_json)


@cover_app.command()
def take(cover: Cover, as_json: AsJson = False, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Stand in for somebody: from now on pages of that time come to you."""
    from bot.cli._api import segment

    _agree(config, person, f"/api/oncall/covers/{segment(cover)}/take", {}, as_json=as_json)


@cover_app.command()
def withdraw(cover: Cover, as_json: AsJson = False, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Take a request back, or let go of what you took."""
    from bot.cli._api import segment

    _agree(config, person, f"/api/oncall/covers/{segment(cover)}/withdraw", {}, as_json=as_json)


def _agree(config: Any, person: str, path: str, body: dict[str, str], *, as_json: bool) -> None:
    from bot.cli._ask import door
    from bot.cli._text import line, out, out_json

    api = door(config, person)
    found = api.post(path, body)
    if as_json:
        out_json(found)
        return
    with api.understood():
        said = [line(found["text"]) or "Nothing changed: it stands so already.", f"  {line(found['cover']['id'])}"]
        said += [f"  Concerns {', '.join(map(line, found['concerns']))}"] if found["concerns"] else []
    out(said)


def _handed(found: dict[str, Any]) -> Any:
    from bot.cli._oncall import local, people, zone
    from bot.cli._text import line, table

    soonest = sorted(found["rotas"], key=lambda each: (each["next_at"] is None, each["next_at"] or ""))
    rows = [
        (local(each["next_at"]) if each["next_at"] else "no change ahead", line(each["title"]), people(each["next"]))
        for each in soonest
    ]
    return table([(f"at ({zone(found['at'])})", "rota", "then on call"), *rows]) if rows else ["There is no rota yet."]


def _show(found: Any, words: Any, *, as_json: bool, offline: bool = False) -> None:
    """As JSON, or in words; whatever an answer lacks is told as a sentence."""
    import sys

    from bot.cli._oncall import OFFLINE
    from bot.cli._text import out, out_json
    from bot.domain.errors import Unavailable

    if as_json:
        out_json(found)
    else:
        try:
            lines = list(words(found))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            because = f"answered in words this version does not know ({error}); is it the same version?"
            raise Unavailable("the server", because) from None
        out(lines)
    if offline:
        print(OFFLINE, file=sys.stderr)
