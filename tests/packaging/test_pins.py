"""What is installed anywhere is what was tested: one set of pins, with hashes and without addresses."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.packaging import wheelhouse
from tests.packaging.wheelhouse import ROOT

LOCKS = ("requirements.lock", "requirements-build.lock")
# put together here, so that this file may be among the files looked at
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
    )
)


def _lines(name: str) -> list[str]:
    return (ROOT / name).read_text("utf-8").splitlines()


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_the_lock_pins_what_was_tested():
    """Each version in requirements.lock is the one that the resolution of all groups and extras holds."""
    mirrored = wheelhouse.pins(wheelhouse.project()["tool"]["uv"]["constraint-dependencies"])
    locked = wheelhouse.pins(_lines("requirements.lock"))
    assert locked
    differing = {name: versions for name, versions in locked.items() if not versions <= mirrored.get(name, set())}
    assert differing == {}


def test_every_requirement_is_locked_and_mirrored():
    """No dependency, extra or group of pyproject.toml is without a pin; the build's own are in the build lock."""
    project = wheelhouse.project()
    mirrored = wheelhouse.pins(project["tool"]["uv"]["constraint-dependencies"])
    runtime = {_name(line) for line in project["project"]["dependencies"]}
    extras = {_name(line) for lines in project["project"]["optional-dependencies"].values() for line in lines}
    groups = {_name(line) for lines in project["dependency-groups"].values() for line in lines if isinstance(line, str)}
    assert runtime - wheelhouse.pins(_lines("requirements.lock")).keys() == set()
    assert (runtime | extras | groups) - mirrored.keys() == set()
    builders = {_name(line) for line in project["build-system"]["requires"]}
    assert builders - wheelhouse.pins(_lines("requirements-build.lock")).keys() == set()


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_its_hash(name: str):
    """A pin without a hash, an address or an option would make the hashes worth nothing."""
    entries = re.split(r"\n(?! )", (ROOT / name).read_text("utf-8").strip())
    assert entries
    for entry in entries:
        head, *hashes = [line.strip().removesuffix("\\").strip() for line in entry.splitlines()]
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*(\[[a-z,]+\])?==[^\s;]+( ; .+)?", head), head
        assert hashes, head
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), head


@pytest.mark.real
@pytest.mark.nightly
def test_the_locks_are_what_the_script_makes():
    """`scripts/lock --check` finds nothing to change: nobody edited a lock by hand or forgot to remake it."""
    done = wheelhouse.run([sys.executable, str(ROOT / "scripts" / "lock"), "--check"], check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_registry_or_this_machine():
    """Nobody's mirror and nobody's folders are in a file that git keeps."""
    forbidden = [*REGISTRIES]
    if len(ROOT.parts) > 2:  # a checkout directly under / would forbid too much
        forbidden.append(str(ROOT))
    forbidden.append(f"{Path.home()}/.")
    found = {}
    for path in wheelhouse.tracked():
        text = (ROOT / path).read_text("utf-8", "ignore")
        if names := [name for name in forbidden if name in text]:
            found[str(path)] = names
    assert found == {}
