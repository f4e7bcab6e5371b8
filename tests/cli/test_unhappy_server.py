"""A server that is away, refuses, falls silent or answers junk costs one clear sentence, never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli._api import place
from bot.cli._main import run
from bot.domain.errors import Refused, Unavailable
from tests.cli.live import Answer, Scripted, free_port, says

STANDING = {"id": "INC-1", "severity": "SEV2", "phase": "acknowledged", "title": "Recall is low"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Scripted]:
    with Scripted(tmp_path, [Answer()]).listening() as listening:
        yield listening


def sentence(capsys) -> str:
    """What was said on standard error: one line, and nothing on standard output."""
    told = capsys.readouterr()
    assert told.out == ""
    (only,) = told.err.splitlines()
    assert only.startswith("tocsin: ")
    return only.removeprefix("tocsin: ")


def test_nobody_answers(tmp_path, capsys):
    """The commonest case: `tocsin run` is not up."""
    (tmp_path / "api-token").write_text("a-token")
    (tmp_path / "tocsin.yaml").write_text(f"web: {{port: {free_port()}}}\nstate: .\n")
    assert run(["incident", "ack", "INC-1", "--as", "ana", "-c", str(tmp_path / "tocsin.yaml")]) == 1
    assert "nobody answers there; is `tocsin run` up" in sentence(capsys)


def test_a_lost_answer_is_asked_for_again_under_the_same_key(server, capsys):
    """So that the second try has no second effect; every command has a key of its own."""
    server.answers = [Answer(cut=True), says(200, **STANDING)]
    assert server.tocsin("incident", "ack", "INC-1") == 0
    assert server.tocsin("incident", "ack", "INC-1") == 0
    keys = [headers["idempotency-key"] for _method, _path, headers, _body in server.asked]
    assert keys[0] == keys[1] != keys[2]
    assert capsys.readouterr().out.count("Acknowledged") == 2


def test_an_answer_lost_for_good_is_not_called_a_failure(server, capsys):
    """It may have been recorded: the person is told to look."""
    server.answers = [Answer(cut=True)]
    assert server.tocsin("incident", "ack", "INC-1") == 1
    assert "whether it was recorded is not known, look before repeating it" in sentence(capsys)
    assert len(server.asked) == 3
    assert server.tocsin("incident", "list") == 1
    assert "not known" not in sentence(capsys)


def test_busy_after_a_lost_answer_is_in_doubt_too(server, capsys):
    """That nothing was recorded is true of the last try alone."""
    server.answers = [Answer(cut=True), Answer(503, b'{"because": "try again"}', {"retry-after": "0"})]
    assert server.tocsin("incident", "ack", "INC-1") == 1
    assert "an earlier try may have been recorded" in sentence(capsys)


def test_a_busy_server_is_asked_again(server, capsys):
    """503 says that nothing was recorded; after three of them the person hears why."""
    busy = Answer(503, b'{"because": "the database: no answer within 1.5 s"}', {"retry-after": "0"})
    server.answers = [busy, says(200, **STANDING)]
    assert server.tocsin("incident", "ack", "INC-1") == 0
    capsys.readouterr()
    server.answers, server.asked = [busy], []
    assert server.tocsin("incident", "ack", "INC-1") == 1
    assert "the database: no answer within 1.5 s" in sentence(capsys)
    assert len(server.asked) == 3


def test_a_refusal_is_the_servers_own_sentence(server, capsys):
    """Refusals, missing things and unreadable fields are not tried twice."""
    for status in (401, 403, 404, 409, 422):
        server.answers, server.asked = [says(status, because="the proposer never approves")], []
        assert server.tocsin("incident", "ack", "INC-1") == 1
        assert sentence(capsys) == "the proposer never approves"
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, b"<html>hello</html>"), "not JSON"),
        (Answer(200, b""), "not JSON"),
        (Answer(200, b"[" * 100_000), "not JSON"),
        (Answer(200, b"[]"), "words this version does not know"),
        (Answer(200, b'{"id": "INC-1"}'), "words this version does not know"),
        (Answer(404, b"not here"), "knows no such address"),
        (Answer(500, b"{}"), "answered 500"),
        (Answer(200, b"not gzip", {"content-encoding": "gzip"}), "lost on the way"),
        (Answer(302, b"", {"location": "https://elsewhere.example/"}), "sends us elsewhere"),
    ],
)
def test_junk_is_told_as_junk(server, capsys, answer, words):
    """Whatever listens there instead of Tocsin, or another version of it."""
    server.answers = [answer]
    assert server.tocsin("incident", "ack", "INC-1") == 1
    assert words in sentence(capsys)


@pytest.mark.parametrize("body", [b"7", b'{"a": 1}', b'[{"id": "INC-1"}]', b"[7]", b"[null]", b'"x"'])
def test_a_list_of_another_shape_is_a_sentence(server, capsys, body):
    """Every reading of an answer is guarded, not the first one only."""
    server.answers = [Answer(200, body)]
    assert server.tocsin("incident", "list") == 1
    assert "is it the same version?" in sentence(capsys)


def test_another_incident_than_asked_for_is_not_shown(server, capsys):
    """Approving what belongs to another incident would be the worst of mistakes."""
    server.answers = [says(200, **{**STANDING, "id": "INC-2"})]
    for words in (["show", "INC-1"], ["approve", "INC-1"], ["step", "INC-1"]):
        assert server.tocsin("incident", *words) == 1
        assert "not 'INC-1'" in sentence(capsys)


def test_what_came_from_outside_cannot_play_with_the_terminal(server, capsys):
    """An alert's title may hold escape sequences and direction marks; they stand there as question marks."""
    server.answers = [says(200, **{**STANDING, "title": "\x1b]0;owned\x07 safe\u202e\r\nnot"})]
    assert server.tocsin("incident", "ack", "INC-1") == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(out)
    assert len(out.splitlines()) == 2
    server.answers = [says(409, because="no\x1b[2J")]
    server.tocsin("incident", "ack", "INC-1")
    assert "\x1b" not in capsys.readouterr().err


def test_what_is_sent(server):
    """The token of the state folder, who asks, and the words; a name is one piece of the path."""
    server.answers = [says(200, **STANDING)]
    server.tocsin("incident", "finding", "INC/../1", "it is\nthe labels")
    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/api/incidents/INC%2F..%2F1/finding")
    assert headers["authorization"] == "Bearer a-token"
    assert headers["x-tocsin-person"] == "ana"
    assert json.loads(body) == {"text": "it is\nthe labels"}


def test_the_token_shows_in_no_sentence(server, capsys):
    """Whatever goes wrong."""
    for answer in (Answer(cut=True), Answer(500), Answer(401, b"{}"), Answer(200, b"x")):
        server.answers = [answer]
        server.tocsin("incident", "ack", "INC-1")
        assert "a-token" not in capsys.readouterr().err


def test_a_file_that_is_no_token(server, capsys):
    """An empty one, a binary one, none at all."""
    token = server.folder / "api-token"
    for content in (b"", b"a b\nc", b"\xff\xfe", "tökn".encode()):
        token.write_bytes(content)
        assert server.tocsin("incident", "list") == 1
        assert "token" in sentence(capsys)
    token.unlink()
    assert server.tocsin("incident", "list") == 1
    assert "`tocsin run` makes it at its first start" in sentence(capsys)
    assert server.asked == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (None, "No such file or directory; name it with --config"),
        ("a: [", "is not YAML"),
        ("- 7", "holds no configuration"),
        ("web: {host: {env: NOBODY_SET_THIS}}", "the environment has no NOBODY_SET_THIS"),
        ("web: {host: 'not a host', port: wrong}", "no address"),
    ],
)
def test_a_configuration_that_cannot_be_read(tmp_path, capsys, page, words):
    """The commands read three keys of it, and say which file is wrong."""
    path = tmp_path / "tocsin.yaml"
    (tmp_path / ".tocsin").mkdir()
    (tmp_path / ".tocsin" / "api-token").write_text("a-token")
    if page is not None:
        path.write_text(page)
    assert run(["incident", "list", "--as", "ana", "-c", str(path)]) == 1
    assert words in sentence(capsys)


def test_where_the_server_is(tmp_path):
    """The address it listens on at this machine; the environment comes first and then no file is needed."""
    path = tmp_path / "tocsin.yaml"
    path.write_text("web: {host: 0.0.0.0, port: 9000, url: 'https://tocsin.example'}\nstate: var\n")
    assert place(path, {}).url == "http://127.0.0.1:9000"
    assert place(path, {}).token_file == tmp_path / "var" / "api-token"
    path.write_text("web: {host: '::1'}\n")
    assert place(path, {}).url == "http://[::1]:8080"
    both = {"TOCSIN_URL": "https://tocsin.example/", "TOCSIN_TOKEN_FILE": "/run/token"}
    assert place(tmp_path / "none.yaml", both).url == "https://tocsin.example"
    assert place(tmp_path / "none.yaml", both).token_file == Path("/run/token")
    with pytest.raises(Unavailable):
        place(tmp_path / "none.yaml", {"TOCSIN_URL": "https://tocsin.example"})


@pytest.mark.parametrize("url", ["http://tocsin.example", "tocsin.example:8080", "ftp://127.0.0.1", "https://a:b@c"])
def test_an_address_that_would_show_the_token_is_refused(tmp_path, url):
    """Plain http leaves this machine in the clear."""
    with pytest.raises(Refused, match="TOCSIN_URL"):
        place(tmp_path / "tocsin.yaml", {"TOCSIN_URL": url})


def test_the_environment_is_enough_and_a_proxy_is_not_asked(server):
    """A true child process with an address, a token file, a person, and a proxy that would swallow the request."""
    server.answers = [Answer(200, b"[]")]
    port = (server.folder / "tocsin.yaml").read_text().split("port: ")[1].split("}")[0]
    environ = {
        **os.environ,
        "TOCSIN_URL": f"http://127.0.0.1:{port}",
        "TOCSIN_TOKEN_FILE": str(server.folder / "api-token"),
        "TOCSIN_PERSON": "ana",
        "HTTP_PROXY": f"http://127.0.0.1:{free_port()}",
    }
    words = [sys.executable, "-m", "bot", "incident", "list", "--json", "-c", "/none"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
