"""What is known of public recordings: figures that a correct engine reaches, with none missing.

The recordings are public samples and conformance files; a folder of them has a file that tells
where each comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from market_depth.verify.final_book import FinalBook, FinalLevel
from market_depth.verify.findings import Report

__all__ = ["EXPECTED", "KNOWN_FIGURES", "Expected", "hold_against"]

KNOWN_FIGURES: Final = "known figures"
"""Name of the check that figures other than those of checks are as they are known to be."""


class Expected(NamedTuple):
    """What is known of a recording, or of all in a folder taken together."""

    name: str
    """Its file in the folder of recordings, or its files with " + " between them."""
    checks: Mapping[str, int | tuple[int, int]] = {}
    """How many of a check are made, and pass; or (passed, made) where not all can."""
    figures: Mapping[str, int] = {}
    shares: Mapping[str, tuple[float, float]] = {}
    """Least and most of figures that are shares."""
    final_book: FinalBook | None = None
    is_folder: bool = False
    is_cut: bool = False
    """Whether it is known to end within something."""


_ESH4: Final = "databento/esh4/esh4-glbx-mdp3-2023122{}.mbo.dbn.zst"
_ESU4: Final = "databento/esu4/futures_{}_2024-07-01T23-58_2024-07-02T00-02.dbn.zst"
_ESH4_BOOK: Final = FinalBook(
    orders=11_217,
    bid_levels=922,
    ask_levels=565,
    best_bid=FinalLevel("4810.00", 22, 22),
    best_ask=FinalLevel("4810.25", 28, 18),
    ts_recv=1_703_548_799_446_821_072,
    sequence=59_585,
)
_LOBSTER: Final = "lobster/{}_2012-06-21_34200000_57600000_message_{}.csv"

EXPECTED: Final[tuple[Expected, ...]] = (
    Expected(
        _LOBSTER.format("amzn_l1/AMZN", 1),
        {"row by row": 57_514, "order book file": 57_515},
    ),
    Expected(
        _LOBSTER.format("aapl_l10_first999/AAPL", 10),
        {"row by row": 998, "order book file": 999},
    ),
    Expected(
        _ESH4.format(5),
        {"records decoded": 68_792},
        {"snapshot add": 8_725, "fills of unknown orders": 7},
        final_book=_ESH4_BOOK,
    ),
    Expected(f"{_ESH4.format(4)} + {_ESH4.format(5)}", final_book=_ESH4_BOOK),
    Expected(_ESU4.format("mbp-1"), {"records decoded": 2_288, "trades": 120}),
    Expected(_ESU4.format("trades"), {"records decoded": 120}),
    Expected(
        "databento/dbn_testdata",
        {"records decoded": 176, "trades": 50},
        {"files": 81},
        is_folder=True,
    ),
    Expected(
        "databento/python_testdata",
        {
            "records decoded": 301,
            "trades": 32,
            "mbp-10 levels": 8,
            "mbp-1 levels": 7,
            "tbbo levels": 4,
        },
        {"files": 73},
        is_folder=True,
    ),
    Expected(
        "binance_hftbacktest/spot/btcusdt_20240808.gz + "
        "binance_hftbacktest/spot/btcusdt_20240809.gz",
        {"update id": 6_495, "bookTicker": 1_072},
    ),
    Expected(
        "binance_hftbacktest/usdm/ethusdt_20240808.gz",
        {"update id": 6_586, "bookTicker": 551},
    ),
    Expected("cryptofeed/KRAKEN.ws.50.0", {"checksum": 4_269, "CRC-32": 4_269}),
    Expected("cryptofeed/OKX.ws.1.0", {"checksum": 290, "CRC-32": 290}),
    Expected("cryptofeed/BITGET.ws.1.0", {"checksum": 443, "CRC-32": 443}),
    Expected("cryptofeed/FTX.ws.1.0", {"checksum": 971, "CRC-32": 971}),
    Expected("cryptofeed/BINANCE.ws.1.0", {"bookTicker": 26}),
    Expected("cryptofeed/BINANCE_FUTURES.ws.1.0", {"bookTicker": 50}),
    Expected("cryptofeed/BYBIT.jsonl.zst", {"update id": 2_142}),
    Expected("cryptofeed/COINBASE.jsonl.zst", {"sequence_num": 1_030}),
    Expected("cryptofeed/KRAKEN_FUTURES.ws.1.0", {"sequence": 7_014}),
    Expected("cryptofeed/INDEPENDENT_RESERVE.ws.1.0", {"nonce": 1_658}),
    Expected(
        "bitstamp_l3_2015/2015-05-01.log.xz",
        figures={"order_book compared": 5_011},
        shares={
            "equal levels, first tenth": (0.6, 0.75),
            "equal levels, last tenth": (0.97, 1.0),
        },
    ),
    Expected(
        "bitfinex_r0/L3_feed.json",
        {"known order": 37_021},
        {"snapshot add": 50, "order changes": 99_998},
    ),
    Expected(
        "coinbase_rest_snapshots/l3_snapshot.json.gz",
        {"bids by price": (18_323, 18_332), "asks by price": (26_967, 26_972)},
        {"snapshot add": 57_419 + 53_187},
    ),
    Expected(
        "coinbase_rest_snapshots/l2_snapshot.json.gz",
        figures={"snapshot level": 18_376 + 27_017},
    ),
    Expected(
        "itch50/omi_packets",
        {"messages decoded": 227},
        {
            "files": 49,
            **{f"messages {kind}": 15 for kind in "PXCY"},
            **{f"messages {kind}": 16 for kind in "EH"},
            **{f"messages {kind}": 17 for kind in "UF"},
            **{f"messages {kind}": 5 for kind in "NQJ"},
            **{f"messages {kind}": 6 for kind in "LI"},
            "messages A": 53,
            "messages D": 18,
            "messages S": 3,
        },
        is_folder=True,
    ),
    Expected("itch50/real_sample_slice.itch", {"messages decoded": 35_581}, is_cut=True),
    Expected("itch50/sample.itch", {"messages decoded": 1_000}),
    Expected(
        "itch50/ritch_SYNTHETIC/ex20101224.TEST_ITCH_50.gz",
        {"messages decoded": 12_012, "orders known": (1_883, 2_000)},
        {
            "messages S": 6,
            "messages R": 3,
            "messages H": 3,
            "messages A": 4_997,
            "messages F": 3,
            "messages D": 1_745,
            "messages E": 198,
            "messages X": 45,
            "messages U": 12,
            "messages P": 5_000,
        },
    ),
    Expected(
        "iex/DEEP10.pcap.gz",
        {"packets": 121_315, "level updates": 27_580},
        {"level updates cut off": 1, "gaps": 11},
        is_cut=True,
    ),
    Expected("nvda_cran_orderbook/tradersample.txt", figures={"events": 10_000}),
)
"""By recording."""


def hold_against(report: Report, expected: Expected) -> None:
    """Put into a report which of the figures that are known have not been reached."""
    if expected.is_cut and report.error is not None and "cut off" in report.error:
        report.notes.append(f"as it is known to: {report.error}")
        report.error = None
    for name, count in expected.checks.items():
        passed, made = count if isinstance(count, tuple) else (count, count)
        found = [check for check in report.checks if check.name == name]
        if made != passed:
            for check in found:
                check.is_soft = True
        reached = [(check.passed, check.made) for check in found]
        if (passed, made) not in reached:
            have = " or ".join(f"{p:,} of {m:,}" for p, m in reached) or "none"
            report.missed.append(f"{name}: {have} instead of {passed:,} of {made:,}")
    known: dict[str, int | tuple[float, float]] = {**expected.figures, **expected.shares}
    for name, figure in known.items():
        _hold_figure(report, name, figure)


def _hold_figure(report: Report, name: str, known: int | tuple[float, float]) -> None:
    """Compare a figure with what is known: a count, or the least and the most of a share."""
    check = report.check(KNOWN_FIGURES)
    found = report.events if name == "events" else report.figures.get(name, 0)
    if isinstance(known, tuple):
        is_reached = known[0] <= found <= known[1]
        text = f"{found:.1%} instead of {known[0]:.0%} to {known[1]:.0%}"
        report.known[name] = f"{found:.1%}"
    else:
        is_reached = found == known
        text = f"{found:,} instead of {known:,}"
        report.known[name] = f"{found:,}"
    check.made += 1
    check.passed += is_reached
    if not is_reached:
        report.missed.append(f"{name}: {text}")
