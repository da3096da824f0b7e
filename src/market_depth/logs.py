"""Structured logs: an event name and fields, for a person on a console or as JSON lines."""

from __future__ import annotations

import secrets
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from enum import Enum
from typing import Any, TextIO, cast

import structlog

__all__ = ["LogFormat", "LogLevel", "configure_logging", "get_logger", "new_reference"]


class LogLevel(Enum):
    """The least important events that are logged."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class LogFormat(Enum):
    """How log lines look."""

    AUTO = "auto"
    """Console on a terminal, JSON elsewhere."""
    CONSOLE = "console"
    JSON = "json"


_NUMBERS = {
    LogLevel.TRACE: 0,
    LogLevel.DEBUG: 10,
    LogLevel.INFO: 20,
    LogLevel.WARN: 30,
    LogLevel.ERROR: 40,
}


def get_logger() -> Any:
    """Return the logger that `configure_logging` has set up: `trace`, `debug`, `info`,
    `warning`, `error` and `exception`, each (event, **fields)."""
    return structlog.get_logger()


def new_reference() -> str:
    """Return a short name under which a failure is logged and reported."""
    return secrets.token_hex(4)


class _Stderr:
    """Standard error, whatever it is when something is written: a line that stays at the bottom of
    a terminal puts itself in its place, to let logs pass above it. What nobody takes any more (the
    reader has gone, the disk is full) is lost: a server goes on without its log."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def configure_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Log to stderr from now on."""
    stream = sys.stderr
    if log_format is LogFormat.AUTO:
        log_format = LogFormat.CONSOLE if stream.isatty() else LogFormat.JSON
    renderers: list[Any]
    if log_format is LogFormat.JSON:
        renderers = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    else:
        colors = stream.isatty()
        styles = structlog.dev.ConsoleRenderer.get_default_level_styles(colors)
        styles["trace"] = styles["debug"]
        renderers = [structlog.dev.ConsoleRenderer(colors=colors, level_styles=styles)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _rename_trace,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        wrapper_class=_logger_class(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )


def _logger_class(level: LogLevel) -> type[Any]:
    """Return structlog's filtering logger with a `trace` of its own: structlog has none."""
    base = structlog.make_filtering_bound_logger(_NUMBERS[level])

    def trace(self: Any, event: str, **fields: Any) -> Any:
        if level is LogLevel.TRACE:
            return self._proxy_to_logger("debug", event, is_trace=True, **fields)
        return None

    return type("Logger", (base,), {"trace": trace})


def _rename_trace(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if fields.pop("is_trace", False):
        fields["level"] = "trace"
    return fields
