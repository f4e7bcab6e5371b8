"""A real OpenID provider on a loopback port: it signs, keeps codes, insists on PKCE, and can be told to send wrong things.

What it answers is made by the provider's own app; a twist re-signs its token with the provider's own key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import httpx
import oidc_provider_mock
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from werkzeug.serving import make_server

from bot.clients.oidc import Provider
from bot.domain.policy import Role
from bot.web.house import SignIn
from tests.web.fakes import HOME, Place

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the provider's own condition for speaking http


@dataclass(frozen=True)
class Registered:
    """How we are known there."""

    issuer: str
    client_id: str = "tocsin"
    client_secret: SecretStr = field(default_factory=lambda: SecretStr("zzz-client-secret"))
    scopes: tuple[str, ...] = ("profile", "email")
    groups_claim: str = "groups"
    ca: str = ""


@dataclass
class Running:
    """The provider as it runs: its people, and what it does wrong."""

    port: int = 0
    people: dict[str, dict[str, object]] = field(default_factory=dict)
    twist: dict[str, object] = field(default_factory=dict)
    """Claims it tells otherwise than is so; None leaves one out."""
    said: dict[str, object] = field(default_factory=dict)
    """The same for what it says of itself."""
    alien_key: bool = False
    """It signs with a key that is not among those it shows."""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    """What it was asked for at its authorization endpoint."""
    exchanged: list[Mapping[str, str]] = field(default_factory=list)
    authenticated: int | None = None
    """When people proved to it who they are; None leaves that out."""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048))
    challenges: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def sign_in(self, home: Place, **more: Any) -> SignIn:
        """What the console is handed."""
        groups: Mapping[Role, frozenset[str]] = more.pop("groups", {})
        known = Registered(self.issuer, groups_claim="groups" if groups else "")
        return SignIn(provider=Provider(known, clock=home.clock), title="Example Login", groups=groups, **more)

    async def answer(self, url: str, sub: str, **form: str) -> str:
        """Log in there as somebody, as a browser would; the address it sends the browser back to."""
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(url)).status_code == 200
            sent = await browser.post(url, data={"sub": sub, **form})
        assert sent.status_code in {302, 303}, sent.text
        return sent.headers["location"]

    def restart(self) -> None:
        """Nothing of what it knew is there any more: other keys, no codes."""
        self.key = RSAKey.generate_key(2048)

    def app(self) -> flask.Flask:
        """The provider's own app with two hooks: what it insists on, and what it tells otherwise."""
        made = oidc_provider_mock.app()
        made.before_request(self._insist)
        made.after_request(self._twisted)
        return made

    def _insist(self) -> Any:
        """People are known before they log in, and a code is for whoever knows its verifier (RFC 7636)."""
        request = flask.request
        if request.path == "/oauth2/authorize":
            if request.method == "GET":
                self.asked.append(request.args.to_dict())
            for sub, claims in self.people.items():
                flask.g.oidc_provider_mock_storage.store_user(oidc_provider_mock.User(sub=sub, claims=claims))
        if request.path == "/oauth2/token":
            form = request.form.to_dict()
            self.exchanged.append({**form, "authorization": request.headers.get("authorization", "")})
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if self.challenges.get(form.get("code", "")) != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
                return flask.jsonify({"error": "invalid_grant"}), 400
        return None

    def _twisted(self, answer: Any) -> Any:
        request = flask.request
        if request.path == "/oauth2/authorize" and (to := answer.headers.get("location")):
            if "state=" not in to:  # it leaves that out of a refusal, which RFC 6749 section 4.1.2.1 does not
                answer.headers["location"] = f"{to}&state={request.args.get('state', '')}"
            code = parse_qs(urlsplit(to).query).get("code", [""])[0]
            self.challenges[code] = request.args.get("code_challenge", "")
        if request.path == "/jwks":
            shown = {**self.key.as_dict(private=False), "kid": self.key.thumbprint()}
            answer.set_data(json.dumps({"keys": [shown]}))
        if request.path == "/.well-known/openid-configuration":
            answer.set_data(json.dumps(_changed(answer.get_json(), self.said)))
        if request.path == "/oauth2/token" and answer.status_code == 200:
            told = answer.get_json()
            answer.set_data(json.dumps({**told, "id_token": self._signed(told["id_token"])}))
        return answer

    def _signed(self, token: str) -> str:
        """The provider's own claims, with what it tells otherwise, under its key of today."""
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        claims.pop("auth_time", None)
        if self.authenticated is not None:
            claims["auth_time"] = self.authenticated
        key = RSAKey.generate_key(2048) if self.alien_key else self.key
        header = {"alg": "RS256", "kid": self.key.thumbprint()}
        return jwt.encode(header, _changed(claims, self.twist), key)


def _changed(told: Mapping[str, object], otherwise: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**told, **otherwise}.items() if value is not None}


@contextmanager
def running(made: Running) -> Iterator[Running]:
    """The provider, answering on a port of loopback (the one it had, where it is started again)."""
    server = make_server("localhost", made.port, made.app(), threaded=True)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def out_and_back(
    home: Place, provider: Running, client: httpx.AsyncClient, sub: str, then: str = "/"
) -> httpx.Response:
    """Press the button of the login page, log in with the provider, and come back."""
    left = await client.get("/login/provider", params={"next": then})
    assert left.status_code == 303, left.text
    to = await provider.answer(left.headers["location"], sub)
    assert to.startswith(f"{HOME}/login/provider/back?")
    return await client.get(to)
