"""Each kind of mistake is named with file, line and column, what is wrong, and what was expected."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.config.folder import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


# (what is changed: file, old, new; where it is told: the letters that begin there; what is said)
MISTAKES = {
    "unknown key": ("tocsin.yaml", "  every: 5s", "  evry: 5s", "evry", "unknown key 'evry'; did you mean 'every'?"),
    "unknown top key": ("tocsin.yaml", "regimes:", "regime:", "regime:", "unknown key 'regime'; did you mean 'regimes'?"),
    "wrong type": ("tocsin.yaml", "poll:", "web: {port: high}\npoll:", "high", "port is 'high'"),
    "number for text": ("tocsin.yaml", "name: Example Ltd", "name: 12", "12\n", "name is 12"),
    "list for a map": ("tocsin.yaml", "poll:\n  every: 5s", "poll: [5s]", "[5s]", "poll is a list"),
    "no unit": ("tocsin.yaml", "every: 5s", "every: 5", "5\npolicy", "5 has no unit"),
    "no length": ("tocsin.yaml", "every: 5s", "every: soon", "soon", "'soon' is no length of time"),
    "norway": ("tocsin.yaml", "country: 'DE'", "country: NO", "NO\n", "country was read as false: YAML takes yes, no, on and off for true and false"),
    "unknown zone": ("tocsin.yaml", "  country: 'DE'", "  timezone: Mars/Base", "Mars", "there is no time zone 'Mars/Base' (expected an IANA name such as Europe/Berlin)"),
    "plain secret": ("tocsin.yaml", "bot_token: {env: BOT_TOKEN}", "bot_token: xoxb-0", "xoxb-0", "a secret must be a reference: bot_token is written out here"),
    "plain secret of a source": ("tocsin.yaml", "token: {env: PROM_TOKEN}", "token: hush", "hush", "a secret must be a reference: token is written out here"),
    "plain secret of a target": ("services/scoring.yaml", "{env: ROUTER_TOKEN}", "hush", "hush", "a secret must be a reference: token is written out here"),
    "missing secret": ("tocsin.yaml", "{env: BOT_TOKEN}", "{env: NOT_SET}", "{env: NOT_SET}", "missing secret: the environment has no NOT_SET"),
    "missing secret file": ("tocsin.yaml", "{env: BOT_TOKEN}", "{file: no/where}", "{file: no", "missing secret: the file no/where cannot be read: No such file or directory"),
    "password in the database's address": ("tocsin.yaml", "poll:", "database: {url: 'postgresql://t:pw@db/t'}\npoll:", "'postgresql", "a secret must be a reference: the database's password is written out here"),
    "unknown database": ("tocsin.yaml", "poll:", "database: {url: 'mysql://db/t'}\npoll:", "'mysql", "the database address begins with none of sqlite, sqlite+aiosqlite, postgresql, postgresql+psycopg"),
    "mode without its tokens": ("tocsin.yaml", "  app_token: {env: APP_TOKEN}\n", "", "mode: socket", "mode socket needs app_token, each a reference such as {env: NAME}"),
    "emoji of two meanings": ("tocsin.yaml", "  team: T0EXAMPLE", "  team: T0EXAMPLE\n  emoji:\n    timeline: [pushpin, eyes]\n    finding: [mag, eyes]", "eyes]\n  bot_token", "the emoji 'eyes' means timeline already"),
    "emoji of the default's meaning": ("tocsin.yaml", "  team: T0EXAMPLE", "  team: T0EXAMPLE\n  emoji:\n    timeline: [':mag::skin-tone-2:']", "':mag:", "the emoji 'mag' means finding already"),
    "emoji that is the bot's own": ("tocsin.yaml", "  team: T0EXAMPLE", "  team: T0EXAMPLE\n  emoji:\n    followup: [heavy_check_mark]", "heavy_check", "heavy_check_mark is the tick Tocsin itself puts on what was kept"),
    "emoji that is none": ("tocsin.yaml", "  team: T0EXAMPLE", "  team: T0EXAMPLE\n  emoji:\n    followup: ['to do']", "'to do'", "'to do' is no emoji's name (expected one such as pushpin)"),
    "unknown emoji meaning": ("tocsin.yaml", "  team: T0EXAMPLE", "  team: T0EXAMPLE\n  emoji:\n    followups: [memo]", "followups", "unknown key 'followups'; did you mean 'followup'?"),
    "tokens in the clear": ("tocsin.yaml", "  team: T0EXAMPLE", "  team: T0EXAMPLE\n  api_url: http://slack.example.com", "http://slack", "'http://slack.example.com' would send tokens in the clear (expected https://…, or http to this machine)"),
    "unknown source kind": ("tocsin.yaml", "kind: prometheus", "kind: promethius", "promethius", "there is no source 'promethius'; did you mean 'prometheus'?"),
    "source without a kind": ("tocsin.yaml", "    kind: prometheus\n", "", "url: http", "the source 'prom' does not say its kind"),
    "setting of a source": ("tocsin.yaml", "    token: {env: PROM_TOKEN}", "    tokn: {env: PROM_TOKEN}", "tokn", "unknown key 'tokn'; did you mean 'token'?"),
    "unknown pager": ("tocsin.yaml", "regimes:", "pagers: [slak]\nregimes:", "slak]", "there is no pager 'slak'; did you mean 'slack'?"),
    "unknown regime": ("tocsin.yaml", "eu_gdpr_art33", "eu_gdpr_ar33", "eu_gdpr_ar33", "there is no regime 'eu_gdpr_ar33'; did you mean 'eu_gdpr_art33'?"),
    "unknown role": ("tocsin.yaml", "['@ada']", "[aprover]", "aprover", "there is no role 'aprover'; did you mean 'approver'?"),
    "unknown action": ("services/scoring.yaml", "action: router", "action: ruter", "ruter", "there is no action 'ruter'; did you mean 'router'?"),
    "setting of an action": ("services/scoring.yaml", "drain: 2m", "drian: 2m", "drian", "unknown key 'drian'; did you mean 'drain'?"),
    "unknown evidence": ("services/scoring.yaml", "drift:", "drfit:", "drfit", "there is no evidence 'drfit'; did you mean 'drift'?"),
    "setting of evidence": ("services/scoring.yaml", "rows: 500", "rows: many", "many", "rows is 'many'"),
    "unknown runbook": ("services/scoring.yaml", "[own]", "[owm]", "owm", "there is no runbook 'owm'; did you mean 'own'?"),
    "unknown person": ("services/scoring.yaml", "[ada, ben]", "[ada, bne]", "bne", "there is no person 'bne'; did you mean 'ben'?"),
    "person who cannot be reached": ("people.yaml", "  email: ben@example.com\n", "", "services/scoring.yaml:5:16", "ben is on call and cannot be reached"),
    "unknown dependency": ("services/scoring.yaml", "[features]", "[featuers]", "featuers", "there is no service 'featuers'; did you mean 'features'?"),
    "service that depends on itself": ("services/scoring.yaml", "[features]", "[scoring]", "scoring]", "scoring depends on itself: scoring → scoring"),
    "circle of services": ("services/features.yaml", "owner: data", "owner: data\ndepends_on: [scoring]", "scoring]", "features depends on itself: features → scoring → features"),
    "unknown objective": ("services/scoring.yaml", "tier: 1", "tier: 1\nslos: [scoring-answer]", "scoring-answer]", "there is no objective 'scoring-answer'; did you mean 'scoring-answers'?"),
    "objective of another": ("services/features.yaml", "owner: data", "owner: data\nslos: [scoring-answers]", "scoring-answers", "the objective 'scoring-answers' is of scoring, not of features"),
    "offer without its target": ("services/scoring.yaml", "target: live", "target: lvie", "lvie", "there is no target 'lvie'; did you mean 'live'?"),
    "unknown means": ("services/scoring.yaml", "means: rollback", "means: rolback", "rolback", "means is 'rolback'"),
    "label too long": ("services/scoring.yaml", "Go back", "G" * 76, "G" * 76, f"label is '{'G' * 56}…"),
    "offer twice": ("services/scoring.yaml", "    params: {to: v1}\n", "  - {name: back, label: B, means: bypass, target: live}\n", "back, label", "the offer 'back' stands here twice"),
    "unknown fact": ("services/scoring.yaml", "ai_system:", "ai_sistem:", "ai_sistem", "there is no fact 'ai_sistem'; did you mean 'ai_system'?"),
    "fact of the wrong type": ("services/scoring.yaml", "ai_system: true", "ai_system: perhaps", "perhaps", "ai_system: "),
    "fact of no kind": ("services/scoring.yaml", "ai_system: true", "ai_system: [1]", "[1]", "ai_system: "),
    "service twice": ("services/features.yaml", "name: features", "name: scoring", "services/scoring.yaml:1:7", "the service 'scoring' stands in "),
    "offer a runbook names": ("services/scoring.yaml", "  - name: back\n", "  - name: beck\n", "own]", "the runbook 'own' offers 'back', which scoring does not have"),
    "objective's service": ("slos/scoring.yaml", "service: scoring", "service: scorign", "scorign", "the objective 'scoring-answers' names the service 'scorign', which is not there; did you mean 'scoring'?"),
    "objective's runbook": ("slos/scoring.yaml", "tocsin.dev/runbook: own", "tocsin.dev/runbook: onw", "onw", "the objective 'scoring-answers' names the runbook 'onw', which is not there; did you mean 'own'?"),
    "unreachable threshold": ("slos/scoring.yaml", "target: 0.99", "target: 0.9", "{target", "tier 'fast' fires at 14.4× but even a total outage burns only 10×: it can never fire"),
    "step's objective": ("runbooks/own.md", "{slo: scoring-answers}", "{slo: scoring-anwsers}", "scoring-anwsers", "there is no objective 'scoring-anwsers'; did you mean 'scoring-answers'?"),
    "step's person": ("runbooks/own.md", "{person: ada}", "{person: adda}", "adda", "there is no person 'adda'; did you mean 'ada'?"),
    "person's role": ("people.yaml", "[responder, approver]", "[responder, aprover]", "aprover", "this is 'aprover'"),
    "person without a name": ("people.yaml", "  name: Ada\n", "", "roles:", "'name' is missing"),
    "person's account": ("people.yaml", "U0ADA", "ada", "people.yaml:4:17", "user is 'ada'"),
    "duplicate key": ("people.yaml", "  email: ben@", "  name: Bob\n  email: ben@", "name: Bob", "'name' stands here twice, first in line 6"),
    "syntax": ("people.yaml", "roles: [responder, approver]", "roles: [responder, approver", "people.yaml:4:8", "is not YAML here: expected ',' or ']', but got ':'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_told_with_its_place(folder, kind):
    """The one place that must be corrected, by file, line and column, and what is wrong there."""
    name, old, new, needle, what = MISTAKES[kind]
    folder.change(name, old, new)
    told = folder.told()
    assert len(told) == 1, told
    where = needle if ".yaml:" in needle else folder.place(name, needle)
    assert told[0].startswith(f"{where}: {what}")


def only(folder):
    (problem,) = folder.problems()
    return str(problem).removeprefix(f"{folder.root}/")


def test_what_was_expected_is_said(folder):
    """The whole line, as an editor jumps to it and a person reads it."""
    folder.change("tocsin.yaml", "every: 5s", "every: 5")
    assert only(folder) == (
        "tocsin.yaml:16:10: 5 has no unit (expected a length of time with its unit, such as 15s, 5m, 4h or 30d)"
    )


def test_an_unknown_source_lists_what_there_is(folder):
    """A name that is on no shelf is answered with the shelf."""
    folder.change("tocsin.yaml", "kind: prometheus", "kind: graphite")
    assert only(folder) == "tocsin.yaml:12:11: there is no source 'graphite' (expected openmetrics, prometheus)"


def test_an_objectives_source_must_be_there(folder):
    """Both selectors name the same unknown source; it is one problem."""
    text = folder.text("slos/scoring.yaml").replace("metricSourceRef: prom", "metricSourceRef: pram")
    folder.write("slos/scoring.yaml", text)
    assert only(folder) == (
        "slos/scoring.yaml:18:30: the objective 'scoring-answers' names the source 'pram', which is not there; "
        "did you mean 'prom'? (expected prom)"
    )


def test_a_ratio_that_goes_empty_without_errors_is_told(folder):
    """A counter of failures that does not exist yet cannot be told from a misspelt name."""
    folder.change("slos/scoring.yaml", "        good:", "        bad:")
    (problem,) = folder.problems()
    assert f"{problem.line}:{problem.column}" == folder.place("slos/scoring.yaml", "bad:").partition(":")[2]
    assert "missing-bad" in problem.expected


def test_overlapping_slices_are_told(folder):
    """Two objectives that would count the same failure twice."""
    text = folder.text("slos/scoring.yaml")
    one = text.replace("tocsin.dev/runbook: own", "tocsin.dev/slice: health=poor")
    two = text.replace("tocsin.dev/runbook: own", "tocsin.dev/slice: health=poor|fair").replace(
        "name: scoring-answers", "name: scoring-two"
    )
    folder.write("slos/scoring.yaml", one + "---\n" + two)
    folder.change("runbooks/own.md", "    params: {slo: scoring-answers}\n", "")
    told = only(folder)
    assert told.startswith(folder.place("slos/scoring.yaml", "scoring-two") + ": slices overlap")


def test_a_template_with_an_undefined_word_is_told(folder):
    """A notice that would fail on the worst day fails today, at the line of the word."""
    folder.write("templates/stakeholders/mine.md.j2", "# {{ incident.title }}\n\nCause: {{ incident.becuase }}\n")
    assert only(folder).startswith("templates/stakeholders/mine.md.j2:3:11: 'incident.becuase' is no word")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("stakeholders/mine.md.j2", "{#---\ntitle: Mine\ntitel: x\n---#}\n", "3:1: 'titel' says nothing of a template"),
        ("stakeholders/mine.xx.md.j2", "# x\n", "1:1: 'xx' is no language a template can be in"),
        ("stakeholders/mine.de.md.j2", "# {{ incident.tilte }}\n", "1:6: 'incident.tilte' is no word"),
        ("stakeholders/mine.md.j2", "# {{ notice.cited }}\n", "1:6: 'notice' is no word"),
        ("stakeholders/mine.md.j2", "# {{ facts.detahs }}\n", "1:6: 'facts.detahs' is no word"),
        ("notices/eu_gdpr_art33/sa_notification.fr.md.j2", "{{ fields.cuase }}", "1:4: 'fields.cuase' is no word"),
        ("notices/eu_gdpr_art33/sa_notification.xx.md.j2", "# x\n", "1:1: 'xx' is no language a template can be in"),
    ],
)
def test_a_template_that_says_something_wrong_of_itself_is_told(folder, name, text, told):
    """Its title, its language and its words are looked at before anybody asks for it."""
    folder.write(f"templates/{name}", text)
    assert only(folder).startswith(f"templates/{name}:{told}")


@pytest.mark.parametrize(
    ("given", "what", "expected"),
    [("0s", "every is 0s", "at least 100ms"), ("90m", "every is 1h30m", "at most 1h"), ("50ms", "every is 50ms", "at")],
)
def test_a_length_out_of_bounds_is_told_as_people_write_lengths(folder, given, what, expected):
    """Neither microseconds nor a programming language's names."""
    folder.change("tocsin.yaml", "every: 5s", f"every: {given}")
    (problem,) = folder.problems()
    assert problem.what == what
    assert problem.expected.startswith(expected)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("stakeholders/update", "{% for f in followups %}\n- {{ f.wat }}{% endfor %}", "2:6: 'f.wat' is no word"),
        (
            "stakeholders/update",
            "{% for f in followups | sort(attribute='due') if f.wen %}{{ f.what }}{% endfor %}",
            "1:50: 'f.wen' is no word",
        ),
        ("stakeholders/update", "{{ incident.title | sparkle }}", "1:21: 'sparkle' is no filter a template knows"),
        ("stakeholders/update", "a\n{{ incident.mitigated | utc }}", "2:1: None is no time with a zone"),
        ("stakeholders/update", "{{ (followups | first).wat }}", "1:1: "),
        ("stakeholders/update", "{{ incident.acknowledged | day }}", "1:1: "),
        ("notices/eu_gdpr_art33/sa_notification", "{{ facts.awaer_at }}", "1:4: 'facts.awaer_at' is no word"),
        ("notices/eu_gdpr_art33/sa_notification", "{{ fields.cause.lable }}", "1:1: "),
    ],
)
def test_a_template_that_could_not_be_filled_is_told(folder, name, text, told):
    """Words a loop gives, parts deeper down, and values that may be missing: each would fail a notice at night."""
    folder.write(f"templates/{name}.md.j2", text)
    assert only(folder).startswith(f"templates/{name}.md.j2:{told}")


def test_a_loops_word_means_what_the_innermost_loop_gives(folder):
    """The same letter for two lists is no mistake, and what is left outside is."""
    text = "{% for x in actions %}{{ x.by }}{% for x in followups %}{{ x.owner }}{% endfor %}{{ x.what }}{% endfor %}"
    folder.write("templates/stakeholders/update.md.j2", text)
    assert folder.problems() == []
    folder.write("templates/stakeholders/update.md.j2", text.replace("x.what", "x.owner"))
    assert "'x.owner' is no word" in only(folder)


def test_an_own_template_may_use_what_the_shipped_one_uses(folder):
    """Taking the place of a shipped template brings no complaint about the words that one has."""
    from bot.words import house

    for name in ("postmortem.md.j2", "stakeholders/update.md.j2"):
        folder.write(f"templates/{name}", (house() / "templates" / name).read_text())
    assert folder.problems() == []


def test_an_own_regime_is_read_and_complained_about(folder):
    """A regime in the folder's templates is checked like a shipped one."""
    folder.write("templates/notices/my_rule/regime.yaml", "id: my_rule\nname: Mine\n")
    problems = folder.problems()
    assert problems
    assert all("my_rule" in problem.file for problem in problems)


def test_every_mistake_is_told_at_once(folder):
    """One look shows all there is to correct, in the order of the files."""
    folder.change("tocsin.yaml", "every: 5s", "evry: 5s")
    folder.change("services/scoring.yaml", "action: router", "action: ruter")
    folder.change("people.yaml", "[responder, approver]", "[boss]")
    folder.change("slos/scoring.yaml", "target: 0.99", "target: 2")
    folder.change("runbooks/own.md", "kind: act", "kind: dance")
    told = folder.told()
    assert [line.partition(":")[0] for line in told] == [
        "people.yaml",
        "runbooks/own.md",
        "services/scoring.yaml",
        "slos/scoring.yaml",
        "tocsin.yaml",
    ]


def test_one_mistake_does_not_make_others_up(folder):
    """A service whose file has a mistake is still there for those who name it."""
    folder.change("services/features.yaml", "owner: data", "owner: 3")
    assert folder.told() == ["services/features.yaml:2:8: owner is 3"]


def test_no_complaint_shows_a_secret(folder):
    """A value that came from outside and does not fit is not repeated."""
    folder.change("tocsin.yaml", "poll:", "web: {port: {env: BOT_TOKEN}}\npoll:")
    (problem,) = folder.problems()
    assert "xoxb" not in str(problem)
    assert "not shown" in problem.what


def test_a_name_may_not_come_from_outside(folder):
    """Names tie the files together; one that came from outside would be told in complaints."""
    folder.change("services/scoring.yaml", "[ada, ben]", "[ada, {env: BOT_TOKEN}]")
    folder.change("tocsin.yaml", "[eu_gdpr_art33]", "[{env: BOT_TOKEN}]")
    assert folder.told() == [
        "services/scoring.yaml:5:16: this is a map",
        "tocsin.yaml:21:11: there is no regime of that name",
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00", "is not text"),
        (b"- a\n- b\n", "this is a list"),
        (b"a: 1\n---\nb: 2\n", "a second document begins here"),
        (b"a: [1, 2\n", "is not YAML here"),
        (b"a: *nowhere\n", "is not YAML here"),
        (b"? [a]\n: 1\n", "a key is a list or a map"),
    ],
)
def test_junk_is_a_complaint(folder, content, what):
    """Whatever the file holds, the answer names it and says what it should be."""
    (folder.root / "tocsin.yaml").write_bytes(content)
    assert any(what in str(problem) for problem in folder.problems())


def test_a_file_that_is_not_there_is_named(folder):
    """The first thing a newcomer does wrong: what makes one is said, and how another is named."""
    (folder.root / "tocsin.yaml").unlink()
    (problem,) = folder.problems()
    assert problem.what == "is not there"
    assert problem.expected.startswith("what `tocsin init FOLDER` writes to begin from; `-c FILE`")


def test_an_unsafe_address_from_the_environment_is_refused(folder):
    """Tokens would travel in the clear to a machine that is not this one."""
    folder.environ["TOCSIN_SLACK_API_URL"] = "http://elsewhere.example.com/api"
    assert "TOCSIN_SLACK_API_URL" in only(folder)


def test_a_slack_account_has_one_person(folder):
    """Two people behind one account could approve what they proposed."""
    folder.change("people.yaml", "  email: ben@example.com", "  slack: {user: U0ADA}")
    assert only(folder).startswith("people.yaml:7:17: U0ADA is ada's Slack account already, in line 4")


def test_an_account_without_a_workspace_may_be_anybodys(folder):
    """An account that names no team could be of the other's: that is told beside the team that is missing."""
    folder.change("tocsin.yaml", "  team: T0EXAMPLE\n", "")
    folder.change("people.yaml", "  email: ben@example.com", "  slack: {team: T1, user: U0ADA}")
    assert [line.partition(": ")[2] for line in folder.told()] == [
        "ada's Slack account names no workspace",
        "U0ADA is ada's Slack account already, in line 4",
    ]


def test_the_same_id_in_two_workspaces_is_two_people(folder):
    """Slack numbers each workspace's members apart."""
    folder.change("people.yaml", "  email: ben@example.com", "  slack: {team: T1, user: U0ADA}")
    assert folder.told() == []


def test_a_mail_address_has_one_person(folder):
    """Two keys for one human could approve what they proposed; capitals do not make another address."""
    folder.change("people.yaml", "  slack: {user: U0ADA}\n", "  slack: {user: U0ADA}\n  email: Ben@Example.com\n")
    assert only(folder) == (
        "people.yaml:8:10: ben@example.com is ada's mail address already, in line 5 (expected one person for each address)"
    )


def test_an_account_needs_its_workspace(folder):
    """Without a team the same id could be somebody else elsewhere."""
    folder.change("tocsin.yaml", "  team: T0EXAMPLE\n", "")
    assert only(folder).startswith(
        f"{folder.place('people.yaml', '{user: U0ADA}')}: ada's Slack account names no workspace"
    )


def test_a_key_that_yaml_reads_as_false_is_told(folder):
    """A person called `no` is not there under that name, and both places say so."""
    folder.change("people.yaml", "ben:", "no:")
    assert folder.told() == [
        "people.yaml:5:1: the key was read as false",
        "services/scoring.yaml:5:16: there is no person 'ben'",
    ]


# what a slip of the hand, a template engine or a merge leaves in place of a value
ODD = [
    "null",
    "[]",
    "{}",
    "true",
    "-1",
    ".nan",
    ".inf",
    "x",
    "''",
    "{env: 1}",
    "{file: [a]}",
    "{file: /}",
    "2020-01-01",
]
ODD += ["[[1]]", "{1: 2}", "!!binary aGk=", "99999999999999999999", "'\\0'", "[null]", "{null: null}"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_there_is_read_or_complained_about(tmp_path, data):
    """A value of any kind in any place leads to an installation or to complaints, never to an accident."""
    folder = Folder(tmp_path)
    name = data.draw(st.sampled_from(["tocsin.yaml", "people.yaml", "services/scoring.yaml", "runbooks/own.md"]))
    text = folder.text(name)
    values = [match.span(1) for match in re.finditer(r": ([^\n{\[]+|\{[^\n]*\}|\[[^\n]*\])", text)]
    start, end = data.draw(st.sampled_from(values))
    folder.write(name, text[:start] + data.draw(st.sampled_from(ODD)) + text[end:])
    for problem in folder.problems():
        assert not [secret for secret in folder.environ.values() if secret in str(problem)]
        assert problem.line >= 1
        assert problem.what


def test_a_target_has_one_service(folder):
    """Two services that call different things by one name would approve and cool down each other's changes."""
    target = "targets: [{name: live, action: router, settings: {url: http://127.0.0.1:1}}]\n"
    folder.write("services/features.yaml", folder.text("services/features.yaml") + target)
    assert folder.told() == ["services/scoring.yaml:10:11: the target 'live' is features's already"]
