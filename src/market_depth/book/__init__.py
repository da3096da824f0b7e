"""The order book: events in, views out. It knows no clock, no sockets and no encodings."""

from market_depth.book.book import (
    BookAnomalies,
    BookPolicy,
    DuplicateAdd,
    OrderBook,
    UnknownModify,
)
from market_depth.book.books import Books

__all__ = ["BookAnomalies", "BookPolicy", "Books", "DuplicateAdd", "OrderBook", "UnknownModify"]
