"""Remembers: the log of every incident, who people are, exhibits, checkpoints, and what was posted where."""

from bot.store.log import Repeated
from bot.store.store import Store

__all__ = ["Repeated", "Store"]
