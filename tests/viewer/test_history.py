"""The viewer's history of depth, held against a plain one that keeps everything."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from support.node import told_by

PROGRAM = Path(__file__).with_name("history.mjs")
COLUMN_MS = 100
COLUMNS = 12
LEVELS = 4
SIZES = {"columnMs": COLUMN_MS, "columns": COLUMNS, "levels": LEVELS, "trades": 16}
STEP_BACK_MS = 10_000
BEST = 10

Json = dict[str, Any]
Levels = list[list[int]]


def said(told: Json) -> Any:
    return told_by("--expose-gc", PROGRAM, given=told)


def played(*steps: Json) -> Json:
    (one,) = said({"scripts": [{"sizes": SIZES, "steps": steps}]})
    assert isinstance(one, dict)
    return one


def record(time_ms: float, bids: Levels, asks: Levels, step: int = 1) -> Json:
    return {"op": "record", "timeMs": time_ms, "bids": bids, "asks": asks, "step": step}


def trade(time_ms: float, ticks: int, quantity: int, side: str | None) -> Json:
    return {"op": "trade", "timeMs": time_ms, "ticks": ticks, "quantity": quantity, "side": side}


def gap(time_ms: float) -> Json:
    return {"op": "gap", "timeMs": time_ms}


FREEZE: Json = {"op": "freeze"}
BOOK: tuple[Levels, Levels] = ([[100, 3], [98, 5]], [[101, 1]])
LATER: tuple[Levels, Levels] = ([[99, 2]], [[103, 2], [104, 9]])


def kinds(history: Json) -> list[tuple[int, bool]]:
    return [(column["number"], column["isKnown"]) for column in history["columns"]]


def test_a_column_shows_the_book_at_its_end() -> None:
    history = played(record(1000, *LATER), record(1099, *BOOK), record(1100, *LATER))
    first, second = history["columns"]
    assert (first["number"], first["bids"], first["asks"]) == (10, *BOOK)
    assert first["best"] == [100, 101]
    assert (second["number"], second["bids"], second["asks"]) == (11, *LATER)


def test_while_nothing_changes_the_book_stays() -> None:
    history = played(record(1050, *BOOK), record(1350, *LATER))
    assert kinds(history) == [(10, True), (11, True), (12, True), (13, True)]
    assert history["columns"][2]["bids"] == BOOK[0]
    assert history["columns"][2]["spread"] == [1, 1, 1, 1]
    # Half of the last column was the old spread of one tick, of the new one nothing yet.
    assert history["columns"][3]["spread"] == [1, 1, 4, 4]


def test_what_comes_later_is_not_seen_in_a_frozen_one() -> None:
    before = (record(1000, *BOOK), record(1150, *LATER), trade(1155, 100, 3, "Bid"))
    after = (trade(1160, 100, 4, "Bid"), record(1180, *BOOK), record(1250, *LATER), gap(1300))
    history = played(*before, FREEZE, *after)
    assert history.pop("frozen") == played(*before)
    alone = played(*before, *after)
    assert alone.pop("trades") == [[11, 100, 7, 2, 1]]
    assert history.pop("trades") == [[11, 100, 3, 1, 1], [11, 100, 4, 1, 1]]
    assert history == alone


def test_a_frozen_one_loses_what_the_ring_overwrites() -> None:
    history = played(record(1000, *BOOK), FREEZE, record(1000 + 100 * COLUMNS, *LATER))
    assert history["frozen"]["columns"] == []


def test_values_are_means_over_time() -> None:
    history = played(record(1000, *BOOK), record(1075, *LATER), record(1100, *LATER))
    mean, least, greatest, last = history["columns"][0]["spread"]
    assert (least, greatest, last) == (1, 4, 4)
    assert mean == 0.75 * 1 + 0.25 * 4
    assert history["columns"][1]["imbalance"][3] == pytest.approx((2 - 11) / (2 + 11))


def test_nothing_is_known_from_a_gap_until_the_next_book() -> None:
    history = played(record(1000, *BOOK), gap(1210), gap(1290), record(1400, *LATER))
    assert kinds(history) == [(10, True), (11, False), (12, False), (13, False), (14, True)]
    assert not history["isGap"]
    assert history["columns"][-1]["spread"] == [4, 4, 4, 4]
    assert played(record(1000, *BOOK), gap(1000))["isGap"]


@pytest.mark.parametrize("hours", [1, 1000])
def test_a_jump_of_hours_leaves_as_many_columns_as_there_are(hours: int) -> None:
    history = played(record(1000, *BOOK), gap(1050), record(hours * 3_600_000, *LATER))
    assert len(history["columns"]) == COLUMNS
    assert [known for _, known in kinds(history)] == [False] * (COLUMNS - 1) + [True]
    quiet = played(record(1000, *BOOK), record(hours * 3_600_000, *LATER))
    assert [known for _, known in kinds(quiet)] == [True] * COLUMNS


def test_a_clock_that_goes_back_a_little_changes_the_newest_column() -> None:
    history = played(record(1000, *BOOK), record(1300, *BOOK), record(1100, *LATER))
    assert history["columns"][1]["bids"] == BOOK[0]
    assert (history["columns"][-1]["number"], history["columns"][-1]["bids"]) == (13, LATER[0])


def test_a_clock_that_goes_back_far_begins_anew() -> None:
    late = 1000 + 2 * STEP_BACK_MS
    history = played(record(late, *BOOK), trade(late, 100, 1, "Bid"), record(1000, *LATER))
    assert kinds(history) == [(10, True)]
    assert history["trades"] == []


def test_a_reset_forgets_everything() -> None:
    history = played(record(1000, *BOOK), trade(1000, 100, 1, "Bid"), {"op": "reset"})
    assert (history["columns"], history["trades"], history["isGap"]) == ([], [], True)


def test_prices_may_go_anywhere() -> None:
    far = 30_000_000_000
    history = played(
        record(1000, [[100, 3]], [[101, 1], [far, 2]]),
        record(1100, [[far, 3]], [[far + 1, 1]]),
    )
    assert history["columns"][0]["asks"] == [[101, 1]]  # farther than the offsets reach
    assert history["columns"][1]["bids"] == [[far, 3]]
    assert history["columns"][1]["best"] == [far, far + 1]


def test_sides_may_be_empty() -> None:
    history = played(record(1000, [], BOOK[1]), record(1100, BOOK[0], []), record(1200, [], []))
    assert [column["best"] for column in history["columns"]] == [
        [None, 101],
        [100, None],
        [None, None],
    ]
    assert [column["imbalance"][3] for column in history["columns"]] == [-1, 1, None]
    assert all(column["spread"] == [None] * 4 for column in history["columns"])


def test_a_column_knows_how_far_prices_were_merged() -> None:
    history = played(record(1000, *BOOK), record(1100, [[100, 8]], [[110, 1]], step=10))
    assert [column["step"] for column in history["columns"]] == [1, 10]


def test_trades_of_a_column_price_and_side_are_one() -> None:
    history = played(
        record(1000, *BOOK),
        trade(1000, 101, 3, "Bid"),
        trade(1010, 100, 2, "Ask"),
        trade(1020, 101, 4, "Bid"),
        trade(1030, 101, 1, None),
        trade(1100, 101, 5, "Bid"),
    )
    assert history["trades"] == [
        [10, 101, 7, 2, 1],
        [10, 100, 2, 1, -1],
        [10, 101, 1, 1, 0],
        [11, 101, 5, 1, 1],
    ]


def test_trades_of_another_clock_count_as_of_now() -> None:
    history = played(record(9_000_000, *BOOK), trade(1000, 101, 3, "Bid"))
    assert history["trades"] == [[90_000, 101, 3, 1, 1]]


def test_the_oldest_trades_give_way() -> None:
    steps = [trade(1000, 100 + at, 1, "Bid") for at in range(40)]
    history = played(record(1000, *BOOK), *steps)
    assert [ticks for _, ticks, *_ in history["trades"]] == list(range(124, 140))


def test_an_hour_of_200_levels_fits_and_no_hour_takes_more() -> None:
    told = said({"hours": 4})
    assert told["columns"] == 7200
    assert told["bytes"] < 40e6
    _, second, *_, last = told["used"]
    assert last < second + 1e6, told


class PlainHistory:
    """Everything that was recorded, looked at only in the end."""

    __slots__ = ("books", "time_ms")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.books: list[tuple[float, Json | None]] = []
        self.time_ms = -math.inf

    def play(self, step: Json) -> None:
        is_far_back = step["op"] == "record" and step["timeMs"] < self.time_ms - STEP_BACK_MS
        if step["op"] == "reset" or is_far_back:
            self.clear()
        if step["op"] == "gap":
            if self.books and self.books[-1][1] is not None:
                same = step["timeMs"] // COLUMN_MS == self.time_ms // COLUMN_MS
                self.time_ms = max(self.time_ms, step["timeMs"]) if same else self.time_ms
                self.books.append((self.time_ms, None))
        elif step["op"] == "record":
            self.time_ms = max(self.time_ms, step["timeMs"])
            self.books.append((self.time_ms, step))

    def columns(self) -> list[Json]:
        if not self.books:
            return []
        numbers = [int(time_ms // COLUMN_MS) for time_ms, _ in self.books]
        first = max(numbers[0], numbers[-1] - COLUMNS + 1)
        return [self.column(number) for number in range(first, numbers[-1] + 1)]

    def column(self, number: int) -> Json:
        start, end = number * COLUMN_MS, (number + 1) * COLUMN_MS
        before = [(start, book) for time_ms, book in self.books if time_ms < start][-1:]
        within = [(at, book) for at, book in self.books if start <= at < end]
        entries = before + within
        books = [book for _, book in entries if book is not None]
        if not books:
            return {"number": number, "isKnown": False}
        book = books[-1]
        ends = [at for at, _ in entries[1:]] + [min(end, self.time_ms)]
        parts = [(until - at, one) for (at, one), until in zip(entries, ends, strict=True) if one]
        return {
            "number": number,
            "isKnown": True,
            "bids": book["bids"][:LEVELS],
            "asks": book["asks"][:LEVELS],
            "best": [book[side][0][0] if book[side] else None for side in ("bids", "asks")],
            "step": book["step"],
            "imbalance": summed([(lasted, imbalance(one)) for lasted, one in parts]),
            "spread": summed([(lasted, spread(one)) for lasted, one in parts]),
        }


def imbalance(book: Json) -> float | None:
    bid, ask = (sum(size for _, size in book[side][:BEST]) for side in ("bids", "asks"))
    return (bid - ask) / (bid + ask) if bid + ask else None


def spread(book: Json) -> float | None:
    return book["asks"][0][0] - book["bids"][0][0] if book["asks"] and book["bids"] else None


def summed(parts: list[tuple[float, float | None]]) -> Any:
    known = [(lasted, value) for lasted, value in parts if value is not None]
    if not known:
        return [None] * 4
    values = [value for _, value in known]
    whole = sum(lasted for lasted, _ in known)
    mean = sum(lasted * value for lasted, value in known) / whole if whole else values[-1]
    expected = [mean, min(values), max(values), parts[-1][1]]
    return [None if one is None else pytest.approx(one, rel=1e-6, abs=1e-6) for one in expected]


def made_up(seed: int) -> list[Json]:
    chance = random.Random(seed)
    now, middle, steps = 1e6, 1000, list[Json]()
    for _ in range(chance.randint(1, 60)):
        now += chance.choice([0, 1, 7, 30, 99, 100, 250, 1300, 50_000, -40, -900, -11_000])
        middle = max(100, middle + chance.choice([-3, -1, 0, 0, 1, 2, 400, -400]))
        counts = [chance.choice([0, 1, 2, 3, 4, 6, 12]) for _ in range(2)]
        bids = [[middle - 1 - 2 * at, chance.randint(1, 99)] for at in range(counts[0])]
        asks = [[middle + 1 + 3 * at, chance.randint(1, 99)] for at in range(counts[1])]
        kind = chance.random()
        if kind < 0.85:
            steps.append(record(now, bids, asks, chance.choice([1, 1, 5])))
        else:
            steps.append(gap(now) if kind < 0.98 else {"op": "reset", "timeMs": now})
    return steps


def test_any_history_is_that_of_the_plain_one() -> None:
    scripts = [made_up(seed) for seed in range(300)]
    told = said({"scripts": [{"sizes": SIZES, "steps": steps} for steps in scripts]})
    for seed, (steps, history) in enumerate(zip(scripts, told, strict=True)):
        plain = PlainHistory()
        for step in steps:
            plain.play(step)
        assert history["columns"] == plain.columns(), f"seed {seed}"
