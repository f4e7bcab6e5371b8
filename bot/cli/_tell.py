"""Telling others from a terminal: the facts the law asks for, duties and their clocks, and notices up to filing."""

from typing import Annotated

import typer

from bot.cli._ask import agreed, ask, door, look, may_approve, one, post, said
from bot.cli._common import TOCSIN_YAML, Agreed, As, AsJson, Because, Config, Incident

app = typer.Typer()

Notice = Annotated[str, typer.Argument(help="The notice, such as N1.", metavar="NOTICE", show_default=False)]


@app.command()
def fact(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The fact, as `tocsin duties --facts` lists it.", metavar="FACT")],
    values: Annotated[
        list[str], typer.Argument(help="yes, no, unknown, a number, a time, or words.", metavar="VALUE...")
    ],
    as_list: Annotated[bool, typer.Option("--list", help="A list even where it is one word.")] = False,
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Answer one question the law asks; several values make a list."""
    value: object = values if as_list or len(values) > 1 else values[0]
    ask(config, person, incident, "fact", "Fact recorded.", fact=name, value=value, because=because)


@app.command("decide-duty")
def decide_duty(
    incident: Incident,
    regime: Annotated[str, typer.Argument(help="The regime, such as eu_gdpr_art33.", show_default=False)],
    answer: Annotated[str, typer.Argument(help="yes, no or unknown.", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Counsel decides whether a duty applies, with the reason."""
    ask(config, person, incident, "decide-duty", "Decision recorded.", regime=regime, answer=answer, because=because)


@app.command("assign-duty")
def assign_duty(
    incident: Incident,
    regime: Annotated[str, typer.Argument(help="The regime, such as eu_gdpr_art33.", show_default=False)],
    owner: Annotated[str, typer.Argument(help="Who answers for its clocks, by key.", show_default=False)],
    deputy: Annotated[str, typer.Option(help="Who steps in, by key.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Somebody answers for a regime's clocks, and a deputy for them; both are reminded."""
    done = "Assigned: they are reminded of its clocks."
    ask(config, person, incident, "assign-duty", done, regime=regime, owner=owner, deputy=deputy)


@app.command()
def disclose(
    incident: Incident,
    audience: Annotated[str, typer.Argument(help="Who would be told, such as customers.", show_default=False)],
    tell: Annotated[bool, typer.Option("--tell/--do-not-tell", help="What was decided.", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Counsel decides whether to tell somebody nobody must be told."""
    body = {"audience": audience, "tell": tell, "because": because}
    ask(config, person, incident, "decide-disclosure", "Decision recorded.", **body)


@app.command()
def clocks(as_json: AsJson = False, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Every legal clock that runs, the one that ends first on top: what is missing and who answers for it."""
    from bot.cli._show_notices import queue
    from bot.cli._text import out, out_json
    from bot.clock import SystemClock

    api = door(config, person)
    found = api.get("/api/notices")
    if as_json:
        out_json(found)
        return
    with api.understood():
        lines = list(queue(found, SystemClock().now()))
    out(lines)


@app.command()
def notice(
    incident: Incident,
    template: Annotated[str, typer.Argument(help="Such as stakeholders/update.", show_default=False)],
    locale: Annotated[str, typer.Option(help="The language, such as de, where there are several.")] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Begin a notice from a template."""
    from bot.cli._show_notices import notice as words
    from bot.cli._text import out

    api = door(config, person)
    after = post(api, incident, "notice", template=template, locale=locale or None)
    with api.understood():
        lines = ["Notice begun; as of now it would say:", *words(after["id"], after["notices"][-1])]
    out(lines)


@app.command("ask-approval")
def ask_approval(incident: Incident, name: Notice, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Freeze a notice's words as they are now and ask for approval of exactly those."""
    done = "Frozen: counsel is asked to approve exactly these words."
    ask(config, person, incident, "ask-approval", done, notice=name)


@app.command("approve-notice")
def approve_notice(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The notice, such as N1.", metavar="NOTICE")] = "",
    yes: Agreed = "",
    capacity: Annotated[
        str, typer.Option("--in", help="The capacity you sign in, such as legal; else the first you may.")
    ] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Read a notice's frozen words and approve exactly those."""
    from bot.cli._show_notices import READ_IT
    from bot.cli._show_notices import notice as words
    from bot.cli._text import out

    api = door(config, person)
    found = one(api, look(api, incident).get("notices"), "notice", name, READ_IT)
    with api.understood():
        lines, read = list(words(incident, found)), str(found["digest"])
    out(lines)
    standing = str(found["standing"])
    may_approve(config, person, found["id"], "" if standing == READ_IT else standing)
    agreed("Approve exactly these words?", yes=yes, read=read)
    after = post(api, incident, "approve-notice", notice=found["id"], digest=read, capacity=capacity or None)
    with api.understood():
        left = one(api, after["notices"], "notice", str(found["id"]))["wanting"]
        done = f"Signed; still to be signed: {', '.join(left)}." if left else "Approved: a person may now file it."
    said(api, after, done)


@app.command()
def changes(
    incident: Incident, name: Notice, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Counsel wants other words."""
    ask(config, person, incident, "changes", "Changes requested.", notice=name, because=because)


@app.command()
def file(
    incident: Incident,
    name: Notice,
    where: Annotated[str, typer.Argument(help="Where it was sent.", show_default=False)],
    reference: Annotated[str, typer.Option(help="The reference received.", show_default=False)] = "",
    when: Annotated[
        str, typer.Option(help="When it was sent, by the organisation's clocks or with an offset; else just now.")
    ] = "",
    proof: Annotated[str, typer.Option(help="What proves it, and where that is kept.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """A person sent the approved words; say where."""
    more = {"when": when.replace(" ", "T", 1) or None, "proof": proof}
    ask(config, person, incident, "file", "Filing recorded.", notice=name, where=where, reference=reference, **more)


@app.command("drop-notice")
def drop_notice(
    incident: Incident, name: Notice, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Give a notice up, with the reason."""
    done = "Given up: what was written stays in the record."
    ask(config, person, incident, "drop-notice", done, notice=name, because=because)
