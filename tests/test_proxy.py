"""The network that fails when told to: tests that stand on it are worth what it is."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
import pytest_asyncio

from support import raw
from support.proxy import Proxy, Way, proxied
from support.raw import RawClient

TEXT = bytes(range(256)) * 40
"""Ten thousand bytes, of which each tells where it stands."""
MUCH = 8 * 1024 * 1024
BUFFER_BYTES = 16 * 1024


class Echo:
    """A server that sends back what it gets, and tells how its connections end."""

    def __init__(self) -> None:
        self.port = 0
        self.ends: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(64 * 1024):
                writer.write(data)
                await writer.drain()
            await self.ends.put("FIN")
        except ConnectionError:
            await self.ends.put("RST")
        finally:
            writer.close()

    async def ended(self) -> str:
        """Return how the next connection that ends has ended."""
        async with asyncio.timeout(raw.TIMEOUT_S):
            return await self.ends.get()


@asynccontextmanager
async def echoing() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with server:
        echo.port = server.sockets[0].getsockname()[1]
        yield echo


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as running:
        yield running


@pytest_asyncio.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with proxied(echo.port) as running:
        yield running


async def taken(client: RawClient, length: int) -> bytes:
    return await client.take_slowly(per_read_bytes=length, reads=1, seconds=0)


async def assert_echoes(client: RawClient, data: bytes = TEXT) -> None:
    await client.send(data)
    assert await taken(client, len(data)) == data


async def how_it_ends(client: RawClient) -> tuple[bytes, str]:
    """Return what still comes, and whether it ends by FIN or RST."""
    came = b""
    while True:
        try:
            came += await taken(client, 1)
        except ConnectionResetError:
            return came, "RST"
        except ConnectionError:
            return came, "FIN"


async def test_what_is_sent_is_passed_on_both_ways(proxy: Proxy) -> None:
    async with raw.raw_client(proxy.port) as one, raw.raw_client(proxy.port) as other:
        await assert_echoes(one)
        await assert_echoes(other, TEXT[::-1])
        assert (proxy.connections, proxy.open_connections) == (2, 2)
    await proxy.until_open(0)
    assert proxy.forwarded == dict.fromkeys(Way, 2 * len(TEXT))


async def test_a_side_that_closes_is_closed_on_the_other(proxy: Proxy, echo: Echo) -> None:
    async with raw.raw_client(proxy.port) as client:
        await client.send(TEXT)
        client.half_close()
        assert await how_it_ends(client) == (TEXT, "FIN")
        assert await echo.ended() == "FIN"


async def test_a_side_that_resets_is_reset_on_the_other(proxy: Proxy, echo: Echo) -> None:
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)
        client.reset()
        assert await echo.ended() == "RST"
    await proxy.until_open(0)


async def test_a_cut_closes_both_sides_and_new_connections_are_taken(
    proxy: Proxy, echo: Echo
) -> None:
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)
        proxy.cut()
        assert await how_it_ends(client) == (b"", "FIN")
        assert await echo.ended() == "FIN"
    await proxy.until_open(0)
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)


async def test_a_reset_resets_both_sides_and_new_connections_are_taken(
    proxy: Proxy, echo: Echo
) -> None:
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)
        proxy.reset()
        assert await how_it_ends(client) == (b"", "RST")
        assert await echo.ended() == "RST"
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)


@pytest.mark.parametrize("length", [0, 1, 2, 5000, len(TEXT) - 1, len(TEXT), 30_001])
@pytest.mark.parametrize("with_reset", [False, True])
async def test_a_connection_is_cut_behind_a_byte(
    proxy: Proxy, length: int, with_reset: bool
) -> None:
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)
        proxy.cut_after(length, with_reset=with_reset)
        await client.send(TEXT * 4)
        came, how = await how_it_ends(client)
        assert how == ("RST" if with_reset else "FIN")
        wanted = (TEXT * 4)[:length]
        # A reset throws away what is still on its way.
        assert wanted.startswith(came) if with_reset else came == wanted
        assert proxy.forwarded[Way.TO_CLIENT] == len(TEXT) + length
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)


async def test_what_goes_to_the_server_can_be_cut_too(proxy: Proxy, echo: Echo) -> None:
    proxy.cut_after(100, Way.TO_SERVER)
    async with raw.raw_client(proxy.port) as client:
        await client.send(TEXT)
        assert await echo.ended() == "FIN"
        await proxy.until_forwarded(100, Way.TO_SERVER)
        assert proxy.forwarded[Way.TO_SERVER] == 100


@pytest.mark.parametrize("way", Way)
async def test_a_stalled_way_holds_what_comes_until_it_goes_on(proxy: Proxy, way: Way) -> None:
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)
        proxy.stall(way)
        await client.send(TEXT)
        reading = asyncio.create_task(taken(client, len(TEXT)))
        _, unread = await asyncio.wait([reading], timeout=0.1)
        assert unread, "it has come all the same"
        assert proxy.forwarded[way] == len(TEXT)
        proxy.go_on()
        assert await reading == TEXT


async def test_the_other_way_is_not_stalled(echo: Echo, proxy: Proxy) -> None:
    proxy.stall(Way.TO_CLIENT)
    async with raw.raw_client(proxy.port) as client:
        await client.send(TEXT)
        await proxy.until_forwarded(len(TEXT), Way.TO_SERVER)
        client.half_close()
        assert await echo.ended() == "FIN"
        assert proxy.forwarded[Way.TO_CLIENT] == 0
        proxy.go_on()
        assert await how_it_ends(client) == (TEXT, "FIN")


async def test_what_a_stall_lets_a_peer_send_is_bounded(echo: Echo) -> None:
    async with (
        proxied(echo.port, buffer_bytes=BUFFER_BYTES) as proxy,
        raw.raw_client(proxy.port) as client,
    ):
        proxy.stall()
        sending = asyncio.create_task(client.send(bytes(MUCH)))
        await proxy.until_connected(1)
        _, unsent = await asyncio.wait([sending], timeout=0.2)
        assert unsent, "the proxy has taken everything"
        reading = asyncio.create_task(taken(client, MUCH))
        proxy.go_on()
        await sending
        assert await reading == bytes(MUCH)


async def test_a_stalled_connection_can_be_ended(proxy: Proxy, echo: Echo) -> None:
    for end, how in ((proxy.cut, "FIN"), (proxy.reset, "RST")):
        proxy.stall()
        async with raw.raw_client(proxy.port) as client:
            await client.send(TEXT)
            await proxy.until_open(1)
            end()
            assert await how_it_ends(client) == (b"", how)
            assert await echo.ended() == how
        await proxy.until_open(0)
        proxy.go_on()


async def test_a_delay_holds_each_byte_for_so_long_and_no_longer(proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    async with raw.raw_client(proxy.port) as client:
        proxy.delay(100)
        began = loop.time()
        for _ in range(3):
            await client.send(TEXT[:100])
        assert await taken(client, 300) == TEXT[:100] * 3
        both_ways = loop.time() - began
        assert both_ways >= 0.2
        proxy.go_on()
        proxy.delay(100, Way.TO_CLIENT)
        began = loop.time()
        await assert_echoes(client)
        assert loop.time() - began >= 0.1


async def test_a_throttle_lets_so_much_through_a_second(proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    async with raw.raw_client(proxy.port) as client:
        proxy.throttle(50_000, Way.TO_CLIENT)
        began = loop.time()
        await assert_echoes(client)
        assert loop.time() - began >= 0.9 * len(TEXT) / 50_000
        proxy.throttle(1, Way.TO_CLIENT)
        await client.send(TEXT[:2])
        assert await taken(client, 1) == TEXT[:1]
        proxy.go_on()
        assert await taken(client, 1) == TEXT[1:2]
        await assert_echoes(client, TEXT * 100)


async def test_new_connections_are_refused_for_a_while(proxy: Proxy) -> None:
    async with raw.raw_client(proxy.port) as old:
        await assert_echoes(old)
        proxy.refuse()
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                await raw.connect(proxy.port)
        await assert_echoes(old)
        proxy.go_on()
        async with raw.raw_client(proxy.port) as new:
            await assert_echoes(new)
        assert proxy.connections == 2


async def test_the_port_stays_the_proxys_while_it_refuses(proxy: Proxy) -> None:
    proxy.refuse()
    with socket.socket() as other, pytest.raises(OSError, match=r"in use") as failed:
        other.bind(("127.0.0.1", proxy.port))
    assert failed.value.errno == errno.EADDRINUSE
    proxy.go_on()
    async with raw.raw_client(proxy.port) as client:
        await assert_echoes(client)


async def test_connections_go_to_the_server_that_is_named_last(proxy: Proxy, echo: Echo) -> None:
    async with echoing() as another, raw.raw_client(proxy.port) as old:
        await assert_echoes(old)
        proxy.server_port = another.port
        async with raw.raw_client(proxy.port) as new:
            await assert_echoes(new)
        assert await another.ended() == "FIN"
        await assert_echoes(old)
        assert echo.ends.empty()


async def test_a_server_that_is_not_there_resets_its_clients(proxy: Proxy) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy.server_port = nobody.getsockname()[1]
        async with raw.raw_client(proxy.port) as client:
            assert await how_it_ends(client) == (b"", "RST")
    await proxy.until_open(0)


async def test_what_is_waited_for_has_come_when_the_wait_ends(proxy: Proxy) -> None:
    wait = asyncio.create_task(proxy.until_connected(2))
    clients = []
    for number in count(1):
        clients.append(await raw.connect(proxy.port))
        await assert_echoes(clients[-1])
        assert proxy.connections == number
        if wait.done():
            break
    assert len(clients) == 2
    for client in clients:
        client.close()
    await proxy.until_open(0)
    await proxy.until_connected(2)
    await proxy.until_forwarded(2 * len(TEXT))


async def test_a_proxy_that_stops_leaves_no_socket_behind(echo: Echo) -> None:
    """An open socket would be a warning, and a warning is an error."""
    for begun in range(3):
        async with proxied(echo.port) as proxy:
            clients = [await raw.connect(proxy.port) for _ in range(begun)]
            if begun > 1:
                await assert_echoes(clients[0])
                proxy.stall()
        for client in clients:
            assert (await how_it_ends(client))[0] == b""
            client.close()
    gc.collect()
