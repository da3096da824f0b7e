"""Commands to a replay that are refused, and who may send them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.datastructures import Headers

from market_depth.errors import ErrorCode, RequestError
from market_depth.server.replay import require_local
from support.dbn_files import dbn
from support.errors import one_line_error
from support.logs import serving_quietly
from support.pages import Page, fetch
from support.process import ServerProcess
from support.raw import raw_client
from support.replay import DAY, DAY_S, go_to, post, state_of

module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording."""
    path = tmp_path_factory.mktemp("recording") / "day.dbn"
    path.write_bytes(dbn(*DAY))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paused(day: Path) -> AsyncIterator[ServerProcess]:
    """A server that stands still in the middle of the recording."""
    async with serving_quietly(f"--feed={day}", "--replay-control") as running:
        await post(running, "pause")
        await go_to(running, DAY_S / 2)
        yield running


@module_loop
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("seek", ["/api/replay/seek", "?to="]),
        ("seek?to=", ["?to="]),
        ("seek?at=2023-12-26", ["?to="]),
        ("seek?to=noon", ["noon", "2025-09-16T04:18:26Z"]),
        ("seek?to=%ff", ["2025-09-16T04:18:26Z"]),
        ("seek?to=1969-12-31", ["1969-12-31", "1970"]),
        ("speed", ["/api/replay/speed", "?to="]),
        ("speed?to=0", ["'0'", "max"]),
        ("speed?to=-1", ["'-1'", "max"]),
        ("speed?to=nan", ["nan"]),
        ("speed?to=1e9", ["1e9", "1e+06"]),
        ("speed?to=%0A", ["max"]),
    ],
)
async def test_a_wrong_argument_is_400_and_changes_nothing(
    paused: ServerProcess, command: str, words: list[str]
) -> None:
    before = await state_of(paused)
    page = await fetch(paused.port, f"/api/replay/{command}", "POST")
    assert_refused(page, 400, *words)
    after = await state_of(paused)
    assert after | {"events_per_s": 0} == before | {"events_per_s": 0}


def assert_refused(page: Page, status: int, *words: str) -> None:
    assert page.status == status
    error = page.json()
    assert (error["type"], error["code"]) == ("Error", status)
    assert len(error["message"].splitlines()) == 1
    for word in words:
        assert word in error["message"]


@module_loop
@pytest.mark.parametrize("name", ["stop", "", "Pause", "pause/", "seek/now"])
async def test_an_unknown_command_is_404_and_the_known_are_listed(
    paused: ServerProcess, name: str
) -> None:
    page = await fetch(paused.port, f"/api/replay/{name}", "POST")
    assert_refused(
        page, 404, *(f"/api/replay/{one}" for one in ("pause", "resume", "speed", "seek"))
    )


@module_loop
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_command_by_another_method_is_405(paused: ServerProcess, method: str) -> None:
    page = await fetch(paused.port, "/api/replay/resume", method)
    assert (page.status, page.headers["allow"]) == (405, "POST")
    assert (await state_of(paused))["paused"] is True


@module_loop
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_the_state_can_only_be_read(paused: ServerProcess, method: str) -> None:
    page = await fetch(paused.port, "/api/replay", method)
    assert (page.status, page.headers["allow"]) == (405, "GET, HEAD")


@module_loop
async def test_pages_of_other_sites_are_refused(paused: ServerProcess) -> None:
    for origin in (
        "https://example.com",
        "null",
        "",
        f"http://127.0.0.1:{paused.port + 1}",
        f"http://localhost:{paused.port}",
        f"http://evil.example:{paused.port}",
        "http://[",
    ):
        page = await fetch(paused.port, "/api/replay/resume", "POST", {"Origin": origin})
        assert_refused(page, 403, origin)
    assert (await state_of(paused))["paused"] is True


@module_loop
async def test_a_page_of_its_own_is_not_refused(paused: ServerProcess) -> None:
    headers = {"Origin": f"http://127.0.0.1:{paused.port}"}
    page = await fetch(paused.port, "/api/replay/pause", "POST", headers)
    assert page.status == 200


@module_loop
async def test_a_name_that_was_made_to_point_here_is_refused(paused: ServerProcess) -> None:
    """A page can have its own host's name point to this machine: it is the Host then, too."""
    async with raw_client(paused.port) as client:
        host = f"evil.example:{paused.port}"
        await client.send(
            f"POST /api/replay/resume HTTP/1.1\r\nHost: {host}\r\n"
            f"Origin: http://{host}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert (await client.head()).status == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_clients_of_this_machine_may_control(address: str) -> None:
    require_local(address, Headers())


@pytest.mark.parametrize(
    "address",
    ["192.168.1.5", "10.0.0.1", "0.0.0.0", "::ffff:10.0.0.1", "2001:db8::1", "fe80::1%eth0", ""],
)
def test_clients_of_other_machines_may_not(address: str) -> None:
    with one_line_error(RequestError, address, "its own machine"):
        require_local(address, Headers())


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_pages_of_its_own_may_control(host: str, origin: str) -> None:
    require_local("127.0.0.1", Headers(Host=host, Origin=origin))
    with pytest.raises(RequestError) as caught:
        require_local(
            "127.0.0.1", Headers([("Host", host), ("Origin", origin), ("Origin", "null")])
        )
    assert caught.value.code is ErrorCode.FORBIDDEN


async def test_without_the_option_it_can_only_be_watched(day: Path) -> None:
    async with serving_quietly(f"--feed={day}") as server:
        assert (await state_of(server))["paused"] is False
        for command in ("pause", "resume", "speed?to=2", "seek?to=2023-12-26"):
            page = await fetch(server.port, f"/api/replay/{command}", "POST")
            assert_refused(page, 403, "--replay-control")
        state = await state_of(server)
        assert (state["paused"], state["speed"]) == (False, 1.0)


async def test_where_there_are_credentials_they_are_wanted(day: Path, tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text('[clients.desk]\ntoken = "a long random text"\n')
    options = (f"--feed={day}", "--replay-control", f"--credentials={path}")
    async with serving_quietly(*options) as server:
        for headers in ({}, {"Authorization": "Bearer another long text"}):
            assert_refused(await fetch(server.port, "/api/replay", headers=headers), 401)
            page = await fetch(server.port, "/api/replay/pause", "POST", headers)
            assert_refused(page, 401)
        token = {"Authorization": "Bearer a long random text"}
        assert (await fetch(server.port, "/api/replay", headers=token)).json()["paused"] is False
        page = await fetch(server.port, "/api/replay/pause", "POST", token)
        assert page.json()["paused"] is True
        query = "to=2&token=a%20long%20random%20text"
        page = await fetch(server.port, f"/api/replay/speed?{query}", "POST")
        assert page.json()["speed"] == 2.0
