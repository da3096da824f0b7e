"""The lines around the ladder."""

from __future__ import annotations

import pytest

from market_depth.client import Scale
from market_depth.protocol.messages import Trade
from market_depth.terminal.depth import Frame, Health, Link, View
from market_depth.terminal.lines import text_of
from market_depth.terminal.pacing import Rate
from market_depth.terminal.palette import STYLES
from market_depth.terminal.panels import KEYS_LINE, header_line, status_line
from market_depth.terminal.tape import Tape

VIEW = View("S4")


def status(frame: Frame, width: int = 80, now_s: float = 0.0) -> str:
    line = status_line(frame, width, now_s=now_s, is_paused=False)
    assert {piece.style for piece in line} <= set(STYLES)
    assert len(text_of(line)) <= width
    return text_of(line)


def test_the_status_tells_the_worst_first() -> None:
    assert "● connected  Live" in status(Frame(VIEW))
    stale = status(Frame(VIEW, status="Stale", reason="messages are missing"))
    assert "Stale: messages are missing" in stale
    lost = Frame(VIEW, link=Link(is_up=False, retry_at_s=12.5))
    assert "DISCONNECTED  reconnecting in 3 s" in status(lost, now_s=10)
    assert "reconnecting  " in status(lost, now_s=13)
    assert "Live" not in status(lost)


def test_for_want_of_room_the_least_goes_first() -> None:
    frame = Frame(VIEW, health=Health(lagged=3, gaps=2, checksum_failures=1, round_trip_s=0.001))
    assert "lagged 3  gaps 2  checksum 1" in status(frame)
    assert status(frame, 40).strip() == "● connected  Live  seq –  1.0 ms"
    assert status(frame, 20).strip() == "● connected  Live"


def test_keys_choose_from_a_page_of_symbols() -> None:
    names = [f"S{number}" for number in range(1, 25)]

    def header(symbol: str, width: int = 80) -> str:
        line = header_line(names, View(symbol), "0.50", width, is_paused=True, scrolled=0)
        assert len(text_of(line)) <= width
        return text_of(line)

    assert " 1 S1  2 S2 " in header("S4")
    assert "1/3" in header("S4")
    assert " 1 S10 " in header("S12")
    assert "PAUSED" in header("S12", 30)


def test_the_keys_fit_a_small_terminal() -> None:
    assert len(text_of(KEYS_LINE)) <= 80


def trade(number: int) -> Trade:
    return Trade(1.5, 2, "Bid", None, number)


def test_the_tape_is_bounded_and_tells_what_was_missed_where_it_was() -> None:
    tape = Tape(length=3)
    scale = Scale(2, 0)
    tape.add([trade(1), trade(2)], scale, "now")
    tape.add([trade(6)], scale, "now", missed=3)
    assert [shown.missed or shown.price for shown in tape.newest(9)] == [150, 3, 150]
    tape.add([trade(7)], scale, "later")
    assert [shown.missed for shown in tape.newest(9)] == [0, 0, 3]
    tape.clear()
    assert tape.newest(9) == ()


@pytest.mark.parametrize(("samples", "rate"), [([], 0), ([(0, 5)], 0), ([(0, 5), (2, 25)], 10)])
def test_a_rate_is_the_growth_a_second(samples: list[tuple[float, int]], rate: float) -> None:
    found = Rate(3)
    for now_s, count in samples:
        found.sample(now_s, count)
    assert found.per_s == rate
