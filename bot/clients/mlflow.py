"""MLflow's tracking server over REST: registered versions, their aliases, and the runs that made them.

MLflow REST API 2.0. A missing alias is a 400 (INVALID_PARAMETER_VALUE), a missing version a 404.
"""

from __future__ import annotations

from typing import Any

from bot.clients.http import Http, field
from bot.domain.errors import Refused, Unavailable

WHAT = "MLflow"
_API = "/api/2.0/mlflow"
_ABSENT = (400, 404)


class MLflow:
    """One tracking server."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def close(self) -> None:
        await self._http.close()

    async def alias(self, model: str, alias: str) -> dict[str, Any] | None:
        """The model version an alias stands on, None where there is no such alias or model. Raises Unavailable."""
        found = await self._http.find(
            f"{_API}/registered-models/alias", {"name": model, "alias": alias}, absent=_ABSENT
        )
        return None if found is None else _version(field(found, "model_version", dict, WHAT))

    async def version(self, model: str, version: str) -> dict[str, Any] | None:
        """One version of a model, None where there is none. Raises Unavailable."""
        found = await self._http.find(f"{_API}/model-versions/get", {"name": model, "version": version}, absent=_ABSENT)
        return None if found is None else _version(field(found, "model_version", dict, WHAT))

    async def older(self, model: str, than: str) -> dict[str, Any] | None:
        """The highest ready version below `than`, None where there is none. Raises Unavailable."""
        # the other quotes, because doubling one does not escape it (3.17); below `than`, because pages are short
        named = f'name="{model}"' if "'" in model else f"name='{model}'"
        params = {"order_by": "version_number DESC", "max_results": "200"}
        path, below = f"{_API}/model-versions/search", f"{named} AND version_number < {int(than)}"
        found = await self._http.find(path, {"filter": below, **params}, absent=(400,))
        if found is None:  # some registries cannot compare numbers
            found = await self._http.get(path, {"filter": named, **params})
        if not isinstance(found, dict):
            raise Unavailable(WHAT, "answered no list of versions")
        listed = [_version(each) for each in found.get("model_versions", [])]
        ready = [each for each in listed if each.get("status", "READY") == "READY" and int(each["version"]) < int(than)]
        return max(ready, key=lambda each: int(each["version"]), default=None)

    async def run(self, run_id: str) -> dict[str, Any]:
        """A run with its params, metrics, tags and dataset inputs. Raises Unavailable."""
        found = field(await self._http.get(f"{_API}/runs/get", {"run_id": run_id}), "run", dict, WHAT)
        run: dict[str, Any] = found
        return run

    async def move(self, model: str, alias: str, version: str) -> None:
        """Stand an alias on a version. Last write wins: MLflow has no compare-and-set. Raises Refused, Unavailable."""
        await self._http.send(
            "POST", f"{_API}/registered-models/alias", {"name": model, "alias": alias, "version": version}
        )

    async def mark(self, model: str, name: str, value: str) -> None:
        """Set a tag of a registered model. Raises Refused, Unavailable."""
        await self._http.send("POST", f"{_API}/registered-models/set-tag", {"name": model, "key": name, "value": value})

    async def marked(self, model: str, name: str) -> str:
        """A tag of a registered model, "" where it has none. Raises Unavailable."""
        found = await self._http.find(f"{_API}/registered-models/get", {"name": model}, absent=_ABSENT)
        if found is None:
            return ""
        tags = field(found, "registered_model", dict, WHAT).get("tags") or []
        if not isinstance(tags, list):
            raise Unavailable(WHAT, "answered tags that are no list")
        return next((str(tag.get("value", "")) for tag in tags if isinstance(tag, dict) and tag.get("key") == name), "")


def check_version(text: str) -> str:
    """A version number as MLflow counts them. Raises Refused."""
    if not text.isdigit() or text.startswith("0"):
        raise Refused(f"{text!r} is no version number of MLflow (1, 2, 3 ...)")
    return text


def _version(found: Any) -> dict[str, Any]:
    """A model version with a usable number, which MLflow sends as text (and some proxies as a number)."""
    told: dict[str, Any] = found if isinstance(found, dict) else {}
    number = str(field(told, "version", (str, int), WHAT))
    if not number.isdigit():
        raise Unavailable(WHAT, "answered a version that is no number")
    return {**told, "version": number}
