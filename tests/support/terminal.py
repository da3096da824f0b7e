"""A terminal: what a person would see of what is written to it, and the command run on one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

TIMEOUT_S = 120.0
"""Kernels may have to be compiled first."""

_PIECES = re.compile(r"\x1b\[(?P<parameters>[?\d;]*)(?P<final>[A-Za-z])|(?P<text>[^\x1b])", re.S)


class Screen:
    """Rows of characters and a cursor; knows no more than a line at the bottom needs.

    Args:
        columns: its width; longer lines go on in the next row.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self._goes_on = {0: False}
        """Which rows are the rest of the one before."""
        self._row = self._column = 0
        self.shows_cursor = True

    def write(self, text: str) -> None:
        """Take what is written; fails for what is no text and no sequence that it knows."""
        place = 0
        for piece in _PIECES.finditer(text):
            assert piece.start() == place, f"unknown sequence at {text[place : place + 20]!r}"
            place = piece.end()
            if piece["text"] is not None:
                self._put(piece["text"])
            else:
                self._obey(piece["final"], piece["parameters"])
        assert place == len(text), f"unknown sequence at {text[place:]!r}"

    @property
    def lines(self) -> list[str]:
        """The lines on it, each whole however many rows it takes, without blanks at the end."""
        lines: list[str] = []
        for number, row in enumerate(self._rows):
            text = "".join(row)
            if self._goes_on[number]:
                lines[-1] += text
            else:
                lines.append(text)
        return [line.rstrip() for line in lines]

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._column = 0
            self._next_row(goes_on=False)
        else:
            if self._column == self._columns:
                self._column = 0
                self._next_row(goes_on=True)
            row = self._rows[self._row]
            row.extend(" " * (self._column + 1 - len(row)))
            row[self._column] = character
            self._column += 1

    def _next_row(self, *, goes_on: bool) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])
        self._goes_on[self._row] = goes_on

    def _obey(self, final: str, parameters: str) -> None:
        if final == "A":
            self._row = max(self._row - int(parameters or 1), 0)
        elif final == "K":
            assert parameters == "2"
            self._rows[self._row].clear()
        elif parameters == "?25":
            self.shows_cursor = final == "h"
        else:
            assert final == "m", f"unknown sequence {parameters}{final}"


class TerminalProcess:
    """`market-depth` on a terminal of its own, and all that it has written to it."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        self.process = process
        self.written = b""
        self.has_ended = False
        """Whether nobody has the terminal open any more, and all has been read."""
        self._terminal = terminal
        self._has_changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    async def until_written(self, text: str) -> None:
        """Wait until a text has been written."""
        await self._until(lambda: text.encode() in self.written)

    async def ended(self) -> int:
        """Return its exit code once it has ended and all that it wrote has been read."""
        async with asyncio.timeout(TIMEOUT_S):
            code = await self.process.wait()
            while not self.has_ended:
                await self._change()
        return code

    async def stop(self) -> int:
        """Ask it to end, and return its exit code when all that it wrote has been read."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.ended()

    def take(self, data: bytes) -> None:
        """Take what has been written; nothing at the end."""
        self.written += data

    async def _until(self, is_so: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not is_so():
                    assert not self.has_ended, f"the command has ended: {self.written[-2000:]!r}"
                    await self._change()
        except TimeoutError:
            raise AssertionError(f"it never came: {self.written[-500:]!r}") from None

    async def _change(self) -> None:
        self._has_changed.clear()
        await self._has_changed.wait()

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # as Linux tells that nobody has it open any more
            data = b""
        if not data:
            self.has_ended = True
            asyncio.get_running_loop().remove_reader(self._terminal)
        self.take(data)
        self._has_changed.set()


class ScreenProcess(TerminalProcess):
    """One whose screen is looked at: it must write nothing that `Screen` does not know."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int, columns: int) -> None:
        super().__init__(process, terminal)
        self._pending = b""
        self.screen = Screen(columns)

    def take(self, data: bytes) -> None:
        """Show what has been written."""
        super().take(data)
        # A read may end within a character or a sequence: what is shown ends with a whole line or
        # a carriage return, but for the last.
        whole, end, rest = (self._pending + data).rpartition(b"\r")
        self._pending = rest
        self.screen.write((whole + end + (rest if not data else b"")).decode())

    async def until(self, is_there: Callable[[list[str]], bool]) -> list[str]:
        """Return the lines on the screen once they are as wanted."""
        await self._until(lambda: is_there(self.screen.lines))
        return self.screen.lines


@asynccontextmanager
async def on_terminal(
    *arguments: str, path: str | None = None, rows: int = 24, columns: int = 80
) -> AsyncIterator[TerminalProcess]:
    """Run `market-depth` on a terminal; it is killed behind the block if it has not ended.

    Args:
        arguments: of the command.
        path: PYTHONPATH, if any.
        rows: of the terminal.
        columns: of the terminal.
    """
    async with _opened(arguments, path, rows, columns) as (process, terminal):
        yield TerminalProcess(process, terminal)


@asynccontextmanager
async def on_screen(*arguments: str, columns: int = 80) -> AsyncIterator[ScreenProcess]:
    """Run `market-depth` on a terminal whose screen is looked at; it is ended behind the block if
    it has not been."""
    async with _opened(arguments, None, 40, columns) as (process, terminal):
        running = ScreenProcess(process, terminal, columns)
        yield running
        await running.stop()


@asynccontextmanager
async def _opened(
    arguments: Sequence[str], path: str | None, rows: int, columns: int
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run the command on a terminal, and return both."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color"}
        if path is not None:
            environment["PYTHONPATH"] = path
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            environment.pop(name, None)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "market_depth", *arguments),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
        )
    finally:
        os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
