"""Requests as clients send them, nearly as they should be, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, auto
from random import Random
from typing import Any, AnyStr, Final, NamedTuple

import msgspec

__all__ = ["ANSWERS", "Encoding", "MadeUp", "Makers", "Outcome"]

ANSWERS: Final = {
    "Subscribe": "Subscribed",
    "Unsubscribe": "Unsubscribed",
    "Ping": "HeartBeat",
    "ListSymbols": "Symbols",
    "ListSubscriptions": "Subscriptions",
}
"""By the type of a request, what it is answered with if not by an Error."""

Fields = dict[str, Any]


class Outcome(Enum):
    """What a request comes to."""

    RIGHT = auto()
    """It may be refused for what there is, but not for what it says."""
    WRONG = auto()
    """It does not parse."""
    REFUSED = auto()
    """It parses, and asks for what cannot be."""
    ANY = auto()


class MadeUp(NamedTuple):
    """A request, and how it is to be answered."""

    payload: bytes
    outcome: Outcome
    kind: str | None = None
    """Its type, if it has one."""
    request_id: int | str | None = None
    """What its answers repeat; none is known if it is damaged."""
    answers: int = 1
    is_of_its_encoding: bool = True
    """Whether it comes in a frame of the connection's kind."""


class Encoding(Enum):
    """How a connection encodes its messages."""

    JSON = auto()
    MSGPACK = auto()

    def encode(self, value: object) -> bytes:
        """Return a message."""
        if self is Encoding.JSON:
            return json.dumps(value, ensure_ascii=False).encode()
        return msgspec.msgpack.encode(value)

    def decode(self, payload: bytes) -> Fields:
        """Return the fields of a message."""
        decode = json.loads if self is Encoding.JSON else msgspec.msgpack.decode
        fields = decode(payload)
        assert isinstance(fields, dict)
        return fields


NO_TEXT: Final[tuple[Any, ...]] = (5, 1.5, True, [], {}, ["x"])
NO_NUMBER: Final[tuple[Any, ...]] = ("5", "", 1.5, True, [], {}, [1])
WRONG_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "type": ("Nope", "subscribe", "Subscribed", "", None, *NO_TEXT),
    "stream_id": ("", "x" * 129, "é" * 200, None, *NO_TEXT),
    "symbol": NO_TEXT,
    "data_type": ("mbp", "L2", "", None, *NO_TEXT),
    "max_levels": (0, -1, 10**9 + 1, 2**63, *NO_NUMBER),
    "mode": ("full", "", "Delta", *NO_TEXT),
    "interval_ms": (-1, 2**63, *NO_NUMBER),
    "group": NO_TEXT,
    "checksum": (1, 0, "true", "", [], {}),
    "resume": ({}, {"epoch": "x"}, {"epoch": 1, "sequence": 1}, "x", 5, True, []),
    "symbols": ("BTCUSD", "*", 5, True, {}, [5], [None]),
    "timestamp": ("yesterday", "", "2025-13-01T00:00:00Z", None, True, [], {}, {"a": 1}),
    "id": (1.5, True, [], {}, "x" * 129, 2**63),
}
"""Values that no request has, by field."""

NEEDED: Final = {
    "Subscribe": ("type", "stream_id", "data_type"),
    "Unsubscribe": ("type", "stream_id"),
    "Ping": ("type", "timestamp"),
    "ListSymbols": ("type",),
    "ListSubscriptions": ("type",),
}
REFUSALS: Final[tuple[Fields, ...]] = (
    {"data_type": "TRADES", "mode": "delta"},
    {"data_type": "TRADES", "checksum": True},
    {"data_type": "MBO", "group": "1000"},
    {"data_type": "BBO", "group": "1000"},
    {"data_type": "MBP", "group": "0"},
    {"data_type": "MBP", "group": "-1"},
    {"data_type": "MBP", "group": "0.000000001"},
    {"data_type": "MBP", "group": "9" * 40},
    {"data_type": "MBP", "group": "x"},
    {"data_type": "MBP", "group": ""},
    {"data_type": "MBP", "resume": {"epoch": "x", "sequence": 1}},
    {"data_type": "MBP", "mode": "snapshot", "resume": {"epoch": "x", "sequence": 1}},
    {"data_type": "MBP", "max_levels": 1001},
    {"data_type": "MBP", "symbols": ["BTCUSD"], "symbol": "BTCUSD"},
    {"data_type": "MBP", "symbols": [], "symbol": None},
    {"data_type": "MBP", "symbols": ["*", "BTCUSD"], "symbol": None},
    {"data_type": "MBP", "symbols": ["x" * 128], "symbol": None},
    {"data_type": "MBP", "symbol": None},
)
"""What a Subscribe says that cannot be met."""

TIMES: Final = (
    "2025-09-16T04:18:26.806069Z",
    "2025-09-16T04:18:26Z",
    "2025-09-16T04:18:26.806069123+05:30",
    "2025-09-16 04:18:26Z",
    "2025-09-16T04:18:26",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
)
CHARACTERS: Final = "abcXYZ019 _-:.*/\\\"'{}[]<>&%$é€📈\n\t\0\x7f\u2028\ufeff"
JSON_JUNK: Final = '{}[]",:\\/0123456789.eE+-truefalsn \n\0é€📈'

NASTY: Final[dict[Encoding, tuple[bytes, ...]]] = {
    Encoding.JSON: (
        b"",
        b" ",
        b"null",
        b"NaN",
        b"-0",
        b"1e999",
        b"9" * 3000,
        b"[" * 3000,
        b'{"a":' * 500,
        b'"' + b"x" * 3000 + b'"',
        b'"\\ud800"',
        b'{"type":"\\ud800"}',
        b'{"type":"Ping","type":"Ping"}',
        b'{"type":"Ping","timestamp":1e999}',
        b'{"\\u0074ype":"ListSymbols","x":[[[[1]]]]}',
        b'{"type":"ListSymbols"}{"type":"ListSymbols"}',
        b'\xef\xbb\xbf{"type":"ListSymbols"}',
        b'{"type":"ListSymbols",}',
        b"{'type':'ListSymbols'}",
        b"\x00" * 100,
    ),
    Encoding.MSGPACK: (
        b"",
        b"\xc0",
        b"\xc1",
        b"\x80",
        b"\x90",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x05",
        b"\x81\xa4type\xdd\xff\xff\xff\xff",
        b"\x81\xa4type\xd4\x05\x00",
        b"\x81\x80\x01",
        b"\x81\xa4type\xa2\xff\xfe",
        b"\x91" * 3000,
        b"\x81\x01" * 500,
        b"\x81\xa4type\xabListSymbols\x00",
        b"\x82\xa4type\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\xa2id\x01",
        b"\x82\xa4type\xa4Ping\xa9timestamp\xd6\xff\xff\xff\xff\xff",
        b"\x00" * 100,
    ),
}
"""What breaks parsers: nesting, lengths that lie, numbers that are none."""


class Makers:
    """Makes requests for one connection, the same ones from the same *chosen*.

    Args:
        chosen: what everything depends on.
        encoding: of the connection.
        ticks: the symbols that there are, with their tick sizes.
        epoch: the server's.
    """

    def __init__(
        self, chosen: Random, encoding: Encoding, ticks: dict[str, Decimal], epoch: str
    ) -> None:
        self._chosen = chosen
        self._encoding = encoding
        self._ticks = ticks
        self._symbols = list(ticks)
        self._epoch = epoch
        self._makers: dict[str, Callable[[], Fields]] = {
            "Subscribe": self._subscribe,
            "Unsubscribe": lambda: {"stream_id": self._stream_id()},
            "Ping": lambda: {"timestamp": chosen.choice(TIMES)},
            "ListSymbols": dict,
            "ListSubscriptions": dict,
        }

    def make(self) -> MadeUp:
        """Return any request."""
        (made,) = self._chosen.choices(
            (self.right, self.wrong, self.refused, self.damaged, self.nasty, self.misplaced),
            (50, 20, 8, 15, 5, 2),
        )
        return made()

    def right(self) -> MadeUp:
        """Return a request that has nothing wrong with it."""
        fields = self._fields()
        if fields["type"] == "Subscribe" and self._chosen.random() < 0.1:
            del fields["symbol"]
            fields.pop("group", None)  # it would have to fit every tick
            several = self._chosen.choice((["*"], self._symbols[:2], [self._symbols[0], "NOPE"]))
            fields |= {"symbols": several, "stream_id": f"m{self._chosen.randrange(2)}"}
            answers = len(self._symbols) if several == ["*"] else len(several)
            return self._made(fields, Outcome.RIGHT, answers)
        return self._made(fields, Outcome.RIGHT)

    def wrong(self) -> MadeUp:
        """Return a request with a field that is missing, or has a value that it can't have."""
        fields = self._fields()
        kind = fields["type"]
        if self._chosen.random() < 0.3:
            del fields[self._chosen.choice(NEEDED[kind])]
        else:
            its_own = (*NEEDED[kind], "id")
            field = self._chosen.choice(tuple(WRONG_VALUES) if kind == "Subscribe" else its_own)
            if field == "timestamp" and kind == "Subscribe":
                field = "type"
            fields[field] = self._chosen.choice(WRONG_VALUES[field])
        return self._made(fields, Outcome.WRONG)

    def refused(self) -> MadeUp:
        """Return a Subscribe whose fields do not go together."""
        fields: Fields = {
            "type": "Subscribe",
            "stream_id": self._stream_id(),
            "symbol": self._chosen.choice(self._symbols),
        }
        fields |= self._chosen.choice(REFUSALS)
        return self._made(fields | {"id": self._id()}, Outcome.REFUSED)

    def damaged(self) -> MadeUp:
        """Return a request that has been right, and may be so still."""
        payload = self._encoding.encode(self._fields())
        for _ in range(self._chosen.choice((1, 1, 1, 2, 5, 20))):
            payload = self._damage(payload)
        return MadeUp(payload, Outcome.ANY)

    def nasty(self) -> MadeUp:
        """Return what is made to break a parser, or noise."""
        if self._chosen.random() < 0.7:
            return MadeUp(self._chosen.choice(NASTY[self._encoding]), Outcome.ANY)
        length = self._chosen.randrange(200)
        if self._encoding is Encoding.JSON:
            return MadeUp("".join(self._chosen.choices(JSON_JUNK, k=length)).encode(), Outcome.ANY)
        return MadeUp(self._chosen.randbytes(length), Outcome.ANY)

    def misplaced(self) -> MadeUp:
        """Return a request in a frame of the wrong kind."""
        payload = json.dumps(self._fields()).encode()
        return MadeUp(payload, Outcome.WRONG, is_of_its_encoding=False)

    # Parts of requests

    def _made(self, fields: Fields, outcome: Outcome, answers: int = 1) -> MadeUp:
        if self._chosen.random() < 0.3:
            fields = dict(self._chosen.sample(list(fields.items()), len(fields)))
        kind, request_id = fields.get("type"), fields.get("id")
        return MadeUp(
            self._encoding.encode(fields),
            outcome,
            kind if isinstance(kind, str) else None,
            request_id if request_id not in WRONG_VALUES["id"] else None,
            answers,
        )

    def _fields(self) -> Fields:
        (kind,) = self._chosen.choices(tuple(self._makers), (45, 25, 15, 5, 10))
        fields: Fields = {"type": kind} | self._makers[kind]() | {"id": self._id()}
        if self._chosen.random() < 0.1:
            fields["unknown"] = self._chosen.choice((1, None, [{"a": []}], self._text(10)))
        return fields

    def _id(self) -> int | str:
        number = self._chosen.getrandbits(62)
        return self._chosen.choice((number, -number, str(number), f"{self._text(9)}{number}"))

    def _stream_id(self) -> str:
        """Return one of a few, so that most have been seen before, or one that nobody has had."""
        if self._chosen.random() < 0.8:
            return f"s{self._chosen.randrange(8)}"
        return self._text(128) or "x"

    def _text(self, most: int) -> str:
        length = self._chosen.choice((0, 1, 3, most))
        return "".join(self._chosen.choices(CHARACTERS, k=length))

    def _subscribe(self) -> Fields:
        chosen = self._chosen
        symbol = chosen.choice(self._symbols)
        fields: Fields = {"stream_id": self._stream_id(), "symbol": symbol}
        data_type = fields["data_type"] = chosen.choice(("MBP", "MBO", "BBO", "TRADES"))
        mode = chosen.choice((None, "snapshot") if data_type == "TRADES" else (None, "delta"))
        optional: Fields = {
            "max_levels": chosen.choice((1, 5, 20, 1000)),
            "mode": mode,
            "interval_ms": chosen.choice((0, 1, 100, 2**63 - 1)),
            "checksum": chosen.choice((True, False)) if data_type != "TRADES" else False,
        }
        if data_type == "MBP":
            optional["group"] = str(self._ticks[symbol] * chosen.choice((1, 2, 100)))
        if mode == "delta":
            epoch = chosen.choice((self._epoch, "another", ""))
            optional["resume"] = {"epoch": epoch, "sequence": chosen.choice((0, 5000, 2**63 - 1))}
        for field, value in optional.items():
            how = chosen.random()
            if how < 0.4 or field == "mode":
                fields[field] = value
            elif how < 0.5:
                fields[field] = None
        if chosen.random() < 0.1:
            fields["symbol"] = self._text(40) + "?"
        return fields

    def _damage(self, payload: bytes) -> bytes:
        """Return a message with something changed, put in, taken out or cut off.

        In JSON a character, as the bytes of half a one would be another matter.
        """
        if self._encoding is Encoding.JSON:
            return self._change(payload.decode(), self._chosen.choice(JSON_JUNK)).encode()
        return self._change(payload, self._chosen.randbytes(1))

    def _change(self, whole: AnyStr, junk: AnyStr) -> AnyStr:
        at = self._chosen.randrange(len(whole) + 1)
        other = self._chosen.randrange(at, len(whole) + 1)
        return self._chosen.choice(
            (
                whole[:at] + junk + whole[at + 1 :],
                whole[:at] + junk + whole[at:],
                whole[:at] + whole[at + 1 :],
                whole[:at] + whole[other:],
                whole[:at] + whole[at:other] * 2 + whole[other:],
            )
        )
