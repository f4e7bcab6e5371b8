"""What is told of a pod's template: no secret, whether it stands by itself or behind the flag that names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.actions import _pods as pods


def template(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "model", "image": "visits:v1", **container}]}}


@pytest.mark.parametrize("part", ["args", "command"])
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--api-token", "hunter2", "--port", "80"], ["--api-token", "…", "--port", "80"]),
        (["--api-token=hunter2"], ["--api-token=…"]),
        (["serve", "https://ana:hunter2@db"], ["serve", "…"]),
        (["--password", "--verbose"], ["--password", "--verbose"]),
        (["--workers", "2"], ["--workers", "2"]),
    ],
)
def test_a_secret_argument_is_hidden_wherever_it_is_shown(part: str, words: list[str], shown: list[str]) -> None:
    """In a refusal's patch as in a plan's diff; what is no secret stays readable."""
    (container,) = pods.hidden(template(**{part: words}))["spec"]["containers"]
    assert container[part] == shown
    (line,) = pods.changes(template(), template(**{part: words}))
    assert line == f"{part} of model: none → {' '.join(shown)}"
    assert "hunter2" not in json.dumps(container) + line


def test_every_variable_is_hidden_and_names_stay() -> None:
    """A value says nothing of itself, so none is shown."""
    shown = pods.hidden(template(env=[{"name": "A", "value": "x"}], args=[]))["spec"]["containers"][0]
    assert shown == {"name": "model", "image": "visits:v1", "env": [{"name": "A", "value": "…"}], "args": []}
