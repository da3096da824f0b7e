"""What the viewer's depth chart and trade tape tell is exact."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import accumulate
from typing import Any

import pytest

from support.documents import ROOT
from support.node import told_by

SCRIPT = ROOT / "tests" / "viewer" / "chart-math.mjs"
MODULES = ROOT / "src" / "market_depth" / "viewer" / "web" / "viewer"
NOON = 1_757_937_600_000
"""Milliseconds since 1970."""


def done(task: str, given: Any) -> Any:
    """Have Node.js do a task."""
    return told_by(SCRIPT, MODULES, given={"task": task, "given": given})


def made_up_fills(count: int) -> list[dict[str, Any]]:
    """Return sides of books, and what is asked of each."""
    chance = random.Random(5)
    found = []
    for _ in range(count):
        is_bid = chance.random() < 0.5
        mid = chance.choice([5_000, 6_690_000, 9_007_199_254_000])
        gaps = [chance.randint(1, 9) for _ in range(chance.randint(0, 30))]
        prices = [mid + (-far if is_bid else far) for far in accumulate(gaps)]
        most = chance.choice([50, 10**6, 10**12])
        quantities = [chance.randint(1, most) for _ in prices]
        sizes = [0, 1, sum(quantities), sum(quantities) + 5, chance.randint(0, sum(quantities))]
        found.append(
            {
                "prices": prices,
                "quantities": quantities,
                "is_bid": is_bid,
                "size": chance.choice(sizes),
                "limit": mid + chance.randint(-150, 150),
                "mid_twice": 2 * mid + chance.randint(0, 1),
                "price_decimals": chance.choice([0, 2, 4]),
                "quantity_decimals": chance.choice([0, 3, 8]),
            }
        )
    return found


def rounded(number: Fraction, decimals: int) -> str:
    """Return a number as text, halves rounded up."""
    units = (number * 10**decimals + Fraction(1, 2)).__floor__()
    return f"{Decimal(units).scaleb(-decimals):.{decimals}f}"


def filled(case: dict[str, Any]) -> list[tuple[int, int]]:
    """Return (price, quantity) of what an order takes, a unit of it never twice."""
    rest = case["size"]
    taken = []
    for price, quantity in zip(case["prices"], case["quantities"], strict=True):
        if rest:
            taken.append((price, min(rest, quantity)))
            rest -= taken[-1][1]
    return taken


FILLS = made_up_fills(300)


@cache
def found_fills() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done("fills", FILLS)
    return found


def test_running_totals_are_exact() -> None:
    for case, found in zip(FILLS, found_fills(), strict=True):
        assert found["totals"] == list(accumulate(case["quantities"]))


def test_levels_up_to_a_price_are_those_at_it_or_better() -> None:
    for case, found in zip(FILLS, found_fills(), strict=True):
        sign = -1 if case["is_bid"] else 1
        better = [price for price in case["prices"] if sign * (price - case["limit"]) <= 0]
        assert found["levels"] == len(better)
    assert any(
        case["limit"] in case["prices"] and 0 < found["levels"] < len(case["prices"])
        for case, found in zip(FILLS, found_fills(), strict=True)
    )


def test_a_fill_takes_the_best_levels_first_and_no_more_than_there_is() -> None:
    for case, found in zip(FILLS, found_fills(), strict=True):
        taken = filled(case)
        assert found["filled"] == sum(quantity for _, quantity in taken)
        assert found["touched"] == len(taken)
        assert found["worst"] == (taken[-1][0] if taken else None)
        assert int(found["money"]) == sum(price * quantity for price, quantity in taken)
    assert any(int(found["money"]) > 2**63 for found in found_fills())


def test_the_average_price_and_the_total_are_rounded_once() -> None:
    for case, found in zip(FILLS, found_fills(), strict=True):
        if not (taken := filled(case)):
            assert (found["average"], found["total"]) == ("–", "0.00")
            continue
        money = sum(price * quantity for price, quantity in taken)
        decimals = case["price_decimals"]
        average = Fraction(money, sum(quantity for _, quantity in taken)) / 10**decimals
        assert found["average"] == rounded(average, decimals + 1)
        total = Fraction(money, 10 ** (decimals + case["quantity_decimals"]))
        assert found["total"].replace(",", "") == rounded(total, 2)
        assert found["total"] == f"{Decimal(found['total'].replace(',', '')):,}"


def test_slippage_is_above_zero_where_the_fill_is_worse_than_the_mid() -> None:
    for case, found in zip(FILLS, found_fills(), strict=True):
        if not (taken := filled(case)):
            assert found["slippage"] is None
            continue
        average = Fraction(sum(price * size for price, size in taken), sum(s for _, s in taken))
        mid = Fraction(case["mid_twice"], 2)
        worse = (mid - average if case["is_bid"] else average - mid) / mid * 10_000
        assert found["slippage"] == pytest.approx(float(worse), rel=1e-9)


TEXTS: list[tuple[str, list[Any], object]] = [
    ("decimalText", ["1234567", 2], "12345.67"),
    ("decimalText", ["-5", 2], "\N{MINUS SIGN}0.05"),
    ("decimalText", ["7", 0], "7"),
    ("midText", [2046, 2], "10.23"),
    ("midText", [2047, 2], "10.235"),
    ("midText", [9_007_199_254_740_991, 2], "45035996273704.955"),
    ("moneyText", ["100000", 1, 2], "10,000.00"),
    ("moneyText", ["99999995", 4, 2], "10,000.00"),
    ("moneyText", ["-99999950", 5, 2], "\N{MINUS SIGN}1,000.00"),
    ("bpsText", [1.254], "1.25"),
    ("bpsText", [-38.44], "\N{MINUS SIGN}38.4"),
    ("bpsText", [9.996], "10.0"),
    ("bpsText", [120.4], "120"),
    ("bpsText", [-0.001], "0.00"),
    ("distanceBps", [101, 200], 100),
    ("distanceBps", [101, 0], None),
]


@cache
def found_texts() -> list[object]:
    found: list[object] = done("texts", [{"name": name, "args": args} for name, args, _ in TEXTS])
    return found


@pytest.mark.parametrize("index", range(len(TEXTS)), ids=lambda index: str(TEXTS[index][:2]))
def test_numbers_as_text(index: int) -> None:
    assert found_texts()[index] == TEXTS[index][2]


def trade(number: int, **changes: Any) -> dict[str, Any]:
    """Return a step that pushes a trade."""
    plain = {"priceUnits": 100, "quantityUnits": 1, "side": "Bid", "timeMs": NOON}
    return {"push": {**plain, "number": number, **changes}}


def after(*steps: dict[str, Any], capacity: int = 100) -> Any:
    """Return what a ring has after the steps."""
    return done("rings", [{"capacity": capacity, "steps": steps}])[0]


def numbers(found: Any) -> list[int]:
    return [one["number"] for one in found["newest"]]


def test_a_ring_keeps_the_newest_trades_newest_first() -> None:
    steps = [trade(number, priceUnits=number * 3) for number in range(1, 26)]
    assert numbers(after(capacity=10)) == []
    assert numbers(after(*steps[:4], capacity=10)) == [4, 3, 2, 1]
    found = after(*steps, capacity=10)
    assert numbers(found) == list(range(25, 15, -1))
    assert [one["priceUnits"] for one in found["newest"]] == [3 * n for n in numbers(found)]
    assert found["total"] == 25


def test_sides_are_those_of_the_aggressor() -> None:
    found = after(trade(1, side="Bid"), trade(2, side="Ask"), trade(3, side=None))
    assert [one["side"] for one in found["newest"]] == [0, -1, 1]


def test_gaps_in_the_numbers_are_missed_trades() -> None:
    assert after(trade(500), trade(501))["missed"] == 0
    assert after(trade(500), trade(502), trade(503), trade(510))["missed"] == 1 + 6
    assert after(trade(500), trade(1), trade(2))["missed"] == 0, "the server was started anew"


def test_a_cleared_ring_is_as_new() -> None:
    found = after(trade(1), trade(9), {"clear": True}, trade(77, quantityUnits=3))
    assert (numbers(found), found["total"], found["missed"]) == ([77], 1, 0)
    assert found["boughtUnits"] == 3


def test_the_last_minute_is_what_was_bought_and_sold_within_it() -> None:
    chance = random.Random(9)
    time_ms = NOON
    steps: list[dict[str, Any]] = []
    cases = []
    for number in range(1, 400):
        time_ms += chance.choice([0, 1, 40, 700, 2_500])
        side, size = chance.choice(["Bid", "Ask", None]), chance.randint(1, 10**12)
        steps.append(trade(number, timeMs=time_ms, side=side, quantityUnits=size))
        if number % 20 == 0:
            cases.append([*steps, {"pass_to": time_ms + chance.choice([0, 900, 30_000, 70_000])}])
    # A ring of a few trades: what is no longer in it counts as well.
    found = done("rings", [{"capacity": 5, "steps": case} for case in cases])
    for case, ring in zip(cases, found, strict=True):
        second = case[-1]["pass_to"] // 1000
        pushed = [step["push"] for step in case[:-1]]
        recent = [one for one in pushed if second - one["timeMs"] // 1000 < 60]
        for side, told in (("Bid", "boughtUnits"), ("Ask", "soldUnits")):
            assert ring[told] == sum(one["quantityUnits"] for one in recent if one["side"] == side)
    assert any(ring["boughtUnits"] == 0 for ring in found)


def test_a_trade_that_is_told_late_counts_in_its_own_second() -> None:
    late = trade(2, timeMs=NOON + 1_000, quantityUnits=5)
    first = trade(1, timeMs=NOON + 30_000, quantityUnits=2)
    assert after(first, late)["boughtUnits"] == 7
    assert after(first, late, {"pass_to": NOON + 61_500})["boughtUnits"] == 2


def test_a_recording_that_begins_anew_begins_a_new_minute() -> None:
    steps = [trade(1, timeMs=NOON + 3_600_000, quantityUnits=5), trade(1, quantityUnits=2)]
    assert after(*steps)["boughtUnits"] == 2


def test_a_percentile_is_the_size_that_so_many_trades_do_not_exceed() -> None:
    sizes = list(range(1, 101))
    random.Random(3).shuffle(sizes)
    steps = [trade(number, quantityUnits=size) for number, size in enumerate(sizes, 1)]
    assert after(*steps)["percentiles"] == [1, 50, 95, 100]
    assert after(*steps[:7])["percentiles"][1] == sorted(sizes[:7])[3]
    assert after(*steps[:1])["percentiles"] == [sizes[0]] * 4
    assert after()["percentiles"] == [0] * 4


def sweep(*trades: dict[str, Any]) -> list[int]:
    """Return for each trade, oldest first, whether it goes on with the one before."""
    return [one["continues"] for one in after(*trades)["newest"]][::-1]


def test_a_sweep_is_one_aggressor_at_ever_worse_prices_at_one_time() -> None:
    up = [trade(n, priceUnits=100 + n // 2, timeMs=NOON + n) for n in range(1, 6)]
    assert sweep(*up) == [0, 1, 1, 1, 1]
    down = [trade(n, side="Ask", priceUnits=100 - n) for n in range(1, 4)]
    assert sweep(*down) == [0, 1, 1]


def test_any_other_trade_begins_anew() -> None:
    changes: list[dict[str, Any]] = [{}, {"side": "Ask"}, {"side": None}, {"number": 9}]
    changes += [{"priceUnits": 99}, {"timeMs": NOON + 4}]
    steps = [[trade(1), trade(**{"number": 2, **change})] for change in changes]
    found = done("rings", [{"capacity": 9, "steps": one} for one in steps])
    assert [ring["newest"][0]["continues"] for ring in found] == [1, 0, 0, 0, 0, 0]


def test_trades_of_unknown_aggressors_are_no_sweep() -> None:
    assert sweep(trade(1, side=None), trade(2, side=None)) == [0, 0]


def test_a_sweep_ends_however_dense_the_trades_are() -> None:
    dense = [trade(n, timeMs=NOON + 2 * n) for n in range(40)]
    starts = [n for n, goes_on in enumerate(sweep(*dense)) if not goes_on]
    assert starts == [0, 11, 22, 33]


def test_steps_are_nice() -> None:
    found = done("steps", [1, 1.01, 2, 2.3, 7, 0.03, 1e-8, 1200, 1201, 99])
    assert [step for step, _ in found] == pytest.approx(
        [1, 2, 2, 5, 10, 0.05, 1e-8, 2000, 2000, 100]
    )
    assert [end for _, end in found] == pytest.approx(
        [1, 1.2, 2, 2.5, 8, 0.03, 1e-8, 1200, 1500, 100]
    )


def test_an_axis_grows_at_once_and_shrinks_late() -> None:
    needs = [
        (90, 0),
        (99, 16),
        (80, 1_000),
        (101, 1_100),
        (40, 1_200),
        (40, 2_600),
        (40, 2_800),
        (40, 9_000),
    ]
    assert done("ends", {"needs": needs}) == [100, 100, 100, 120, 120, 120, 50, 50]


def test_an_axis_that_was_too_wide_for_moments_only_stays() -> None:
    needs = [(90, 0), (30, 100), (90, 1_500), (30, 1_700), (30, 3_100)]
    assert done("ends", {"needs": needs}) == [100] * 5


def test_what_glides_gets_there_and_stops() -> None:
    found = done("glide", {"from": 100, "to": 200, "frames": [16] * 60})
    values = [value for value, _ in found]
    assert values == sorted(values)
    assert 100 < values[0] < 120
    assert found[-1] == [200, False]
    assert done("glide", {"from": 100, "to": 200, "frames": [None]}) == [[200, False]]


def test_a_crosshair_goes_from_level_to_level() -> None:
    bids = {"prices": [99, 97, 90], "quantities": [1, 20, 300]}
    asks = {"prices": [101, 103, 110], "quantities": [1, 20, 300]}
    lower_higher_total = {
        110: (99, None, 0),
        99: (97, None, 1),
        98: (97, 99, 1),
        97: (90, 99, 21),
        90: (None, 97, 321),
        50: (None, 90, 321),
    }
    walks = []
    for price in lower_higher_total:
        told = {"from": price, "directions": [-1, 1], "side": bids, "is_bid": True}
        walks += [told, {**told, "from": 200 - price, "side": asks, "is_bid": False}]
    found = done("walks", walks)
    for index, (lower, higher, total) in enumerate(lower_higher_total.values()):
        mirrored = [None if price is None else 200 - price for price in (higher, lower)]
        assert found[2 * index] == [[lower, total], [higher, total]]
        assert found[2 * index + 1] == [[mirrored[0], total], [mirrored[1], total]]
