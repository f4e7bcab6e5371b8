"""A folder that is in order becomes one installation; nothing in it is guessed and no secret is shown."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from bot.domain.policy import ActionClass, Role, Severity
from tests.config.folder import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_a_folder_in_order_is_an_installation(folder):
    """Every part arrives where the product looks for it."""
    found = folder.load()
    assert found.organisation.name == "Example Ltd"
    assert found.state == (folder.root / ".tocsin").resolve()
    assert found.database_url == f"sqlite+aiosqlite:///{found.state / 'tocsin.db'}"
    assert found.web.address == "http://127.0.0.1:8080"
    assert found.poll_every == timedelta(seconds=5)
    assert found.regimes == ("eu_gdpr_art33",)
    assert list(found.pagers) == ["slack"]
    assert found.sources["prom"][0] == "prometheus"
    assert found.sources["prom"][1].token == SecretStr("p-1")
    assert [slo.name for slo in found.slos] == ["scoring-answers"]
    assert {"own", "bad-release", "feature-pipeline", "budget-burn"} <= set(found.runbooks)
    assert [warning.what for warning in found.warnings] == [
        "no objective watches features",
        "ben is on call and has no Slack account to be paged at",
        "nobody is told when Tocsin itself is in trouble, nor paged where no service says who is on call",
        "where ada proposes a traffic or wide change, too few others may approve it",
    ]


def test_the_catalogue_joins_everything(folder):
    """A service carries its people, objectives, targets with checked settings, offers, evidence and standing facts."""
    service = folder.load().services["scoring"]
    assert service.on_call == ("ada", "ben")
    assert service.slos == ("scoring-answers",)  # its own file names it; the objective names the service
    target = service.target("live")
    assert target is not None
    assert target.settings == {
        "url": "http://127.0.0.1:7000",
        "token": SecretStr("r-1"),
        "drain": timedelta(minutes=2),
    }
    assert service.offer("back").params == {"to": "v1"}
    assert service.evidence == {"drift": {"rows": 500}, "lineage": {}}
    assert service.value_per_event == Decimal("0.02")
    assert service.currency == "CHF"  # the organisation's
    assert service.legal == {"ai_system": True, "placed_on_market_date": date(2025, 3, 1)}


def test_people_have_their_workspace_and_no_id(folder):
    """The directory gives ids; the workspace is the organisation's unless a person names another."""
    ada, ben = folder.load().people
    assert (ada.id, ada.key, ada.slack_team, ada.slack_user) == ("", "ada", "T0EXAMPLE", "U0ADA")
    assert ada.roles == {Role.RESPONDER, Role.APPROVER}
    assert (ben.slack_team, ben.email, ben.roles) == ("", "ben@example.com", {Role.RESPONDER})


def test_policy_keeps_what_nobody_changed(folder):
    """What the file leaves out keeps the product's own rule."""
    policy = folder.load().policy
    assert set(policy.acknowledge_within.values()) == {timedelta(minutes=4)}  # one length stands for every severity
    assert policy.approve[ActionClass.TRAFFIC] == {"@ada"}
    assert policy.approve[ActionClass.WIDE] == {Role.APPROVER, Role.ADMIN}
    assert policy.changes_per_hour == 6


def test_a_page_may_wait_longer_where_less_is_at_stake(folder):
    """One length for each severity; what is left out keeps the product's own; zero and a bare number are refused."""
    told = "acknowledge_within: {sev1: 90s, sev3: 30m}"
    folder.change("tocsin.yaml", "acknowledge_within: 4m", told)
    waits = folder.load().policy.acknowledge_within
    assert [waits[each] for each in Severity] == [timedelta(seconds=s) for s in (90, 300, 1800, 300)]
    for wrong, said in (
        ("{sev1: 0s}", "more than 0s"),
        ("5", "5 has no unit"),
        ("{sev9: 5m}", "sev9"),
        ("soon", "soon"),
    ):
        folder.change("tocsin.yaml", told, f"acknowledge_within: {wrong}")
        told = f"acknowledge_within: {wrong}"
        (problem,) = folder.problems()
        assert said in str(problem), str(problem)
        assert "tocsin.yaml:" in str(problem)


def test_no_secret_can_be_read_off_an_installation(folder):
    """Printing the whole installation shows none of the values that came from outside."""
    shown = repr(folder.load())
    assert not [value for value in folder.environ.values() if value in shown]


def test_a_secret_may_stand_in_a_file(folder):
    """A path counts from the folder, and the line end is not part of the secret."""
    folder.write("keys/bot", "xoxb-from-file\n")
    folder.change("tocsin.yaml", "{env: BOT_TOKEN}", "{file: keys/bot}")
    assert folder.load().slack.bot_token == SecretStr("xoxb-from-file")


def test_a_map_with_the_key_env_is_no_secret(folder):
    """Where a map is meant, `{env: prod}` is a label, not a reference."""
    folder.change("tocsin.yaml", "    token: {env: PROM_TOKEN}", "    labels: {env: prod}")
    assert folder.load().sources["prom"][1].labels == {"env": "prod"}


def test_any_value_may_come_from_outside(folder):
    """An address or a port may be a reference too."""
    folder.change("tocsin.yaml", "poll:", "web: {port: {env: PORT}}\npoll:")
    folder.environ["PORT"] = "9999"
    assert folder.load().web.port == 9999


def test_the_environment_overrides_slacks_address(folder):
    """So that a practice workspace can be used without touching a file."""
    folder.environ["TOCSIN_SLACK_API_URL"] = "http://127.0.0.1:9700/api"
    assert folder.load().slack.api_url == "http://127.0.0.1:9700/api/"


def test_off_without_quotes_is_off(folder):
    """YAML reads a bare `off` as false; a person meant the mode."""
    folder.change("tocsin.yaml", "mode: socket", "mode: off")
    found = folder.load()
    assert found.slack.mode == "off"
    assert found.pagers == {}
    assert "Slack is off" in str(found.warnings[0])


def test_an_own_runbook_takes_a_shipped_ones_place(folder):
    """A runbook of the same name in the folder is the one that is followed."""
    own = folder.text("runbooks/own.md").replace("name: own", "name: bad-release")
    folder.write("runbooks/bad-release.md", own)
    assert folder.load().runbooks["bad-release"].title == "Own runbook"


def test_the_only_source_needs_no_name(folder):
    """An objective that names no source has the only one there is."""
    text = folder.text("slos/scoring.yaml").replace("            metricSourceRef: prom\n", "")
    folder.write("slos/scoring.yaml", text)
    assert folder.load().slos[0].source == "prom"


def test_a_folder_with_one_file_is_enough(folder):
    """Somebody who only begins has a tocsin.yaml and nothing else."""
    lone = folder.root / "lone"
    folder.write("lone/tocsin.yaml", "organisation: {name: New}\n")
    folder.root = lone
    found = folder.load()
    assert (found.services, found.slos, found.people) == ({}, (), ())
    assert "bad-release" in found.runbooks


def test_a_console_open_to_the_world_is_warned_of(folder):
    """Listening beyond this machine without https is allowed, and said."""
    folder.change("tocsin.yaml", "poll:", "web: {host: 0.0.0.0}\npoll:")
    assert any("not https" in str(warning) for warning in folder.load().warnings)


def test_a_step_whose_change_nobody_prepared_is_told(folder):
    """Somebody would come to it at night and find no button; the product's own books say what to do then."""
    folder.change("runbooks/own.md", "params: {offer: back}", "params: {means: pause}")
    (warning,) = [each for each in folder.load().warnings if "prepared" in each.what]
    assert warning.what == "no service has a pause prepared: whoever comes to this step does it by hand"
    assert f"runbooks/own.md:{warning.line}:{warning.column}" == folder.place("runbooks/own.md", "pause")


def test_emoji_are_read_as_slack_says_them(folder):
    """Colons, skin tones and second names are taken; what is left out stays as it is, an empty list turns it off."""
    emoji = "  team: T0EXAMPLE\n  emoji: {timeline: [':thumbsup::skin-tone-3:', pushpin], ignore: []}"
    folder.change("tocsin.yaml", "  team: T0EXAMPLE", emoji)
    assert folder.load().slack.emoji.by_kind == {
        "timeline": ("+1", "pushpin"), "finding": ("mag",), "followup": ("white_check_mark",), "ignore": (),
    }  # fmt: skip


def test_replicas_are_told_to_share_a_secret(folder):
    """On PostgreSQL there may be several: without a secret of their own the addresses in pages are one replica's."""
    folder.environ |= {"DB": "postgresql+psycopg://t:pw@db/t", "WEB": "w" * 32}
    page = folder.text("tocsin.yaml") + "database: {url: {env: DB}}\n"
    told = "of several replicas only the one that sent a page knows the address in it"
    folder.write("tocsin.yaml", page)
    (warning,) = [each for each in folder.load().warnings if each.what == told]
    assert "web: {secret: {env: NAME}}" in str(warning)
    folder.write("tocsin.yaml", page + "web: {secret: {env: WEB}}\n")
    found = folder.load()
    assert told not in [each.what for each in found.warnings]
    assert found.web.secret == SecretStr("w" * 32)
    assert "w" * 32 not in repr(found.web)
    folder.environ["WEB"] = "short"
    assert any("a secret to sign with has 32 letters or more" in each for each in folder.told())
    folder.write("tocsin.yaml", page + f"web: {{secret: {'w' * 32}}}\n")
    assert any("a secret must be a reference" in each for each in folder.told())
