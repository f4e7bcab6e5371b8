"""Unleash's APIs: a flag as its administrators see it in one environment, and as the SDKs are handed it.

Unleash has no compare-and-set. A strategy is replaced whole: constraints and variants left out of a PUT are emptied,
and any text is taken as a rollout. Another environment's client token shows another environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clients.http import Http, field, segment
from bot.domain.errors import Refused, Unavailable

WHAT = "Unleash"
_CHANGE_REQUEST = "SKIP_CHANGE_REQUEST"
_KEPT = ("name", "title", "disabled", "parameters", "constraints", "variants", "segments", "sortOrder")


class Unleash:
    """One project of one server: `admin` may change flags, `client` reads them as an SDK does, if there is a token."""

    def __init__(self, admin: Http, client: Http | None, project: str) -> None:
        self._admin, self._client = admin, client
        self._path = f"/api/admin/projects/{segment(project)}/features"

    async def close(self) -> None:
        await self._admin.close()
        if self._client is not None:
            await self._client.close()

    async def flag(self, name: str) -> dict[str, Any] | None:
        """A flag with its environments and their strategies, None where there is none. Raises Unavailable."""
        found = await self._admin.find(f"{self._path}/{segment(name)}")
        if found is None:
            return None
        field(found, "environments", list, WHAT)
        flag: dict[str, Any] = found
        return flag

    async def handed_out(self, name: str) -> dict[str, Any] | None:
        """The flag as the SDKs of the client token's environment are handed it. Raises Unavailable.

        None where it is not among them, or where there is no client token to ask with.
        """
        if self._client is None:
            return None
        listed = field(await self._client.get("/api/client/features"), "features", list, WHAT)
        return next((each for each in listed if isinstance(each, dict) and each.get("name") == name), None)

    async def switch(self, name: str, environment: str, *, on: bool) -> None:
        """Switch the flag on or off. Raises Refused, Unavailable."""
        path = f"{self._path}/{segment(name)}/environments/{segment(environment)}"
        await self._change("POST", f"{path}/{'on' if on else 'off'}", {}, environment)

    async def rewrite(self, name: str, environment: str, strategy: Mapping[str, Any]) -> None:
        """Replace one strategy with this one, known by its id. Raises Refused, Unavailable."""
        path = f"{self._path}/{segment(name)}/environments/{segment(environment)}"
        body = {kept: strategy[kept] for kept in _KEPT if kept in strategy}
        await self._change("PUT", f"{path}/strategies/{segment(str(strategy['id']))}", body, environment)

    async def _change(self, method: str, path: str, body: Mapping[str, Any], environment: str) -> None:
        try:
            await self._admin.send(method, path, body)
        except Refused as refused:
            if _CHANGE_REQUEST in refused.because or f"{WHAT} refused (409)" in refused.because:
                raise Refused(
                    f"{environment} takes changes through change requests only: open and approve one in Unleash, or "
                    f"let the token's user skip them there ({refused.because})"
                ) from None
            if f"{WHAT} refused (403)" in refused.because:
                raise Refused(f"the token may not change flags in {environment} ({refused.because})") from None
            raise


def environment_of(flag: Mapping[str, Any], environment: str) -> dict[str, Any] | None:
    """One environment of a flag, None where the flag is not in it. Raises Unavailable where it is junk."""
    found = next(
        (each for each in flag["environments"] if isinstance(each, dict) and each.get("name") == environment), None
    )
    if found is None:
        return None
    field(found, "enabled", bool, WHAT)
    for each in field(found, "strategies", list, WHAT):
        if not isinstance(each, dict) or not isinstance(each.get("id"), str) or not isinstance(each.get("name"), str):
            raise Unavailable(WHAT, "told a strategy without an id and a name")
    return found
