"""The listening socket."""

from __future__ import annotations

import asyncio
import os
import socket

from market_depth.errors import ListenError
from market_depth.server.handler import WebSocketHandler
from market_depth.server.hub import Hub
from market_depth.server.pages import Pages

__all__ = ["Listener"]

_BACKLOG = 4096
"""Connections that wait to be accepted: thousands may come at once after a restart."""


class Listener:
    """Accepts connections until it is closed."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    @classmethod
    async def listen(cls, hub: Hub, pages: Pages, host: str, port: int) -> Listener:
        """Listen on *host*:*port*; port 0 takes a free one.

        Raises:
            ListenError: if the address can't be had.
        """
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: WebSocketHandler(hub, pages), host, port, backlog=_BACKLOG
            )
        except OSError as error:
            reason = _reason(error)
            raise ListenError(f"can't listen on {host}:{port}: {reason}") from None
        return cls(server)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accept no more."""
        self._server.close()


def _reason(error: OSError) -> str:
    """Return why an address can't be had, without the address that event loops put into it."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno)
