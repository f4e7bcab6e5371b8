"""The kinds of senders: how each one's messages are read. A message that cannot be read raises UnreadableError."""

from __future__ import annotations

from collections.abc import Callable

from bot.intake.kinds import alertmanager, cloudevents, generic, grafana, opsgenie, pagerduty
from bot.intake.sender import Sender
from bot.intake.told import Letter, Reading

KINDS: dict[str, Callable[[Letter, Sender], Reading]] = {
    "alertmanager": alertmanager.read,
    "grafana": grafana.read,
    "pagerduty": pagerduty.read,
    "opsgenie": opsgenie.read,
    "cloudevents": cloudevents.read,
    "generic": generic.read,
}
