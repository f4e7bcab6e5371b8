"""The names of a regime's fields in other languages: `fields.de.yaml` beside its `regime.yaml`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.config.fit import closest, listing
from bot.config.regime_pages import Page
from bot.domain.errors import Invalid, Problem
from bot.notices.locales import LOCALES, known
from bot.notices.regime import Field


def read_labels(folder: Path, fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """The fields with every name those files give them. Raises Invalid with every problem of every file."""
    named, problems = dict(fields), list[Problem]()
    for path in sorted(folder.glob("fields.*.yaml")):
        tag = path.name.removeprefix("fields.").removesuffix(".yaml")
        if not known(tag):
            problems.append(
                Problem(str(path), 1, 1, f"{tag!r} is no language a field can be named in", listing(LOCALES))
            )
            continue
        try:
            page = Page(path)
        except Invalid as wrong:
            problems += wrong.problems
            continue
        for key, node in page.entries(page.root).items():
            label = page.text(node, node)
            if key not in named:
                page.wrong(node, f"the regime has no field {key!r}{closest(key, fields)}", listing(fields))
            elif not label:
                page.wrong(node, f"{key} is left without a name")
            else:
                named[key] = replace(named[key], labels={**named[key].labels, tag: label})
        problems += page.problems
    if problems:
        raise Invalid(problems)
    return named
