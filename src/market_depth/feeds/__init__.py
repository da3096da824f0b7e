"""Feeds: something outside becomes batches of events. They know no books and no clients."""

from market_depth.feeds.base import Feed, Source
from market_depth.feeds.pacing import AtEnd, PacedFeed

__all__ = ["AtEnd", "Feed", "PacedFeed", "Source"]
