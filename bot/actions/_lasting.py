"""Keeps what was changed at HAProxy's runtime through a reload: its state file and its map file say what runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from bot.clients import haproxy_files as files
from bot.clients.haproxy import HAProxy, servers_in
from bot.domain.errors import Unavailable

LOST = "runtime changes are lost when HAProxy reloads, until they are set again a minute later; {remedy} keeps them"


class Kept(Protocol):
    """What of the action's settings says where changes are kept."""

    @property
    def backend(self) -> str: ...

    @property
    def state_file(self) -> str: ...

    @property
    def map_file(self) -> str: ...

    @property
    def write_map(self) -> bool: ...


class Lasting:
    """The files one HAProxy starts from, as far as we may write them."""

    def __init__(self, settings: Kept, api: HAProxy) -> None:
        self._settings, self._api = settings, api

    def warnings(self, part: Mapping[str, Any]) -> tuple[str, ...]:
        """What the approver should know of a reload."""
        path, remedy = self._path(part)
        if not path:
            return (LOST.format(remedy=remedy),)
        place = Path(os.path.realpath(path))
        if place.parent.is_dir() and os.access(place.parent, os.W_OK):
            return ()
        return (f"{path} cannot be written from here, so a reload of HAProxy loses this change until it is set again",)

    async def gap(self, part: Mapping[str, Any]) -> str:
        """What a reload would lose of what runs now; "" where nothing, or where nothing is to be kept."""
        path, _ = self._path(part)
        if not path:
            return ""
        try:
            text = await asyncio.to_thread(files.read, path)
        except Unavailable as trouble:
            return trouble.because
        return "" if self._says(text, part) else f"{path} does not hold it: a reload would lose it"

    async def write(self, part: Mapping[str, Any]) -> None:
        """Make the file say what runs. A failure is no failure of the change: `gap` tells it."""
        try:
            if not await self.gap(part):
                return
            path, _ = self._path(part)
            if "weights" in part:
                text = await self._api.state()
            else:
                text = await asyncio.to_thread(files.read, path)
                for name, to in part["bypass"].items():
                    text = files.with_entry(text, name, to)
            await asyncio.to_thread(files.write, path, text)
        except Unavailable:
            return

    def _path(self, part: Mapping[str, Any]) -> tuple[str, str]:
        """(the file that keeps this part or "", the setting that would name one)."""
        if "weights" in part:
            return self._settings.state_file, "state_file"
        return self._settings.map_file if self._settings.write_map else "", "write_map"

    def _says(self, text: str, part: Mapping[str, Any]) -> bool:
        if "bypass" in part:
            return all(files.entry(text, name) == to for name, to in part["bypass"].items())
        try:
            servers = servers_in(text).get(self._settings.backend, {})
        except ValueError:
            return False
        return all(name in servers and servers[name].weight == weight for name, weight in part["weights"].items())
