"""Counsel's desk by page and API: forms that refuse at their field, signatures, clocks, and the queue."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.duty import Answer, DecideDuty, RecordFact
from bot.domain.errors import Refused
from bot.domain.notice import Standing
from bot.domain.signing import ApproveNotice
from bot.web.verbs._asking import by_the_clock
from tests.kit import NOON
from tests.web.fakes import Place
from tests.web.legal import GDPR, TEMPLATE, TWO, answered, breach, drafted, under
from tests.web.rich import declared
from tests.web.test_pages import Reader, sound

PAGE = "/incidents/INC-1/notices/N1"


async def sent(home: Place, who: str, verb: str, status: int, /, **words: str) -> str:
    """A form's answer: the page it led to, or the page that came back."""
    browser = await home.browser(who)
    answer = await browser.post(f"/incidents/INC-1/{verb}", data=words)
    assert answer.status_code == status, answer.text
    page = sound(await browser.get(answer.headers["location"])) if status == 303 else Reader(answer.text)
    await browser.aclose()
    return page.text if status == 303 else answer.text


async def markup(home: Place, who: str, path: str = PAGE) -> str:
    """A page as it is sent."""
    browser = await home.browser(who)
    answer = await browser.get(path)
    sound(answer)
    await browser.aclose()
    return answer.text


async def seen(home: Place, who: str, path: str = PAGE) -> str:
    """A page as it reads."""
    return Reader(await markup(home, who, path)).text


async def approved(home: Place) -> str:
    """Written by ana, asked for by otto, signed by counsel two minutes later."""
    name = await drafted(home)
    await home.desk.ask_approval(name, "N1", await home.who("otto"))
    home.clock.forward(minutes=2)
    digest = (await home.desk.log.load(name)).notices["N1"].latest.digest
    await home.desk.submit(name, ApproveNotice("N1", digest), await home.who("cleo"))
    return name


async def test_the_form_stands_in_its_three_states(home: Place) -> None:
    """Missing lines first, then what was entered and by whom, openly unknown with its reason, or read off the record."""
    await drafted(home)
    text = await seen(home, "ana")
    assert text.index("Still missing") < text.index("Fill in : categories of people concerned") < text.index("Optional")
    for words in ("wrong letters to 412 patients", "entered by Ana Ruiz", "Unknown, because the export is still read",
                  "from the record: facts, data subjects count", "6 missing"):  # fmt: skip
        assert words in text, words


async def test_a_line_is_refused_at_its_field(home: Place) -> None:
    """Both a value and a reason for not knowing: the sentence and both words stand in that line's form, which is open."""
    await drafted(home)
    words = {
        "notice": "N1",
        "key": "measures_taken_or_proposed",
        "value": "letters called back",
        "unknown_because": "?",
    }
    back = await sent(home, "ana", "enter-field", 409, **words)
    line = back[back.index('id="line-measures_taken_or_proposed"') :].partition("</li>")[0]
    assert "a line holds a value, or is unknown with the reason; not both" in line
    assert "letters called back" in line
    assert 'value="?"' in line
    assert "<details open>" in line
    then = await sent(home, "ana", "enter-field", 303, **{**words, "unknown_because": ""})
    assert "letters called back" in then
    assert (await home.desk.log.load("INC-1")).notices["N1"].given["measures_taken_or_proposed"].value
    strange = await sent(home, "ana", "enter-field", 409, notice="N1", key="nonsense", value="x")
    assert "has no line" in strange


async def test_counsel_words_it_and_later_facts_clash(home: Place) -> None:
    """The wording stays, the facts' change is marked and listed, and going back takes the wording away."""
    name = await drafted(home)
    cleo = await home.who("cleo")
    assert "Edit the words" not in await seen(home, "ana")
    before = (await home.desk.situation(name)).drafts["N1"]
    words = before.text.replace("about 412", "about four hundred")
    await sent(home, "cleo", "reword", 303, notice="N1", text=words, digest=before.digest)
    await home.desk.submit(name, RecordFact("data_subjects_count", 1403), cleo)
    text = await seen(home, "cleo")
    assert "The facts changed below Cleo Martin's wording" in text
    assert "they now say 1403" in text
    assert "about four hundred" in text
    now = (await home.desk.situation(name)).drafts["N1"].digest
    await sent(home, "cleo", "reword", 303, notice="N1", text="", digest=now)
    text = await seen(home, "cleo")
    assert "about 1403" in text
    assert "four hundred" not in text


async def test_too_long_a_text_is_refused_and_kept(home: Place) -> None:
    """Not one letter of it is lost."""
    await drafted(home)
    text = "word " * 25_000
    back = await sent(home, "cleo", "reword", 409, notice="N1", text=text, digest="as read")
    assert "a notice holds at most 100,000 characters" in back
    assert text.strip() in back


async def test_who_signs_is_said_to_everybody(home: Place) -> None:
    """Each is told why they cannot, in a sentence; the button stands for those alone who may, in their capacity."""
    under(home, TWO)
    name = await drafted(home)
    await home.desk.ask_approval(name, "N1", await home.who("otto"))
    digest = (await home.desk.log.load(name)).notices["N1"].latest.digest
    for who, words in (
        ("otto", "You asked for approval; a second person must approve it."),
        ("ana", "You wrote part of it; somebody who did not must approve it."),
        ("max", "You may not sign it: it still needs legal (counsel) and technical (approver)."),
    ):
        text = await seen(home, who)
        assert words in text, who
        assert "Approve version 1" not in text
    assert "Approve version 1 as technical" in await seen(home, "ben")
    then = await sent(home, "ben", "approve-notice", 303, notice="N1", digest=digest, capacity="technical")
    assert "You signed it as technical" in then
    assert "legal still wanted: counsel" in " ".join(then.split())
    refused = await sent(home, "cleo", "approve-notice", 409, notice="N1", digest=digest, capacity="technical")
    assert "still needs: legal" in refused
    await sent(home, "cleo", "approve-notice", 303, notice="N1", digest=digest)
    assert (await home.desk.log.load(name)).notices["N1"].standing is Standing.APPROVED


async def test_a_filing_takes_the_receipts_hour(home: Place) -> None:
    """Typed by the organisation's clocks, kept in UTC; an impossible time is refused with every word still there."""
    name = await approved(home)
    home.clock.forward(hours=3)
    words = {"notice": "N1", "where": "portal of the authority", "reference": "A-7", "proof": "receipt 11"}
    for when, why in (
        ("2026-11-20T12:59", "was approved after that"),
        ("2026-11-20T23:00", "cannot have been filed in the future"),
        ("2026-03-29T02:30", "does not exist in Europe/Berlin"),
        ("2026-11-31T02:30", "when:"),
    ):
        back = await sent(home, "cleo", "file", 422 if why == "when:" else 409, **words, when=when)
        assert why in back
        for kept in (*words.values(), when):
            assert kept in back, kept
    then = await sent(home, "cleo", "file", 303, **words, when="2026-11-20T14:30")
    filing = (await home.desk.log.load(name)).notices["N1"].filing
    assert filing.at == datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
    for told in ("portal of the authority", "A-7", "receipt 11", "2026-11-20 13:30:00 UTC"):
        assert told in then


@pytest.mark.parametrize(
    ("local", "later", "utc"),
    [
        ("2026-11-20T13:00", True, "2026-11-20T12:00"),
        ("2026-10-25T02:30", True, "2026-10-25T01:30"),
        ("2026-10-25T02:30", False, "2026-10-25T00:30"),
        ("2026-10-25T02:30+02:00", True, "2026-10-25T00:30"),
    ],
)
def test_an_hour_that_comes_twice(local: str, later: bool, utc: str) -> None:
    """A filing is read as late as it may have been, a clock's start as early; an offset leaves no doubt."""
    read = by_the_clock(datetime.fromisoformat(local), "Europe/Berlin", later=later)
    assert read == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_an_hour_that_never_was() -> None:
    """It is refused and not guessed."""
    with pytest.raises(Refused, match="does not exist in Europe/Berlin"):
        by_the_clock(datetime(2026, 3, 29, 2, 30), "Europe/Berlin", later=True)
    with pytest.raises(Refused, match="no day"):
        by_the_clock(datetime(9999, 12, 31, 23), "America/New_York", later=True)


async def test_duties_stand_by_what_they_ask(home: Place) -> None:
    """Owed with its clock, may be owed with questions, later with a date, none with each reason, and contradictions on top."""
    name = await breach(home)
    text = await markup(home, "cleo", "/incidents/INC-1")
    places = [text.index(f'id="duties-{group}"') for group in ("owed", "open", "later")]
    assert places == sorted(places)
    assert re.search(r"latest reading, for counsel: <time[^>]*>2026-11-23 13:00:00 UTC", text)
    assert "Prepare it" in text
    assert "<b>From 2027-12-02</b>" in text
    cleo = await home.who("cleo")
    await home.desk.submit(name, DecideDuty(GDPR, Answer.NO, "nothing left the house"), cleo)
    text = await markup(home, "cleo", "/incidents/INC-1")
    assert "Decided, and the facts now say otherwise" in text
    assert "The facts now say yes." in text
    assert "Decided no by Cleo Martin" in text
    assert text.index('id="duties-against"') < text.index('id="duties-open"')


async def test_questions_take_what_their_kind_takes(home: Place) -> None:
    """Yes, no and unknown; a choice; a time by the organisation's clocks; several of a set, none, and nothing at all."""
    name = await breach(home)
    text = await markup(home, "ana", "/incidents/INC-1")
    assert "Asked of counsel; settles" in text
    assert '<button name="value" value="yes">' in text
    facts = lambda: home.desk.log.load(name)  # noqa: E731 - read anew each time
    await sent(home, "cleo", "fact", 303, fact="bank_service_provider", unknown="true")
    await sent(home, "cleo", "fact", 303, fact="incident_resolved", value="no")
    await sent(home, "cleo", "fact", 303, fact="breach_discovered_at", value="2026-11-20T13:00", local="true")
    known = (await facts()).facts
    assert known["incident_resolved"] is False
    assert known["breach_discovered_at"] == "2026-11-20T12:00:00+00:00"
    back = await sent(home, "cleo", "fact", 409, fact="incident_resolved", value="")
    assert "say what holds, or that it is unknown" in back
    browser = await home.browser("cleo")
    several = {"fact": "org_role_ai_act", "members": ["provider", "deployer"]}
    assert (await browser.post("/incidents/INC-1/fact", data=several)).status_code == 303
    assert (await facts()).facts["org_role_ai_act"] == ("provider", "deployer")
    await browser.post("/incidents/INC-1/fact", data={"fact": "org_role_ai_act", "value": "none"})
    assert (await facts()).facts["org_role_ai_act"] == ()
    await browser.aclose()


async def test_somebody_answers_for_it_and_counsel_decides_to_speak(home: Place) -> None:
    """An owner and another deputy, by key in the API; a voluntary disclosure with its reason, both on the page."""
    name = await breach(home)
    async with await home.own("ana") as api:
        wrong = await api.post(f"/api/incidents/{name}/assign-duty", json={"regime": GDPR, "owner": "nobody"})
        assert (wrong.status_code, "no person called 'nobody'" in wrong.json()["because"]) == (404, True)
        same = {"regime": GDPR, "owner": "cleo", "deputy": "cleo"}
        assert (await api.post(f"/api/incidents/{name}/assign-duty", json=same)).status_code == 409
        told = await api.post(f"/api/incidents/{name}/assign-duty", json={**same, "deputy": "max"})
        duty = next(each for each in told.json()["duties"] if each["regime"] == GDPR)
        assert (duty["owner"], duty["deputy"]) == ("Cleo Martin", "Max Weber")
    words = {"audience": "customers", "tell": "false", "because": ""}
    assert "a decision needs its reason" in await sent(home, "cleo", "decide-disclosure", 409, **words)
    text = await sent(home, "cleo", "decide-disclosure", 303, **{**words, "because": "nobody was harmed"})
    for told in ("customers", "not told", "nobody was harmed", "Cleo Martin answers for it, Max Weber is deputy"):
        assert told in text


async def test_versions_keep_words_and_facts(home: Place) -> None:
    """Each stands under its number with digest, facts and signatures; one that never was is not there."""
    name = await approved(home)
    await home.desk.submit(name, RecordFact("data_subjects_count", 1403), await home.who("cleo"))
    await home.desk.ask_approval(name, "N1", await home.who("otto"))
    versions = (await home.desk.log.load(name)).notices["N1"].versions
    first, second = await seen(home, "ana", f"{PAGE}/versions/1"), await seen(home, "ana", f"{PAGE}/versions/2")
    assert "about 412" in first
    assert "legal: Cleo Martin" in " ".join(first.split())
    assert versions[0].digest in first
    assert "about 1403" in second
    assert "version 2 against version 1" in second
    async with await home.own("ana") as api:
        told = (await api.get(f"/api{PAGE}/versions/1")).json()
        assert told["text"] == versions[0].text
        assert told["facts"]["aware_at"] == "2026-11-20T12:00:00Z"
        for path in (f"/api{PAGE}/versions/9", f"{PAGE}/versions/9"):
            assert (await api.get(path)).status_code == 404


async def test_the_date_moved_and_why(home: Place) -> None:
    """Each date once computed stays on the notice's page, newest first."""
    name = await drafted(home)
    earlier = (NOON - timedelta(hours=4)).isoformat()
    await home.desk.submit(name, RecordFact("aware_at", earlier), await home.who("cleo"))
    await answered(home, name)
    text = await seen(home, "ana")
    assert "How the date moved" in text
    moved = text[text.index("How the date moved") :]
    assert moved.index("2026-11-23 08:00:00 UTC") < moved.index("2026-11-23 12:00:00 UTC")


async def test_nothing_is_due(home: Place) -> None:
    """The queue says so, and what would stand there; counsel and managers are led to it, others may look."""
    await declared(home)
    for who, led in (("cleo", True), ("max", True), ("ana", False)):
        text = await markup(home, who, "/notices")
        assert "No legal clock is running." in text
        assert ('href="/notices"' in text) is led, who


async def test_the_queue_names_what_is_missing(home: Place) -> None:
    """Not begun; then gaps and approval; then the signatures; then the filing; then the clock is gone."""
    under(home, TWO)
    name = await breach(home)
    assert "no notice begun" in await seen(home, "max", "/notices")
    await home.desk.request_notice(name, TEMPLATE, await home.who("ana"))
    assert re.search(r"\d+ gaps approval", await seen(home, "max", "/notices"))
    await home.desk.ask_approval(name, "N1", await home.who("otto"))
    text = await seen(home, "max", "/notices")
    assert "legal signature" in text
    assert "technical signature" in text
    assert "Cleo Martin" in text
    digest = (await home.desk.log.load(name)).notices["N1"].latest.digest
    for who in ("cleo", "ben"):
        await home.desk.submit(name, ApproveNotice("N1", digest), await home.who(who))
    assert re.search(r"gaps filing", await seen(home, "max", "/notices"))
    home.clock.forward(days=4)
    assert "passed 1 d" in await seen(home, "max", "/notices")
    await sent(home, "cleo", "file", 303, notice="N1", where="portal")
    after = await seen(home, "max", "/notices")
    assert "No legal clock is running." in after, after
