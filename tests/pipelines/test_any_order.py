"""The best version wins in any order, and twice is once (must hold 2): a conformance suite over a table of targets.

A target is what ends up with one row per key; `TARGETS` of tests/support/servers.py lists the warehouses. The weak ones
here lack the step that drops stale rows, and the suite must notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from deliveries import (
    NARROW_SUBJECT,
    STYLES,
    Deliveries,
    File,
    Subject,
    Version,
    contact_record,
    flattened,
    fold,
    versions_of,
    write_load,
)  # fmt: skip
from homes import NARROW, Row, lake_best, lake_versions, load_into, narrow, opened, release, table, totals, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from servers import SERVERS, cases

from trunkline.engines.postgres import POSTGRES
from trunkline.engines.redshift import REDSHIFT
from trunkline.objects import catalogue
from trunkline.pipelines import flattening
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.sql.merge.embedded import MergeSql
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.warehouse.duckdb import merge as warehouse

CONTACTS = Subject(catalogue.load([])["contact_record"], contact_record)


class Target(Protocol):
    """Where deliveries end."""

    def load(self, folder: Path, subject: Subject) -> None:
        """Take in the files of a folder."""

    def rows(self, subject: Subject) -> list[Row]:
        """The table, sorted by key; without position, arrival and load time."""


class WarehouseTarget:
    """A home's warehouse, behind the whole pipeline. Lake and rebuild must agree with it."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def load(self, folder: Path, subject: Subject) -> None:
        """Load the folder."""
        load_into(self.home, folder, obj=subject.obj)

    def rows(self, subject: Subject) -> list[Row]:
        """The warehouse table."""
        return table(self.home, subject.obj)


class WeakTarget(WarehouseTarget):
    """Overwrites whatever it holds by whatever comes: what many loaders do."""

    def load(self, folder: Path, subject: Subject) -> None:
        """Load the folder, without the step that drops stale rows."""
        with pytest.MonkeyPatch.context() as patch:
            real = warehouse.merge_sql

            def weak(*args: Any) -> MergeSql:
                sql = real(*args)
                return replace(sql, best=sql.best.replace("AS record_is_better", "OR true AS record_is_better"))

            patch.setattr(warehouse, "merge_sql", weak)
            load_into(self.home, folder, obj=subject.obj)


class WeakServerTarget(WarehouseTarget):
    """The same on PostgreSQL, where the procedure does it."""

    def load(self, folder: Path, subject: Subject) -> None:
        """Load the folder by a procedure that compares, and overwrites whatever came out."""
        merge, *_ = procedure_statements(subject.obj, POSTGRES)
        weak = merge.replace("END = 1\n    RETURNING", "END IS NOT NULL\n    RETURNING")
        assert weak != merge
        self.home.warehouse.run(weak)
        try:
            load_into(self.home, folder, obj=subject.obj)
        finally:
            self.home.warehouse.run(merge)


class WeakRedshiftTarget(WarehouseTarget):
    """The same on Redshift, whose procedure ranks, compares, deletes and inserts."""

    def load(self, folder: Path, subject: Subject) -> None:
        """Load the folder by a procedure to which every staged row is better than the table's."""
        merge, *_ = procedure_statements(subject.obj, REDSHIFT)
        weak = merge.replace("    CASE\n      WHEN", "    CASE\n      WHEN TRUE THEN 1\n      WHEN", 1)
        assert weak != merge
        self.home.warehouse.run(weak)
        try:
            load_into(self.home, folder, obj=subject.obj)
        finally:
            self.home.warehouse.run(merge)


@contextmanager
def _home(folder: Path, subject: Subject, batch_bytes: int) -> Iterator[Home]:
    with opened(folder / "home", subject.obj, batch_bytes=batch_bytes) as home:
        yield home


_v = Version
CASES: dict[str, list[list[Version]]] = {
    "newer after older": [[_v(second=1)], [_v(second=2, content=1)]],
    "older after newer": [[_v(second=2)], [_v(second=1, content=1)]],
    "older after newer in one load": [[_v(second=2), _v(second=1, content=1)]],
    "the same three times": [[_v(), _v()], [_v()]],
    "same second, different content": [[_v(content=0)], [_v(content=1)]],
    "same second, different number": [[_v(content=0)], [_v(content=2)]],
    "same second, different number in a map": [[_v(content=0)], [_v(content=3)]],
    "same second, different number in an unknown field": [[_v(content=4)], [_v(content=5)]],
    "a version that loses redacted fields": [[_v(second=1)], [_v(second=1, is_redacted=True)]],
    "a late copy after a redaction": [[_v(second=1, is_redacted=True)], [_v(second=1)]],
    "an API row newer than a stream row": [[_v(second=1)], [_v(second=9, content=1, is_api=True)]],
    "a stream row after a newer API row": [[_v(second=9, is_api=True)], [_v(second=1, content=1)]],
    "an API row equal to a stream row": [[_v(is_api=True)], [_v()]],
    "a missing version": [[_v(second=1)], [_v(second=None, content=1)]],
    "two missing versions": [[_v(second=None)], [_v(second=None, content=1)]],
    "a moved date": [[_v(second=1, day=3)], [_v(second=2, day=4)]],
    "a moved date, older last": [[_v(second=2, day=4)], [_v(second=1, day=3)]],
    "a date that moves there and back": [[_v(second=1, day=3)], [_v(second=2, day=4)], [_v(second=3, day=3)]],
    "a date that moves through three": [[_v(second=3, day=4), _v(second=1, day=3)], [_v(second=2, day=5)]],
    "other keys between": [[_v(0, 2), _v(1, 1), _v(2, 1)], [_v(1, 2, 1), _v(0, 1, 1)], [_v(2, 1), _v(0, 3, 1)]],
}


def files_of(versions: list[Version], style: str = "compact") -> list[File]:
    """One file per fidelity."""
    kinds = {is_api: tuple(v for v in versions if v.is_api == is_api) for is_api in (False, True)}
    return [File(found, style, is_api) for is_api, found in kinds.items() if found]


def check(
    make: Callable[[Home], Target], folder: Path, subject: Subject, deliveries: Deliveries, batch_bytes: int = 1_000_000
) -> None:
    """Deliver, and compare every value of the target, the lake and a rebuilt warehouse with the fold."""
    with _home(folder, subject, batch_bytes) as home:
        target = make(home)
        for number, files in enumerate(deliveries):
            target.load(write_load(folder, number, files, subject), subject)
        alone = flattened(subject, versions_of(deliveries), flattening.Flattener(subject.obj, home.rule))
        expected = fold(alone, subject.obj.key)
        assert target.rows(subject) == expected
        counts = totals(home, subject.obj)
        delivered = sum(len(file.versions) for files in deliveries for file in files)
        assert (counts.read, counts.inserted, counts.dead_letter) == (delivered, len(expected), 0)
        assert lake_best(home, subject.obj) == expected
        assert lake_versions(home, subject.obj) == fold(alone, (*subject.obj.key, "record_version", "record_hash"))
        rebuild(home, subject.obj)
        assert target.rows(subject) == expected
    release(folder / "home")


# What happens to a row that moves depends on the dates that are staged with it, so these cases are loaded each alone.
ALONE = [name for name, loads in CASES.items() if {v.day for versions in loads for v in versions} != {3}]
REDSHIFT_CASES = ("a date that moves through three",)


@pytest.mark.parametrize("is_back", [False, True], ids=["there", "back"])
def test_the_other_cases_in_one_home(tmp_path: Path, each_target: str, is_back: bool) -> None:
    """The table is the fold where each case has keys of its own, whichever order its loads come in."""
    together: list[list[Version]] = [[], [], []]
    for number, name in enumerate(name for name in CASES if name not in ALONE):
        for place, versions in enumerate(CASES[name][::-1] if is_back else CASES[name]):
            together[place] += [replace(v, key=10 * number + v.key) for v in versions]
    loads = [files_of(versions) for versions in together if versions]
    check(WarehouseTarget, tmp_path, NARROW_SUBJECT, loads)


@pytest.mark.parametrize(("each_target", "name"), cases(CASES, REDSHIFT_CASES, ALONE), indirect=["each_target"])
def test_a_case_in_both_orders(tmp_path: Path, each_target: str, name: str) -> None:
    """The table is the fold, whichever order the case's loads come in."""
    loads = [files_of(versions) for versions in CASES[name]]
    check(WarehouseTarget, tmp_path / "there", NARROW_SUBJECT, loads)
    check(WarehouseTarget, tmp_path / "back", NARROW_SUBJECT, loads[::-1])


LAST_IS_NOT_BEST = ("older after newer", "a late copy after a redaction", "an API row newer than a stream row")


@pytest.mark.parametrize(
    ("each_target", "weak"),
    [
        pytest.param("duckdb", WeakTarget, marks=pytest.mark.soak),
        pytest.param("postgresql", WeakServerTarget, marks=pytest.mark.soak),
        pytest.param("redshift+data", WeakRedshiftTarget, marks=pytest.mark.soak),
    ],
    indirect=["each_target"],
    ids=["duckdb", "postgresql", "redshift+data"],
)
def test_the_suite_notices_a_weak_target(
    tmp_path: Path, each_target: str, weak: Callable[[Home], WarehouseTarget]
) -> None:
    """A target that keeps what came last fails wherever the last is not the best; otherwise the suite proves nothing."""
    failed = []
    names = CASES if each_target != "redshift+data" else (*LAST_IS_NOT_BEST, "newer after older")
    for number, name in enumerate(names):
        try:
            check(weak, tmp_path / str(number), NARROW_SUBJECT, [files_of(versions) for versions in CASES[name]])
        except AssertionError:
            failed.append(name)
    assert set(LAST_IS_NOT_BEST) <= set(failed)
    assert "newer after older" not in failed


# No shrinking: each try opens a home, so that it would take minutes; the histories are small as they are drawn.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

VERSIONS = st.builds(
    Version,
    key=st.integers(0, 2),
    second=st.sampled_from([None, 0, 1, 1, 2]),
    content=st.integers(0, 6),
    is_api=st.booleans(),
    is_redacted=st.booleans(),
    day=st.sampled_from([3, 3, 4]),
)


@st.composite
def deliveries_of(draw: st.DrawFn, versions_max: int, loads_max: int) -> list[list[File]]:
    """Versions, some of them twice, in any order, in any split, written in any style."""
    versions = draw(st.lists(VERSIONS, min_size=1, max_size=versions_max, unique=True))
    again = draw(st.lists(st.sampled_from(versions), max_size=versions_max // 2))
    order = draw(st.permutations(versions + again))
    places = st.tuples(st.integers(0, loads_max - 1), st.integers(0, 1), st.sampled_from(STYLES))
    files: dict[tuple[int, int, str, bool], list[Version]] = {}
    for version in order:
        files.setdefault((*draw(places), version.is_api), []).append(version)
    loads = [
        [File(tuple(found), key[2], key[3]) for key, found in files.items() if key[0] == number]
        for number in range(loads_max)
    ]
    return [one for one in loads if one]


HISTORIES = {"deliveries": deliveries_of(8, 3), "batch_bytes": st.sampled_from([200, 1_000, 1_000_000])}


@settings(max_examples=6, phases=PHASES)
@given(**HISTORIES)
def test_any_history_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, deliveries: Deliveries, batch_bytes: int
) -> None:
    """Permuted, repeated, split and re-formatted histories give the fold, value for value."""
    check(WarehouseTarget, tmp_path_factory.mktemp("order"), NARROW_SUBJECT, deliveries, batch_bytes)


def _on_a_server(examples: int, is_redshift: bool = False) -> Callable[..., None]:
    names = [name for name in SERVERS if ("redshift" in name) == is_redshift]

    # The fixture only says where the homes' warehouses are; each example has a home of its own.
    allowed = [HealthCheck.function_scoped_fixture]

    @pytest.mark.parametrize("each_target", names, indirect=True)
    @settings(max_examples=examples, phases=PHASES, suppress_health_check=allowed)
    @given(**HISTORIES)
    def test(
        tmp_path_factory: pytest.TempPathFactory, each_target: str, deliveries: Deliveries, batch_bytes: int
    ) -> None:
        check(WarehouseTarget, tmp_path_factory.mktemp("order"), NARROW_SUBJECT, deliveries, batch_bytes)

    return test


test_any_history_on_a_server = _on_a_server(3)
test_many_histories_on_redshift = pytest.mark.soak(_on_a_server(40, is_redshift=True))
test_many_histories_on_a_server = pytest.mark.soak(_on_a_server(300))


@pytest.mark.soak
@settings(max_examples=500, phases=PHASES)
@given(**HISTORIES | {"deliveries": deliveries_of(12, 4)})
def test_any_long_history_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, deliveries: Deliveries, batch_bytes: int
) -> None:
    """The same for many more and longer histories."""
    check(WarehouseTarget, tmp_path_factory.mktemp("order"), NARROW_SUBJECT, deliveries, batch_bytes)


@settings(max_examples=2, phases=PHASES)
@given(deliveries=deliveries_of(8, 2))
def test_any_history_of_contact_records(tmp_path_factory: pytest.TempPathFactory, deliveries: Deliveries) -> None:
    """The same with all the columns of the contact record."""
    check(WarehouseTarget, tmp_path_factory.mktemp("order"), CONTACTS, deliveries)


def test_a_rebuild_after_a_move_without_personal_data(tmp_path: Path) -> None:
    """The tombstone of a move within a month has the winner's place in the order, and must not beat the winner."""
    bare = {"Phone": ..., "Labels": ..., "Marks": ...}
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, write(tmp_path / "1", narrow("a", **bare)), obj=NARROW)
        moved = narrow("a", **bare, Began="2026-03-04T10:00:00Z", Changed="2026-03-03T12:00:00Z")
        load_into(home, write(tmp_path / "2", moved), obj=NARROW)
        rows = table(home, NARROW)
        assert [row["began_at"].day for row in rows] == [4]
        rebuild(home, NARROW)
        assert table(home, NARROW) == rows


def test_every_style_says_the_same(tmp_path: Path) -> None:
    """One contact record of every content in every style is one version."""
    versions = [Version(key, content=key, is_redacted=key == 1) for key in range(7)]
    check(WarehouseTarget, tmp_path, CONTACTS, [[File(tuple(versions), style) for style in STYLES]])
