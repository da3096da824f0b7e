"""What the simulator trades, read from TOML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from market_depth.errors import ConfigError
from market_depth.instruments import MAX_DECIMALS, Instrument, decimals_of, parse_units
from market_depth.toml import read_toml

__all__ = ["Profile", "load_profiles"]

_FIELD = re.compile(r"`\$\.(\w+)`$")
_BUILTIN = Path(__file__).with_name("instruments.toml")


class Profile(Struct, frozen=True):
    """One simulated instrument; prices and sizes are counts of the last decimal."""

    instrument: Instrument
    price: int
    lot_size: int
    median_size: int
    orders: int
    depth_ticks: float
    volatility_ticks: float


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    price: str
    tick: str
    lot: str = "1"
    median_size: str = "100"
    orders: Annotated[int, Meta(ge=100, le=1_000_000)] = 800
    depth_ticks: Annotated[float, Meta(ge=1, le=1000)] = 10.0
    volatility: Annotated[float, Meta(ge=0, le=10)] = 0.1


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    instruments: dict[Annotated[str, Meta(min_length=1, max_length=64)], dict[str, Any]]
    builtin: bool = True


def load_profiles(path: Path | None = None) -> dict[str, Profile]:
    """Return the simulated instruments by symbol: the built-in ones and those of a file.

    Raises:
        ConfigError: if the file can't be read or an entry is wrong.
    """
    entries = read_toml(_BUILTIN, _File).instruments
    if path is not None:
        file = read_toml(path, _File)
        entries = {**entries, **file.instruments} if file.builtin else file.instruments
        if not entries:
            raise ConfigError(f"{path}: no instruments")
    profiles = {}
    for number, (symbol, entry) in enumerate(entries.items(), start=1):
        try:
            profiles[symbol] = _profile(number, symbol, _checked(entry))
        except ConfigError as error:
            raise ConfigError(f"{path or _BUILTIN}: instrument {symbol}: {error}") from None
    return profiles


def _checked(entry: dict[str, Any]) -> _Entry:
    try:
        return msgspec.convert(entry, _Entry)
    except msgspec.ValidationError as error:
        field = _FIELD.search(str(error))
        got = f", got {entry[field.group(1)]!r}" if field else ""
        raise ConfigError(f"{error}{got}") from None


def _profile(number: int, symbol: str, entry: _Entry) -> Profile:
    price_decimals = decimals_of(entry.tick)
    quantity_decimals = decimals_of(entry.lot)
    if max(price_decimals, quantity_decimals) > MAX_DECIMALS:
        raise ConfigError(f"more than {MAX_DECIMALS} decimals")
    tick = parse_units(entry.tick, price_decimals)
    price = parse_units(entry.price, price_decimals)
    lot = parse_units(entry.lot, quantity_decimals)
    median_size = parse_units(entry.median_size, quantity_decimals)
    if tick <= 0 or lot <= 0:
        raise ConfigError("tick and lot are larger than 0")
    if price % tick:
        raise ConfigError(f"price {entry.price} is no multiple of the tick {entry.tick}")
    if median_size < lot:
        raise ConfigError(f"median_size {entry.median_size} is less than the lot {entry.lot}")
    if price < 100 * entry.depth_ticks * tick:
        raise ConfigError(f"price {entry.price} is less than 100 times depth_ticks")
    return Profile(
        instrument=Instrument(
            instrument_id=number,
            symbol=symbol,
            price_decimals=price_decimals,
            quantity_decimals=quantity_decimals,
            tick_size=tick,
        ),
        price=price,
        lot_size=lot,
        median_size=median_size,
        orders=entry.orders,
        depth_ticks=entry.depth_ticks,
        volatility_ticks=entry.volatility,
    )
