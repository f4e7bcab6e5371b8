"""What only an HTTPRoute has; what it shares with a VirtualService stands in tests/actions/test_routes.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bot.domain.mitigation import Means
from tests.actions.fake_mesh import GATEWAY, NAME, SHADOW, SLICES, TO_RULES, scene_of
from tests.actions.fakes import ROLLBACK, WEIGHTS, Scene
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {
    **GATEWAY.settings,
    "url": "{url}",
    "token": CANARY,
    "timeout_seconds": SECONDS,
    "namespace": "ml",
    "name": NAME,
    "slices": SLICES,
}
ASKS = {"rollback": ROLLBACK, "weights": WEIGHTS, "bypass": (Means.BYPASS, TO_RULES), "shadow": (Means.TRAFFIC, SHADOW)}


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    found = scene_of(GATEWAY, ASKS, Means.RETRAIN)
    yield found
    await found.action.close()
