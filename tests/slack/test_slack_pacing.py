"""Who is next on the way to Slack: lanes by method and channel, pages first, nobody for ever last."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from bot.domain.errors import RateLimited
from bot.slack.lanes import POST, UPDATE
from bot.slack.pacing import FEW, Pacer, Rank
from tests.kit import NOON
from tests.parts import Hands


class Held(Hands):
    """A clock that stands still until the test moves it; whoever waits is woken in order of time."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self.at.timestamp() + seconds, future))
        await future

    async def pass_by(self, seconds: float) -> None:
        """Move on, stopping wherever somebody wakes."""
        until = self.at.timestamp() + seconds
        while True:
            for _ in range(10):
                await asyncio.sleep(0)
            due = sorted((one for one in self._waiting if not one[1].done()), key=lambda one: one[0])
            if not due or due[0][0] > until:
                break
            self.forward(max(0.0, due[0][0] - self.at.timestamp()))
            due[0][1].set_result(None)
        self.forward(until - self.at.timestamp())


@pytest.fixture
def clock() -> Held:
    return Held()


@pytest.fixture
def pacer(clock: Held) -> Pacer:
    return Pacer(clock)


class Line:
    """Those who ask for a turn, and the order in which they had it."""

    def __init__(self, pacer: Pacer) -> None:
        self.pacer, self.served = pacer, []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, who: str, method: str, channel: str = "", **more: object) -> None:
        async def turn() -> None:
            await self.pacer.turn(method, channel, **more)
            self.served.append(who)

        self.tasks.append(asyncio.get_running_loop().create_task(turn()))

    async def ended(self) -> list[BaseException | None]:
        return await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_channel_gets_a_burst_and_then_one_message_a_second():
    """Ten posts: four at once, six seconds for the rest; another channel does not wait."""
    clock = Hands()
    pacer = Pacer(clock)
    for _ in range(10):
        await pacer.turn(POST, "C1")
    assert 5.9 <= (clock.now() - NOON).total_seconds() <= 6.1
    assert pacer.wait(POST, "C2") == 0


async def test_while_it_storms_no_channel_hears_two_messages_within_a_second(pacer: Pacer, clock: Held):
    """Channels known and new go one by one; each has its own second; afterwards short bursts are as before."""
    await pacer.turn("chat.postMessage", "C1")
    pacer.calm(on=True)
    for channel in ("C1", "C2"):
        assert pacer.wait("chat.postMessage", channel) < 0.01
        await pacer.turn("chat.postMessage", channel)
        assert 0.9 < pacer.wait("chat.postMessage", channel) <= 1
    clock.forward(seconds=30)
    await pacer.turn("chat.postMessage", "C1")
    assert pacer.wait("chat.postMessage", "C1") > 0.9, "nothing was saved up"
    pacer.calm(on=False)
    clock.forward(seconds=30)
    for _ in range(4):
        assert pacer.wait("chat.postMessage", "C1") < 0.01
        await pacer.turn("chat.postMessage", "C1")


async def test_what_begins_a_thread_comes_one_a_second_also_before_a_storm_is_known(pacer: Pacer, clock: Held):
    """Three cards take two seconds, while what stands below them comes as it did; a card given back frees its second."""
    line = Line(pacer)
    for card in ("a", "b", "c"):
        line.ask(card, POST, "C1", opens=True)
    line.ask("below", POST, "C1")
    await clock.pass_by(0.5)
    assert line.served == ["a", "below"]
    await clock.pass_by(1)
    assert line.served == ["a", "below", "b"]
    await clock.pass_by(1)
    assert line.served == ["a", "below", "b", "c"]
    pacer.give_back(POST, "C1", opens=True)
    assert pacer.wait(POST, "C1") == 0
    line.ask("d", POST, "C1", opens=True)
    await clock.pass_by(0.1)
    assert line.served[-1] == "d"


async def test_two_pages_to_one_person_are_a_second_apart(pacer: Pacer, clock: Held):
    """The second waits for its second although pages wait for nothing else; another person's does not wait for it."""
    line = Line(pacer)
    for who, room in (("ana", "D0ANA"), ("ana again", "D0ANA"), ("ben", "D0BEN")):
        line.ask(who, POST, room, rank=Rank.PAGE, opens=True)
    await clock.pass_by(0.5)
    assert line.served == ["ana", "ben"]
    await clock.pass_by(0.6)
    assert line.served == ["ana", "ben", "ana again"]


async def test_changes_share_one_lane_for_the_workspace():
    """Sixty changes take at least a minute and a bit: 45 a minute after a burst of ten."""
    clock = Hands()
    pacer = Pacer(clock)
    for number in range(60):
        await pacer.turn(UPDATE, f"C{number}")
    assert (clock.now() - NOON).total_seconds() >= 60


@pytest.mark.parametrize(
    ("method", "within"), [("conversations.create", 20), ("conversations.history", 50), ("views.publish", 100),
                           ("made.up", 20)],
)  # fmt: skip
async def test_each_method_keeps_below_its_tier(method: str, within: int):
    """In no minute more calls than the tier allows, the first burst included; an unknown method is of tier 2."""
    clock = Hands()
    pacer = Pacer(clock)
    calls = []
    for _ in range(3 * within):
        await pacer.turn(method)
        calls.append(clock.now())
    assert max(sum(at <= one < at + timedelta(seconds=60) for one in calls) for at in calls[::5]) <= within * 1.25
    assert (calls[-1] - calls[0]).total_seconds() > 120


async def test_a_page_goes_at_once_and_the_others_pay(pacer: Pacer, clock: Held):
    """Urgent overtakes; only Slack's own wait holds it."""
    for _ in range(4):
        await pacer.turn(POST, "C1")
    assert pacer.wait(POST, "C1") > 0
    await pacer.turn(POST, "C1", rank=Rank.PAGE)
    assert pacer.wait(POST, "C1") == pytest.approx(2.0)
    pacer.hold(POST, "C1", 4)
    assert pacer.wait(POST, "C1", urgent=True) == pytest.approx(4)
    await clock.pass_by(5)
    assert pacer.wait(POST, "C1") == 0


async def test_answers_are_never_held_back(pacer: Pacer, clock: Held):
    """A person waits for a dialog: it is opened although the lane is spent, and held."""
    for _ in range(40):
        await pacer.turn("views.open")
    pacer.hold("views.open", "", 30)
    await pacer.turn("views.open")
    assert clock.now() == NOON


async def test_a_wait_of_slacks_holds_one_channel_or_all_messages(pacer: Pacer, clock: Held):
    """A second is about one channel; forty seconds are about all messages, and about no other method."""
    pacer.hold(POST, "C1", 1)
    assert pacer.wait(POST, "C1") > 0
    assert pacer.wait(POST, "C2") == 0
    pacer.hold(POST, "C1", 40)
    assert pacer.wait(POST, "C2") == pytest.approx(40)
    assert pacer.wait(UPDATE) == 0


async def test_after_a_wait_turns_come_one_by_one_and_slowly_at_first(pacer: Pacer, clock: Held):
    """No new burst runs into the next "wait"; after some good minutes the lane is as fast as before."""
    pacer.hold(UPDATE, "", 20)
    line = Line(pacer)
    for number in range(20):
        line.ask(str(number), UPDATE)
    await clock.pass_by(20.5)
    assert line.served == ["0"]
    await clock.pass_by(8)
    assert 3 <= len(line.served) <= 5
    await clock.pass_by(300)
    await line.ended()
    for _ in range(10):
        await pacer.turn(UPDATE)
    assert pacer.wait(UPDATE) > 0


async def test_pages_go_before_messages_and_trimmings_last(pacer: Pacer, clock: Held):
    """Asked in the wrong order, served in the right one, when all messages have to wait."""
    pacer.hold(POST, "C1", 10)
    line = Line(pacer)
    line.ask("trimming", POST, "C9", rank=Rank.TRIM, patience=30)
    for number in range(3):
        line.ask(f"card {number}", POST, f"C{number}")
    line.ask("page", POST, "D1", rank=Rank.PAGE)
    await clock.pass_by(29)
    assert line.served[:4] == ["page", "card 0", "card 1", "card 2"]


async def test_messages_let_pages_that_are_coming_go_first(pacer: Pacer, clock: Held):
    """While many pages are being made ready a card waits, but not longer than ten seconds; for one it does not."""
    line = Line(pacer)
    with pacer.paging():
        await pacer.turn(POST, "C9")
    with contextlib.ExitStack() as many:
        for _ in range(FEW + 1):
            many.enter_context(pacer.paging())
        line.ask("card", POST, "C1")
        await clock.pass_by(1)
        assert line.served == []
        await clock.pass_by(10)
        assert line.served == ["card"]
    with contextlib.ExitStack() as many:
        for _ in range(FEW + 1):
            many.enter_context(pacer.paging())
        line.ask("another", POST, "C1")
        await clock.pass_by(1)
        assert line.served == ["card"]
        await pacer.turn(POST, "D1", rank=Rank.PAGE)
    await clock.pass_by(0.1)
    assert line.served == ["card", "another"]


async def test_who_should_have_been_shown_first_is_next(pacer: Pacer, clock: Held):
    """The earlier due goes first whoever asked first; what is due late is served all the same, as time passes."""
    for _ in range(10):
        await pacer.turn(UPDATE)
    line = Line(pacer)
    line.ask("small print", UPDATE, due=NOON + timedelta(seconds=20), patience=100)
    await clock.pass_by(0.1)
    for number in range(40):
        line.ask("state", UPDATE, due=clock.now(), patience=100)
        await clock.pass_by(60 / 45)
        if number == 5:
            assert "small print" not in line.served
    assert "small print" in line.served


async def test_waiting_is_bounded(pacer: Pacer, clock: Held):
    """Nobody waits longer than the patience, and a hold that is longer is told at once; a trimming is left out."""
    line = Line(pacer)
    for number in range(100):
        line.ask(str(number), "conversations.create")
    await clock.pass_by(31)
    ended = await line.ended()
    assert any(isinstance(one, RateLimited) for one in ended)
    assert len(line.served) == sum(one is None for one in ended) >= 10
    with pytest.raises(RateLimited):
        await asyncio.gather(pacer.turn("conversations.create", rank=Rank.TRIM), clock.pass_by(1.1))
    pacer.hold("pins.add", "", 120)
    with pytest.raises(RateLimited) as told:
        await pacer.turn("pins.add")
    assert told.value.retry_after == pytest.approx(120)


async def test_a_place_that_is_given_up_is_told_why_and_costs_nothing(pacer: Pacer, clock: Held):
    """Withdrawn, its reason is raised; a cancelled one leaves the queue; neither takes a turn."""
    for _ in range(10):
        await pacer.turn(UPDATE)
    place = pacer.queue(UPDATE)
    place.withdraw(KeyError("a newer one came"))
    with pytest.raises(KeyError, match="newer"):
        await pacer.wait_for(place)
    line = Line(pacer)
    line.ask("gone", UPDATE)
    await clock.pass_by(0)
    line.tasks[0].cancel()
    await line.ended()
    line.ask("stays", UPDATE)
    await clock.pass_by(1.5)
    assert line.served == ["stays"]
