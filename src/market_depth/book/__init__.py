"""The order book: events in, views out. It knows no clock, no sockets and no encodings."""

from market_depth.book.book import (
    BookAnomalies,
    BookPolicy,
    DuplicateAdd,
    OrderBook,
    UnknownModify,
)

__all__ = ["BookAnomalies", "BookPolicy", "DuplicateAdd", "OrderBook", "UnknownModify"]
