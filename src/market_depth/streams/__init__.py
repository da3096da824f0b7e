"""Streams: which views are wanted, when each is due, and the frames that carry them."""

from market_depth.streams.manager import StreamManager
from market_depth.streams.options import StreamOptions
from market_depth.streams.subscriber import Subscriber

__all__ = ["StreamManager", "StreamOptions", "Subscriber"]
