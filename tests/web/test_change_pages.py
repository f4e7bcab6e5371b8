"""A change of production on its page: the plan whole, where it stands in words, and a form for who may press it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.approval import LeaveToPeople, Preapprove
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportAccepted, ReportOutcome
from bot.domain.guard import Freeze, Means, TargetRules
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Outcome, State
from bot.domain.policy import ActionClass, Severity
from bot.domain.proof import ReportVerification
from bot.domain.service import Offer
from bot.domain.trouble import ReportTrouble
from bot.domain.undo import BeginUndo, ReportUndo, UndoMitigation
from tests.kit import NOON, held, plan
from tests.web.changes import INCIDENT, WHY, applied, claimed, mitigation, post, proposed, told, under, wide
from tests.web.fakes import Place
from tests.web.rich import HOSTILE, declared
from tests.web.test_pages import Reader, sound

PAGE = f"/incidents/{INCIDENT}"
VERBS = frozenset({
    "approve", "code", "decline", "alone", "go-ahead", "override", "undo", "settle", "review", "hold", "release",
})  # fmt: skip


async def page_of(home: Place, who: str) -> Reader:
    browser = await home.browser(who)
    page = sound(await browser.get(PAGE))
    await browser.aclose()
    return page


def forms(page: Reader) -> set[str]:
    """The verbs of a change that have a form."""
    actions = {(each.get("action") or "").rpartition("/")[2] for each in page.of("form")}
    return actions & VERBS


async def each_forms(home: Place) -> Mapping[str, set[str]]:
    return {who: forms(await page_of(home, who)) for who in ("ana", "ben", "ida", "cleo", "audrey", "otto")}


# -- who may press what ----------------------------------------------------------------------------------------------


async def test_a_proposal_has_forms_for_who_may(home: Place) -> None:
    """Its proposer withdraws, approvers decide, may act alone or let it go ahead; counsel holds; others read."""
    await proposed(home)
    deciding = {"approve", "decline", "alone", "go-ahead"}
    assert await each_forms(home) == {
        "ana": {"decline"}, "ben": deciding, "ida": deciding, "cleo": {"hold"}, "audrey": set(), "otto": set(),
    }  # fmt: skip


async def test_its_proposer_may_act_alone_and_nothing_else(home: Place) -> None:
    """An approver who proposed: not approve, but break the glass; with a code where it is wide."""
    await wide(home, "ben")
    found = await each_forms(home)
    assert found["ben"] == {"decline", "alone", "code", "go-ahead"}
    assert found["ida"] == {"approve", "decline", "alone", "code", "go-ahead"}


async def test_badges_of_the_moment_count(home: Place) -> None:
    """The policy of a target comes before roles: who is on call, one by key, one by group."""
    rules = TargetRules(approve=frozenset({"on-call", "@audrey", "group:platform"}))
    under(home, targets={"visits-router": rules}, break_glass=frozenset())
    members = [replace(await home.who("otto"), groups=frozenset({"platform"}))]
    everybody = [one for one in await home.store.people.everyone() if one.key != "otto"]
    await home.store.people.enrol([*everybody, *members])
    await proposed(home, "ben")
    found = await each_forms(home)
    assert {who for who, verbs in found.items() if "approve" in verbs} == {"ana", "audrey", "otto"}
    assert "Waits for" not in (await page_of(home, "ana")).text
    assert "Waits for @audrey or group:platform or on-call." in (await page_of(home, "ida")).text
    await post(home, "otto", "approve", mitigation="M1", digest=(await mitigation(home)).digest)


async def test_who_approved_already_has_no_second_button(home: Place) -> None:
    """And is told how many more must."""
    under(home, quorum={ActionClass.TRAFFIC: 2})
    digest = await proposed(home)
    await post(home, "ben", "approve", mitigation="M1", digest=digest)
    page = await page_of(home, "ben")
    assert "approve" not in forms(page)
    assert "You approved it; 1 more must." in page.text
    assert "1 of 2" in page.text
    assert "approve" in forms(await page_of(home, "ida"))


async def test_after_it_was_done(home: Place) -> None:
    """Applied: approvers undo. Verified: not its proposer alone."""
    await applied(home)
    assert (await each_forms(home))["ben"] == {"undo"}
    assert (await each_forms(home))["ana"] == set()
    await home.desk.submit(INCIDENT, ReportVerification("M1", helped=True, because="met"))
    assert (await each_forms(home))["ida"] == {"undo"}
    assert "The data say that it helps" in (await page_of(home, "ida")).text


async def test_under_counsels_hold(home: Place) -> None:
    """The banner says who and why; approvers may override, counsel releases, and an undo waits too."""
    await applied(home)
    await proposed(home, target="visits-model", target_uid="model")
    await post(home, "cleo", "hold", because="the authority asked")
    found = await each_forms(home)
    assert found["cleo"] == {"hold", "release"}
    assert "undo" not in found["ida"]
    assert "override" in found["ida"]
    assert found["ana"] == {"decline"}
    page = await page_of(home, "ana")
    for words in ("Under counsel's hold: the authority asked", "Counsel's hold keeps its undoing back.",
                  "Counsel's hold keeps it back.", "Cleo Martin, 2026-11-20 12:00:05 UTC"):  # fmt: skip
        assert words in page.text, words
    await post(home, "ida", "override", mitigation="M1", because="it makes things worse")
    assert "Goes ahead in spite of counsel's hold: it makes things worse" in (await page_of(home, "ana")).text
    assert "undo" in (await each_forms(home))["ben"]


async def test_what_was_done_alone_is_reviewed_by_another(home: Place) -> None:
    """The badge says so until somebody did; the one who acted has no form for it."""
    digest = await proposed(home)
    await post(home, "ben", "alone", mitigation="M1", digest=digest, because=WHY)
    page = await page_of(home, "ida")
    assert "acted alone" in page.text
    assert "review" not in forms(page), "nothing was touched yet"
    await home.desk.submit(INCIDENT, ReportTrouble(f"execute:{INCIDENT}:M1", 1, "the router is silent"))
    assert "It could not be carried out yet: the router is silent." in (await page_of(home, "ida")).text
    await _claim(home)
    found = await each_forms(home)
    assert {who for who, verbs in found.items() if "review" in verbs} == {"ida"}
    page = await page_of(home, "ben")
    assert "not reviewed yet" in page.text
    assert f"One person acted alone: {WHY}" in page.text
    browser = await home.browser("ida")
    for words, status in (("", 409), ("it was right", 303)):
        data = {"mitigation": "M1", "justified": "yes", "words": words, "once": words}
        assert (await browser.post(f"{PAGE}/review", data=data)).status_code == status
    await browser.aclose()
    page = await page_of(home, "ben")
    assert "Reviewed by Ida Novak" in page.text
    assert "not reviewed yet" not in page.text


async def _claim(home: Place) -> None:
    await home.desk.submit(INCIDENT, ClaimMitigation("M1", "7", ((await home.who("ben")).person,)))


# -- what it says ----------------------------------------------------------------------------------------------------


async def test_the_plan_is_whole(home: Place) -> None:
    """Fields side by side, share and traffic as bars with words, dry run, way back, GitOps, warnings, whole digest."""
    digest = await proposed(
        home,
        share=0.4,
        serves={"v1": 1.0, "v2": 0.0},
        dry_run="the router took it as a dry run",
        managed_by="Argo CD application visits",
        warnings=("v1 has not served for a week",),
        before={"flag": "a\nb\nc", "gone": {"x": 1}},
        after={"flag": "a\nB\nc", "gone": {}},
    )
    page = await page_of(home, "ben")
    for words in ("weight v1 0 → 100", "flag, line 2 b B", "gone.x 1 not there", "40 % of production, class 2",
                  "100 % v1", "0 % v2", "the router took it as a dry run", "weights back to v1 0, v2 100",
                  "Argo CD application visits it may put the old state back", "v1 has not served for a week", digest,
                  "0 of 1 , by admin or approver",
                  "being held; the change waits for it until 2026-11-20 12:00:25 UTC"):  # fmt: skip
        assert words in page.text, words
    parts = [each.get("width") for each in page.of("rect") if each.get("class") == "part"]
    assert parts == ["40.00", "100.00", "0.00"]


async def test_what_cannot_be_undone_says_so(home: Place) -> None:
    """Before it is approved, and there is no form for it afterwards."""
    await applied(home, undo="")
    page = await page_of(home, "ben")
    assert "none: it cannot be undone" in page.text
    assert "undo" not in forms(page)


async def test_evidence_is_told_with_its_hashes(home: Place) -> None:
    """What is held, what is missing, and when nobody waits any more."""
    await proposed(home)
    await home.desk.submit(INCIDENT, ReportHold("M1", held("router.json"), ("lineage: no answer",)))
    page = await page_of(home, "ben")
    assert f"router.json {held('router.json')[0].sha256[:16]}" in page.text
    assert "Missing: lineage: no answer" in page.text
    assert "go-ahead" not in forms(page)


async def test_evidence_that_never_came(home: Place) -> None:
    """Its time ran out: the page does not promise to wait for it."""
    await proposed(home)
    home.clock.forward(seconds=21)
    assert "not held in time; nobody waits for it any more" in (await page_of(home, "ben")).text


async def test_frozen_and_outdated(home: Place) -> None:
    """Until when and why; under other rules there is nothing to press but to withdraw."""
    freeze = Freeze("launch week", "nobody deploys", NOON, NOON + timedelta(hours=2))
    under(home, freezes=(freeze,))
    await proposed(home)
    assert "launch week holds until 2026-11-20 14:00 UTC: nobody deploys" in (await page_of(home, "ben")).text
    under(home, freezes=())
    page = await page_of(home, "ben")
    assert "The rules of the house changed since it was proposed; propose it again." in page.text
    assert not forms(page) & {"approve", "alone", "code"}


async def test_on_its_way_and_back(home: Place) -> None:
    """A target that takes its time is told with how far it is."""
    await claimed(home)
    assert "being carried out" in (await page_of(home, "ben")).text
    await home.desk.submit(INCIDENT, ReportAccepted("M1", "1 of 3 pods run v1"))
    page = await page_of(home, "ben")
    assert "on its way" in page.text
    assert "1 of 3 pods run v1" in page.text
    await home.desk.submit(INCIDENT, ReportOutcome("M1", Outcome.APPLIED, "3 of 3"))
    await home.desk.submit(INCIDENT, UndoMitigation("M1"), await home.who("ben"))
    assert "being taken back" in (await page_of(home, "ben")).text
    await home.desk.submit(INCIDENT, ReportAccepted("M1", "2 of 3 pods run v1"))
    assert "on its way back" in (await page_of(home, "ben")).text


async def test_nobody_can_tell(home: Place) -> None:
    """It is not tried again; an approver says what the target shows, once."""
    await claimed(home)
    await home.desk.submit(INCIDENT, ReportOutcome("M1", Outcome.UNKNOWN, "no answer in 30 s"))
    page = await page_of(home, "ben")
    assert "Nobody can tell whether it was applied." in page.text
    assert forms(page) == {"settle"}
    assert forms(await page_of(home, "ana")) == set()


async def test_nobody_can_tell_of_an_undo(home: Place) -> None:
    """What is asked is whether it was taken back, in these words; the other words are refused with what to say."""
    await applied(home)
    await home.desk.submit(INCIDENT, UndoMitigation("M1"), await home.who("ben"))
    await home.desk.submit(INCIDENT, ReportUndo("M1", Outcome.UNKNOWN, "no answer in 30 s"))
    page = await page_of(home, "ben")
    assert "Nobody can tell whether it was taken back." in page.text
    offered = {each.get("value") for each in page.of("option")} | {each.get("value") for each in page.of("input")}
    assert {"taken-back", "still-stands"} <= offered
    assert not {"applied", "failed"} & offered
    because = await post(home, "ben", "settle", 409, mitigation="M1", outcome="applied")
    assert because == "nobody can tell whether M1 was taken back: say taken-back or still-stands"
    after = await post(home, "ben", "settle", mitigation="M1", outcome="taken-back", detail="I looked")
    assert (after["mitigations"][0]["state"], after["mitigations"][0]["detail"]) == ("undone", "I looked")


async def test_what_does_not_help_offers_the_next(home: Place) -> None:
    """Undo stands open, and what else is prepared is named; not what was just tried, nor what would not help."""
    offers = (
        Offer("back-to-v1", "Roll back to v1", "rollback", "visits-router", {"to": "v1"}),
        Offer("around", "Bypass the slice", "bypass", "visits-router", {"to": "v1"}),
    )
    service = replace(home.desk.catalogue.services["visits"], offers=offers)
    home.desk.catalogue = replace(home.desk.catalogue, services={"visits": service})
    await declared(home)
    await post(home, "ana", "propose", offer="back-to-v1")
    digest = (await mitigation(home)).digest
    await home.desk.submit(INCIDENT, ReportHold("M1", held("x")))
    await post(home, "ben", "approve", mitigation="M1", digest=digest)
    await _claim(home)
    await home.desk.submit(INCIDENT, ReportOutcome("M1", Outcome.APPLIED, "done"))
    await home.desk.submit(
        INCIDENT, ReportVerification("M1", helped=False, because="11 min after it was applied: burns")
    )
    page = await page_of(home, "ben")
    assert "It does not seem to help. Undo it, or propose what else is prepared: Bypass the slice" in page.text
    assert [each for each in page.of("details") if "open" in each]
    assert "11 min after it was applied: burns" in page.text


async def test_automatic_and_left_to_people(home: Place) -> None:
    """What the policy approved beforehand says so; what it could not do by itself is marked where it is prepared."""
    under(home, targets={"visits-router": TargetRules(automatic=frozenset({Means.BYPASS}))})
    await declared(home)
    await home.desk.submit(INCIDENT, LeaveToPeople("back-to-v1", "nobody has seen it taken back lately"))
    assert "Not done by itself: the timeline says why." in (await page_of(home, "ana")).text
    made = plan(means=Means.BYPASS, klass=ActionClass.SMALL, rules=home.desk.handler.policy.fingerprint)
    await applied(home, means=Means.BYPASS, klass=ActionClass.SMALL)
    await home.desk.submit(INCIDENT, UndoMitigation("M1"), await home.who("ben"))
    await home.desk.submit(INCIDENT, BeginUndo("M1"))
    await home.desk.submit(INCIDENT, ReportUndo("M1", Outcome.APPLIED, "as it was"))  # now its undo was seen to work
    await home.desk.submit(INCIDENT, Preapprove(made, "around", "it answers the likeliest cause"))
    page = await page_of(home, "ana")
    assert "M2 bypass on visits-router approved automatic" in page.text
    assert "The policy approved it beforehand" in page.text
    assert page.text.count("Approvals") == 1, "of M1 alone: nobody was asked about M2"


# -- looking first ---------------------------------------------------------------------------------------------------


async def test_the_preview_page(home: Place) -> None:
    """The plan and its form for who may propose; for others why not; nothing is recorded by looking."""
    await declared(home)
    seq = (await home.desk.log.load(INCIDENT)).seq
    for who, words in (("ana", "Nothing was changed."), ("cleo", "You cannot propose it now: only admin or approver")):
        browser = await home.browser(who)
        page = sound(await browser.get(f"{PAGE}/preview", params={"offer": "back-to-v1"}))
        assert words in page.text
        assert "weights.v1 0 100" in page.text
        asked = [each for each in page.of("form") if (each.get("action") or "").endswith("/propose")]
        assert bool(asked) is (who == "ana")
        await browser.aclose()
    assert (await home.desk.log.load(INCIDENT)).seq == seq
    browser = await home.browser("ana")
    looked = [each.get("href") for each in sound(await browser.get(PAGE)).of("a")]
    assert f"{PAGE}/preview?offer=back-to-v1" in looked
    missing = await browser.get(f"{PAGE}/preview", params={"offer": HOSTILE})
    assert missing.status_code == 404
    assert "<script>alert" not in missing.text
    await browser.aclose()


# -- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["hold", "override", "go-ahead", "alone"])
async def test_a_form_without_its_reason_comes_back(home: Place, verb: str) -> None:
    """With the rule's sentence beside it, and nothing is recorded."""
    digest = await proposed(home)
    if verb == "override":
        await post(home, "cleo", "hold", because="the authority asked")
    before = (await home.desk.log.load(INCIDENT)).seq
    browser = await home.browser("cleo" if verb == "hold" else "ida")
    data = {"because": " "} if verb == "hold" else {"mitigation": "M1", "because": " "}
    if verb == "alone":
        data |= {"digest": digest, "confirm": "visits-router"}
    answer = await browser.post(f"{PAGE}/{verb}", data=data)
    await browser.aclose()
    page = Reader(answer.text)
    assert answer.status_code == 409
    assert [each for each in page.of("p") if each.get("class") == "why-not"]
    assert [each for each in page.of("details") if "open" in each]
    assert (await home.desk.log.load(INCIDENT)).seq == before


@pytest.mark.parametrize("verb", ["approve", "alone"])
async def test_the_worst_takes_the_targets_name(home: Place, verb: str) -> None:
    """A SEV1's approval, and acting alone: without the name nothing is done, what was typed stays, with it it is done."""
    await declared(home, severity=Severity.SEV1 if verb == "approve" else Severity.SEV2)
    data = {"mitigation": "M1", "digest": await proposed(home), "because": WHY}
    browser = await home.browser("ben")
    page = Reader((await browser.get(PAGE)).text)
    assert "Type visits-router to confirm" in page.text
    if verb == "approve":
        del data["because"]
    for typed in ({}, {"confirm": "visits"}, {"confirm": "VISITS-ROUTER"}):
        answer = await browser.post(f"{PAGE}/{verb}", data={**data, **typed})
        assert (answer.status_code, "type visits-router exactly" in answer.text) == (409, True)
        assert f'value="{typed.get("confirm", "")}"' in answer.text
    assert (await mitigation(home)).state is State.PROPOSED
    assert (await browser.post(f"{PAGE}/{verb}", data={**data, "confirm": " visits-router "})).status_code == 303
    assert (await mitigation(home)).state is not State.PROPOSED
    await browser.aclose()


async def test_others_take_no_name(home: Place) -> None:
    """A SEV2 is approved with one press; the API says of each whether a person types the name."""
    digest = await proposed(home)
    browser = await home.browser("ben")
    assert (await told(home))["name_wanted"] is False
    assert (await browser.post(f"{PAGE}/approve", data={"mitigation": "M1", "digest": digest})).status_code == 303
    await browser.aclose()


async def test_a_stale_plan_is_not_approved_by_form(home: Place) -> None:
    """The page that was open when the plan changed says to read it again."""
    await proposed(home)
    browser = await home.browser("ben")
    answer = await browser.post(f"{PAGE}/approve", data={"mitigation": "M1", "digest": "0" * 64})
    assert (answer.status_code, "read it again" in answer.text) == (409, True)
    await browser.aclose()


async def test_words_of_a_plan_stay_words(home: Place) -> None:
    """Whatever a target answered: in the diff, in the fields, in the whole state, in warnings and the hold."""
    await proposed(
        home, diff=(HOSTILE,), before={HOSTILE: HOSTILE}, after={HOSTILE: f"{HOSTILE}2"}, warnings=(HOSTILE,),
        dry_run=HOSTILE, managed_by=HOSTILE, undo=HOSTILE, blast_radius=HOSTILE, serves={HOSTILE: 1.0},
    )  # fmt: skip
    await post(home, "cleo", "hold", because=HOSTILE)
    for who in ("ben", "cleo"):
        browser = await home.browser(who)
        answer = await browser.get(PAGE)
        sound(answer)
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        await browser.aclose()
