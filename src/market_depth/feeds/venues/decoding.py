"""What parsers of JSON share: decoding with one kind of error, numbers as text, times, ids."""

from __future__ import annotations

import calendar
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.feeds.complaints import reason_of

__all__ = [
    "NS_PER_MS",
    "NS_PER_US",
    "Milliseconds",
    "Sequence",
    "decode",
    "guid_order_id",
    "microseconds_ns",
    "number_text",
    "rfc3339_ns",
    "seconds_ns",
    "url_parts",
]

NS_PER_MS: Final = 1_000_000
NS_PER_US: Final = 1_000

Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=(2**63 - 1) // NS_PER_MS)]
"""A time since 1970 UTC that has room in an event."""
Sequence: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

_T = TypeVar("_T")

_NS_DIGITS: Final = 9
_SECOND_CHARACTERS: Final = len("2026-08-09T21:05:48")
_NS_PER_S: Final = 10**9
_YEARS: Final = (1970, 2262)
_GUID_BYTES: Final = 16
_MAX_EXPONENT: Final = 30
_MAX_MICROSECONDS_DIGITS: Final = 18
_MAX_SECOND_DIGITS: Final = 10
_MAX_SECONDS: Final = (2**63 - 1) // _NS_PER_S - 1
_LOW_64_BITS: Final = 2**64 - 1
_NO_URL: Final = urlsplit("")


def decode(decoder: msgspec.json.Decoder[_T], text: bytes | msgspec.Raw, venue: str) -> _T:
    """Decode one message.

    Raises:
        FeedError: if it is not JSON, or not of the decoder's type.
    """
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FeedError(f"a message that is not {venue}'s: {reason_of(error)}") from None


def number_text(value: Any) -> str:
    """Return a JSON number's own digits, without an exponent.

    Args:
        value: what a decoder with `float_hook=str` makes of a number: an int, or a float's text.

    Raises:
        FeedError: if it is something else.
    """
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise FeedError(f"{quoted(str(value))} is not a number")
    if "e" in value or "E" in value:
        return _without_exponent(value)
    return value


def _without_exponent(text: str) -> str:
    """Return "0.0000005" for "5e-7"."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise FeedError(f"{quoted(text)} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        raise FeedError(f"{quoted(text)} is out of range")
    return f"{number:f}"


def rfc3339_ns(text: str) -> int:
    """Return "2026-08-09T21:05:48.228568804Z" as ns since 1970 UTC.

    Raises:
        FeedError: if it is no such time in UTC.
    """
    fraction = text[_SECOND_CHARACTERS:]
    if fraction == "Z":
        return _second_ns(text[:_SECOND_CHARACTERS])
    digits = fraction[1:-1]
    is_good = fraction[:1] == "." and fraction[-1:] == "Z" and digits.isascii()
    if not (is_good and digits.isdecimal() and len(digits) <= _NS_DIGITS):
        raise FeedError(f"{quoted(text)} is not a time in UTC")
    return _second_ns(text[:_SECOND_CHARACTERS]) + int(digits.ljust(_NS_DIGITS, "0"))


@lru_cache(maxsize=64)
def _second_ns(text: str) -> int:
    """Return "2026-08-09T21:05:48" in UTC as ns since 1970."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is not None or not _YEARS[0] <= time.year < _YEARS[1]:
        raise FeedError(f"{quoted(text)} is not a time in UTC")
    return calendar.timegm(time.timetuple()) * _NS_PER_S


def microseconds_ns(text: str) -> int:
    """Return digits of microseconds since 1970 UTC as ns, 0 where there are none.

    Raises:
        FeedError: if they are no such count.
    """
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_MICROSECONDS_DIGITS):
        raise FeedError(f"{quoted(text)} is not a time in microseconds")
    return min(int(text) * NS_PER_US, 2**63 - 1)


def seconds_ns(text: str) -> int:
    """Return "1618678133.924788", seconds since 1970 UTC, as ns; finer digits are cut off.

    Raises:
        FeedError: if it is no such time.
    """
    seconds, point, fraction = text.partition(".")
    digits = seconds + fraction
    is_number = (
        digits.isdecimal() and digits.isascii() and seconds and bool(point) is bool(fraction)
    )
    if not is_number or len(seconds) > _MAX_SECOND_DIGITS or int(seconds) > _MAX_SECONDS:
        raise FeedError(f"{quoted(text)} is not a time in seconds")
    return int(seconds) * _NS_PER_S + int(fraction[:_NS_DIGITS].ljust(_NS_DIGITS, "0"))


def guid_order_id(guid: str) -> int:
    """Return the order id that stands for a GUID: its two halves, each of 64 bits, as XOR.

    All of its random bits count, so that of a million orders at once two share an id with a
    probability of 3·10^-8. To a book these two would be one order.

    Raises:
        FeedError: if it is no GUID.
    """
    try:
        octets = bytes.fromhex(guid.replace("-", ""))
    except ValueError:
        octets = b""
    if len(octets) != _GUID_BYTES:
        raise FeedError(f"{quoted(guid)} is not a GUID")
    number = int.from_bytes(octets, "big")
    return (number >> 64) ^ (number & _LOW_64_BITS)


def url_parts(url: str) -> SplitResult:
    """Return the parts of an address, all empty if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return _NO_URL
