"""A report whose form has numbered lines: typed as it is entered, and taken away as data by those numbers."""

import json

import pytest

from bot.domain.errors import Refused
from bot.domain.signing import ApproveNotice
from bot.domain.wording import EnterField
from tests.web.fakes import Place
from tests.web.legal import breach

INITIAL = "eu_dora_art19/initial"
LEI = "529900T8BM49AURSDO55"


async def test_a_dora_report_leaves_as_json_by_the_numbers_of_its_form(home: Place) -> None:
    """Values are typed, what is unknown says so, what nobody looked into is listed; the frozen version keeps its own."""
    name = await breach(home)
    ana, otto, cleo = [await home.who(key) for key in ("ana", "otto", "cleo")]
    await home.desk.request_notice(name, INITIAL, ana)
    for key, value, unknown in (
        ("its302_1_3", LEI, ""),
        ("its302_2_9", "Yes", ""),
        ("its302_2_4", "", "the vendor has not answered"),
    ):
        await home.desk.submit(name, EnterField("N1", key, value, unknown), ana)
    await home.desk.ask_approval(name, "N1", otto)
    version = (await home.desk.log.load(name)).notices["N1"].latest
    await home.desk.submit(name, ApproveNotice("N1", version.digest), cleo)
    async with await home.own("cleo") as client:
        answer = await client.get(f"/incidents/{name}/notices/N1/export.json")
    told = json.loads(answer.content)
    fields = told["form"]["fields"]
    assert (fields["1.1"], fields["1.3"], fields["2.9"]) == ("initial notification", LEI, True)
    assert fields["2.4"] == {"unknown": "the vendor has not answered"}
    assert fields["2.2"].endswith("Z")
    assert "1.9" in told["form"]["missing"]
    assert told["digest"] == version.digest
    assert json.loads(version.form) == told["form"]


async def test_an_answer_the_form_would_not_take_is_refused_with_its_line(home: Place) -> None:
    """The number and the label stand in the sentence, and nothing is recorded."""
    name = await breach(home)
    ana = await home.who("ana")
    await home.desk.request_notice(name, INITIAL, ana)
    for key, value, says in (
        ("its302_2_9", "perhaps", "2.9 "),
        ("its302_1_6", "NOT-AN-LEI", "1.6 "),
        ("its302_1_15", "EURO", "1.15 "),
    ):
        with pytest.raises(Refused, match=f"^{says}"):
            await home.desk.submit(name, EnterField("N1", key, value), ana)
    assert (await home.desk.log.load(name)).notices["N1"].given == {}
