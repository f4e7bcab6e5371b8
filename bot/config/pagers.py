"""`pagers:` of tocsin.yaml: the channels that reach a person, in the order in which they are tried, with settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from bot.config.fit import Fitter
from bot.config.marks import Marked, kind_of
from bot.config.model import Slack
from bot.config.shelves import Models, settings_model

EXPECTED = "a pager's name, or one name with its settings: {email: {host: …}}"
SLACK = "slack"


def read_pagers(page: Marked, fitter: Fitter, models: Models, slack: Slack | None) -> dict[str, BaseModel]:
    """Each pager's settings by its name, in order; left out, Slack where it is on."""
    if page.get("pagers") is None:
        on = slack is not None and slack.mode != "off"
        return {SLACK: models("pagers", SLACK)()} if on else {}
    found: dict[str, BaseModel] = {}
    for index, name, settings in _entries(page):
        here = ("pagers", index)
        if not name:
            fitter.problems.append(page.problem(f"this is {_shown(page.get(*here))}", *here, expected=EXPECTED))
            continue
        if name in found:
            fitter.problems.append(page.problem(f"{name} stands here twice", *here, expected="each pager once"))
            continue
        if name == SLACK and slack is not None and slack.mode == "off":
            what = "Slack is off and is to page people"
            fitter.problems.append(page.problem(what, *here, expected="slack.mode: socket or http"))
        model = settings_model("pagers", name, page, here, models, fitter.problems)
        if settings is not None and not isinstance(settings, dict):
            what = f"the settings of {name} are {kind_of(settings)}"
            fitter.problems.append(page.problem(what, *here, name, expected="`key: value` lines"))
        elif model is not None and (made := fitter.fit(model, page, *here, name)) is not None:
            found[name] = made
    return found


def named_pagers(page: Marked, read: Mapping[str, BaseModel]) -> tuple[str, ...]:
    """Every name that stands there, those with mistakes included."""
    return tuple(dict.fromkeys((*read, *(name for _, name, _ in _entries(page) if name))))


def _entries(page: Marked) -> Iterator[tuple[int, str, Any]]:
    """Place, name and settings of each; the name is "" where it is none."""
    held = page.get("pagers")
    for index, entry in enumerate(held if isinstance(held, list) else ()):
        if isinstance(entry, dict) and len(entry) == 1 and isinstance(name := next(iter(entry)), str):
            yield index, name, entry[name]
        else:
            yield index, entry if isinstance(entry, str) else "", None


def _shown(entry: object) -> str:
    return f"a map of {len(entry)} names" if isinstance(entry, dict) else kind_of(entry)
