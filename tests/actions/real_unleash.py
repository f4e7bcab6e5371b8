"""Unleash itself, beside a test: npm's server on a database of its own, on loopback, telling nobody outside."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.parts import binary, free_port, missing, running
from tests.postgres import Postgres

SERVER = Path(__file__).parents[2] / ".ci" / "unleash" / "node_modules" / "unleash-server" / "dist" / "server.js"
ADMIN = "*:*.admin-of-the-tests"
CLIENT = "default:production.client-of-the-tests"
VIEWER = "default:development.client-of-the-tests"


@dataclass(frozen=True, slots=True)
class Unleash:
    """Where it answers, and the tokens it was started with."""

    url: str
    database: str
    admin: str = ADMIN
    client: str = CLIENT


@contextlib.contextmanager
def unleash(postgres: Postgres, folder: Path) -> Iterator[Unleash]:
    """A server ready to be asked; it and its database are gone afterwards."""
    node = binary("node")
    if not SERVER.exists():
        missing("unleash-server")
    with postgres.database() as database:
        port = free_port()
        env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "DATABASE_URL": database,
            "DATABASE_SSL": "false",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            "INIT_ADMIN_API_TOKENS": ADMIN,
            "INIT_BACKEND_API_TOKENS": f"{CLIENT},{VIEWER}",
            "CHECK_VERSION": "false",  # else it asks the network whether there is a newer one
            "SEND_TELEMETRY": "false",
            "LOG_LEVEL": "warn",
        }
        base = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{base}/health", trust_env=False).status_code == 200
            return False

        with running([node, str(SERVER)], ready, within=90, env=env, cwd=folder):
            yield Unleash(base, database)
