"""`market-depth watch`: the market on a terminal, or as plain lines where there is none."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from market_depth.client import ClientError, RequestRefusedError
from market_depth.errors import ConfigError, ErrorCode, quoted
from market_depth.protocol.messages import DataType, SymbolInfo
from market_depth.settings import RowsMode
from market_depth.terminal.choice import Choice
from market_depth.terminal.depth import View
from market_depth.terminal.feed import Feed
from market_depth.terminal.plain import print_lines
from market_depth.terminal.rows import steps_of

__all__ = ["WatchOptions", "run"]

_NAMED: Final = 5
"""Symbols that an error names."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What is to be shown."""

    url: str
    symbols: tuple[str, ...]
    """What can be chosen from, the first is shown first; all that the server has if none."""
    data_type: Literal["MBP", "MBO"]
    levels: int
    interval_ms: int | None
    group: str | None
    rows: RowsMode
    token: str | None
    plain: bool
    """Lines, also on a terminal."""
    count: int | None
    """Lines after which to end; `None` goes on."""


def run(options: WatchOptions) -> None:
    """Show the market until the user ends it.

    Raises:
        ClientError: if the server can't be reached, or refuses.
        ConfigError: if what it needs is not installed.
    """
    if options.plain or options.count is not None or not _is_terminal():
        _print(options)
    else:
        _show(options)


def _is_terminal() -> bool:
    """Return whether there is a screen to draw on, and a keyboard; it is drawn on by stderr."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    return os.environ.get("TERM") != "dumb" and all(
        stream is not None and stream.isatty() for stream in streams
    )


def _print(options: WatchOptions) -> None:
    lines = print_lines(
        options.url,
        options.symbols,
        options.data_type,
        levels=options.levels,
        interval_ms=options.interval_ms,
        group=options.group,
        token=options.token,
        count=options.count,
    )
    try:
        asyncio.run(_until_told(lines))
    except BrokenPipeError:  # whoever read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Do something until it is done, or a signal asks to end."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _show(options: WatchOptions) -> None:
    try:
        from market_depth.terminal.app import WatchApp
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "textual":
            raise
        raise ConfigError(
            "watch needs the extra 'terminal': pip install 'market-depth[terminal]'; "
            "--plain works without it"
        ) from None
    choice = Choice(
        options.url, options.token, options.levels, options.interval_ms, options.symbols
    )
    feed = Feed(choice)
    try:
        symbols = _chosen(feed.start(), options.symbols)
        view = _first_view(symbols[0], options)
        feed.begin(view)
        failure = WatchApp(feed, symbols, view, options.rows).run()
    finally:
        feed.stop()
    if failure is not None:
        raise failure


def _chosen(symbols: Sequence[SymbolInfo], wanted: Sequence[str]) -> list[SymbolInfo]:
    """Return the symbols that can be chosen from, in the order in which they are wanted."""
    known = {info.symbol: info for info in symbols}
    for symbol in wanted:
        if symbol not in known:
            names = ", ".join(list(known)[:_NAMED]) + (", …" if len(known) > _NAMED else "")
            problem = f"unknown symbol {quoted(symbol)}; known: {names}"
            raise RequestRefusedError(ErrorCode.NOT_FOUND, problem)
    if not known:
        raise ClientError("the server has no symbols")
    return [known[symbol] for symbol in dict.fromkeys(wanted)] or list(symbols)


def _first_view(info: SymbolInfo, options: WatchOptions) -> View:
    if DataType(options.data_type) not in info.data_types:
        raise ClientError(f"{info.symbol}: the server has no {options.data_type} of it")
    if options.group is None:
        return View(info.symbol, options.data_type)
    step = steps_of(options.group, Decimal(info.tick_size))
    if step is None:
        raise ConfigError(
            f"group: expected a multiple of the tick {info.tick_size}, got {quoted(options.group)}"
        )
    return View(info.symbol, options.data_type, step)
