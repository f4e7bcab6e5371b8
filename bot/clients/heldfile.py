"""A file that other programs read: replaced as a whole or not at all, by one writer at a time.

Whoever reads it sees the old content or the new, never a part. Writers who ask here wait for one another by a lock on
the folder; an editor that asks nobody is noticed by reading again just before the swap.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable

_MOST = 16 * 1024 * 1024
_AGAIN = 0.05  # seconds between two attempts at the lock


class HeldFile:
    """One file. `what` names it in every error."""

    def __init__(self, what: str, path: Path, *, clock: Clock, seconds: float) -> None:
        self.what, self.path, self._clock, self._seconds = what, path, clock, seconds

    def read(self) -> bytes:
        """The content. Raises Refused for a link, Unavailable for all else that keeps it from being read."""
        self._no_link()
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST + 1)
        except OSError as error:
            raise Unavailable(self.what, f"could not be reached ({_why(error)})") from None
        if len(content) > _MOST:
            raise Unavailable(self.what, "is larger than 16 MB")
        return content

    async def replace(self, old: bytes, new: bytes) -> None:
        """Put `new` in the place of `old`, keeping mode and owner.

        Raises Refused where it did not happen (the content is another by now, may not be written, or another writer
        holds it all the time), Unavailable where it may have.
        """
        async with self._held():
            if self.read() != old:
                raise Refused(f"{self.path.name} was changed since; nothing was done")
            await asyncio.to_thread(self._swap, new)

    @contextlib.asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        """The lock on the folder: after each swap the file is another one, so a lock on it would hold nothing."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable(self.what, f"could not be reached ({_why(error)})") from None
        try:
            until = self._clock.now() + timedelta(seconds=self._seconds)
            while not _locked(folder):
                if self._clock.now() >= until:
                    raise Refused(
                        f"{self.path.name} was held by another writer for {self._seconds:g} s; nothing was done"
                    )
                await self._clock.sleep(_AGAIN)
            yield
        finally:
            os.close(folder)

    def _swap(self, new: bytes) -> None:
        """Written beside it, synced, renamed over it. What an earlier attempt left behind is written over."""
        beside = self.path.with_name(f".{self.path.name}.tocsin")
        try:
            kept = self.path.stat()
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(new)
                made = os.fstat(handle)
                if (made.st_uid, made.st_gid) != (kept.st_uid, kept.st_gid):
                    os.fchown(handle, kept.st_uid, kept.st_gid)
                os.fchmod(handle, stat.S_IMODE(kept.st_mode))
                file.flush()
                os.fsync(handle)
            beside.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise Refused(f"{self.path} cannot be replaced: {_advice(error)}; nothing was done") from None
        try:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Unavailable(self.what, f"was replaced, but may not survive a power cut ({_why(error)})") from None

    def _no_link(self) -> None:
        """Raise Refused where the path is a link: renamed over, it would be cut off from what feeds it."""
        mounted = "..data" in self.path.parts
        if not mounted and not self.path.is_symlink():
            return
        target = str(self.path.readlink()) if self.path.is_symlink() else "..data"
        if mounted or "..data" in Path(target).parts:
            raise Refused(
                f"{self.path} comes from a ConfigMap that Kubernetes mounts: a change here would not last. Change the "
                "ConfigMap where it is kept, or in the cluster"
            )
        raise Refused(f"{self.path} is a link to {target}: name the file itself")


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _advice(error: OSError) -> str:
    if error.errno == errno.EBUSY:
        return "it is mounted by itself; mount its folder instead"
    if error.errno == errno.EPERM:
        return "its owner would not be kept; run as the file's owner"
    return _why(error)
