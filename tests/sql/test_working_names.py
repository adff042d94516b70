"""A user's column must not be called as a generated statement calls one of its own: the wrong one would be read."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from trunkline.engines.catalogue import find
from trunkline.objects.user_objects import WORKING_NAMES, read_objects
from trunkline.sql.flatten.statement import flatten_sql
from trunkline.sql.merge.embedded import merge_sql, rebuild_sql, stage_sql
from trunkline.sql.merge.procedures import procedure_statements

(OBJ,) = read_objects(Path(__file__).parents[2] / "examples" / "objects.toml")
_ALIAS = re.compile(r"\bAS \"?([a-z][a-z_]{3,})\"?(?! \()")


def _texts() -> list[str]:
    day = date(2026, 3, 1)
    made = [merge_sql(OBJ, day, day), rebuild_sql(OBJ), stage_sql(OBJ), stage_sql(OBJ, is_rebuild=True)]
    procedures = [text for name in ("postgres", "redshift") for text in procedure_statements(OBJ, find(name))]
    return [flatten_sql(OBJ).rows, *map(str, made), *procedures]


def test_every_name_that_a_statement_gives_is_taken() -> None:
    """Aliases of four letters and more; shorter ones are of tables alone."""
    given = {name for text in _texts() for name in _ALIAS.findall(text)}
    own = {column.name for column in OBJ.columns}
    tables = {"lake_rows"}
    assert "stage_row" in given
    assert sorted(name for name in given - own - tables if not re.match("(held_)?record_", name)) == sorted(
        (given - own) & WORKING_NAMES
    )
