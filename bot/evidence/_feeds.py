"""Reads what a model service tells of itself: recent predictions, every version's lineage, training rows per slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.clients.http import Http, field, segment
from bot.domain.errors import Unavailable
from bot.evidence._versions import Part, Version


@dataclass(frozen=True, slots=True)
class Prediction:
    """One prediction as the model made it; `label` is the outcome, where it is known."""

    at: datetime
    version: str
    label: float | None
    features: Mapping[str, Any]
    told: Mapping[str, Any]


async def predictions(http: Http, part: Part, limit: int) -> list[Prediction]:
    """The newest predictions of a slice, oldest first. Raises Unavailable.

    `GET /predictions?limit=&<dimension>=<value>`, answered by `{"predictions": [...]}` or a bare list.
    """
    params = {"limit": str(limit)}
    if part.dimension and len(part.values) == 1:
        params[part.dimension] = part.values[0]
    answer = await http.get("/predictions", params)
    rows = answer if isinstance(answer, list) else field(answer, "predictions", list, http.what)
    found = [_prediction(row, http.what) for row in rows]
    if not part.dimension:
        return found
    # a service that does not know our filter sends everything: it must not pass for the slice
    if found and not any(part.dimension in each.told for each in found):
        raise Unavailable(http.what, f"tells no {part.dimension} with its predictions, so the slice cannot be found")
    return [each for each in found if str(each.told.get(part.dimension)) in part.values]


async def versions(http: Http) -> list[Version]:
    """Every version's lineage: `GET /lineage` → `{"versions": [...]}` or by name. Raises Unavailable."""
    told = field(await http.get("/lineage"), "versions", (list, dict), http.what)
    records = list(told.values()) if isinstance(told, dict) else told
    names = list(told) if isinstance(told, dict) else [None] * len(told)
    found = [_version(record, name, http.what) for record, name in zip(records, names, strict=True)]
    if not found:
        raise Unavailable(http.what, "tells the lineage of no version")
    return found


async def reference(http: Http, version: str, part: Part) -> dict[str, list[Any]]:
    """Training rows of the slice as columns: `GET /reference/{version}?<dimension>=<value>`. Raises Unavailable.

    Answered by `{"features": [...], "rows": {value: [[...]]}}`, or rows as one list.
    """
    params = {part.dimension: part.values[0]} if part.dimension and len(part.values) == 1 else {}
    told = await http.get(f"/reference/{segment(version)}", params)
    names = [str(name) for name in field(told, "features", list, http.what)]
    by_value = field(told, "rows", (list, dict), http.what)
    if isinstance(by_value, dict):
        by_value = [row for value, rows in by_value.items() if not part.values or value in part.values for row in rows]
    if any(not isinstance(row, list) or len(row) != len(names) for row in by_value):
        raise Unavailable(http.what, f"sends training rows of {version} that do not have {len(names)} features")
    return {name: [row[place] for row in by_value] for place, name in enumerate(names)}


def columns(rows: Sequence[Prediction]) -> dict[str, list[Any]]:
    """The predictions' features side by side; None where one lacks a feature."""
    names = dict.fromkeys(name for row in rows for name in row.features)
    return {name: [row.features.get(name) for row in rows] for name in names}


def moment(text: Any, what: str) -> datetime:
    """An ISO 8601 time, UTC where it names no zone. Raises Unavailable."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unavailable(what, f"tells a time that is none: {str(text)[:40]!r}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _prediction(row: Any, what: str) -> Prediction:
    features = field(row, "features", dict, what)
    label = row.get("label")
    if label is not None and not isinstance(label, int | float):
        raise Unavailable(what, "tells an outcome that is no number")
    told = {str(name): value for name, value in row.items() if name != "features"}
    return Prediction(moment(row.get("at"), what), str(row.get("version", "")), label, features, told)


def _version(record: Any, name: str | None, what: str) -> Version:
    named = name or str(field(record, "version", (str, int), what))
    if not isinstance(record, dict):
        raise Unavailable(what, f"tells the lineage of {named} as something that is no object")
    training = record.get("training_set") if isinstance(record.get("training_set"), dict) else {}
    params = record.get("params") if isinstance(record.get("params"), dict) else {}
    rates = (training or {}).get("label_rate")
    rows = (training or {}).get("rows")
    return Version(
        name=named,
        training_digest=str((training or {}).get("digest") or record.get("training_digest") or ""),
        training_rows=rows if isinstance(rows, int) else 0,
        code_revision=str(record.get("code_revision") or ""),
        params={str(key): str(value) for key, value in (params or {}).items()},
        features=tuple(map(str, record.get("features") or ())),
        label_rates=numbers(rates),
        is_model=record.get("kind", "model") != "rule",
    )


def numbers(told: Any) -> dict[str, float]:
    """The entries of a table that are numbers."""
    if not isinstance(told, dict):
        return {}
    return {str(k): float(v) for k, v in told.items() if isinstance(v, int | float) and not isinstance(v, bool)}
