"""A DAG paused, stopped and run anew in front of an Airflow that remembers; tests/real/test_airflow_contract.py asks more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from bot.actions.airflow import run_id
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fake_airflow import PEOPLE, FakeAirflow
from tests.actions.fakes import Scene, make
from tests.parts import CANARY, badly
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "dag": "retrain"}
ABSENT = frozenset({"404"})  # no such DAG: there is nothing to pause
TARGET = Target("training", "airflow")
KEY = "INC-7/M1/0123456789abcdef"
PAUSE = (Means.PAUSE, {})
STOP = (Means.PAUSE, {"stop_running": True})
RETRAIN = (Means.RETRAIN, {"conf": {"since": "2026-11-01"}})


def action(fake: FakeAirflow, **settings: Any) -> Action:
    """The action in front of this server, logged in as somebody who may."""
    given = {"url": "http://airflow", "dag": "retrain", "does": "trains the visits model"}
    if "token" not in settings:
        given |= {"user": "ann", "password": PEOPLE["ann"]}
    return make("airflow", httpx.ASGITransport(fake.app), **(given | settings))


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeAirflow()
    fake.starts("nightly")
    door = action(fake)
    asks = {"pause": PAUSE, "pause and stop": STOP, "retrain": RETRAIN}
    always = frozenset({"retrain"})
    state, changes = fake.state, lambda: fake.changed
    yield Scene(door, TARGET, asks, Means.BYPASS, state, changes, fake.someone_changes_it, always)
    await door.close()


@pytest.fixture
def fake() -> FakeAirflow:
    return FakeAirflow()


async def test_a_pause_in_words(fake: FakeAirflow) -> None:
    """New runs stop coming, and those under way are said to go on."""
    fake.starts("nightly")
    plan = await action(fake).plan(TARGET, *PAUSE)
    assert plan.diff == ("retrain: running → paused",)
    assert plan.blast_radius == "every run of retrain (trains the visits model) from now on"
    assert plan.warnings == ("runs under way go on to their end; stop_running stops them",)
    assert (plan.klass, plan.undo) == (ActionClass.SMALL, "resume retrain again")


async def test_runs_that_are_stopped_are_named_and_cannot_be_taken_back(fake: FakeAirflow) -> None:
    """Each by its id, no other, and the plan has no undo: a stopped run is not taken up again."""
    for name, state in [("nightly", "running"), ("by-hand", "running"), ("later", "queued"), ("done", "success")]:
        fake.starts(name, state)
    door = action(fake)
    plan = await door.plan(TARGET, *STOP)
    assert plan.diff == ("retrain: running → paused", "run by-hand: running → failed", "run nightly: running → failed")
    assert (plan.klass, plan.reversible) == (ActionClass.TRAFFIC, False)
    await door.execute(plan, KEY)
    assert fake.state()["runs"] == {"nightly": "failed", "by-hand": "failed", "later": "queued", "done": "success"}
    seen = await door.observe(plan, KEY)
    assert (seen.seen, seen.detail) == (Seen.APPLIED, "retrain is paused; stopped: by-hand, nightly")
    with pytest.raises(Refused, match="no way back: a stopped run"):
        await door.undo(plan, f"{KEY}/undo")


async def test_where_nothing_runs_a_stop_is_a_pause(fake: FakeAirflow) -> None:
    """And can be taken back like one."""
    door = action(fake)
    plan = await door.plan(TARGET, *STOP)
    assert plan.reversible
    await door.execute(plan, KEY)
    await door.undo(plan, f"{KEY}/undo")
    assert not fake.paused


async def test_a_run_that_nobody_approved_stopping_makes_the_plan_stale(fake: FakeAirflow) -> None:
    """The runs are named in what was approved; another one is another plan."""
    fake.starts("nightly")
    door = action(fake)
    plan = await door.plan(TARGET, *STOP)
    fake.starts("newer")
    assert await door.token(plan) != plan.token
    with pytest.raises(Refused, match="was paused, resumed or started since"):
        await door.execute(plan, KEY)
    assert (fake.changed, fake.paused) == (0, False)


async def test_a_run_that_ended_well_meanwhile_is_not_called_failed(fake: FakeAirflow) -> None:
    """Between pausing and stopping it came to its end: its success stays."""
    fake.starts("nightly")
    door = action(fake)
    plan = await door.plan(TARGET, *STOP)

    class EndsWell(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await httpx.ASGITransport(fake.app).handle_async_request(request)
            if request.method == "PATCH" and "dagRuns" not in request.url.path:  # the pause
                fake.runs["nightly"]["state"] = "success"
            return answer

    late = make("airflow", EndsWell(), url="http://airflow", dag="retrain", token="ann#1")
    await late.execute(plan, KEY)
    assert fake.state() == {"paused": True, "runs": {"nightly": "success"}}


async def test_resume(fake: FakeAirflow) -> None:
    """A plan of its own; it cannot stop runs at the same time."""
    fake.paused = True
    door = action(fake)
    plan = await door.plan(TARGET, Means.PAUSE, {"resume": True})
    assert plan.diff == ("retrain: paused → running",)
    await door.execute(plan, KEY)
    assert not fake.paused
    with pytest.raises(Refused, match="one or the other"):
        await door.plan(TARGET, Means.PAUSE, {"resume": True, "stop_running": True})
    with pytest.raises(Refused, match="true or false"):
        await door.plan(TARGET, Means.PAUSE, {"resume": "yes"})


async def test_a_pause_interrupted_is_not_repeated_over_a_resume(fake: FakeAirflow) -> None:
    """Paused, then resumed by a person while the bot was away: asked again under its key, it leaves it so."""
    door = action(fake)
    plan = await door.plan(TARGET, *PAUSE)
    await door.execute(plan, KEY)
    other = action(fake)
    await other.execute(await other.plan(TARGET, Means.PAUSE, {"resume": True}), "other")
    assert (await door.observe(plan, KEY)).seen is Seen.NOT_APPLIED
    with pytest.raises(Refused, match="was paused, resumed or started since"):
        await door.execute(plan, KEY)
    assert not fake.paused


async def test_a_pause_is_not_asked_again_by_itself_and_a_run_is(fake: FakeAirflow) -> None:
    """Without the audit log a pause that a person lifted looks as if it had never been; a run stays under its id."""
    fake.log_hidden = True
    door = action(fake)
    pause = await door.plan(TARGET, *PAUSE)
    await door.execute(pause, KEY)
    await door.execute(await door.plan(TARGET, Means.PAUSE, {"resume": True}), "a person's")
    assert (await door.observe(pause, KEY)).seen is Seen.NOT_APPLIED
    assert not door.keyed_for(pause)
    run = await door.plan(TARGET, *RETRAIN)
    await door.execute(run, KEY)
    fake.someone_changes_it()
    assert (await door.observe(run, KEY)).seen is not Seen.NOT_APPLIED
    assert door.keyed_for(run)


async def test_a_pause_made_anew_by_somebody_is_not_undone(fake: FakeAirflow) -> None:
    """Resumed and paused again on purpose since: the undo of the first pause leaves it."""
    door = action(fake)
    plan = await door.plan(TARGET, *PAUSE)
    await door.execute(plan, KEY)
    fake.someone_changes_it()
    with pytest.raises(Refused, match="paused or resumed again since"):
        await door.undo(plan, f"{KEY}/undo")
    assert fake.paused


async def test_without_the_audit_log_the_plan_says_what_is_not_noticed(fake: FakeAirflow) -> None:
    """It works all the same, by the state alone."""
    fake.log_hidden = True
    door = action(fake)
    plan = await door.plan(TARGET, *PAUSE)
    assert any("audit log may not be read" in warning for warning in plan.warnings)
    await door.execute(plan, KEY)
    assert (await door.observe(plan, KEY)).seen is Seen.APPLIED
    await door.undo(plan, f"{KEY}/undo")
    assert not fake.paused


async def test_a_retraining_in_words(fake: FakeAirflow) -> None:
    """One run, with what it is told; it has no way back, and says why."""
    fake.starts("nightly")
    plan = await action(fake).plan(TARGET, *RETRAIN)
    assert plan.diff == ("retrain: one new run, told since=2026-11-01 (DAG version 1)",)
    assert (plan.reversible, plan.klass) == (False, ActionClass.TRAFFIC)
    assert plan.warnings == (
        "what the run has done stays: stopping it takes nothing back",
        "under way already: nightly",
        "at most 1 runs of retrain go on at once: this one waits for its turn",
    )


async def test_many_runs_under_way_are_counted_not_listed(fake: FakeAirflow) -> None:
    """A retraining beside a hundred others can be planned; stopping them all cannot be approved by name."""
    for number in range(120):
        fake.starts(f"fill-{number}")
    door = action(fake)
    plan = await door.plan(TARGET, *RETRAIN)
    assert "under way already: fill-0, fill-1, fill-2, fill-3, fill-4 and at least 95 more" in plan.warnings
    with pytest.raises(Unavailable, match="runs 100 of retrain or more, too many to approve by name"):
        await door.plan(TARGET, *STOP)


async def test_a_key_is_one_run_whoever_asks(fake: FakeAirflow) -> None:
    """Two replicas at once and a third time after a crash: one run under the key's id, another key another run."""
    door = action(fake)
    plan = await door.plan(TARGET, *RETRAIN)
    await asyncio.gather(door.execute(plan, KEY), action(fake).execute(plan, KEY))
    await door.execute(plan, KEY)
    assert list(fake.runs) == [run_id(KEY)]
    assert fake.runs[run_id(KEY)]["conf"] == {"since": "2026-11-01"}
    await door.execute(plan, "INC-7/M2/0123456789abcdef")
    assert len(fake.runs) == 2
    fake.paused = True
    await door.execute(plan, KEY)  # done is done, whatever came after
    assert len(fake.runs) == 2


async def test_a_run_that_another_replica_started_first_is_ours(fake: FakeAirflow) -> None:
    """Not there when we looked, there when we asked for it: Airflow refuses the second, and that is as it should be."""

    class Late(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and run_id(KEY) not in fake.runs:
                fake.starts(run_id(KEY))
            return await httpx.ASGITransport(fake.app).handle_async_request(request)

    plan = await action(fake).plan(TARGET, *RETRAIN)
    late = make("airflow", Late(), url="http://airflow", dag="retrain", token="ann#1")
    await late.execute(plan, KEY)
    assert fake.state()["runs"] == {run_id(KEY): "running"}
    assert fake.changed == 0


def test_no_two_keys_share_a_run() -> None:
    """Whatever characters they have, and however long they are; Airflow takes every one of the ids."""
    keys = [KEY, KEY.replace("/", "."), KEY.replace("/", " "), f"{KEY}é", KEY * 30, KEY * 31]
    ids = {run_id(key) for key in keys}
    assert len(ids) == len(keys)
    assert all(len(each) <= 250 and each.isascii() and "/" not in each for each in ids)


async def test_what_became_of_the_run_is_told(fake: FakeAirflow) -> None:
    """Queued, running and ended well are applied; failed, or queued behind a pause, is for a person to judge."""
    door = action(fake)
    plan = await door.plan(TARGET, *RETRAIN)
    assert (await door.observe(plan, KEY)).seen is Seen.NOT_APPLIED
    await door.execute(plan, KEY)
    for state, seen, words in [
        ("queued", Seen.APPLIED, "waits for its turn"),
        ("running", Seen.APPLIED, "runs"),
        ("success", Seen.APPLIED, "ended well"),
        ("failed", Seen.UNKNOWN, "failed; what its tasks had done by then stays"),
    ]:
        fake.runs[run_id(KEY)]["state"] = state
        observed = await door.observe(plan, KEY)
        assert (observed.seen, words in observed.detail) == (seen, True)
    fake.runs[run_id(KEY)]["state"], fake.paused = "queued", True
    assert (await door.observe(plan, KEY)).seen is Seen.UNKNOWN
    with pytest.raises(Refused, match="no way back: what a run did"):
        await door.undo(plan, f"{KEY}/undo")


async def test_a_retraining_that_cannot_start_is_refused(fake: FakeAirflow) -> None:
    """Paused, not to be started by hand, gone from the folder, not there, conf that is none: each in a sentence."""
    fake.kinds = ["scheduled"]
    with pytest.raises(Refused, match="takes no runs started by hand; it takes scheduled"):
        await action(fake).plan(TARGET, *RETRAIN)
    fake.kinds, fake.paused = None, True
    with pytest.raises(Refused, match="is paused: a run would wait"):
        await action(fake).plan(TARGET, *RETRAIN)
    with pytest.raises(Refused, match="conf is what the run is told"):
        await action(fake).plan(TARGET, Means.RETRAIN, {"conf": "since yesterday"})
    with pytest.raises(Refused, match="has no DAG nobody"):
        await action(fake, dag="nobody").plan(TARGET, *RETRAIN)
    fake.stale = True
    with pytest.raises(Refused, match="not in Airflow's DAG folder"):
        await action(fake).plan(TARGET, *PAUSE)


async def test_new_code_or_a_pause_makes_a_retraining_stale(fake: FakeAirflow) -> None:
    """What was approved is a run of that version of the DAG."""
    door = action(fake)
    plan = await door.plan(TARGET, *RETRAIN)
    fake.version = 2
    assert await door.token(plan) != plan.token
    with pytest.raises(Refused, match="given another version since; nothing was started"):
        await door.execute(plan, KEY)
    fake.version, fake.paused = 1, True
    with pytest.raises(Refused, match="was paused"):
        await door.execute(plan, KEY)
    assert fake.runs == {}


async def test_a_dag_that_went_away_fits_no_plan(fake: FakeAirflow) -> None:
    """Another token, and an outcome nobody can tell."""
    door = action(fake)
    plan = await door.plan(TARGET, *PAUSE)
    fake.stale = True
    assert await door.token(plan) != plan.token
    assert (await door.observe(plan, KEY)).seen is Seen.UNKNOWN


@pytest.mark.parametrize("said", [(401, "Token Expired"), (403, "Invalid JWT token")])
async def test_a_spent_token_is_replaced_once(fake: FakeAirflow, said: tuple[int, str]) -> None:
    """Many ask at once: one logs in, all are answered, and what was refused for the token's sake is done once."""
    door = action(fake)
    plan = await door.plan(TARGET, *RETRAIN)
    assert fake.logins == 1
    fake.expire()
    fake.said = said
    await asyncio.gather(*(door.execute(plan, KEY) for _ in range(5)))
    assert (fake.logins, len(fake.runs)) == (2, 1)


async def test_somebody_who_may_only_read_is_refused_without_logging_in_again(fake: FakeAirflow) -> None:
    """A 403 that is about rights is a refusal, told as such."""
    door = action(fake, user="rita", password=PEOPLE["rita"])
    plan = await door.plan(TARGET, *PAUSE)
    with pytest.raises(Refused, match=r"Airflow refused \(403\): Forbidden"):
        await door.execute(plan, KEY)
    assert (fake.logins, fake.changed) == (1, 0)


async def test_a_wrong_password_is_a_sentence_without_it(fake: FakeAirflow) -> None:
    """The user is named, the password is not."""
    with pytest.raises(Unavailable, match=r"gave no token for user ann \(401\)") as caught:
        await action(fake, password=CANARY).plan(TARGET, *PAUSE)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("manners", ["400", "junk", "other json", "empty object", "empty", "hangs", "500", "hangs up"])
async def test_a_login_that_goes_wrong_is_a_sentence_without_secrets(manners: str) -> None:
    """Whatever answers in its place, the password is in no error."""
    async with badly(manners) as port:
        given = {"url": f"http://127.0.0.1:{port}", "dag": "retrain", "user": "ann", "timeout_seconds": SECONDS}
        door = make("airflow", **given, password=CANARY)
        with pytest.raises(Unavailable) as caught:
            await door.plan(TARGET, *PAUSE)
        await door.close()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("given", [{"token": "t", "user": "ann", "password": "p"}, {"user": "ann"}, {"password": "p"}])
def test_there_is_one_way_in(given: dict[str, str]) -> None:
    """A token, or a user with a password."""
    with pytest.raises(ValidationError, match=r"not both|belong together"):
        make("airflow", url="http://airflow", dag="retrain", **given)
