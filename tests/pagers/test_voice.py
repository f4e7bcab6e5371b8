"""The pager of the name voice, against a Twilio built from its documentation: what is read aloud, and when a digit counts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import shelf
from bot.domain.paging import Receipt
from bot.pagers._words import by_phone
from bot.pagers.voice import script
from tests.pagers import fake_twilio as twilio
from tests.pagers.fakes import KEY, LINK, PHONE, Scene, summons
from tests.parts import Hands

SETTINGS = twilio.SETTINGS


def made(server: twilio.Twilio, **changes: Any):
    kind = shelf.load("pagers", "voice")
    return kind(kind.Settings.model_validate({**twilio.GIVEN, **changes}), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on; a call carries no mark, so its page is known by whom it calls."""
    server = twilio.Twilio()
    pager = made(server)
    calls = server.made["Calls"]
    yield Scene(pager, lambda: [("ana" if each["to"] == PHONE else "?", KEY) for each in calls], server.breaks,
                lambda: "".join(each["twiml"] for each in calls), lambda: server.asked, tells=False)  # fmt: skip
    await pager.close()


async def test_a_call_reads_the_headline_twice_and_takes_a_digit() -> None:
    """The digit goes to the page's own signed address; without one, nothing is acknowledged, and the voice says so."""
    server = twilio.Twilio()
    sent = await made(server, ring_seconds=20).page(summons())
    call = server.made["Calls"][0]
    response = ET.fromstring(call["twiml"])
    assert [each.tag for each in response] == ["Gather", "Say"]
    gather, bye = response
    assert gather.attrib == {
        "input": "dtmf",
        "numDigits": "1",
        "timeout": "8",
        "method": "POST",
        "action": f"{LINK}/call",
    }
    assert gather[0].attrib == {"language": "en-US", "loop": "2"}
    assert (gather[0].text or "").startswith(
        "This is Tocsin. SEV2 INC-7: Recall below its objective for health=poor. Burns"
    )
    assert (gather[0].text or "").endswith("Press 1 to acknowledge.")
    assert "nothing is acknowledged" in (bye.text or "")
    assert (sent.where, sent.ref) == ("call to the phone ending in 42", call["sid"])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1:8080/p/abc.def",
        "https://tocsin.example/incidents/INC-7",
        "https://x.example/p/a?b=c",
        "https://x.example/p/",
    ],
)
async def test_without_a_signed_address_no_digit_is_asked_for(url: str) -> None:
    """A digit that goes nowhere would be a lie; the voice says where to answer."""
    server = twilio.Twilio()
    await made(server).page(summons(url=url))
    response = ET.fromstring(server.made["Calls"][0]["twiml"])
    assert [each.tag for each in response] == ["Say"]
    assert "Answer in the chat" in (response[0].text or "")
    assert "Press" not in (response[0].text or "")
    assert by_phone(url) == ""


async def test_a_test_call_asks_for_nothing() -> None:
    """There is no incident to acknowledge, whatever its address is."""
    server = twilio.Twilio()
    await made(server).page(summons(situations=(), headline="A test page"))
    response = ET.fromstring(server.made["Calls"][0]["twiml"])
    assert [each.tag for each in response] == ["Say"]
    assert (response[0].text or "").endswith("There is nothing to do.")


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_whatever_it_is_called_the_script_stays_one(headline: str, text: str) -> None:
    """Angle brackets, quotes and letters XML has no place for add no verb and break nothing; it stays within 4,000."""
    made = script(
        summons(headline=f"</Say><Dial>+15551234567</Dial>{headline}", text=f'" action="https://evil.example {text}'),
        "en-US",
    )
    response = ET.fromstring(made)
    assert [each.tag for each in response.iter()] == ["Response", "Gather", "Say", "Say"]
    assert response[0].attrib["action"] == f"{LINK}/call"
    assert len(made) < twilio.LONGEST_TWIML


@pytest.mark.parametrize(
    ("status", "receipt", "final", "says"),
    [
        ("queued", Receipt.ACCEPTED, False, ""),
        ("ringing", Receipt.ACCEPTED, False, ""),
        ("in-progress", Receipt.DELIVERED, False, "a person or a mailbox"),
        ("completed", Receipt.DELIVERED, True, "a person or a mailbox"),
        ("busy", Receipt.FAILED, True, "the line was busy"),
        ("no-answer", Receipt.FAILED, True, "nobody picked up"),
        ("canceled", Receipt.FAILED, True, "taken back"),
        ("failed", Receipt.FAILED, True, "could not be placed"),
    ],
)
async def test_what_became_of_it(status: str, receipt: Receipt, final: bool, says: str) -> None:
    """By Twilio's documentation, "Call resource", call status values; a mailbox picks up too: it is never called seen."""
    server = twilio.Twilio()
    pager = made(server)
    sent = await pager.page(summons())
    server.became("Calls", status)
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (receipt, final)
    assert says in became.detail


def test_a_call_comes_from_a_number() -> None:
    """Without one the settings are refused."""
    with pytest.raises(ValidationError, match="give from"):
        shelf.load("pagers", "voice").Settings.model_validate({**twilio.GIVEN, "from": ""})
