"""Which offers of permessage-deflate (RFC 7692) are agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from websockets.exceptions import NegotiationError, ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.typing import ExtensionParameter

__all__ = ["compression_extensions", "is_compressed"]

_WINDOW_BITS = 15


class _Inflating(PerMessageDeflate):
    """Keeps nothing of what comes behind a last block: zlib would keep all of it."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Inflate a frame; behind a last block there may be padding (RFC 7692, section 7.2.3.4)."""
        if frame.opcode is Opcode.CONT and self.decode_cont_data and self.decoder.eof:
            if any(frame.data):
                raise ProtocolError("data behind the last block of a message")
            frame = replace(frame, data=b"")
        return super().decode(frame, max_size=max_size)


class _SharedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to what frames can keep that are compressed once for all clients."""

    def __init__(self) -> None:
        super().__init__(server_no_context_takeover=True, client_no_context_takeover=True)

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Decline a window that is smaller than the one that frames are made with."""
        for name, value in params:
            if name == "server_max_window_bits" and value != str(_WINDOW_BITS):
                raise NegotiationError(f"unsupported server_max_window_bits = {value}")
        response, agreed = super().process_request_params(params, accepted_extensions)
        return response, _Inflating(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
        )


def compression_extensions() -> Sequence[ServerPerMessageDeflateFactory]:
    """Return what a connection's protocol is to negotiate."""
    return [_SharedDeflateFactory()]


def is_compressed(protocol: ServerProtocol) -> bool:
    """Whether a handshake has agreed to permessage-deflate."""
    return any(isinstance(one, PerMessageDeflate) for one in protocol.extensions)
