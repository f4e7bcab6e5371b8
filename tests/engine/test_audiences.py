"""Whom beside regulators can be told: every template of the folder, in its languages, in words no clock moves."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.duty import RecordFact
from bot.domain.errors import NotFound
from bot.domain.hold import PlaceHold
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Update
from bot.domain.notice import Standing
from bot.domain.roles import Assign, Part
from bot.domain.signing import ApproveNotice
from bot.notices.checklist import GAP
from bot.words import Words
from tests.notices.every import ATTACKS, PLAIN, shape
from tests.slack.situations import situations
from tests.web.fakes import drafting_room
from tests.world import World

SHIPPED = [f"stakeholders/{name}" for name in Words().inside("stakeholders")]


async def test_every_template_of_the_folder_can_be_requested(tmp_path: Path) -> None:
    """Shipped or the organisation's own, by its title and audience; one in another language is one more kind."""
    own = tmp_path / "templates" / "stakeholders"
    own.mkdir(parents=True)
    (own / "press_south.md.j2").write_text("# {{ incident.title }}\n")
    (own / "_part.md.j2").write_text("")
    (own / "betriebsrat.de.md.j2").write_text("{#---\ntitle: Betriebsrat\n---#}\n# {{ incident.title }}\n")
    async with World.open(tmp_path, root=tmp_path) as world:
        kinds = world.house.desk.drafter.kinds()
        assert set(SHIPPED) <= set(kinds)
        assert kinds["stakeholders/press_south"] == "Press south"
        assert kinds["stakeholders/betriebsrat.de"] == "Betriebsrat, in German"
        assert kinds["stakeholders/executives.de"].startswith("Executives, in German: ")
        assert kinds["eu_gdpr_art33/sa_notification.de"].endswith(", in German")
        assert not [name for name in kinds if "_part" in name or "_next" in name]
        (own / "press_south.md.j2").write_text("{#---\ntitle: Southern press\n---#}\n# {{ incident.title }}\n")
        (own / "betriebsrat.de.md.j2").unlink()
        kinds = world.house.desk.drafter.kinds()
        assert kinds["stakeholders/press_south"] == "Southern press"
        assert "stakeholders/betriebsrat.de" not in kinds


@pytest.mark.parametrize("template", SHIPPED)
async def test_asking_for_approval_does_not_change_the_words_asked_for(tmp_path: Path, template: str) -> None:
    """Nor does giving it, nor time: what is approved stays approved until a fact changes."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        desk, ana = world.house.desk, await world.who("ana")
        await desk.request_notice("INC-1", template, ana)
        await desk.ask_approval("INC-1", "N1", ana)
        latest = (await world.incident()).notices["N1"].latest
        await world.say(ApproveNotice("N1", latest.digest), "cleo")
        await world.round(seconds=3600)
        assert (await world.incident()).notices["N1"].standing is Standing.APPROVED


async def test_what_the_log_holds_is_in_the_words(tmp_path: Path) -> None:
    """Lead, promise, hold, duties with their dates, decisions that wait, places and numbers: none is typed twice."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        await world.say(Assign(Part.COMMANDER, (await world.who("ana")).id), "max")
        await world.say(Update("looking into it", next_in=timedelta(minutes=30)), "ana")
        await world.say(AssessImpact(200, 180, None, "EUR", note="reminders were not sent"), "ana")
        for fact, value in (
            ("eu_nexus", "yes"),
            ("personal_data_breach", "yes"),
            ("risk_to_individuals", "risk"),
            ("countries_affected", "DE, FR"),
            ("decision_domain", "employment"),
            ("adverse_decisions_count", "41"),
        ):
            given = world.house.desk.drafter.stated(fact, value)
            await world.say(RecordFact(fact, given), "cleo")
        await world.say(PlaceHold("litigation is expected"), "cleo")
        situation = await world.house.desk.situation("INC-1")
        text = world.house.desk.drafter.draft(situation, "stakeholders/board").text
        due = situation.incident.update_due
        duty = situation.incident.duties["eu_gdpr_art33"]
        for words in (
            f"Led by {situation.name(situation.incident.parts[Part.COMMANDER])}",
            f"Next update {due:%Y-%m-%d %H:%M} UTC",
            "reminders were not sent",
            "| Decisions concerned | 200, adverse: 41 |",
            "| Countries | DE and FR |",
            f"| {duty.name} | yes: ",
            "held by counsel since",
        ):
            assert words in text
        assert not [gap for gap in GAP.findall(text) if "countries" in gap or "adverse" in gap]


async def test_a_draft_is_in_the_language_asked_for(tmp_path: Path) -> None:
    """By its own name or by the locale, the region falling back to its language; without one it is in English."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        desk = world.house.desk
        situation, room = await desk.situation("INC-1"), desk.drafter
        for template in ("stakeholders/executives", "eu_gdpr_art33/sa_notification"):
            named = room.draft(situation, f"{template}.de")
            assert room.draft(situation, template, locale="de-AT").text == named.text
            assert room.draft(situation, template, locale="de").digest != named.digest
            assert room.draft(situation, template, locale="nl").text == room.draft(situation, template).text
            assert named.gaps
            assert all(gap.startswith("[[ noch nicht untersucht: ") for gap in named.gaps)
        gaps = room.draft(situation, "eu_gdpr_art33/sa_notification.de").gaps
        assert "[[ noch nicht untersucht: wahrscheinliche Folgen für Personen ]]" in gaps
        for wrong in ("stakeholders/executives.fr", "stakeholders/nobody", "stakeholders/_next", "eu_gdpr_art33/x.de"):
            with pytest.raises(NotFound):
                room.draft(situation, wrong)
        await desk.request_notice("INC-1", "eu_gdpr_art33/sa_notification.de", await world.who("cleo"))
        notice = (await world.incident()).notices["N1"]
        assert (notice.template, notice.locale) == ("eu_gdpr_art33/sa_notification", "de")
        assert (notice.regime, notice.stage) == ("eu_gdpr_art33", "sa_notification")
        draft = (await desk.situation("INC-1")).drafts["N1"]
        assert draft.text == room.draft(situation, "eu_gdpr_art33/sa_notification.de").text
        with pytest.raises(NotFound):
            await desk.request_notice("INC-1", "stakeholders/press", await world.who("cleo"), locale="de")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_incident_in_anybodys_words_builds_nothing_in_a_draft(attack: str) -> None:
    """Every word of its log, its people and its duties is somebody's text: the draft is built as ever."""
    room = drafting_room()
    usual, hostile = (next(made for _, made in situations(text)) for text in (PLAIN, ATTACKS[attack]))
    for template in SHIPPED:
        text = room.draft(hostile, template).text
        assert shape(text) == shape(room.draft(usual, template).text), template
