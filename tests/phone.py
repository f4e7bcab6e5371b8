"""A phone for houses that are processes of their own: each page is a line in a file."""

from pathlib import Path

from bot.engine.calling import Sent, Summons


class Phone:
    """Writes down whom it reached, in one write that a kill cannot cut."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def way(self, summons: Summons) -> str:
        return "phone"

    async def page(self, summons: Summons) -> Sent:
        with self.path.open("a") as file:
            file.write(f"{summons.person.key} {summons.key}\n")
        return Sent("phone")

    async def close(self) -> None:
        return
