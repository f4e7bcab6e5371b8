"""The Dockerfile's instructions carried out by a real engine, and the image run as an operator would run it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging import engine as engines
from tests.packaging.engine import Engine
from tests.packaging.wheelhouse import ROOT, project, run

pytestmark = [pytest.mark.real, pytest.mark.nightly, pytest.mark.xdist_group("image")]
IMAGE = "tocsin-under-test"
CAREFUL = (
    "--rm",
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine that has built the image; it and all it kept are gone afterwards."""
    with engines.started() as docker:
        engines.base(docker, "tocsin-base")
        docker("build", "--network=host", "--build-arg=BASE=tocsin-base", f"--tag={IMAGE}", str(ROOT), within=900)
        yield docker


def _sh(engine: Engine, script: str) -> str:
    return engine("run", *CAREFUL, "--entrypoint=sh", IMAGE, "-c", script).stdout


def test_the_image_tells_its_version(engine: Engine):
    """The entry point is the product."""
    assert engine("run", *CAREFUL, IMAGE, "--version").stdout == f"tocsin {project()['project']['version']}\n"


def test_a_stranger_in_it_could_change_nothing(engine: Engine):
    """It is not root, cannot write outside its volume and /tmp even without --read-only, and has no pip to install with."""
    told = _sh(
        engine,
        "id -u; touch /opt/tocsin/x /etc/tocsin/x 2>&1; touch /tmp/x $HOME/x && echo kept; python -m pip 2>&1; true",
    )
    assert told.startswith("10001\n")
    assert told.count("Read-only file system") == 2
    assert "kept" in told
    assert "No module named pip" in told
    script = "touch /opt/tocsin/x /etc/tocsin/x 2>&1"
    plain = engine("run", "--rm", "--network=none", "--entrypoint=sh", IMAGE, "-c", script, check=False)
    assert plain.stdout.count("Permission denied") == 2


def test_what_was_left_out_is_not_needed(engine: Engine):
    """The heavy parts work without their tests: a drift report is drawn and the demonstration's data are read."""
    script = """
import numpy as np, pandas as pd, statsmodels.datasets.randhie as visits
from evidently import Report
from evidently.presets import DataDriftPreset
frame = pd.DataFrame({"age": np.arange(200.0)})
print(len(Report([DataDriftPreset()]).run(frame, frame + 3).json()) > 0, visits.load_pandas().data.shape)
"""
    words = (*CAREFUL, "--entrypoint=python", IMAGE, "-W", "ignore", "-c", script)
    assert engine("run", *words).stdout == "True (20190, 10)\n"


def test_the_house_runs_becomes_healthy_and_ends_when_asked(engine: Engine, tmp_path: Path):
    """With a read-only root and the starter folder the engine's own health check passes; a stop ends it in order."""
    folder = tmp_path / "tocsin"
    run([sys.executable, "-m", "bot", "init", str(folder)])
    config = folder / "tocsin.yaml"
    text = config.read_text("utf-8")
    assert "\nstate: .tocsin\n" in text
    config.write_text(text.replace("\nstate: .tocsin\n", "\nstate: /var/lib/tocsin\n"), "utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    words = [word for word in CAREFUL if word != "--rm"]
    mount = f"--volume={folder}:/etc/tocsin:ro"
    name = engine("run", "--detach", *words, "--health-interval=1s", mount, IMAGE).stdout.strip()
    try:
        health, until = "starting", time.monotonic() + 60
        while health != "healthy" and time.monotonic() < until:
            time.sleep(0.5)
            state = engine("inspect", "--format={{.State.Status}} {{.State.Health.Status}}", name).stdout.split()
            health = state[-1]
            if state[0] == "exited":
                break
        logs = engine("logs", name)
        assert health == "healthy", logs.stdout + logs.stderr
        engine("stop", "--time=20", name)
        assert engine("inspect", "--format={{.State.ExitCode}}", name).stdout == "0\n"
    finally:
        engine("rm", "--force", "--volumes", name)
