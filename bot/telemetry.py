"""The bot's own logs and metrics: one JSON object a line, no secrets; the parts are loaded when something is said."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

_SECRET = re.compile(
    r"(xox[a-z]-|xapp-)[\w-]+|\btocsin_[\w-]{20,}|(?<=[?&]token=)[\w.~%-]+|(?i:bearer|basic)\s+[\w.~+/=-]+"
)


def scrub(text: str) -> str:
    """The text with anything shaped like a token blacked out."""
    return _SECRET.sub("[secret]", text)


def _scrubbed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: scrub(value) if isinstance(value, str) else value for key, value in fields.items()}


def log() -> Any:
    """The bot's logger: `log().warning("slack is slow", seconds=3)`."""
    import structlog

    return structlog.stdlib.get_logger("tocsin")


def listen(level: str = "INFO") -> None:
    """Write the logs to stderr from now on, ours and those of the libraries; called once, by whoever runs the house."""
    import structlog

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        _scrubbed,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("WARNING")
    logging.getLogger("tocsin").setLevel(level.upper())
