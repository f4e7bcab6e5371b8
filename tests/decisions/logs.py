"""Prediction logs for tests: rows as people would write them, as Parquet, CSV, or a table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bot.decisions import DecisionLog
from bot.documents.csv import lines
from bot.domain.service import PredictionLog
from bot.engine.decisions import Asked, Numbers

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COLUMNS = ("at", "version", "person", "outcome", "decision", "sex", "state", "country")
TYPES = ("TIMESTAMPTZ", *["VARCHAR"] * 7)
TOLD = PredictionLog(
    "", "at", "version", "person", "outcome", ("reject",), decision="decision", groups=("sex",), state="state",
    country="country",
)  # fmt: skip

Rows = list[tuple[Any, ...]]


def decided(number: int, **changes: Any) -> tuple[Any, ...]:
    """The decision of that number, one a minute from noon on: women are rejected two times of three, men one of three."""
    woman = number % 2 == 0
    reject = (number // 2) % 3 < (2 if woman else 1)
    row = dict(
        zip(
            COLUMNS,
            (
                NOON + timedelta(minutes=number),
                "v2",
                f"person-{number:04}",
                "reject" if reject else "invite",
                f"D{number:04}",
                "f" if woman else "m",
                "CA" if number % 4 else "NY",
                "US",
            ),
            strict=True,
        )
    )
    return tuple({**row, **changes}.values())


def many(count: int = 120, **changes: Any) -> Rows:
    return [decided(number, **changes) for number in range(count)]


def write(path: Path, rows: Rows, types: tuple[str, ...] = TYPES, columns: tuple[str, ...] = COLUMNS) -> PredictionLog:
    """The rows as the file the path's name says; how the catalogue tells of it."""
    quoted = [name.replace('"', '""') for name in columns]
    named = ", ".join(f'"{name}" {kind}' for name, kind in zip(quoted, types, strict=True))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE log ({named})")
        if rows:
            connection.executemany(f"INSERT INTO log VALUES ({', '.join('?' * len(columns))})", rows)
        connection.execute(f"COPY log TO '{path}'" + (" (DELIMITER '\t')" if path.suffix == ".tsv" else ""))
    return replace(TOLD, place=str(path))


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(each.name for each in folder.iterdir())


@dataclass
class Sunk:
    """What a log gave: the list's bytes, and how many decisions they are."""

    rows: int = 0
    parts: list[bytes] = field(default_factory=list)

    def __call__(self, rows: int, content: bytes) -> None:
        self.rows += rows
        self.parts.append(content)

    @property
    def text(self) -> str:
        return b"".join(self.parts).decode("utf-8-sig")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(b"".join(self.parts)).hexdigest()


def asked(minutes: float = 120, *versions: str, since: datetime = NOON, **more: Any) -> Asked:
    return Asked(since, since + timedelta(minutes=minutes), versions or ("v2",), **more)


async def read(told: PredictionLog, what: Asked) -> tuple[Numbers, Sunk]:
    """Count and list."""
    sunk = Sunk()
    return await DecisionLog("hiring", told, lines).count(what, sunk), sunk
