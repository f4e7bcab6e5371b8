"""The rules as people write them: everything the product knows can be written, and every slip is told at its place."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.guard import MOVING, ActionClass, Freeze, Means, TargetRules, Weekly
from bot.domain.policy import Policy, Role
from bot.domain.quiet import QuietHours
from bot.domain.service import Traffic
from tests.config.folder import PEOPLE, TOCSIN, Folder
from tests.config.test_problems import ODD

MORE = """\
cora: {name: Cora, roles: [counsel], email: cora@example.com}
dora: {name: Dora, roles: [responder, approver], email: dora@example.com, groups: [platform]}
eve: {name: Eve, roles: [approver, manager], email: eve@example.com, groups: [platform, night-shift]}
"""
OLD = "  acknowledge_within: 4m\n  approve:\n    traffic: ['@ada']\n"
RULES = """\
  propose: [responder, on-call, 'group:platform']
  approve: {small: [responder, on-call], traffic: [approver, 'group:platform'], wide: ['@ada', '@eve']}
  quorum: {traffic: 2, small: 1}
  step_up: [traffic, wide]
  step_up_within: 3m
  break_glass: ['@eve', admin]
  review_within: 2d
  counsel: [counsel, '@cora']
  undo_itself: [small]
  widest: {traffic: 50%, wide: 0.25, small: 100%}
  undo_proof: 30d
  freeze:
    - {name: year's end, because: nobody is in, from: 2026-12-23 18:00, to: '2027-01-04T08:00:00+01:00'}
    - {name: weekend, because: few are in, weekly: fri 18:00 - mon 08:00, targets: [live], classes: [small, wide]}
  targets:
    live:
      allow: [rollback, bypass]
      propose: [approver]
      approve: [group:platform]
      quorum: 1
      widest: 10%
      cool_down: 5m
      automatic: [rollback]
      undo_itself: true
"""


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.write("people.yaml", PEOPLE + MORE)
    made.change("tocsin.yaml", "country: 'DE'", "country: 'DE'\n  timezone: Europe/Berlin")
    return made


def rules(folder: Folder, text: str) -> Folder:
    """The folder with these rules in place of its own."""
    folder.change("tocsin.yaml", OLD, text)
    return folder


def test_everything_the_product_knows_can_be_written(folder):
    """Each rule arrives in the policy that is asked, and what only repeats the product's own adds nothing."""
    policy = rules(folder, RULES).load().policy
    assert policy.propose == {"responder", "on-call", "group:platform"}
    assert policy.approve == {
        ActionClass.READ: Policy().approve[ActionClass.READ],
        ActionClass.SMALL: {"responder", "on-call"},
        ActionClass.TRAFFIC: {"approver", "group:platform"},
        ActionClass.WIDE: {"@ada", "@eve"},
    }
    assert policy.quorum == {ActionClass.TRAFFIC: 2}
    assert policy.step_up == MOVING
    assert (policy.step_up_within, policy.review_within) == (timedelta(minutes=3), timedelta(days=2))
    assert (policy.break_glass, policy.counsel) == ({"@eve", Role.ADMIN}, {Role.COUNSEL, "@cora"})
    assert policy.undo_itself == {ActionClass.SMALL}
    assert policy.widest == {ActionClass.TRAFFIC: 0.5, ActionClass.WIDE: 0.25}
    assert policy.undo_proof == timedelta(days=30)
    berlin = Weekly(4, time(18), 0, time(8), "Europe/Berlin")
    small_or_wide = frozenset({ActionClass.SMALL, ActionClass.WIDE})
    year, new = datetime(2026, 12, 23, 17, tzinfo=UTC), datetime(2027, 1, 4, 7, tzinfo=UTC)
    assert set(policy.freezes) == {
        Freeze("year's end", "nobody is in", year, new),
        Freeze("weekend", "few are in", None, None, berlin, frozenset({"live"}), small_or_wide),
    }
    assert policy.targets == {
        "live": TargetRules(
            allow=frozenset({Means.ROLLBACK, Means.BYPASS}),
            propose=frozenset({"approver"}),
            approve=frozenset({"group:platform"}),
            quorum=1,
            widest=0.1,
            cool_down=timedelta(minutes=5),
            automatic=frozenset({Means.ROLLBACK}),
            undo_itself=True,
        )
    }


def test_every_field_of_the_rules_has_its_key_in_the_file():
    """A rule the domain learns and nobody can write would be one for nobody."""
    from dataclasses import fields

    from bot.config.guards import TargetRulesModel
    from bot.config.policy import PolicyModel

    called = {"freeze": "freezes", "paging": "quiet"}
    elsewhere = {"status"}  # a part of its own, beside what else the status page is
    assert {called.get(name, name) for name in PolicyModel.model_fields} == {e.name for e in fields(Policy)} - elsewhere
    assert set(TargetRulesModel.model_fields) == {each.name for each in fields(TargetRules)}


def test_quiet_hours_are_read(folder):
    """Times of the day in quotes; two severities where none are named."""
    folder.change("tocsin.yaml", OLD, f"{OLD}  paging: {{quiet_hours: {{from: '22:00', to: '07:00'}}}}\n")
    assert folder.load().policy.quiet == QuietHours(time(22), time(7), frozenset({3, 4}))


@pytest.mark.parametrize(
    ("hours", "because"),
    [
        ("from: 22:00, to: '07:00'", "in quotes"),
        ("from: '22:00', to: '22:00'", "same time"),
        ("from: '22:00', to: '07:00', severities: []", "severities"),
        ("from: '22:00', to: '07:00', severities: [sev9]", "sev9"),
    ],
)
def test_quiet_hours_that_cannot_be_meant_are_told(folder, hours, because):
    """A bare 22:00 is a number to YAML, and hours without end would page nobody ever."""
    folder.change("tocsin.yaml", OLD, f"{OLD}  paging: {{quiet_hours: {{{hours}}}}}\n")
    assert because in "\n".join(map(str, folder.problems()))


def test_people_are_in_groups(folder):
    """The badge of a group is what a rule names."""
    eve = {each.key: each for each in folder.load().people}["eve"]
    assert eve.groups == {"platform", "night-shift"}
    assert {"group:platform", "@eve", "approver"} <= eve.person.badges


def test_a_target_says_where_its_requests_are_counted(folder):
    """Source, series and label arrive in the catalogue; the selector is read when the file is."""
    folder.change(
        "services/scoring.yaml",
        "    action: router\n",
        "    action: router\n    traffic: {source: prom, series: 'hits_total{model=\"visits\"}', by: version}\n",
    )
    assert folder.load().services["scoring"].target("live").traffic == Traffic(
        "prom", 'hits_total{model="visits"}', "version"
    )


# -- slips -----------------------------------------------------------------------------------------------------------

FREEZE = "  freeze:\n    - {name: f, because: b, "
LIVE = "  targets: {live: {"
BADGES = "a role, '@key' of a person, group:name of a group in people.yaml, or on-call"

# (the rules, where it is told: the letters that begin there, what is said)
SLIPS = {
    "person": ("  propose: ['@bne']\n", "'@bne'", "there is no person 'bne'; did you mean '@ben'?"),
    "group": ("  break_glass: [group:platfrom]\n", "group:platfrom", "nobody is in the group 'platfrom'; did you mean 'group:platform'?"),
    "role": ("  approve: {wide: [aprover]}\n", "aprover", "there is no role 'aprover'; did you mean 'approver'?"),
    "person without @": ("  approve: {wide: [dora]}\n", "dora", "there is no role 'dora'; did you mean '@dora'?"),
    "oncall": ("  approve: {small: [oncall]}\n", "oncall", "there is no role 'oncall'; did you mean 'on-call'?"),
    "badge of a target": ("  targets: {live: {approve: [group:nobody]}}\n", "group:nobody", "nobody is in the group 'nobody'"),
    "counsel on call": ("  counsel: [on-call]\n", "on-call", "nobody is on call for this: it is not asked in the name of a service"),
    "person without quotes": ("  propose: [@ben]\n", "@ben", "is not YAML here: found character '@' that cannot start any token"),
    "nobody": ("  propose: []\n", "[]\n", "propose is a list"),
    "class": ("  quorum: {trafic: 2}\n", "trafic", "unknown key 'trafic'; did you mean 'traffic'?"),
    "step-up": ("  step_up: [wid]\n", "wid]", "this is 'wid'"),
    "quorum of none": ("  quorum: {traffic: 0}\n", "0}", "traffic is 0"),
    "quorum yes": ("  quorum: {traffic: yes}\n", "yes}", "this is no number of people"),
    "bare per cent": ("  widest: {traffic: 50}\n", "50}", "50 has no unit; write 50%, or a fraction such as 0.5"),
    "bare one": ("  widest: {traffic: 1}\n", "1}\n", "1 has no unit; write 1%, or a fraction such as 0.5"),
    "too much": ("  widest: {traffic: 150%}\n", "150%", "'150%' is more than all of production"),
    "nothing": ("  widest: {traffic: 0%}\n", "0%", "'0%' lets nothing move"),
    "no share": ("  widest: {traffic: half}\n", "half", "'half' is no share of production; write 50% or 0.5"),
    "share yes": (LIVE + "widest: on}}\n", "on}}", "this is no share of production"),
    "not a number": ("  widest: {traffic: .nan}\n", ".nan", "nan is more than all of production"),
    "length": ("  undo_proof: 90\n", "90\nregimes", "90 has no unit"),
    "target": ("  targets: {lvie: {quorum: 1}}\n", "lvie", "there is no target 'lvie'; did you mean 'live'?"),
    "target without rules": ("  targets: {lvie: {}}\n", "lvie", "there is no target 'lvie'; did you mean 'live'?"),
    "key of a target": (LIVE + "qorum: 2}}\n", "qorum", "unknown key 'qorum'; did you mean 'quorum'?"),
    "means": (LIVE + "allow: [rolback]}}\n", "rolback", "this is 'rolback'"),
    "automatic without an offer": (LIVE + "automatic: [restart]}}\n", "restart", "no offer is a restart of live, so none can be made by itself"),
    "automatic and not allowed": (LIVE + "allow: [bypass], automatic: [rollback]}}\n", "rollback]", "rollback is not among what live allows"),
    "freeze of another target": (FREEZE + "weekly: sat 00:00 - sun 24:00, targets: [lvie]}\n", "lvie", "there is no target 'lvie'; did you mean 'live'?"),
    "freeze of no class": (FREEZE + "weekly: sat 00:00 - sun 24:00, classes: [big]}\n", "big", "there is no class 'big'"),
    "freeze without a time": (FREEZE + "}\n", "{name: f", "this freeze has no time"),
    "freeze without a reason": ("  freeze: [{name: f, weekly: sat 00:00 - sun 24:00}]\n", "{name: f", "because is missing"),
    "freeze without an end": (FREEZE + "from: 2026-12-01 08:00}\n", "2026-12-01", "this freeze never ends"),
    "freeze of two kinds": (FREEZE + "weekly: sat 00:00 - sun 24:00, to: 2026-12-01 08:00}\n", "sat 00:00", "this freeze is weekly and has days of its own"),
    "freeze backwards": (FREEZE + "from: 2026-12-02 08:00, to: 2026-12-01 08:00}\n", "2026-12-01", "this freeze ends before it begins"),
    "freeze that comes twice": (FREEZE + "from: 2026-10-25 02:30, to: 2026-11-01 08:00}\n", "2026-10-25", "2026-10-25 02:30 comes twice in Europe/Berlin"),
    "freeze that does not exist": (FREEZE + "from: 2027-03-01 08:00, to: 2027-03-28 02:30}\n", "2027-03-28", "2027-03-28 02:30 does not exist in Europe/Berlin"),
    "freeze of the first day": (FREEZE + "from: 0001-01-01 00:00, to: 2027-03-28 05:30}\n", "0001", "0001-01-01 is no day anybody plans for"),
    "freeze of a day": (FREEZE + "from: 2027-03-01, to: 2027-03-28 05:30}\n", "2027-03-01", "from is a day without a time"),
    "whole week": (FREEZE + "weekly: fri 18:00 - fri 18:00}\n", "fri 18:00 -", "this freeze never ends"),
    "no week": (FREEZE + "weekly: weekends}\n", "weekends", "'weekends' is no stretch of the week"),
    "no weekday": (FREEZE + "weekly: fry 18:00 - mon 08:00}\n", "fry 18", "there is no day 'fry'; did you mean 'fri'?"),
    "no time": (FREEZE + "weekly: fri 25:00 - mon 08:00}\n", "fri 25", "there is no time 25:00"),
    "freeze that is none": ("  freeze: [christmas]\n", "christmas", "this is no freeze"),
    "freezes that are no list": ("  freeze: christmas\n", "christmas", "freeze is 'christmas'"),
    "unknown key of a freeze": (FREEZE + "wekly: fri 18:00 - mon 08:00}\n", "{name: f", "this freeze has no time"),
    "weeks that close": (FREEZE + "weekly: mon 00:00 - fri 12:00}\n    - {name: g, because: b, weekly: fri 12:00 - sun 24:00}\n", "- {name: f", "these freezes never end: no minute of the week is left for a traffic change"),
    "quorum of too many": ("  quorum: {traffic: 4}\n", "4}", "4 people must approve a traffic change, and only 3 (ada, dora, eve) may"),
    "quorum with the proposer": ("  propose: [approver]\n  quorum: {wide: 3}\n", "3}", "3 people must approve a wide change, and only 3 (ada, dora, eve) may beside whoever proposes it"),
    "quorum of a target": (LIVE + "quorum: 3, approve: [group:platform]}}\n", "3, app", "3 people must approve a change of live, and only 2 (dora, eve) may"),
    "only the proposer": ("  propose: ['@eve']\n  approve: {wide: ['@eve']}\n", "['@eve']}", "only eve may propose a wide change and only eve may approve it: nobody could"),
    "approved by nobody": ("  approve: {wide: [admin]}\n", "[admin]", "nobody in people.yaml may approve a wide change"),
    "proposed by nobody": (LIVE + "propose: [admin]}}\n", "[admin]", "nobody in people.yaml may propose a change of live"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip_is_told_with_its_place(folder, kind):
    """File, line and column, what is wrong, and the nearest name."""
    text, needle, what = SLIPS[kind]
    told = rules(folder, text).told()
    assert told, "not told"
    assert any(line.startswith(f"{folder.place('tocsin.yaml', needle)}: {what}") for line in told), told
    assert len(told) <= 2, told


def test_what_is_expected_of_a_badge_is_said(folder):
    """All four kinds, since nobody remembers them at night."""
    (problem,) = rules(folder, "  propose: [boss]\n").problems()
    assert problem.expected == BADGES


@pytest.mark.parametrize(
    ("traffic", "needle", "what"),
    [
        ("{source: prmo, series: hits_total, by: version}", "prmo", "there is no source 'prmo'; did you mean 'prom'?"),
        ("{source: prom, series: 'rate(hits_total[5m])', by: version}", "(hits", "'(hits_total[5m])' is left over"),
        ("{source: prom, series: 'hits_total{version=\"v1\"}', by: version}", "'hits", "this series shows one version"),
        ("{source: prom, series: hits_total, by: model-version}", "model-version", "by is 'model-version'"),
        ("{source: prom, series: hits_total}", "{source: prom, s", "'by' is missing"),
    ],
)
def test_what_counts_a_targets_requests_is_checked(folder, traffic, needle, what):
    """A selector that cannot be read, or could never tell two versions apart, would verify nothing."""
    folder.change("services/scoring.yaml", "    action: router\n", f"    action: router\n    traffic: {traffic}\n")
    (told,) = folder.told()
    assert told.startswith(f"{folder.place('services/scoring.yaml', needle)}: {what}"), told


@pytest.mark.parametrize("group", ["Platform", "group:platform", "a b", "''"])
def test_a_groups_name_is_plain(folder, group):
    """It stands behind `group:` in a rule."""
    folder.change("people.yaml", "[platform]", f"[{group}]")
    assert any("is no name of a group" in line for line in folder.told())


def test_one_mistake_elsewhere_hides_no_rule_and_makes_none_up(folder):
    """A slip in another part of the file is told beside the rules'; somebody unread is not taken for nobody."""
    rules(folder, "  propose: ['@bne']\n").change("tocsin.yaml", "every: 5s", "evry: 5s")
    assert [line.partition(": ")[2] for line in folder.told()] == [
        "unknown key 'evry'; did you mean 'every'?",
        "there is no person 'bne'; did you mean '@ben'?",
    ]
    folder.change("tocsin.yaml", "evry: 5s", "every: 5s")
    folder.change("tocsin.yaml", "propose: ['@bne']", "approve: {wide: [group:night-shift]}")
    folder.change("people.yaml", "[approver, manager]", "[boss]")
    (told,) = folder.told()
    assert "this is 'boss'" in told


def test_rules_without_people_are_not_held_against_anybody(folder):
    """Somebody who only begins has no people.yaml yet: roles may be written before there is anybody."""
    (folder.root / "people.yaml").unlink()
    folder.write("services/scoring.yaml", "name: scoring\nowner: ml\n")
    folder.write("services/features.yaml", "name: features\nowner: ml\n")
    told = rules(folder, "  approve: {wide: [approver]}\n  quorum: {wide: 2}\n").told()
    assert not [line for line in told if line.startswith("tocsin.yaml")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_rule_is_read_or_complained_about(tmp_path, data):
    """A value of any kind in any place of the rules leads to a policy or to complaints, never to an accident."""
    made = Folder(tmp_path)
    made.write("people.yaml", PEOPLE + MORE)
    lines = rules(made, RULES).text("tocsin.yaml")
    begin = lines.index("  propose:")
    values = [
        found.span(1)
        for found in re.finditer(r"(?:: |[\[,] ?)([^\s{}\[\],:][^{}\[\],\n]*|\[[^\n\]]*\])", lines[begin:])
    ]
    start, end = data.draw(st.sampled_from(values))
    odd = data.draw(st.sampled_from([*ODD, "50", "200%", "-5%", "'@'", "'group:'", "':'", "9999-12-31 23:59", "x:y"]))
    made.write("tocsin.yaml", lines[: begin + start] + odd + lines[begin + end :])
    for problem in made.problems():
        assert problem.what
        assert problem.line >= 1


# -- what is weak ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "needle", "what"),
    [
        ("  step_up: []\n", "[]\n", "a wide change is approved without a one-time code"),
        ("  approve: {traffic: [responder, approver, counsel]}\n", "[responder, approver, counsel]", "everybody in people.yaml may approve"),
        ("  break_glass: [responder, approver, counsel]\n", "[responder", "everybody in people.yaml may act alone"),
        ("  approve: {wide: ['@ada']}\n", "{wide", "where ada proposes a wide change, too few others may approve it"),
        ("  quorum: {traffic: 3}\n", "tocsin.yaml:19:3",
         "where ada or dora or eve proposes a traffic change"),
    ],
)  # fmt: skip
def test_weak_rules_are_warned_of(folder, text, needle, what):
    """They are kept as they were written, and said."""
    found = rules(folder, text).load().warnings
    told = [
        f"tocsin.yaml:{each.line}:{each.column}: {each.what}" for each in found if each.file.endswith("tocsin.yaml")
    ]
    place = needle if ":" in needle else folder.place("tocsin.yaml", needle)
    assert any(line.startswith(place) and what in line for line in told), told


def test_an_offer_the_rules_forbid_is_warned_of(folder):
    """A button that would only be refused."""
    rules(folder, LIVE + "allow: [bypass]}}\n")
    (warning,) = [each for each in folder.load().warnings if "refused" in each.what]
    assert f"services/scoring.yaml:{warning.line}:{warning.column}" == folder.place("services/scoring.yaml", "rollback")


def test_the_products_own_rules_are_not_warned_of(folder):
    """Left out, nothing is said of them."""
    found = rules(folder, "  soak: 1m\n").load().warnings
    told = [each.what for each in found if each.file.endswith("tocsin.yaml")]
    assert told == ["nobody is told when Tocsin itself is in trouble, nor paged where no service says who is on call"]


# -- the same rules --------------------------------------------------------------------------------------------------


def test_loading_twice_is_the_same_policy(folder):
    """What was approved before a restart is still approved after it."""
    rules(folder, RULES)
    assert folder.load().policy.fingerprint == folder.load().policy.fingerprint


def test_written_in_another_order_they_are_the_same_rules(folder):
    """Lists of badges, of classes and of freezes, and the keys of maps."""
    before = rules(folder, RULES).load().policy
    text = folder.text("tocsin.yaml")
    for old, new in (
        ("[responder, on-call, 'group:platform']", "['group:platform', responder, on-call, responder]"),
        ("{traffic: 50%, wide: 0.25, small: 100%}", "{wide: 25%, traffic: 0.50}"),
        ("quorum: {traffic: 2, small: 1}", "quorum: {traffic: 2}"),
        ("[traffic, wide]", "[wide, traffic]"),
        ("[rollback, bypass]", "[bypass, rollback]"),
        ("[small, wide]", "[wide, small]"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    lines = text.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "year's end" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    folder.write("tocsin.yaml", "".join(lines))
    assert folder.load().policy == before
    assert folder.load().policy.fingerprint == before.fingerprint


CHANGES = [
    ("quorum: {traffic: 2, small: 1", "quorum: {traffic: 2, small: 2"),
    ("widest: {traffic: 50%", "widest: {traffic: 51%"),
    ("step_up: [traffic, wide]", "step_up: [wide]"),
    ("weekly: fri 18:00", "weekly: fri 18:01"),
    ("few are in", "fewer are in"),
    ("timezone: Europe/Berlin", "timezone: Europe/London"),
    ("allow: [rollback, bypass]", "allow: [rollback]"),
    ("undo_itself: true", "undo_itself: false"),
    ("cool_down: 5m", "cool_down: 301s"),
    ("'@cora'", "'@dora'"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_another_rule_is_another_policy(folder, old, new):
    """Whatever is changed in the file voids what was approved under the former."""
    before = rules(folder, RULES).load().policy.fingerprint
    folder.change("tocsin.yaml", old, new)
    assert folder.load().policy.fingerprint != before


def test_the_fixture_has_rules_to_replace():
    """The text these tests put theirs in place of stands in the folder."""
    assert TOCSIN.count(OLD) == 1


NOTICES = """\
  notices:
    sign_offs:
      - {for: "eu_dora_art19/*", needs: {legal: [counsel], technical: ["@eve"]}}
    owners: ["@cora"]
    deputies: [counsel]
    remind_at: [60, 30]
"""


def test_who_signs_what_and_who_is_reminded_of_clocks(folder):
    """The first pattern that fits holds; where none does, whoever approves notices signs."""
    policy = rules(folder, NOTICES).load().policy
    assert [(each.capacity, each.badges) for each in policy.sign_offs_of("eu_dora_art19/final")] == [
        ("legal", {"counsel"}),
        ("technical", {"@eve"}),
    ]
    assert [each.badges for each in policy.sign_offs_of("stakeholders/update")] == [policy.approve_notice]
    assert (policy.notices.owners, policy.notices.deputies) == ({"@cora"}, {"counsel"})
    assert policy.notices.remind_at == (0.3, 0.6)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('["@eve"]', '["@evee"]', "there is no person 'evee'"),
        ('["@eve"]', "[on-call]", "nobody is on call for this"),
        ('owners: ["@cora"]', "owners: [cook]", "there is no role 'cook'"),
        ("remind_at: [60, 30]", "remind_at: [60, 120]", "less than 100"),
        ("needs: {legal: [counsel], ", "needs: {legal: [], ", "at least 1"),
    ],
)
def test_a_rule_for_notices_that_cannot_be_kept_is_named_with_its_place(folder, old, new, says):
    """A badge that is nobody's, an empty list of signatories, a reminder after the end."""
    found = rules(folder, NOTICES.replace(old, new)).problems()
    assert any(
        says in f"{each.what} {each.expected}" and each.file.endswith("tocsin.yaml") and each.line > 1 for each in found
    ), found


def test_facts_of_the_organisation_are_facts(folder):
    """They hold in every incident; one that is none, or has another kind of value, is named with its line."""
    folder.change("tocsin.yaml", "country: 'DE'", "country: 'DE'\n  legal: {sec_registrant: 'no', deths: 3}")
    (problem,) = folder.problems()
    assert "there is no fact 'deths'" in problem.what
    folder.change("tocsin.yaml", "deths: 3", "deaths: many")
    (problem,) = folder.problems()
    assert problem.what.startswith("deaths: expected a whole number")
