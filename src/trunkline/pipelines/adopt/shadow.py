"""`trunkline shadow`: load beside an existing table, and compare the two by day, column and contact.

Nothing of the existing table is changed. What is loaded has an object, a schema and a folder of the lake of its own.
Each compared day is recorded in the home, so that a run that was stopped goes on, and only days whose rows have changed
are compared again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from trunkline.errors import UsageError
from trunkline.objects.adopted import AdoptedTable
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.runner import Advance, LoadResult, no_advance
from trunkline.settings.installation import Settings
from trunkline.sql import adopted

EXAMPLES_MAX: Final = adopted.EXAMPLES


class ColumnDifference(msgspec.Struct):
    """How a column differs: `different` rows, of which `only_ours` have no value in theirs, `only_theirs` none in ours.

    `examples` are keys of rows, never values.
    """

    different: int = 0
    only_ours: int = 0
    only_theirs: int = 0
    examples: list[str] = msgspec.field(default_factory=list)


class Difference(msgspec.Struct):
    """The difference of a day, or of several.

    `ours` and `theirs` count rows, `both` keys that both have; `missing_theirs` keys of ours that theirs lacks,
    `missing_ours` the reverse, `doubled` rows of theirs beyond one a key. `columns` are by our names, without the key.
    """

    ours: int = 0
    theirs: int = 0
    both: int = 0
    missing_theirs: int = 0
    missing_ours: int = 0
    doubled: int = 0
    missing_theirs_examples: list[str] = msgspec.field(default_factory=list)
    missing_ours_examples: list[str] = msgspec.field(default_factory=list)
    doubled_examples: list[str] = msgspec.field(default_factory=list)
    columns: dict[str, ColumnDifference] = msgspec.field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """Whether both tables say the same."""
        rows = self.missing_theirs + self.missing_ours + self.doubled
        return not rows and not any(column.different for column in self.columns.values())


class ComparedDay(msgspec.Struct):
    """A day's difference, and what tells whether it has changed: rows of both tables, when ours were written."""

    fingerprint: str
    difference: Difference


class Comparison(msgspec.Struct):
    """The days that were compared, by date; for a mapping file of one text."""

    mapping: str
    days: dict[str, ComparedDay] = msgspec.field(default_factory=dict)


@contextmanager
def shadow_home(
    settings: Settings, table: AdoptedTable, notify: Callable[[str], None] = lambda _: None
) -> Iterator[Home]:
    """The home with the shadow object alone, its table installed beside the existing one.

    Raises UsageError where the existing table, or a column of it, is not there.
    """
    with open_home(settings, is_install=True, notify=notify, only={table.obj.name: table.obj}) as home:
        home.warehouse.install([table.obj], [])
        _check_columns(home, table)
        yield home


def load_beside(home: Home, table: AdoptedTable, paths: Sequence[str], advance: Advance = no_advance) -> LoadResult:
    """Load what is new in these files into the shadow table. Raises what `load` raises; a stopped load goes on."""
    return load(home, table.obj, paths, advance)


def compare(
    home: Home,
    table: AdoptedTable,
    since: datetime | None = None,
    until: datetime | None = None,
    is_again: bool = False,
    advance: Advance = no_advance,
) -> Difference:
    """The difference of the UTC days in [since, until), by default of all days of either table.

    A day that was compared before is compared again where rows were added to it, or with `is_again`: values that the
    existing table has changed are not noticed otherwise. `advance` counts days.
    """
    place = home.settings.home / "shadow" / f"{table.obj.name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    comparison = _stored(place.read_bytes() if place.exists() else None, table)
    total = Difference()
    for day, fingerprint in _days(home, table, since, until):
        compared = comparison.days.get(day.isoformat())
        if is_again or compared is None or compared.fingerprint != fingerprint:
            compared = ComparedDay(fingerprint, _compare_day(home, table, day))
            comparison.days[day.isoformat()] = compared
            part = place.with_suffix(".part")
            part.write_bytes(msgspec.json.encode(comparison))
            part.replace(place)
        _add(total, compared.difference)
        advance(1)
    return total


def _stored(data: bytes | None, table: AdoptedTable) -> Comparison:
    mapping = hashlib.sha256(table.text.encode()).hexdigest()
    stored = msgspec.json.decode(data, type=Comparison) if data is not None else Comparison(mapping)
    return stored if stored.mapping == mapping else Comparison(mapping)


def _check_columns(home: Home, table: AdoptedTable) -> None:
    schema, name = table.name.split(".")
    rows = home.warehouse.query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2", [schema, name]
    )
    there = {str(column) for (column,) in rows}
    if not there:
        raise UsageError(f"there is no table {table.name} in the warehouse; correct [table] name in the mapping file")
    for column in table.columns:
        if column.theirs not in there:
            raise UsageError(
                f"{table.name} has no column {column.theirs!r}, which the mapping file names for {column.ours.name}; "
                f"its columns are {', '.join(sorted(there))}"
            )


def _days(
    home: Home, table: AdoptedTable, since: datetime | None, until: datetime | None
) -> Iterator[tuple[date, str]]:
    """The days of both tables, each with what tells whether it has changed."""
    engine = home.warehouse.engine
    ours = {day: (rows, at) for day, rows, at in home.warehouse.query(adopted.days(table, engine))}
    theirs: dict[date, int] = dict(home.warehouse.query(adopted.their_days(table, engine)))
    first, end = (time and time.astimezone(UTC).date() for time in (since, until))
    for day in sorted(ours.keys() | theirs.keys()):
        if (first is None or day >= first) and (end is None or day < end):
            yield day, f"{ours.get(day)} {theirs.get(day)}"


def _compare_day(home: Home, table: AdoptedTable, day: date) -> Difference:
    engine, query = home.warehouse.engine, home.warehouse.query
    span = table, engine, f"{day} 00:00:00", f"{day + timedelta(days=1)} 00:00:00"

    def keys(sql: str, count: int) -> list[str]:
        return [str(key) for (key,) in query(sql)] if count else []

    ((ours, missing_theirs, *by_column),) = _numbers(query(adopted.counts(*span)))
    ((theirs, distinct, missing_ours),) = _numbers(query(adopted.their_counts(*span)))
    difference = Difference(
        ours,
        theirs,
        ours - missing_theirs,
        missing_theirs,
        missing_ours,
        theirs - distinct,
        keys(adopted.missing_theirs(*span), missing_theirs),
        keys(adopted.missing_ours(*span), missing_ours),
        keys(adopted.doubled(*span), theirs - distinct),
    )
    for number, column in enumerate(table.compared):
        different, only_ours, only_theirs = by_column[3 * number : 3 * number + 3]
        examples = keys(adopted.different(*span, number), different)
        difference.columns[column.ours.name] = ColumnDifference(different, only_ours, only_theirs, examples)
    return difference


def _numbers(rows: Sequence[Sequence[Any]]) -> list[list[int]]:
    """Sums over no rows are NULL, and decimals on servers."""
    return [[int(value or 0) for value in row] for row in rows]


def _add(total: Difference, day: Difference) -> None:
    for name in ("ours", "theirs", "both", "missing_theirs", "missing_ours", "doubled"):
        setattr(total, name, getattr(total, name) + getattr(day, name))
    for name in ("missing_theirs_examples", "missing_ours_examples", "doubled_examples"):
        setattr(total, name, (getattr(total, name) + getattr(day, name))[:EXAMPLES_MAX])
    for name, column in day.columns.items():
        known = total.columns.setdefault(name, ColumnDifference())
        known.different += column.different
        known.only_ours += column.only_ours
        known.only_theirs += column.only_theirs
        known.examples = (known.examples + column.examples)[:EXAMPLES_MAX]
