"""What a stakeholder template says of itself: what it is called and whom it is for."""

import pytest

from bot.notices.audience import audience, audience_problems

GOOD = "{#---\ntitle: Regional press\naudience: one sentence, confirmed\n---#}\n# Words\n"


def told(source):
    return [(problem.line, problem.what) for problem in audience_problems(source, "x.md.j2")]


def test_a_template_is_called_as_it_says():
    """Its title, and behind a colon whom it is for, as a list of choices shows both."""
    assert str(audience(GOOD, "press_south")) == "Regional press: one sentence, confirmed"
    assert told(GOOD) == []


def test_a_template_that_says_nothing_is_called_by_its_file():
    """An organisation may drop a bare file into the folder; a comment in prose is no mistake."""
    for source in ("# Words", "{# For the south. Note: short #}\n# Words", ""):
        assert str(audience(source, "press_south")) == "Press south"
        assert told(source) == []


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("{#---\ntitel: X\n---#}\n", [(2, "'titel' says nothing")]),
        ("\n\n{#---\ntitle: X\n\ntitle: Y\n---#}\n", [(6, "'title' stands here twice")]),
        ("{#---\ntitle:\naudience: a\n---#}\n", [(2, "'title' says nothing")]),
        ("{#---\njust words\n---#}\n", [(2, "'just words' says nothing")]),
        ("{#---\ntitle: A: B\n---#}\n", [(2, "the title cannot be shown")]),
        (f"{{#---\naudience: {'x' * 76}\n---#}}\n", [(2, "the audience cannot be shown")]),
        ("{#---\ntitle: X #}\n# Words\n", [(1, "what the template says of itself does not end")]),
    ],
)
def test_what_means_nothing_there_is_told_with_its_line(source, problems):
    """A key nobody knows, one that says nothing or twice, words too long for a list, an end that is missing."""
    found = told(source)
    assert [line for line, _ in found] == [line for line, _ in problems]
    assert all(what.startswith(begins) for (_, what), (_, begins) in zip(found, problems, strict=True))
