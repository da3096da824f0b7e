"""Servers and load generators as processes, and what they use."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any

import psutil

from market_depth.protocol.encoders import encode_json

__all__ = ["Measured", "Server", "baseline_server", "load", "market_depth_server"]


@dataclass
class Measured:
    """What one measurement says."""

    messages: int
    size_bytes: int
    seconds: float
    server_cpu_s: float
    load_cpu_share: float
    delay_p50_s: float | None
    delay_p99_s: float | None
    """From a message's own timestamp to its first byte at the client."""
    gap_p99_s: float | None
    """Between two messages of a stream, of connections with one stream."""

    @property
    def message_bytes(self) -> float:
        """Mean size of a message, its frame included."""
        return self.size_bytes / max(self.messages, 1)

    @property
    def cpu_us_per_message(self) -> float:
        """CPU time that the server took for each message, everything included, in µs."""
        return self.server_cpu_s / max(self.messages, 1) * 1e6


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._usage = psutil.Process(process.pid)

    def cpu_s(self) -> float:
        """Return the CPU seconds it has used: on Linux to the nanosecond, of all threads."""
        schedules = Path(f"/proc/{self._usage.pid}/task").glob("*/schedstat")
        if used_ns := sum(int(schedule.read_text().split()[0]) for schedule in schedules):
            return used_ns / 1e9
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    def rss_bytes(self) -> int:
        """Return its resident memory."""
        return int(self._usage.memory_info().rss)

    def get_json(self, path: str) -> Any:
        """Return what an HTTP page of it says."""
        return json.loads(self._get(path))

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        lines = self._get("/metrics").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return str(answer.read(), "utf-8")


@contextmanager
def _running(command: list[str], **pipes: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-m", *command], text=True, **pipes)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def market_depth_server(*options: str) -> Iterator[Server]:
    """Run `market-depth serve` on a free port."""
    command = ["market_depth", "serve", "--addr=127.0.0.1:0", "--log-format=json", *options]
    with _running([*command, "--log-level=info"], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if '"listening"' in line:
                port = int(json.loads(line)["addr"].rpartition(":")[2])
                break
        else:
            raise RuntimeError("the server did not start")
        _drain(process.stderr)
        yield Server(process, port)


def _drain(stream: IO[str]) -> None:
    """Keep a server's log pipe from filling up, until the server ends."""
    Thread(target=lambda: deque(stream, maxlen=0), daemon=True).start()


@contextmanager
def baseline_server(
    kind: str, messages: Sequence[bytes], interval_s: float = 0.0, *, is_random: bool = False
) -> Iterator[Server]:
    """Run one of the baseline servers.

    Args:
        kind: see `benchmarks.baselines`.
        messages: what it sends, one after the other, over and over.
        interval_s: time between two of them.
        is_random: whether that is just the mean, as of things that happen by chance.
    """
    command = ["benchmarks.baselines", kind, f"--interval-s={interval_s}"]
    if is_random:
        command.append("--random")
    with _running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in messages:
            process.stdin.write(base64.b64encode(message).decode() + "\n")
        process.stdin.close()
        yield Server(process, int(process.stdout.readline()))


class _Load:
    def __init__(self, process: subprocess.Popen[str], server: Server) -> None:
        self._process = process
        self._server = server

    def measure(self, seconds: float) -> Measured:
        """Count what arrives, and what the server uses, for so long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        cpu_s = self._server.cpu_s()
        self._process.stdin.write(f"measure {seconds}\n")
        self._process.stdin.flush()
        result = json.loads(self._process.stdout.readline())
        return Measured(
            messages=result["messages"],
            size_bytes=result["size_bytes"],
            seconds=result["seconds"],
            server_cpu_s=self._server.cpu_s() - cpu_s,
            load_cpu_share=result["cpu_share"],
            delay_p50_s=result["delay_p50_s"],
            delay_p99_s=result["delay_p99_s"],
            gap_p99_s=result["gap_p99_s"],
        )


@contextmanager
def load(
    server: Server,
    connections: int,
    *,
    streams: int = 1,
    data_type: str = "MBP",
    levels: int = 20,
    fields: Mapping[str, object] | None = None,
    has_own_ids: bool = False,
    is_compressed: bool = False,
    reading: str = "all",
) -> Iterator[_Load]:
    """Connect that many clients to a server, each with that many streams.

    Args:
        server: to connect to.
        connections: how many clients.
        streams: of each client.
        data_type: of the streams.
        levels: of the streams.
        fields: more of each Subscribe.
        has_own_ids: whether no two clients use one stream_id.
        is_compressed: whether permessage-deflate is offered.
        reading: "all", "sampled" or "none", see `benchmarks.load`.
    """
    command = [
        "benchmarks.load",
        f"--port={server.port}",
        f"--connections={connections}",
        f"--streams={streams}",
        f"--data-type={data_type}",
        f"--levels={levels}",
        f"--fields={encode_json(fields or {}).decode()}",
        f"--reading={reading}",
        *(["--own-ids"] if has_own_ids else []),
        *(["--deflate"] if is_compressed else []),
    ]
    with _running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError(f"the load generator did not get ready: {line!r}")
        yield _Load(process, server)
