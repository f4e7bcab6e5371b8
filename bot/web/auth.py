"""Who is knocking: one-time login links, sessions that can be ended, and the token of whoever runs the machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer

from bot.clock import Clock
from bot.domain.policy import Role
from bot.engine.ports import People
from bot.engine.values import Profile

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
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
    """What addresses and cookies are signed with: the secret that was set, or else that of the state folder."""
    return given or lasting_secret(folder / "console-secret")


def hashed(secret: str) -> str:
    """What is kept of a secret: enough to know it again, not to use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


class LocalLogin:
    """Login links that work once, within 15 minutes. A restart forgets those not used.

    Looking at a link does not use it up, because scanners of mail and chat open every link before people do.
    """

    def __init__(self, clock: Clock, address: str) -> None:
        self.clock, self.address = clock, address.rstrip("/")
        self._minted: dict[str, tuple[str, datetime]] = {}

    def mint(self, person_key: str) -> str:
        """A link that logs this person in, once."""
        token, now = secrets.token_urlsafe(32), self.clock.now()
        self._minted = {name: held for name, held in self._minted.items() if held[1] > now}
        self._minted[hashed(token)] = (person_key, now + LINK_LASTS)
        return f"{self.address}/login?token={token}"

    def peek(self, token: str) -> str | None:
        """Whom the link would let in; it stays as good as it was."""
        held = self._minted.get(hashed(token))
        return held[0] if held and self.clock.now() < held[1] else None

    def redeem(self, token: str) -> str | None:
        """The key of the person the link was made for, the first time; None ever after, and when it is too old."""
        held = self._minted.pop(hashed(token), None)
        return held[0] if held and self.clock.now() < held[1] else None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in. Only the hash of the session's id is kept."""

    person: str
    ends: datetime


class Sessions:
    """Who is logged in, in a file that survives a restart; the cookie holds a signed random id and nothing else."""

    def __init__(self, clock: Clock, folder: Path, secret: str = "") -> None:
        self.clock, self.path = clock, folder / "console-sessions.json"
        self._signer = Signer(signing(folder, secret), salt="tocsin.session")
        self._held = self._read()

    def begin(self, person: str) -> str:
        """Log a person in (by opaque id); the cookie's value."""
        name = secrets.token_urlsafe(32)
        self._held[hashed(name)] = Session(person, self.clock.now() + SESSION_LASTS)
        self._save()
        return self._signer.sign(name).decode()

    def person(self, cookie: str) -> str | None:
        """Whose session that is, while it lasts."""
        name = self._name(cookie)
        held = self._held.get(name) if name else None
        return held.person if held and self.clock.now() < held.ends else None

    def end(self, cookie: str) -> None:
        """Log out everywhere: every session of that person ends."""
        person = self.person(cookie)
        if person is not None:
            self._held = {name: held for name, held in self._held.items() if held.person != person}
            self._save()

    def _name(self, cookie: str) -> str | None:
        try:
            return hashed(self._signer.unsign(cookie).decode())
        except BadSignature:
            return None

    def _save(self) -> None:
        now = self.clock.now()
        self._held = {name: held for name, held in self._held.items() if held.ends > now}
        rows = {name: [held.person, held.ends.isoformat()] for name, held in self._held.items()}
        keep_private(self.path, json.dumps(rows))

    def _read(self) -> dict[str, Session]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: Session(str(row[0]), datetime.fromisoformat(row[1])) for name, row in rows.items()}
        except (FileNotFoundError, ValueError, TypeError, KeyError, IndexError, AttributeError):
            return {}  # nobody is logged in then; a new link is one command away


class Doorkeeper:
    """Holds the keys: links, sessions, and the machine's own token, which whoever can read the state folder may use."""

    def __init__(self, clock: Clock, people: People, folder: Path, address: str, secret: str = "") -> None:
        self.people, self.folder, self.address = people, folder, address.rstrip("/")
        self.logins, self.sessions = LocalLogin(clock, address), Sessions(clock, folder, secret)
        self._token = lasting_secret(folder / "api-token")

    @property
    def secure(self) -> bool:
        """True where people reach the console by https only."""
        return self.address.startswith("https://")

    @property
    def cookie(self) -> str:
        """The session cookie's name; with https a browser binds that prefix to this host alone."""
        return "__Host-tocsin" if self.secure else "tocsin_session"

    def is_token(self, authorization: str) -> bool:
        """True for `Bearer <the token of the state folder>`."""
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())

    async def named(self, key: str) -> Profile | None:
        """The person of that key, if the configuration still names them."""
        found = await self.people.by_key(key)
        return found if found and found.roles else None

    async def of_cookie(self, cookie: str) -> Profile | None:
        """The person logged in under that cookie, with the roles they have now."""
        person = self.sessions.person(cookie) if cookie else None
        found = await self.people.by_id(person) if person else None
        return found if found and found.roles else None

    async def write_links(self) -> None:
        """Leave a one-time link per administrator in the state folder, for the first minutes after a start."""
        admins = [each for each in await self.people.everyone() if Role.ADMIN in each.roles]
        keep_private(self.folder / "console-login.txt", _letter(self.logins, admins))

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
        if urlsplit(f"//{host}").hostname in LOOPBACK:
            here.add(f"http://{host}")
        return origin in here


def _letter(logins: LocalLogin, admins: Iterable[Profile]) -> str:
    links = [f"{each.name}: {logins.mint(each.key)}" for each in admins]
    head = "Each link logs in once, within 15 minutes of the start; then `tocsin login NAME` makes another."
    return "\n".join([head, "", *(links or ["No administrator is named in people.yaml."])]) + "\n"
