"""What is traded: symbols, their ticks and their decimals, and how decimals become integers."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

from market_depth.errors import ConfigError

__all__ = [
    "MAX_DECIMALS",
    "Instrument",
    "decimals_of",
    "format_units",
    "parse_units",
    "refined",
]

MAX_DECIMALS = 9
"""Most decimals of a price or quantity; Databento's fixed point has as many."""

_MAX_DIGITS = 18


class Instrument(msgspec.Struct, frozen=True):
    """One tradable thing.

    Prices and sizes of its events are counts of the last decimal: with `price_decimals` 2, a
    tick of 25 is 0.25.
    """

    instrument_id: int
    symbol: str
    price_decimals: int
    quantity_decimals: int
    tick_size: int
    has_orders: bool = True
    """Whether its feed reports single orders, so that an MBO view can be had."""
    may_cross: bool = True
    """Whether a crossed or locked book can be the venue's own, as in an auction; where it can't
    be, it shows that something has been lost."""


def refined(instrument: Instrument, known: Instrument | None) -> Instrument:
    """Return an instrument of a format of fixed price decimals with what else is known of it.

    Args:
        instrument: as the format tells it; prices keep its decimals at least.
        known: whose tick and decimals are to be used; `None` changes nothing.
    """
    if known is None:
        return instrument
    decimals = max(known.price_decimals, instrument.price_decimals)
    return msgspec.structs.replace(
        instrument,
        price_decimals=decimals,
        quantity_decimals=known.quantity_decimals,
        tick_size=known.tick_size * 10 ** (decimals - known.price_decimals),
    )


def decimals_of(text: str) -> int:
    """Return how many decimals a number is written with: 2 for "0.10".

    Raises:
        ConfigError: if *text* is no plain decimal number.
    """
    return max(-_exponent(_decimal(text)), 0)


def parse_units(text: str, decimals: int) -> int:
    """Return a decimal number as a count of its last decimal: ("0.5", 2) gives 50.

    Raises:
        ConfigError: if *text* is no number, or not a whole count of 10^-decimals.
    """
    sign, digits, exponent = _decimal(text).as_tuple()
    assert isinstance(exponent, int)
    shift = exponent + decimals
    whole = digits if shift >= 0 else digits[: max(len(digits) + shift, 0)]
    if any(digits[len(whole) :]):
        raise ConfigError(f"{text!r} has more than {decimals} decimals")
    if len(whole) + max(shift, 0) > _MAX_DIGITS and any(whole):
        raise ConfigError(f"{text!r} is too large")
    units = int("".join(map(str, whole)) or "0")
    for _ in range(max(shift, 0) if units else 0):
        units *= 10
    return -units if sign else units


def format_units(units: int, decimals: int) -> str:
    """Return a count of the last decimal as a decimal number: (50, 2) gives "0.50"."""
    return f"{Decimal(units).scaleb(-decimals):f}"


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ConfigError(f"{text!r} is not a decimal number") from None
    if not number.is_finite():
        raise ConfigError(f"{text!r} is not a decimal number")
    return number


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent
