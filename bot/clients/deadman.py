"""A dead man's switch on the web (Healthchecks, Dead Man's Snitch and their like): one request is one beat."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from bot.clients.http import Http
from bot.domain.errors import Unavailable

_OK, _REDIRECT = 200, 300
_LONGEST = 2000  # characters of what is said; receivers keep more


class Deadman:
    """Beats at one address. Its path is the secret, so no error names more than the host."""

    token: SecretStr | None = None
    ca: str = ""
    max_megabytes: int = 1

    def __init__(
        self,
        url: str,
        *,
        method: Literal["POST", "GET"] = "POST",
        within: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timeout_seconds = within
        self._url, self._method = url, method
        self._what = f"the heartbeat's receiver {urlsplit(url).hostname}"
        self._http = Http(self._what, self, transport=transport)

    async def beat(self, said: str) -> None:
        """Send one beat; a POST carries what is said as text. Raises Unavailable for anything but a 2xx."""
        body = said[:_LONGEST].encode() if self._method == "POST" else b""
        headers = {"content-type": "text/plain; charset=utf-8"} if body else {}
        answer = await self._http.ask(self._method, self._url, content=body, headers=headers)
        if not _OK <= answer.status_code < _REDIRECT:
            raise Unavailable(self._what, f"answered {answer.status_code}")

    async def close(self) -> None:
        await self._http.close()
