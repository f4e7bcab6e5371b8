"""What every pager promises: where it reaches somebody, that a page is told apart, and that it fails in sentences."""

from __future__ import annotations

import inspect
import re
from urllib.parse import unquote, unquote_plus

import pytest

from bot import shelf
from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.domain.paging import Receipt
from bot.domain.policy import Severity
from bot.engine.calling import Following, Kind, Over, Ringing, Sent
from tests.pagers.fakes import KEY, LINK, OTHER, PRIVATE, SECRET, of_house, restricted, stranger, summons, trial
from tests.parts import CANARY, MANNERS, Hands, badly, nothing_there
from tests.shelves.files import absent, described, settings
from tests.shelves.files import scene as scene_of

PAGERS = shelf.names("pagers")
DOORS = [name for name in PAGERS if described("pagers", name).SETTINGS]
"""Those that speak to somebody by themselves; Slack's is handed the Slack room's delivery."""
of_each = pytest.mark.parametrize("name", PAGERS)
of_doors = pytest.mark.parametrize("name", DOORS)


def private(text: str) -> list[str]:
    """What of it nobody may read: addresses, numbers, handles, secrets."""
    return [each for each in (*PRIVATE, CANARY, "must-not-be-told") if each in text]


def at_port(name: str, port: int):
    """The pager in front of a port of this machine."""
    kind = shelf.load("pagers", name)
    return kind(kind.Settings.model_validate(settings("pagers", name, port)), clock=Hands())


@of_each
async def test_a_page_arrives_and_says_where(name: str) -> None:
    """The key goes with it, so that the channel can tell a repetition; the words hold nobody's whole address."""
    async with scene_of("pagers", name) as scene:
        sent = await scene.pager.page(summons())
        assert isinstance(sent, Sent)
        assert scene.reached() == [("ana", KEY)]
        assert sent.where
        assert private(sent.where + sent.ref) == []
        assert sent.rings <= isinstance(scene.pager, Ringing)


@of_each
async def test_the_way_is_told_without_asking_anybody(name: str) -> None:
    """Readiness and previews look at everybody's channels: no request, and what is told is what sending tells."""
    async with scene_of("pagers", name) as scene:
        way = scene.pager.way(summons())
        assert way
        assert scene.asked() == 0
        assert (await scene.pager.page(summons())).where.startswith(way)


@of_each
async def test_somebody_without_an_address_is_refused_by_name(name: str) -> None:
    """Nothing is sent, and the sentence says who cannot be reached and which file lacks it."""
    async with scene_of("pagers", name) as scene:
        if scene.everybody:
            assert scene.pager.way(stranger())
            return
        with pytest.raises(Refused, match=r"Eve Moreau .*people"):
            scene.pager.way(stranger())
        with pytest.raises(Refused, match=r"Eve Moreau .*people"):
            await scene.pager.page(stranger())
        assert scene.reached() == []
        assert scene.asked() == 0


@of_each
async def test_a_repetition_is_one_page_where_the_channel_can_tell(name: str) -> None:
    """Another key is another page; where the channel cannot tell, the module's page says that it is sent again."""
    async with scene_of("pagers", name) as scene:
        await scene.pager.page(summons())
        await scene.pager.page(summons())
        if scene.tells:
            assert scene.reached() == [("ana", KEY)]
            await scene.pager.page(summons(key=OTHER))
            assert sorted(scene.reached()) == [("ana", KEY), ("ana", OTHER)]
        else:
            assert scene.reached() == [("ana", KEY)] * 2
            assert "in doubt is" in " ".join((inspect.getdoc(shelf.module("pagers", name)) or "").split())


@of_each
async def test_of_a_restricted_incident_nothing_leaves_but_its_number(name: str) -> None:
    """A pager says what it was told to say and does not look into the incident itself."""
    async with scene_of("pagers", name) as scene:
        await scene.pager.page(restricted())
        if scene.carries:
            assert "INC-7" in scene.words()
            assert SECRET not in scene.words()
            assert "Mustermann" not in scene.words()
            assert "visits" not in scene.words()


@of_each
async def test_a_page_says_where_to_answer(name: str) -> None:
    """By its address, whole; without a console, by saying where to look instead. A test page arrives as well."""
    for given in ({"url": LINK}, {"url": ""}, {"situations": (), "url": ""}, {"situations": (), "text": ""}):
        async with scene_of("pagers", name) as scene:
            await scene.pager.page(summons(**given))
            assert len(scene.reached()) == 1
            words = scene.words().replace("%3A", ":").replace("%2F", "/").replace("+", " ")
            if scene.carries and given.get("url"):
                assert LINK in words
            elif scene.carries and "situations" not in given and name != "webhook":
                assert "in the chat" in words


def plain(words: str) -> str:
    """What was told, as far as it may have travelled in a form or in JSON."""
    return unquote_plus(words).replace("\\n", "\n")


@of_each
@pytest.mark.parametrize("url", ["", LINK])
async def test_a_test_page_asks_nobody_to_acknowledge(name: str, url: str) -> None:
    """It says what it is, and neither that something is to be acknowledged nor that the house is in trouble."""
    async with scene_of("pagers", name) as scene:
        made = trial(url=url)
        await scene.pager.page(made)
        assert (made.kind, len(scene.reached())) == (Kind.TEST, 1)
        if scene.carries:
            told = plain(scene.words())
            assert "A test page" in told
            assert not re.search("acknowledge|doctor|in the chat|rotating_light", told, re.IGNORECASE)


@of_each
async def test_a_page_about_tocsin_itself_is_no_test_and_no_incident(name: str) -> None:
    """It says so, and how to look; there is nothing to acknowledge, and it does not say that there is nothing to do."""
    for url in ("", LINK):
        async with scene_of("pagers", name) as scene:
            made = of_house(url=url)
            await scene.pager.page(made)
            assert made.kind is Kind.HOUSE
            assert [(who, unquote(key)) for who, key in scene.reached()] == [
                ("ana", KEY if name == "voice" else made.key)  # a call carries no key
            ]
            if not scene.carries:
                continue
            told = plain(scene.words())
            assert "The database does not answer" in told
            assert "Nothing is recorded" in told
            assert not re.search("test|to acknowledge|Acknowledge|in the chat|nothing to do", told)
            if name == "webhook":
                assert '"type":"house"' in told
            elif name == "voice":
                assert "This is about Tocsin itself" in told
            elif url:
                assert LINK in told
            else:
                assert "About Tocsin itself. See how it is with: tocsin doctor" in told


@of_each
async def test_a_page_about_an_incident_is_to_be_acknowledged(name: str) -> None:
    """Its address is told as where that is done; it is neither a test nor about Tocsin."""
    async with scene_of("pagers", name) as scene:
        await scene.pager.page(summons())
        assert summons().kind is Kind.PAGE
        if scene.carries:
            told = plain(scene.words())
            assert not re.search("test_tube|Tocsin itself|nothing to do", told)
            if name not in {"sms", "webhook"}:  # a text has no room for it; what a webhook says is for its receiver
                assert re.search("acknowledge", told, re.IGNORECASE)


@of_each
@pytest.mark.parametrize("severity", list(Severity))
async def test_however_long_and_odd_its_words_a_page_arrives(name: str, severity: Severity) -> None:
    """Within every limit of the channel: a page that is refused for its length wakes nobody."""
    odd = "Größe\r\n\t\x00\u2028\u202e<b>&\"'{}[]\\~^|€🔥 " * 300
    async with scene_of("pagers", name) as scene:
        await scene.pager.page(summons(headline=odd, text=odd, severity=severity, key="page:test:ana"))
        assert [who for who, _ in scene.reached()] == ["ana"]


@of_each
@pytest.mark.parametrize("fault", [TimeoutError(), OSError("gone"), KeyError("channel"), Unavailable("it", "away")])
async def test_whatever_breaks_is_unavailable(name: str, fault: Exception) -> None:
    """So that the next pager is tried, and the page is tried again later; the sentence tells no address."""
    async with scene_of("pagers", name) as scene:
        scene.breaks(fault)
        with pytest.raises(Unavailable) as caught:
            await scene.pager.page(summons())
        assert len(str(caught.value)) > 5
        assert private(str(caught.value)) == []


@of_each
async def test_what_became_of_a_page_is_asked_by_its_reference(name: str) -> None:
    """A page just taken is accepted and not lost; asked when nobody answers, it is Unavailable and nothing else."""
    async with scene_of("pagers", name) as scene:
        if not isinstance(scene.pager, Following):
            return
        sent = await scene.pager.page(summons(severity=Severity.SEV1))
        assert sent.ref
        became = await scene.pager.became(sent.ref)
        assert (became.receipt, became.final) == (Receipt.ACCEPTED, False)
        for fault in (TimeoutError(), OSError("gone"), KeyError("channel"), Unavailable("it", "away")):
            scene.breaks(fault)
            with pytest.raises(Unavailable) as caught:
                await scene.pager.became(sent.ref)
            assert private(str(caught.value)) == []


@of_each
async def test_what_rings_is_stood_down_once_and_for_all(name: str) -> None:
    """It rings no more; once more, or of a page nobody knows, it is harmless; other pages ring on."""
    async with scene_of("pagers", name) as scene:
        if not isinstance(scene.pager, Ringing):
            return
        sent = await scene.pager.page(summons(severity=Severity.SEV1))
        await scene.pager.page(summons(severity=Severity.SEV1, key=OTHER))
        assert sent.rings
        assert sorted(scene.ringing()) == [KEY, OTHER]
        for over in (Over.ACKNOWLEDGED, Over.ACKNOWLEDGED, Over.RESOLVED):
            await scene.pager.stand_down(KEY, sent.ref, over)
            assert scene.ringing() == [OTHER]
        await scene.pager.stand_down("page:test:ana", "", Over.RESOLVED)
        assert scene.ringing() == [OTHER]
        scene.breaks(TimeoutError())
        with pytest.raises(Unavailable):
            await scene.pager.stand_down(OTHER, "", Over.RESOLVED)


@of_doors
@pytest.mark.parametrize("manners", MANNERS)
async def test_a_bad_answer_is_a_sentence_without_secrets(name: str, manners: str) -> None:
    """In time; a 4xx was not taken, and all else may have been. A redirect is followed by nobody."""
    mail = name == "email"
    async with badly(manners) as port:
        pager = at_port(name, port)
        try:
            if manners in absent("pagers", name):
                assert (await pager.page(summons())).where
                return
            with pytest.raises((Refused, Unavailable)) as caught:
                await pager.page(summons())
        finally:
            await pager.close()
    assert isinstance(caught.value, Refused) == (manners in {"400", "404"} and not mail)
    assert isinstance(caught.value, RateLimited) == (manners == "429" and not mail)
    assert private(f"{caught.value} {caught.value.__cause__!r}") == []
    assert len(str(caught.value)) > 10


@of_doors
@pytest.mark.parametrize("manners", MANNERS)
async def test_a_bad_answer_later_is_one_too(name: str, manners: str) -> None:
    """What became of a page is Unavailable or, where the provider has none by that name, final; standing down may also be refused."""
    told = []
    async with badly(manners) as port:
        pager = at_port(name, port)
        try:
            if isinstance(pager, Following):
                try:
                    became = await pager.became("ref-1")
                except Unavailable as away:
                    told.append(str(away))
                else:
                    assert manners == "404"
                    assert became.receipt is Receipt.ACCEPTED
            if isinstance(pager, Ringing):
                try:
                    await pager.stand_down(KEY, "", Over.ACKNOWLEDGED)
                except (Refused, Unavailable) as no:
                    told.append(str(no))
                else:
                    assert manners in {"404", "empty object"}
        finally:
            await pager.close()
    assert private(" ".join(told)) == []


@of_doors
async def test_nobody_there_is_a_sentence(name: str) -> None:
    """A closed port is Unavailable, at once."""
    pager = at_port(name, await nothing_there())
    try:
        with pytest.raises(Unavailable, match="could not be reached"):
            await pager.page(summons())
    finally:
        await pager.close()
