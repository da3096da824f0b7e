"""The checksum of a view, and the vectors by which others can test theirs."""

from __future__ import annotations

import json
import subprocess
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from market_depth.protocol.checksum import level_checksum, order_checksum
from market_depth.protocol.messages import BboData, MboData, MbpData
from market_depth.protocol.view_checksum import ViewChecksum
from support.checksum_vectors import PATH, VECTORS, Vector, document
from support.node import NODE

SCRIPT = Path(__file__).with_name("checksum.mjs")
WRITTEN: list[dict[str, Any]] = json.loads(PATH.read_text(), parse_float=Decimal)["vectors"]


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def units(row: dict[str, Any], vector: dict[str, Any]) -> tuple[int, int]:
    """Return (price, quantity) of a row as counts of their last decimals."""
    price = Decimal(row["price"]).scaleb(vector["price_decimals"])
    quantity = Decimal(row["quantity"]).scaleb(vector["quantity_decimals"])
    assert price == int(price)
    assert quantity == int(quantity)
    return int(price), int(quantity)


def test_the_file_is_as_it_is_made() -> None:
    assert PATH.read_text() == document()
    assert len({vector["name"] for vector in WRITTEN}) == len(WRITTEN) >= 20


@pytest.mark.parametrize("vector", WRITTEN, ids=named)
def test_a_vector_is_the_crc_of_its_text(vector: dict[str, Any]) -> None:
    assert zlib.crc32(vector["text"].encode("ascii")) == vector["checksum"]


@pytest.mark.parametrize("vector", WRITTEN, ids=named)
def test_a_vector_is_the_checksum_of_its_rows(vector: dict[str, Any]) -> None:
    sides = [vector["data"][side] for side in ("bids", "asks")]
    if vector["data_type"] == "MBO":
        bids, asks = ([(row["order_id"], *units(row, vector)) for row in side] for side in sides)
        assert order_checksum(bids, asks) == vector["checksum"]
    else:
        levels = [[units(row, vector) for row in side] for side in sides]
        assert level_checksum(*levels) == vector["checksum"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_server_tells_the_checksum_of_a_vector(vector: Vector) -> None:
    assert ViewChecksum().of(vector.data_type, vector.view()) == vector.checksum()


@pytest.mark.parametrize("vector", WRITTEN, ids=named)
def test_the_rows_of_a_vector_are_as_on_the_wire(vector: dict[str, Any]) -> None:
    kinds = MbpData | MboData | BboData
    data = msgspec.convert(vector["data"], kinds, strict=False)
    assert type(data).__struct_config__.tag == vector["data_type"]


def test_another_language_finds_the_same() -> None:
    run = subprocess.run(
        [NODE, SCRIPT], input=PATH.read_text(), capture_output=True, text=True, check=True
    )
    wanted = [{"text": one["text"], "checksum": one["checksum"]} for one in WRITTEN]
    assert json.loads(run.stdout) == wanted
