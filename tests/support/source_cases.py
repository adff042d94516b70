"""What must hold of every source, as functions over a `Subject`: one system as a test fills, disturbs and opens it.

`tests/sources/conformance/` runs them over the registry, over a toy source, and over one that is deliberately weak.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from homes import assert_adds_up, letters, opened, table, totals

from trunkline.errors import TransientError
from trunkline.objects.model import Object
from trunkline.pipelines.batches import open_plans
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.model import DurableBatch, FilesRead, Source


class Subject:
    """One system with records that tests number. A new subject is the same system seen by a new process."""

    name: ClassVar[str]
    obj: ClassVar[Object]
    is_snapshot: ClassVar[bool] = False
    """Whether another reading is another batch: what was read comes again, and replaces its rows."""
    options: ClassVar[dict[str, object]] = {}
    """Settings that make batches small."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, *numbers: int) -> None:
        """Put records into the system, in several batches."""
        raise NotImplementedError

    def add_unknown_key(self, number: int) -> None:
        """Put a record with a key that the catalogue does not know."""
        raise NotImplementedError

    def add_broken(self, number: int) -> None:
        """Put something that is no record of the object."""
        raise NotImplementedError

    def open(self, runner: Runner) -> Source:
        """The source over what is in the system now."""
        raise NotImplementedError

    def prepare(self, home: Home) -> None:
        """Do what the home needs before the source has anything to read."""

    def key(self, number: int) -> str:
        """The key of a record's row."""
        return f"k{number}"

    @contextmanager
    def throttled(self) -> Iterator[None]:
        """The system refuses more calls than it serves; where it is a folder, nothing can."""
        yield


class Around:
    """A source that is another one, for tests that change something of it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def name(self) -> str:
        return self._source.name

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        yield from self._source.read(done)

    def reread(self, plan: Any) -> Framed | None:
        return self._source.reread(plan)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        self._source.after_durable(batches)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        return self._source.revive(letter)


class Throttled(Around):
    """Ends with an error that may pass, after its first batch."""

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        for count, framed in enumerate(self._source.read(done)):
            if count:
                raise TransientError("throttled")
            yield framed


class KilledError(BaseException):
    """The process dies here: nothing catches it."""


class Steps:
    """Counts what leaves a trace, and dies before the chosen step."""

    def __init__(self, fatal: int) -> None:
        self.left = fatal

    def around(self, target: Any, *names: str) -> Any:
        """The target, each of whose named methods is a step."""
        steps = self

        class Counted:
            def __getattr__(self, name: str) -> Any:
                method = getattr(target, name)
                if name not in names:
                    return method

                def counted(*args: Any, **kwargs: Any) -> Any:
                    steps.left -= 1
                    if steps.left == 0:
                        raise KilledError
                    return method(*args, **kwargs)

                return counted

        return Counted()

    def home(self, home: Home) -> Home:
        """The home, whose every put, removal and change of the warehouse is a step."""
        store = self.around(home.store, "put_bytes", "put_file", "remove")
        return dataclasses.replace(home, store=store, warehouse=self.around(home.warehouse, "merge", "refold"))


@contextmanager
def home_of(subject: type[Subject], path: Path) -> Iterator[Home]:
    """A home of the subject's object alone."""
    with opened(path / "home", subject.obj, **subject.options) as home:
        yield home


def run(subject: Subject, home: Home, around: Callable[[Source], Source] = lambda source: source) -> LoadResult:
    """One run of a new process."""
    subject.prepare(home)
    runner = Runner(home, subject.obj)
    return runner.run(around(subject.open(runner)))


def keys(home: Home, obj: Object) -> list[str]:
    return [row[obj.key[0]] for row in table(home, obj)]


def assert_holds(subject: Subject, home: Home, *numbers: int, broken: int = 0) -> None:
    """The warehouse has these records and no others, and the ledger counts each once."""
    assert keys(home, subject.obj) == sorted(subject.key(number) for number in numbers)
    counts = totals(home, subject.obj)
    assert_adds_up(counts)
    assert (counts.inserted, counts.dead_letter) == (len(numbers), broken)
    if not subject.is_snapshot:
        assert counts.read == len(numbers) + broken
    assert len(letters(home, subject.obj)) == broken
    assert open_plans(home.store, subject.obj) == []


def everything_once(make: type[Subject], path: Path) -> None:
    """All records arrive, none twice; a second run finds nothing new."""
    subject = make(path / "in")
    subject.add(1, 2, 3)
    with home_of(make, path) as home:
        run(subject, home)
        assert_holds(subject, home, 1, 2, 3)
        again = run(make(path / "in"), home)
        assert again.counts.inserted == 0
        assert make.is_snapshot or again.batches == 0
        assert_holds(subject, home, 1, 2, 3)


def resumes(make: type[Subject], path: Path) -> None:
    """What comes after a run is read by the next one, and what was read is not read again."""
    subject = make(path / "in")
    with home_of(make, path) as home:
        for first in (1, 3, 5):
            subject.add(first, first + 1)
            counts = run(make(path / "in"), home).counts
            assert counts.inserted == 2
            assert make.is_snapshot or counts.read == 2
            assert_holds(subject, home, *range(1, first + 2))


def throttled(make: type[Subject], path: Path) -> None:
    """A run that the system stopped half way loses nothing, and the next one goes on."""
    subject = make(path / "in")
    subject.add(1, 2, 3)
    with home_of(make, path) as home:
        subject.prepare(home)
        with pytest.raises(TransientError):
            run(subject, home, Throttled)
        with subject.throttled():
            try:
                run(make(path / "in"), home)
            except TransientError:
                run(make(path / "in"), home)
        run(make(path / "in"), home)
        assert_holds(subject, home, 1, 2, 3)


def broken_page(make: type[Subject], path: Path) -> None:
    """What is no record is set aside once, with its bytes, and the rest arrives."""
    subject = make(path / "in")
    subject.add(1, 2)
    subject.add_broken(3)
    subject.add(4)
    with home_of(make, path) as home:
        run(subject, home)
        assert_holds(subject, home, 1, 2, 4, broken=1)


def changed_schema(make: type[Subject], path: Path) -> None:
    """A key that nobody declared is kept and counted."""
    subject = make(path / "in")
    subject.add(1)
    subject.add_unknown_key(2)
    with home_of(make, path) as home:
        result = run(subject, home)
        assert_holds(subject, home, 1, 2)
        unmapped = {row[subject.obj.key[0]]: row["record_unmapped"] for row in table(home, subject.obj)}
        assert unmapped[subject.key(1)] is None
        assert "fromTheFuture" in unmapped[subject.key(2)]
        assert sum(sum(drift.unknown.values()) for drift in result.drifts) == 1


def killed_at_any_step(make: type[Subject], path: Path, every: int = 1) -> None:
    """Dead before any step that leaves a trace, the next run ends as if nothing had happened."""
    for step in range(1, 200, every):
        place = path / str(step)
        subject = make(place / "in")
        subject.add(1, 2, 3)
        subject.add_broken(4)
        with home_of(make, place) as home:
            subject.prepare(home)
            dying = Steps(step)
            try:
                run(subject, dying.home(home))
            except KilledError:
                run(make(place / "in"), home)
                assert_holds(subject, home, 1, 2, 3, broken=1)
            else:
                break
    else:
        pytest.fail("it never came to its end")
    assert step > 5


def killed_on_the_way(make: type[Subject], path: Path) -> None:
    """The same before every fifth step, which takes a fifth of the time."""
    killed_at_any_step(make, path, every=5)


def same_batches(make: type[Subject], path: Path) -> None:
    """The same bytes give the same plans, positions and texts, and a plan can be read again where the source can."""
    subject = make(path / "in")
    subject.add(1, 2, 3)
    subject.add_broken(4)
    with home_of(make, path) as home:
        subject.prepare(home)
        first, second = (
            [framed for framed in make(path / "in").open(Runner(home, subject.obj)).read({}) if framed is not None]
            for _ in range(2)
        )
        positions = [position for framed in first for position in _positions(framed)]
        assert len(set(positions)) == len(positions) == 4
        if not subject.is_snapshot:
            assert [framed.plan.batch_id for framed in first] == [framed.plan.batch_id for framed in second]
            assert [_content(framed) for framed in first] == [_content(framed) for framed in second]
        source = subject.open(Runner(home, subject.obj))
        for framed in first:
            again = source.reread(framed.plan)
            assert again is None or _content(again) == _content(framed)


def _positions(framed: Framed) -> list[str]:
    spots = [*zip(framed.range_indexes, framed.offsets, strict=True)]
    spots += [(broken.range_index, broken.offset) for broken in framed.broken]
    return [f"{framed.plan.ranges[index].place}{offset}" for index, offset in spots]


def _content(framed: Framed) -> tuple[object, ...]:
    return framed.plan, list(framed.texts), sorted(_positions(framed)), list(framed.broken), framed.marks


def moves_on_safely(make: type[Subject], path: Path) -> None:
    """To be called twice with the same durable batches, by another process too, changes nothing more."""

    class Twice(Around):
        def after_durable(self, batches: Sequence[DurableBatch]) -> None:
            self._source.after_durable(batches)
            self._source.after_durable(batches)

    subject = make(path / "in")
    subject.add(1, 2)
    with home_of(make, path) as home:
        run(subject, home, Twice)
        subject.add(3)
        run(make(path / "in"), home)
        assert_holds(subject, home, 1, 2, 3)


CASES: dict[str, Callable[[type[Subject], Path], None]] = {
    case.__name__: case
    for case in (
        everything_once, resumes, throttled, broken_page, changed_schema, killed_on_the_way, same_batches,
        moves_on_safely,
    )
}  # fmt: skip


def failing_cases(make: type[Subject], path: Path) -> set[str]:
    """Names of the cases that do not hold of a subject."""
    failed = set()
    for name, case in CASES.items():
        try:
            case(make, path / name)
        except (AssertionError, pytest.fail.Exception):
            failed.add(name)
    return failed
