"""`tocsin demo`: see the whole product work on a real small deployment, in two acts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    auto: Annotated[bool, typer.Option("--auto", help="play every person by script, and end by itself")] = False,
    act: Annotated[int, typer.Option("--act", min=0, max=2, help="play one act only, 1 or 2; 0 plays both")] = 0,
    state: Annotated[Path | None, typer.Option("--state", help="keep everything in this folder")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per act on stdout")] = False,
    embedded: Annotated[bool, typer.Option("--embedded", help="use no Prometheus, HAProxy or MLflow")] = False,
) -> None:
    """Watch Tocsin find, explain, mitigate and account for two incidents of a real model service."""
    import asyncio
    import signal
    import sys
    import tempfile

    from bot.demo.play import Play
    from bot.demo.play import as_json as written

    def say(text: str) -> None:
        print(text, file=sys.stderr if as_json else sys.stdout, flush=True)

    async def play(folder: Path) -> None:
        task = asyncio.current_task()
        if task is not None:  # asked to end, end the processes too; Ctrl-C does so by itself
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        show = Play(folder, acts=(act,) if act else (1, 2), auto=auto, embedded=embedded, say=say)
        try:
            for result in await show.run():
                if as_json:
                    print(written(result), flush=True)
            if not auto:
                say(f"{f'act {act} is' if act else 'both acts are'} played; Ctrl-C ends the demonstration")
                await asyncio.Event().wait()
        finally:
            await show.stage.down()

    try:
        if state is not None:
            asyncio.run(play(state.absolute()))
            return
        with tempfile.TemporaryDirectory(prefix="tocsin-demo-", ignore_cleanup_errors=True) as folder:
            asyncio.run(play(Path(folder)))
    except asyncio.CancelledError:
        say(f"stopped; go on with --state {state}" if state else "stopped")
        raise typer.Exit(143) from None  # 128 + SIGTERM, as shells say it
