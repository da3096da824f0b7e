"""Whole runs: what is checked is decided by what is in files and beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.verify import Report, Suite
from market_depth.verify.expected import EXPECTED, Expected, hold_against
from market_depth.verify.final_book import FinalBook
from market_depth.verify.findings import Check
from market_depth.verify.recordings import Role, files_below, look_at, recordings_of
from support.checked_files import capture, messages, snapshots
from support.damage import damaged
from support.dbn_files import busy, dbn, levels_dbn, metadata
from support.hypothesis_settings import relaxed
from support.mbp_files import levels_csv, levels_of, orders_csv, simulated
from support.recordings import DATA
from support.seeds import SEEDS, Seed

RECORDS = simulated(300)
LEVELS = levels_of(RECORDS)


def verified(*paths: Path) -> list[Report]:
    return list(Suite().of_files(paths))


def names(report: Report) -> list[str]:
    return [check.name for check in report.checks]


def put(folder: Path, seed: Seed) -> Path:
    for name, data in seed.beside:
        (folder / name).write_bytes(data)
    path = folder / seed.name
    path.write_bytes(seed.data)
    return path


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_file_of_every_format_is_verified(tmp_path: Path, seed: Seed) -> None:
    path = put(tmp_path, seed)
    (report,) = verified(path)
    assert report.format == seed.format
    assert str(path) in report.files
    assert report.error is None
    assert report.events > 0
    assert {"times in order", "invariants"} <= set(names(report))


@relaxed
@given(data=st.data(), seed=st.sampled_from(SEEDS))
def test_any_damage_gives_a_report(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, seed: Seed
) -> None:
    path = put(tmp_path_factory.getbasetemp(), seed)
    path.write_bytes(data.draw(damaged(seed.data)))
    (report,) = verified(path)
    assert report.error is None or len(report.error.splitlines()) == 1


def test_names_of_files_tell_nothing(tmp_path: Path) -> None:
    """Levels, trades of a day and a final book are found whatever they are called."""
    (tmp_path / "a").write_text(orders_csv(RECORDS))
    (tmp_path / "b").write_text(levels_csv(LEVELS))
    (tmp_path / "c").write_text(json.dumps({"orders": 1}))
    (tmp_path / "d").write_text("nothing of the kind")
    (report,) = verified(tmp_path / "a")
    beside = {check.name: Path(check.beside).name for check in report.checks if check.beside}
    assert beside == {"mbp-10 levels": "b", "final book": "c"}
    (levels,) = (check for check in report.checks if check.name == "mbp-10 levels")
    assert levels.made == levels.passed > 50
    assert not report.is_good, "there are more orders than one"


def test_levels_alone_are_held_against_the_orders_beside(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(dbn(*RECORDS, joins=True))
    (tmp_path / "b").write_bytes(levels_dbn(*LEVELS, schema="mbp-10"))
    (report,) = verified(tmp_path / "b")
    (check,) = [check for check in report.checks if check.beside]
    assert (check.name, check.beside) == ("mbp-10 levels", str(tmp_path / "a"))


def test_two_files_that_are_named_are_compared_once_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    paths = tmp_path / "a", tmp_path / "other" / "b"
    paths[0].write_bytes(dbn(*RECORDS, joins=True))
    paths[1].write_bytes(levels_dbn(*LEVELS, schema="mbp-10"))
    found = [(report.name, name) for report in verified(*paths) for name in names(report)]
    assert [pair for pair in found if pair[1] == "mbp-10 levels"] == [
        (str(paths[0]), "mbp-10 levels")
    ]


def test_snapshots_by_order_and_by_price_are_compared(tmp_path: Path) -> None:
    paths = snapshots(tmp_path)
    assert "bids by price" in names(verified(paths[0])[0])
    assert "bids by price" in names(verified(paths[1])[0])
    assert [("bids by price" in names(report)) for report in verified(*paths)] == [True, False]


def test_a_capture_without_its_beginning_is_played_behind_the_one_before(tmp_path: Path) -> None:
    entries = messages()
    first = capture(tmp_path / "z", entries[:4])
    second = capture(tmp_path / "a", entries[4:])
    second.write_text(second.read_text().replace("1703548799", "1703548800"))
    (report,) = verified(second)
    assert report.name == f"{first} + {second}"
    assert [one.passed for one in report.checks if one.name == "bookTicker"] == [2]
    first.unlink()
    (report,) = verified(second)
    assert report.name == str(second)
    assert "joined in mid-session" in report.notes[0]


def test_a_capture_is_not_played_behind_a_later_one(tmp_path: Path) -> None:
    entries = messages()
    first = capture(tmp_path / "z", entries[:4])
    second = capture(tmp_path / "a", entries[4:])
    first.write_text(first.read_text().replace("1703548799", "1703548800"))
    (report,) = verified(second)
    assert report.name == str(second)


def test_a_capture_that_does_not_follow_on_the_one_before_stays_alone(tmp_path: Path) -> None:
    entries = messages()
    capture(tmp_path / "z", entries[:2])
    second = capture(tmp_path / "a", entries[4:])
    second.write_text(second.read_text().replace("1703548799", "1703548800"))
    (report,) = verified(second)
    assert report.name == str(second)


def test_records_without_a_book_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "headless").write_bytes(dbn(*busy(3), head=b"", joins=True))
    (tmp_path / "unplayable").write_bytes(metadata(schema="definition"))
    for path, made in ((tmp_path / "headless", 3), (tmp_path / "unplayable", 0)):
        (report,) = verified(path)
        assert report.is_good
        assert [(one.name, one.made) for one in report.checks] == [("records decoded", made)]
        assert "nothing to play" in report.notes[0]


def test_what_is_no_recording_is_an_error_if_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind")
    (report,) = verified(path)
    assert report.error is not None
    assert "no known format" in report.error
    suite = Suite()
    assert list(suite.of_files([tmp_path])) == []
    assert suite.left_out == [str(path)]


def test_a_final_book_needs_its_recording(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text(json.dumps({"orders": 5}))
    (report,) = verified(path)
    assert report.error is not None
    assert "name its recording" in report.error


def test_a_final_book_belongs_to_the_recording_that_ends_so(tmp_path: Path) -> None:
    for name, count in (("a", 3), ("b", 5)):
        (tmp_path / name).write_bytes(dbn(*busy(count)))
    book = tmp_path / "book.json"
    book.write_text(json.dumps({"orders": 5, "sequence": 5}))
    assert [("final book" in names(report)) for report in verified(tmp_path)] == [False, True]
    book.write_text(json.dumps({"orders": 5}))
    assert [("final book" in names(report)) for report in verified(tmp_path)] == [False, False]
    (report,) = verified(tmp_path / "a", book)
    assert not report.is_good


def test_a_format_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(dbn(*busy(3)))
    (report,) = Suite(format_name="kraken").of_files([path])
    assert report.format == "kraken"
    assert report.error is not None
    with pytest.raises(FeedError, match="unknown format"):
        list(Suite(format_name="x").of_files([path]))


def test_files_that_belong_together_are_one_recording(tmp_path: Path) -> None:
    (seed,) = [one for one in SEEDS if str(one) == "lobster-message"]
    put(tmp_path, seed)
    (tmp_path / ".hidden").write_text("x")
    paths = files_below(tmp_path)
    assert len(paths) == 2
    files = [look_at(path) for path in paths]
    assert [file.role for file in files] == [Role.PLAYED] * 2
    (recording,) = recordings_of(files)
    assert set(recording.paths) == set(paths)


def test_responses_beside_a_capture_are_a_part_of_it(tmp_path: Path) -> None:
    (seed,) = [one for one in SEEDS if str(one) == "binance-text"]
    lines = seed.data.splitlines(keepends=True)
    (tmp_path / "B.ws.1.0").write_bytes(b"".join(one for one in lines if b" -> " not in one))
    (tmp_path / "B.http.0.0").write_bytes(b"".join(one for one in lines if b" -> " in one))
    (report,) = verified(tmp_path)
    assert [Path(file).name for file in report.files] == ["B.ws.1.0", "B.http.0.0"]
    assert report.events == verified(put(tmp_path, seed))[0].events


KNOWN = (
    Expected(
        "orders", {"records decoded": 6}, {"add": 5, "events": 6}, final_book=FinalBook(orders=5)
    ),
    Expected("days/a + days/b", figures={"events": 10}),
    Expected("many", {"records decoded": 7}, {"files": 2}, is_folder=True),
    Expected("gone"),
)


def folder(path: Path) -> Path:
    """Return a folder of which the figures of `KNOWN` are right, but for one that is not there."""
    for name in ("days", "many"):
        (path / name).mkdir()
    for name, count in (("orders", 5), ("days/a", 4), ("days/b", 4), ("many/c", 2), ("many/d", 3)):
        (path / name).write_bytes(dbn(*busy(count)))
    (path / "README").write_text("nothing of the kind")
    return path


def test_known_recordings_of_a_folder_reach_their_figures(tmp_path: Path) -> None:
    suite = Suite(folder(tmp_path), known=KNOWN)
    reports = {report.name: report for report in suite.of_folder()}
    assert list(reports) == ["days/a", "days/b", "orders", "many", "days/a + days/b"]
    assert all(report.is_good for report in reports.values()), reports
    assert "final book" in names(reports["orders"])
    assert len(reports["many"].files) == 2
    assert (suite.missing, suite.left_out) == (["gone"], ["README"])


@pytest.mark.parametrize(
    ("name", "count", "missed"),
    [
        ("orders", 4, ["records decoded: 5 of 5 instead of 6 of 6", "add: 4 instead of 5"]),
        ("many/c", 1, ["records decoded: 6 of 6 instead of 7 of 7"]),
        ("days/a", 3, ["events: 9 instead of 10"]),
    ],
)
def test_a_figure_that_is_not_reached_is_told(
    tmp_path: Path, name: str, count: int, missed: list[str]
) -> None:
    (folder(tmp_path) / name).write_bytes(dbn(*busy(count)))
    bad = [one for one in Suite(tmp_path, known=KNOWN).of_folder() if not one.is_good]
    (report,) = bad
    assert report.missed[: len(missed)] == missed


def test_a_known_recording_that_is_another_thing_is_an_error(tmp_path: Path) -> None:
    (folder(tmp_path) / "orders").write_text("nothing of the kind")
    (bad,) = [one for one in Suite(tmp_path, known=KNOWN).of_folder() if not one.is_good]
    assert bad.name == "orders"
    assert bad.error is not None


def test_a_file_of_the_folder_is_held_against_its_figures(tmp_path: Path) -> None:
    (folder(tmp_path) / "orders").write_bytes(dbn(*busy(4)))
    (report,) = Suite(tmp_path, known=KNOWN).of_files([tmp_path / "orders"])
    assert (report.name, len(report.missed)) == ("orders", 3)


def test_what_may_fail_is_known_by_its_figures() -> None:
    report = Report("", [], checks=[Check("a", 10, 9)], error="x is cut off at byte 5")
    hold_against(report, Expected("", {"a": (9, 10)}, is_cut=True))
    assert report.is_good
    assert "cut off" in report.notes[0]
    report.checks[0].passes()
    hold_against(report, Expected("", {"a": (9, 10)}, shares={"b": (0.5, 1)}))
    assert report.missed[0] == "a: 10 of 11 instead of 9 of 10"
    assert "b: " in report.missed[1]


def test_each_known_recording_is_there_where_the_folder_is() -> None:
    if not DATA.is_dir():
        pytest.skip(f"no recordings: {DATA} is not there (MARKET_DEPTH_DATA names their folder)")
    for expected in EXPECTED:
        for name in expected.name.split(" + "):
            assert (DATA / name).exists(), name
