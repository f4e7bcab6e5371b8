"""The router changes once per key, only on the revision a change was planned on, and keeps what it did."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.demo.router import Router
from bot.domain.errors import Invalid

Open = Callable[[Path], Router]
TO_V2 = {"weights": {"v1": 0, "v2": 100}}
BYPASS = {"bypass": {"health=poor": "rules"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "router.json"


@pytest.fixture
def router(router_at: Open, path: Path) -> Router:
    return router_at(path)


def shares(router: Router, health: str, n: int = 1000) -> Counter[str]:
    return Counter(router.choose(health) for _ in range(n))


def test_a_fresh_router_sends_everything_to_the_first_version(router: Router) -> None:
    """Before any change all traffic goes to v1 at revision 1."""
    state = router.state()
    assert (state["revision"], state["weights"], state["bypass"]) == (1, {"v1": 100, "v2": 0}, {})
    assert shares(router, "poor") == {"v1": 1000}


def test_the_same_key_changes_the_target_once(router: Router) -> None:
    """A repeated request answers as the first time, though the revision it names is past by now."""
    ask = {"key": "m1", "expect_revision": 1, **TO_V2}
    first, second = router.apply(ask), router.apply(ask)
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    assert [change["key"] for change in router.history()] == ["m1"]
    assert router.state()["applied"] == 1


def test_a_key_cannot_be_used_for_another_change(router: Router) -> None:
    """Reusing a key for something else is refused and changes nothing."""
    router.apply({"key": "m1", "expect_revision": 1, **TO_V2})
    answer = router.apply({"key": "m1", "expect_revision": 2, **BYPASS})
    assert answer.status == 409
    assert "another change" in answer.body["reasons"][0]
    assert router.state()["bypass"] == {}


def test_a_change_planned_on_an_older_revision_is_refused_with_what_holds(router: Router) -> None:
    """Somebody changed the router in between: 409, the state that holds now, and the key stays unused."""
    router.apply({"key": "a", "expect_revision": 1, **TO_V2})
    answer = router.apply({"key": "b", "expect_revision": 1, **BYPASS})
    assert answer.status == 409
    assert answer.body["state"] == router.state()
    assert router.applied("b") is None
    assert router.apply({"key": "b", "expect_revision": 2, **BYPASS}).status == 200


def test_a_dry_run_tells_what_would_be_and_changes_nothing(router: Router, path: Path) -> None:
    """Nothing is written, no key is used up, and the checks are those of the real thing."""
    answer = router.apply({"expect_revision": 1, **BYPASS}, dry_run=True)
    assert answer.body["state"]["bypass"] == {"health=poor": "rules"}
    assert answer.body["state"]["revision"] == 2
    assert router.revision == 1
    assert not path.exists()
    assert router.apply({"expect_revision": 7, **BYPASS}, dry_run=True).status == 409


def test_a_restart_keeps_settings_keys_and_history(router: Router, router_at: Open, path: Path) -> None:
    """A restarted router routes as before and still knows which keys took effect."""
    ask = {"key": "m1", "expect_revision": 1, **TO_V2, **BYPASS}
    first = router.apply(ask)
    again = router_at(path)
    assert again.state() == router.state()
    assert again.apply(ask).body == first.body
    assert len(again.history()) == 1
    assert shares(again, "poor") == {"rules": 1000}
    assert shares(again, "good") == {"v2": 1000}


def test_a_bypass_is_lifted_by_null_and_the_records_show_before_and_after(router: Router) -> None:
    """Undo is the same verb; the record under the key holds both sides."""
    router.apply({"key": "on", "expect_revision": 1, **BYPASS})
    router.apply({"key": "off", "expect_revision": 2, "bypass": {"health=poor": None}})
    record = router.applied("off")
    assert record is not None
    assert record["before"]["bypass"] == {"health=poor": "rules"}
    assert record["after"]["bypass"] == {}
    assert shares(router, "poor") == {"v1": 1000}


def test_a_change_to_what_holds_already_is_no_change(router: Router) -> None:
    """The key counts as applied, the revision and the history stay."""
    answer = router.apply({"key": "same", "expect_revision": 1, "weights": {"v1": 100}})
    assert (answer.body["changed"], answer.body["revision"], router.history()) == (False, 1, [])
    assert router.applied("same") is not None


def test_weights_are_shares_and_paused_backends_get_none(router: Router) -> None:
    """30 to 70 is about that; a paused version leaves its share to the other."""
    router.apply({"key": "canary", "expect_revision": 1, "weights": {"v1": 30, "v2": 70}})
    assert 620 < shares(router, "good")["v2"] < 780
    router.apply({"key": "pause", "expect_revision": 2, "paused": ["v2"]})
    assert shares(router, "good") == {"v1": 1000}


@pytest.mark.parametrize(
    ("ask", "because"),
    [
        (None, "expected an object"),
        ([], "expected an object"),
        ({"key": "k", "expect_revision": 1}, "nothing to change"),
        ({"expect_revision": 1, **TO_V2}, "key: expected a text"),
        ({"key": "", "expect_revision": 1, **TO_V2}, "key: expected a text"),
        ({"key": "k", **TO_V2}, "expect_revision"),
        ({"key": "k", "expect_revision": True, **TO_V2}, "expect_revision"),
        ({"key": "k", "expect_revision": 1, "weights": {"v1": 50, "v2": 49}}, "sum to 99"),
        ({"key": "k", "expect_revision": 1, "weights": {"v1": 100, "v2": 0.0}}, "whole number"),
        ({"key": "k", "expect_revision": 1, "weights": {"v1": 150, "v2": -50}}, "whole number from 0 to 100"),
        ({"key": "k", "expect_revision": 1, "weights": {"v9": 100}}, "no weighted backend called 'v9'"),
        ({"key": "k", "expect_revision": 1, "weights": {"rules": 100}}, "no weighted backend called 'rules'"),
        ({"key": "k", "expect_revision": 1, "weights": [100]}, "weights: expected an object"),
        ({"key": "k", "expect_revision": 1, "bypass": {"region=fr": "rules"}}, "no slice called 'region=fr'"),
        ({"key": "k", "expect_revision": 1, "bypass": {"health=poor": ["v1"]}}, "no backend called ['v1']"),
        ({"key": "k", "expect_revision": 1, "bypass": {}}, "bypass: expected an object"),
        ({"key": "k", "expect_revision": 1, "paused": "v1"}, "paused: expected a list"),
        ({"key": "k", "expect_revision": 1, "paused": ["v1"]}, "no backend would be left"),
        ({"key": "k", "expect_revision": 1, "paused": ["v2"], "bypass": {"health=poor": "v2"}}, "v2 is paused"),
        ({"key": "k", "expect_revision": 1, **TO_V2, "wieghts": {}}, "unknown field 'wieghts'"),
    ],
)
def test_junk_is_refused_with_its_reasons(router: Router, ask: object, because: str) -> None:
    """Each mistake is named in a sentence; nothing changes."""
    answer = router.apply(ask)
    assert answer.status == 400
    assert any(because in reason for reason in answer.body["reasons"])
    assert router.revision == 1


def test_every_mistake_of_a_request_is_named_at_once(router: Router) -> None:
    """Three mistakes, three reasons."""
    assert len(router.apply({"weights": {"v1": 1}, "colour": 1}).body["reasons"]) == 4


@pytest.mark.parametrize("junk", ["", "[]", "{}", '{"revision": 3}', "{half"])
def test_an_unreadable_state_file_stops_the_start(path: Path, router_at: Open, junk: str) -> None:
    """The router never starts from settings it cannot know; the sentence names the file."""
    path.write_text(junk)
    with pytest.raises(Invalid, match=r"router\.json"):
        router_at(path)


def test_a_change_that_cannot_be_written_is_not_made(router: Router, path: Path) -> None:
    """The disk refuses: the caller gets the error and the router still routes as its file says."""
    path.mkdir()
    with pytest.raises(OSError, match=str(path.name)):
        router.apply({"key": "k", "expect_revision": 1, **TO_V2})
    assert router.revision == 1
    assert shares(router, "good") == {"v1": 1000}
    assert [entry.name for entry in path.parent.iterdir()] == ["router.json"]


def test_the_file_is_plain_json(router: Router, path: Path) -> None:
    """A person can read what the router keeps."""
    router.apply({"key": "k", "expect_revision": 1, **TO_V2})
    assert json.loads(path.read_text())["weights"] == {"v1": 0, "v2": 100}
