"""The server: connections, handshakes, sessions, limits and HTTP pages. It knows no books."""

from market_depth.server.hub import Hub
from market_depth.server.limits import Limits
from market_depth.server.listener import Listener

__all__ = ["Hub", "Limits", "Listener"]
