"""The pager of the name sms, against a Twilio built from its documentation: what a text may hold, and one for each page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import shelf
from bot.domain.errors import Refused, Unavailable
from bot.domain.paging import Receipt
from bot.pagers import _words as words
from tests.pagers import fake_twilio as twilio
from tests.pagers.fakes import CONTACT, KEY, LINK, OTHER, PHONE, Scene, page_of, summons
from tests.parts import Hands

SETTINGS = twilio.SETTINGS


def made(server: twilio.Twilio, **changes: Any):
    kind = shelf.load("pagers", "sms")
    return kind(kind.Settings.model_validate({**twilio.GIVEN, **changes}), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    server = twilio.Twilio()
    pager = made(server)

    def reached() -> list[tuple[str, str]]:
        texts = server.made["Messages"]
        return [("ana" if each["to"] == PHONE else "?", page_of(each["body"].rpartition("#")[2])) for each in texts]

    yield Scene(pager, reached, server.breaks, lambda: "".join(each["body"] for each in server.made["Messages"]),
                lambda: server.asked)  # fmt: skip
    await pager.close()


def body(server: twilio.Twilio) -> str:
    """The last text."""
    return str(server.made["Messages"][-1]["body"])


async def test_a_text_says_what_and_where_in_two_parts() -> None:
    """Headline, as much of the text as fits, the address whole, and the mark of the page at its end."""
    server = twilio.Twilio()
    sent = await made(server).page(summons(text="Burns fast. " * 40))
    text = body(server)
    assert text.startswith("SEV2 INC-7: Recall below its objective for health=poor. Burns fast.")
    assert text.endswith(f"... {LINK} #{words.mark(KEY)}")
    assert words.septets(text) <= words.TWO_PARTS
    assert (sent.where, sent.ref) == ("text to the phone ending in 42", server.made["Messages"][0]["sid"])


async def test_an_address_is_whole_or_not_there() -> None:
    """Half an address leads nowhere: where it is too long, or there is none, the text says where to look."""
    server = twilio.Twilio()
    for url in ("", "https://x.example/p/" + "a" * 300, "https://ü.example/p/a"):
        await made(server).page(summons(url=url, headline="SEV1 " + "x" * 500, key=OTHER))
        text = body(server)
        assert "tocsin incident ack" in text
        assert "https" not in text
        assert words.septets(text) <= words.TWO_PARTS
        server.made["Messages"].clear()


async def test_letters_no_phone_has_are_replaced() -> None:
    """One emoji or curly quote would halve what fits into a text; accents and arrows become what they stand for."""
    server = twilio.Twilio()
    await made(server).page(summons(headline="“Latência” 3×→5 · 90 % ≥ 80 % 🔥\r\n<!channel> Łódź", text=""))
    assert body(server).startswith('"Latencia" 3x->5 - 90 % >= 80 % ? <!channel> Lódz'.replace("ó", "o"))


@given(st.text(max_size=700), st.text(max_size=700), st.sampled_from(["", LINK, "https://a.example/" + "~" * 150]))
def test_whatever_it_is_called_a_text_fits_and_ends_with_its_mark(headline: str, text: str, url: str) -> None:
    """In the default alphabet alone, on one line, in at most 306 septets; an address in it is unbroken."""
    said = words.text_message(summons(headline=headline, text=text, url=url))
    assert words.septets(said) <= words.TWO_PARTS <= 320
    assert set(said) <= words._BASIC | words._TWICE
    assert "\n" not in said
    assert "\r" not in said
    assert said.endswith(f" #{words.mark(KEY)}")
    assert "https" not in said or url in said or "https" in headline + text


async def test_a_text_that_was_lost_is_no_reason_to_send_none() -> None:
    """The mark of one that failed counts for nothing; that of one under way does."""
    server = twilio.Twilio()
    pager = made(server)
    first = await pager.page(summons())
    server.became("Messages", "undelivered", 30003)
    second = await pager.page(summons())
    assert second.ref != first.ref
    assert (await pager.page(summons())).ref == second.ref
    assert len(server.made["Messages"]) == 2


async def test_where_nobody_can_say_the_text_is_sent_again() -> None:
    """Twice is better than not at all."""
    server = twilio.Twilio()
    pager = made(server)
    await pager.page(summons())
    server.deaf = True
    await pager.page(summons())
    assert len(server.made["Messages"]) == 2


@pytest.mark.parametrize(
    ("status", "code", "receipt", "final"),
    [
        ("accepted", None, Receipt.ACCEPTED, False),
        ("scheduled", None, Receipt.ACCEPTED, False),
        ("queued", None, Receipt.ACCEPTED, False),
        ("sending", None, Receipt.ACCEPTED, False),
        ("sent", None, Receipt.ACCEPTED, False),
        ("delivered", None, Receipt.DELIVERED, True),
        ("read", None, Receipt.SEEN, True),
        ("undelivered", 30003, Receipt.FAILED, True),
        ("failed", 99999, Receipt.FAILED, True),
        ("canceled", None, Receipt.FAILED, True),
    ],
)
async def test_what_became_of_it(status: str, code: int | None, receipt: Receipt, final: bool) -> None:
    """By Twilio's documentation, "Messages resource", message status values: every one that goes out.

    Why it was lost is told by its number, never in its words, which hold the phone.
    """
    server = twilio.Twilio()
    pager = made(server)
    sent = await pager.page(summons())
    server.became("Messages", status, code)
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (receipt, final)
    assert str(code or "") in became.detail
    assert PHONE not in became.detail


async def test_a_messaging_service_accepts_before_it_queues() -> None:
    """A text through a service of the account names no number, begins as `accepted`, and is followed like any other."""
    server, service = twilio.Twilio(), "MG" + "0123456789abcdef" * 2
    pager = made(server, **{"from": "", "messaging_service": service})
    sent = await pager.page(summons())
    assert (server.made["Messages"][0]["status"], server.made["Messages"][0]["from"]) == ("accepted", None)
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (Receipt.ACCEPTED, False)
    assert (await pager.page(summons())).ref == sent.ref


async def test_what_twilio_forgot_is_final() -> None:
    """It is asked no more, and the page stays accepted."""
    became = await made(twilio.Twilio()).became("SM" + "0" * 32)
    assert (became.receipt, became.final) == (Receipt.ACCEPTED, True)


async def test_a_number_twilio_does_not_take_is_refused_by_name() -> None:
    """With its code, and without the number that its own sentence holds."""
    server = twilio.Twilio()
    server.unknown.add(PHONE)
    with pytest.raises(Refused, match=r"Twilio refused it \(400, its code 21211\) for Ana Souza") as caught:
        await made(server).page(summons())
    assert PHONE not in str(caught.value)


@pytest.mark.parametrize(
    "phone", ["015112345642", "+49 151 123", "+0151123456", "+49151123456789012", "+4915112345642\n"]
)
async def test_a_number_without_its_country_is_refused_before_anything_is_sent(phone: str) -> None:
    """The sentence names the person and the file, not the number."""
    server = twilio.Twilio()
    with pytest.raises(Refused, match=r"Ana Souza's phone in people\.yaml") as caught:
        await made(server).page(summons(contact=replace(CONTACT, phone=phone)))
    assert phone.strip() not in str(caught.value)
    assert server.asked == 0


async def test_a_key_of_the_account_may_stand_for_it() -> None:
    """Its secret is then what is sent, and the account stays in the address."""
    server = twilio.Twilio()
    with pytest.raises(Unavailable, match="credentials"):
        await made(server, api_key="SK" + "0" * 32).page(summons())
    assert server.asked == 2


@pytest.mark.parametrize(
    "wrong",
    [{"from": ""}, {"messaging_service": "MG" + "0" * 32}, {"url": "http://api.twilio.com"}, {"account_sid": "../x"}],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    """No sender or two, readable by others, or an account that is a path."""
    with pytest.raises(ValidationError):
        shelf.load("pagers", "sms").Settings.model_validate({**twilio.GIVEN, **wrong})
