"""The SELECT of a catalogue view for every engine."""

from __future__ import annotations

from trunkline.compile.portable import Spelling, render, spelling
from trunkline.objects.view import View, ViewColumn


def _column(one: ViewColumn, engine: Spelling) -> str:
    type_ = engine.types[one.type]
    if one.sql is None:
        return f'CAST(NULL AS {type_}) AS "{one.name}"'
    sql = render(one.sql, engine)
    if one.is_condition:
        return f'CAST(CASE WHEN {sql} THEN 1 ELSE 0 END AS {type_}) AS "{one.name}"'
    if sql == f'"{one.name}"':
        return sql
    return f'{sql} AS "{one.name}"'


def select_view(view: View, engine: str) -> str:
    """The view's defining SELECT over its base table, columns in catalogue order. UsageError for an unknown engine."""
    dialect = spelling(engine)
    columns = ",\n    ".join(_column(one, dialect) for one in view.columns)
    return f'SELECT\n    {columns}\nFROM "{view.database}"."{view.base}"'


def create_view(view: View, engine: str) -> str:
    """`CREATE OR REPLACE VIEW` of the view, without a trailing semicolon. UsageError for an unknown engine."""
    # Redshift: the view it reads is late-bound too, so that a new column does not mean dropping both.
    binding = "\nWITH NO SCHEMA BINDING" if engine == "redshift" else ""
    return f'CREATE OR REPLACE VIEW "{view.database}"."{view.name}" AS\n{select_view(view, engine)}{binding}'
