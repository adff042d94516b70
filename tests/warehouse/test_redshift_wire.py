"""`redshift://`: the same statements over a connection of its own, in a real PostgreSQL where the dialects agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from homes import NARROW, SCHEMAS
from redshift_copy import Copier
from redshift_home import BUCKET, Spelled, make_database
from redshift_merges import batch_id, hooks, row_of, write_batch
from s3 import bucket

from trunkline.accounting import Counts
from trunkline.aws.redshift_data import SqlError, StatementTimeoutError
from trunkline.errors import TransientError, UsageError
from trunkline.warehouse.model import Opening
from trunkline.warehouse.redshift import request, wire
from trunkline.warehouse.redshift.address import wire_address_of
from trunkline.warehouse.redshift.loading import RedshiftLoader
from trunkline.warehouse.redshift.session import RedshiftSession
from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse
from trunkline.warehouse.redshift.wire import WireApi, bind

URL = f"redshift://loader@localhost/dev?staging=s3://{BUCKET}/wire"


@pytest.fixture
def warehouse(postgres_uri: str, tmp_path: Path) -> Iterator[RedshiftWarehouse]:
    uri = make_database(postgres_uri, "redshift_wire")
    with bucket(BUCKET) as s3, psycopg.connect(uri, autocommit=True, cursor_factory=psycopg.RawCursor) as con:
        address, _ = wire_address_of(URL)
        api = WireApi(Spelled(con, Copier(s3, uri)), address.target, lambda _: None)
        with duckdb.connect(config={"threads": 1}) as local:
            db = RedshiftSession(api, address, SCHEMAS)
            found = RedshiftWarehouse(db, RedshiftLoader(db, local, lambda: s3, tmp_path))
            found.install([NARROW], [])
            yield found


@pytest.mark.parametrize("way", ["values", "files"])
def test_install_load_and_query(
    warehouse: RedshiftWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Installed, loaded twice with one effect, asked."""
    if way == "files":
        monkeypatch.setattr(request, "INSERT_ROWS_MAX", -1)
    assert warehouse.missing([NARROW]) == []
    batch = write_batch(
        tmp_path / "in", "1", [row_of("a", second=1, score=1), row_of("a", second=2, score=2), row_of("b")]
    )
    for _ in range(2):
        counts = warehouse.merge(NARROW, [batch], hooks(NARROW, {batch_id("1"): 3}))
        assert counts == {batch_id("1"): Counts(inserted=2, superseded=1)}
    assert warehouse.query("SELECT id, score FROM connect.f_narrow WHERE id = $1", ["a"]) == [("a", 2)]
    assert warehouse.query_read_only("SELECT id FROM connect.f_narrow ORDER BY id").rows == [("a",), ("b",)]
    assert warehouse.count(NARROW) == 2


def test_what_goes_wrong_is_told_as_by_the_data_api(warehouse: RedshiftWarehouse) -> None:
    """A failed statement undoes its transaction; one that took too long says so; a broken connection is for later."""
    api: Any = warehouse.db.api
    with pytest.raises(SqlError, match="division by zero"):
        warehouse.db.send(["CREATE TABLE left_behind (a int)", "SELECT 1/0"])
    assert warehouse.query("SELECT 1 FROM pg_tables WHERE tablename = 'left_behind'") == []
    warehouse.run("SET statement_timeout = 50")
    with pytest.raises(StatementTimeoutError, match="is ABORTED"):
        warehouse.query("SELECT pg_sleep(2)")
    api.connection.inner.close()
    with pytest.raises(TransientError, match="the ledger knows whether the load took effect"):
        warehouse.query("SELECT 1")


def test_names_are_bound_where_they_are_code() -> None:
    """Not in texts, names, comments, casts and assignments."""
    sql = "SELECT ':p0', \":p1\", a::int, :p1, :p0, :p1 -- :p0\n; x := 1 /* :p0 */"
    text, values = bind(sql, {"p0": "zero", "p1": "one"})
    assert text == "SELECT ':p0', \":p1\", a::int, $1, $2, $1 -- :p0\n; x := 1 /* :p0 */"
    assert values == ["one", "zero"]
    assert bind("x := :y", {}) == ("x := :y", [])


def test_addresses() -> None:
    """TLS and Redshift's port unless said otherwise; options go to Trunkline, the rest to the driver."""
    address, connection = wire_address_of("redshift://ann:s3cret@h.example/dev?staging=s3://bucket/p&timeout_s=60")
    assert (address.staging, address.timeout_s, address.target.url) == (
        "s3://bucket/p",
        60,
        "redshift+data://h.example/dev",
    )
    assert connection == "postgresql://ann:s3cret@h.example:5439/dev?sslmode=require"
    assert wire_address_of("redshift://h:5432/dev?sslmode=disable")[1] == "postgresql://h:5432/dev?sslmode=disable"
    for url in ("redshift://h", "redshift://h/a/b", "redshift://h/d?db_user=x", "redshift+data://h/d"):
        with pytest.raises(UsageError, match=re.escape("valid is redshift://USER@HOST:5439/DATABASE")):
            wire_address_of(url)


def test_opening_reaches_the_server_or_says_what_to_do(
    postgres_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is not there is tried again later; its password is not shown."""
    make_database(postgres_uri, "redshift_opened")
    host = re.search(r"host=([^&]+)", postgres_uri) or re.search(r"()", "")
    assert host is not None
    url = f"redshift://postgres@:5432/redshift_opened?sslmode=disable&host={host[1]}"
    opening = Opening(url, 200, 1, tmp_path / "scratch", tmp_path, SCHEMAS)
    with wire.open_warehouse(opening) as opened:
        assert opened.query("SELECT CAST($1 AS VARCHAR(10)), $2", ["it's", 7]) == [("it's", 7)]
    gone = Opening("redshift://a:s3cret@127.0.0.1:1/dev", 200, 1, tmp_path / "scratch", tmp_path, SCHEMAS)
    with (
        pytest.raises(TransientError, match=r"redshift://\*\*\*@127.0.0.1:1/dev cannot be reached") as caught,
        wire.open_warehouse(gone),
    ):
        pass
    assert "s3cret" not in str(caught.value)
