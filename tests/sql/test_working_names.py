"""Names that statements give themselves: none may be the name of a user's column."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import redshift_on_postgres as on_postgres

from trunkline.engines.catalogue import find
from trunkline.objects.user.declare import read_objects
from trunkline.sql.flatten.statement import flatten_sql
from trunkline.sql.merge.embedded import merge_sql, rebuild_sql
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.sql.merge.staged import staging_sql

(OBJ,) = read_objects(Path(__file__).parents[2] / "examples" / "objects.toml")
_ALIAS = re.compile(r"\bAS \"?([a-z][a-z_]*)\"?(?! \()")
_DECLARED = re.compile(r"^  (\w+) (?:IN |INOUT )?(?:TEXT|VARCHAR\(512\)|BIGINT|DATE)(?=[,;\n])", re.MULTILINE)


def _texts() -> list[str]:
    day = date(2026, 3, 1)
    made = [merge_sql(OBJ, day, day), rebuild_sql(OBJ), staging_sql(OBJ), flatten_sql(OBJ)]
    procedures = [text for name in ("postgres", "redshift") for text in procedure_statements(OBJ, find(name))]
    return [*map(str, made), *procedures]


def test_names_that_a_statement_gives_are_reserved() -> None:
    """Columns begin with record_; a table's alias may have any name, since its columns are always qualified by it."""
    given = {name for text in _texts() for name in _ALIAS.findall(text)} - {column.name for column in OBJ.columns}
    tables = {"trunkline", "lake_rows", "taken", "merged", "own phone_number", "own", "name", "keys", "pairs"}
    counts = {"inserted", "updated", "deleted", "superseded", "duplicate"}
    of_duckdb = {"file_row_number"}
    types = {"timestamp", "date", "varchar", "text", "boolean", "bigint", "integer"}
    assert "record_stage_row" in given
    left = {name for name in given - tables - counts - of_duckdb - types if len(name) > 1}
    assert {name for name in left if not name.startswith("record_")} == set()


@pytest.mark.parametrize("engine", ["postgres", "redshift"])
def test_variables_of_a_merge_are_reserved(engine: str) -> None:
    """PL/pgSQL takes a variable for a column of its name, so that none may be a user's column."""
    merge, take, *outer = procedure_statements(OBJ, find(engine))
    variables = set(_DECLARED.findall(merge))
    assert {"record_staging", "record_batch_id", "record_source"} < variables
    assert all(name.startswith("record_") for name in variables)
    assert _DECLARED.findall(take) == []
    # What people see returned has plain names; so these procedures name no column.
    assert all("INSERT" not in text and "SELECT" not in text for text in outer)
    assert on_postgres.translated(take)
