"""The image: small in rights, sure of what it installs, able to say that it is well."""

from __future__ import annotations

import fnmatch
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.packaging.dockerfile import Stage, read
from tests.packaging.wheelhouse import ROOT
from tests.parts import free_port

STATE = "/var/lib/tocsin"


@pytest.fixture
def stages() -> list[Stage]:
    return read(ROOT / "Dockerfile")


@pytest.fixture
def image(stages: list[Stage]) -> Stage:
    """The stage that is shipped."""
    return stages[-1]


def test_the_builder_stays_behind(stages: list[Stage], image: Stage):
    """Two stages on one pinned slim base; what is shipped takes the finished environment and nothing else."""
    assert [stage.base for stage in stages] == ["python:3.11-slim-bookworm"] * 2
    (taken,) = image.all("COPY")
    assert taken.flags == {"from": stages[0].name}
    assert taken.arguments == ["/opt/tocsin", "/opt/tocsin"]


def test_nothing_is_installed_without_its_hash(stages: list[Stage]):
    """Every install is either by hash from a lock, or of the wheel just built, and never brings dependencies along."""
    commands = [
        command for stage in stages for step in stage.all("RUN") for command in re.split(r"&&|;|\|\|", step.rest)
    ]
    installs = [command for command in commands if re.search(r"\bpip\b.*\b(install|wheel|download)\b", command)]
    assert len(installs) == 4
    for command in installs:
        assert "--no-deps" in command
        assert "--require-hashes" in command or "--no-index" in command, command
    assert any("-r requirements.lock" in command for command in installs)
    assert not [command for command in commands if re.search(r"\b(apt|apt-get|curl|wget|git|npm)\b", command)]


def test_nothing_is_fetched_by_address(stages: list[Stage]):
    """No ADD, and no address in an instruction but the health check's own, on loopback."""
    for stage in stages:
        assert stage.all("ADD") == []
        for instruction in stage.instructions:
            for address in re.findall(r"https?://[^\s'\"]+", instruction.rest):
                assert address.startswith("http://127.0.0.1:"), address


def test_runbooks_and_templates_are_there_before_the_build(stages: list[Stage]):
    """The wheel cannot be built without the folders that travel in it; the parts are installed before the sources change."""
    building = stages[0].index("RUN", "pip wheel")
    for folder in ("runbooks/", "templates/", "bot/", "pyproject.toml"):
        assert stages[0].index("COPY", folder) < building
    assert stages[0].index("RUN", "--require-hashes") < stages[0].index("COPY", "bot/")


def test_all_that_is_copied_is_sent_to_the_engine_and_nothing_more(stages: list[Stage]):
    """.dockerignore lets through exactly what the Dockerfile copies, and never a secret or state."""
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    let = {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")}
    copied = {word.rstrip("/") for step in stages[0].all("COPY") for word in step.arguments[:-1]}
    assert let == copied
    assert {"**/.env", "**/__pycache__"} <= set(rules)
    assert not any(
        fnmatch.fnmatch(name, rule) for rule in let for name in (".env", ".git", "uv.lock", ".tocsin", "tests")
    )


def test_it_does_not_run_as_root(image: Stage):
    """A numeric user other than 0, which an orchestrator can check, set before anything is run."""
    users = image.all("USER")
    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[0].rest)
    assert image.index("USER", users[0].rest) < image.index("ENTRYPOINT", "tocsin")
    assert image.all("RUN")[-1] is not image.instructions[-1]


def test_it_writes_to_its_volume_and_tmp_only(image: Stage):
    """With a read-only root, home, state and scratch lie on the volume or under /tmp, and Python writes no bytecode."""
    environment = dict(word.split("=", 1) for step in image.all("ENV") for word in step.rest.split())
    assert image.all("VOLUME")[0].arguments == [STATE]
    assert image.all("WORKDIR")[0].rest == STATE
    assert environment["HOME"] == STATE
    assert environment["TMPDIR"] == "/tmp"
    assert environment["MPLCONFIGDIR"].startswith("/tmp/")
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"


def test_it_holds_no_secret(stages: list[Stage]):
    """No token, key or password is an argument, a variable or a file of the image."""
    for stage in stages:
        for instruction in stage.instructions:
            assert not re.search(r"(?i)(token|secret|password|passwd|api_?key)", instruction.rest), instruction.rest


def test_its_first_words_are_the_products(image: Stage):
    """It is `tocsin`, and without further words it runs the house; both in exec form, so that signals arrive."""
    assert image.all("ENTRYPOINT")[0].arguments == ["tocsin"]
    assert image.all("CMD")[0].arguments == ["run", "-c", "/etc/tocsin/tocsin.yaml"]


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False), (None, False)])
def test_the_health_check_tells_well_from_ill(image: Stage, answering: Answering, status: int | None, well: bool):
    """The check's own command ends with 0 when /healthz answers 200, and not with 0 when it answers 503 or nobody does."""
    check = image.all("HEALTHCHECK")[0]
    assert check.flags.keys() == {"interval", "timeout", "start-period", "retries"}
    program, *arguments = json.loads(check.rest.partition(" CMD ")[2])
    assert program == "python"
    # a proxy in the environment must not be asked for an address of this machine
    more = {"TOCSIN_HEALTH_URL": answering.url(status), "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    done = subprocess.run([sys.executable, *arguments], env=more, capture_output=True, timeout=30, check=False)
    assert (done.returncode == 0) is well
    assert answering.asked == ([] if status is None else ["/healthz"])


class Answering:
    """A server on loopback that answers with the status it was told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)

    def url(self, status: int | None) -> str:
        """Where it answers with that status; None: where nobody listens."""
        port = self.server.server_address[1]
        if status is None:
            port = free_port()
        else:
            self.status = status
        return f"http://127.0.0.1:{port}/healthz"


@pytest.fixture
def answering() -> Iterator[Answering]:
    here = Answering()
    thread = threading.Thread(target=here.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield here
    here.server.shutdown()
    thread.join()
    here.server.server_close()
