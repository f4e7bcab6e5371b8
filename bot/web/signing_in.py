"""The way over the provider: out with a state that works once, back as whom it vouches for, and who that is here."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.clients.oidc import LEEWAY, SLACK, Provider, Vouched
from bot.clock import Clock
from bot.domain.errors import NotFound, Refused
from bot.domain.policy import Role
from bot.engine.access import Access, Account, Deed, Errand, Session
from bot.engine.ports import People
from bot.engine.values import Profile
from bot.web.house import SignIn
from bot.web.sessions import PROOF_LASTS, hashed

WAY_LASTS = timedelta(minutes=10)
BACK = "/login/provider/back"
"""Where the provider sends people back to; it must be registered there."""
LONGEST = 2000
"""Letters of an answer worth looking at."""


class StrangerError(Refused):
    """The provider vouches for somebody who is nobody here, or may do nothing here."""

    def __init__(self, because: str, vouched: Vouched) -> None:
        super().__init__(because)
        self.vouched = vouched


class SigningIn:
    """Logging in with the provider, and proving to it anew who one is."""

    def __init__(self, clock: Clock, people: People, access: Access, sign_in: SignIn, address: str) -> None:
        self.clock, self.people, self.access, self.sign_in = clock, people, access, sign_in
        self.back = f"{address.rstrip('/')}{BACK}"

    @property
    def provider(self) -> Provider:
        """Raises NotFound where there is none."""
        if self.sign_in.provider is None:
            raise NotFound("provider of logins", "web.oidc")
        return self.sign_in.provider

    @property
    def proves(self) -> bool:
        """Whether there is a provider that lets people prove anew who they are."""
        return self.sign_in.provider is not None and self.sign_in.provider.proves

    async def leave(self, then: str, session: Session | None = None) -> tuple[str, str]:
        """(the provider's address, the state): to log in, or for a session that is to be proved anew.

        Raises NotFound, Refused, Unavailable.
        """
        if session is not None and not self.proves:
            raise Refused(f"{self.sign_in.title or 'nobody'} cannot be asked for a fresh proof; use a personal token")
        state, nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        url = await self.provider.way_there(
            self.back, state=state, nonce=nonce, verifier=verifier, anew=session is not None
        )
        now = self.clock.now()
        errand = Errand(
            nonce, verifier, then if len(then) <= LONGEST else "/", now, session.digest if session is not None else ""
        )
        await self.access.sessions.send(hashed(state), errand, now + WAY_LASTS)
        return url, state

    async def arrive(self, asked: Mapping[str, str], cookie: str) -> tuple[Errand, Vouched]:
        """What somebody went to the provider for, and whom it vouches for. Each state is good once, in one browser.

        Raises NotFound, Refused, Unavailable.
        """
        provider, state = self.provider, asked.get("state", "")
        if not state or len(state) > LONGEST or not hmac.compare_digest(state.encode(), cookie.encode()):
            raise Refused("that answer was not asked for in this browser, or it was used already; log in once more")
        errand = await self.access.sessions.back(hashed(state), self.clock.now())
        if errand is None:
            raise Refused("that answer came too late, or was used already; log in once more")
        if error := asked.get("error", ""):
            said = "you said no there" if error == "access_denied" else f"it answered {_word(error)}"
            raise Refused(f"{self.sign_in.title} did not let you in: {said}")
        code = asked.get("code", "")
        if not code or len(code) > LONGEST:
            raise Refused(f"{self.sign_in.title} answered nothing that can be used; log in once more")
        vouched = await provider.vouched(
            code, self.back, nonce=errand.nonce, verifier=errand.verifier, issuer=asked.get("iss")
        )
        return errand, vouched

    async def somebody(self, vouched: Vouched) -> Profile:
        """Who that is here, with the roles of their groups where those give them.

        Raises StrangerError, told in words for an administrator; Unavailable.
        """
        issuer, now = self.provider.issuer, self.clock.now()
        known = await self.access.accounts.account(issuer, vouched.subject)
        found = await self._whose(vouched, known)
        shown = f"{vouched.name} <{vouched.email}>" if vouched.name and vouched.email else vouched.name or vouched.email
        account = Account(issuer, vouched.subject, shown or vouched.subject, now, found.id if found else "")
        if found is None:
            await self.access.accounts.met(account)
            because = f"{self.sign_in.title} knows you as {account.shown}, and that is nobody here"
            raise StrangerError(because, vouched)
        if self.sign_in.groups:
            account = replace(account, roles=self.granted(vouched.groups))
        await self.access.accounts.met(account)
        now_is = await self.people.as_of_now(found.id)
        if now_is is None or not now_is.roles:
            raise StrangerError(f"none of your groups at {self.sign_in.title} has a role here", vouched)
        if known is None or known.person != found.id:
            await self._write("bound to the provider's account", found, f"subject {vouched.subject} of {issuer}")
        if account.roles is not None and account.roles != found.roles:
            before, after = ", ".join(sorted(found.roles)) or "none", ", ".join(sorted(now_is.roles))
            await self._write("roles changed by their groups", found, f"from {before} to {after}")
        return now_is

    async def proved(self, errand: Errand, vouched: Vouched, session: Session) -> None:
        """That the very person of a session proved just now who they are. Raises Refused, Unavailable."""
        if errand.session != session.digest:
            raise Refused("that proof was asked for in another session; ask for it here")
        if session.subject and (session.issuer, session.subject) != (self.provider.issuer, vouched.subject):
            raise Refused("somebody else proved who they are than is logged in here; nothing came of it")
        found = await self._whose(vouched, await self.access.accounts.account(self.provider.issuer, vouched.subject))
        if found is None or found.id != session.person:
            raise Refused("somebody else proved who they are than is logged in here; nothing came of it")
        at, leeway = vouched.authenticated, timedelta(seconds=LEEWAY)
        if at is None:
            raise Refused(f"{self.sign_in.title} does not say when you proved who you are; use a personal token")
        if not errand.begun - leeway <= at <= self.clock.now() + leeway or self.clock.now() - at > PROOF_LASTS:
            raise Refused(f"{self.sign_in.title} let you pass without asking anew; use a personal token")

    def granted(self, groups: frozenset[str]) -> frozenset[Role]:
        """The roles of whoever is in these groups of the provider."""
        return frozenset(role for role, names in self.sign_in.groups.items() if names & groups)

    async def _whose(self, vouched: Vouched, known: Account | None) -> Profile | None:
        """By people.yaml's subject, by Slack's account, or as an administrator linked it; never by a mail address."""
        if key := self.sign_in.subjects.get(vouched.subject):
            return await self.people.by_key(key)
        if self.provider.issuer == SLACK:
            found = await self.people.by_slack(vouched.slack_team, vouched.slack_user)
            if found is not None and found.slack_team and found.slack_team == vouched.slack_team:
                return found
        found = await self.people.by_id(known.person) if known is not None and known.person else None
        if found is None or await self.people.by_key(found.key) is None:
            return None
        return None if found.key in self.sign_in.subjects.values() else found  # the file names another subject

    async def _write(self, what: str, about: Profile, detail: str) -> None:
        await self.access.accounts.write(Deed(self.clock.now(), about.id, what, about.id, detail))


def _word(error: str) -> str:
    """An error's code as it may be shown: letters of a code, no sentence of anybody's."""
    return "".join(each for each in error[:60] if each.isascii() and (each.isalnum() or each in "_-.")) or "nothing"
