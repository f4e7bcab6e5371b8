"""Alert episodes as rows: how they are written, and how a group of them is joined with what is known and committed.

On SQLite a statement that goes through rows one by one gives the interpreter's lock away at each of them, and under
load gets it back milliseconds later. Here each question and each write of a group is one step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.alert import Alert, join
from bot.domain.errors import Refused
from bot.engine.intake_ports import Arrived, micros, moment
from bot.store.columns import storable

ROW = ("source", "fingerprint", "starts", "ends", "severity", "service", "words")
Row = tuple[str, str, int, int | None, int, str, str]
Key = tuple[str, str, int]
HEARD = "heard/"
"""How the mark of a sender begins; it says when that was last heard."""

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_SEVERITY = 1 << 59  # more microseconds than there are until the year 20,000

_KNOWN = {
    "sqlite": """
        SELECT json_group_array(json_array(a.source, a.fingerprint, a.starts, a.ends, a.severity, a.service, a.words))
        FROM json_each(?) AS k CROSS JOIN alerts AS a
        ON a.source = k.value ->> 0 AND a.fingerprint = k.value ->> 1 AND a.starts = k.value ->> 2""",
    "postgresql": """
        SELECT a.source, a.fingerprint, a.starts, a.ends, a.severity, a.service, a.words
        FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS k(source, fingerprint, starts)
        JOIN alerts AS a USING (source, fingerprint, starts)""",
}
_KEPT = """
    ON CONFLICT (source, fingerprint, starts) DO UPDATE SET ends = excluded.ends, severity = excluded.severity,
    service = excluded.service, words = excluded.words, seq = excluded.seq, at = excluded.at, place = excluded.place"""
_COLUMNS = "source, fingerprint, starts, ends, severity, service, words, seq, at, place"
_KEEP = {
    "sqlite": f"""INSERT INTO alerts ({_COLUMNS})
        SELECT {", ".join(f"value ->> {at}" for at in range(10))} FROM json_each(?) WHERE true {_KEPT}""",  # noqa: S608 - our own words
    "postgresql": f"""INSERT INTO alerts ({_COLUMNS})
        SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::text[], %s::text[],
        %s::bigint[], %s::bigint[], %s::bigint[]) {_KEPT}""",  # noqa: S608
}

_OLDER = """
    UPDATE alerts SET place = NULL FROM {told} WHERE alerts.source = k.source AND alerts.fingerprint = k.fingerprint
    AND alerts.place IS NOT NULL AND EXISTS (SELECT 1 FROM alerts AS newer WHERE newer.source = alerts.source
    AND newer.fingerprint = alerts.fingerprint AND newer.starts > alerts.starts)"""
_OVERTAKE = {
    "sqlite": _OLDER.format(
        told="(SELECT DISTINCT value ->> 0 AS source, value ->> 1 AS fingerprint FROM json_each(?)) AS k"
    ),
    "postgresql": _OLDER.format(
        told="(SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS told(source, fingerprint)) AS k"
    ),
}


def row_of(alert: Alert) -> Row:
    """An episode as it is kept."""
    return (
        _safe(alert.source),
        _safe(alert.fingerprint),
        micros(alert.starts),
        micros(alert.ends) if alert.ends is not None else None,
        int(alert.severity),
        _safe(alert.service),
        _encode([alert.title, alert.text, alert.url, dict(alert.labels)]),
    )


def _safe(text: str) -> str:
    return text if text.isascii() and "\x00" not in text else storable(text)


def alert_of(row: Sequence[Any]) -> Alert:
    """The episode a row keeps."""
    source, fingerprint, starts, ends, severity, service, words = row
    title, text, url, labels = json.loads(words)
    over = moment(ends) if ends is not None else None
    return Alert(source, fingerprint, moment(starts), over, title, service, severity, text, url, labels)


def shown(row: Sequence[Any]) -> Arrived:
    """A row of `ROW`, seq and at."""
    return Arrived(row[7], alert_of(row[:7]), moment(row[8]))


def place_of(cursor: str) -> tuple[int, str, str]:
    """Where in the list a cursor of `intake_ports.cursor` stands. Raises Refused for anything else."""
    try:
        severity, starts, key = cursor.split(".", 2)
        source, fingerprint = key.split("/", 1)
        place = int(severity) * _SEVERITY - int(starts)
    except ValueError:
        raise Refused("that is no place in the list of alerts; begin with the first page") from None
    if abs(place) >= 1 << 63:
        raise Refused("that is no place in the list of alerts; begin with the first page")
    return place, _safe(source), _safe(fingerprint)


async def keep_heard(connection: AsyncConnection, heard: Mapping[str, int]) -> None:
    """Write down when these were heard; in one order, so that no two replicas wait for each other."""
    rows = [{"name": HEARD + name, "at": at} for name, at in sorted(heard.items())]
    await connection.execute(_HEARD, rows)


_HEARD = text(
    "INSERT INTO alert_marks (name, seq) VALUES (:name, :at)"
    " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE alert_marks.seq < excluded.seq"
)


async def commit(connection: AsyncConnection, offers: Sequence[Sequence[Row]], at: int) -> list[int]:
    """Join what is offered with what is known and keep what that changed; how many episodes each offer changed.

    Whoever gives seqs holds their row until the commit, so that they become visible in their order.
    """
    return await connection.run_sync(lambda plain: _commit(plain, offers, at))


def _commit(connection: Connection, offers: Sequence[Sequence[Row]], at: int) -> list[int]:
    lite = connection.dialect.name == "sqlite"
    if not lite:  # before anything is read: what others committed meanwhile must be seen
        connection.exec_driver_sql("SELECT seq FROM alert_marks WHERE name = 'given' FOR UPDATE")
    keys = list({row[:3]: None for rows in offers for row in rows})
    known = _known_lite(connection, keys) if lite else _known_server(connection, keys)
    before = set(known)
    changed: dict[Key, None] = {}
    counts = [_taken(rows, known, changed) for rows in offers]
    if changed:
        mark = "?" if lite else "%s"
        given = f"UPDATE alert_marks SET seq = seq + {mark} WHERE name = 'given' RETURNING seq"  # noqa: S608
        last = int(connection.exec_driver_sql(given, (len(changed),)).scalar_one())
        rows = [(*known[key], seq, at, _place(known[key])) for seq, key in enumerate(changed, last - len(changed) + 1)]
        if lite:
            connection.exec_driver_sql(_KEEP["sqlite"], (_encode(rows),))
        else:
            connection.exec_driver_sql(_KEEP["postgresql"], tuple(map(list, zip(*rows, strict=True))))
        _overtake(connection, [key for key in changed if key not in before or known[key][3] is None], lite=lite)
    return counts


def _overtake(connection: Connection, keys: list[Key], *, lite: bool) -> None:
    """Take from the list what is no longer its alert's latest episode: so the list need look at no other rows.

    `keys` are the episodes that are new or fire; one known before that ended changes nobody's place but its own.
    """
    if lite:
        connection.exec_driver_sql(_OVERTAKE["sqlite"], (_encode(keys),))
    elif keys:
        sources, fingerprints, _ = map(list, zip(*keys, strict=True))
        connection.exec_driver_sql(_OVERTAKE["postgresql"], (sources, fingerprints))


def _place(row: Row) -> int | None:
    return row[4] * _SEVERITY - row[2] if row[3] is None else None


def _taken(rows: Sequence[Row], known: dict[Key, Row], changed: dict[Key, None]) -> int:
    """Join one offer with what is known; how many episodes that changed. What changed last comes last."""
    touched: set[Key] = set()
    for row in rows:
        key = row[:3]
        before = known.get(key)
        if before == row:
            continue
        after = row if before is None else row_of(join(alert_of(before), alert_of(row)))
        if after != before:
            known[key] = after
            changed.pop(key, None)
            changed[key] = None
            touched.add(key)
    return len(touched)


def _known_lite(connection: Connection, keys: list[Key]) -> dict[Key, Row]:
    told = connection.exec_driver_sql(_KNOWN["sqlite"], (_encode(keys),)).scalar_one()
    return {(row[0], row[1], row[2]): cast("Row", tuple(row)) for row in json.loads(told)}


def _known_server(connection: Connection, keys: list[Key]) -> dict[Key, Row]:
    columns = tuple(map(list, zip(*keys, strict=True)))
    rows = connection.exec_driver_sql(_KNOWN["postgresql"], columns).fetchall()
    return {(row[0], row[1], row[2]): cast("Row", tuple(row)) for row in rows}
