"""A night in the thread: what people said is kept, corrected and taken back, and the record tells it all the same."""

from pathlib import Path

from bot.domain.five_whys import AddWhy
from bot.domain.lifecycle import Close, Resolve
from bot.domain.paging import Acknowledge
from bot.engine.talk import Spoken
from bot.slack.views import whys
from tests.slack.bench import Bench
from tests.slack.talking import delete, edit, react, said, settled, thread, timeline


async def test_the_record_of_a_night(tmp_path: Path) -> None:
    """Talked through, kept by emoji, corrected, taken back under a why, closed, completed, and erased where asked."""
    async with Bench.open(tmp_path) as bench:
        card = await thread(bench)
        await bench.say(Acknowledge(), "ana")
        ana, ben, dev = [await bench.person(key) for key in ("ana", "ben", "dev")]
        first = await said(bench, ben, "recal fell at 11:58, v2 went live then", card)
        cause = await said(bench, ana, "it is the release", card)
        later = await said(bench, dev, "no: the export lost a column", card)
        joke = await said(bench, ben, "told you so", card)

        await react(bench, ana, "pushpin", first)
        await react(bench, ana, "mag", cause)
        await bench.say(AddWhy("v2 was released without a canary", evidence="F1"), "ana")
        await react(bench, ben, "mag", later)
        await react(bench, ana, "mag", cause, remove=True)  # Dev is right
        await edit(ben, first, "recall fell at 11:58, v2 went live then")
        await delete(ben, joke)
        await settled(bench)

        await bench.restart()
        bench.people = {}
        ana, ben = await bench.person("ana"), await bench.person("ben")
        incident = await bench.incident()
        assert incident.notes[0].text == "recall fell at 11:58, v2 went live then"
        assert [(one.id, one.gone is None) for one in incident.findings] == [("F1", False), ("F2", True)]
        assert "(W1, assumed: F1 was taken back)" in str(whys.render(await bench.desk.situation("INC-1")))
        assert "1 finding" in str(bench.posts("card")[0]["blocks"])
        assert await bench.desk.talk.spoken("INC-1") == Spoken(3, 3)
        assert await bench.desk.talk.speakers("INC-1") == [(await bench.who(one)).id for one in ("ben", "ana", "dev")]

        await bench.say(Resolve("the export was put right", "checked by hand"), "ana")
        await bench.say(Close(), "ana")
        await react(bench, ben, "white_check_mark", later)
        await react(bench, ben, "pushpin", later)
        assert (await bench.incident()).followups["U1"].owner == (await bench.who("ben")).id
        told = await timeline(bench)
        noted = "T1, Ben Okafor said: recall fell at 11:58, v2 went live then (kept by Ana Souza)"
        assert noted in told
        assert told.index(noted) < next(n for n, line in enumerate(told) if line.startswith("F2 "))
        assert any("it is the release (taken back by Ana Souza" in line for line in told)

        await bench.store.erasure.erase(person=(await bench.who("ben")).id)
        told = "\n".join(await timeline(bench))
        assert "recall fell" not in told
        assert "the export lost a column" in told
        assert [one.text for one in await bench.desk.talk.of("INC-1") if one.user == "U0BEN"] == []
        await bench.store.log.verify()
