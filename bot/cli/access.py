"""`tocsin access`: the table of who may ask what of the console and its API, the one the tests hold it to."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli._common import AsJson


def access(
    word: Annotated[str, typer.Argument(help="Only what holds this word, such as /api/notices or counsel.")] = "",
    as_json: AsJson = False,
) -> None:
    """Who may ask what, in words."""
    from pathlib import Path

    import yaml

    from bot import web
    from bot.cli._text import out, out_json

    groups = yaml.safe_load(Path(web.__file__).with_name("access.yaml").read_text(encoding="utf-8"))
    wanted = [each for each in (_holding(group, word) for group in groups) if each["asks"]]
    if as_json:
        out_json(wanted)
        return
    lines: list[str] = []
    for group in wanted:
        lines += [group["about"], f"  for {_who(group)}", *(f"    {ask}" for ask in group["asks"]), ""]
    out(lines[:-1] or [f"nothing holds {word!r}"])


def _holding(group: dict[str, Any], word: str) -> dict[str, Any]:
    """The group with those of its asks that hold the word; all of them where its own words do."""
    asks = group["asks"]
    said = f"{group['about']} {_who(group)}"
    return {**group, "asks": [ask for ask in asks if word in said or word in ask]}


def _who(group: dict[str, Any]) -> str:
    """For whom, in a line."""
    who = group["who"]
    said = ", ".join(map(str, who)) if isinstance(who, list) else str(who)
    said = {"anybody": "anybody, without a login", "everybody": "everybody with a role"}.get(said, said)
    if group.get("incident"):
        said += "; of a restricted incident those it names, those on call for it, counsel and administrators"
    if group.get("nearby"):
        said += ", or on this machine without a token"
    return said + ("" if group.get("machine", True) else "; never by the machine's token")
