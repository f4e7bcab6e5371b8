"""Whatever is asked, a named call stays the request it was written as: against a real server that tells what arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.actions import _template as template
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.service import Target
from tests.actions.fakes import make
from tests.serving import served

TARGET = Target("routes", "http")
HOSTILE = [
    *("..", ".", "../", "../../admin", "a/../b", "/../", "..\\..\\x", "a/./b", "%2e%2e", "%2E%2e%2fadmin", "..%2f.."),
    *("..;/x", "a?x=1", "?", "a#b", "#", "a&to=v9", "a;b", "a+b", "a b", " ", "a%0d%0aX-Evil: 1", "%", "%zz"),
    *("{", "}", "{}", "{key}", "{{key}}", "{before.to}", "{to}", "{0}", "{{ 7*7 }}", "${to}", "%(to)s"),
    *("a\r\nX-Evil: 1", "a\nb", "\x00", "a\tb", "a\u2028b", "\u202egnp", "\ufeffa", "\ud800", "", "a" * 201),
    *("//evil.example/", "http://evil.example/", "@evil.example", "evil.example:80", "[::1]", "a/b", "~1", "a~0/b"),
    *("é", "日本", "😀", "e\u0301", "'", '"', '","to":"v9', "\\", "*", "`x`", "$(x)", "<script>", "../" * 40),
]


class Arrived:
    """What a server of this machine was asked, word for word."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.to = "v2"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        arrived = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_PUT(self) -> None:
                self._answer()

            def _answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", "0")))
                arrived.asked.append((self.command, self.path, dict(self.headers.items()), content))
                name = unquote(urlsplit(self.path).path.rsplit("/", 2)[1])
                if self.command == "PUT":
                    arrived.to = json.loads(content)["to"]
                told = json.dumps({"routes": {name: {"to": arrived.to}}}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        return Handler


@pytest.fixture
def server() -> Iterator[tuple[Arrived, str]]:
    arrived = Arrived()
    with served(arrived.handler()) as port:
        yield arrived, f"http://127.0.0.1:{port}"


def call(url: str) -> Any:
    return make(
        "http",
        url=f"{url}/api",
        means="bypass",
        params={"name": {}, "to": {"choices": ["v1", "rules"]}},
        state={"path": "/routes/{name}/now", "query": {"of": "x-{name}"}, "read": {"to": "/routes/{name}/to"}},
        wanted={"to": "{to}"},
        change={
            "method": "PUT",
            "path": "/routes/{name}/now",
            "query": {"of": "x-{name}"},
            "body": {"to": "{to}", "name": "{name}", "note": "slice {name}", "by": {"{name}": True}},
        },
        blast_radius="the slice {name}",
    )


@pytest.mark.parametrize("value", HOSTILE, ids=[f"{n}" for n, _ in enumerate(HOSTILE)])
async def test_a_value_never_becomes_another_request(server: tuple[Arrived, str], value: str) -> None:
    """Refused before anything is asked, or sent as itself: same host, same path but for its segment, same fields."""
    arrived, url = server
    action = call(url)
    try:
        plan = await action.plan(TARGET, Means.BYPASS, {"name": value, "to": "rules"})
    except Refused:
        assert arrived.asked == []
        return
    finally:
        await action.close()
    await action.close()
    action = call(url)
    await action.execute(plan, "INC-7/M1/0a")
    await action.close()
    assert [method for method, *_ in arrived.asked] == ["GET", "GET", "PUT", "GET"]
    for method, place, headers, content in arrived.asked:
        parts = urlsplit(place)
        _, api, routes, segment, now = parts.path.split("/")
        assert (api, routes, unquote(segment), now) == ("api", "routes", value, "now")
        assert parse_qs(parts.query) == {"of": [f"x-{value}"]}
        assert headers["Host"] == url.removeprefix("http://")
        assert "X-Evil" not in headers
        if method == "PUT":
            assert json.loads(content) == {"to": "rules", "name": value, "note": f"slice {value}", "by": {value: True}}
            assert headers["Idempotency-Key"] == "INC-7/M1/0a"


def test_the_corpus_is_refused_and_sent_in_the_right_parts() -> None:
    """What climbs, breaks a line or cannot be seen is refused; a question mark, a brace or a letter is only text."""
    climbing = ["..", ".", "../", "../../admin", "a/../b", "..\\..\\x", "a/./b", "%2e%2e", "..%2f..", "..;/x"]
    for value in climbing:
        with pytest.raises(Refused, match="cannot stand in an address"):
            template.path("/routes/{name}", {"name": value})
    for value in ("a?x=1", "#", "{key}", "{{key}}", "//evil.example", "é", "a;b", "a/b", "..."):
        made = template.path("/routes/{name}/now", {"name": value})
        assert made.count("/") == 3
        assert unquote(made.split("/")[2]) == value


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=40), st.text(alphabet="./\\%2eEfF{}?#;~", min_size=1, max_size=12))
def test_any_text_stays_in_its_segment(free: str, sharp: str) -> None:
    """As a segment and as a part of one."""
    for value in (free, sharp, free + sharp):
        for where in ("/a/{x}/b", "/a/v-{x}/b", "/a/{x}:undo/b"):
            try:
                made = template.path(where, {"x": value})
            except (Refused, UnicodeEncodeError):
                continue
            first, a, segment, b = made.split("/")
            assert (first, a, b) == ("", "a", "b")
            assert unquote(segment) == where.split("/")[2].replace("{x}", value)
            assert unquote(unquote(segment)) not in {".", "..", ""}


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists, max_leaves=6), st.text()
)
def test_what_a_value_holds_is_never_read_as_a_template(value: Any, words: str) -> None:
    """Braces in a value stay braces, its type stays its type, and nothing beside it changes."""
    filled = template.fill({"a": "{x}", "b": ["{x}", "{y}", "of {y}", "{{x}}"], "c": 1}, {"x": value, "y": words})
    assert filled == {"a": value, "b": [value, words, f"of {words}", "{x}"], "c": 1}


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1), st.integers())
def test_a_pointer_leads_to_the_key_of_that_very_name(name: str, held: int) -> None:
    """Slashes and tildes in a name lead nowhere else."""
    where = template.pointer("/routes/{name}/to", {"name": name})
    assert template.at({"routes": {name: {"to": held}, "": {"to": "wrong"}}}, where, "it") == held
