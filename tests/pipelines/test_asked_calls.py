"""The application's question by direction and answer type: one answer, whichever engine is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from asked_calls import by_hand, loaded_home

from trunkline.engines.model import quote_qualified
from trunkline.engines.postgres import POSTGRES
from trunkline.objects.catalogue import OBJECTS
from trunkline.objects.post_call.calls_view import CALLS_VIEW
from trunkline.pipelines.reading import Reader, open_reader, query
from trunkline.sql.ddl import create_table, create_view
from trunkline.sql.lake.athena import CALLS, by_direction_and_answer_type
from trunkline.sql.views import create_view as create_catalogue_view

SQL = by_direction_and_answer_type()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The loaded home, open for questions."""
    with open_reader(loaded_home(tmp_path_factory.mktemp("asked"))) as opened:
        yield opened


def test_there_is_something_to_ask() -> None:
    """All four answers, calls without direction, groups without any duration, calls of more than a minute."""
    rows = by_hand()
    assert {row[1] for row in rows} == {"Human", "Voicemail", "NoAnswer", "Unknown"}
    assert None in {row[0] for row in rows}
    assert sum(row[4] for row in rows) > 3


def test_the_lake_answers(reader: Reader) -> None:
    """DuckDB over the lake's files, with the partition's keys from the path."""
    assert query(reader, SQL.replace(CALLS, "lake.main.calls")).rows == by_hand()


def test_the_warehouse_answers(reader: Reader) -> None:
    """The embedded warehouse, word for word, in DuckDB's dialect and in Athena's."""
    assert query(reader, SQL).rows == by_hand()
    assert query(reader, SQL, "athena").rows == by_hand()


def test_postgresql_answers(reader: Reader, postgres_uri: str) -> None:
    """A real PostgreSQL with the same rows, the generated tables and views, word for word."""
    import psycopg

    with psycopg.connect(postgres_uri) as db:
        for name in CALLS_VIEW.needs:
            obj = OBJECTS[name]
            for schema in (obj.database, obj.warehouse_table.split(".")[0]):
                db.execute(f"CREATE SCHEMA IF NOT EXISTS {POSTGRES.quote(schema)}")
            db.execute(create_table(obj, POSTGRES))
            _copy(db, reader, name)
            db.execute(create_view(obj, POSTGRES))
        db.execute(create_catalogue_view(CALLS_VIEW, POSTGRES))
        found = [(*row[:3], None if row[3] is None else float(row[3]), row[4]) for row in db.execute(SQL).fetchall()]
        db.rollback()
    assert rounded(found) == rounded(by_hand())


def _copy(db: Any, reader: Reader, name: str) -> None:
    """The object's plain columns; lists and records are not asked for."""
    obj = OBJECTS[name]
    columns = [one.name for one in obj.columns if isinstance(one.type, str)]
    listed = ", ".join(POSTGRES.quote(one) for one in columns)
    rows = reader.con.execute(f"SELECT {listed} FROM warehouse.{obj.warehouse_table}").fetchall()
    assert rows, name
    with db.cursor().copy(f"COPY {quote_qualified(POSTGRES, obj.warehouse_table)} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def rounded(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Averages to twelve digits: PostgreSQL's are decimals."""
    return [(*row[:3], None if row[3] is None else round(row[3], 12), row[4]) for row in rows]
