"""Changes to production from a terminal: propose, read and approve exactly that plan, decline, undo, settle a doubt."""

from typing import Annotated

import typer

from bot.cli._ask import agreed, ask, door, look, may_approve, one, post, said
from bot.cli._common import TOCSIN_YAML, As, Because, Config, Digest, Incident, Yes

app = typer.Typer()

Mitigation = Annotated[str, typer.Argument(help="The mitigation, such as M1.", metavar="MITIGATION")]


@app.command()
def propose(
    incident: Incident,
    offer: Annotated[str, typer.Argument(help="A prepared mitigation of the service.", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Put a prepared mitigation before a second person."""
    from bot.cli._show import plan
    from bot.cli._text import out

    api = door(config, person)
    after = post(api, incident, "propose", offer=offer, because=because)
    with api.understood():
        newest = after["mitigations"][-1]
        lines = [*plan(after["id"], newest), "A second person must read and approve it:"]
        lines.append(f"  tocsin incident approve {after['id']} {newest['id']} --as SOMEBODY")
    out(lines)


@app.command()
def approve(
    incident: Incident,
    mitigation: Mitigation = "",
    yes: Yes = False,
    digest: Digest = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Read a plan and approve exactly that; whoever proposed it never approves."""
    from bot.cli._show import plan
    from bot.cli._text import out

    api = door(config, person)
    known = look(api, incident)
    found = one(api, known.get("mitigations"), "mitigation", mitigation, "proposed")
    with api.understood():
        lines, read, state = list(plan(incident, found)), str(found["digest"]), str(found["state"])
    out(lines)
    may_approve(config, person, found["id"], "" if state == "proposed" else state)
    agreed("Approve exactly this?", yes=yes, read=read, digest=digest)
    after = post(api, incident, "approve", mitigation=found["id"], digest=read)
    said(api, after, "Approved: it is carried out as soon as the evidence is held.")


@app.command()
def decline(
    incident: Incident, mitigation: Mitigation, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Say no, or withdraw your own proposal."""
    ask(
        config, person, incident, "decline", "Declined: nothing is changed.", mitigation=mitigation, because=because
    )  # fmt: skip


@app.command()
def undo(
    incident: Incident,
    mitigation: Mitigation,
    because: Because = "",
    yes: Yes = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Put the target back as it was before."""
    from bot.cli._show import way_back
    from bot.cli._text import out
    from bot.domain.errors import Refused

    api = door(config, person)
    found = one(api, look(api, incident).get("mitigations"), "mitigation", mitigation)
    with api.understood():
        lines = list(way_back(incident, found))
    if not yes:
        out(lines)
        if not typer.confirm("Undo this?"):
            raise Refused("not undone; nothing was changed")
    said(api, post(api, incident, "undo", mitigation=mitigation, because=because), "Undo asked for.")


@app.command()
def settle(
    incident: Incident,
    mitigation: Mitigation,
    outcome: Annotated[str, typer.Argument(help="What the target shows: applied, failed or unknown.")],
    detail: Annotated[str, typer.Option(help="How you know.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Say what became of a change whose outcome nobody could prove."""
    ask(
        config, person, incident, "settle", "Outcome settled.", mitigation=mitigation, outcome=outcome, detail=detail
    )  # fmt: skip
