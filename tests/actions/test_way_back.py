"""The way back of a flag's change: exact whatever stood there, and it holds nothing that the change is not about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions import _strategies as flags
from bot.actions import _way_back as back
from bot.clients import jsontext
from tests.actions.fake_unleash import constraint, strategy

LEAVES = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", "c"])
STATES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=12,
)


@given(STATES, STATES)
def test_any_state_comes_back_from_any_other(now: Any, before: Any) -> None:
    """By steps that survive being written down as JSON; what is walked from stays as it was."""
    held = json.dumps(now)
    found = back.walked(now, json.loads(json.dumps(back.steps(now, before))))
    assert json.dumps(found, sort_keys=True) == json.dumps(before, sort_keys=True)
    assert json.dumps(now) == held


@given(st.text("ab{}", max_size=12), st.text("ab{}", max_size=12))
def test_any_text_comes_back_from_any_other(now: str, before: str) -> None:
    """Character by character."""
    assert back.pieced(now, json.loads(json.dumps(back.pieces(now, before)))) == before


@pytest.mark.parametrize("off", [True, False])
def test_a_slices_way_back_names_nobody_but_the_slice(off: bool) -> None:
    """Constraints on people and addresses beside it, before it and after it are not in what is kept."""
    ours = [] if off else [constraint("region", "de", "fr"), constraint("region", "fr")]
    rules = [constraint("userId", "user-17", "user-18"), *ours, constraint("remoteAddress", "10.0.0.9")]
    held = [strategy("a", constraints=rules), strategy("b", constraints=[*rules[::-1]], sortOrder=1)]
    before = json.loads(json.dumps(flags.state_of({"enabled": True, "strategies": held})))
    after = flags.with_slice(before, "region=fr", off=off)
    assert after != before
    way = back.steps(after, before)
    assert back.walked(after, way) == before
    assert not any(word in json.dumps(way) for word in ("user-1", "10.0.0.9", "userId", "remoteAddress", "de"))


@pytest.mark.parametrize("wrap", [True, False])
def test_a_rules_way_back_holds_that_rule_alone(wrap: bool) -> None:
    """Wrapped around the flag's own targeting, or taken away from around it: what stands inside is not kept."""
    own = '{"if": [{"in": [{"var": "email"}, ["ana@x.example"]]}, "v2", null]}'
    plain = f'{{"state": "ENABLED", "targeting": {own}, "defaultVariant": "v1"}}'
    rule = f'{{"if": [{{"==": [{{"var": "region"}}, "fr"]}}, "v1", {own}]}}'
    wrapped = jsontext.replaced(plain, ("targeting",), rule)
    now, before = (wrapped, plain) if wrap else (plain, wrapped)
    way = back.pieces(now, before)
    assert back.pieced(now, way) == before
    assert not any(word in json.dumps(way) for word in ("email", "ana@x.example"))
