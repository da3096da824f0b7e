"""The browser's client and what the real server seldom does: a scripted one does it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from market_depth.protocol.checksum import level_checksum
from support.depth_client import Line, node_client
from support.scripted_depth import ASKS, BIDS, SOON, asked, asked_anew, rows, streaming
from support.scripted_server import TIMESTAMP, Message, Peer, scripted


async def test_a_stream_is_asked_for_with_all_that_was_said() -> None:
    async with streaming(levels=7, intervalMs=0, group="0.50") as (_, client, _, request):
        assert {**request, "stream_id": "", "id": 0} == {
            "type": "Subscribe",
            "stream_id": "",
            "symbol": "BTCUSD",
            "data_type": "MBP",
            "max_levels": 7,
            "mode": "delta",
            "interval_ms": 0,
            "group": "0.50",
            "checksum": True,
            "id": 0,
        }
        found = await client.do("look", stream=0)
        assert (found["mode"], found["intervalMs"], found["epoch"]) == ("delta", 300, "first")
        assert (found["state"], found["isGood"], found["decimals"]) == ("open", True, [2, 0, 1])
        assert abs(found["timeMs"] - 1_757_996_306_806.069) < 0.001
        assert found["eventTimeMs"] is None


async def test_what_is_asked_for_before_there_is_a_connection_is_asked_for_then() -> None:
    async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
        stream = await client.do("subscribe", symbol="BTCUSD", dataType="TRADES", tellsUpdates=True)
        peer = await server.accepted()
        request = await asked(peer)
        assert (request["mode"], "checksum" in request) == ("snapshot", False)
        await peer.open(request)
        await peer.trades(request, 3, 7, 8)
        await peer.trades(request, 5, 11)
        for _ in range(3):
            await client.heard("trade")
        found = await client.do("trades", stream=stream)
        assert [one["number"] for one in found] == [7, 8, 11]
        assert (found[0]["priceUnits"], found[0]["side"]) == (10_000, None)
        counters = (await client.do("look", stream=stream))["counters"]
        assert counters["missedTrades"] == 2


@pytest.mark.parametrize(("epoch", "missed"), [("first", 4), ("second", 0)])
async def test_trades_made_without_a_connection_are_counted(epoch: str, missed: int) -> None:
    """Those of a server that has been started anew are numbered anew."""
    async with (
        scripted(with_subprotocols=False) as server,
        node_client(server.url, **SOON) as client,
    ):
        await client.do("subscribe", symbol="BTCUSD", dataType="TRADES", tellsUpdates=True)
        peer = await server.accepted()
        request = await asked(peer)
        await peer.open(request)
        await peer.trades(request, 3, 7)
        assert (await client.heard("trade"))["number"] == 7
        peer.cut()
        peer = await server.accepted()
        again = await asked(peer)
        await peer.open(again, epoch=epoch)
        await peer.trades(again, 9, 12, 13)
        assert (await client.heard("trade"))["number"] == 12
        assert (await client.do("look", stream=0))["counters"]["missedTrades"] == missed


async def test_what_a_server_of_today_refuses_is_not_asked_for_otherwise() -> None:
    async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
        await client.do("subscribe", symbol="BTCUSD", dataType="MBP", levels=5000)
        peer = await server.accepted()
        request = await asked(peer)
        name = request["stream_id"]
        await peer.send("Error", code=400, message="levels", stream_id=name, id=request["id"])
        refused = await client.heard("status")
        assert (refused["state"], refused["error"]["message"]) == ("refused", "levels")
        await client.do("subscribe", symbol="ETHUSD", dataType="MBP")
        assert (await asked(peer))["symbol"] == "ETHUSD"


async def test_a_gap_has_the_stream_asked_for_anew() -> None:
    async with streaming() as (_, client, peer, request):
        await peer.delta(request, 3, 4, {1.0: 9}, {})
        broken = await client.heard("status", lambda line: line["counters"]["gaps"] == 1)
        assert (broken["isGood"], broken["sequence"]) == (False, 1)
        again = await asked_anew(peer, request)
        await peer.delta(request, 4, 5, {1.0: 10}, {})  # was on its way
        await peer.open(again)
        await peer.whole(again, 7, {1.5: 7}, {})
        update = await client.heard("update")
        assert (update["sequence"], update["rows"]) == (7, rows({1.5: 7}, {}))
        await client.heard("status", lambda line: line["isGood"])


@pytest.mark.parametrize(
    "change",
    [{"bids": [{"price": 0.5, "quantity": 0}], "asks": []}, {"bids": 7}, {}, None],
    ids=str,
)
async def test_a_delta_that_does_not_fit_is_a_gap(change: Any) -> None:
    async with streaming() as (_, client, peer, request):
        await peer.send(
            "MarketDelta",
            stream_id=request["stream_id"],
            prev_sequence=1,
            sequence=2,
            timestamp=TIMESTAMP,
            data=change,
        )
        await client.heard("status", lambda line: line["counters"]["gaps"] == 1)
        again = await asked_anew(peer, request)
        await peer.open(again)
        await peer.whole(again, 3, BIDS, ASKS)
        assert (await client.heard("update"))["sequence"] == 3


async def test_more_levels_than_were_asked_for_are_a_gap() -> None:
    async with streaming(levels=2) as (_, client, peer, request):
        await peer.delta(request, 1, 2, {0.9: 1, 0.8: 1}, {})
        await client.heard("status", lambda line: line["counters"]["gaps"] == 1)
        await asked_anew(peer, request)


def has_failures(times: int, line: Line) -> bool:
    return bool(line["counters"]["checksumFailures"] == times)


async def test_a_wrong_checksum_has_the_stream_asked_for_anew_and_in_the_end_by_snapshots() -> None:
    async with streaming() as (_, client, peer, request):
        for times in (1, 2, 3):
            await peer.delta(request, 1, 2, {1.0: 6}, {}, checksum=1)
            broken = await client.heard(
                "status",
                partial(has_failures, times),
            )
            assert not broken["isGood"]
            request = await asked_anew(peer, request)
            assert request["mode"] == ("snapshot" if times == 3 else "delta")
            await peer.open(request)
            right = level_checksum([(100, 5)], [(200, 5)])
            await peer.whole(request, 1, BIDS, ASKS, checksum=right)
            assert (await client.heard("update"))["rows"] == rows(BIDS, ASKS)
        found = await client.do("look", stream=0)
        assert (found["mode"], found["isGood"]) == ("snapshot", True)
        # Each view is a new beginning: a wrong one is not good, the next one is.
        await peer.whole(request, 2, {1.0: 9}, ASKS, checksum=1)
        broken = await client.heard(
            "status", lambda line: line["counters"]["checksumFailures"] == 4
        )
        assert (broken["isGood"], broken["state"]) == (False, "open")
        await peer.whole(request, 3, {1.0: 8}, {}, checksum=level_checksum([(100, 8)], []))
        assert (await client.heard("update"))["rows"] == rows({1.0: 8}, {})
        assert (await client.do("look", stream=0))["isGood"]


async def test_a_delta_stream_is_resumed_and_its_book_is_exact() -> None:
    async with streaming(sequence=8) as (server, client, peer, request):
        peer.cut()
        peer = await server.accepted()
        again = await asked(peer)
        assert again["resume"] == {"epoch": "first", "sequence": 8}
        ignored = {"stream_id": "", "id": 0, "resume": None}
        assert {**again, **ignored} == {**request, **ignored}
        await peer.open(again, resumed=True)
        await peer.delta(again, 8, 9, {1.0: 0, 0.5: 3}, {})
        update = await client.heard("update")
        assert update["rows"] == rows({0.5: 3}, ASKS)
        assert update["counters"]["resumed"] == 1
        assert (await client.do("stats"))["reconnects"] == 1


async def test_a_stream_that_is_not_resumed_begins_with_a_whole_view() -> None:
    async with streaming(sequence=8) as (server, client, peer, _):
        peer.cut()
        peer = await server.accepted()
        again = await asked(peer)
        await peer.open(again, epoch="second", resumed=False)
        await peer.delta(again, 8, 9, {1.0: 0, 0.5: 3}, {})
        await peer.whole(again, 2, {1.5: 1}, {})
        update = await client.heard("update")
        assert (update["sequence"], update["rows"]) == (2, rows({1.5: 1}, {}))
        assert (update["epoch"], update["counters"]["resumed"]) == ("second", 0)
        assert update["counters"]["gaps"] == 0


async def test_a_reader_that_lags_is_not_shown_an_old_book_as_good() -> None:
    async with streaming() as (_, client, peer, request):
        await peer.send("Lagged", stream_id=request["stream_id"], skipped=17)
        lagged = await client.heard("status", lambda line: line["counters"]["lagged"] == 17)
        assert not lagged["isGood"]
        await peer.whole(request, 20, {1.2: 1}, {}, resync="slow_consumer")
        update = await client.heard("update")
        assert (update["sequence"], update["isGood"]) == (20, True)
        await peer.delta(request, 20, 21, {}, {2.0: 1})
        assert (await client.heard("update"))["rows"] == rows({1.2: 1}, {2.0: 1})


async def test_a_status_is_told_to_the_streams_of_its_symbol() -> None:
    async with streaming() as (_, client, peer, request):
        for status, reason, is_good in (
            ("Stale", "messages of the venue are missing", False),
            ("Recovered", None, True),
            ("Halted", "auction", False),
            ("Live", None, True),
        ):
            for symbol in ("ETHUSD", "BTCUSD"):
                await peer.send(
                    "Status", symbol=symbol, status=status, reason=reason, timestamp=TIMESTAMP
                )
            heard = await client.heard("status")
            assert (heard["status"], heard["statusReason"]) == (status, reason or "")
            assert heard["isGood"] is is_good
        await peer.delta(request, 1, 2, {}, {2.0: 1})
        assert (await client.heard("update"))["sequence"] == 2


async def test_a_stream_whose_feed_is_down_waits_for_it() -> None:
    async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
        await client.do("subscribe", symbol="BTCUSD", dataType="MBP", tellsUpdates=True)
        peer = await server.accepted()
        request = await asked(peer)
        name = request["stream_id"]
        await peer.send("Error", code=503, message="down", stream_id=name, id=request["id"])
        waiting = await client.heard("status")
        assert (waiting["state"], waiting["error"]) == ("waiting", {"code": 503, "message": "down"})
        await peer.send("Status", symbol="BTCUSD", status="Recovered", timestamp=TIMESTAMP)
        await peer.open(request, id=request["id"])
        await peer.whole(request, 1, BIDS, ASKS)
        update = await client.heard("update")
        assert (update["isGood"], update["error"]) == (True, None)


@pytest.mark.parametrize("code", [409, 429, 500])
async def test_what_may_be_over_soon_is_tried_again(code: int) -> None:
    async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
        await client.do("subscribe", symbol="BTCUSD", dataType="MBP", tellsUpdates=True)
        peer = await server.accepted()
        request = await asked(peer)
        name = request["stream_id"]
        await peer.send("Error", code=code, message="not now", stream_id=name, id=request["id"])
        status = await client.heard("status")
        assert (status["state"], status["error"]["code"]) == ("asked", code)
        again = await asked_anew(peer, request)
        await peer.open(again)
        await peer.whole(again, 1, BIDS, ASKS)
        assert (await client.heard("update"))["error"] is None


async def test_an_answer_that_does_not_come_is_not_waited_for_ever() -> None:
    async with (
        scripted(with_subprotocols=False) as server,
        node_client(server.url, pulseMs=20, answerMs=60) as client,
    ):
        await client.do("subscribe", symbol="BTCUSD", dataType="MBP")
        peer = await server.accepted()
        request = await asked(peer)
        status = await client.heard("status")
        assert status["error"] == {"code": 0, "message": "the server has not answered"}
        listing = await client.begin("symbols")
        assert listing["error"] == "DepthError: the server has not answered"
        assert (await asked(peer, "Unsubscribe"))["stream_id"] == request["stream_id"]


async def test_many_streams_are_asked_for_by_and_by() -> None:
    async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
        for number in range(50):
            await client.do("subscribe", symbol=f"S{number}", dataType="MBP")
        peer = await server.accepted()
        requests = [await asked(peer) for _ in range(20)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):  # no more come
                await asked(peer)
        for number in range(30):
            await peer.open(requests[number])
            requests.append(await asked(peer))
        assert [one["symbol"] for one in requests] == [f"S{number}" for number in range(50)]


async def test_what_is_no_message_is_passed_over() -> None:
    async with streaming() as (_, client, peer, request):
        for text in ("", "null", "7", "[]", "{", '{"type":"Tomorrow"}', '{"type":"MarketData"}'):
            await peer.connection.send(text)
        await peer.connection.send(b"binary")
        await peer.delta(request, 1, 2, {}, {2.0: 1})
        assert (await client.heard("update"))["counters"]["gaps"] == 0


class TestOriginalServer:
    """One that knows the original messages alone."""

    async def opened(self, peer: Peer, request: Message) -> None:
        names = ("stream_id", "symbol", "data_type")
        await peer.send("Subscribed", **{name: request[name] for name in names})

    async def view(self, peer: Peer, request: Message, sequence: int, price: float) -> None:
        row = {"price": price, "quantity": 5, "order_count": 1, "side": "Bid"}
        await peer.send(
            "MarketData",
            **{name: request[name] for name in ("stream_id", "symbol")},
            sequence=sequence,
            timestamp=TIMESTAMP,
            data={"format": "MBP", "bids": [row], "asks": []},
        )

    async def test_its_views_are_whole_and_its_decimals_are_inferred(self) -> None:
        async with (
            scripted(with_subprotocols=False) as server,
            node_client(server.url, **SOON) as client,
        ):
            await client.do("subscribe", symbol="BTCUSD", dataType="MBP", tellsUpdates=True)
            peer = await server.accepted()
            request = await asked(peer)
            await self.opened(peer, request)
            await asked(peer, "ListSymbols")
            await peer.send("Error", code=400, message="unknown type", stream_id=None)
            for sequence, price, decimals in ((1, 102.5, 1), (2, 102.45, 2), (3, 103.0, 2)):
                await self.view(peer, request, sequence, price)
                update = await client.heard("update")
                assert update["decimals"] == [decimals, 0, 1]
                assert update["rows"] == [[[price, 5, 1]], []]
                assert (update["mode"], update["intervalMs"]) == ("snapshot", None)
            peer.cut()
            assert "resume" not in await asked(await server.accepted())

    async def test_its_decimals_are_those_of_its_list_if_it_has_one(self) -> None:
        async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
            await client.do("subscribe", symbol="BTCUSD", dataType="MBP", tellsUpdates=True)
            peer = await server.accepted()
            request = await asked(peer)
            await self.opened(peer, request)
            listing = await asked(peer, "ListSymbols")
            info = {"symbol": "BTCUSD", "tick_size": 0.05, "price_decimals": 2}
            symbols = [{**info, "quantity_decimals": 1}]
            await peer.send("Symbols", symbols=symbols, id=listing["id"])
            await self.view(peer, request, 1, 102.5)
            assert (await client.heard("update"))["decimals"] == [2, 1, 5]

    @pytest.mark.parametrize("is_named", [True, False])
    async def test_one_that_takes_no_more_than_those_is_asked_with_those(
        self, is_named: bool
    ) -> None:
        async with scripted(with_subprotocols=False) as server, node_client(server.url) as client:
            common = {"symbol": "BTCUSD", "tellsUpdates": True}
            await client.do("subscribe", **common, dataType="MBP")
            peer = await server.accepted()
            request = await asked(peer)
            named = request["stream_id"] if is_named else None
            await peer.send("Error", code=400, message="Invalid message format", stream_id=named)
            again = await asked(peer)
            assert again == {
                "type": "Subscribe",
                "stream_id": again["stream_id"],
                "symbol": "BTCUSD",
                "data_type": "MBP",
                "max_levels": 20,
            }
            await self.opened(peer, again)
            await self.view(peer, again, 1, 102.5)
            assert (await client.heard("update"))["isGood"]
            await asked(peer, "ListSymbols")
            # What such a server can't have is not made of something else.
            await client.do("subscribe", **common, dataType="MBP", group="0.50")
            grouped = await asked(peer)
            await peer.send("Error", code=400, message="Invalid", stream_id=grouped["stream_id"])
            refused = await client.heard("status", lambda line: line["stream"] == 1)
            assert (refused["state"], refused["error"]["code"]) == ("refused", 400)
