"""The people of the demonstration: what each would do next, read off the incident as it stands.

Nothing is remembered between two looks but what the log says, so a script interrupted anywhere goes on where it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bot.demo.setup import CHANNEL, LEGAL_CHANNEL, PEOPLE, REGISTRY_OFFER
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.localslack.person import Person

Seen = Mapping[str, Any]
LIVE = ("proposed", "approved", "claimed", "applied", "verified", "not helping", "undoing", "undone")
IN_EFFECT = ("applied", "verified", "not helping", "undone")

ANSWERS = {
    1: {"what-changed": "released", "live-inputs": "clean"},
    2: {"both-versions": "every", "lift": "later"},
}
OFFERS = {"bypass": "bypass-poor", "rollback": "rollback-v1", "pause": "pause-pipeline"}
WHYS = {
    1: (
        "Recall for people in poor health fell to nothing when v2 took the traffic.",
        "v2 was trained on rows in which that group's outcomes were all zero.",
        "A join dropped the outcomes of the group and the training job did not notice.",
        "The release gate looks at the average only; no slice is evaluated before a release.",
    ),
    2: (
        "Recall for people in poor health fell when a new run of the live feature pipeline began.",
        "The run writes disea as zero for that group.",
        "No check compares a run's features with those of the run before.",
    ),
}
SHOWN = {1: {0: "served by", 1: "label rate"}, 2: {0: "new run", 1: "differs"}}
"""Which finding each of the first whys rests on, by words in it."""

FOLLOW_UPS = {
    1: "Evaluate every slice in the release gate; refuse a release whose slice recall falls below its objective.",
    2: "Compare each pipeline run's features by slice with the last good run before it is served.",
}
UPDATE = "stakeholders/update"


@dataclass(frozen=True)
class Deed:
    """What somebody would do next, in words for the page, and how the script does it."""

    who: str
    words: str
    do: Callable[[], Awaitable[None]]


class Cast:
    """Everybody, each with an own browser tab, so to speak."""

    def __init__(self, slack_url: str, web_url: str, token: str) -> None:
        self.slack_url = slack_url
        self._people = {key: Person(slack_url, user, room=CHANNEL) for key, (_, _, user) in PEOPLE.items()}
        self.api = httpx.AsyncClient(base_url=f"{web_url}/api", timeout=10, trust_env=False)
        self._machine, self._own = {"Authorization": f"Bearer {token}"}, dict[str, str]()
        self.refused = ""  # what the proposer read when approving their own proposal

    async def close(self) -> None:
        """Everybody goes home."""
        await self.api.aclose()
        for person in self._people.values():
            await person.close()

    def __getitem__(self, key: str) -> Person:
        return self._people[key]

    async def _as(self, who: str) -> dict[str, str]:
        """The headers of one person's own token; each is made through the API when its owner first comes."""
        if who not in self._own:
            answer = await self.api.post("/tokens", json={"person": who}, headers=self._machine)
            if answer.is_client_error:
                raise Refused(f"a token for {who}: {answer.text[:300]}")
            answer.raise_for_status()
            self._own[who] = str(answer.json()["token"])
        return {"Authorization": f"Bearer {self._own[who]}"}

    async def login(self, who: str) -> str:
        """A one-time link to the console. Raises Unavailable."""
        try:
            answer = await self.api.post(
                "/login", json={"person": who}, headers=self._machine | {"X-Tocsin-Person": who}
            )
            return str(answer.raise_for_status().json()["url"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise Unavailable("the bot", type(error).__name__) from None

    async def get(self, path: str) -> Any:
        """A page of the bot's API. Raises Unavailable while the bot is away."""
        try:
            answer = await self.api.get(path, headers=await self._as("ben"))
            if answer.is_client_error:
                raise Refused(f"{path}: {answer.text[:300]}")
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("the bot", f"{path}: {type(error).__name__}") from None

    async def post(self, who: str, incident: str, verb: str, body: Mapping[str, Any]) -> None:
        """A deed on the web console. Raises Refused with the sentence the person would read."""
        try:
            answer = await self.api.post(f"/incidents/{incident}/{verb}", json=dict(body), headers=await self._as(who))
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("the bot", type(error).__name__) from None
        if answer.is_error:
            raise Refused(f"{verb}: {answer.text[:300]}")


class Script:
    """What each would do next in one act."""

    def __init__(self, cast: Cast, act: int) -> None:
        self.cast, self.act = cast, act
        self._tried_own = False

    def next(self, seen: Seen) -> Deed | None:
        """The next deed, or None while everybody waits for the bot or the data."""
        return next(self._deeds(seen), None)

    def over(self, seen: Seen) -> bool:
        """True when the story is told: resolved, learnt from, and the update approved."""
        update = self._update(seen)
        promised = any(each["why"] for each in seen["followups"])
        return bool(seen["resolved"] and promised and update and update["standing"] == "approved")

    def _deeds(self, seen: Seen) -> Iterator[Deed]:
        if not seen["acknowledged"]:
            yield Deed("ana", "Ana is paged: press Acknowledge on the card", lambda: self._click("ana", seen, "ack"))
            return
        run = seen["run"]
        if not seen["resolved"]:  # a person may resolve before the runbook has come to its end: it is left then
            if run is None:
                return
            if run["step"] is not None:
                yield from self._step(seen, run["step"])
                return
        yield from self._ending(seen)

    # -- the runbook -------------------------------------------------------------------------------------------------

    def _step(self, seen: Seen, step: Seen) -> Iterator[Deed]:
        if step["kind"] == "act":
            yield from self._act(seen, step)
        elif step["kind"] in ("read", "ask"):
            if step["id"] == "lift-bypass":
                yield from self._lift(seen)
                if not self._lifted(seen):
                    return
            yield self._answer(seen, step, ANSWERS[self.act].get(step["id"], ""))

    def _act(self, seen: Seen, step: Seen) -> Iterator[Deed]:
        means = str(step["params"].get("means", ""))
        offer = OFFERS.get(means, "")
        found = [m for m in seen["mitigations"] if m["means"] == means and m["state"] in LIVE]
        if not offer:
            yield self._answer(seen, step, "not_now")
        elif not found:
            yield Deed("ana", f"Ana proposes the {means}: press Propose", lambda: self._propose(seen, offer))
        elif found[-1]["state"] == "proposed":
            if means == "rollback" and not self._tried_own:
                words = "Ana tries to approve her own proposal: it must be refused"
                yield Deed("ana", words, lambda: self._approve_own(seen, found[-1]))
            words = f"Ben reads the plan of {found[-1]['id']} and approves it"
            yield Deed("ben", words, lambda: self._approve(seen, found[-1]))
        elif found[-1]["state"] in IN_EFFECT:
            yield self._answer(seen, step, "proposed")

    def _lifted(self, seen: Seen) -> bool:
        return all(m["state"] == "undone" for m in seen["mitigations"] if m["means"] == "bypass" and m["state"] in LIVE)

    def _lift(self, seen: Seen) -> Iterator[Deed]:
        """The rollback is proved first; then the bypass is taken back."""
        if any(m["state"] == "applied" for m in seen["mitigations"]):
            return
        bypasses = (m for m in seen["mitigations"] if m["means"] == "bypass")
        on = next((m for m in bypasses if m["state"] in ("verified", "not helping")), None)
        if on is not None:
            body = {"mitigation": on["id"], "because": "v1 serves the slice again"}
            words = "Ben takes the bypass back: press Undo"
            yield Deed("ben", words, lambda: self.cast.post("ben", seen["id"], "undo", body))

    def _answer(self, seen: Seen, step: Seen, value: str) -> Deed:
        options = [option["value"] for option in step["options"]]
        index = options.index(value) if value in options else 0
        words = f"Ana answers the runbook step “{step['title']}”"
        if step["kind"] == "act":
            index = 0 if value != "not_now" else 1
        return Deed("ana", words, lambda: self._click_step(seen, step, index))

    # -- the end -----------------------------------------------------------------------------------------------------

    def _registry(self, seen: Seen) -> Iterator[Deed]:
        """Where there is a registry it must not go on naming the release that was rolled back."""
        offer = next((offer for offer in seen["offers"] if offer["name"] == REGISTRY_OFFER), None)
        if self.act != 1 or offer is None:
            return
        found = [m for m in seen["mitigations"] if m["target"] == offer["target"] and m["state"] in LIVE]
        if not found:
            words = "Ana proposes to move the registry's alias back too: press Propose"
            yield Deed("ana", words, lambda: self._propose(seen, REGISTRY_OFFER))
        elif found[-1]["state"] == "proposed":
            words = f"Ben reads the plan of {found[-1]['id']} and approves it"
            yield Deed("ben", words, lambda: self._approve(seen, found[-1]))

    def _ending(self, seen: Seen) -> Iterator[Deed]:
        name = seen["id"]
        if not seen["resolved"]:
            yield from self._registry(seen)
        if seen["impact"] is None:
            yield Deed("ana", "Ana states the impact: ⋯ → Assess impact", lambda: self._impact(seen))
        told = WHYS[self.act]
        if len(seen["whys"]) < len(told):
            yield Deed("ana", "Ana asks why, five times if need be: ⋯ → 5 Whys", lambda: self._why(seen, told))
        if "personal_data_breach" not in seen["facts"]:
            body = {"fact": "personal_data_breach", "value": False, "because": "no data left the service"}
            words = "Cleo answers a legal question on the console, under Duties to tell: personal data breach, no"
            yield Deed("cleo", words, lambda: self.cast.post("cleo", name, "fact", body))
        if not seen["resolved"]:
            if any(m["state"] in ("applied", "claimed", "approved", "undoing") for m in seen["mitigations"]):
                return
            if seen["mitigated"]:
                yield Deed("ana", "Ana resolves: ⋯ → Resolve", lambda: self._resolve(seen))
            return
        if not any(each["why"] for each in seen["followups"]):
            yield Deed("ana", "Ana promises a change: Add follow-up", lambda: self._follow_up(seen))
        yield from self._notice(seen)

    def _update(self, seen: Seen) -> Seen | None:
        return next((notice for notice in seen["notices"] if notice["template"] == UPDATE), None)

    def _notice(self, seen: Seen) -> Iterator[Deed]:
        name, update = seen["id"], self._update(seen)
        if update is None:
            words = "Ana requests the stakeholder update: ⋯ → Legal and impact"
            yield Deed("ana", words, lambda: self.cast.post("ana", name, "notice", {"template": UPDATE}))
        elif update["standing"] in ("drafting", "stale", "changes requested"):
            body = {"notice": update["id"]}
            words = "Ana asks for approval of the words"
            yield Deed("ana", words, lambda: self.cast.post("ana", name, "ask-approval", body))
        elif update["standing"] == "waiting for approval":
            yield Deed("cleo", "Cleo, counsel, reads the words and approves them", lambda: self._approve_notice(seen))

    # -- deeds in Slack ----------------------------------------------------------------------------------------------

    async def _card(self, who: str, seen: Seen) -> str:
        """The card's ts."""
        found = await self.cast[who].wait_for(lambda m: _is_card(m, seen["id"]), within=20)
        return str(found["ts"])

    async def _click(self, who: str, seen: Seen, deed: str) -> None:
        card = await self._card(who, seen)
        await self.cast[who].click(deed, ts=card, within=5)

    async def _menu(self, who: str, seen: Seen, deed: str, view: str) -> None:
        """Choose from the card's ⋯ menu and wait for the dialog."""
        card = await self._card(who, seen)
        await self.cast[who].click("more", ts=card, value=f"{deed} {seen['id']}", within=5)
        await self.cast[who].wait_for_view(view)

    async def _click_step(self, seen: Seen, step: Seen, index: int) -> None:
        ana, card = self.cast["ana"], await self._card("ana", seen)

        def live(message: Mapping[str, Any]) -> bool:
            return f"{step['id']}:{index}" in str(message.get("blocks"))

        message = await ana.wait_for(live, in_thread_of=card, within=20)
        await ana.click(f"step.do.{index}", in_thread_of=card, ts=str(message["ts"]), within=5)

    async def _propose(self, seen: Seen, offer: str) -> None:
        ana = self.cast["ana"]
        await self._click("ana", seen, "propose.open")
        await ana.wait_for_view("propose")
        await ana.submit({"offer": offer, "reason": "the finding speaks for it, and the runbook asks for it"})

    async def _open_request(self, who: str, seen: Seen, mitigation: Seen) -> None:
        person, card = self.cast[who], await self._card(who, seen)
        value = f"{seen['id']}/{mitigation['id']}"

        def waits(message: Mapping[str, Any]) -> bool:
            return "approve.open" in str(message.get("blocks")) and value in str(message.get("blocks"))

        message = await person.wait_for(waits, in_thread_of=card, within=20)
        await person.click("approve.open", in_thread_of=card, ts=str(message["ts"]), within=5)
        await person.wait_for_view("approve")

    async def _approve(self, seen: Seen, mitigation: Seen) -> None:
        await self._open_request("ben", seen, mitigation)
        await self.cast["ben"].submit()

    async def _approve_own(self, seen: Seen, mitigation: Seen) -> None:
        self._tried_own = True
        ana = self.cast["ana"]
        try:
            await self._open_request("ana", seen, mitigation)
            await ana.submit()
            self.cast.refused = "; ".join((await ana.errors()).values()) or await self._read_top(ana)
            await ana.close_view(everything=True)
        except (Refused, NotFound, Unavailable) as refused:
            self.cast.refused = self.cast.refused or str(refused)

    async def _read_top(self, person: Person) -> str:
        views = await person.views()
        texts = [str(block.get("text", {}).get("text", "")) for block in views[-1]["blocks"]] if views else []
        return "; ".join(text for text in texts if text)[:300]

    async def _impact(self, seen: Seen) -> None:
        await self._menu("ana", seen, "legal.open", "legal")
        await self.cast["ana"].click_in_view("impact.open")
        await self.cast["ana"].wait_for_view("impact")
        note = "People in poor health who will come often are not offered the outreach they need."
        await self.cast["ana"].submit({"note": note})
        await self.cast["ana"].close_view(everything=True)

    async def _why(self, seen: Seen, told: tuple[str, ...]) -> None:
        turn = len(seen["whys"])
        await self._menu("ana", seen, "whys.open", "whys")
        evidence = next((f["id"] for f in seen["findings"] if SHOWN[self.act].get(turn, "?") in f["text"]), "assumed")
        values: dict[str, Any] = {f"answer:{turn}": told[turn], f"evidence:{turn}": evidence}
        if turn == len(told) - 1:
            values[f"root:{turn}"] = ["root"]
        await self.cast["ana"].submit(values)
        await self.cast["ana"].close_view(everything=True)

    async def _resolve(self, seen: Seen) -> None:
        await self._click("ana", seen, "resolve.open")
        await self.cast["ana"].wait_for_view("resolve")
        ended = {1: "v2 rolled back to v1, the slice is served well again.",
                 2: "The slice is bypassed and the broken run paused; both stay until it is repaired."}  # fmt: skip
        await self.cast["ana"].submit({"summary": ended[self.act]})

    async def _follow_up(self, seen: Seen) -> None:
        from datetime import timedelta

        from bot.clock import SystemClock

        due = (SystemClock().now() + timedelta(days=14)).date().isoformat()
        body = {"text": FOLLOW_UPS[self.act], "owner": "dev", "due": due, "why": seen["whys"][-1]["id"]}
        await self.cast.post("ana", seen["id"], "followup", body)

    async def _approve_notice(self, seen: Seen) -> None:
        cleo = self.cast["cleo"]
        update = self._update(seen) or {}
        value = f"{seen['id']}/{update['id']}"
        message = await cleo.wait_for(lambda m: value in str(m.get("blocks")), LEGAL_CHANNEL, within=20)
        await cleo.click("notice.open", room=LEGAL_CHANNEL, ts=str(message["ts"]), within=5)
        await cleo.wait_for_view("notice.approve")
        await cleo.submit()


def _is_card(message: Mapping[str, Any], incident: str) -> bool:
    blocks = message.get("blocks") or []
    first = blocks[0] if blocks else {}
    return first.get("type") == "header" and f" {incident} " in str(first.get("text", {}).get("text", ""))
