"""The Slack app: its manifest, made from what the code asks for, and a practice workspace to try it in."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli._common import AsJson

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The Slack app: its manifest, made from what the code asks for, and a practice workspace to try it in."""


@app.command()
def manifest(
    request_url: Annotated[
        str,
        typer.Option(
            "--request-url", help="For mode http: https://<your address>/slack/events.", show_default="mode socket"
        ),
    ] = "",
    name: Annotated[str, typer.Option("--name", help="What the app is called in your workspace.")] = "Tocsin",
    as_json: AsJson = False,
) -> None:
    """Print the app's manifest, ready to paste: from it Slack makes the app, or brings yours up to date."""
    from urllib.parse import urlsplit

    from bot.slack.manifest import PATH, as_yaml, build
    from bot.slack.manifest import as_json as in_json

    parts = urlsplit(request_url)
    if request_url and (parts.scheme != "https" or not parts.hostname or parts.path.rstrip("/") != PATH):
        raise typer.BadParameter(f"{request_url!r}: Slack posts to https://<your address>{PATH}")
    if not 1 <= len(name) <= 35:  # noqa: PLR2004 - Slack's own limit
        raise typer.BadParameter("--name: an app's name has 1 to 35 characters")
    made = build(request_url=request_url, name=name)
    print(in_json(made) if as_json else as_yaml(made), end="")


@app.command()
def practice(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1; 0 takes a free one.")] = 8181,
    state: Annotated[str, typer.Option("--state", help="Folder that keeps messages over a restart.")] = "",
) -> None:
    """A Slack-compatible workspace on this machine, with a page; it says what to write into tocsin.yaml."""
    from bot.localslack.__main__ import main

    main(["--port", str(port), *(["--state", state] if state else [])])
