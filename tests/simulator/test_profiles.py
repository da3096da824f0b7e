"""Instruments of the simulator, from the built-in file and a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_depth.errors import ConfigError
from market_depth.instruments import Instrument
from market_depth.simulator import Profile, SimulatedVenue, load_profiles
from support.errors import one_line_error

SOL = """
[instruments.SOLUSD]
price = "150.25"
tick = "0.01"
lot = "0.001"
median_size = "5"
orders = 300
depth_ticks = 8
volatility = 0.25
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "instruments.toml"


def entry(**fields: str) -> str:
    """Return an instrument XUSD whose fields are TOML literals."""
    merged = {"price": '"100.00"', "tick": '"0.01"', **fields}
    lines = [f"{name} = {value}" for name, value in merged.items() if value]
    return "[instruments.XUSD]\n" + "\n".join(lines)


def test_the_builtin_instruments_can_be_simulated() -> None:
    profiles = load_profiles()
    assert list(profiles) == ["BTCUSD", "ETHUSD", "ADAUSD"]
    for symbol, profile in profiles.items():
        assert profile.instrument.symbol == symbol
        venue = SimulatedVenue(profile, rate_hz=15.0, seed=1, begin_ns=0)
        assert len(next(venue.chunks())) > 100


def test_instrument_ids_differ() -> None:
    ids = [profile.instrument.instrument_id for profile in load_profiles().values()]
    assert len(set(ids)) == len(ids)


def test_a_file_adds_to_the_builtin_ones(path: Path) -> None:
    path.write_text(SOL)
    profiles = load_profiles(path)
    assert list(profiles) == ["BTCUSD", "ETHUSD", "ADAUSD", "SOLUSD"]
    assert profiles["SOLUSD"] == Profile(
        instrument=Instrument(
            instrument_id=4,
            symbol="SOLUSD",
            price_decimals=2,
            quantity_decimals=3,
            tick_size=1,
        ),
        price=15_025,
        lot_size=1,
        median_size=5000,
        orders=300,
        depth_ticks=8.0,
        volatility_ticks=0.25,
    )


def test_a_file_replaces_a_symbol_that_is_there(path: Path) -> None:
    path.write_text('[instruments.BTCUSD]\nprice = "90000"\ntick = "5"\n')
    profiles = load_profiles(path)
    assert list(profiles) == ["BTCUSD", "ETHUSD", "ADAUSD"]
    btc = profiles["BTCUSD"]
    assert (btc.price, btc.instrument.tick_size, btc.instrument.price_decimals) == (90_000, 5, 0)


def test_a_file_can_stand_alone(path: Path) -> None:
    path.write_text("builtin = false\n" + SOL)
    profiles = load_profiles(path)
    assert list(profiles) == ["SOLUSD"]
    assert profiles["SOLUSD"].instrument.instrument_id == 1


def test_all_but_price_and_tick_has_a_default(path: Path) -> None:
    path.write_text(entry())
    profile = load_profiles(path)["XUSD"]
    assert (profile.lot_size, profile.median_size, profile.orders) == (1, 100, 800)
    assert profile.instrument.quantity_decimals == 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"price": ""}, "price"),
        ({"tick": ""}, "tick"),
        ({"price": '"abc"'}, "'abc'"),
        ({"price": '"NaN"'}, "'NaN'"),
        ({"price": '"Infinity"'}, "'Infinity'"),
        ({"price": '""'}, "''"),
        ({"price": "100.0"}, "price"),
        ({"price": '"100.005"'}, "'100.005'"),
        ({"price": '"100.01"', "tick": '"0.02"'}, "100.01"),
        ({"price": '"-100"'}, "-100"),
        ({"price": '"0"'}, "price"),
        ({"price": '"0.50"'}, "0.50"),
        ({"price": '"1' + "0" * 30 + '"'}, "too large"),
        ({"tick": '"0"'}, "tick"),
        ({"tick": '"-0.01"'}, "tick"),
        ({"tick": '"0.0000000001"'}, "9 decimals"),
        ({"tick": "1"}, "tick"),
        ({"lot": '"0"'}, "lot"),
        ({"lot": '"-1"'}, "lot"),
        ({"lot": '"x"'}, "'x'"),
        ({"lot": '"0.0000000001"'}, "9 decimals"),
        ({"median_size": '"0.5"'}, "'0.5'"),
        ({"median_size": '"0"'}, "median_size 0"),
        ({"median_size": '"5"', "lot": '"10"'}, "median_size 5"),
        ({"orders": "99"}, "orders"),
        ({"orders": "1000001"}, "orders"),
        ({"orders": '"many"'}, "orders"),
        ({"orders": "300.5"}, "orders"),
        ({"depth_ticks": "0"}, "depth_ticks"),
        ({"depth_ticks": "nan"}, "depth_ticks"),
        ({"depth_ticks": "1001"}, "depth_ticks"),
        ({"volatility": "-0.1"}, "volatility"),
        ({"volatility": "10.5"}, "volatility"),
        ({"volatility": "nan"}, "volatility"),
        ({"colour": '"red"'}, "colour"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named_in_one_line(path: Path, fields: dict[str, str], named: str) -> None:
    path.write_text(entry(**fields))
    with one_line_error(ConfigError, str(path), named):
        load_profiles(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "instruments"),
        ("instruments = 5", "instruments"),
        ("builtin = false\n[instruments]", "no instruments"),
        ("instruments = [", ""),
        ("[instruments]\nXUSD = 5", "instruments"),
        ('[instruments.""]\nprice = "100"\ntick = "1"', "instruments"),
        (f'[instruments.{"X" * 65}]\nprice = "100"\ntick = "1"', "instruments"),
        ("builtin = 1\n" + SOL, "builtin"),
        ("colour = 1\n" + SOL, "colour"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(path: Path, text: str, named: str) -> None:
    path.write_text(text)
    with one_line_error(ConfigError, str(path), named):
        load_profiles(path)


def test_a_file_that_is_not_utf_8_is_refused_in_one_line(path: Path) -> None:
    path.write_bytes(b'[instruments.XUSD]\nprice = "\xff"\n')
    with one_line_error(ConfigError, str(path)):
        load_profiles(path)


def test_a_file_that_is_not_there_is_refused_in_one_line(path: Path) -> None:
    with one_line_error(ConfigError, str(path), "No such file"):
        load_profiles(path)
    with one_line_error(ConfigError, str(path.parent), "directory"):
        load_profiles(path.parent)
