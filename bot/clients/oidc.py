"""OpenID Connect as one protocol: what a provider says of itself, its keys, the way there, and whom it vouches for.

OpenID Connect Core 1.0 with the code flow, PKCE (RFC 7636) always, Discovery 1.0, RP-Initiated Logout 1.0, RFC 9207.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import SecretStr

from bot.clients.http import Http, decoded
from bot.clients.http import field as told
from bot.clock import Clock
from bot.domain.errors import Refused, TocsinError, Unavailable

LEEWAY = 60
"""Seconds by which the provider's clock and ours may differ."""
KEPT = timedelta(hours=1)
"""How long what a provider says of itself, and its keys, are taken for what they were."""
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Only what is signed with a key that is the provider's alone; never `none`, never our own secret."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SLACK = "https://slack.com"

_OK, _REDIRECT, _BAD, _FAULT, _UNAUTHORISED = 200, 300, 400, 500, 401


class Registered(Protocol):
    """How we are known to the provider."""

    @property
    def issuer(self) -> str: ...

    @property
    def client_id(self) -> str: ...

    @property
    def client_secret(self) -> SecretStr: ...

    @property
    def scopes(self) -> tuple[str, ...]: ...

    @property
    def groups_claim(self) -> str:
        """Where it tells their groups, "" where nobody asks."""
        ...

    @property
    def ca(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for: the subject is theirs for ever, the rest is how they are called today."""

    subject: str
    name: str = ""
    email: str = ""
    groups: frozenset[str] = frozenset()
    slack_team: str = ""
    slack_user: str = ""
    authenticated: datetime | None = None
    """When they last proved to the provider who they are, where it says so."""
    token: str = field(default="", repr=False)
    """Its own word, given back to it at the end."""


class Provider:
    """One provider. Whatever it answers is checked before it is believed."""

    token: SecretStr | None = None
    timeout_seconds = 5.0
    max_megabytes = 1

    def __init__(self, known: Registered, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.known, self.clock, self.ca = known, clock, known.ca
        self.issuer = known.issuer.rstrip("/")
        self.what = f"the provider of logins, {urlsplit(known.issuer).hostname},"
        self._transport = transport
        self._said: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    @property
    def proves(self) -> bool:
        """Whether it can be asked to let somebody prove anew who they are. Slack lets whoever is logged in pass."""
        return self.issuer != SLACK

    async def way_there(self, back: str, *, state: str, nonce: str, verifier: str, anew: bool = False) -> str:
        """The address to send a browser to; `anew` asks for a fresh proof in spite of a session. Raises Unavailable."""
        said = await self.said()
        asked = {
            "response_type": "code",
            "client_id": self.known.client_id,
            "redirect_uri": back,
            "scope": " ".join(dict.fromkeys(("openid", *self.known.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        if anew:
            asked |= {"prompt": "login", "max_age": "0"}
        return str(add_params_to_uri(said["authorization_endpoint"], asked.items()))

    async def way_out(self, token: str, back: str) -> str:
        """Where a browser ends its session with the provider too, "" where it has no such place. Raises Unavailable."""
        said = await self.said()
        end = said.get("end_session_endpoint")
        if not isinstance(end, str) or not end:
            return ""
        asked = {"client_id": self.known.client_id, "post_logout_redirect_uri": back}
        asked |= {"id_token_hint": token} if token else {}
        return str(add_params_to_uri(self._safe(end), asked.items()))

    async def vouched(self, code: str, back: str, *, nonce: str, verifier: str, issuer: str | None = None) -> Vouched:
        """Whom the provider vouches for with that code; `issuer` is what came back with it, where anything did.

        Raises Refused where anything about it is not as it must be, Unavailable.
        """
        said = await self.said()
        by_name = said.get("authorization_response_iss_parameter_supported") is True
        if (issuer is None and by_name) or (issuer is not None and issuer != said["issuer"]):
            raise Refused("another provider than the one that was asked sent this answer; nobody was logged in")
        given = await self._exchange(said, code, back, verifier)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise Refused(f"{self.what} said not who that is (no id_token); is `openid` among its scopes?")
        claims = await self._claims(said, token, nonce, str(given.get("access_token") or ""))
        claims = await self._with_groups(said, claims, given)
        return _vouched(claims, self.known.groups_claim, token)

    async def said(self) -> Mapping[str, Any]:
        """What the provider says of itself; what it said last stands while it is silent, for a day.

        Raises Unavailable.
        """
        now = self.clock.now()
        if self._said is not None and now - self._said[0] < KEPT:
            return self._said[1]
        try:
            fresh: Mapping[str, Any] = await self._get(f"{self.issuer}/.well-known/openid-configuration")
            issuer = told(fresh, "issuer", str, self.what)
            if issuer.rstrip("/") != self.issuer:
                raise Unavailable(self.what, f"calls itself {issuer[:200]}; write exactly that as web.oidc.issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                self._safe(told(fresh, name, str, self.what))
        except TocsinError:
            if self._said is not None and now - self._said[0] < 24 * KEPT:
                return self._said[1]
            raise
        self._said = now, fresh
        return fresh

    async def keys(self) -> int:
        """How many keys it shows today, what it says of itself being as it must. Raises Unavailable."""
        return len((await self._key_set(await self.said(), anew=True)).keys)

    def _safe(self, url: str) -> str:
        """Raises Unavailable for an address that would carry secrets in the clear."""
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return url
        raise Unavailable(self.what, "names an address that is not https")

    async def _claims(self, said: Mapping[str, Any], token: str, nonce: str, access_token: str) -> Mapping[str, Any]:
        """What the token says where signature, issuer, audience, time and nonce hold. Raises Refused, Unavailable."""
        named = said.get("id_token_signing_alg_values_supported")
        algorithms = [each for each in (named if isinstance(named, list) else ["RS256"]) if each in SIGNED]
        registry = JWSRegistry(algorithms=algorithms or ["RS256"], strict_check_header=False)
        try:
            try:
                found = jwt.decode(token, await self._key_set(said), registry=registry)
            except (InvalidKeyIdError, BadSignatureError):  # its keys rotated, or it was started anew with others
                found = jwt.decode(token, await self._key_set(said, anew=True), registry=registry)
            options: Any = {
                "iss": {"essential": True, "value": said["issuer"]},
                "aud": {"essential": True, "value": self.known.client_id},
            }
            params = {"nonce": nonce, "client_id": self.known.client_id, "access_token": access_token}
            claims = CodeIDToken(found.claims, found.header, options, params)
            claims.validate(now=int(self.clock.now().timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError) as wrong:
            raise Refused(f"{self.what} sent a token that does not hold: {_why(wrong)}; nobody was logged in") from None
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Refused(f"{self.what} sent a token without a subject; nobody was logged in")
        return dict(claims)

    async def _key_set(self, said: Mapping[str, Any], *, anew: bool = False) -> KeySet:
        now = self.clock.now()
        if not anew and self._keys is not None and now - self._keys[0] < KEPT:
            return self._keys[1]
        held = told(await self._get(said["jwks_uri"]), "keys", list, self.what)
        usable: Any = [each for each in held if isinstance(each, dict) and each.get("use") != "enc"]
        try:
            keys = KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError):
            raise Unavailable(self.what, "shows keys that cannot be read") from None
        self._keys = now, keys
        return keys

    async def _exchange(self, said: Mapping[str, Any], code: str, back: str, verifier: str) -> Mapping[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        name, secret = self.known.client_id, self.known.client_secret.get_secret_value()
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        ways = said.get("token_endpoint_auth_methods_supported")
        if isinstance(ways, list) and "client_secret_basic" not in ways:
            form |= {"client_id": name, "client_secret": secret}
        else:  # RFC 6749 section 2.3.1: both are encoded as in a form first
            pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = await self._ask("POST", said["token_endpoint"], urlencode(form).encode(), headers)
        if answer.status_code == _UNAUTHORISED:
            raise Unavailable(self.what, "did not accept our client id and secret")
        if _BAD <= answer.status_code < _FAULT:
            error = _error(answer)
            if error == "invalid_client":
                raise Unavailable(self.what, "did not accept our client id and secret")
            raise Refused(f"{self.what} takes that answer no more ({error}); log in once more")
        if not _OK <= answer.status_code < _REDIRECT:
            raise Unavailable(self.what, f"answered {answer.status_code}")
        given = decoded(answer, self.what)
        if not isinstance(given, dict):
            raise Unavailable(self.what, "answered without a token")
        return given

    async def _with_groups(
        self, said: Mapping[str, Any], claims: Mapping[str, Any], given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The claims with the groups, asked for where the token left them out. Raises Refused, Unavailable."""
        wanted, place, access = self.known.groups_claim, said.get("userinfo_endpoint"), given.get("access_token")
        if not wanted or wanted in claims or not isinstance(place, str) or not isinstance(access, str):
            return claims
        more = await self._get(self._safe(place), {"authorization": f"Bearer {access}"})
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:  # OpenID Connect Core, section 5.3.2
            raise Refused(f"{self.what} told of somebody else than who logged in; nobody was logged in")
        return {**more, **claims}

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        answer = await self._ask("GET", url, b"", {"accept": "application/json", **(headers or {})})
        if not _OK <= answer.status_code < _REDIRECT:
            raise Unavailable(self.what, f"answered {answer.status_code}")
        return decoded(answer, self.what)

    async def _ask(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        http = Http(self.what, self, transport=self._transport)
        try:
            return await http.ask(method, url, content=content, headers=headers)
        finally:
            await http.close()


def _vouched(claims: Mapping[str, Any], groups_claim: str, token: str) -> Vouched:
    at = claims.get("auth_time")
    whole = isinstance(at, int | float) and not isinstance(at, bool) and 0 < at < 1 << 40
    groups = claims.get(groups_claim) if groups_claim else None
    return Vouched(
        subject=claims["sub"],
        name=_line(claims.get("name") or claims.get("preferred_username")),
        email=_line(claims.get("email")),
        groups=frozenset(map(str, groups)) if isinstance(groups, list) else frozenset(_line(groups).split()),
        slack_team=_line(claims.get(f"{SLACK}/team_id")),
        slack_user=_line(claims.get(f"{SLACK}/user_id")),
        authenticated=datetime.fromtimestamp(at, UTC) if whole and at is not None else None,
        token=token,
    )


def _line(value: object) -> str:
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def _error(answer: httpx.Response) -> str:
    try:
        error = decoded(answer, "")["error"]
    except (TocsinError, KeyError, TypeError):
        return str(answer.status_code)
    return _line(error)[:60] or str(answer.status_code)


def _why(wrong: Exception) -> str:
    """What is wrong with a token, by the name of the claim or the error alone: never its content."""
    if isinstance(wrong, ExpiredTokenError):
        return "it has ended"
    claim = getattr(wrong, "claim", "")
    if claim:
        return f"its {claim} is not what it must be"
    return str(getattr(wrong, "error", "") or type(wrong).__name__).replace("_", " ")
