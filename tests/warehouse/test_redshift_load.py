"""Loads into Redshift through its Data API: rows, counts and ledger, by values and by files, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from homes import NARROW, assert_adds_up, load_into, narrow, settings_of, write

pytest.importorskip("psycopg", reason="psycopg is not installed")
from redshift_home import URL, Redshift, make_database, redshift_of

from trunkline.ledger import index
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home, open_home


@pytest.fixture(scope="module")
def server(postgres_uri: str) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "redshift_load")) as redshift:
        yield redshift


@pytest.fixture
def redshift(server: Redshift, tmp_path: Path) -> Redshift:
    """The tables of the narrow object, empty."""
    with opened(tmp_path / "install"):
        pass
    for table in ("connect.f_narrow", "ledger.batch", "ledger.position", "ledger.dead_letter"):
        server.ask(f"DELETE FROM {table} RETURNING 1")
    server.emulator.faults.clear()
    return server


@contextmanager
def opened(path: Path, obj: Object = NARROW, url: str = URL) -> Iterator[Home]:
    with open_home(settings_of(path, warehouse=url), is_install=True) as home:
        home.warehouse.install([obj], [])
        yield home


def held(redshift: Redshift) -> list[tuple]:
    return redshift.ask("SELECT id, score, changed_at, labels, items, anything FROM connect.f_narrow ORDER BY id")


def test_a_load_merges_and_counts(redshift: Redshift, tmp_path: Path) -> None:
    """New, newer, older and equal versions."""
    with opened(tmp_path / "home") as home:
        write(tmp_path / "in/1.json", narrow("a", Score=1), narrow("b", Score=2))
        first = load_into(home, tmp_path / "in", obj=NARROW)
        assert (first.counts.inserted, first.counts.updated) == (2, 0)
        write(tmp_path / "in/2.json", narrow("a", Score=5, Changed="2026-03-03T12:00:00Z"), narrow("b", Score=2))
        second = load_into(home, tmp_path / "in", obj=NARROW)
        assert (second.counts.updated, second.counts.duplicate) == (1, 1)
        assert [row[:2] for row in held(redshift)] == [("a", 5), ("b", 2)]
        assert_adds_up(index.totals(home.warehouse, NARROW.name))
