"""`python -m bot.localslack --port 8181 --state DIR`: the practice workspace as a process of its own."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.localslack.server import LocalSlack


async def serve(arguments: argparse.Namespace) -> None:
    """Listen on the loopback until told to stop."""
    manifest = _manifest(arguments.manifest) if arguments.manifest else None
    server = LocalSlack(
        port=arguments.port, state=arguments.state, request_url=arguments.request_url,
        signing_secret=arguments.signing_secret, bot_token=arguments.bot_token, app_token=arguments.app_token,
    )  # fmt: skip
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    if manifest is not None:
        server.workspace.install(manifest)
    async with server as slack:
        sys.stdout.write(f"practice workspace at {slack.url}/ (Web API at {slack.api_url})\n{joining(slack)}")
        sys.stdout.flush()
        await stop.wait()


def joining(slack: LocalSlack) -> str:
    """What an installation of one's own writes into its files to be in this workspace; the tokens open nothing else."""
    workspace = slack.workspace
    people = ", ".join(f"{one.name} {one.id}" for one in workspace.people.values() if not one.is_bot)
    rooms = ", ".join(f"#{one.name}" for one in workspace.rooms.values() if not one.dm_with)
    return (
        f"Your own configuration on it: slack: {{mode: socket, api_url: {slack.api_url}, "
        f"team: {workspace.settings.team},\n"
        f"  bot_token: {{env: SLACK_BOT_TOKEN}}, app_token: {{env: SLACK_APP_TOKEN}}}}\n"
        f"  in the environment SLACK_BOT_TOKEN={slack.bot_token} SLACK_APP_TOKEN={slack.app_token}\n"
        f"  channels: {rooms}\n  people: {people}\n"
    )


def _manifest(path: Path) -> dict[str, Any]:
    """An app's manifest, YAML or JSON. Raises OSError, ValueError."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError:
        raise ValueError(f"{path} is neither YAML nor JSON") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no manifest")  # noqa: TRY004 - told as a sentence
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.localslack", description=__doc__)
    parser.add_argument("--port", type=int, default=8181, help="port on 127.0.0.1 (default 8181; 0 takes a free one)")
    parser.add_argument("--state", type=Path, default=None, help="folder that keeps messages over a restart")
    parser.add_argument("--manifest", type=Path, default=None, help="the app's manifest: its scopes, menus, commands")
    parser.add_argument("--request-url", default=None, help="send events by signed HTTP here instead of Socket Mode")
    parser.add_argument("--signing-secret", default="local-signing-secret", help="signs HTTP deliveries")
    parser.add_argument("--bot-token", default="xoxb-local", help="the token the app must present")
    parser.add_argument("--app-token", default="xapp-local", help="the token that opens sockets")
    try:
        asyncio.run(serve(parser.parse_args(argv)))
    except (OSError, ValueError) as error:
        sys.exit(f"cannot begin: {error}")


if __name__ == "__main__":
    main()
