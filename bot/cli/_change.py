"""Changes to production from a terminal: look, propose, approve exactly what was read, decline, undo, settle."""

from typing import Annotated, Any

import typer

from bot.cli._ask import agreed, agreed_plan, ask, door, look, one, post, said
from bot.cli._common import TOCSIN_YAML, Agreed, As, AsJson, Because, Code, Config, Incident, Mitigation

app = typer.Typer()

Offer = Annotated[str, typer.Argument(help="A prepared mitigation of the service.", show_default=False)]


@app.command()
def preview(
    incident: Incident, offer: Offer, as_json: AsJson = False, config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Try a prepared mitigation without changing anything: what it would do now."""
    from bot.cli._api import segment
    from bot.cli._paint import Paint
    from bot.cli._plan import preview as words
    from bot.cli._text import clean, out, out_json

    api = door(config, person)
    found = api.get(f"/api/incidents/{segment(incident)}/preview?offer={segment(offer)}")
    if as_json:
        out_json(found)
        return
    with api.understood():
        ask_for_it = f"To ask for it: tocsin incident propose {incident} {clean(offer)}"
        refused = str(found["refused"])
        lines = [*words(incident, found, Paint.here()), "Nothing was changed."]
        lines.append(f"You cannot propose it now: {clean(refused)}." if refused else ask_for_it)
    out(lines)


@app.command()
def propose(
    incident: Incident, offer: Offer, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Put a prepared mitigation before a second person."""
    from bot.cli._paint import Paint
    from bot.cli._plan import plan
    from bot.cli._text import out

    api = door(config, person)
    after = post(api, incident, "propose", offer=offer, because=because)
    with api.understood():
        newest = after["mitigations"][-1]
        needs = int(newest["needs"])
        who = "A second person" if needs == 1 else f"{needs} people, none of them you,"
        lines = [*plan(after["id"], newest, Paint.here()), f"{who} must read and approve it:"]
        lines.append(f"  tocsin incident approve {after['id']} {newest['id']} --as SOMEBODY")
    out(lines)


@app.command()
def approve(
    incident: Incident,
    mitigation: Mitigation = "",
    yes: Agreed = "",
    code: Code = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Read a plan and approve exactly that; whoever proposed it never approves."""
    api = door(config, person)
    question = "Approve exactly this?"
    name, read, code = agreed_plan(api, config, person, incident, mitigation, question, yes=yes, code=code)
    after = post(api, incident, "approve", mitigation=name, digest=read, code=code)
    with api.understood():
        done = _approved(after, name)
    said(api, after, done)


def _approved(after: Any, name: str) -> str:
    """What the approval led to, in a sentence."""
    rows: list[dict[str, Any]] = after["mitigations"]
    found = next(row for row in rows if row["id"] == name)
    left = int(found["needs"]) - int(found["approved"])
    if found["state"] == "proposed" and left > 0:
        return f"Approved: {left} more must."
    if found["held_back"]:
        return "Approved: it waits until counsel's hold is released or overridden."
    return "Approved: it is carried out as soon as the evidence is held."


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
    yes: Agreed = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Put the target back as it was before."""
    from bot.cli._paint import Paint
    from bot.cli._plan import way_back
    from bot.cli._text import out

    api = door(config, person)
    found = one(api, look(api, incident).get("mitigations"), "mitigation", mitigation)
    with api.understood():
        lines, read = list(way_back(incident, found, Paint.here())), str(found["digest"])
    out(lines)
    agreed("Undo this?", yes=yes, read=read)
    said(api, post(api, incident, "undo", mitigation=mitigation, because=because), "Undo asked for.")


@app.command()
def settle(
    incident: Incident,
    mitigation: Mitigation,
    outcome: Annotated[
        str, typer.Argument(help="What the target shows: applied or failed; of an undo, taken-back or still-stands.")
    ],
    detail: Annotated[str, typer.Option(help="How you know.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Say what became of a change whose outcome nobody could prove."""
    ask(
        config, person, incident, "settle", "Outcome settled.", mitigation=mitigation, outcome=outcome, detail=detail
    )  # fmt: skip
