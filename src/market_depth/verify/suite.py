"""Recordings verified one after the other: what is found of each, and what is known of it.

A final book in a folder with several recordings of one kind belongs to the one that ends with the
event which it tells; elsewhere, and if it is named together with a recording, it is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from market_depth.errors import FeedError, MarketDepthError
from market_depth.feeds.base import OpenOptions
from market_depth.instruments import Instrument
from market_depth.verify.checkers import ALONE, can_be_compared, compare_pair, play_checked
from market_depth.verify.expected import EXPECTED, Expected, hold_against
from market_depth.verify.final_book import (
    FinalBook,
    check_final_book,
    read_final_books,
    tells_last_event,
)
from market_depth.verify.findings import Report, merged
from market_depth.verify.playback import Playback
from market_depth.verify.recordings import (
    File,
    Recording,
    Role,
    begin_ns,
    files_below,
    is_venue,
    look_at,
    paths_of,
    recordings_of,
)
from market_depth.verify.venues import tells_no_books

__all__ = ["Suite"]

_BETWEEN = " + "
_MAX_BESIDE = 2_000
"""With more files in a folder none is looked at for lying beside another."""


class Suite:
    """Verifies files, or a folder of recordings.

    Args:
        folder: of the recordings of which figures are known; `None` if it is not there.
        format_name: of files that are named; `None` tells it by each file.
        known: the figures.
        tell: called with the name of each recording before it is verified.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        format_name: str | None = None,
        known: Sequence[Expected] = EXPECTED,
        tell: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.missing: list[str] = []
        """Recordings of which figures are known, and which are not in the folder."""
        self.left_out: list[str] = []
        """Files of the folder that are no recordings."""
        self._folder = folder.resolve() if folder is not None else None
        self._format_name = format_name
        self._tell = tell
        self._given: list[File] = []
        self._looked_at: dict[Path, File] = {}
        self._planned: set[Path] = set()
        """Files whose recordings are verified anyway."""
        self._known = {one.name: one for one in known}

    def of_files(self, paths: Sequence[Path]) -> Iterator[Report]:
        """Verify files and what lies beside them; of a folder, all recordings in it.

        Raises:
            FeedError: if there is no format of the given name.
        """
        named = [path for path in paths if not path.is_dir()]
        self._looked_at = {path: look_at(path, self._format_name) for path in named}
        self._given = list(self._looked_at.values())
        below = [one for path in paths if path.is_dir() for one in files_below(path)]
        others = [self._look_at(path) for path in below]
        self._leave_out(others)
        recordings = self._plan((*self._given, *others))
        for file in self._given:
            if file.role is Role.UNKNOWN or (file.role is Role.FINAL_BOOK and not recordings):
                reason = file.reason or f"{file.path} tells a final book; name its recording too"
                yield Report(self._name([file.path]), [str(file.path)], error=reason)
        for recording in recordings:
            yield self._verified(recording)

    def of_folder(self) -> Iterator[Report]:
        """Verify all recordings in the folder.

        Those in a folder of which figures are known as a whole are taken together.
        """
        assert self._folder is not None
        files = [self._look_at(path) for path in files_below(self._folder)]
        self._leave_out(files)
        wholes = {one.name: list[Report]() for one in self._known.values() if one.is_folder}
        seen = set()
        for recording in self._plan(files):
            report = self._verified(recording)
            seen.add(report.name)
            whole = next((name for name in wholes if report.name.startswith(f"{name}/")), None)
            if whole is None:
                yield report
            else:
                wholes[whole].append(report)
        for name, reports in wholes.items():
            if reports:
                seen.add(name)
                yield self._held(merged(name, reports))
        yield from self._rest(seen)

    def _leave_out(self, files: Iterable[File]) -> None:
        self.left_out = [self._name([file.path]) for file in files if file.role is Role.UNKNOWN]

    def _plan(self, files: Iterable[File]) -> list[Recording]:
        recordings = recordings_of(files)
        self._planned = {path for recording in recordings for path in recording.paths}
        return recordings

    def _rest(self, seen: set[str]) -> Iterator[Report]:
        """Verify recordings of which figures are known and that have not been put together yet."""
        assert self._folder is not None
        for expected in self._known.values():
            if expected.name in seen:
                continue
            paths = [self._folder / name for name in expected.name.split(_BETWEEN)]
            if len(paths) > 1 and all(path.is_file() for path in paths):
                files = tuple(map(self._look_at, paths))
                yield self._verified(Recording(files, paths_of(files)))
            elif any(path.exists() for path in paths):
                reason = f"{paths[0]} is not what it is known to be, or part of it is missing"
                yield Report(expected.name, list(map(str, paths)), error=reason)
            else:
                self.missing.append(expected.name)

    def _name(self, paths: Iterable[Path]) -> str:
        """Return what files are called: relative to the folder if they are in it."""
        names = []
        for path in paths:
            name = str(path)
            if self._folder is not None:
                with suppress(ValueError):
                    name = path.resolve().relative_to(self._folder).as_posix()
            names.append(name)
        return _BETWEEN.join(names)

    def _verified(self, recording: Recording) -> Report:
        """Verify a recording; behind the one before it, if it lacks its beginning."""
        report, playback = self._checked(recording)
        if playback is not None and playback.lacks_its_beginning:
            longer = self._with_the_one_before(recording)
            other, whole = (report, playback) if longer is None else self._checked(longer)
            if whole is not None and not whole.lacks_its_beginning and other.is_good:
                report = other
            else:
                report.notes.append("books were joined in mid-session, and did not become whole")
        return self._held(report)

    def _with_the_one_before(self, recording: Recording) -> Recording | None:
        """Return a recording together with the one that was made before it, `None` if there is no
        such one beside it."""
        if not is_venue(recording):
            return None
        begin = begin_ns(recording)
        before: list[tuple[int, File]] = []
        for other in recordings_of(self._beside(recording)):
            with suppress(FeedError):
                if other.first.format == recording.first.format and begin_ns(other) < begin:
                    before.append((begin_ns(other), other.first))
        if not before:
            return None
        files = (max(before, key=lambda pair: pair[0])[1], *recording.files)
        return Recording(files, paths_of(files))

    def _checked(self, recording: Recording) -> tuple[Report, Playback | None]:
        """Make all checks of a recording; return its books too if it could be played to its end."""
        first = recording.first
        report = Report(
            self._name(file.path for file in recording.files),
            [str(path) for path in recording.paths],
            first.format.name if first.format is not None else "dbn",
        )
        self._tell(report.name)
        alone = ALONE.get(report.format)
        playback: Playback | None = None
        try:
            if alone is not None:
                alone(recording.paths, report)
        except MarketDepthError as error:
            report.error = str(error)
        try:
            playback = self._played(recording, report)
            if playback is not None:
                self._check_final_books(recording, playback, report)
            self._compare_with_others(recording, report)
        except MarketDepthError as error:
            report.error = report.error or str(error)
        return report, playback

    def _played(self, recording: Recording, report: Report) -> Playback | None:
        first = recording.first
        if first.role is Role.DECODED or first.format is None:
            report.notes.append(f"nothing to play: {first.reason}")
            return None
        try:
            source = first.format.open(recording.paths, OpenOptions())
        except FeedError as error:
            if not (is_venue(recording) and tells_no_books(first.format.name, recording.paths)):
                raise
            report.notes.append(f"nothing to play: {error}")
            return None
        return play_checked(first.path, source, report)

    def _beside(self, recording: Recording) -> list[File]:
        """Return what lies beside a recording, and other files that were named with it."""
        folder = recording.first.path.parent
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        beside = map(self._look_at, paths if len(paths) <= _MAX_BESIDE else ())
        files = dict.fromkeys((*beside, *self._given))
        return [file for file in files if file.path not in recording.paths]

    def _look_at(self, path: Path) -> File:
        if path not in self._looked_at:
            self._looked_at[path] = look_at(path)
        return self._looked_at[path]

    def _compare_with_others(self, recording: Recording, report: Report) -> None:
        """Compare with what lies beside; once, of two recordings that are both verified."""
        for file in recording.files:
            for other in self._beside(recording):
                if other.role is not Role.PLAYED:
                    continue
                beside = self._name([other.path])
                if can_be_compared(file.kind, other.kind):
                    compare_pair(file, other, report, beside)
                elif can_be_compared(other.kind, file.kind) and other.path not in self._planned:
                    compare_pair(other, file, report, beside)

    def _check_final_books(self, recording: Recording, playback: Playback, report: Report) -> None:
        """Compare the books at the end with what is known of them."""
        known = self._known.get(report.name)
        if known is not None and known.final_book is not None:
            self._check_final_book(known.final_book, playback, report, "")
        for file in self._beside(recording):
            if file.role is Role.FINAL_BOOK:
                is_its_own = file in self._given or not self._has_rivals(recording)
                for book in read_final_books(file.path):
                    if is_its_own or self._ends_as(book, playback):
                        beside = self._name([file.path])
                        self._check_final_book(book, playback, report, beside)

    def _check_final_book(
        self, book: FinalBook, playback: Playback, report: Report, beside: str
    ) -> None:
        instrument = _instrument_of(book, playback)
        if instrument is not None:
            number = instrument.instrument_id
            check = report.check("final book", beside=beside)
            check_final_book(
                book, instrument, playback.book(number), playback.last.get(number), check
            )

    def _has_rivals(self, recording: Recording) -> bool:
        """Whether there are other recordings beside it of which a final book may be."""
        first = recording.first
        return any(
            (other.role, other.format, other.kind) == (first.role, first.format, first.kind)
            for other in self._beside(recording)
        )

    @staticmethod
    def _ends_as(book: FinalBook, playback: Playback) -> bool:
        """Whether a final book tells the last event of a recording."""
        instrument = _instrument_of(book, playback)
        last = playback.last.get(instrument.instrument_id) if instrument is not None else None
        return last is not None and tells_last_event(book, last)

    def _held(self, report: Report) -> Report:
        """Hold a report against what is known."""
        known = self._known.get(report.name)
        if known is not None:
            hold_against(report, known)
        return report


def _instrument_of(book: FinalBook, playback: Playback) -> Instrument | None:
    """Return the instrument of a final book: by its symbol, else the only one."""
    if book.symbol is not None:
        return playback.instruments.get(book.symbol)
    only = list(playback.instruments.values())
    return only[0] if len(only) == 1 else None
