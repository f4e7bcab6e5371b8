"""What people said, as the console shows it: in order, as its authors left it, struck where it counts no more."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy
from bot.domain.saying import FollowSaying, KeepNote, TakeBack
from tests.web.fakes import Place
from tests.web.rich import declared

LINK = "https://chat.example/archives/C1/p11"


async def told(home: Place) -> str:
    """An incident with two notes, one of them edited, and a finding that was taken back under a why."""
    name = await declared(home)
    ana, ben = await home.who("ana"), await home.who("ben")
    now = home.clock.now()
    later, earlier = now - timedelta(seconds=20), now - timedelta(seconds=40)
    await home.desk.submit(name, KeepNote("recal is low", "C1/1.1", ana.id, later, LINK), ben)
    await home.desk.submit(name, KeepNote("<b>we look</b>", "C1/1.2", ben.id, earlier, "javascript:alert(1)"), ben)
    await home.desk.submit(name, FollowSaying("C1/1.1", "recall is low"))
    await home.desk.submit(name, RecordFinding("it is the export", "responder", said="C1/1.3"), ana)
    await home.desk.submit(name, AddWhy("the export changed", evidence="F1"), ana)
    await home.desk.submit(name, TakeBack("C1/1.3"), ana)
    return name


async def page_of(home: Place, who: str, name: str) -> str:
    browser = await home.browser(who)
    text = (await browser.get(f"/incidents/{name}")).text
    await browser.aclose()
    return text


async def test_notes_stand_in_the_timeline(home: Place) -> None:
    """In the order in which they were said, with author and link; edited ones as they read now; no foreign address."""
    name = await told(home)
    page = await page_of(home, "ana", name)
    first = page.index("Ben Okafor said: &lt;b&gt;we look&lt;/b&gt;")
    second = page.index("Ana Ruiz said: recall is low (kept by Ben Okafor)")
    assert first < second
    assert f'<a href="{LINK}" rel="noreferrer noopener">message</a>' in page[second : second + 300]
    assert "javascript:" not in page
    assert "said: recal is low" not in page


async def test_what_was_taken_back_is_struck_and_says_by_whom(home: Place) -> None:
    """In the timeline and among the findings; it is counted and offered no more, and a why that rests on it says so."""
    name = await told(home)
    page = await page_of(home, "ana", name)
    line = next(one for one in re.findall(r'<li class="FindingRecorded[^"]*">.*?</li>', page, re.DOTALL))
    assert line.startswith('<li class="FindingRecorded gone">')
    assert "(taken back by Ana Ruiz, " in line
    assert re.search(r'<li id="F1" class="gone">', page)
    assert "assumed: F1 was taken back" in page
    assert 'Findings <span class="count">0</span>' in page
    assert '<option value="F1">' not in page


async def test_the_api_tells_it_too(home: Place) -> None:
    """Since when a finding counts no more; each line with its link and its end."""
    name = await told(home)
    async with home.api("ana") as api:
        seen = (await api.get(f"/api/incidents/{name}")).json()
    assert seen["findings"][0]["gone"] is not None
    lines = {line["text"]: line for line in seen["timeline"]}
    assert lines["T1, Ana Ruiz said: recall is low (kept by Ben Okafor)"]["link"] == LINK
    struck = [line["name"] for line in lines.values() if line["gone"] is not None]
    assert struck == ["FindingRecorded"]


@pytest.mark.parametrize("who", ["cleo", "audrey"])
async def test_everybody_who_reads_the_incident_reads_it(home: Place, who: str) -> None:
    """Also those who may not act."""
    name = await told(home)
    assert "recall is low" in await page_of(home, who, name)
