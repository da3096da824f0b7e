"""The viewer's files as the server gives them to browsers, and to whoever imports them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import market_depth.viewer
from market_depth.viewer import web_files
from support import raw
from support.client import connected
from support.logs import serving_quietly
from support.pages import fetch
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEB = Path(market_depth.viewer.__file__).with_name("web")
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
FILES = {
    "/" if path.name == "index.html" else f"/{path.relative_to(WEB).as_posix()}": path
    for path in sorted(WEB.rglob("*"))
    if path.suffix in CONTENT_TYPES
}
A_MODULE = "/viewer/shared/theme.js"
TOKEN = "a-token-of-the-desk"
AT_ONCE = 6
"""Connections that a browser opens to one server, besides WebSockets."""
SLOW_BYTES = 1024
"""What a slow reader takes at a time."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    credentials: Path = tmp_path_factory.mktemp("credentials") / "clients.toml"
    credentials.write_text(f'[clients.desk]\ntoken = "{TOKEN}"\n')
    async with serving_quietly("--seed=1", f"--credentials={credentials}") as running:
        yield running


@pytest.mark.parametrize("path", FILES)
async def test_every_file_is_served_as_what_it_is(server: ServerProcess, path: str) -> None:
    page = await fetch(server.port, path)
    assert page.status == 200
    assert page.body == FILES[path].read_text("utf-8")
    assert int(page.headers["content-length"]) == len(page.body.encode())
    assert page.headers["content-type"] == CONTENT_TYPES[FILES[path].suffix]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["access-control-allow-origin"] == "*"
    assert page.headers["connection"] == "close"


@pytest.mark.parametrize("query", ["", "?", "?symbol=BTCUSD&url=ws://elsewhere:1/"])
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
async def test_the_page_is_there_for_browsers_and_curl_alike(
    server: ServerProcess, accept: str, query: str
) -> None:
    page = await fetch(server.port, f"/{query}", headers={"Accept": accept})
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    title = re.search(r"<title>([^<]*)</title>", page.body)
    assert title is not None
    assert "Market depth" in title[1]


async def test_the_page_may_load_nothing_from_elsewhere(server: ServerProcess) -> None:
    page = await fetch(server.port, "/")
    policy = page.headers["content-security-policy"]
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self' ws: wss:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_whatever_the_page_names_is_there(server: ServerProcess) -> None:
    """Also for modules and styles, which name others."""
    named = set()
    for path in FILES:
        body = (await fetch(server.port, path)).body
        pattern = r"""(?:\bfrom |\bimport\(?|\bsrc=|<link [^>]*\bhref=|url\()\s*['"]([./][^'"#]*)"""
        for name in re.findall(pattern, body):
            folder = Path(path if path != "/" else "/index").parent
            named.add("/" + str((folder / name).resolve().relative_to("/")))
    for path in named:
        assert path in FILES, path


async def test_who_has_a_file_already_is_told_so(server: ServerProcess) -> None:
    first = await fetch(server.port, A_MODULE)
    etag = first.headers["etag"]
    assert re.fullmatch(r'"[^",]+"', etag), "strong"
    assert first.headers["cache-control"] == "no-cache"
    for known in (etag, f"W/{etag}", f'"another", {etag}', "*"):
        page = await fetch(server.port, A_MODULE, headers={"If-None-Match": known})
        assert (page.status, page.body) == (304, ""), known
        assert page.headers["etag"] == etag
        assert page.headers["cache-control"] == "no-cache"
        assert "date" in page.headers
        assert "content-length" not in page.headers
    for other in ('"another"', etag.strip('"'), "", f'{etag[:-2]}"'):
        page = await fetch(server.port, A_MODULE, headers={"If-None-Match": other})
        assert (page.status, page.body) == (200, first.body), other


async def test_the_page_keeps_its_policy_when_it_is_known(server: ServerProcess) -> None:
    first = await fetch(server.port, "/")
    page = await fetch(server.port, "/", headers={"If-None-Match": first.headers["etag"]})
    assert page.status == 304
    assert page.headers["content-security-policy"] == first.headers["content-security-policy"]


async def test_head_is_get_without_the_body(server: ServerProcess) -> None:
    for path in FILES:
        got = await fetch(server.port, path)
        page = await fetch(server.port, path, "HEAD")
        assert (page.status, page.body) == (200, "")
        assert page.headers.keys() == got.headers.keys()
        for name in ("content-length", "content-type", "etag"):
            assert page.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/viewer",
        "/viewer/",
        "/viewer/../viewer/shared/theme.js",
        "/viewer/%74heme.js",
        "/viewer%2Ftheme.js",
        "/Viewer/Theme.js",
        "//viewer/shared/theme.js",
        "/./viewer/shared/theme.js",
        "/viewer/shared/theme.js/",
        "/viewer/shared/theme.js%00",
        "/viewer\\theme.js",
        "/../__init__.py",
        "/../files.py",
        "/viewer/../../files.py",
        "/%2e%2e/files.py",
        "/files.py",
        "/etc/passwd",
        "/../../../../../../etc/passwd",
        f"{WEB}/viewer/shared/theme.js",
        f"file://{WEB}/viewer/shared/theme.js",
    ],
)
async def test_nothing_is_served_but_by_its_own_path(server: ServerProcess, path: str) -> None:
    page = await fetch(server.port, path)
    assert page.status == 404
    assert "/healthz" in page.body, "the pages are listed"


async def test_a_file_is_sent_whole_to_a_reader_that_takes_its_time(server: ServerProcess) -> None:
    path, file = max(web_files().items(), key=lambda item: len(item[1].body))
    assert len(file.body) > 4 * SLOW_BYTES
    async with raw.raw_client(server.port, receive_buffer_bytes=SLOW_BYTES) as client:
        await client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await client.head()
        reads = len(file.body) // SLOW_BYTES - 1
        body = await client.take_slowly(per_read_bytes=SLOW_BYTES, reads=reads, seconds=4.0)
        assert body + await client.until_end() == file.body


@pytest.mark.parametrize(
    "limits",
    [["--max-connections=1"], ["--max-connections-per-address=1"], ["--message-burst=1"]],
)
async def test_a_viewer_is_loaded_though_there_is_no_room_for_a_client(limits: list[str]) -> None:
    paths = [*FILES] * 2
    async with serving_quietly("--seed=1", *limits) as server, connected(server.url):
        for start in range(0, len(paths), AT_ONCE):
            some = paths[start : start + AT_ONCE]
            pages = await asyncio.gather(*(fetch(server.port, path) for path in some))
            assert {page.status for page in pages} == {200}


async def test_files_need_no_credentials_but_data_do(server: ServerProcess) -> None:
    wrong = {"Authorization": "Bearer wrong-token-of-nobody"}
    for path in FILES:
        assert (await fetch(server.port, path, headers=wrong)).status == 200
        assert (await fetch(server.port, f"{path}?token={TOKEN}")).status == 200
    assert (await fetch(server.port, "/api/symbols")).status == 401
    async with raw.raw_client(server.port) as client:
        await client.send(raw.upgrade("/"))
        assert (await client.head()).status == 101
        assert (await client.closed())[0] == 4501


async def test_a_file_under_which_a_websocket_is_opened_is_one_more_path(
    server: ServerProcess,
) -> None:
    for path in ("/", A_MODULE):
        async with connected(f"ws://127.0.0.1:{server.port}{path}?token={TOKEN}") as client:
            await client.subscribe("s")
            await client.receive_type("MarketData", "s")
