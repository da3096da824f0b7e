"""Parsers of exchanges' WebSocket and REST messages: bytes in, events and book status out.

They know nothing of where the bytes come from, a recording or a connection.
"""

from market_depth.feeds.venues.base import BookSink, Venue, VenueParser

__all__ = ["BookSink", "Venue", "VenueParser"]
