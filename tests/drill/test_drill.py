"""`tocsin drill`: the whole chain on somebody's own configuration, and nothing of theirs is changed by it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot import openings
from bot.cli._drill import told
from bot.cli._main import run
from bot.clock import SystemClock
from bot.config.installation import Installation
from bot.config.load import load
from bot.demo import hosting, setup, stage
from bot.domain.errors import Unavailable
from bot.domain.guard import Freeze, Means
from bot.domain.service import Target
from bot.drill.course import Course
from bot.drill.house import Stage, opened
from bot.drill.report import Report
from bot.drill.standin import NOT_REAL, NOTHING_NEW, ReadsOnly, reads
from tests.actions.fake_airflow import PEOPLE, FakeAirflow
from tests.actions.fakes import FakePipeline, FakeRouter, make
from tests.world import FOLDER

LINKS = [
    "breach", "page", "acknowledge", "diagnosis", "runbook", "plan", "propose", "evidence", "approve", "carry out",
    "verify", "undo", "resolve", "notices", "record",
]  # fmt: skip


class Recorded:
    """Every request that arrives at real-looking targets: router and pipeline."""

    def __init__(self) -> None:
        self.router, self.pipeline = FakeRouter(), FakePipeline()
        self.requests: list[tuple[str, str]] = []

    def app(self, inner: Any) -> Any:
        async def listen(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
                self.requests.append((scope["method"], f"{scope['path']}{query}"))
            await inner(scope, receive, send)

        return listen

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[dict[str, str]]:
        doors = {"router": hosting.door(None), "pipeline": hosting.door(None)}
        apps = {"router": self.router.app, "pipeline": self.pipeline.app}
        async with hosting.serving({name: (doors[name], self.app(apps[name])) for name in doors}):
            yield {name: hosting.url(sock) for name, sock in doors.items()}


def folder(tmp_path: Path, urls: Mapping[str, str], **changes: Any) -> Path:
    """Somebody's configuration: the house of the stories with these targets, and no instruments."""
    made = tmp_path / "own"
    shutil.copytree(FOLDER, made)
    path = made / "services" / "visits.yaml"
    service = yaml.safe_load(path.read_text())
    service["targets"] = [
        {"name": "visits-router", "action": "router", "settings": {"url": urls["router"]}},
        {"name": "visits-pipeline", "action": "pipeline", "settings": {"url": urls["pipeline"]}},
    ]
    service["offers"].append({"name": "pause", "label": "Pause it", "means": "pause", "target": "visits-pipeline"})
    del service["evidence"]
    path.write_text(yaml.safe_dump({**service, **changes}))
    return made / "tocsin.yaml"


def read(path: Path, **changes: Any) -> Installation:
    return replace(load(path, environ={}, models=openings.models), **changes)


async def drilled(installation: Installation, tmp_path: Path, **asked: Any) -> tuple[Report, Stage]:
    state = tmp_path / "drill"
    state.mkdir(exist_ok=True, parents=True)
    async with opened(installation, state, **asked) as played:
        report = Report(played.service.name, played.slo.name, bool(asked.get("offline")))
        return await Course(played, report).run(), played


def link(report: Report, name: str) -> Any:
    return next(each for each in report.links if each.name == name)


NOWHERE = {"router": "http://127.0.0.1:1", "pipeline": "http://127.0.0.1:1"}


async def test_a_drill_walks_the_whole_chain_and_changes_nothing(tmp_path: Path) -> None:
    """Real-looking targets are read and tried dry, and nothing else arrives; each link held, planned on the real ones."""
    real = Recorded()
    async with real.listening() as urls:
        before = (real.router.state(), real.router.revision, real.pipeline.paused)
        report, played = await drilled(read(folder(tmp_path, urls)), tmp_path)
    assert [each.name for each in report.links] == LINKS
    assert report.held
    assert {method for method, path in real.requests if "dry_run=1" not in path} == {"GET"}
    assert {path for method, path in real.requests if method != "GET"} == {"/apply?dry_run=1"}
    assert (real.router.state(), real.router.revision, real.pipeline.paused) == before
    assert real.router.applied == real.pipeline.applied == {}
    assert [(each.offer, each.why_not) for each in report.targets] == [
        ("bypass-poor", ""), ("rollback-v1", ""), ("pause", ""),
    ]  # fmt: skip
    assert report.targets[1].diff
    assert report.approvers["rollback-v1"] == ["Ben Okafor"]
    assert report.paged == ["Ana Aydin"]
    assert all(each.standing == [] for each in played.standins.values())


async def test_whatever_people_see_says_drill(tmp_path: Path) -> None:
    """The title, the service, the organisation in every draft, and each plan that is read before it is approved."""
    real = Recorded()
    async with real.listening() as urls:
        installation = read(folder(tmp_path, urls))
        state = tmp_path / "drill"
        state.mkdir()
        async with opened(installation, state) as played:
            await Course(played, Report("visits", "recall-poor", offline=False)).run()
            desk = played.house.desk
            situation = await desk.situation("INC-1")
            assert situation.incident.title.startswith("DRILL: ")
            assert situation.service.title.startswith("DRILL: ")
            assert played.house.installation.organisation.name == "DRILL: Visits Ltd"
            for mitigation in situation.incident.mitigations.values():
                assert NOT_REAL in mitigation.plan.warnings
            assert played.house.installation.database_url.endswith("/drill/drill.db")
            assert not played.house.installation.sources
            assert played.house.slack is None


async def test_offline_reads_nothing_and_still_walks_the_chain(tmp_path: Path) -> None:
    """Not one request leaves; plans are made up, marked as such, and the report says which."""
    real = Recorded()
    async with real.listening() as urls:
        report, _ = await drilled(read(folder(tmp_path, urls)), tmp_path, offline=True)
    assert real.requests == []
    assert report.held
    assert all(each.unplanned and "offline" in each.why_not for each in report.targets)
    assert "made up for the drill" in link(report, "propose").told


async def test_a_target_that_is_not_there_breaks_the_chain(tmp_path: Path) -> None:
    """Its name and reason are told, and the rest is walked all the same with a plan made up."""
    report, _ = await drilled(read(folder(tmp_path, NOWHERE)), tmp_path)
    assert not report.held
    assert [each.name for each in report.links if each.held is False] == ["plan"]
    assert "no answer from visits-router, visits-pipeline" in link(report, "plan").told
    assert link(report, "undo").held


async def test_nobody_who_could_approve_breaks_the_chain(tmp_path: Path) -> None:
    """With one approver who is the only one to propose, or none at all, the drill says whom it takes."""
    installation = read(folder(tmp_path, NOWHERE))
    nobody = replace(installation.policy, approve={})
    report, _ = await drilled(replace(installation, policy=nobody), tmp_path, offline=True)
    assert link(report, "approve").told == "nobody could have approved it: it takes nobody, beside whoever proposed it"
    assert not report.held
    assert [each.name for each in report.links][-3:] == ["resolve", "notices", "record"]
    assert all(able == [] for able in report.approvers.values())
    assert any("and there are 0" in gap for gap in report.gaps)


async def test_a_quorum_is_played_by_as_many_people(tmp_path: Path) -> None:
    """Two of three who may: both names stand in the report; with a code each where the class asks for it."""
    installation = read(folder(tmp_path, NOWHERE))
    policy = replace(
        installation.policy,
        quorum=dict.fromkeys(installation.policy.approve, 2),
        step_up=frozenset(installation.policy.approve),
        approve=dict.fromkeys(installation.policy.approve, frozenset({"responder", "manager"})),
    )
    report, _ = await drilled(replace(installation, policy=policy), tmp_path, offline=True)
    assert link(report, "approve").told.count("with a one-time code") == 2
    assert report.held


async def test_nobody_on_call_breaks_the_chain(tmp_path: Path) -> None:
    """An objective that pages and nobody to page is found out by daylight."""
    report, _ = await drilled(read(folder(tmp_path, NOWHERE, on_call=[])), tmp_path, offline=True)
    assert link(report, "page").told == "nobody is on call for visits: nobody would have been paged"
    assert link(report, "undo").held


async def test_a_target_that_needs_no_change_is_drilled_all_the_same(tmp_path: Path) -> None:
    """On a healthy day the rollback has nothing to do: the plan says so and the chain goes on."""
    real = Recorded()
    real.router.weights = {"v1": 100, "v2": 0}
    async with real.listening() as urls:
        report, _ = await drilled(read(folder(tmp_path, urls)), tmp_path)
    assert [each.why_not for each in report.targets] == ["", NOTHING_NEW, ""]
    assert report.held


async def test_a_freeze_is_told_and_walked_past(tmp_path: Path) -> None:
    """The drill goes on without it, and says that tonight nothing would have moved."""
    now = SystemClock().now()
    freeze = Freeze("Year's end", "the books are closed", now - timedelta(days=1), now + timedelta(days=1))
    installation = read(folder(tmp_path, NOWHERE))
    frozen = replace(installation, policy=replace(installation.policy, freezes=(freeze,)))
    report, _ = await drilled(frozen, tmp_path, offline=True)
    assert report.held
    assert any(gap.startswith("Year's end holds until") for gap in report.gaps)


async def test_duties_that_would_be_due_are_listed(tmp_path: Path) -> None:
    """Each enabled regime's answer, with what it would depend on."""
    report, _ = await drilled(read(folder(tmp_path, NOWHERE)), tmp_path, offline=True)
    assert len(report.notices) == 2
    assert {each.answer for each in report.notices} <= {"yes", "no", "unknown"}
    assert json.loads(json.dumps(report.as_json()))["drill"] is True
    text = "\n".join(told(report))
    assert "Notices" in text
    assert "Nothing of yours was changed, and nobody was paged." in text


async def test_the_demonstrations_own_folder_can_be_drilled(tmp_path: Path) -> None:
    """Its Slack, its sources and its pagers are never asked; its people, targets, runbooks and instruments are used."""
    world = dict.fromkeys(("world", "all_metrics", "router"), "http://127.0.0.1:1")
    path = setup.write(tmp_path / "demo", world, "http://127.0.0.1:1", 8080)
    installation = load(path, environ=stage.TOKENS, models=openings.models)
    report, played = await drilled(installation, tmp_path, offline=True)
    assert report.held
    assert report.paged == ["Ana Souza"]
    assert [each.offer for each in report.targets] == ["bypass-poor", "rollback-v1", "pause-pipeline"]
    assert played.house.slack is None
    assert "drift" in link(report, "diagnosis").told
    report, _ = await drilled(installation, tmp_path / "again")
    assert [each.name for each in report.links if each.held is False] == ["diagnosis", "plan"]


# -- what lets through only what reads -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url", "headers", "passes"),
    [
        ("GET", "https://t/state", {}, True),
        ("POST", "https://t/apply", {}, False),
        ("POST", "https://t/apply?dry_run=1", {}, True),
        ("POST", "https://t/apply?dry_run=0", {}, False),
        ("PATCH", "https://k/deployments/x?dryRun=All", {}, True),
        ("PATCH", "https://k/deployments/x", {}, False),
        ("DELETE", "https://k/deployments/x", {}, False),
        ("POST", "https://aws/", {"x-amz-target": "SageMaker.DescribeEndpoint"}, True),
        ("POST", "https://aws/", {"x-amz-target": "SageMaker.UpdateEndpoint"}, False),
        ("POST", "https://a/auth/token", {}, True),
        ("POST", "https://a/airflow/auth/token", {}, True),
        ("DELETE", "https://a/auth/token", {}, False),
        ("POST", "https://a/auth/tokens", {}, False),
        ("POST", "https://a/auth/token/revoke", {}, False),
        ("POST", "https://a/x/%2e%2e/auth/token", {}, False),
        ("POST", "https://a/api/v2/dags/~/dagRuns/list", {}, True),
        ("POST", "https://a/api/v2/dags/retrain/dagRuns", {}, False),
        ("POST", "https://m/api/2.0/mlflow/runs/search", {}, True),
        ("POST", "https://m/api/2.0/mlflow/registered-models/get-latest-versions", {}, True),
        ("POST", "https://m/api/2.0/mlflow/registered-models/alias", {}, False),
        ("POST", "https://m/api/2.0/mlflow/registered-models/set-tag", {}, False),
        ("POST", "https://k/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, True),
        ("POST", "https://k/apis/authorization.k8s.io/v1/namespaces/x/localsubjectaccessreviews", {}, False),
        ("POST", "https://p/api/v1/query_range", {}, True),
        ("POST", "https://p/api/v1/admin/tsdb/delete_series", {}, False),
    ],
)
async def test_only_reads_leave(method: str, url: str, headers: dict[str, str], passes: bool) -> None:
    """Whatever an adapter may do in its plan: a request that could change something never reaches the wire."""
    arrived: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        arrived.append(request.method)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=ReadsOnly(httpx.MockTransport(answer))) as client:
        with contextlib.nullcontext() if passes else pytest.raises(httpx.UnsupportedProtocol):
            await client.request(method, url, headers=headers)
    assert bool(arrived) is passes
    assert reads(httpx.Request(method, url, headers=headers)) is passes


async def test_a_target_that_wants_a_login_is_read_as_well() -> None:
    """Airflow with a user and a password: the drill plans for real, and triggers nothing, whatever it is asked."""
    fake = FakeAirflow()
    given = {"url": "http://airflow", "dag": "retrain", "user": "ann", "password": PEOPLE["ann"]}
    action = make("airflow", ReadsOnly(httpx.ASGITransport(fake.app)), **given)
    plan = await action.plan(Target("training", "airflow"), Means.PAUSE, {})
    assert (plan.diff != (), fake.logins) == (True, 1)
    with pytest.raises(Unavailable):
        await action.execute(plan, "K")
    assert (fake.paused, fake.changed) == (False, 0)
    await action.close()


# -- from the terminal -----------------------------------------------------------------------------------------------


def test_the_starter_folder_can_be_drilled_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `tocsin init` writes holds as far as it goes, and the gaps are named; their state folder is never made."""
    own = tmp_path / "own"
    assert run(["init", str(own)]) == 0
    capsys.readouterr()
    assert run(["drill", "--auto", "-c", str(own / "tocsin.yaml")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("DRILL of scoring")
    assert "no mitigation is prepared for scoring" in out
    assert not (own / ".tocsin").exists()


def test_a_broken_chain_is_exit_code_1_and_json_for_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is one JSON object; what is done meanwhile goes to the other stream."""
    path = folder(tmp_path, NOWHERE)
    assert run(["drill", "--auto", "-c", str(path), "--json"]) == 1
    held = capsys.readouterr()
    report = json.loads(held.out)
    assert (report["held"], report["drill"]) == (False, True)
    assert all(line.startswith("DRILL ") for line in held.err.splitlines())
    assert run(["drill", "--auto", "-c", str(path), "--offline"]) == 0


@pytest.mark.parametrize(("asked", "says"), [(["nobody"], "nobody"), (["--slo", "none"], "none")])
def test_a_name_that_is_none_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], says: str
) -> None:
    """With the names there are."""
    assert run(["drill", "--auto", *asked, "-c", str(folder(tmp_path, NOWHERE))]) == 1
    assert says in capsys.readouterr().err
