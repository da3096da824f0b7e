"""CSV as columns: exact numbers, blank lines, ragged rows, blocks cut anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.feeds import csv_table, files
from market_depth.feeds.csv_table import CsvError, CsvRows, converted, csv_header, csv_rows
from support.errors import one_line_error
from support.hypothesis_settings import relaxed

FIELDS = st.text(st.sampled_from("abc019.-"), max_size=4)
TABLE = st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=8)


def fields(rows: CsvRows) -> list[list[str]]:
    return [[rows.text(row, column) for column in range(rows.width)] for row in range(len(rows))]


@relaxed
@given(
    table=TABLE, end=st.sampled_from(["\n", "\r\n", "\n\n"]), ends=st.booleans(),
    block=st.integers(1, 9), room=st.integers(1, 9),
)  # fmt: skip
def test_rows_are_lines_and_fields_are_between_commas(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[list[str]], end: str, ends: bool, block: int, room: int,
) -> None:  # fmt: skip
    path = tmp_path_factory.getbasetemp() / "table.csv"
    text = end.join(",".join(row) for row in table) + (end if ends else "")
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_BLOCK_BYTES", block)
        patch.setattr(files, "_PACKED_BLOCK_BYTES", max(block, 6))
        patch.setattr(csv_table, "_MAX_ROWS", room)
        found = [row for rows in csv_rows(path, 3, has_header=False) for row in fields(rows)]
    wanted = [[*row, "", ""][:3] for row in table if row != [""]]
    assert found == wanted


def rows_of(path: Path, text: str) -> CsvRows:
    path.write_text(text)
    (rows,) = csv_rows(path, 2, has_header=False)
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_numbers_are_exact(path: Path) -> None:
    rows = rows_of(path, "0.1,18446744073709551615\n-2.675,-9223372036854775808\n1e-3,0\n")
    assert rows.units(0, 3).tolist() == [100, -2675, 1]
    assert rows.integers(1).tolist() == [2**64 - 1, 2**63, 0]


@pytest.mark.parametrize("text", ["18446744073709551616", "99999999999999999999", "1.5", "", "-"])
def test_what_is_no_integer_of_64_bits_is_a_fault(path: Path, text: str) -> None:
    rows = rows_of(path, f"1,7\n1,{text}\n")
    with one_line_error(CsvError, str(path), "byte 6", "not an integer"):
        rows.integers(1)


def test_what_is_before_a_fault_is_converted_once(path: Path) -> None:
    path.write_text("1,1\n2,2\n3,x\ny,4\n5,5\n")
    found: list[list[int]] = []
    with one_line_error(CsvError, "'x'", "byte 10"):
        for _, numbers in converted(
            csv_rows(path, 2, has_header=False), lambda rows: rows.units(0, 0) + rows.units(1, 0)
        ):
            found.append(numbers.tolist())
    assert found == [[2, 4]]


def test_a_header_of_too_many_columns_is_refused(path: Path) -> None:
    path.write_text("," * 20_000)
    with one_line_error(FeedError, str(path), "20001 columns"):
        csv_header(path)
