"""Which offers of permessage-deflate are agreed to, and in which words (RFC 7692, section 7.1)."""

from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from market_depth.protocol.deflate import deflated, stored_block
from market_depth.protocol.frames import TEXT, frame_header
from market_depth.server.compression import compression_extensions, is_compressed
from support import raw

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def handshake(offer: str | None) -> tuple[ServerProtocol, str | None]:
    """Return a server's side after a handshake, and the extensions that it answered."""
    protocol = ServerProtocol(extensions=compression_extensions())
    protocol.receive_data(raw.upgrade(Sec_WebSocket_Extensions=offer))
    (request,) = protocol.events_received()
    assert isinstance(request, Request)
    response = protocol.accept(request)
    protocol.send_response(response)
    assert response.status_code == 101, response.body
    return protocol, response.headers.get("Sec-WebSocket-Extensions")


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", AGREED),
        ("permessage-deflate; server_no_context_takeover", AGREED),
        ("permessage-deflate; client_no_context_takeover", AGREED),
        (AGREED, AGREED),
        # A hint that the client can be told a window: it keeps its own.
        ("permessage-deflate; client_max_window_bits", AGREED),
        ("permessage-deflate; client_max_window_bits=10", f"{AGREED}; client_max_window_bits=10"),
        ("permessage-deflate; client_max_window_bits=8", f"{AGREED}; client_max_window_bits=8"),
        ("permessage-deflate; server_max_window_bits=15", f"{AGREED}; server_max_window_bits=15"),
        ('permessage-deflate; server_max_window_bits="15"', f"{AGREED}; server_max_window_bits=15"),
        # What browsers say.
        ("permessage-deflate; client_max_window_bits, x-webkit-deflate-frame", AGREED),
    ],
)
def test_an_offer_that_can_be_met_is_agreed_to(offer: str, answer: str) -> None:
    protocol, answered = handshake(offer)
    assert answered == answer
    assert is_compressed(protocol)


@pytest.mark.parametrize("bits", range(8, 15))
def test_a_window_smaller_than_the_servers_is_declined(bits: int) -> None:
    protocol, answered = handshake(f"permessage-deflate; server_max_window_bits={bits}")
    assert answered is None
    assert not is_compressed(protocol)


@pytest.mark.parametrize(
    "offer",
    [
        None,
        "x-webkit-deflate-frame",
        "permessage-bzip2",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=015",
        "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_max_window_bits=10; client_max_window_bits=11",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    ],
)
def test_an_offer_that_is_none_or_not_valid_is_declined(offer: str | None) -> None:
    """RFC 7692, section 7.1: declined, so that the connection opens without compression."""
    protocol, answered = handshake(offer)
    assert answered is None
    assert not is_compressed(protocol)
    assert protocol.state is State.OPEN


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        # As RFC 7692, section 5.1, has it: the client's first choice, and what else would do.
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", AGREED),
        ("permessage-deflate; unknown, permessage-deflate", AGREED),
        ("x-unknown; a=1, permessage-deflate", AGREED),
        (
            "permessage-deflate; client_max_window_bits=10, permessage-deflate",
            f"{AGREED}; client_max_window_bits=10",
        ),
        ("permessage-deflate, permessage-deflate", AGREED),
        (
            "permessage-deflate; server_max_window_bits=9, "
            "permessage-deflate; server_max_window_bits=14, "
            "permessage-deflate; server_max_window_bits=15",
            f"{AGREED}; server_max_window_bits=15",
        ),
    ],
)
def test_of_several_offers_the_first_that_can_be_met_is_agreed_to(offer: str, answer: str) -> None:
    protocol, answered = handshake(offer)
    assert answered == answer
    assert is_compressed(protocol)


def test_connections_share_no_state() -> None:
    _, first = handshake("permessage-deflate; client_max_window_bits=9")
    _, second = handshake("permessage-deflate")
    assert (first, second) == (f"{AGREED}; client_max_window_bits=9", AGREED)


def test_nothing_is_compressed_before_the_handshake_or_without_compression() -> None:
    assert not is_compressed(ServerProtocol(extensions=compression_extensions()))
    assert not is_compressed(ServerProtocol(extensions=None))


# Against a client's side


def connected(offer: ClientPerMessageDeflateFactory) -> tuple[ClientProtocol, ServerProtocol]:
    """Return both sides after a handshake."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), extensions=[offer])
    client.send_request(client.connect())
    server = ServerProtocol(extensions=compression_extensions())
    server.receive_data(b"".join(client.data_to_send()))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    client.receive_data(b"".join(server.data_to_send()))
    (response,) = client.events_received()
    assert isinstance(response, Response)
    return client, server


OFFERS = [
    ClientPerMessageDeflateFactory(),
    ClientPerMessageDeflateFactory(client_max_window_bits=9),
    ClientPerMessageDeflateFactory(client_max_window_bits=None),
    ClientPerMessageDeflateFactory(server_no_context_takeover=True, server_max_window_bits=15),
    ClientPerMessageDeflateFactory(client_no_context_takeover=True),
]


@pytest.mark.parametrize("offer", OFFERS)
def test_a_client_takes_the_answer_and_both_inflate_what_comes(
    offer: ClientPerMessageDeflateFactory,
) -> None:
    client, server = connected(offer)
    assert client.handshake_exc is None
    assert is_compressed(server)
    for number in range(3):
        text = b'{"type":"Ping","id":%d}' % number * 50
        client.send_text(text)
        sent = b"".join(client.data_to_send())
        assert len(sent) < len(text) / 2
        server.receive_data(sent)
        (received,) = server.events_received()
        assert isinstance(received, Frame)
        assert received.data == text
        payload = stored_block(b"%d:" % number) + deflated(text)
        client.receive_data(frame_header(len(payload), TEXT, is_compressed=True) + payload)
        (answer,) = client.events_received()
        assert isinstance(answer, Frame)
        assert answer.data == b"%d:" % number + text


def test_a_client_that_insists_on_a_smaller_window_goes_without() -> None:
    client, server = connected(ClientPerMessageDeflateFactory(server_max_window_bits=12))
    assert client.handshake_exc is None
    assert (client.extensions, server.extensions) == ([], [])


def test_the_servers_window_is_kept_for_each_message_alone() -> None:
    _, server = connected(ClientPerMessageDeflateFactory())
    (agreed,) = server.extensions
    assert isinstance(agreed, PerMessageDeflate)
    assert agreed.local_no_context_takeover
    assert agreed.remote_no_context_takeover
    assert agreed.local_max_window_bits == 15
