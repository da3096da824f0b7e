"""What a client raises.

MarketDepthError
└── ClientError
    ├── ConnectionFailedError  the server can't be reached, or will have this client no more
    ├── RequestRefusedError    the server has answered a request with an Error
    ├── StreamBrokenError      a message does not go on from the one before it
    └── ReaderTooSlowError     updates have come faster than they were taken
"""

from __future__ import annotations

from market_depth.errors import MarketDepthError

__all__ = [
    "ClientError",
    "ConnectionFailedError",
    "ReaderTooSlowError",
    "RequestRefusedError",
    "StreamBrokenError",
]


class ClientError(MarketDepthError):
    """Base of every error of the client."""


class ConnectionFailedError(ClientError):
    """There is no connection, and no use in trying again, or the policy is not to.

    Args:
        message: one line.
        code: the close code, if the server has sent one.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class RequestRefusedError(ClientError):
    """The server has answered with an Error.

    Args:
        code: what kind, such as 404.
        message: the server's one line.
        stream_id: the stream that it is about, if any.
    """

    def __init__(self, code: int, message: str, stream_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.stream_id = stream_id


class StreamBrokenError(ClientError):
    """A message does not go on from the one before it, or the book is not what it should be.

    The client asks for the stream anew by itself; whoever feeds a stream's messages by hand sees
    this.
    """


class ReaderTooSlowError(ClientError):
    """A stream's queue is full, and its policy is to say so.

    Args:
        stream_id: which stream.
        size: how many updates the queue has.
    """

    def __init__(self, stream_id: str, size: int) -> None:
        super().__init__(f"stream {stream_id!r}: {size} updates wait to be taken")
        self.stream_id = stream_id
