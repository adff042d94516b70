"""Rows of an embedded warehouse in a PostgreSQL, in the tables that are generated for it."""

from __future__ import annotations

from typing import Any

from trunkline.compile.analysis import analysis_statements
from trunkline.compile.ddl import warehouse_statements
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.postgres import POSTGRES
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home


def copy(home: Home, db: Any, *objects: Object) -> None:
    """Create the objects' tables and all views that they allow, and fill the tables with the home's rows."""
    for obj in objects:
        for statement in warehouse_statements(obj, POSTGRES):
            db.execute(statement)
        names = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
        values = ", ".join(
            DUCKDB.quote(c.name) if isinstance(c.type, str) else f"CAST(to_json({DUCKDB.quote(c.name)}) AS VARCHAR)"
            for c in obj.columns
        )
        rows = home.con.execute(f"SELECT {values} FROM {obj.warehouse_table}").fetchall()
        marks = ", ".join(["%s"] * len(obj.columns))
        with db.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {obj.warehouse_table} ({names}) VALUES ({marks})", rows)
    for statement in analysis_statements(objects, POSTGRES):
        db.execute(statement)
