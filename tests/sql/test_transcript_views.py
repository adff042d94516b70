"""Views over several tables: every engine's text is a CREATE VIEW, and Athena's means what the warehouse's does."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlglot
from homes import contact, load_into, opened, write
from sqlglot import exp
from transcript_files import TALK, VOICEMAIL, lens, put, transcribe

from trunkline.engines.catalogue import ENGINES, find
from trunkline.objects.catalogue import OBJECTS, VIEWS
from trunkline.objects.post_call.calls_view import STATUSES
from trunkline.objects.post_call.transcript import CONTACT_LENS_VIEW
from trunkline.sql.trino import translate as trino
from trunkline.sql.views import create_view, select_view, views_on


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_one_statement_of_its_engine(engine: str, name: str) -> None:
    """Sqlglot reads it as one CREATE VIEW with the catalogue's columns in order; it fits one query."""
    sql = create_view(VIEWS[name], ENGINES[engine]).removesuffix("\nWITH NO SCHEMA BINDING")
    (tree,) = sqlglot.parse(sql, dialect=engine, error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree, exp.Create)
    assert isinstance(tree.expression, exp.Select)
    assert [select.alias_or_name for select in tree.expression.selects] == [
        column.name for column in VIEWS[name].columns
    ]
    assert len(sql.encode()) < (find(engine).statement_bytes_max or len(sql.encode()) + 1)


def test_amazons_columns_are_all_there_in_amazons_order() -> None:
    """35 columns, the first and the last as Amazon lists them."""
    names = [column.name for column in CONTACT_LENS_VIEW.columns]
    assert len(names) == 35
    assert names[:4] == ["aws_account_id", "version", "instance_id", "contact_id"]
    assert names[-1] == "data_lake_last_processed_timestamp"


def test_views_wait_for_their_tables() -> None:
    """Without an object there are only the views that do not need it."""
    some = [OBJECTS["transcript"], OBJECTS["call"]]
    assert [view.name for view in views_on(some, VIEWS.values())] == ["transcript_turn"]
    assert views_on([], VIEWS.values()) == ()


def test_every_answer_is_one_of_the_documents_four() -> None:
    """No status decides two answers."""
    assert set(STATUSES) == {"Human", "Voicemail", "NoAnswer", "Unknown"}
    listed = [status for statuses in STATUSES.values() for status in statuses]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("name", ["calls", "contact_lens_conversational_analytics"])
def test_athenas_view_means_what_the_warehouses_does(tmp_path: Path, name: str) -> None:
    """Athena's SELECT, read as Trino's SQL over the same tables with partition keys, gives the same rows."""
    calls = [
        {"callId": call_id, "callTimestampUTC": at, "payload": {"direction": "outbound"}}
        for call_id, at in (("a", "2026-02-11T23:59:59Z"), ("b", "2026-03-01T00:00:00Z"), ("c", None))
    ]
    put(tmp_path / "t/transcripts", "a.json", transcribe(TALK, "channel"))
    put(tmp_path / "t/transcripts", "b.json", lens(VOICEMAIL))
    with opened(tmp_path / "home") as home:
        load_into(home, write(tmp_path / "calls.json", *calls), obj=home.objects["call"])
        load_into(home, tmp_path / "t", obj=home.objects["transcript"])
        load_into(home, write(tmp_path / "contacts.json", contact("b"), contact("c")))
    view = VIEWS[name]
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{tmp_path / 'home' / 'warehouse.duckdb'}' AS w (READ_ONLY)")
        for place, table in {**view.tables, **view.lake_tables}.items():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
            keys = ", strftime(COALESCE(call_timestamp_utc, '1970-01-01'), '%Y') AS year" if "call" in table else ""
            keys += keys.replace("%Y", "%m").replace("year", "month") + keys.replace("%Y", "%d").replace("year", "day")
            con.execute(
                f"CREATE VIEW {table} AS SELECT *{keys if table.endswith('.call') else ''} FROM w.{view.tables[place]}"
            )
        columns = "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'memory'"
        tables: dict[str, dict[str, str]] = {}
        for table, column, type_ in con.execute(columns).fetchall():
            tables.setdefault(table, {})[column] = type_
        theirs = con.execute(trino.to_duckdb(select_view(view, ENGINES["athena"]), tables)).fetchall()
        ours = con.execute(f"SELECT * FROM w.{view.database}.{view.name}").fetchall()
    assert len(ours) == (3 if name == "calls" else 1)
    assert sorted(map(str, theirs)) == sorted(map(str, ours))
