"""An upgrade of the catalogue, the way back to the older version, and the upgrade again: nothing is lost or doubled.

The older version has fewer columns and views. Both read the same records, which have a field for the new column.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from homes import NARROW, lake_best, load_into, narrow, settings_of, table, totals, write
from servers import Databases, RedshiftDatabases

from trunkline.errors import TerminalError
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.objects.view import View, ViewColumn
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.jobs.upkeep import compact, rebuild


def view(name: str, *columns: str) -> View:
    shown = tuple(ViewColumn(column, "string", f'"{column}"', "Test.", "test") for column in columns)
    return View("test", name, "narrow", "row", shown, ("id",), ("narrow",))


@dataclass(frozen=True)
class Version:
    """What a version of Trunkline knows."""

    obj: Object
    views: tuple[View, ...]


OLD = Version(NARROW, (view("short", "id", "phone"),))
NEW = Version(
    replace(
        NARROW,
        columns=(*NARROW.columns[:4], replace(NARROW.by_name["phone"], name="more", path=("More",), pii="none"), *NARROW.columns[4:]),
        catalogue_version=2,
    ),
    (view("short", "id", "more", "phone"), view("fresh", "id")),
)  # fmt: skip


class Installation:
    """A home whose version changes. `statement` runs SQL as a person would, beside Trunkline."""

    def __init__(self, path: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.warehouse, self.is_server = path, warehouse, bool(warehouse)
        self._patch = monkeypatch
        self._files = 0

    @contextmanager
    def running(self, version: Version, is_installed: bool = True) -> Iterator[Home]:
        """The home, opened by one version after its `warehouse install`."""
        objects = {version.obj.name: version.obj}
        self._patch.setattr(catalogue, "load", lambda _=(): objects)
        self._patch.setattr(catalogue, "warehouse_views", lambda *_: version.views)
        settings = settings_of(self.path, warehouse=self.warehouse)
        with open_home(settings, is_install=True) as home:
            if self.is_server and is_installed:
                home.warehouse.install([version.obj], version.views, "UTC")
            yield home

    def load(self, home: Home, *records: dict[str, Any]) -> None:
        """Load the records as a new file."""
        self._files += 1
        obj = next(iter(home.objects.values()))
        load_into(home, write(self.path.parent / "in" / f"{self._files}.json", *records), obj=obj)


@pytest.fixture(params=["duckdb", "postgresql", "redshift+data"])
def installation(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Nothing is installed yet."""
    warehouse = ""
    if request.param == "postgresql":
        databases: Databases = request.getfixturevalue("postgres_databases")
        warehouse = databases.bare()
    if request.param == "redshift+data":
        redshifts: RedshiftDatabases = request.getfixturevalue("redshift_databases")
        warehouse = redshifts.bare()
    return Installation(tmp_path / "home", warehouse, monkeypatch)


def more_of(home: Home) -> dict[str, Any]:
    """The new column by key, as the table has it, whichever version asks."""
    name = "connect.f_narrow"
    return dict(home.warehouse.query(f"SELECT id, more FROM {name} WHERE NOT record_is_deleted ORDER BY id"))


def columns_of(home: Home, relation: str) -> list[str]:
    if home.warehouse.engine.name == "duckdb":
        return [row[0] for row in home.warehouse.query(f"DESCRIBE {relation}")]
    schema, name = relation.split(".")
    rows = home.warehouse.query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 "
        "ORDER BY ordinal_position", [schema, name],
    )  # fmt: skip
    return [name for (name,) in rows]


def record(id_: str, hour: int, **more: Any) -> dict[str, Any]:
    return narrow(id_, Changed=f"2026-03-03T{hour}:00:00Z", **more)


def test_upgrade_roll_back_and_upgrade_again(installation: Installation) -> None:
    """Columns are added, stay while the older version runs, are NULL in what it loads, and are filled again."""
    with installation.running(OLD) as home:
        installation.load(home, record("a", 11, More="a1"), record("b", 11, More="b1"))
        assert columns_of(home, "test.narrow")[:4] == ["id", "began_at", "changed_at", "score"]
    with installation.running(NEW) as home:
        assert more_of(home) == {"a": None, "b": None}
        installation.load(home, record("b", 12, More="b2"), record("c", 11, More="c1"))
        assert more_of(home) == {"a": None, "b": "b2", "c": "c1"}
        assert columns_of(home, "test.short") == ["id", "more", "phone"]
        assert sorted(home.warehouse.query("SELECT id, more FROM test.short")) == [
            ("a", None),
            ("b", "b2"),
            ("c", "c1"),
        ]
    with installation.running(OLD) as home:
        assert home.warehouse.missing([OLD.obj], OLD.views, home.settings.zone) == []
        assert "more" not in columns_of(home, "test.narrow")
        assert columns_of(home, "test.short") == ["id", "phone"]
        # A late copy of what is there under the newer version is no better; a later version of it is, and a new key.
        installation.load(home, record("c", 11, More="c1"), record("b", 13, More="b3"), record("d", 11, More="d1"))
        assert more_of(home) == {"a": None, "b": None, "c": "c1", "d": None}
        assert [row["id"] for row in table(home, OLD.obj)] == ["a", "b", "c", "d"]
        counts = totals(home, OLD.obj)
        assert (counts.read, counts.inserted, counts.updated) == (7, 4, 2)
        assert counts.superseded + counts.duplicate == 1
    with installation.running(NEW) as home:
        assert home.warehouse.missing([NEW.obj], NEW.views, home.settings.zone) == []
        assert more_of(home) == {"a": None, "b": None, "c": "c1", "d": None}
        installation.load(home, record("d", 11, More="d1"), record("b", 13, More="b3"), record("e", 11, More="e1"))
        assert more_of(home) == {"a": None, "b": "b3", "c": "c1", "d": "d1", "e": "e1"}
        assert home.warehouse.query("SELECT count(*) FROM test.fresh") == [(5,)]
        assert table(home, NEW.obj) == lake_best(home, NEW.obj)
        counts = totals(home, NEW.obj)
        assert counts.read == 10
        assert counts.inserted == len(table(home, NEW.obj)) == 5


def test_the_older_version_rebuilds_and_compacts_without_loss(installation: Installation) -> None:
    """It knows nothing of the new column; the lake keeps it, for the version that does."""
    with installation.running(NEW) as home:
        installation.load(home, record("a", 11, More="a1"), record("b", 11, More="b1"))
        installation.load(home, record("c", 11, More="c1"))
    with installation.running(OLD) as home:
        installation.load(home, record("d", 11, More="d1"))
        assert rebuild(home, OLD.obj) == 4
        assert [row["id"] for row in table(home, OLD.obj)] == ["a", "b", "c", "d"]
        assert compact(home, OLD.obj, timedelta(0)).files_replaced == 3
    with installation.running(NEW) as home:
        assert rebuild(home, NEW.obj) == 4
        assert more_of(home) == {"a": "a1", "b": "b1", "c": "c1", "d": None}
        assert table(home, NEW.obj) == lake_best(home, NEW.obj)


def test_the_staging_procedure_of_the_older_version_works_on_wider_tables(installation: Installation) -> None:
    """Scripts fill the staging table by column and call the procedure, as before the upgrade."""
    if not installation.is_server:
        pytest.skip("an embedded warehouse has no procedures")
    with installation.running(NEW) as home:
        installation.load(home, record("a", 11, More="a1"))
    with installation.running(OLD) as home:
        home.warehouse.run(
            "INSERT INTO connect.f_narrow_staging (id, began_at, changed_at, score) "
            "VALUES ('z', '2026-03-03 10:00:00', '2026-03-03 11:00:00', 7)"
        )
        home.warehouse.run("CALL connect.insert_new_f_narrow()")
        assert more_of(home) == {"a": "a1", "z": None}


def test_views_that_read_ours_outlive_a_change_of_version(
    postgres_databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's view on ours, and one on that: the same rows, grants, options and comment after each change."""
    place = Installation(tmp_path / "home", postgres_databases.bare(), monkeypatch)
    with psycopg.connect(place.warehouse, autocommit=True) as person:
        person.execute("CREATE ROLE upgrade_reader")
        with place.running(OLD) as home:
            place.load(home, record("a", 11, More="a1"))
        person.execute("CREATE SCHEMA own")
        person.execute("CREATE VIEW own.first WITH (security_barrier=true) AS SELECT id, score FROM test.narrow")
        person.execute("CREATE VIEW own.second AS SELECT first.id FROM own.first JOIN test.short USING (id)")
        person.execute("COMMENT ON VIEW own.first IS 'what it''s for'")
        person.execute("GRANT SELECT (id) ON own.first TO upgrade_reader; GRANT SELECT ON own.second TO upgrade_reader")
        seen = (
            "SELECT c.relname, c.reloptions, c.relacl::text, obj_description(c.oid), pg_get_viewdef(c.oid), a.attacl::text "
            "FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid WHERE c.relnamespace = 'own'::regnamespace "
            "AND a.attnum > 0 ORDER BY c.relname, a.attname"
        )
        before = person.execute(seen).fetchall()
        assert len(before) == 3
        for version in (NEW, OLD, NEW):
            with place.running(version):
                assert person.execute("SELECT id FROM own.second").fetchall() == [("a",)]
                assert person.execute(seen).fetchall() == before
        person.execute("CREATE VIEW own.third AS SELECT more FROM test.narrow")
        with (
            pytest.raises(TerminalError, match=r"own\.third.*nothing was changed.*DROP VIEW own\.third CASCADE"),
            place.running(OLD),
        ):
            pass
        assert person.execute("SELECT more FROM own.third").fetchall() == [(None,)]
        assert person.execute(seen).fetchall()[: len(before)] == before
        person.execute("DROP VIEW own.third CASCADE")
        with place.running(OLD) as home:
            assert "more" not in columns_of(home, "test.narrow")
        person.execute("DROP OWNED BY upgrade_reader; DROP ROLE upgrade_reader")
