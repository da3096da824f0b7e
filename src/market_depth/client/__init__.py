"""A client of market depth servers: typed updates, and a local book that is always exact.

async with connect("ws://127.0.0.1:8080") as depth:
    async for update in depth.subscribe("BTCUSD", "MBP", levels=20):
        print(update.sequence, update.book.best_bid, update.book.best_ask)
"""

from market_depth.client.books import Book, Level, LevelBook, Order, OrderBook
from market_depth.client.client import DepthClient, connect
from market_depth.client.errors import (
    ClientError,
    ConnectionFailedError,
    ReaderTooSlowError,
    RequestRefusedError,
    StreamBrokenError,
)
from market_depth.client.policies import ReconnectPolicy, SlowReaderPolicy
from market_depth.client.scale import Scale
from market_depth.client.subscription import Counters, Subscription
from market_depth.client.updates import Event, EventKind, Update, UpdateKind

__all__ = [
    "Book",
    "ClientError",
    "ConnectionFailedError",
    "Counters",
    "DepthClient",
    "Event",
    "EventKind",
    "Level",
    "LevelBook",
    "Order",
    "OrderBook",
    "ReaderTooSlowError",
    "ReconnectPolicy",
    "RequestRefusedError",
    "Scale",
    "SlowReaderPolicy",
    "StreamBrokenError",
    "Subscription",
    "Update",
    "UpdateKind",
    "connect",
]
