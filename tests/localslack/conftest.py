"""A practice workspace per test, and an app built with the real slack_bolt that talks to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.localslack import LocalSlack, Person


class MovedClock:
    """A clock that stands until it is moved, and is moved ahead of real time only."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError(seconds)

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def slack(clock: MovedClock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(clock=clock, ack_within=1.0, retry_after=(0.05, 0.05)) as server:
        yield server


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
async def ana(slack: LocalSlack) -> AsyncIterator[Person]:
    async with Person(slack.url, "U0ANA", room="C0INC") as person:
        yield person


@pytest.fixture
async def gus(slack: LocalSlack) -> AsyncIterator[Person]:
    async with Person(slack.url, "U0GUS", room="C0GENERAL") as person:
        yield person


@asynccontextmanager
async def by_socket(slack: LocalSlack, app: AsyncApp) -> AsyncIterator[AsyncApp]:
    """Connect the app by Socket Mode."""
    handler = AsyncSocketModeHandler(app, slack.app_token)
    await handler.connect_async()
    try:
        yield app
    finally:
        await handler.close_async()


@asynccontextmanager
async def by_http(slack: LocalSlack, app: AsyncApp) -> AsyncIterator[AsyncApp]:
    """Serve the app's request URL; bolt verifies each signature."""

    async def handle(request: web.Request) -> web.Response:
        asked = AsyncBoltRequest(body=await request.text(), headers=dict(request.headers))
        answer = await app.async_dispatch(asked)
        headers = {name: values[0] for name, values in answer.headers.items()}
        kind = headers.pop("content-type", "text/plain").split(";")[0]
        return web.Response(status=answer.status, text=answer.body or "", headers=headers, content_type=kind)

    serving = web.Application()
    serving.add_routes([web.post("/slack/events", handle)])
    runner = web.AppRunner(serving)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield app
    finally:
        await runner.cleanup()


Connect = Callable[[AsyncApp], Awaitable[None]]


@pytest.fixture(params=["socket", "http"])
async def connect(request: pytest.FixtureRequest, slack: LocalSlack) -> AsyncIterator[Connect]:
    """A way to connect an app: by Socket Mode and by signed HTTP, each test twice."""
    async with AsyncExitStack() as stack:

        async def go(app: AsyncApp) -> None:
            await stack.enter_async_context((by_socket if request.param == "socket" else by_http)(slack, app))

        yield go


@pytest.fixture
def app(slack: LocalSlack, client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=client, signing_secret=slack.signing_secret, request_verification_enabled=True)
