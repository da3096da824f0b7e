"""The browser viewer: frames a second in headless Chromium while a deep book changes.

All views are shown, of 200 levels a side, every change sent. A page that only asks for animation
frames, in the same browser right before, shows what this machine gives without a graphics card.
In one case an hour of history is filled in, shown whole and dragged meanwhile. Scripts' time is
Chromium's own count (`Performance.getMetrics`); nothing in the viewer measures.
"""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.harness import Report, Row
from benchmarks.processes import Server, market_depth_server

__all__ = ["run"]

_SYMBOL: Final = "DEEP"
_LEVELS: Final = 200
_INSTRUMENT: Final = f"""
builtin = false

[instruments.{_SYMBOL}]
price = "1000.00"
tick = "0.01"
lot = "1"
orders = 6000
depth_ticks = 110
"""
"""A book in which all the levels that are asked for are there."""


class _Case(NamedTuple):
    """What is looked at."""

    data_type: str
    rate_hz: int
    """Simulated activities a second."""
    has_hour: bool = False
    """Whether an hour of history is shown, and dragged to and fro."""

    @property
    def name(self) -> str:
        """Return what it is called in the report."""
        more = ", an hour of history, dragged" if self.has_hour else ""
        return f"{self.data_type}-{_LEVELS}, {self.rate_hz} events/s{more}"


_CASES: Final = (
    _Case("MBP", 300),
    _Case("MBP", 1000),
    _Case("MBP", 100),
    _Case("MBO", 300),
    _Case("MBP", 300, has_hour=True),
)
_QUICK: Final = 3
"""So many of the last."""
_BASELINE: Final = "an empty page"
_FLAGS: Final = ("--disable-gpu", "--disable-background-networking", "--no-first-run")
_SIZE: Final[ViewportSize] = {"width": 1600, "height": 900}
_WARM_UP_S: Final = 3.0
_COUNT: Final = """(seconds) => new Promise((done) => {
  const gaps = [];
  const tasks = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push(entry.duration);
  });
  observer.observe({ type: 'longtask' });
  let last = NaN;
  let first = NaN;
  const frame = (nowMs) => {
    if (Number.isNaN(first)) first = nowMs;
    else gaps.push(nowMs - last);
    last = nowMs;
    if (nowMs - first < 1000 * seconds) requestAnimationFrame(frame);
    else {
      observer.disconnect();
      done({ gaps, tasks, seconds: (nowMs - first) / 1000 });
    }
  };
  requestAnimationFrame(frame);
})"""
_FILL: Final = """async () => {
  const { prototype } = (await import('/viewer/history/history.js')).DepthHistory;
  const { record } = prototype;
  const [history, book, moment] = await new Promise((done) => {
    prototype.record = function (...given) {
      record.apply(this, given);
      done([this, ...given]);
    };
  });
  prototype.record = record;
  const { timeMs, scale: { tickUnits } } = moment;
  const moved = ({ length, prices, quantities }, units, at) => ({
    length,
    prices: prices.map((price) => price + units),
    quantities: quantities.map((quantity, level) => quantity * (1 + ((7 * at + 13 * level) % 5))),
  });
  history.reset();
  for (let at = history.columns; at > 0; at--) {
    const then = timeMs - at * history.columnMs;
    const units = Math.round(150 * Math.sin(at / 400) + 20 * Math.sin(at / 17)) * tickUnits;
    const [bids, asks] = [book.bids, book.asks].map((side) => moved(side, units, at));
    history.record({ bids, asks }, { ...moment, timeMs: then });
    for (const side of ['Bid', 'Ask']) {
      const priceUnits = (side === 'Bid' ? asks : bids).prices[0];
      history.trade({ priceUnits, quantityUnits: 1 + (at % 9), side, timeMs: then, number: 0 });
    }
  }
}"""
"""Fills the hour before now: 200 levels a side that come and go with the price, and trades."""
_HEATMAP: Final = ".view-heatmap canvas"


class _Measured(NamedTuple):
    fps: float
    frame_p50_ms: float
    frame_p99_ms: float
    long_tasks: int
    longest_ms: float
    script_ms: float
    """Of scripts, a frame: messages, books and drawing."""
    busy: float
    """Share of the time in which the page's thread was at work."""
    messages_hz: float


def run(*, quick: bool) -> Report:
    """Look at the viewer at work, case by case."""
    report = Report("viewer")
    rounds, seconds = (1, 1.0) if quick else (5, 6.0)
    with _chromium() as browser:
        for case in _CASES[-_QUICK:] if quick else _CASES:
            with _market(case.rate_hz) as server:
                _compare(report, browser, server, case, rounds, seconds)
    return report


def _compare(
    report: Report,
    browser: Browser,
    server: Server,
    case: _Case,
    rounds: int,
    seconds: float,
) -> None:
    empty, viewer = [], []
    for _ in range(rounds):
        empty.append(_measure(browser, "about:blank", seconds, None))
        query = f"symbol={_SYMBOL}&type={case.data_type}&levels={_LEVELS}&interval=0"
        url = f"http://127.0.0.1:{server.port}/?{query}"
        viewer.append(_measure(browser, url, seconds, server, has_hour=case.has_hour))
    name = case.name
    base = _median(empty, "fps")
    report.add(Row(f"{name}: {_BASELINE}", base, "frames/s"))
    fps = _median(viewer, "fps")
    row = Row(f"{name}: all views", fps, "frames/s", _BASELINE, fps / base, "60 frames/s")
    row.note = (
        f"{_median(viewer, 'messages_hz'):,.0f} messages/s, thread {_median(viewer, 'busy'):.0%} "
        f"busy; {_median(viewer, 'long_tasks'):.0f} tasks over 50 ms, the longest "
        f"{_median(viewer, 'longest_ms'):.0f} ms"
    )
    report.add(row)
    for share in ("p50", "p99"):
        of_base = _median(empty, f"frame_{share}_ms")
        value = _median(viewer, f"frame_{share}_ms")
        frame = Row(f"{name}: time between frames, {share}", value, "ms", _BASELINE)
        frame.ratio = value / of_base
        report.add(frame)
    report.add(Row(f"{name}: scripts, a frame", _median(viewer, "script_ms"), "ms"))


def _median(measured: list[_Measured], name: str) -> float:
    return statistics.median(float(getattr(one, name)) for one in measured)


def _measure(
    browser: Browser,
    url: str,
    seconds: float,
    server: Server | None,
    *,
    has_hour: bool = False,
) -> _Measured:
    """Open a page of its own, and count its frames for so long."""
    context = browser.new_context(viewport=_SIZE)
    try:
        page = context.new_page()
        page.goto(url)
        if server is not None:
            _until_shown(page)
        if has_hour:
            _show_an_hour(page)
        page.evaluate(_COUNT, min(_WARM_UP_S, seconds))
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        sent = _sent(server)
        before = _metrics(session)
        page.evaluate(f"(seconds) => {{ window.counted = ({_COUNT})(seconds); }}", seconds)
        if has_hour:
            _drag(page, seconds)
        counted = page.evaluate("() => window.counted")
        after = _metrics(session)
        messages = _sent(server) - sent
    finally:
        context.close()
    used = {name: after[name] - before[name] for name in ("ScriptDuration", "TaskDuration")}
    took_s = after["Timestamp"] - before["Timestamp"]
    gaps = sorted(counted["gaps"])
    return _Measured(
        fps=len(gaps) / counted["seconds"],
        frame_p50_ms=statistics.median(gaps),
        frame_p99_ms=gaps[int(len(gaps) * 0.99)],
        long_tasks=len(counted["tasks"]),
        longest_ms=max(counted["tasks"], default=0.0),
        script_ms=1000 * used["ScriptDuration"] / took_s * counted["seconds"] / len(gaps),
        busy=used["TaskDuration"] / took_s,
        messages_hz=messages / took_s,
    )


def _until_shown(page: Page) -> None:
    """Wait until every view has something to show."""
    page.wait_for_function(
        """(heatmap) => document.querySelector('.ladder')?.dataset.sequence > 0
          && /best bid \\d/.test(document.querySelector(heatmap).ariaLabel)""",
        arg=_HEATMAP,
    )


def _show_an_hour(page: Page) -> None:
    page.evaluate(_FILL)
    page.mouse.move(*_place(page))
    for _ in range(20):
        page.mouse.wheel(0, 400)
    page.wait_for_function(
        "(heatmap) => document.querySelector(heatmap).ariaLabel.includes('1.0 h')", arg=_HEATMAP
    )


def _drag(page: Page, seconds: float) -> None:
    """Move the heatmap to and fro under the mouse."""
    x, y = _place(page)
    until_s = time.monotonic() + seconds
    page.mouse.down()
    for step in itertools.count():
        if time.monotonic() > until_s:
            break
        page.mouse.move(x + abs(step % 200 - 100), y + step % 20)
        page.wait_for_timeout(16)
    page.mouse.up()


def _place(page: Page) -> tuple[float, float]:
    """Return the middle of the heatmap."""
    box = page.locator(_HEATMAP).bounding_box()
    if box is None:
        raise RuntimeError("there is no heatmap")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _metrics(session: Any) -> dict[str, float]:
    found = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: float(one["value"]) for one in found}


def _sent(server: Server | None) -> float:
    """Return how many messages the server has sent: all of them to the one page there is."""
    return server.metric("market_depth_data_messages_out_total") if server else 0.0


@contextmanager
def _chromium() -> Iterator[Browser]:
    """Run Chromium: what MARKET_DEPTH_CHROMIUM names, else the first that is found."""
    names = ("chromium", "chromium-browser", "google-chrome")
    named = os.environ.get("MARKET_DEPTH_CHROMIUM")
    path = next(filter(None, map(shutil.which, (named,) if named else names)), None)
    if path is None:
        raise RuntimeError("no Chromium; tests/support/install-chromium installs Debian's")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _market(rate_hz: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deep.toml"
        path.write_text(_INSTRUMENT)
        with market_depth_server(
            f"--instruments={path}", f"--rate={rate_hz}", "--seed=1"
        ) as server:
            page = server.get_json(f"/api/depth/{_SYMBOL}?max_levels={_LEVELS}")
            for side in ("bids", "asks"):
                if len(page["data"][side]) < _LEVELS:
                    raise RuntimeError(f"there are only {len(page['data'][side])} {side}")
            yield server
