"""Recorded messages of venues, for tests of their parsers: read in the plainest way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from market_depth.feeds.files import read_lines
from market_depth.feeds.venues import Venue
from support.heard import Heard


class Message(NamedTuple):
    time: float
    kind: str
    """The parser's method."""
    address: str
    text: bytes = b""


def heard_of(venue: Venue, messages: list[Message], heard: Heard | None = None) -> Heard:
    """Return what a venue's parser says to messages."""
    heard = heard or Heard()
    parser = venue.parser(heard)
    for message in messages:
        if message.kind == "opened":
            parser.opened(message.address)
        else:
            getattr(parser, message.kind)(message.address, message.text)
    return heard


def cryptofeed_messages(*paths: Path) -> list[Message]:
    """Return the messages of captures by cryptofeed, of several by their times."""
    messages = [message for path in paths for message in _cryptofeed(path)]
    return sorted(messages, key=lambda message: message.time) if len(paths) > 1 else messages


def line_messages(path: Path, skipped_words: int = 0) -> list[Message]:
    """Return a message from each line of a file, without the first words."""
    return [
        Message(0, "received", "", line.text.split(b" ", skipped_words)[skipped_words])
        for line in read_lines(path)
    ]


def _cryptofeed(path: Path) -> Iterator[Message]:
    addresses: dict[str, str] = {}
    address = ""
    for line in read_lines(path):
        text = line.text
        if text.startswith(b"{"):
            entry = json.loads(text)
            kind = {"connect": "opened", "send": "sent", "recv": "received", "http": "fetched"}
            if entry["t"] in kind:
                name = addresses.setdefault(entry["conn"], entry.get("addr", ""))
                data = entry.get("data", "").encode()
                yield Message(entry["ts"], kind[entry["t"]], entry.get("url", name), data)
            continue
        head, _, rest = text.partition(b" ")
        mark, _, rest = rest.partition(b" ")
        if mark == b"<->":
            address = head.decode()
            yield Message(float(rest), "opened", address)
        elif mark in (b"<-", b"->"):
            time, _, data = rest.partition(b": ")
            kind_of = "sent" if mark == b"<-" else "fetched"
            yield Message(float(time), kind_of, head.decode(), data)
        else:
            time, _, data = text.partition(b": ")
            yield Message(float(time), "received", address, data)
