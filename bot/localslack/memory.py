"""Keeps what was said and shown, so that the practice workspace survives being killed and started again."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Now = Callable[[], float]


class Memory:
    """Everything stored, written through to one SQLite file at each change (or nowhere, when no folder is given)."""

    def __init__(self, folder: Path | None, now: Now) -> None:
        self._now = now
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(str(folder / "slack.db") if folder else ":memory:", isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")  # enough for a killed process; a power cut may lose the last
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS item (kind TEXT, name TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, name))"
        )
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}
        for name, body in self.all("message"):
            channel, _, ts = name.partition("/")
            self.messages.setdefault(channel, {})[ts] = body
        for channel, kept in self.messages.items():
            self.messages[channel] = dict(sorted(kept.items()))
        self._last = max((int(ts.replace(".", "")) for kept in self.messages.values() for ts in kept), default=0)

    def all(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Name and body of everything of a kind."""
        rows = self._base.execute("SELECT name, body FROM item WHERE kind = ? ORDER BY name", (kind,)).fetchall()
        for name, body in rows:
            yield name, json.loads(body)

    def get(self, kind: str, name: str) -> Any:
        """One body, or None."""
        row = self._base.execute("SELECT body FROM item WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return json.loads(row[0]) if row else None

    def keep(self, kind: str, name: str, body: Any) -> None:
        """Store or replace."""
        self._base.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", (kind, name, json.dumps(body)))

    def drop(self, kind: str, name: str) -> None:
        """Forget."""
        self._base.execute("DELETE FROM item WHERE kind = ? AND name = ?", (kind, name))

    def stamp(self) -> str:
        """The next message timestamp: the time in microseconds, never the same twice, also after a restart."""
        self._last = max(int(self._now() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def put_message(self, channel: str, message: dict[str, Any]) -> None:
        """Store or replace a message under its ts."""
        self.messages.setdefault(channel, {})[message["ts"]] = message
        self.keep("message", f"{channel}/{message['ts']}", message)

    def drop_message(self, channel: str, ts: str) -> None:
        """Forget a message."""
        self.messages.get(channel, {}).pop(ts, None)
        self.drop("message", f"{channel}/{ts}")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
