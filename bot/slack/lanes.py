"""What Slack allows, and how much of that is left: one lane for each method, and one for each channel."""

from dataclasses import dataclass
from datetime import datetime, timedelta

POST, UPDATE = "chat.postMessage", "chat.update"
GRAIN = 1e-3
"""A turn this near is there: waiting for less than the clock can tell apart would never end."""
EASED = timedelta(seconds=60)
"""How long a lane goes slowly after Slack asked it to wait; then it goes twice as fast, up to its pace."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls per second, and how many may follow at once; no `rate` where Slack names none."""

    rate: float | None
    burst: float
    slowest: float = 1 / 8  # share of the rate, after many a "wait"


CHANNEL = Pace(1.0, 4.0, 0.9)
"""Messages in one channel (Slack: about one a second, short bursts): known well enough not to be halved."""
CALM = Pace(1.0, 1.0, 0.9)
"""The same while it storms: never two within a second."""
TIERS = {2: Pace(18 / 60, 6.0), 3: Pace(45 / 60, 10.0), 4: Pace(90 / 60, 20.0)}
"""Per method and workspace, a little below what Slack allows in a minute: 20, 50, 100 (Web API rate limits)."""
SPECIAL = Pace(None, 1.0)
"""No tier of its own; where Slack asks it to wait all the same, one call a second follows."""
_TIERS = {
    "conversations.create": 2, "conversations.rename": 2, "conversations.archive": 2, "conversations.setTopic": 2,
    "conversations.setPurpose": 2, "conversations.list": 2, "pins.add": 2, "pins.remove": 2, "pins.list": 2,
    "bookmarks.add": 2, "bookmarks.edit": 2, "bookmarks.list": 2, "users.list": 2, "usergroups.list": 2,
    "usergroups.users.list": 2, "canvases.create": 2, "conversations.canvases.create": 2,
    "chat.update": 3, "chat.delete": 3, "chat.unfurl": 3, "conversations.invite": 3, "conversations.kick": 3,
    "conversations.history": 3, "conversations.replies": 3, "conversations.info": 3, "conversations.open": 3,
    "conversations.join": 3, "conversations.unarchive": 2, "reactions.add": 3, "reactions.remove": 3,
    "users.lookupByEmail": 3, "users.getPresence": 3, "dnd.info": 3, "canvases.edit": 3, "apps.connections.open": 3,
    "chat.postEphemeral": 4, "views.open": 4, "views.push": 4, "views.update": 4, "views.publish": 4, "users.info": 4,
    "conversations.members": 4, "files.getUploadURLExternal": 4, "files.completeUploadExternal": 4,
}  # fmt: skip
_SPECIAL = frozenset({POST, "chat.getPermalink", "auth.test", "api.test", "blocks.validate"})


def pace(method: str) -> Pace:
    """A method's pace; that of tier 2 where it is not known."""
    return SPECIAL if method in _SPECIAL else TIERS[_TIERS.get(method, 2)]


class Lane:
    """Turns come back with time. After a "wait" of Slack's they come slowly, one by one, and faster as it goes well."""

    __slots__ = ("_at", "_eased", "_held", "_pace", "_slow", "_tokens")

    def __init__(self, pace_: Pace, now: datetime) -> None:
        self._pace, self._tokens, self._at = pace_, pace_.burst, now
        self._held = now
        self._slow, self._eased = 1.0, now

    def go(self, pace_: Pace) -> None:
        """At another pace from now on."""
        self._pace, self._tokens = pace_, min(self._tokens, pace_.burst)

    @property
    def eased(self) -> bool:
        """Whether Slack asked this lane to wait a while ago, so that its turns are few."""
        return self._slow < 1

    @property
    def held(self) -> datetime:
        """Until when Slack asked to wait; a time past where it did not."""
        return self._held

    def _refill(self, now: datetime) -> None:
        while self.eased and now - self._eased >= EASED:
            self._slow, self._eased = min(1.0, self._slow * 2), self._eased + EASED
        if now > self._at:
            most = 1.0 if self.eased else self._pace.burst
            gained = (now - self._at).total_seconds() * (self._pace.rate or 1.0) * self._slow
            self._tokens, self._at = min(most, self._tokens + gained), now

    def wait(self, now: datetime, *, urgent: bool = False) -> float:
        """Seconds until there is a turn; what is urgent waits for Slack's "wait" alone."""
        self._refill(now)
        held = max(0.0, (self._held - now).total_seconds())
        free = (self._pace.rate is None or urgent) and not self.eased
        if free or self._tokens > 1 - GRAIN:
            return held
        ahead = max(0.0, (self._at - now).total_seconds())
        return max(held, ahead + (1 - self._tokens) / ((self._pace.rate or 1.0) * self._slow))

    def take(self, now: datetime) -> None:
        """One turn less; something urgent may leave the lane owing some."""
        self._refill(now)
        self._tokens -= 1

    def give_back(self) -> None:
        """A turn that was not needed."""
        self._tokens = min(self._pace.burst, self._tokens + 1)

    def hold(self, now: datetime, seconds: float) -> None:
        """Slack asked to wait that long; then one call may go, and the next ones slowly."""
        self._refill(now)
        again = now < self._held
        self._held = max(self._held, now + timedelta(seconds=seconds))
        self._tokens, self._at = 1.0, self._held
        if not again:  # several answers to calls sent side by side are one "wait"
            self._slow = max(self._pace.slowest, self._slow / 2)
        self._eased = self._held
