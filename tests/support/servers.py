"""Warehouses on servers for tests: an empty, installed database each, made from a template in a tenth of a second.

`each_target` runs every test of a module once per target of `TARGETS`, on homes whose warehouse is there: nothing in
the tests says which. A new target is one line.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import homes
import pytest

from trunkline.objects import catalogue
from trunkline.objects.catalogue import VIEWS
from trunkline.warehouse.model import Opening
from trunkline.warehouse.targets import target_of

_count = itertools.count()


class Databases:
    """Databases of one PostgreSQL server, empty and with everything installed."""

    def __init__(self, uri: str, folder: Path) -> None:
        self._uri = uri
        self._free: list[str] = []
        self._template = self._create("template0")
        url = self._url(self._template)
        opening = Opening(url, 200, 1, folder / "scratch", folder)
        with target_of(url).open_warehouse(opening) as warehouse:
            warehouse.install([*catalogue.load([]).values(), homes.NARROW], list(VIEWS.values()))

    def new(self) -> str:
        """The URL of an empty warehouse with the catalogue's objects and the narrow one."""
        return self._free.pop() if self._free else self._url(self._create(self._template))

    def release(self, url: str) -> None:
        """Empty a warehouse that nobody needs any more, and keep it for the next one who does."""
        import psycopg

        with psycopg.connect(url, autocommit=True) as con:
            tables = con.execute(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname IN "
                "('connect', 'ledger') AND tablename <> 'installation'"
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


class HomesOwn:
    """The embedded warehouse: a file in each home."""

    def new(self) -> str:
        """No URL: the home's default."""
        return ""

    def release(self, url: str) -> None:
        """It goes with the home."""


TARGETS: dict[str, Callable[[pytest.FixtureRequest], homes.Places]] = {
    "duckdb": lambda _: HomesOwn(),
    "postgresql": lambda request: request.getfixturevalue("postgres_databases"),
}
"""Target -> what gives homes empty warehouses by URL and takes them back."""


@pytest.fixture(scope="session")
def postgres_databases(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Databases of this run's PostgreSQL."""
    pytest.importorskip("adbc_driver_postgresql", reason="adbc-driver-postgresql is not installed")
    return Databases(postgres_uri, tmp_path_factory.mktemp("template"))


SERVERS = [name for name in TARGETS if name != "duckdb"]


def seeds(default: int, of_servers: int) -> list[object]:
    """Parameters (target, seed) for `each_target`: fewer on servers by default, the rest in the long run."""
    return [
        pytest.param(target, seed, marks=[pytest.mark.soak] if target in SERVERS and seed >= of_servers else [])
        for target in TARGETS
        for seed in range(default)
    ]


@pytest.fixture(params=TARGETS)
def each_target(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every home of the test has a warehouse of this kind, the same for the same path."""
    with homes.placed(TARGETS[request.param](request)):
        yield request.param
