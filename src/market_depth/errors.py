"""Every error that the package raises on purpose.

MarketDepthError
├── ConfigError         an option, a configuration file or an instrument file is wrong
├── FeedError           a feed can't be opened or read
├── ListenError         the server's address can't be had
├── BookError           a book's invariants do not hold, or events of the wrong kind came in
└── RequestError        a client's request can't be met (carries the wire contract's code)
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BookError",
    "ConfigError",
    "ErrorCode",
    "FeedError",
    "ListenError",
    "MarketDepthError",
    "RequestError",
    "quoted",
]

_QUOTED_CHARACTERS = 40


class MarketDepthError(Exception):
    """Base of every error raised on purpose; its text is one line for a person to read."""


class ConfigError(MarketDepthError):
    """A setting is wrong; the text names the setting, the value and what would be right."""


class FeedError(MarketDepthError):
    """A feed can't be opened or read any further."""


class ListenError(MarketDepthError):
    """The address to listen on can't be had."""


class BookError(MarketDepthError):
    """An order book was handed something that is not events, or its sums do not agree."""


def quoted(text: str) -> str:
    """Return a client's text in quotes, cut where it is long, to be told back to it."""
    return repr(text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…")


class ErrorCode(IntEnum):
    """The `code` of an Error message."""

    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_LARGE = 413
    TOO_MANY = 429
    INTERNAL = 500
    UNAVAILABLE = 503


class RequestError(MarketDepthError):
    """A request that is answered by an Error message.

    Args:
        code: what kind of failure, as in the wire contract.
        message: one line saying what was wrong, and with which value.
        stream_id: the stream that the request was about, `None` if it can't be told.
        request_id: the `id` that the request had, `None` if it had none, or another will add it.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        stream_id: str | None = None,
        request_id: int | str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.stream_id = stream_id
        self.request_id = request_id
