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
from collections.abc import AsyncIterator, Callable
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
    """`market-depth` on a terminal of its own."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int, columns: int) -> None:
        self._process = process
        self._terminal = terminal
        self._pending = b""
        self._has_changed = asyncio.Event()
        self._has_ended = False
        self.screen = Screen(columns)
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # as Linux tells that nobody has it open any more
            data = b""
        if not data:
            self._has_ended = True
            asyncio.get_running_loop().remove_reader(self._terminal)
        # A read may end within a character or a sequence: what is shown ends with a whole line or
        # a carriage return, but for the last.
        whole, end, rest = (self._pending + data).rpartition(b"\r")
        self._pending = rest
        self.screen.write((whole + end + (rest if not data else b"")).decode())
        self._has_changed.set()

    async def until(self, is_there: Callable[[list[str]], bool]) -> list[str]:
        """Return the lines on the screen once they are as wanted."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not is_there(self.screen.lines):
                    assert not self._has_ended, f"the command has ended: {self.screen.lines}"
                    self._has_changed.clear()
                    await self._has_changed.wait()
        except TimeoutError:
            raise AssertionError(f"it never came: {self.screen.lines[-5:]}") from None
        return self.screen.lines

    async def stop(self) -> int:
        """Ask it to end, and return its exit code when all that it wrote has been read."""
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(TIMEOUT_S):
            code = await self._process.wait()
            while not self._has_ended:
                self._has_changed.clear()
                await self._has_changed.wait()
        return code


@asynccontextmanager
async def on_terminal(*arguments: str, columns: int = 80) -> AsyncIterator[TerminalProcess]:
    """Run `market-depth` on a terminal; it is ended behind the block if it has not been."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            environment.pop(name, None)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "market_depth",
            *arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
        )
    finally:
        os.close(theirs)
    running = TerminalProcess(process, ours, columns)
    try:
        yield running
        await running.stop()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
