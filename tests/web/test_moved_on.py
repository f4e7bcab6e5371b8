"""Words that moved on since they were read are neither overwritten nor signed nor filed unseen."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.domain.duty import RecordFact
from bot.domain.errors import Invalid, NotFound, Problem, Refused
from bot.domain.filing import FileNotice
from bot.domain.notice import Notice, Standing
from bot.domain.signing import ApproveNotice
from bot.domain.wording import EnterField
from bot.engine.situation import Words
from tests.web.fakes import Place
from tests.web.legal import drafted
from tests.web.test_counsel import approved, markup, sent

MOVED = "N1's words have changed since you opened them"


async def noted(home: Place, name: str = "INC-1") -> Notice:
    """The notice as the log has it."""
    return (await home.desk.log.load(name)).notices["N1"]


async def test_facts_that_came_while_counsel_typed_are_kept(home: Place) -> None:
    """The save is refused, with what was typed and what it would take out of today's words; the next one is counsel's."""
    name = await drafted(home)
    ana, read = await home.who("ana"), (await home.desk.situation(name)).drafts["N1"]
    await home.desk.submit(name, RecordFact("data_subjects_count", 98765), ana)
    await home.desk.submit(name, EnterField("N1", "likely_consequences", "passwords are on sale"), ana)
    typed = f"{read.text}\nPlease note.\n"
    back = await sent(home, "cleo", "reword", 409, notice="N1", text=typed, digest=read.digest)
    assert MOVED in back.replace("&#39;", "'")
    assert "Please note." in back
    assert "<del>passwords</del>" in back
    assert "<ins>412 patients</ins>" in back
    now = (await home.desk.situation(name)).drafts["N1"]
    assert "passwords are on sale" in now.text
    assert (await noted(home)).rewording is None
    digest = re.search(r'name="digest" value="(\w+)"', back.partition('id="words"')[2])
    assert digest is not None
    assert digest[1] == now.digest
    merged = f"{now.text}\nPlease note.\n"
    await sent(home, "cleo", "reword", 303, notice="N1", text=merged, digest=digest[1])
    assert (await noted(home)).rewording.text.strip() == merged.strip()


async def test_another_counsels_words_are_not_overwritten(home: Place) -> None:
    """Whoever saves second is told; their own page still holds what they typed."""
    name = await drafted(home)
    read = (await home.desk.situation(name)).drafts["N1"]
    page = await markup(home, "cleo")
    assert f'name="digest" value="{read.digest}"' in page
    first = read.text.replace("about 412", "some four hundred")
    await sent(home, "cleo", "reword", 303, notice="N1", text=first, digest=read.digest)
    second = read.text.replace("about 412", "fewer than five hundred")
    back = await sent(home, "cleo", "reword", 409, notice="N1", text=second, digest=read.digest)
    assert "fewer than five hundred" in back
    assert "some four hundred" in (await noted(home)).rewording.text
    back = await sent(home, "cleo", "reword", 409, notice="N1", text="", digest=read.digest)
    assert "some four hundred" in back[back.index('<textarea name="text"') :]
    async with await home.own("cleo") as api:
        missing = await api.post(f"/api/incidents/{name}/reword", json={"notice": "N1", "text": "x"})
        assert missing.status_code == 422
        other = await api.post(
            f"/api/incidents/{name}/reword", json={"notice": "N1", "text": "x", "digest": read.digest}
        )
        assert (other.status_code, MOVED in other.text) == (409, True)


async def test_words_the_facts_left_behind_are_not_signed(home: Place) -> None:
    """Before anybody has looked: the version is marked stale at the signature itself, and the refusal says why."""
    name = await drafted(home)
    await home.desk.ask_approval(name, "N1", await home.who("ana"))
    digest = (await noted(home)).latest.digest
    await home.desk.submit(name, RecordFact("data_subjects_count", 98765), await home.who("ana"))
    assert (await noted(home)).standing is Standing.FROZEN
    with pytest.raises(Refused, match="later facts changed its words, so its approval is void"):
        await home.desk.submit(name, ApproveNotice("N1", digest), await home.who("cleo"))
    assert (await noted(home)).standing is Standing.STALE


async def test_words_the_facts_left_behind_are_not_filed(home: Place) -> None:
    """The approval is void from the fact on; and other words than the approved ones are refused by their digest."""
    name, cleo = await approved(home), await home.who("cleo")
    back = await sent(home, "cleo", "file", 409, notice="N1", where="portal", digest="0" * 64)
    assert "in other words; read it again" in back
    assert f'name="digest" value="{(await noted(home)).latest.digest}"' in await markup(home, "cleo")
    await home.desk.submit(name, RecordFact("data_subjects_count", 98765), cleo)
    with pytest.raises(Refused, match="only approved words are filed: N1 version 1 is stale"):
        await home.desk.submit(name, FileNotice("N1", "portal"), cleo)
    assert (await noted(home)).standing is Standing.STALE


class Without:
    """The drafting room on a day on which no template can be filled, for that reason."""

    def __init__(self, room: Any, why: Exception) -> None:
        self.room, self.why = room, why

    def __getattr__(self, name: str) -> Any:
        return getattr(self.room, name)

    def draft(self, *_asked: object) -> Words:
        raise self.why


async def test_without_its_template_it_is_filed_but_not_signed(home: Place) -> None:
    """What cannot be compared is not approved; what was approved and sent is recorded. A wrong template refuses both."""
    name, cleo = await approved(home), await home.who("cleo")
    ana, dora = await home.who("ana"), await home.who("otto")
    await home.desk.request_notice(name, "stakeholders/update", ana)
    await home.desk.ask_approval(name, "N2", dora)
    digest = (await home.desk.log.load(name)).notices["N2"].latest.digest

    home.desk.drafter = Without(home.desk.drafter, Invalid([Problem("update.md.j2", 3, 1, "no such word")]))
    for command in (ApproveNotice("N2", digest), FileNotice("N1", "portal")):
        with pytest.raises(Refused, match=r"cannot be filled: update\.md\.j2:3:1"):
            await home.desk.submit(name, command, cleo)
    home.desk.drafter = Without(home.desk.drafter, NotFound("notice template", "stakeholders/update", []))
    with pytest.raises(Refused, match="N2 cannot be approved while"):
        await home.desk.submit(name, ApproveNotice("N2", digest), cleo)
    await home.desk.submit(name, FileNotice("N1", "portal"), cleo)
    assert (await noted(home)).standing is Standing.FILED
