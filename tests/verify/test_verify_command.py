"""`market-depth verify`: its table, its exit code, and what it says where there is nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from market_depth.commands.verify import data_folder, details_of, rows_of, run
from market_depth.errors import ConfigError, FeedError
from market_depth.verify import Check, Difference, Report
from support.checked_files import capture, messages
from support.commands import run_command
from support.dbn_files import busy, dbn, levels_dbn
from support.errors import one_line_error
from support.mbp_files import levels_of, simulated


@pytest.fixture(autouse=True)
def no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no recordings are."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("MARKET_DEPTH_DATA", raising=False)


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_table_has_a_line_for_each_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = capture(tmp_path / "capture", messages())
    assert run([path], as_json=False)
    lines = shown(capsys)
    assert lines == [
        "recording events check made passed",
        f"{path} 10 update id 3 3 ok",
        "bookTicker 2 2 ok",
        "books 16 16 ok",
        "",
        "1 recordings, 10 events, 21 checks: all as they should be",
    ]


async def test_a_broken_recording_is_exit_code_1_and_its_first_difference_is_shown(
    tmp_path: Path,
) -> None:
    good = capture(tmp_path / "good", messages())
    bad = capture(tmp_path / "bad", messages(size="2.25"))
    finished = await run_command("verify", str(good), str(bad))
    assert finished.code == 1
    text = "\n".join(finished.out)
    assert re.search(r"bookTicker +2 +1 +FAILED", text)
    assert re.search(
        rf"\n{bad}\n  first difference, bookTicker: {bad}, message at byte \d+: B: bid", text
    )
    assert re.search(r"\n +bids +expected +asks +expected\n", text)
    assert re.search(r"\n +1 +100.50 × 2.25 +100.50 × 2.50 +≠ ", text)
    assert finished.out[-1].endswith("1 FAILED")
    assert finished.err == [f"verifying {tmp_path}"]
    assert (await run_command("verify", str(good))).code == 0


async def test_orders_and_levels_that_differ_are_exit_code_1(tmp_path: Path) -> None:
    records = simulated(200)
    levels = levels_of(records)
    (tmp_path / "orders").write_bytes(dbn(*records, joins=True))
    place = next(n for n in range(50, 100) if levels[n].action != "T")
    (price, size, count), *rest = levels[place].asks
    levels[place] = levels[place]._replace(asks=[(price, size + 1, count), *rest])
    (tmp_path / "levels").write_bytes(levels_dbn(*levels, schema="mbp-10"))
    finished = await run_command("verify", str(tmp_path / "orders"))
    assert finished.code == 1
    text = "\n".join(finished.out)
    assert re.search(r"mbp-10 levels, levels +\d+ +\d+ +FAILED", text)
    assert f"ask level 1 is not what record {place + 1} of {tmp_path / 'levels'}" in text
    assert f"sequence {levels[place].sequence}" in text


def test_a_file_that_is_cut_is_not_as_it_should_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a"
    path.write_bytes(dbn(*busy(5))[:-1])
    assert not run([path], as_json=False)
    lines = shown(capsys)
    assert "read to its end 1 0 FAILED" in lines
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert "at byte" in error


def test_json_is_an_object_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [capture(tmp_path / name, messages(size)) for name, size in (("a", "2.5"), ("b", "2"))]
    assert not run(paths, as_json=True)
    good, bad = (
        msgspec.json.decode(line, type=Report) for line in capsys.readouterr().out.splitlines()
    )
    assert (good.name, good.is_good) == (str(paths[0]), True)
    (check,) = [one for one in bad.checks if one.name == "bookTicker"]
    assert check.difference is not None
    assert "≠" in check.difference.book[1]


def test_all_recordings_of_the_folder_are_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    capture(data / "capture", messages())
    (data / "README").write_text("nothing of the kind")
    monkeypatch.setenv("MARKET_DEPTH_DATA", str(data))
    for files in ([], [data]):
        assert run(files, as_json=False)
        lines = shown(capsys)
        assert lines[1].startswith("capture 10 ")
        assert any(line.startswith("not there, and left out: lobster/") for line in lines)
        assert lines[-1] == "no recordings: README"


def test_a_figure_that_is_known_and_not_reached_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "cryptofeed").mkdir(parents=True)
    capture(tmp_path / "data" / "cryptofeed" / "BINANCE.ws.1.0", messages())
    monkeypatch.setenv("MARKET_DEPTH_DATA", str(tmp_path / "data"))
    assert not run([], as_json=False)
    assert "figure not reached: bookTicker: 2 of 2 instead of 26 of 26" in shown(capsys)


async def test_without_recordings_one_line_says_so() -> None:
    finished = await run_command("verify")
    assert (finished.code, finished.err) == (0, [])
    (line,) = finished.out
    assert line.startswith("nothing verified: ../shared/data is not there")


async def test_what_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    finished = await run_command("verify", environment={"MARKET_DEPTH_DATA": str(gone)})
    assert (finished.code, finished.out) == (2, [])
    assert str(gone) in finished.err[0]
    finished = await run_command("verify", str(gone))
    assert (finished.code, finished.out) == (2, [])
    assert finished.err == [f"market-depth: error: can't verify {gone}: it is not there"]


def test_an_unknown_format_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(dbn(*busy(3)))
    with one_line_error(FeedError, "'x'"):
        run([path], as_json=False, format_name="x")


def test_the_folder_is_named_or_lies_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data_folder() is None
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert data_folder() == Path("../shared/data")
    monkeypatch.setenv("MARKET_DEPTH_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("MARKET_DEPTH_DATA", str(tmp_path / "gone"))
    with one_line_error(ConfigError, "MARKET_DEPTH_DATA", str(tmp_path / "gone")):
        data_folder()


def test_common_checks_are_one_line_while_they_pass() -> None:
    checks = [Check("invariants", 5, 5), Check("own", 2, 2), Check("times in order", 7, 7)]
    report = Report("a", ["a"], events=9, checks=checks)
    assert [row[2:] for row in rows_of(report)] == [
        ("own", "2", "2", "ok"),
        ("books", "12", "12", "ok"),
    ]
    checks[0].made = 6
    assert [(row.check, row.result) for row in rows_of(report)] == [
        ("invariants", "FAILED"),
        ("own", "ok"),
        ("books", "ok"),
    ]


def test_recordings_and_companions_are_told_shortly() -> None:
    soft = Check("soft", 8, 2, is_soft=True, beside="x/y/trades.csv")
    report = Report("d/a + d/b", ["d/a", "d/b"], checks=[soft])
    (row,) = rows_of(report)
    assert (row.recording, row.check, row.result) == ("d/a + b", "soft, trades.csv", "25.00%")
    (row,) = rows_of(Report("d", ["d/a", "d/b", "d/c"]))
    assert (row.recording, row.check) == ("d (3 files)", "nothing to check")


def test_figures_that_are_known_are_one_line() -> None:
    known = {"a": "1", "b": "2", "c": "3", "d": "4"}
    checks = [Check("known figures", 4, 3)]
    (row,) = rows_of(Report("a", ["a"], checks=checks, known=known))
    assert row[2:] == ("known: a 1, b 2, c 3 and 1 more", "4", "3", "FAILED")


def test_details_tell_all_that_is_wrong() -> None:
    checks = [
        Check("good", 1, 1, difference=None),
        Check("soft", 2, 1, is_soft=True, difference=Difference("not told")),
        Check("bad", 2, 1, difference=Difference("here", ["1", "2"])),
    ]
    report = Report("a", ["a"], checks=checks, missed=["m"], notes=["n"], error="e")
    assert list(details_of(report)) == [
        "",
        "a",
        "  error: e",
        "  figure not reached: m",
        "  first difference, bad: here",
        "    1",
        "    2",
        "  note: n",
    ]
    assert list(details_of(Report("a", ["a"], checks=checks[:2]))) == []
    assert json.loads(msgspec.json.encode(report))["missed"] == ["m"]
