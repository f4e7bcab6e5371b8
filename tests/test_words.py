"""Templates are strict about their words, kind to their readers, and never made of what came in from outside."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from bot.domain.errors import Invalid, NotFound
from bot.notices.checklist import GAP
from bot.notices.facts import AtLeast, Range
from bot.words import Words, column, house, undefined_words

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def folder(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name.replace('__', '.')}.j2").write_text(text, encoding="utf-8")
    return Words(tmp_path, shipped=tmp_path)


def test_values_are_filled_and_times_are_utc(tmp_path):
    """A time of any zone is shown in UTC and says so."""
    words = folder(tmp_path, note__md="{{ name }} at {{ at | utc }}, {{ places | listed }}, {{ sum | money('EUR') }}\n")
    moment = NOON.astimezone(timezone(timedelta(hours=5)))
    text = words.fill("note.md.j2", {"name": "Ada", "at": moment, "places": ["DE", "FR", "IT"], "sum": 1234567})
    assert text == "Ada at 2026-11-20 12:00 UTC, DE, FR and IT, 1 234 567 EUR\n"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Range(400, 600), "400 to 600"),
        (Range(NOON, NOON + timedelta(hours=1)), "2026-11-20 12:00 UTC to 2026-11-20 13:00 UTC"),
        (AtLeast(frozenset({"DE"})), "at least DE"),
        (frozenset({"b", "a"}), "a, b"),
        (("BaFin", "<b>"), "BaFin, \\<b\\>"),
        ({"TX": 2, "CA": 1}, "CA: 1, TX: 2"),
        (False, "no"),
        (0, "0"),
    ],
)
def test_a_fact_of_any_kind_stands_in_a_notice_as_people_say_it(tmp_path, value, says):
    """Always the same words for equal facts, so that a second look is no new version; markup in them stays letters."""
    words = folder(tmp_path, note__md="{{ value | or_gap('a') }}|{{ line | filled }}")
    line = {"label": "a", "state": "value", "value": value, "because": ""}
    assert words.fill("note.md.j2", {"value": value, "line": line}) == f"{says}|{says}"


def test_a_missing_value_is_a_visible_gap_and_an_unknown_word_an_error(tmp_path):
    """None is a gap; a word the context does not hold is named with file and line."""
    words = folder(
        tmp_path,
        gap__md="{{ a | or_gap('affected persons') }} {{ b.c | or_gap('c') }} {{ d }}",
        bad__md="one\n{{ nobody }}",
    )
    text = words.fill("gap.md.j2", {"a": None, "b": {}, "d": None})
    assert (
        text
        == "[[ not yet investigated: affected persons ]] [[ not yet investigated: c ]] [[ not yet investigated: a value ]]"
    )
    with pytest.raises(Invalid) as wrong:
        words.fill("bad.md.j2", {})
    assert (wrong.value.problems[0].file, wrong.value.problems[0].line) == (str(tmp_path / "bad.md.j2"), 2)
    assert "'nobody' is undefined" in wrong.value.problems[0].what


@pytest.mark.parametrize(
    ("source", "line"),
    [("one\n{{ 'x' | no_such_filter }}", 2), ("{% if %}", 1), ("a\nb\n{{ at | utc }}", 3), ("{{ 1 / name }}", 1)],
)
def test_a_wrong_template_names_file_and_line(tmp_path, source, line):
    """Syntax, filters and values that do not fit all come as one kind of error."""
    words = folder(tmp_path, t__md=source)
    with pytest.raises(Invalid) as wrong:
        words.fill("t.md.j2", {"at": "no time", "name": "x"})
    assert wrong.value.problems[0].file.endswith("t.md.j2")
    assert wrong.value.problems[0].line == line


def test_a_template_that_is_not_there_is_answered_with_what_there_is(tmp_path):
    """No way leads out of the folders either."""
    words = folder(tmp_path, t__md="x")
    for name in ("u.md.j2", "../secret", "/etc/hostname"):
        with pytest.raises(NotFound, match=r"there is t\.md\.j2"):
            words.fill(name, {})


def test_markdown_values_stay_letters_and_html_values_are_escaped(tmp_path):
    """What came in from outside has no markup of its own, on a page or in a notice."""
    words = folder(tmp_path, m__md="So:\n{{ x }}\n", p__html="<p>{{ x }}{{ none }}</p>{{ gap('who', x) }}")
    assert words.fill("m.md.j2", {"x": "# a\n2. b & &#91; _c_ snake_case\x00\u202e"}) == (
        "So:\n\\# a\n2\\. b & \\&#91; \\_c\\_ snake_case\n"
    )
    page = words.fill("p.html.j2", {"x": "<script>", "none": None})
    assert page.startswith("<p>&lt;script&gt;</p>")
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("- {{ x }}\n", "- a - b\n"),
        ("{{ x }} and\n", "a - b and\n"),
        ("{{ x }}{% if x %}, and{% endif %}\n", "a - b, and"),
        ("{% for each in [x] %}\n{{ each }}{{ y }}\n{% endfor %}", "a - bc\n"),
        ("| {{ x | or_gap('x') }} |\n", "| a - b |\n"),
        ("see {% if x %}\n{{ x }}\n{% endif %}", "see a - b\n"),
        ("{{ x }}\n", "a\n\n\\- b\n"),
        ("{% if x %}\n{{ x }}\n{% endif %}\n", "a\n\n\\- b\n"),
        ("- {{ h }}, so {{ h }}", "- \\# h, so # h"),
        ("{% if y %}so {% endif %}{{ h }}", "so \\# h"),
        ("- {{ ['one\ntwo', x] | listed }}", "- one two and a - b"),
    ],
)
def test_a_value_in_a_line_stays_on_that_line(tmp_path, source, text):
    """Only a value alone on its line may bring paragraphs, so a title cannot put words of its own below itself."""
    assert folder(tmp_path, m__md=source).fill("m.md.j2", {"x": "a\n\n- b", "y": "c", "h": "# h"}) == text


def test_what_nobody_sees_is_not_in_the_words(tmp_path):
    """An approval is of what was read: hidden letters go, the joiners that scripts need stay, ends of lines are ends."""
    words = folder(tmp_path, m__md="{{ x }}\n")
    hidden = "\x00\x1b\x7f\x9f\u00ad\u200b\u202e\u2060\u2066\ufeff\ufff9\ud800\U000e0041"
    assert words.fill("m.md.j2", {"x": f"a{hidden}b\u200cc\u2028d\x85e\r\nf"}) == "ab\u200cc\nd\ne\nf\n"


def test_a_value_cannot_play_a_gap_once_markdown_was_read(tmp_path):
    """Two brackets in a row are set apart, also where something unseen stood between them."""
    words = folder(tmp_path, m__md="{{ x }}\n{{ gap('who', x) }}\n")
    text = words.fill("m.md.j2", {"x": "[\x90[ unknown: a ]\x00] [[[ b ]]]"})
    assert GAP.findall(text.replace("\\", "")) == ["[[ unknown: who ([ [ unknown: a ] ] [ [ [ b ] ] ]) ]]"]


def test_ranges_maps_and_answers_are_told_in_words(tmp_path):
    """No value shows the programming language it is kept in, and none of its letters is markup."""
    words = folder(tmp_path, m__md="{{ a }}|{{ b }}|{{ c }}|{{ d }}|{{ e }}|{{ f | or_gap('f') }}|{{ g }}")
    given = {"a": Range(400, 12600), "b": AtLeast(frozenset({"FR", "DE"})), "c": {"<b>": 3}, "d": True, "e": 12.5}
    text = words.fill("m.md.j2", given | {"f": date(2026, 12, 1), "g": frozenset({"*x*"})})
    assert text == "400 to 12 600|at least DE, FR|\\<b\\>: 3|yes|12.5|1 December 2026|\\*x\\*"


LOCAL = (
    "{{ at | utc }}; {{ at | day }}; {{ sum | money('EUR') }}; {{ n | or_gap('n') }}; {{ 0.5 }}; {{ places | listed }};"
    " {{ yes }}; {{ none | or_gap('Ursache') }}; {{ gap('wer', 'offen') }}\n"
)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (
            "",
            (
                "2026-11-20 12:00 UTC; 20 November 2026; 12 500 EUR; 43 000; 0.5; DE, FR and IT; yes; "
                "[[ not yet investigated: Ursache ]]; [[ unknown: wer (offen) ]]\n"
            ),
        ),
        (
            "de",
            (
                "20.11.2026 12:00 UTC; 20. November 2026; 12.500 EUR; 43.000; 0,5; DE, FR und IT; ja; "
                "[[ noch nicht untersucht: Ursache ]]; [[ unbekannt: wer (offen) ]]\n"
            ),
        ),
        (
            "fr",
            (
                "20/11/2026 12:00 UTC; 20 novembre 2026; 12 500 EUR; 43 000; 0,5; DE, FR et IT; oui; "
                "[[ pas encore examiné: Ursache ]]; [[ inconnu: wer (offen) ]]\n"
            ),
        ),
    ],
)
def test_dates_and_figures_follow_the_language_of_the_template(tmp_path, tag, text):
    """A template in German counts and dates as German does, and its gaps are gaps as well."""
    (tmp_path / (f"m.{tag}.md.j2" if tag else "m.md.j2")).write_text(LOCAL, encoding="utf-8")
    given = {"at": NOON, "sum": 12500, "n": 43000, "places": ["DE", "FR", "IT"], "yes": True, "none": None}
    made = Words(tmp_path, shipped=tmp_path).fill("m.md.j2", given, tag)
    assert made == text
    assert len(GAP.findall(made)) == 2


def test_a_locale_chooses_its_file_and_falls_back(tmp_path):
    """The region, then the language, then the template in no particular language; the own folder before the shipped."""
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for place, files in ((own, ("a.de-AT", "b.de")), (shipped, ("a", "a.de", "b", "b.de"))):
        (place / "s").mkdir(parents=True)
        for name in files:
            (place / "s" / f"{name}.md.j2").write_text(f"{place.name} {name} {{{{ 0.5 }}}}", encoding="utf-8")
    (shipped / "s" / "_part.de.md.j2").write_text("", encoding="utf-8")
    words = Words(own, shipped=shipped)
    assert words.fill("s/a.md.j2", {}, "de-AT") == "own a.de-AT 0,5"
    assert words.fill("s/a.md.j2", {}, "de-CH") == "shipped a.de 0,5"
    assert words.fill("s/a.md.j2", {}, "fr") == "shipped a 0.5"
    assert words.fill("s/b.md.j2", {}, "de") == "own b.de 0,5"
    assert words.fill("s/b.de.md.j2", {}) == "own b.de 0,5"
    assert words.locales("s/a.md.j2") == ("de", "de-AT")
    assert list(words.inside("s")) == ["a", "a.de", "a.de-AT", "b", "b.de"]


def test_a_value_is_never_read_as_a_template(tmp_path):
    """Braces in an alert stay braces, and templates cannot reach into Python."""
    words = folder(tmp_path, m__md="{{ x }}", bad__md="{{ x.__class__.__mro__ }}")
    assert words.fill("m.md.j2", {"x": "{{ 7 + 7 }}"}) == "{{ 7 + 7 }}"
    with pytest.raises(Invalid):
        words.fill("bad.md.j2", {"x": "y"})


def test_the_configured_folder_wins_over_what_is_shipped(tmp_path):
    """An organisation replaces one template and keeps the others."""
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for place, text in ((own, "ours"), (shipped, "theirs")):
        place.mkdir()
        (place / "a.md.j2").write_text(text, encoding="utf-8")
    (shipped / "b.md.j2").write_text("b", encoding="utf-8")
    words = Words(own, shipped=shipped)
    assert (words.fill("a.md.j2", {}), words.fill("b.md.j2", {})) == ("ours", "b")
    assert words.path("a.md.j2") == own / "a.md.j2"
    assert words.names() == ["a.md.j2", "b.md.j2"]


def test_undefined_words_are_listed_with_their_lines(tmp_path):
    """A check can name every word a template will not be given, without filling it."""
    path = tmp_path / "t.md.j2"
    path.write_text(
        "{{ incident.title }}\n{{ incident.tilte }} {{ incident['sevrity'] }}\n"
        "{% for x in actions %}{{ x.what }}{% endfor %}\n{{ typo | sparkle }}\n{{ facts.anything }}\n",
        encoding="utf-8",
    )
    allowed = {"incident": {"title"}, "actions": (), "facts": ()}
    assert [(each.word, each.line) for each in undefined_words(path, allowed)] == [
        ("incident.tilte", 2),
        ("incident.sevrity", 2),
        ("typo", 4),
        ("sparkle", 4),
    ]


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("typo: {{ typo }}", [("typo", 1, 10)]),
        ("{{ 'typo' ~ \"typo\" ~ typo }}", [("typo", 1, 22)]),
        ("{# {{ typo }} #}{{ facts.typo }} {{typo}}", [("typo", 1, 36)]),
        ("{{ incident.title }} {{ incident['tilte'] }}", [("incident.tilte", 1, 25)]),
        ("a\r\n{% if incident . tilte %}\n{{ 1 | sparkle }}{% endif %}", [("incident.tilte", 2, 7), ("sparkle", 3, 8)]),
        ("{{ incident\n.tilte }}", [("incident.tilte", 2, 1)]),
    ],
)
def test_an_undefined_word_has_a_column(tmp_path, source, columns):
    """The word itself is pointed at, not its like in the text, in quotes or in a comment."""
    path = tmp_path / "t.md.j2"
    path.write_bytes(source.encode())
    found = undefined_words(path, {"incident": {"title"}, "facts": ()})
    assert [(each.word, each.line, column(path, each.word, each.line)) for each in found] == columns


def test_undefined_words_of_a_broken_template_name_the_line(tmp_path):
    """What cannot be parsed is a problem of its own."""
    path = tmp_path / "t.md.j2"
    path.write_text("ok\n{% for %}", encoding="utf-8")
    with pytest.raises(Invalid) as wrong:
        undefined_words(path, {})
    assert (wrong.value.problems[0].file, wrong.value.problems[0].line) == (str(path), 2)


def test_the_house_is_the_checkout_before_the_installed_copy(tmp_path):
    """A stale copy left by an editable install is not read."""
    package = tmp_path / "bot"
    (package / "_data" / "templates").mkdir(parents=True)
    assert house(package) == package / "_data"
    (tmp_path / "templates").mkdir()
    assert house(package) == package / "_data"
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    assert house(package) == tmp_path
    with pytest.raises(NotFound, match="templates"):
        house(tmp_path / "nowhere" / "bot")
