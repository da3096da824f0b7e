"""The command line: what it takes, from where, and how it says no."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from market_depth import __version__, app
from market_depth.cli import main
from market_depth.config import ServeConfig
from market_depth.logs import LogLevel
from support.commands import Finished, run_command
from support.dbn_files import Record, dbn
from support.imports import HEAVY, imported_by

Screen = pytest.CaptureFixture[str]

FIELDS = {f"--{field.name.replace('_', '-')}": field for field in dataclasses.fields(ServeConfig)}
OPTIONS = list(FIELDS)
SWITCHES = {option for option, field in FIELDS.items() if isinstance(field.default, bool)}

WRONG_VALUES = {
    "--addr": ["", "127.0.0.1", ":8080", "127.0.0.1:", "127.0.0.1:http", "[::1]", "::1:80"],
    "--log-level": ["", "loud", "3"],
    "--log-format": ["xml"],
    "--stats-s": ["-1", "often", "nan"],
    "--symbols": [",", " , "],
    "--seed": ["-1", "1.5", "dice"],
    "--rate": ["0", "-15", "nan", "inf", "fast", ""],
    "--speed": ["0", "-1", "nan", "inf", "fast", ""],
    "--start": ["", "noon", "22:00", "2023-12-25T25:00", "2023-02-30", "1969-12-31", "2263-01-01"],
    "--end": ["", "tomorrow", "2023-12-25T22:00:00.0000000001Z"],
    "--at-end": ["stop"],
    "--strict": ["yes", "true", ""],
    "--show-partial": ["1"],
    "--replay-control": ["1"],
    "--progress": ["off"],
    "--interval-ms": ["0", "-300", "1.5", "3600001", "soon", ""],
    "--min-interval-ms": ["-1", "60001", "now"],
    "--compression": ["1"],
    "--resume-window-bytes": ["-1", "1k", "2000000000"],
    "--heartbeat-s": ["0", "0.01", "86401", "nan", "inf"],
    "--max-levels": ["0", "-1", "1000001", "2.5"],
    "--max-connections": ["0", "-1", "many"],
    "--max-connections-per-address": ["-1", "any"],
    "--max-streams": ["0", "-1"],
    "--max-message-bytes": ["0", "255", "64k"],
    "--message-rate": ["-1", "nan"],
    "--message-burst": ["0", "-1"],
    "--max-write-buffer-bytes": ["0", "1023"],
    "--stall-s": ["0", "-1", "nan"],
    "--handshake-timeout-s": ["0", "-1", "nan"],
    "--ping-interval-s": ["-1", "nan"],
}
ANY_NAMES = {"--feed", "--format", "--instruments", "--credentials"}
"""Options that take any text; whether there is such a file or format is found out when it is
read."""


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the environment says of options from the tests."""
    for name in os.environ:
        if name.startswith("MARKET_DEPTH_"):
            monkeypatch.delenv(name)


@pytest.fixture
def screen(capsys: Screen) -> Screen:
    """What has been printed."""
    return capsys


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ServeConfig]:
    """Start no server; return the list of the configurations with which one would have run."""
    configs: list[ServeConfig] = []
    monkeypatch.setattr(app, "run", configs.append)
    return configs


def run(*arguments: str) -> int:
    """Run the command line in this process, and return its exit code."""
    saved, sys.argv = sys.argv, ["market-depth", *arguments]
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        sys.argv = saved
    code = stop.value.code
    assert isinstance(code, int)
    return code


def assert_one_line(screen: Screen, *words: str) -> None:
    """Check that all that was printed is one line on stderr, with these words in it."""
    out, err = screen.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert re.match(r"market-depth: error: \S", err)
    for word in words:
        assert word in err


# Wrong values


def test_every_option_has_wrong_values_to_be_tried() -> None:
    assert set(WRONG_VALUES) | ANY_NAMES == set(OPTIONS)


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, values in WRONG_VALUES.items() for value in values],
)
def test_a_wrong_value_is_exit_code_2_and_one_line(
    option: str, value: str, screen: Screen, started: list[ServeConfig]
) -> None:
    assert run("serve", f"{option}={value}") == 2
    assert_one_line(screen, option)
    assert started == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--addr", "localhost"),
        ("--rate", "fast"),
        ("--interval-ms", "soon"),
        ("--interval-ms", "4000000"),
        ("--stats-s", "often"),
        ("--log-level", "loud"),
        ("--at-end", "stop"),
        ("--start", "noon"),
        ("--end", "2023-02-30"),
    ],
)
def test_the_line_repeats_the_wrong_value(option: str, value: str, screen: Screen) -> None:
    run("serve", f"{option}={value}")
    assert_one_line(screen, option, value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("serve", "--nope"),
        ("serve", "--nope=1"),
        ("serve", "extra"),
        ("serve", "--interval-ms"),
        ("serve", "-x"),
        ("serve", "--interval_ms=5"),
        ("serve", "--no-feed"),
        ("--nope",),
    ],
)
def test_what_the_command_does_not_know_is_exit_code_2_and_one_line(
    arguments: tuple[str, ...], screen: Screen, started: list[ServeConfig]
) -> None:
    assert run(*arguments) == 2
    assert_one_line(screen)
    assert started == []


@pytest.mark.parametrize(
    "option", ["--interval-ms", "--rate", "--addr", "--log-level", "--start", "--strict"]
)
def test_a_wrong_value_in_the_environment_or_the_file_is_the_same(
    option: str,
    tmp_path: Path,
    screen: Screen,
    monkeypatch: pytest.MonkeyPatch,
    started: list[ServeConfig],
) -> None:
    path = tmp_path / "server.toml"
    path.write_text(f'{option[2:]} = "wrong"\n')
    assert run("serve", f"--config={path}") == 2
    assert_one_line(screen, option[2:])
    monkeypatch.setenv(environment_name(option), "wrong")
    assert run("serve") == 2
    assert_one_line(screen, option)
    assert started == []


# Where values come from


@pytest.mark.usefixtures("screen")
def test_without_options_the_defaults_hold(started: list[ServeConfig]) -> None:
    assert run("serve") == 0
    assert started == [ServeConfig()]
    assert started[0].addr == "127.0.0.1:8080"
    assert started[0].interval_ms == 300


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[ServeConfig]
) -> None:
    path = tmp_path / "server.toml"
    path.write_text('interval-ms = 1\nmax_levels = 1\nrate = "1"\nsymbols = ["A", "B"]\n')
    monkeypatch.setenv("MARKET_DEPTH_INTERVAL_MS", "2")
    monkeypatch.setenv("MARKET_DEPTH_MAX_LEVELS", "2")
    assert run("serve", f"--config={path}", "--interval-ms=3") == 0
    (config,) = started
    assert (config.interval_ms, config.max_levels, config.rate) == (3, 2, "1")
    assert config.wanted_symbols() == ("A", "B")
    assert config.heartbeat_s == ServeConfig().heartbeat_s


def test_every_option_can_be_set_in_each_of_the_three_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[ServeConfig]
) -> None:
    values = {option: right_value(option) for option in OPTIONS if option not in SWITCHES}
    switched = {option: not FIELDS[option].default for option in SWITCHES}
    path = tmp_path / "server.toml"
    path.write_text("\n".join(toml_lines({**values, **switched})))
    flags = [option if is_on else no(option) for option, is_on in switched.items()]
    assert run("serve", *(f"{option}={value}" for option, value in values.items()), *flags) == 0
    assert run("serve", "-c", str(path)) == 0
    for option, value in {**values, **switched}.items():
        monkeypatch.setenv(environment_name(option), str(value))
    assert run("serve") == 0
    first, second, third = started
    assert first == second == third
    for field in FIELDS.values():
        assert getattr(first, field.name) != getattr(ServeConfig(), field.name), field.name


@pytest.mark.parametrize("option", sorted(SWITCHES))
def test_a_switch_can_be_turned_off_again(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[ServeConfig]
) -> None:
    path = tmp_path / "server.toml"
    path.write_text("\n".join(toml_lines({option: True})))
    assert run("serve", f"--config={path}") == 0
    monkeypatch.setenv(environment_name(option), "false")
    assert run("serve", f"--config={path}") == 0
    monkeypatch.setenv(environment_name(option), "1")
    assert run("serve", f"--config={path}", no(option)) == 0
    name = FIELDS[option].name
    assert [getattr(config, name) for config in started] == [True, False, False]


def no(option: str) -> str:
    """Return the flag that turns a switch off."""
    return f"--no-{option[2:]}"


def toml_lines(values: dict[str, Any]) -> list[str]:
    return [f"{option[2:]} = {json.dumps(value)}" for option, value in values.items()]


def environment_name(option: str) -> str:
    return f"MARKET_DEPTH_{option[2:].upper().replace('-', '_')}"


def right_value(option: str) -> str:
    """Return a value that an option takes and that is not its default."""
    texts = {
        "--addr": "0.0.0.0:9000",
        "--log-level": "debug",
        "--log-format": "console",
        "--feed": "day.dbn",
        "--start": "2023-12-25T22:00Z",
        "--end": "2023-12-26",
        "--symbols": "BTCUSD",
        "--instruments": "instruments.toml",
        "--rate": "max",
        "--speed": "max",
        "--at-end": "loop",
        "--credentials": "clients.toml",
    }
    return texts.get(option, "4321")


def test_several_feeds_can_be_named_in_each_of_the_three_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[ServeConfig]
) -> None:
    path = tmp_path / "server.toml"
    path.write_text('feed = ["one.dbn", "with a space.csv"]\n')
    assert run("serve", "--feed=one.dbn", "--feed", "with a space.csv") == 0
    assert run("serve", f"--config={path}") == 0
    monkeypatch.setenv("MARKET_DEPTH_FEED", os.pathsep.join(["one.dbn", "with a space.csv"]))
    assert run("serve") == 0
    for config in started:
        assert config.feed == [Path("one.dbn"), Path("with a space.csv")]


def test_the_file_may_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[ServeConfig]
) -> None:
    path = tmp_path / "server.toml"
    path.write_text("interval_ms = 77\n")
    monkeypatch.setenv("MARKET_DEPTH_CONFIG", str(path))
    assert run("serve") == 0
    assert started[0].interval_ms == 77


def test_the_original_short_options(started: list[ServeConfig]) -> None:
    assert run("serve", "-a", "0.0.0.0:9000", "-l", "trace") == 0
    assert started[0].addr == "0.0.0.0:9000"
    assert started[0].log_level is LogLevel.TRACE


# What only shows when it is read


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--feed=nowhere.dbn"], ["nowhere.dbn", "No such file"]),
        (["--feed={recording}", "--feed=nowhere.dbn"], ["nowhere.dbn", "No such file"]),
        (["--feed={recording}", "--format=dbm"], ["'dbm'", "dbn", "parquet"]),
        (["--feed={recording}", "--format=parquet"], ["{recording}"]),
        (["--feed={notes}"], ["{notes}", "no known format", "--format"]),
        (["--feed={recording}", "--symbols=NOPE"], ["NOPE", "ESH4"]),
        (["--feed={recording}", "--feed=simulator"], ["simulator"]),
        (["--feed={recording}", "--start=2024", "--end=2023-01-01"], ["2024"]),
        (
            ["--feed={recording}", "--start=2023-12-26", "--end=2023-12-25"],
            ["2023-12-26", "2023-12-25"],
        ),
    ],
)
async def test_a_feed_that_can_not_be_opened_is_exit_code_2_and_one_line(
    arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    paths = {"recording": tmp_path / "day.dbn", "notes": tmp_path / "notes.txt"}
    paths["recording"].write_bytes(dbn(Record()))
    paths["notes"].write_text("nothing to be played\n")
    finished = await run_command(
        "serve", "--addr=127.0.0.1:0", *(argument.format(**paths) for argument in arguments)
    )
    assert (finished.code, finished.out) == (2, [])
    (line,) = finished.err
    assert line.startswith("market-depth: error: ")
    for word in words:
        assert word.format(**paths) in line


# Help and version


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_help_names_every_option(
    flag: str, columns: str, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert run("serve", flag) == 0
    out, err = screen.readouterr()
    assert err == ""
    words = out.replace(",", " ").split()
    for option in [*OPTIONS, "--config", "--help", "-a", "-l", "-c", "-h", *map(no, SWITCHES)]:
        assert option in words
    assert "MARKET_DEPTH_" in out


def test_every_option_is_explained() -> None:
    for hint in get_type_hints(ServeConfig, include_extras=True).values():
        (option,) = hint.__metadata__
        assert option.help
        assert option.help[0].isupper() or option.help[0] == "'"
        assert option.help.endswith(".")


def test_the_version_is_told(screen: Screen) -> None:
    assert run("--version") == 0
    assert screen.readouterr() == (f"market-depth {__version__}\n", "")


def test_without_a_command_the_help_is_shown_and_no_error_without_words(screen: Screen) -> None:
    run()
    out, err = screen.readouterr()
    assert "serve" in out + err
    assert "error: \n" not in err


@pytest.mark.parametrize("command", ["", "serve", "record", "info", "verify", "tail", "watch"])
async def test_help_comes_without_what_takes_long_to_import(command: str) -> None:
    assert not HEAVY & await imported_by(*command.split(), "--help")


async def test_the_module_and_the_script_are_the_same_command() -> None:
    assert await run_command("--version") == Finished(0, [f"market-depth {__version__}"], [])
    script = Path(sys.executable).with_name("market-depth")
    process = await asyncio.create_subprocess_exec(
        script, "--version", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, f"market-depth {__version__}\n")
