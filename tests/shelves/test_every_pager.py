"""What every pager promises: it says where it reached somebody, and fails in a sentence of the tree, whatever breaks."""

from __future__ import annotations

import pytest

from bot import shelf
from bot.domain.errors import Refused, Unavailable
from tests.calling import summons
from tests.shelves.files import scene as scene_of

KEY = "page:INC-7:0"
pytestmark = pytest.mark.parametrize("name", shelf.names("pagers"))


async def test_a_page_arrives_and_says_where(name: str) -> None:
    """The key goes with it, so that the channel can tell a repetition."""
    async with scene_of("pagers", name) as scene:
        assert await scene.pager.page(summons(scene.person, None, KEY))
        assert scene.reached() == [(scene.person.key, KEY)]


async def test_somebody_without_an_address_is_refused_by_name(name: str) -> None:
    """Nothing is sent, and the sentence says who cannot be reached."""
    async with scene_of("pagers", name) as scene:
        with pytest.raises(Refused, match=scene.stranger.name):
            await scene.pager.page(summons(scene.stranger, None, KEY))
        assert scene.reached() == []


@pytest.mark.parametrize("fault", [TimeoutError(), OSError("gone"), KeyError("channel"), Unavailable("it", "away")])
async def test_whatever_breaks_is_unavailable(name: str, fault: Exception) -> None:
    """So that the next pager is tried, and the page is tried again later."""
    async with scene_of("pagers", name) as scene:
        scene.breaks(fault)
        with pytest.raises(Unavailable) as caught:
            await scene.pager.page(summons(scene.person, None, KEY))
        assert len(str(caught.value)) > 5
