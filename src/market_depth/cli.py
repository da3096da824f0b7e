"""The command `market-depth`."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from market_depth import __version__
from market_depth.config import FeedConfig, RecordConfig, ServeConfig, read_config_file
from market_depth.errors import ConfigError, FeedError, MarketDepthError
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.settings import RowsMode

__all__ = ["main"]

_WRONG_VALUE = 2
_FAILED = 1
_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"market-depth {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Market depth server: order flow in, MBO and MBP depth out over WebSocket."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _config_file_reader(kind: type[FeedConfig]) -> Callable[..., Path | None]:
    """Return a callback that makes the options of a TOML file the defaults of a command."""

    def use(context: typer.Context, path: Path | None) -> Path | None:
        if path is not None:
            try:
                context.default_map = dict[str, Any](read_config_file(path, kind))
            except ConfigError as error:
                raise typer.BadParameter(str(error)) from None
        return path

    return use


def _serve(**options: Any) -> None:
    """Serve depth on ws://HOST:PORT, with health, metrics and snapshots over HTTP beside it.

    Every option can also be set by environment variable (MARKET_DEPTH_ and its name, such as
    MARKET_DEPTH_LOG_LEVEL) and in the TOML file of --config.
    """
    from market_depth.app import run

    del options["config"]
    run(ServeConfig(**options))


def _record(**options: Any) -> None:
    """Record a feed (--feed), or the streams of a running server (--from), to files.

    The file is .parquet, or .dbn.zst for market by order; it can be played with serve --feed.
    """
    from market_depth.commands.record import run

    del options["config"]
    run(RecordConfig(**options))


def _signature_of(kind: type[FeedConfig]) -> inspect.Signature:
    """Return the signature that Typer reads: --config, and a parameter per field of *kind*."""
    hints = get_type_hints(kind, include_extras=True)
    config = typer.Option(
        "--config",
        "-c",
        help="TOML file of options.",
        envvar="MARKET_DEPTH_CONFIG",
        show_envvar=False,
        is_eager=True,
        callback=_config_file_reader(kind),
    )
    parameters = [_parameter("config", Annotated[Path | None, config], None)]
    parameters += [
        _parameter(field.name, hints[field.name], _default_of(field))
        for field in dataclasses.fields(kind)
    ]
    return inspect.Signature(parameters)


def _default_of(field: dataclasses.Field[Any]) -> Any:
    make = field.default_factory
    return field.default if make is dataclasses.MISSING else make()


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _add_command(name: str, function: Any, kind: type[FeedConfig]) -> None:
    """Add a command with the options of *kind*."""
    signature = _signature_of(kind)
    function.__signature__ = signature
    function.__annotations__ = {
        name: parameter.annotation for name, parameter in signature.parameters.items()
    }
    app.command(name)(function)


_add_command("serve", _serve, ServeConfig)
_add_command("record", _record, RecordConfig)


@app.command("info")
def _info(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files to describe.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a file, each in a line.")
    ] = False,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Their format; told by the files otherwise.")
    ] = None,
) -> None:
    """Tell what is in files that can be played: symbols, span, counts, gaps, activity."""
    from market_depth.commands.info import run

    if not run(files, as_json=as_json, format_name=format_name):
        raise typer.Exit(_FAILED)


@app.command("verify")
def _verify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Files or folders; all known recordings if none."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a recording, each in a line.")
    ] = False,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Their format; told by the files otherwise.")
    ] = None,
) -> None:
    """Check recordings by what is in them and beside them: checksums, sequences, books.

    Without files, all recordings in the folder that MARKET_DEPTH_DATA names (../shared/data if it
    names none) are held against the figures that are known of them. The exit code is 1 if anything
    is not as it should be.
    """
    from market_depth.commands.verify import run

    if not run(files or [], as_json=as_json, format_name=format_name):
        raise typer.Exit(_FAILED)


# What commands that follow a running server have in common.

Group = Annotated[
    str | None, typer.Option("--group", help="Step to merge price levels into, such as 0.50.")
]
Count = Annotated[int | None, typer.Option("--count", "-n", help="End after so many lines.", min=1)]
Token = Annotated[
    str | None, typer.Option("--token", envvar="MARKET_DEPTH_TOKEN", help="Credentials.")
]


@app.command("tail")
def _tail(
    symbol: Annotated[str, typer.Argument(help="What to show.")],
    url: Annotated[str, typer.Option("--url", "-u", help="Server.")] = f"ws://{ServeConfig().addr}",
    data_type: Annotated[
        DataType, typer.Option("--data-type", "-t", help="What a line is made of.")
    ] = DataType.MBP,
    levels: Annotated[int, typer.Option("--levels", help="Price levels a side.", min=1)] = 20,
    mode: Annotated[
        Mode, typer.Option("--mode", help="How the server tells it; lines are the same.")
    ] = Mode.DELTA,
    interval_ms: Annotated[
        int | None,
        typer.Option("--interval-ms", help="Least time between two lines; 0: every change.", min=0),
    ] = None,
    group: Group = None,
    checksum: Annotated[bool, typer.Option("--checksum", help="Verify every update.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Messages as they come, not the tops of books.")
    ] = False,
    count: Count = None,
    token: Token = None,
) -> None:
    """Print a stream of a running server as JSON lines: the top of the book, or trades.

    What happens besides, such as a lost connection, is told on standard error.
    """
    from market_depth.commands.tail import TailOptions, run

    run(
        TailOptions(
            symbol=symbol,
            url=url,
            data_type=data_type,
            levels=levels,
            mode=mode.value,
            interval_ms=interval_ms,
            group=group,
            checksum=checksum,
            raw=raw,
            count=count,
            token=token,
        )
    )


@app.command("watch")
def _watch(
    url: Annotated[str, typer.Argument(help="Server.")] = f"ws://{ServeConfig().addr}",
    symbols: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol", "-s", help="What to show: several times, or with commas. All if none."
        ),
    ] = None,
    data_type: Annotated[
        Literal["MBP", "MBO"], typer.Option("--data-type", "-t", help="By price or by order.")
    ] = "MBP",
    levels: Annotated[int, typer.Option("--levels", help="Price levels a side.", min=1)] = 50,
    interval_ms: Annotated[
        int | None,
        typer.Option("--interval-ms", help="Least time between two updates.", min=0),
    ] = None,
    group: Group = None,
    rows: Annotated[
        RowsMode,
        typer.Option("--rows", help="What has a line of the ladder: each price, or each level."),
    ] = "auto",
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines, as where there is no terminal.")
    ] = False,
    count: Count = None,
    token: Token = None,
) -> None:
    """Watch a running server on the terminal: price ladder, trades, status; ? shows the keys.

    Where there is no terminal it prints a line an update: time, symbol, sequence, best bid and ask
    with their sizes, spread.
    """
    from market_depth.commands.watch import WatchOptions, run

    names = (name.strip() for value in symbols or () for name in value.split(","))
    run(
        WatchOptions(
            url=url,
            symbols=tuple(dict.fromkeys(name for name in names if name)),
            data_type=data_type,
            levels=levels,
            interval_ms=interval_ms,
            group=group,
            rows=rows,
            token=token,
            plain=plain,
            count=count,
        )
    )


def main() -> None:
    """Run the command line; exit with 2 for a wrong value, 1 for anything else that fails."""
    command = typer.main.get_command(app)
    try:
        sys.exit(command.main(prog_name="market-depth", standalone_mode=False) or 0)
    except (ConfigError, FeedError) as error:
        _exit_with(str(error), _WRONG_VALUE)
    except MarketDepthError as error:
        _exit_with(str(error), _FAILED)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_INTERRUPTED)
    except Exception as error:
        # Typer keeps the class of its usage errors to itself; they alone can format a message.
        format_message = getattr(error, "format_message", None)
        if format_message is None:
            raise
        _exit_with(_with_value(format_message(), error), getattr(error, "exit_code", _WRONG_VALUE))


def _with_value(message: str, error: Exception) -> str:
    """Return a usage error's message with the value that was wrong, where it leaves that out."""
    describe = getattr(error.__cause__, "errors", None)
    wrong = [str(detail["input"]) for detail in describe()] if describe else []
    missing = [value for value in wrong if f"'{value}'" not in message]
    return f"{message}, got {', '.join(missing)}" if missing else message


def _exit_with(message: str, code: int) -> None:
    line = " ".join(message.split())
    print(f"market-depth: error: {line}", file=sys.stderr)
    sys.exit(code)
