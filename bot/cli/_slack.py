"""What `tocsin doctor --slack` looks at: the configuration's side of it, and the way requests come in over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from bot.cli._checks import BAD, NOTE, OK, Found

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.config.installation import Installation
    from bot.slack.checkup import Expected

CHALLENGE = "tocsin-doctor"


async def closely(installation: Installation) -> list[Found]:
    """Every look at Slack, in turn."""
    from bot.clock import SystemClock
    from bot.slack.checkup import Checkup

    if installation.slack.mode == "off" or installation.slack.bot_token is None:
        return [Found(NOTE, "Slack", "is off: choose slack.mode in tocsin.yaml")]
    clock = SystemClock()
    found = [Found(look.mark, look.what, look.said) async for look in Checkup(expected(installation), clock).looks()]
    if installation.slack.mode == "http":
        found.append(await _requests(installation, clock))
    return found


def expected(installation: Installation) -> Expected:
    """What the files say of Slack."""
    from bot.slack.checkup import Expected

    given = installation.slack
    channels = {"home channel": given.home_channel}
    for service in installation.services.values():
        if service.channel and service.channel.lstrip("#") != given.home_channel.lstrip("#"):
            channels[f"channel of {service.name}"] = service.channel
    return Expected(
        api_url=given.api_url,
        bot_token=given.bot_token.get_secret_value() if given.bot_token else "",
        app_token=given.app_token.get_secret_value() if given.app_token else "",
        mode=given.mode,
        team=given.team,
        channels=channels,
        legal=given.legal_channel,
        people=installation.people,
        on_call=frozenset(
            key for service in installation.services.values() for key in installation.ever_on_call(service)
        ),
    )


async def _requests(installation: Installation, clock: Clock) -> Found:
    """Knock at our own door as Slack does, signed: the address leads here, and the secret is the running server's."""
    import httpx

    from bot.cli._api import LOOPBACK

    url = f"{installation.web.address}/slack/events"
    secret = installation.slack.signing_secret
    body = json.dumps({"type": "url_verification", "challenge": CHALLENGE, "token": "doctor"})
    stamp = str(int(clock.now().timestamp()))
    key = secret.get_secret_value() if secret else ""
    digest = hmac.new(key.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-slack-request-timestamp": stamp,
               "x-slack-signature": f"v0={digest}"}  # fmt: skip
    near = httpx.URL(url).host in LOOPBACK
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=not near) as http:
            answer = await http.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Found(NOTE, "requests", f"nobody answers at {url} ({type(error).__name__}); is `tocsin run` up?")
    if answer.status_code == 401:  # noqa: PLR2004
        return Found(BAD, "requests", f"{url} refuses our signature: the server runs with another signing secret")
    if not answer.is_success or CHALLENGE not in answer.text:
        return Found(
            BAD, "requests", f"{url} answers {answer.status_code} to a signed request: does it lead to Tocsin?"
        )
    secure = url.startswith("https://")
    said = f"{url} takes what Slack signs" + ("" if secure else "; Slack posts to https:// alone: set web.url")
    return Found(OK if secure else NOTE, "requests", said)
