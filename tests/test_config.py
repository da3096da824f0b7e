"""Options: what their texts mean, and what a configuration file may say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from market_depth.config import Address, RecordConfig, ServeConfig, read_config_file
from market_depth.errors import ConfigError
from market_depth.server import Limits
from support.errors import one_line_error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.toml"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("localhost:0", Address("localhost", 0)),
        ("depth.example.com:65535", Address("depth.example.com", 65_535)),
        ("[::1]:8080", Address("::1", 8080)),
        ("[fe80::1%eth0]:80", Address("fe80::1%eth0", 80)),
    ],
)
def test_an_address_has_a_host_and_a_port(text: str, address: Address) -> None:
    assert ServeConfig(addr=text).address() == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "8080",
        ":8080",
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:-1",
        "localhost:80.5",
        "localhost: 80",
        "localhost:٨٠",
        "::1:8080",
        "[]:8080",
        "[::1]",
    ],
)
def test_what_is_no_address_is_named(text: str) -> None:
    with one_line_error(ConfigError, repr(text), "HOST:PORT"):
        ServeConfig(addr=text).address()


def test_a_port_over_the_largest_is_named() -> None:
    with one_line_error(ConfigError, "65536", "65535"):
        ServeConfig(addr="localhost:65536").address()


@pytest.mark.parametrize(
    ("text", "pace"),
    [("1", 1.0), ("0.5", 0.5), ("1e3", 1000.0), ("0.01", 0.01), ("1000000", 1e6), ("max", None)],
)
def test_a_pace_is_a_number_or_max(text: str, pace: float | None) -> None:
    assert ServeConfig(speed=text).pace() == pace
    assert ServeConfig(rate=text).rate_hz() == pace


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "0.0001", "1e8", "nan", "inf", "-inf", "fast", "MAX", "1,5", "1e999"]
)
def test_what_is_no_pace_is_named(text: str) -> None:
    with one_line_error(ConfigError, repr(text), "'max'"):
        ServeConfig(speed=text).pace()
    with one_line_error(ConfigError, repr(text), "'max'"):
        ServeConfig(rate=text).rate_hz()


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        (None, None),
        ("BTCUSD", ("BTCUSD",)),
        ("BTCUSD,ETHUSD", ("BTCUSD", "ETHUSD")),
        (" BTCUSD , ETHUSD,", ("BTCUSD", "ETHUSD")),
    ],
)
def test_symbols_are_separated_by_commas(text: str | None, symbols: tuple[str, ...] | None) -> None:
    assert ServeConfig(symbols=text).wanted_symbols() == symbols


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_symbols_must_name_one(text: str) -> None:
    with one_line_error(ConfigError, repr(text)):
        ServeConfig(symbols=text).wanted_symbols()


def test_times_are_ns_since_1970() -> None:
    config = ServeConfig(start="2023-12-25 22:00", end="2023-12-26T00:00:00.000000001+01:00")
    assert config.start_ns() == 1_703_541_600_000_000_000
    assert config.end_ns() == 1_703_545_200_000_000_001
    assert (ServeConfig().start_ns(), ServeConfig().end_ns()) == (None, None)


@pytest.mark.parametrize("text", ["", "noon", "22:00", "25.12.2023"])
def test_what_is_no_time_is_named(text: str) -> None:
    with one_line_error(ConfigError, repr(text), "2025-09-16T04:18:26Z"):
        ServeConfig(start=text).start_ns()


def test_the_simulator_is_a_feed_by_itself() -> None:
    assert ServeConfig().is_simulated()
    assert ServeConfig(feed=[Path("simulator")]).is_simulated()
    assert not ServeConfig(feed=[Path("day.dbn")]).is_simulated()
    assert not ServeConfig(feed=[Path("simulator"), Path("day.dbn")]).is_simulated()


def test_the_limits_are_those_among_the_options() -> None:
    assert ServeConfig().limits() == Limits()
    config = ServeConfig(
        max_connections=1,
        max_connections_per_address=2,
        max_streams=3,
        max_message_bytes=400,
        message_rate=5.0,
        message_burst=6,
        max_write_buffer_bytes=7000,
        stall_s=8.0,
        handshake_timeout_s=9.0,
        ping_interval_s=10.0,
        compression=True,
    )
    assert config.limits() == Limits(
        max_connections=1,
        max_connections_per_address=2,
        max_message_bytes=400,
        message_rate_hz=5.0,
        message_burst=6,
        max_write_buffer_bytes=7000,
        stall_s=8.0,
        handshake_timeout_s=9.0,
        ping_interval_s=10.0,
        allows_compression=True,
    )
    assert config.stream_options().max_streams == 3


def test_a_config_file_gives_options_as_the_command_line_would(path: Path) -> None:
    path.write_text(
        'addr = "0.0.0.0:9000"\n'
        "interval_ms = 100\n"
        "max-levels = 50\n"
        "stats_s = 2.5\n"
        'symbols = ["BTCUSD", "ETHUSD"]\n'
        'rate = "max"\n'
    )
    assert read_config_file(path) == {
        "addr": "0.0.0.0:9000",
        "interval_ms": "100",
        "max_levels": "50",
        "stats_s": "2.5",
        "symbols": "BTCUSD,ETHUSD",
        "rate": "max",
    }


def test_every_option_can_be_in_a_config_file(path: Path) -> None:
    values = {
        field.name: "true" if isinstance(field.default, bool) else '"x"'
        for field in dataclasses.fields(ServeConfig)
    }
    path.write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
    assert list(read_config_file(path)) == list(values)


@pytest.mark.parametrize(("text", "feed"), [('"a:b"', ["a:b"]), ('["a", "b c"]', ["a", "b c"])])
def test_a_config_file_may_name_several_feeds(path: Path, text: str, feed: list[str]) -> None:
    path.write_text(f"feed = {text}\n")
    assert read_config_file(path) == {"feed": feed}


def test_a_switch_in_a_config_file_is_true_or_false(path: Path) -> None:
    path.write_text("strict = true\nshow-partial = false\n")
    assert read_config_file(path) == {"strict": "True", "show_partial": "False"}


def test_an_option_in_a_config_file_is_called_as_on_the_command_line(path: Path) -> None:
    path.write_text('from = "ws://127.0.0.1:8080"\n')
    assert read_config_file(path, RecordConfig) == {"server": "ws://127.0.0.1:8080"}
    path.write_text('server = "ws://127.0.0.1:8080"\n')
    with one_line_error(ConfigError, str(path), "'server'"):
        read_config_file(path, RecordConfig)


def test_an_empty_config_file_gives_no_options(path: Path) -> None:
    path.write_text("# nothing yet\n")
    assert read_config_file(path) == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 1", "'colour'"),
        ("max_level = 1", "'max_level'"),
        ("[addr]\nport = 1", "addr"),
        ("addr = true", "addr"),
        ("strict = 1", "true or false"),
        ('strict = "yes"', "true or false"),
        ("feed = []", "feed"),
        ("feed = [true]", "feed"),
        ('feed = [["a"]]', "feed"),
        ("addr = ", ""),
        ("addr = 'x'\naddr = 'y'", ""),
    ],
)
def test_a_wrong_config_file_is_refused_in_one_line(path: Path, text: str, named: str) -> None:
    path.write_text(text)
    with one_line_error(ConfigError, str(path), named):
        read_config_file(path)


def test_a_config_file_that_is_not_utf_8_is_refused_in_one_line(path: Path) -> None:
    path.write_bytes(b'addr = "\xff"\n')
    with one_line_error(ConfigError, str(path)):
        read_config_file(path)


def test_a_config_file_that_is_not_there_is_refused_in_one_line(path: Path) -> None:
    with one_line_error(ConfigError, str(path), "No such file"):
        read_config_file(path)
