"""`python -m bot.localslack --port 8181 --state DIR`: the practice workspace as a process of its own."""

import argparse
import asyncio
import signal
import sys
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
        sys.stdout.write(f"practice workspace at {slack.url}/ (Web API at {slack.api_url})\n")
        sys.stdout.flush()
        await stop.wait()


def _manifest(path: Path) -> dict[str, Any]:
    """An app's manifest, YAML or JSON. Raises OSError, ValueError."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError:
        raise ValueError(f"{path} is neither YAML nor JSON") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no manifest")  # noqa: TRY004 - told as a sentence
    return found


def main() -> None:
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
        asyncio.run(serve(parser.parse_args()))
    except (OSError, ValueError) as error:
        sys.exit(f"cannot begin: {error}")


if __name__ == "__main__":
    main()
