"""The viewer on a terminal: what keys do, and when what is drawn."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message

from market_depth.protocol.messages import DataType, SymbolInfo
from market_depth.settings import RowsMode
from market_depth.terminal.depth import Depth, Frame, View
from market_depth.terminal.feed import Feed
from market_depth.terminal.flashes import Flashes
from market_depth.terminal.ladder import Columns, Needs, ladder_lines, title_line
from market_depth.terminal.lines import Line, Piece
from market_depth.terminal.palette import BACKGROUND
from market_depth.terminal.panels import (
    KEYS_LINE,
    PAGE,
    header_line,
    market_line,
    status_line,
    tape_lines,
    tape_width,
)
from market_depth.terminal.places import Places
from market_depth.terminal.rows import next_step
from market_depth.terminal.widgets import HelpScreen, Lines

__all__ = ["WatchApp"]

_TICK_S: Final = 0.1
_PAGE_LINES: Final = 10


class WatchApp(App[Exception]):
    """Draws what a feed publishes. What it returns is the error that it has ended with, if any.

    Args:
        feed: has begun with *view*.
        symbols: what can be chosen from.
        view: what is shown first.
        rows: what has a line of the ladder.
    """

    ENABLE_COMMAND_PALETTE = False
    TITLE = "market-depth"
    CSS: ClassVar[str] = f"""
    Screen {{ background: {BACKGROUND}; layout: vertical; overflow: hidden; }}
    Lines {{ background: {BACKGROUND}; height: 1; width: 100%; }}
    #middle {{ height: 1fr; }}
    #ladder {{ height: 100%; width: 1fr; }}
    #tape {{ height: 100%; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"pick({number})", show=False) for number in range(1, PAGE + 1)),
        Binding("n,right", "step_symbol(1)"),
        Binding("p,left", "step_symbol(-1)"),
        Binding("m", "switch_type"),
        Binding("plus,equals_sign", "step_price(1)"),
        Binding("minus,underscore", "step_price(-1)"),
        Binding("space", "pause"),
        Binding("c", "recentre"),
        Binding("up,k", "scroll_by(1)"),
        Binding("down,j", "scroll_by(-1)"),
        Binding("pageup", f"scroll_by({_PAGE_LINES})"),
        Binding("pagedown", f"scroll_by({-_PAGE_LINES})"),
        Binding("r", "switch_rows"),
        Binding("t", "tape"),
        Binding("question_mark,h", "help"),
        Binding("q", "quit"),
        Binding("ctrl+c,ctrl+q", "quit", priority=True),
    ]

    class FrameCame(Message):
        """The feed has published a frame."""

        def __init__(self, frame: Frame) -> None:
            super().__init__()
            self.frame = frame

    class FeedFailed(Message):
        """There is nothing to follow any more."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self, feed: Feed, symbols: Sequence[SymbolInfo], view: View, rows: RowsMode = "auto"
    ) -> None:
        super().__init__()
        self._feed = feed
        self._symbols = {info.symbol: info for info in symbols}
        self.view = view
        """What is wanted to be seen."""
        self._steps = {view.symbol: view.step_ticks}
        """Price steps by symbol, in ticks."""
        self._frame = Frame(view)
        self._held: Frame | None = None
        """What is shown while it is paused."""
        self._places = Places(rows)
        self._flashes = Flashes()
        self._flashing: set[tuple[str, int]] = set()
        self._needs = Needs()
        self._shows_tape = True
        self._header = Lines(id="header")
        self._market = Lines(id="market")
        self._ladder = Lines(id="ladder")
        self._tape = Lines(id="tape")
        self._status = Lines(id="status")
        self._keys = Lines(id="keys")

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield self._header
        yield self._market
        with Horizontal(id="middle"):
            yield self._ladder
            yield self._tape
        yield self._status
        yield self._keys

    def on_mount(self) -> None:
        """Begin to show what comes."""
        self._keys.show([KEYS_LINE])
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or a thread
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.exit)
        self.set_interval(_TICK_S, self._tick)
        self._feed.deliver_to(
            lambda frame: self._post(self.FrameCame(frame)),
            lambda error: self._post(self.FeedFailed(error)),
        )

    # What comes

    def on_watch_app_frame_came(self, message: FrameCame) -> None:
        """Show a frame."""
        self._frame = message.frame
        self._draw()
        self._feed.taken()

    def on_watch_app_feed_failed(self, message: FeedFailed) -> None:
        """End with what has gone wrong."""
        self.exit(message.error)

    def on_resize(self) -> None:
        """Draw for another size, once it is in force."""
        self.call_after_refresh(self._draw)

    def _tick(self) -> None:
        if self._flashing or not self._frame.link.is_up:
            self._draw()

    def _post(self, message: Message) -> None:
        self.post_message(message)

    # Keys

    def action_pick(self, number: int) -> None:
        """Show a symbol of the page of symbols."""
        names = list(self._symbols)
        place = names.index(self.view.symbol)
        chosen = place - place % PAGE + number - 1
        if chosen < len(names):
            self._show_symbol(names[chosen])

    def action_step_symbol(self, by: int) -> None:
        """Show the next symbol, or the one before."""
        names = list(self._symbols)
        self._show_symbol(names[(names.index(self.view.symbol) + by) % len(names)])

    def action_switch_type(self) -> None:
        """Show it by order instead of by price, or the other way round."""
        wanted = "MBO" if self.view.data_type == "MBP" else "MBP"
        if DataType(wanted) not in self._symbols[self.view.symbol].data_types:
            self.notify(f"{self.view.symbol}: the feed has no orders", timeout=3)
            return
        self._show(replace(self.view, data_type="MBO" if wanted == "MBO" else "MBP"))

    def action_step_price(self, direction: int) -> None:
        """Merge prices into larger or smaller steps."""
        step = next_step(self.view.step_ticks, direction)
        if not self._symbols[self.view.symbol].tick_size:
            self.notify("the server does not tell the tick", timeout=3)
        elif step != self.view.step_ticks:
            self._steps[self.view.symbol] = step
            self._show(replace(self.view, step_ticks=step))

    def action_pause(self) -> None:
        """Let what is shown stand still, or go on from what is now."""
        self._held = self._frame if self._held is None else None
        self._draw()

    def action_recentre(self) -> None:
        """Have the mid in the middle."""
        self._places.recentre()
        self._draw()

    def action_switch_rows(self) -> None:
        """Have a line for each level in place of each price, or the other way round."""
        if self.shown_depth is not None:
            self._places.switch(self.shown_depth)
            self._draw()

    def action_scroll_by(self, lines: int) -> None:
        """Move the ladder down, so that more asks are seen, or up."""
        depth = self.shown_depth
        if depth is not None:
            self._places.scroll_by(lines, depth)
            self._draw()

    def action_tape(self) -> None:
        """Show the tape, or leave it out."""
        self._shows_tape = not self._shows_tape
        self._draw()

    def action_help(self) -> None:
        """Show what the keys do."""
        self.push_screen(HelpScreen())

    def on_mouse_scroll_up(self) -> None:
        """Scroll."""
        self.action_scroll_by(1)

    def on_mouse_scroll_down(self) -> None:
        """Scroll."""
        self.action_scroll_by(-1)

    def _show_symbol(self, symbol: str) -> None:
        if symbol == self.view.symbol:
            return
        has_orders = DataType.MBO in self._symbols[symbol].data_types
        data_type = self.view.data_type if has_orders else "MBP"
        self._needs = Needs()
        self._show(View(symbol, data_type, self._steps.get(symbol, 1)))

    def _show(self, view: View) -> None:
        """Show another view; it is not paused any more."""
        self.view = view
        self._held = None
        self._places.recentre()
        self._feed.show(view)
        self._draw()

    # Drawing

    @property
    def shown_depth(self) -> Depth | None:
        """The book that is to be seen. While another view of the symbol is on its way that is the
        one before."""
        frame = self._held or self._frame
        depth = frame.depth
        return depth if depth is not None and depth.view.symbol == self.view.symbol else None

    def _draw(self) -> None:
        if not self._ladder.is_attached:
            return
        frame, now_s = self._held or self._frame, time.monotonic()
        depth = self.shown_depth
        self._flashing = set()
        if depth is not None:
            self._needs = self._needs.with_those_of(depth)
            if self._held is None:
                self._flashes.take(depth, now_s)
                self._flashing = self._flashes.at(now_s)
        self._draw_middle(frame, depth)  # it tells how far it is scrolled
        self._draw_edges(frame, depth, now_s)

    def _draw_edges(self, frame: Frame, depth: Depth | None, now_s: float) -> None:
        width, is_paused = self.size.width, self._held is not None
        names = list(self._symbols)
        scrolled = self._places.scrolled
        header = header_line(
            names, self.view, self._step_text(), width, is_paused=is_paused, scrolled=scrolled
        )
        self._header.show([header])
        self._market.show([market_line(frame, depth, width)])
        status = status_line(self._frame, width, now_s=now_s, is_paused=is_paused)
        self._status.show([status])

    def _draw_middle(self, frame: Frame, depth: Depth | None) -> None:
        width, height = self.size.width, max(self.size.height - 4, 1)
        taken = tape_width(self._needs, width)
        has_tape = self._shows_tape and width - taken >= self._needs.ladder
        self._tape.display = has_tape
        if not has_tape:
            taken = 0
        else:
            self._tape.styles.width = taken
            prints = frame.tape if frame.view.symbol == self.view.symbol else ()
            self._tape.show(tape_lines(prints, depth, self._needs, width, height))
        columns = Columns.of(width - taken, self._needs)
        lines: list[Line] = [title_line(columns)]
        if depth is not None:
            places = self._places.lines(depth, height - 1)
            lines += ladder_lines(depth, columns, places, flashing=self._flashing)
        else:
            lines += [()] * ((height - 1) // 2)
            lines.append((Piece(frame.problem or "waiting for a book", "warning"),))
        is_current = self._frame.is_current and depth is not None
        self._ladder.show(lines, dimmed=not is_current)

    def _step_text(self) -> str:
        tick = Decimal(self._symbols[self.view.symbol].tick_size)
        return f"{tick * self.view.step_ticks:f}" if tick else "–"
