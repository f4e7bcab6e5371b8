"""Settings that lead each shelf's files to one port of this machine, every secret set to the canary."""

from __future__ import annotations

from typing import Any

from tests.parts import CANARY

SHELVES = ("sources", "actions", "evidence")
SECONDS = 0.4


def settings(shelf: str, name: str, port: int) -> dict[str, Any]:
    """Raises KeyError for a file nobody described here: then describe it."""
    url = f"http://127.0.0.1:{port}"
    web = {"url": url, "token": CANARY, "timeout_seconds": SECONDS}
    known: dict[tuple[str, str], dict[str, Any]] = {
        ("sources", "openmetrics"): {"urls": [f"{url}/metrics"], "token": CANARY, "timeout_seconds": SECONDS},
        ("sources", "prometheus"): web,
        ("sources", "predictions"): {"path": f"/nowhere/{port}/*.parquet", "timeout_seconds": SECONDS},
        ("actions", "router"): web,
        ("actions", "pipeline"): web,
        ("actions", "mlflow"): {**web, "model": "visits"},
        ("actions", "haproxy"): {
            "address": f"tcp:127.0.0.1:{port}",
            "backend": "visits",
            "map_file": "slices",
            "timeout_seconds": SECONDS,
        },
        ("evidence", "drift"): web,
        ("evidence", "lineage"): web,
        ("evidence", "deploys"): web,
        ("evidence", "mlflow"): {**web, "model": "visits"},
    }
    return known[shelf, name]
