"""Speaks to the running server for a command: where it listens, with which token, and what its answers mean."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bot.cli._text import clean
from bot.domain.errors import OutcomeUnknown, Refused, Unavailable

if TYPE_CHECKING:
    import httpx

URL, TOKEN_FILE = "TOCSIN_URL", "TOCSIN_TOKEN_FILE"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
TRIES = 3
PATIENCE, TO_CONNECT = 15.0, 3.0  # seconds
LONGEST_WAIT = 5.0

_OK, _REDIRECT, _BAD, _NOT_FOUND, _FAULT, _BUSY = 200, 300, 400, 404, 500, 503


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens, and the file that holds the token: the machine's, one named, or a person's own."""

    url: str
    token_file: Path
    named: bool = False  # TOCSIN_TOKEN_FILE says which


def place(config: Path, environ: Mapping[str, str]) -> Place:
    """Read no more than web.host, web.port and state; TOCSIN_URL and TOCSIN_TOKEN_FILE come before them.

    Raises Unavailable (the file cannot be read), Refused (an address that would show the token to others).
    """
    url, token = environ.get(URL, "").rstrip("/"), environ.get(TOKEN_FILE, "")
    if url:
        _safe(url)
    if url and token:
        return Place(url, Path(token).expanduser(), named=True)
    page = _page(config, environ)
    return Place(
        url or _address(page.get("web")),
        Path(token).expanduser()
        if token
        else (config.parent / str(page.get("state") or ".tocsin")).expanduser().resolve() / "api-token",
        named=bool(token),
    )


def saved(where: Place, person: str) -> Path:
    """The file that `tocsin token PERSON --save` keeps. Raises Refused where that is no key."""
    if not KEY.fullmatch(person):
        raise Refused(f"{clean(person)!r} is nobody's key in people.yaml")
    return where.token_file.parent / "tokens" / person


def own(where: Place, person: str) -> Place:
    """The same place with the person's own token, where one was saved and the environment names no other."""
    if where.named or not KEY.fullmatch(person) or not (mine := saved(where, person)).is_file():
        return where
    return Place(where.url, mine)


def save_token(path: Path, token: str) -> Path:
    """Keep a token where only its owner reads it. Raises Unavailable."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(str(path), f"cannot be written: {error.strerror or error}") from None
    return path


def _safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused(f"{URL} is {url!r}, which is no address (expected https://… or http://127.0.0.1:8080)")
    if parts.username or parts.password:
        raise Refused(f"{URL} holds a name or password; the token file says all that is needed")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise Refused(f"{URL} would send the token in the clear (expected https://…, or http to this machine)")


def _page(config: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    import yaml

    from bot.config.secrets import Missing, Secrets, is_reference

    hint = f"name it with --config, or set {URL} and {TOKEN_FILE}"
    try:
        page = yaml.safe_load(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unavailable(str(config), f"cannot be read: {error.strerror or error}; {hint}") from None
    except (yaml.YAMLError, ValueError):
        raise Unavailable(str(config), f"is not YAML; see `tocsin check -c {config}`") from None
    if not isinstance(page, dict):
        raise Unavailable(str(config), f"holds no configuration; see `tocsin check -c {config}`")
    web = page.get("web")
    looked_up = Secrets(environ, config.parent)
    try:
        if isinstance(web, dict):
            page["web"] = {k: str(looked_up.look_up(v)) if is_reference(v) else v for k, v in web.items()}
        if is_reference(page.get("state")):
            page["state"] = str(looked_up.look_up(page["state"]))
    except Missing as missing:
        raise Unavailable(str(config), str(missing)) from None
    return page


def _address(web: object) -> str:
    """Where the server listens on this machine: a proxy in front of it is for people's browsers."""
    held = web if isinstance(web, dict) else {}
    host = str(held.get("host", "127.0.0.1"))
    host = ANYWHERE.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{held.get('port', 8080)}"


class Api:
    """One command's conversation with the server. Every failure is a sentence; a change asked for happens once."""

    def __init__(
        self,
        where: Place,
        person: str = "",
        *,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`person` is the key of who asks. Raises Unavailable where the token cannot be read."""
        self.url, self._pause, self._transport = where.url, pause, transport
        self._headers = {"Authorization": f"Bearer {_token(where.token_file)}", "Accept": "application/json"}
        if person:
            self._headers["X-Tocsin-Person"] = _header(person)

    def get(self, path: str) -> Any:
        """The JSON at that path. Raises Refused, Unavailable."""
        return self._json(self._ask("GET", path))

    def post(self, path: str, body: Mapping[str, object], *, patience: float = PATIENCE) -> Any:
        """Ask for a change, under a key of its own; a lost answer is asked for again under the same key.

        Raises Refused (nothing was changed), Unavailable, OutcomeUnknown (it may have been recorded).
        """
        return self._json(self._ask("POST", path, body, patience))

    def take(self, path: str, body: Mapping[str, object], *, patience: float) -> tuple[bytes, Mapping[str, str]]:
        """A file whose taking is recorded, and what the answer says of it. Raises like `post`."""
        answer = self._ask("POST", path, body, patience)
        return answer.content, answer.headers

    def file(self, path: str, patience: float = PATIENCE) -> bytes:
        """The bytes at that path, waited for as long as that. Raises Refused, Unavailable."""
        return self._ask("GET", path, patience=patience).content

    def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, patience: float = PATIENCE
    ) -> httpx.Response:
        import httpx

        headers = dict(self._headers)
        if body is not None:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        near = urlsplit(self.url).hostname in LOOPBACK
        try:
            client = httpx.Client(
                timeout=httpx.Timeout(patience, connect=TO_CONNECT),
                headers=headers,
                trust_env=not near,  # a proxy of the environment is no way to this machine
                transport=self._transport,
            )
            with client:
                return self._again_and_again(
                    lambda: client.request(method, f"{self.url}{path}", json=body), body is None, patience
                )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise Unavailable(self.url, "is no address that can be asked") from None

    def _again_and_again(self, ask: Callable[[], httpx.Response], harmless: bool, patience: float) -> httpx.Response:
        """Ask until there is an answer, a few times at most; every try carries the same key."""
        import httpx

        lost = ""
        for left in range(TRIES - 1, -1, -1):
            try:
                answer = ask()
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if lost:
                    break
                raise Unavailable(self.url, "nobody answers there; is `tocsin run` up, and on this address?") from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                if isinstance(error, httpx.UnsupportedProtocol):
                    raise
                lost = _lost(error, patience)
                self._pause(0.3 if left else 0)
                continue
            if answer.status_code != _BUSY or not left:
                return self._checked(answer, doubtful=bool(lost) and not harmless)
            self._pause(_asked_to_wait(answer))
        if harmless:
            raise Unavailable(self.url, lost)
        raise OutcomeUnknown(f"{self.url}: {lost}; whether it was recorded is not known, look before repeating it")

    def _checked(self, answer: httpx.Response, *, doubtful: bool) -> httpx.Response:
        """The answer where it is a good one, else the error it stands for."""
        status, because = answer.status_code, _because(answer)
        if _OK <= status < _REDIRECT:
            return answer
        if status == _BUSY and doubtful:
            said = because or "busy"
            raise OutcomeUnknown(f"{self.url}: {said}; an earlier try may have been recorded, look before repeating it")
        if _REDIRECT <= status < _BAD:
            raise Unavailable(self.url, "sends us elsewhere; the token goes nowhere but there, so nothing was asked")
        if because and status < _FAULT:
            raise Refused(because)
        if status == _NOT_FOUND:
            raise Unavailable(self.url, "knows no such address; is that Tocsin, of the same version?")
        raise Unavailable(self.url, because or f"answered {status} and no reason; is that Tocsin?")

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise Unavailable(self.url, "answered something that is not JSON; is that Tocsin?") from None

    @contextlib.contextmanager
    def understood(self) -> Iterator[None]:
        """Whatever an answer lacks inside is told as a sentence: another version, or another program, is there."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            because = (
                f"answered in words this version does not know ({clean(str(error))[:100]}); is it the same version?"
            )
            raise Unavailable(self.url, because) from None


def segment(name: str) -> str:
    """A name as one piece of a path; slashes stay inside it."""
    return quote(name, safe="")


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise Unavailable(str(path), "there is no token yet; `tocsin run` makes it at its first start") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise Unavailable(str(path), f"the token cannot be read: {reason}") from None
    if not token or not token.isascii() or not token.isprintable():
        raise Unavailable(str(path), "holds no token")
    return token


def _header(person: str) -> str:
    if not person.isascii() or not person.isprintable():
        raise Refused(f"{clean(person)!r} is nobody's key in people.yaml")
    return person


def _lost(error: Exception, patience: float) -> str:
    import httpx

    late = isinstance(error, httpx.TimeoutException)
    return f"no answer within {patience:g} s" if late else "the answer was lost on the way"


def _asked_to_wait(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 1.0


def _because(answer: httpx.Response) -> str:
    """The server's own sentence, "" where it gave none."""
    try:
        said = json.loads(answer.content)
    except (ValueError, RecursionError):
        return ""
    because = said.get("because") if isinstance(said, dict) else None
    return clean(because)[:1000] if isinstance(because, str) else ""
