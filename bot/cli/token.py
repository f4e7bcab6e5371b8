"""`tocsin token`: a token of one's own, for whoever can read the state folder; approving takes one, or a login."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli._common import TOCSIN_YAML, Config


def token(
    person: Annotated[str, typer.Argument(help="Whose it is: a key of people.yaml.", show_default=False)],
    save: Annotated[
        bool, typer.Option("--save", help="Keep it in the state folder, where `tocsin incident --as` finds it.")
    ] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make none; end every one this person has.")] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it is for: read, respond, approve or admin; left out, all but admin.", show_default=False
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=365, help="How long it lasts; left out, 30.", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="How it is known again on the person's page.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
) -> None:
    """Print a token that acts as one person, for 30 days unless you say otherwise; it is shown this once."""
    import os

    from bot.cli._api import Api, place, save_token, saved
    from bot.cli._text import clean, out

    if save and revoke:
        raise typer.BadParameter("--save keeps a new token, --revoke ends the old ones: say one of them")
    where = place(Path(config), os.environ)
    api = Api(where)
    if revoke:
        answer = api.post("/api/tokens/revoke", {"person": person})
        with api.understood():
            ended = int(answer["ended"])
        saved(where, person).unlink(missing_ok=True)
        out([f"{ended} {'token' if ended == 1 else 'tokens'} of {clean(person)} ended."])
        return
    wanted: dict[str, object] = {"scopes": scope, "days": days, "name": name}
    answer = api.post("/api/tokens", {"person": person, **{key: value for key, value in wanted.items() if value}})
    with api.understood():
        made, whose = str(answer["token"]), str(answer["person"])
        if whose != person or not made.isascii() or not made.isprintable():
            raise ValueError("a token")
    out([f"saved in {save_token(saved(where, person), made)}" if save else made])
