"""Warehouses on servers for tests: an empty, installed database each, made from a template in a tenth of a second.

`each_target` runs every test of a module once per target, on homes whose warehouse is there: nothing in the tests says
which. Every scheme of `trunkline.warehouse.targets.TARGETS` is run: one that has no line in `PLACES` is an error here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import homes
import pytest

from trunkline.objects import catalogue
from trunkline.objects.catalogue import warehouse_views
from trunkline.warehouse.model import Opening
from trunkline.warehouse.targets import TARGETS as SCHEMES
from trunkline.warehouse.targets import target_of

_count = itertools.count()


class Databases:
    """Databases of one PostgreSQL server, empty and with everything installed."""

    def __init__(self, uri: str, folder: Path) -> None:
        self._uri = uri
        self._free: list[str] = []
        self._template = self._create("template0")
        url = self._url(self._template)
        opening = Opening(url, 200, 1, folder / "scratch", folder, homes.SCHEMAS)
        with target_of(url).open_warehouse(opening) as warehouse:
            warehouse.install([*catalogue.load([]).values(), homes.NARROW], warehouse_views())

    def new(self) -> str:
        """The URL of an empty warehouse with the catalogue's objects and the narrow one."""
        return self._free.pop() if self._free else self._url(self._create(self._template))

    def release(self, url: str) -> None:
        """Empty a warehouse that nobody needs any more, and keep it for the next one who does."""
        import psycopg

        with psycopg.connect(url, autocommit=True) as con:
            tables = con.execute(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN "
                "('pg_catalog', 'information_schema', 'public') AND tablename <> 'installation'"
            ).fetchall()
            own = [name for (name,) in tables if "_run_" in name]
            assert not own, f"a run has left {own}"
            con.execute(f"TRUNCATE {', '.join(name for (name,) in tables)}")
        self._free.append(url)

    def bare(self) -> str:
        """The URL of a database in which nothing is installed."""
        return self._url(self._create("template0"))

    def _create(self, template: str) -> str:
        import psycopg

        name = f"trunkline_{next(_count)}"
        with psycopg.connect(self._uri, autocommit=True) as con:
            con.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def _url(self, name: str) -> str:
        return urlsplit(self._uri)._replace(netloc="postgres@", path=f"/{name}").geturl()


class RedshiftDatabases:
    """The same behind the Data API emulator: each database under a name of its own, the staging bucket in moto."""

    def __init__(self, uri: str, folder: Path) -> None:
        from contextlib import ExitStack

        from redshift_home import make_database, redshift_of

        self._server_uri, self._stack = uri, ExitStack()
        self._free: list[str] = []
        self._template = make_database(uri, "redshift_template")
        self._redshift = self._stack.enter_context(redshift_of(self._template))
        url = self.url_of("dev")
        with target_of(url).open_warehouse(
            Opening(url, 200, 1, folder / "scratch", folder, homes.SCHEMAS)
        ) as warehouse:
            warehouse.install([*catalogue.load([]).values(), homes.NARROW], warehouse_views())
        self._redshift.emulator.let_go()

    def new(self) -> str:
        """The URL of an empty warehouse with the catalogue's objects and the narrow one."""
        import psycopg
        from psycopg.conninfo import make_conninfo

        if self._free:
            return self._free.pop()
        name = f"redshift_{next(_count)}"
        with psycopg.connect(self._server_uri, autocommit=True) as con:
            con.execute(f"CREATE DATABASE {name} TEMPLATE redshift_template")
        self._redshift.emulator.databases[name] = make_conninfo(self._server_uri, dbname=name)
        return self.url_of(name)

    def bare(self) -> str:
        """The URL of a database in which nothing is installed."""
        from redshift_home import make_database

        name = f"redshift_{next(_count)}"
        self._redshift.emulator.databases[name] = make_database(self._server_uri, name)
        return self.url_of(name)

    def release(self, url: str) -> None:
        """Empty a warehouse that nobody needs any more; no file may be left in the staging bucket."""
        import psycopg

        assert self._redshift.staged() == [], "a load has left files"
        emulator = self._redshift.emulator
        with psycopg.connect(emulator.databases[urlsplit(url).path[1:]], autocommit=True) as con:
            tables = con.execute(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN "
                "('pg_catalog', 'information_schema', 'public') AND tablename <> 'installation'"
            ).fetchall()
            con.execute(f"TRUNCATE {', '.join(name for (name,) in tables)}")
        emulator.forget()
        self._free.append(url)

    def uri_of(self, path: str) -> str:
        """The PostgreSQL database behind one of them, by the path of its URL."""
        return self._redshift.emulator.databases[path[1:]]

    @property
    def s3(self) -> Any:
        """The client of the staging bucket."""
        return self._redshift.s3

    def copied(self) -> list[str]:
        """The manifests that COPY has read."""
        return self._redshift.copier.copied

    def stop(self) -> None:
        """End the emulator and its S3."""
        self._stack.close()

    def url_of(self, database: str) -> str:
        """The URL of one of them by its name."""
        from redshift_home import URL

        return URL.replace("/dev?", f"/{database}?")


class RedshiftWire:
    """The same databases over Redshift's own protocol, which is PostgreSQL's."""

    def __init__(self, databases: RedshiftDatabases) -> None:
        self._databases = databases

    def new(self) -> str:
        """The URL of an empty warehouse with the catalogue's objects and the narrow one."""
        from psycopg.conninfo import conninfo_to_dict
        from redshift_home import BUCKET

        name = urlsplit(self._databases.new()).path
        parts = conninfo_to_dict(self._databases.uri_of(name))
        options = f"host={parts['host']}&sslmode=disable&staging=s3://{BUCKET}/wire&iam_role=default"
        return f"redshift://{parts['user']}@:{parts.get('port', 5432)}{name}?{options}"

    def release(self, url: str) -> None:
        """Empty a warehouse that nobody needs any more."""
        self._databases.release(self._databases.url_of(urlsplit(url).path[1:]))

    def connect(self, connection_string: str, place: str) -> Any:
        """A connection that takes Redshift's dialect."""
        import psycopg
        from redshift_copy import Copier
        from redshift_home import Spelled

        con: Any = psycopg.connect(connection_string, autocommit=True, cursor_factory=psycopg.RawCursor)
        return Spelled(con, Copier(self._databases.s3, connection_string))


class HomesOwn:
    """The embedded warehouse: a file in each home."""

    def new(self) -> str:
        """No URL: the home's default."""
        return ""

    def release(self, url: str) -> None:
        """It goes with the home."""


PLACES: dict[str, Callable[[pytest.FixtureRequest], homes.Places]] = {
    "duckdb": lambda _: HomesOwn(),
    "postgresql": lambda request: request.getfixturevalue("postgres_databases"),
    "redshift+data": lambda request: request.getfixturevalue("redshift_databases"),
    "redshift": lambda request: by_wire(request),
}
"""Scheme of a target -> what gives homes empty warehouses by URL and takes them back."""
UNTESTED = SCHEMES.keys() - PLACES.keys()
assert not UNTESTED, f"no test runs on {', '.join(UNTESTED)}: add a line to PLACES in tests/support/servers.py"
TARGETS = {name: PLACES[name] for name in SCHEMES} | {"redshift+data by files": lambda request: by_files(request)}
"""The same by name of a run: every target, and Redshift once more with every row in files."""


def uri_of(url: str, databases: RedshiftDatabases) -> str:
    """The PostgreSQL database behind a warehouse's URL."""
    parts = urlsplit(url)
    return url if parts.scheme == "postgresql" else databases.uri_of(parts.path)


@pytest.fixture(scope="session")
def postgres_databases(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Databases of this run's PostgreSQL."""
    pytest.importorskip("adbc_driver_postgresql", reason="adbc-driver-postgresql is not installed")
    return Databases(postgres_uri, tmp_path_factory.mktemp("template"))


def by_files(request: pytest.FixtureRequest) -> homes.Places:
    """Redshift again, every row through S3 and COPY, however few there are."""
    request.getfixturevalue("monkeypatch").setattr("trunkline.warehouse.redshift.request.INSERT_ROWS_MAX", -1)
    databases: homes.Places = request.getfixturevalue("redshift_databases")
    return databases


def by_wire(request: pytest.FixtureRequest) -> homes.Places:
    """Redshift over its own protocol."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    wire = RedshiftWire(request.getfixturevalue("redshift_databases"))
    request.getfixturevalue("monkeypatch").setattr("trunkline.warehouse.redshift.wire.connect", wire.connect)
    return wire


@pytest.fixture(scope="session")
def redshift_databases(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedshiftDatabases]:
    """Databases of an emulated Redshift, in front of this run's PostgreSQL."""
    databases = RedshiftDatabases(postgres_uri, tmp_path_factory.mktemp("redshift"))
    yield databases
    databases.stop()


SERVERS = [name for name in TARGETS if name != "duckdb"]


def on_servers() -> list[object]:
    """Parameters for `each_target`: the servers. Over the wire and by files Redshift is in the long run alone."""
    long = [name for name in SERVERS if name == "redshift" or "files" in name]
    return [pytest.param(name, marks=[pytest.mark.soak] if name in long else []) for name in SERVERS]


def seeds(most: int, of_servers: int, of_redshift: int = 1, of_duckdb: int | None = None) -> list[object]:
    """Parameters (target, seed) for `each_target`: fewer on servers by default, the rest in the long run.

    Over the wire Redshift does the same by the same code, so its seeds are all in the long run.
    """
    default = {"duckdb": of_duckdb or most, "postgresql": of_servers, "redshift+data": of_redshift, "redshift": 0}
    return [
        pytest.param(target, seed, marks=[pytest.mark.soak] if seed >= default[target] else [])
        for target in TARGETS
        for seed in range(most)
        if "files" not in target
    ]


def cases(names: Iterable[str], of_redshift: Sequence[str], of_others: Iterable[str] | None = None) -> list[object]:
    """Parameters (target, name) for `each_target`: on Redshift by default only those that are named, else `of_others`.

    Over the wire and by files Redshift does the same by the same code, so one of them is enough there.
    """
    others = [*(names if of_others is None else of_others)]
    of_targets = {"duckdb": others, "postgresql": others, "redshift+data": of_redshift}
    return [
        pytest.param(target, name, marks=[] if name in of_targets.get(target, of_redshift[:1]) else [pytest.mark.soak])
        for target in TARGETS
        for name in names
        if "files" not in target or name in of_redshift[:1]
    ]


# Redshift over the wire and by files does the same by the same code: by default they run where a test names them.
@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.soak] if name == "redshift" or "files" in name else [])
        for name in TARGETS
    ]
)
def each_target(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every home of the test has a warehouse of this kind, the same for the same path."""
    with homes.placed(TARGETS[request.param](request)):
        yield request.param
