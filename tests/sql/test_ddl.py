"""DDL: it runs in DuckDB and PostgreSQL, and has nothing that Redshift and Athena refuse."""

from __future__ import annotations

import re

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from trunkline.engines.catalogue import ENGINES, find
from trunkline.errors import UsageError
from trunkline.objects.contact_record import AMAZON_COLUMNS, CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.sql.ddl import create_staging, create_table, create_view, script, view_columns, warehouse_statements
from trunkline.sql.lake.athena import athena_statements

DUCKDB, POSTGRES, REDSHIFT = find("duckdb"), find("postgres"), find("redshift")
COLUMNS = "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_schema = {} AND table_name = {}"


def _names(table: str) -> tuple[str, str]:
    schema, name = table.split(".")
    return schema, name


def _parsed(sql: str, dialect: str) -> exp.Expression:
    (tree,) = sqlglot.parse(sql, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree, exp.Create), sql[:80]
    return tree


@pytest.mark.parametrize("engine", ENGINES)
def test_every_statement_parses_as_create(engine: str, obj: Object) -> None:
    """Sqlglot reads every statement as a CREATE in its dialect: an aid, not a proof."""
    of_engine = athena_statements(obj) if engine == "athena" else warehouse_statements(obj, find(engine))
    for sql in of_engine:
        _parsed(sql, engine)
    assert len(of_engine) >= 4


def test_duckdb_runs_it_twice(obj: Object) -> None:
    """An empty DuckDB runs the statements, twice; table and staging have the catalogue's columns."""
    with duckdb.connect() as db:
        for sql in warehouse_statements(obj, DUCKDB) * 2:
            db.execute(sql)
        names = [column.name for column in obj.columns]
        for table, required in (
            (obj.warehouse_table, [column.name for column in obj.columns if not column.nullable]),
            (obj.warehouse_table + "_staging", list(obj.key)),
        ):
            rows = db.execute(COLUMNS.format("?", "?") + " ORDER BY ordinal_position", _names(table)).fetchall()
            assert [name for name, _ in rows] == names
            assert [name for name, nullable in rows if nullable == "NO"] == required
        assert db.sql(f"FROM {obj.public_view}").columns == [column.name for column in view_columns(obj)]


def test_duckdb_types_are_those_of_the_catalogue() -> None:
    """DuckDB gives back the types that the catalogue declares, nested ones too."""
    with duckdb.connect() as db:
        for sql in warehouse_statements(CONTACT_RECORD, DUCKDB):
            db.execute(sql)
        types = {row[0]: row[1] for row in db.execute("DESCRIBE connect.f_calls").fetchall()}
    assert types["queue_duration_ms"] == "BIGINT"
    assert types["attributes"] == "MAP(VARCHAR, VARCHAR)"
    assert types["disconnect_timestamp"] == "TIMESTAMP"
    assert types["record_unmapped"] == "VARCHAR"
    assert types["contact_evaluations"].startswith("MAP(VARCHAR, STRUCT(form_id VARCHAR")


def test_amazons_view_has_amazons_columns_in_amazons_order() -> None:
    """`SELECT *` gives what Amazon's table gives: 153 columns, no more, and no deleted row."""
    with duckdb.connect() as db:
        for sql in warehouse_statements(CONTACT_RECORD, DUCKDB):
            db.execute(sql)
        for contact, deleted in (("a", False), ("b", True)):
            db.execute(
                "INSERT INTO connect.f_calls (contact_id, record_fidelity, record_is_redacted, record_hash, "
                "record_catalogue_version, record_position, record_arrived_at, record_loaded_at, record_is_deleted) "
                "VALUES (?, 'stream', false, 'h', 1, 'p', now()::TIMESTAMP, now()::TIMESTAMP, ?)",
                [contact, deleted],
            )
        view = db.sql("SELECT * FROM connect_datalake.contact_record")
        assert view.columns == [column.name for column in AMAZON_COLUMNS]
        assert len(view.columns) == 153
        assert [row[view.columns.index("contact_id")] for row in view.fetchall()] == ["a"]
        assert db.sql('SELECT "references" FROM connect_datalake.contact_record').fetchall() == [(None,)]


def test_postgres_runs_it_twice(postgres_uri: str, obj: Object) -> None:
    """A real PostgreSQL runs the statements twice, with every column, the primary key, and the view's columns."""
    import psycopg

    with psycopg.connect(postgres_uri) as db:
        for sql in warehouse_statements(obj, POSTGRES) * 2:
            db.execute(sql.encode())
        query = (COLUMNS.format("%s", "%s") + " ORDER BY ordinal_position").encode()
        for table, required in (
            (obj.warehouse_table, [column.name for column in obj.columns if not column.nullable]),
            (obj.warehouse_table + "_staging", list(obj.key)),
        ):
            rows = db.execute(query, _names(table)).fetchall()
            assert [name for name, _ in rows] == [column.name for column in obj.columns]
            assert [name for name, nullable in rows if nullable == "NO"] == required
        view = db.execute(query, _names(obj.public_view)).fetchall()
        assert [name for name, _ in view] == [column.name for column in view_columns(obj)]
        db.rollback()


def test_postgres_enforces_the_key_in_the_table_alone(postgres_uri: str) -> None:
    """The table refuses a second row of a key; staging takes several versions, with `record_*` unknown."""
    import psycopg

    with psycopg.connect(postgres_uri) as db:
        # Another test may have made these tables as Redshift has them.
        db.execute("DROP SCHEMA IF EXISTS connect CASCADE")
        for sql in warehouse_statements(CONTACT_RECORD, POSTGRES):
            db.execute(sql.encode())
        staged = b"INSERT INTO connect.f_calls_staging (contact_id, attributes) VALUES ('a', '{\"k\": \"v\"}')"
        for _ in range(2):
            db.execute(staged)
        assert db.execute("SELECT attributes ->> 'k' FROM connect.f_calls_staging").fetchall() == [("v",), ("v",)]
        with pytest.raises(psycopg.errors.NotNullViolation), db.transaction():
            db.execute("INSERT INTO connect.f_calls_staging (channel) VALUES ('VOICE')")
        fields = (
            "contact_id, record_fidelity, record_is_redacted, record_hash, record_catalogue_version, record_position"
        )
        row = f"INSERT INTO connect.f_calls ({fields}, record_arrived_at, record_loaded_at, record_is_deleted) "
        row += "VALUES ('a', 'stream', false, 'h', 1, 'p', now(), now(), false)"
        db.execute(row.encode())
        with pytest.raises(psycopg.errors.UniqueViolation), db.transaction():
            db.execute(row.encode())
        db.rollback()


def test_redshift_keeps_to_what_redshift_has(obj: Object) -> None:
    """No arrays, maps, JSON types, keys or indexes; text within 65,535 bytes; SUPER never orders or distributes."""
    statements = warehouse_statements(obj, REDSHIFT)
    for sql in statements:
        assert not re.search(r"(?i)\b(jsonb?|array|map|struct|uuid|serial|primary key|unique|index|encode)\b|\[\]",
                             re.sub(r'"[^"]*"', "", sql)), sql[:200]  # fmt: skip
        assert len(sql.encode()) < (REDSHIFT.statement_bytes_max or 0)
    table = create_table(obj, REDSHIFT)
    lengths = [int(length) for length in re.findall(r"VARCHAR\((\d+)\)", table)]
    assert lengths
    assert max(lengths) <= 65_535
    assert table.count("VARCHAR") == len(lengths), "a VARCHAR without a length is one of 256 bytes"
    types = {column.name: REDSHIFT.type_of(column) for column in obj.columns}
    assert f'DISTKEY ("{obj.key[0]}")' in table
    assert types[obj.key[0]] != "SUPER"
    assert f'SORTKEY ("{obj.partition}")' in table
    assert types[obj.partition] == "TIMESTAMP"
    assert {name for name, type_ in types.items() if type_ == "SUPER"} == {
        column.name for column in obj.columns if not isinstance(column.type, str)
    }
    assert statements[-1].endswith("WITH NO SCHEMA BINDING")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_name_is_quoted_and_lower_case(engine: str) -> None:
    """`references` is a reserved word of three engines: no name of a column ever stands without quotes."""
    of_engine = (
        athena_statements(CONTACT_RECORD) if engine == "athena" else warehouse_statements(CONTACT_RECORD, find(engine))
    )
    for sql in of_engine:
        bare = re.sub(r"""`[^`]*`|"[^"]*"|'[^']*'|<.*>""", "", sql)
        names = {column.name for column in CONTACT_RECORD.columns}
        assert not names & set(re.findall(r"\w+", bare))
        quoted = re.findall(r'`([^`]*)`|"([^"]*)"', sql)
        assert all(name == name.lower() for pair in quoted for name in pair)


def test_staging_may_have_a_name_of_its_own() -> None:
    """A run's own staging table has the same columns under its own name."""
    sql = create_staging(CONTACT_RECORD, REDSHIFT, "connect.f_calls_staging_1a2b")
    assert sql.startswith('CREATE TABLE IF NOT EXISTS "connect"."f_calls_staging_1a2b" (')
    assert sql.partition("(")[2] == create_staging(CONTACT_RECORD, REDSHIFT).partition("(")[2]


def test_athena_has_no_warehouse_table() -> None:
    """A table of rows in Athena is a usage error that names the engines with tables."""
    for create in (create_table, create_staging, create_view):
        with pytest.raises(UsageError, match="use duckdb, postgres or redshift"):
            create(CONTACT_RECORD, find("athena"))


def test_a_script_is_statements_and_nothing_else() -> None:
    """A generated file runs as it is: comments, and each statement ended once."""
    with duckdb.connect() as db:
        db.execute(script(warehouse_statements(CONTACT_RECORD, DUCKDB), "A note.\nOf two lines."))
        assert db.execute("SELECT count(*) FROM connect.f_calls").fetchone() == (0,)
