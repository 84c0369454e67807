"""How the desk logs: one event a line, as JSON or readable, on the console and into a file of bounded size."""

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from tradedesk.monitoring.scrubbing import REMOVED, Scrub, is_sensitive

# Orders, fills and refusals, whatever the level of other lines is.
JOURNAL = "tradedesk.journal"
# Characters of one value of a line.
LONGEST = 8_000
# Of the `extra` of a line the ids alone: other libraries put whole objects there.
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(allow=("order", "client_order_id", "account_id", "live_strategy_id", "user_id")),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
Event = MutableMapping[str, Any]


def configure_structlog() -> None:
    """Lines of structlog go through the handlers of the standard library, like those of Django and Celery."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_settings(
    *, level: str, readable: bool, scrub: Scrub, folder: Path | None, most_bytes: int, kept: int
) -> dict[str, Any]:
    """Django's LOGGING. level: of the console, and of all lines but the journal's in the file. folder: of the
    file; None for no file. kept: how many full files stay."""
    handlers: dict[str, Any] = {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "level": level,
            "formatter": "readable" if readable else "json",
        }
    }
    if folder is not None:
        handlers["file"] = {
            "()": "tradedesk.monitoring.log_file.SharedLogFile",
            "path": str(folder / "desk.log"),
            "most_bytes": most_bytes,
            "kept": kept,
            "formatter": "json",
        }
    to_root: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": _formatter(scrub, structlog.processors.JSONRenderer(ensure_ascii=False)),
            "readable": _formatter(
                scrub,
                structlog.dev.ConsoleRenderer(
                    colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
                ),
            ),
        },
        "filters": {"not_the_health": {"()": NotTheHealth}},
        "handlers": handlers,
        "root": {"handlers": list(handlers), "level": level},
        "loggers": {
            JOURNAL: {"level": "INFO"},
            "django.request": {"filters": ["not_the_health"]},
            # uvicorn's own handlers would write lines of another form.
            "uvicorn": to_root,
            "uvicorn.error": to_root,
            "uvicorn.access": to_root,
            # Two lines for each of several tasks a second.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }


class NotTheHealth(logging.Filter):
    """Without the answers of /api/health: anybody may ask every second, and "down" is no error of the request."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/api/health"


def _formatter(scrub: Scrub, renderer: Any) -> dict[str, Any]:
    def scrub_line(_logger: Any, _name: str, line: str) -> str:
        return scrub(line)

    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _bound,
            renderer,
            scrub_line,
        ],
    }


def _bound(_logger: Any, _name: str, event: Event) -> Event:
    """Without secrets, and without values that fill the log."""
    for name, value in event.items():
        if is_sensitive(name):
            event[name] = REMOVED
        elif isinstance(value, str) and len(value) > LONGEST:
            # The end of a traceback has its reason.
            event[name] = f"{value[: LONGEST // 2]} … {value[-LONGEST // 2 :]}"
    return event
