"""Writing a notice from a terminal: lines of its form, counsel's own wording, remarks, and what is privileged."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli._ask import agreed, ask, door, look, one, post, said
from bot.cli._common import TOCSIN_YAML, Agreed, As, Because, Config, Incident

app = typer.Typer()

Notice = Annotated[str, typer.Argument(help="The notice, such as N1.", metavar="NOTICE", show_default=False)]


@app.command()
def form(incident: Incident, name: Notice, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """The lines of a notice's form, what is missing first, each with the key to fill it in by."""
    from bot.cli._show_notices import form as lines_of
    from bot.cli._text import out

    api = door(config, person)
    found = one(api, look(api, incident).get("notices"), "notice", name)
    with api.understood():
        lines = list(lines_of(incident, found))
    out(lines)


@app.command("enter-field")
def enter_field(
    incident: Incident,
    name: Notice,
    key: Annotated[str, typer.Argument(help="The line, as `tocsin incident form` names it.", metavar="KEY")],
    value: Annotated[str, typer.Argument(help="What stands there; left out, it is taken back.")] = "",
    unknown: Annotated[str, typer.Option(help="Why it is unknown.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Fill in one line, or say that it is unknown and why."""
    body = {"notice": name, "key": key, "value": value, "unknown_because": unknown}
    ask(config, person, incident, "enter-field", "Line recorded: the words follow it.", **body)


@app.command()
def reword(
    incident: Incident,
    name: Notice,
    text: Annotated[Path, typer.Argument(help="A file with the whole text; - for the standard input.")],
    yes: Agreed = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Counsel's own words in place of today's, after reading what they change; an empty file goes back to the facts."""
    import sys

    from bot.cli._show_notices import rewording
    from bot.cli._text import out
    from bot.domain.errors import Refused

    if str(text) == "-" and not yes:
        raise Refused("with the words on the standard input nobody can be asked; say --yes with the digest you read")
    try:
        words = sys.stdin.read() if str(text) == "-" else text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{text} cannot be read: {error}") from None
    api = door(config, person)
    found = one(api, look(api, incident).get("notices"), "notice", name)
    with api.understood():
        lines, read = list(rewording(found, words)), str(found["digest"])
        unfilled = str(found["unfilled"])
    if unfilled or not read:
        raise Refused(unfilled or f"{name} has no words yet")
    out(lines)
    agreed("Keep your words in place of these?", yes=yes, read=read)
    after = post(api, incident, "reword", notice=name, text=words, digest=read)
    with api.understood():
        clashes = one(api, after["notices"], "notice", name)["clashes"]
        left = f" The facts changed in {len(clashes)} of the places you worded." if clashes else ""
    said(api, after, f"Your words stand.{left}")


@app.command()
def comment(
    incident: Incident,
    name: Notice,
    text: Annotated[str, typer.Argument(help="The remark.", show_default=False)],
    quote: Annotated[str, typer.Option(help="The words it is about.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Remark on a notice."""
    ask(config, person, incident, "comment", "Comment recorded.", notice=name, text=text, quote=quote)


@app.command("settle-comment")
def settle_comment(
    incident: Incident,
    name: Notice,
    remark: Annotated[str, typer.Argument(help="The comment, such as C1.", metavar="COMMENT", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """A comment is dealt with."""
    ask(config, person, incident, "settle-comment", "Comment settled.", notice=name, comment=remark)


@app.command("claim-privilege")
def claim_privilege(
    incident: Incident,
    name: Notice,
    basis: Annotated[str, typer.Option(help="On what basis.", show_default=False)],
    purpose: Annotated[str, typer.Option(help="For what purpose.", show_default=False)],
    matter: Annotated[str, typer.Option(help="In which matter.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Put a notice on the privileged track: counsel alone reads it from then on."""
    body = {"notice": name, "basis": basis, "purpose": purpose, "matter": matter}
    ask(config, person, incident, "claim-privilege", "Privileged: counsel alone reads it now.", **body)


@app.command("waive-privilege")
def waive_privilege(
    incident: Incident, name: Notice, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Give privilege up on purpose, with the reason."""
    done = "Privilege waived: whoever reads the incident reads it."
    ask(config, person, incident, "waive-privilege", done, notice=name, because=because)
