"""Who is knocking: one-time login links, the token of whoever runs the machine, and forms that come from here."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Response

from bot.clock import Clock
from bot.domain.policy import Role
from bot.engine.access import Access
from bot.engine.ports import People
from bot.engine.values import Profile
from bot.web.house import SignIn
from bot.web.sessions import Visits, hashed

LINK_LASTS = timedelta(minutes=15)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def keep_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def lasting_secret(path: Path) -> str:
    """The secret kept in that file; made at first use."""
    try:
        held = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        held = ""
    if not held:
        held = secrets.token_urlsafe(32)
        keep_private(path, held + "\n")
    return held


def signing(folder: Path, given: str = "") -> str:
    """What addresses are signed with: the secret that was set, or else that of the state folder."""
    return given or lasting_secret(folder / "console-secret")


class LocalLogin:
    """Login links that work once, within 15 minutes, at whichever replica they are opened.

    Looking at a link does not use it up, because scanners of mail and chat open every link before people do.
    """

    def __init__(self, clock: Clock, access: Access, address: str) -> None:
        self.clock, self.kept, self.address = clock, access.sessions, address.rstrip("/")

    async def mint(self, person_key: str) -> str:
        """A link that logs this person in, once. Raises Unavailable."""
        token, now = secrets.token_urlsafe(32), self.clock.now()
        await self.kept.keep_link(hashed(token), person_key, now, now + LINK_LASTS)
        return f"{self.address}/login?token={token}"

    async def peek(self, token: str) -> str:
        """Whom the link would let in, "" where nobody; it stays as good as it was. Raises Unavailable."""
        return await self.kept.link(hashed(token), self.clock.now())

    async def redeem(self, token: str) -> str:
        """The key of the person the link was made for, the first time; "" ever after, and when it is too old.

        Raises Unavailable.
        """
        return await self.kept.use_link(hashed(token), self.clock.now())


class Doorkeeper:
    """Holds the keys: links, sessions, and the machine's own token, which whoever can read the state folder may use."""

    def __init__(
        self,
        clock: Clock,
        people: People,
        folder: Path,
        address: str,
        access: Access,
        sign_in: SignIn,
    ) -> None:
        self.people, self.folder, self.address = people, folder, address.rstrip("/")
        self.logins = LocalLogin(clock, access, address)
        self.visits = Visits(clock, access.sessions, idle=sign_in.idle, lasts=sign_in.lasts)
        self._token = lasting_secret(folder / "api-token")

    @property
    def secure(self) -> bool:
        """True where people reach the console by https only."""
        return self.address.startswith("https://")

    @property
    def cookie(self) -> str:
        """The session cookie's name; with https a browser binds that prefix to this host alone."""
        return "__Host-tocsin" if self.secure else "tocsin_session"

    @property
    def way_cookie(self) -> str:
        """The cookie that binds a way to the provider to the browser that took it."""
        return "__Host-tocsin-way" if self.secure else "tocsin_way"

    def give(self, answer: Response, value: str, *, name: str = "", lasts: timedelta | None = None) -> None:
        """Put a cookie into an answer; Lax, because the way back from a provider is a link of another site."""
        answer.set_cookie(
            name or self.cookie,
            value,
            max_age=int((lasts or self.visits.lasts).total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def take(self, answer: Response, *, name: str = "") -> None:
        """Take a cookie back."""
        answer.delete_cookie(name or self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")

    def is_token(self, authorization: str) -> bool:
        """True for `Bearer <the token of the state folder>`."""
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())

    async def named(self, key: str) -> Profile | None:
        """The person of that key, if the configuration still names them."""
        found = await self.people.by_key(key)
        return found if found and found.roles else None

    async def write_links(self) -> None:
        """Leave a one-time link per administrator in the state folder, for the first minutes after a start."""
        admins = [each for each in await self.people.everyone() if Role.ADMIN in each.roles]
        keep_private(self.folder / "console-login.txt", await _letter(self.logins, admins))
        (self.folder / "console-sessions.json").unlink(missing_ok=True)  # before the database kept them

    def same_origin(self, method: str, site: str, origin: str, host: str) -> bool:
        """Whether a session may be used for this request: a foreign page cannot ask for a change in its name.

        `site` is the browser's Sec-Fetch-Site; browsers without it send Origin with every unsafe request.
        """
        if method in SAFE:
            return True
        if site:
            return site in {"same-origin", "none"}
        parts = urlsplit(self.address)
        here = {f"{parts.scheme}://{parts.netloc}"}
        with suppress(ValueError):  # half an IPv6 address: not one of ours
            if urlsplit(f"//{host}").hostname in LOOPBACK:
                here.add(f"http://{host}")
        return origin in here


async def _letter(logins: LocalLogin, admins: Iterable[Profile]) -> str:
    links = [f"{each.name}: {await logins.mint(each.key)}" for each in admins]
    head = "Each link logs in once, within 15 minutes of the start; then `tocsin login NAME` makes another."
    return "\n".join([head, "", *(links or ["No administrator is named in people.yaml."])]) + "\n"
