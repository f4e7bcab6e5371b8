"""The named call in particular: its example works, its plans say word for word what is sent, and it goes by proof."""

from __future__ import annotations

import contextlib
import inspect
import textwrap
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import ValidationError

from bot import shelf
from bot.actions import http
from bot.config.fit import Fitter
from bot.config.marks import read_yaml
from bot.config.secrets import Secrets
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fake_flags import FakeFlags
from tests.actions.fakes import Scene, make
from tests.parts import CANARY, Hands
from tests.shelves.files import SECONDS

TARGET = Target("visits-flag", "http")
ASK = (Means.TRAFFIC, {"flag": "new-ranking", "percent": 0})


def example() -> str:
    """The page's example, as somebody would copy it into the catalogue."""
    lines = (inspect.getdoc(http) or "").splitlines()
    begin = lines.index("    name: visits-flag")
    return textwrap.dedent("\n".join(line for line in lines[begin:] if line.startswith("    ")))


GIVEN: dict[str, Any] = yaml.safe_load(example())["settings"]
SETTINGS = deepcopy(GIVEN) | {
    "url": "{url}",
    "token": CANARY,
    "secret_headers": {"X-Project-Key": CANARY},
    "timeout_seconds": SECONDS,
}


def given(**more: object) -> dict[str, Any]:
    """The example's settings with secrets in place, some of them changed, and None left out."""
    found = deepcopy(GIVEN) | {"token": "t0ken", "secret_headers": {"X-Project-Key": "pr0ject"}} | more
    return {name: value for name, value in found.items() if value is not None}


def call(fake: FakeFlags, **more: object):
    return make("http", httpx.ASGITransport(fake.app), **given(**more))


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeFlags(token="t0ken", project="pr0ject")
    action = call(fake)
    asks = {"off": ASK, "pricing": (Means.TRAFFIC, {"flag": "new-pricing", "percent": 50})}
    yield Scene(action, TARGET, asks, Means.RESTART, fake.state, lambda: fake.changed, fake.someone_changes_it)
    await action.close()


@pytest.fixture
def fake() -> FakeFlags:
    return FakeFlags(token="t0ken", project="pr0ject")


async def test_the_example_of_the_page_works(fake: FakeFlags, tmp_path: Path) -> None:
    """Read by the catalogue's own reader, its secrets looked up, it moves a flag and puts it back."""
    ((page,), problems) = read_yaml(example(), "services.yaml")
    environ = {"FLAGS_TOKEN": "t0ken", "FLAGS_PROJECT_KEY": "pr0ject"}
    fitter = Fitter(Secrets(environ, tmp_path))
    settings = fitter.fit(shelf.load("actions", "http").Settings, page, "settings")
    assert (problems, fitter.problems) == ([], [])
    action = http.Call(settings, clock=Hands(), transport=httpx.ASGITransport(fake.app))
    plan = await action.plan(TARGET, *ASK)
    await action.execute(plan, "INC-7/M1/abc")
    assert fake.flags["new-ranking"] == {"enabled": True, "rollout": {"percent": 0}}
    assert (await action.observe(plan, "INC-7/M1/abc")).seen is Seen.APPLIED
    await action.undo(plan, "INC-7/M1/abc/undo")
    assert fake.flags["new-ranking"] == {"enabled": True, "rollout": {"percent": 100}}
    await action.close()


async def test_a_plan_says_word_for_word_what_is_sent(fake: FakeFlags) -> None:
    """The value that moves, the request, the way back, whom it reaches, and how it was tried."""
    action = call(fake)
    plan = await action.plan(TARGET, *ASK)
    assert plan.diff == ("percent 100 → 0", 'PATCH /flags/new-ranking {"rollout": {"percent": 0}}')
    assert plan.undo == 'put back percent 100: PATCH /flags/new-ranking {"rollout": {"percent": 100}}'
    assert (plan.blast_radius, plan.klass) == ("everybody who sees new-ranking", ActionClass.TRAFFIC)
    assert (plan.dry_run, plan.token) == ("feature flags took it as a dry run", '"7"')
    assert plan.target_uid == "http:flags.internal/api/flags/new-ranking"
    assert fake.changed == 0
    await action.close()


async def test_what_the_dry_run_refuses_is_refused_before_anybody_approves_it(fake: FakeFlags) -> None:
    """In the system's own words, without our secrets in them."""
    params = {"flag": {"choices": ["new-ranking"]}, "percent": {"type": "integer"}}
    action = call(fake, params=params)
    with pytest.raises(Refused, match=r"feature flags refused \(422\): percent is a whole number"):
        await action.plan(TARGET, Means.TRAFFIC, {"flag": "new-ranking", "percent": 101})
    await action.close()
    fake.project = "another"
    action = call(fake)
    with pytest.raises(Unavailable, match="did not accept our credentials") as caught:
        await action.plan(TARGET, *ASK)
    assert "pr0ject" not in str(caught.value)
    await action.close()


async def test_no_secret_header_is_told_again(fake: FakeFlags) -> None:
    """A system that repeats what it was sent repeats it to nobody."""
    action = call(fake)
    plan = await action.plan(TARGET, *ASK)
    echo = httpx.MockTransport(
        lambda asked: httpx.Response(400, json={"message": f"bad {asked.headers['x-project-key']}"})
    )
    deaf = make("http", echo, **given())
    with pytest.raises(Refused, match=r"bad \[secret\]"):
        await deaf._send(deaf._settings.change, {"flag": "a", "percent": 1})
    for each in (action, deaf):
        await each.close()
    assert "pr0ject" not in str(plan)


async def test_the_system_compares_for_us(fake: FakeFlags) -> None:
    """What somebody changes between our look and our change is not overwritten: If-Match carries the ETag read."""
    action = call(fake)
    plan = await action.plan(TARGET, *ASK)

    class Between(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PATCH":
                fake.someone_changes_it()
            return await super().handle_async_request(request)

    late = make("http", Between(fake.app), **given())
    with pytest.raises(Refused, match=r"refused \(412\): it is revision 8 now"):
        await late.execute(plan, "K")
    assert fake.flags["new-ranking"]["rollout"] == {"percent": 55}
    for each in (action, late):
        await each.close()


async def test_where_it_cannot_compare_it_is_read_again(fake: FakeFlags) -> None:
    """Somebody who came between is noticed afterwards, and then nobody says that it went well."""
    bare = {"if_match": False, "version": None, "applied": None, "dry_run": None}

    class After(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            if request.method == "PATCH":
                fake.someone_changes_it()
            return answer

    action = make("http", After(fake.app), **given(**bare))
    plan = await action.plan(TARGET, *ASK)
    with pytest.raises(Unavailable, match="shows percent 55 after it was asked: somebody may have come between"):
        await action.execute(plan, "K")
    await action.close()


async def test_a_system_on_its_way_is_moving_until_it_is_there(fake: FakeFlags) -> None:
    """Taken is not done: its record of the key and the state it shows must agree."""
    action = call(fake)
    plan = await action.plan(TARGET, *ASK)
    await action.execute(plan, "K")
    fake.lag = 1
    seen = await action.observe(plan, "K")
    assert seen.seen is Seen.MOVING
    assert seen.detail == "feature flags took it under this key, and the target is as it was before"
    assert (await action.observe(plan, "K")).seen is Seen.APPLIED
    other = await action.observe(plan, "K2")
    assert (other.seen, "knows nothing of it" in other.detail) == (Seen.NOT_APPLIED, True)
    assert (await action.undone(plan, "K/undo")).seen is Seen.NOT_APPLIED
    await action.undo(plan, "K/undo")
    fake.lag = 1
    assert (await action.undone(plan, "K/undo")).seen is Seen.MOVING
    fake.lag = 1
    await action.undo(plan, "K/undo")
    assert (fake.changed, (await action.undone(plan, "K/undo")).seen) == (2, Seen.APPLIED)
    await action.close()


async def test_a_plan_is_not_carried_out_with_other_settings(fake: FakeFlags) -> None:
    """What was approved is what is sent: settings that changed since need a new plan."""
    action = call(fake)
    plan = await action.plan(TARGET, *ASK)
    body = {"rollout": {"percent": "{percent}"}, "enabled": False}
    changed = call(fake, change={**GIVEN["change"], "body": body})
    with pytest.raises(Refused, match="the settings of visits-flag changed since it was planned"):
        await changed.execute(plan, "K")
    assert fake.changed == 0
    for each in (action, changed):
        await each.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"undo": {**GIVEN["undo"], "body": {"rollout": {"percent": 0}}}},
        {"applied": "/elsewhere/{key}"},
        {"headers": {"X-Tenant": "other"}},
        {"secret_headers": {"X-Project-Key": "pr0ject", "X-Other-Key": "s3cret"}},
        {"url": "http://other.internal/api"},
    ],
    ids=lambda given: next(iter(given)),
)
async def test_neither_the_change_nor_the_way_back_is_sent_by_other_settings(
    fake: FakeFlags, changed: dict[str, Any]
) -> None:
    """Where it goes, what goes along and how it is taken back were approved too; no secret stands in the plan."""
    action, other = call(fake), call(fake, **changed)
    plan = await action.plan(TARGET, *ASK)
    with pytest.raises(Refused, match="the settings of visits-flag changed since it was planned"):
        await other.execute(plan, "K")
    assert fake.changed == 0
    await action.execute(plan, "K")
    with pytest.raises(Refused, match="take it back by hand"):
        await other.undo(plan, "K/undo")
    assert fake.changed == 1
    for each in (action, other):
        await each.close()


async def test_a_renewed_key_is_no_other_setting(fake: FakeFlags) -> None:
    """A secret header's value may change between approval and change."""
    held = {"X-Project-Key": "pr0ject"}
    one, two = (call(fake, secret_headers={**held, "X-Key": value}) for value in ("old", "new"))
    plan = await one.plan(TARGET, *ASK)
    await two.execute(plan, "K")
    assert fake.changed == 1
    for each in (one, two):
        await each.close()


async def test_without_a_way_back_there_is_none(fake: FakeFlags) -> None:
    """The plan says so, and so does whoever asks for it."""
    action = call(fake, undo=None)
    plan = await action.plan(TARGET, *ASK)
    assert not plan.reversible
    await action.execute(plan, "K")
    with pytest.raises(Refused, match="no way back"):
        await action.undo(plan, "K/undo")
    await action.close()


async def test_a_call_without_a_state_of_its_own_goes_by_the_record_of_its_key(fake: FakeFlags) -> None:
    """A retraining is a change however often it is asked, once per key."""
    action = call(
        fake,
        wanted=None,
        undo=None,
        dry_run=None,
        means="retrain",
        says="retrain the model behind {flag}",
    )
    plan = await action.plan(TARGET, Means.RETRAIN, {"flag": "new-ranking", "percent": 3})
    assert plan.diff[0] == "retrain the model behind new-ranking"
    assert (await action.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await action.execute(plan, "K")
    await action.execute(plan, "K")
    assert (fake.changed, (await action.observe(plan, "K")).seen) == (1, Seen.APPLIED)
    await action.close()


async def test_the_version_may_stand_in_the_state(fake: FakeFlags) -> None:
    """A revision number is taken with its type, and may go into the request."""
    body = {"rollout": {"percent": "{percent}"}, "expect": "{version}"}
    action = call(fake, version="/revision", if_match=False, dry_run=None, change={**GIVEN["change"], "body": body})
    fake.tags = False
    plan = await action.plan(TARGET, *ASK)
    assert plan.token == "7"
    await action.execute(plan, "K")
    assert fake.asked[-1][2] == {"rollout": {"percent": 0}, "expect": 7}
    await action.close()


async def test_an_etag_that_does_not_come_is_said(fake: FakeFlags) -> None:
    """The settings go by it."""
    fake.tags = False
    action = call(fake)
    with pytest.raises(Unavailable, match="answered without an ETag"):
        await action.plan(TARGET, *ASK)
    await action.close()


async def test_what_may_be_absent_is_none(fake: FakeFlags) -> None:
    """A 404 is a state where the settings say so, and a value that is missing too; else each is a failure."""
    params = {"flag": {}, "percent": {"type": "integer"}}
    state = {"path": "/flags/{flag}", "read": {"percent": "/rollout/percent", "note": "/note"}}
    loose = call(fake, params=params, dry_run=None, state=state | {"may_lack": ["note"], "may_be_absent": True})
    plan = await loose.plan(TARGET, Means.TRAFFIC, {"flag": "nobody", "percent": 1})
    assert plan.diff[0] == "percent none → 1"
    strict = call(fake, params=params, dry_run=None, state=state)
    with pytest.raises(Unavailable, match="answered 404"):
        await strict.plan(TARGET, Means.TRAFFIC, {"flag": "nobody", "percent": 1})
    with pytest.raises(Unavailable, match="answered nothing at /note"):
        await strict.plan(TARGET, Means.TRAFFIC, {"flag": "new-ranking", "percent": 1})
    for each in (loose, strict):
        await each.close()


@pytest.mark.parametrize(
    ("params", "because"),
    [
        ({}, "flag must be said"),
        ({"flag": "new-ranking"}, "percent must be said"),
        ({"flag": "new-ranking", "percent": 0, "force": True}, "force cannot be asked here; what can is flag, percent"),
        ({"flag": "old", "percent": 0}, "flag is one of new-ranking, new-pricing, not 'old'"),
        ({"flag": 4, "percent": 0}, "flag is a text, not 4"),
        ({"flag": "new-ranking", "percent": "0"}, "percent is a whole number, not '0'"),
        ({"flag": "new-ranking", "percent": True}, "percent is a whole number, not True"),
        ({"flag": "new-ranking", "percent": 0.5}, "percent is a whole number, not 0.5"),
        ({"flag": "new-ranking", "percent": 101}, "percent is 0 to 100, not 101"),
        ({"flag": "new-ranking", "percent": None}, "percent must be said"),
    ],
)
async def test_only_what_is_allowed_may_be_asked(fake: FakeFlags, params: dict[str, Any], because: str) -> None:
    """Unknown words, other types and other values are refused before anything is asked of the system."""
    action = call(fake)
    with pytest.raises(Refused, match=because):
        await action.plan(TARGET, Means.TRAFFIC, params)
    assert fake.asked == []
    await action.close()


@pytest.mark.parametrize(
    ("more", "because"),
    [
        ({"change": {"path": "flags"}}, r"change\.path\n.*begins with one slash"),
        ({"change": {"path": "//evil.example/x"}}, r"change\.path\n.*begins with one slash"),
        ({"change": {"path": "/a/../b"}}, r"change\.path\n.*none of dots alone"),
        ({"change": {"path": "/a/%2e%2E/b"}}, r"change\.path\n.*none of dots alone"),
        ({"change": {"path": "/a//b"}}, r"change\.path\n.*no empty segment"),
        ({"change": {"path": "/a?x=1"}}, r"change\.path\n.*a query stands in `query`"),
        ({"change": {"path": "/a#b"}}, r"change\.path\n.*cannot stand in a path"),
        ({"change": {"path": "/a\\b"}}, r"change\.path\n.*cannot stand in a path"),
        ({"change": {"path": "/{a b}"}}, r"change\.path\n.*belongs to no name"),
        ({"change": {"path": "/x", "method": "GET"}}, r"change\.method"),
        ({"change": {"path": "/x", "body": "text"}}, r"change\.body\n.*a map or a list"),
        (
            {"change": {"path": "/x", "body": {"to": "{too}"}}},
            r"change\.body: \{too\} stands for nothing; there is .*flag",
        ),
        ({"change": {"path": "/x", "query": {"to": "{"}}}, r"change\.query: a brace in '\{' belongs to no name"),
        ({"undo": {"path": "/x", "body": {"to": "{before.nothing}"}}}, r"undo\.body: \{before\.nothing\}"),
        ({"dry_run": {"path": "/x/{key}"}}, r"dry_run\.path: \{key\} stands for nothing"),
        ({"dry_run": GIVEN["change"]}, "dry_run: is the change itself"),
        ({"state": {"path": "/x", "read": {}}}, r"state\.read"),
        ({"state": {"path": "/x", "read": {"percent": "percent"}}}, r"state\.read\n.*no JSON pointer"),
        ({"state": {"path": "/x", "read": {"percent": "/p"}, "may_lack": ["q"]}}, r"may_lack names q"),
        ({"wanted": {"percentage": 1}}, "wanted: percentage is not among what state.read reads"),
        ({"wanted": None}, "wanted: without it nothing shows the change"),
        ({"version": "revision"}, r"version\n.*no JSON pointer"),
        ({"version": None}, "if_match: needs version: etag"),
        ({"applied": "/changes"}, r"applied\n.*names \{key\}"),
        ({"klass": 0}, r"klass\n.*klass is 1, 2 or 3"),
        ({"klass": 7}, "klass"),
        ({"means": "reboot"}, "means"),
        ({"share": 1.5}, "share"),
        ({"blast_radius": ""}, "blast_radius"),
        ({"headers": {"Host": "evil.example"}}, r"headers\n.*no header that can be set"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, r"headers\n.*what no header can"),
        ({"headers": {"X A": "1"}}, r"headers\n.*no header that can be set"),
        ({"headers": {"Cookie": "s=1"}}, "headers: Cookie is a secret"),
        ({"headers": {"x-project-key": "1"}}, "headers: x-project-key stands among secret_headers too"),
        ({"secret_headers": {"Authorization": "Basic x"}}, "token: is sent as the Authorization header already"),
        ({"key_header": "Idempotency Key"}, r"key_header\n.*no header that can be set"),
        ({"params": {"a-b": {}}}, r"params\n.*'a-b' is no name"),
        ({"params": {"key": {}}}, r"params\n.*'key' is no name"),
        ({"params": {"flag": {"pattern": "("}}}, r"params\.flag\.pattern\n.*no regular expression"),
        ({"params": {"flag": {"choices": [1]}}}, r"params\.flag\n.*the value is a text, not 1"),
        ({"params": {"flag": {"default": "é\n"}}}, r"params\.flag\n.*cannot be shown"),
        ({"params": {"flag": {"kind": "x"}}}, r"params\.flag\.kind"),
        ({"url": "flags.internal"}, "url"),
    ],
)
def test_wrong_settings_name_the_field(more: dict[str, object], because: str) -> None:
    """Whoever writes the catalogue reads which line to correct, and never a secret."""
    kind = shelf.load("actions", "http")
    with pytest.raises(ValidationError, match=because) as caught:
        kind.Settings.model_validate(given(**more))
    assert not any(secret in str(caught.value) for secret in ("t0ken", "pr0ject"))
