"""The comparison of an existing table with an object's, a day at a time. Pure: text in, text out.

Rows belong to a day by their own time. A row is looked up in the other table by its key alone, so that one that
the other files under another day is a difference of that column and not a missing row.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, quote_qualified, text_literal
from trunkline.objects.adopted import AdoptedColumn, AdoptedTable

EXAMPLES: int = 5


def days(table: AdoptedTable, engine: Engine) -> str:
    """SELECT of each day of ours: its date, rows, and when the latest was written."""
    time = engine.quote(table.day_time.ours.name)
    return (
        f"SELECT CAST({time} AS DATE), COUNT(*), MAX(record_loaded_at) FROM {_ours(table, engine)} AS o "
        f"WHERE NOT record_is_deleted AND {time} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )


def their_days(table: AdoptedTable, engine: Engine) -> str:
    """SELECT of each day of theirs: its date in UTC, and rows."""
    time = _their_time(table, engine)
    return (
        f"SELECT CAST({time} AS DATE), COUNT(*) FROM {quote_qualified(engine, table.name)} "
        f"WHERE {time} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )


def counts(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """One row: our rows of the day, those that theirs lacks, then for each compared column how many differ, of which
    theirs is NULL, and ours is NULL.
    """
    parts = ["COUNT(*)", "SUM(CASE WHEN t.trunkline_key IS NULL THEN 1 ELSE 0 END)"]
    for number, column in enumerate(table.compared):
        ours, theirs = _our_value(column, engine), f"t.c{number}"
        parts += [
            _count(_differs(column, ours, theirs)),
            _count(f"{theirs} IS NULL AND {ours} IS NOT NULL"),
            _count(f"{ours} IS NULL AND {theirs} IS NOT NULL"),
        ]
    return f"SELECT {', '.join(parts)} FROM {_joined(table, engine, since, until)}"


def different(table: AdoptedTable, engine: Engine, since: str, until: str, number: int) -> str:
    """The first keys of the day whose column of this number differs."""
    column = table.compared[number]
    condition = _differs(column, _our_value(column, engine), f"t.c{number}")
    key = f"o.{engine.quote(table.key.ours.name)}"
    return (
        f"SELECT {key} FROM {_joined(table, engine, since, until)} WHERE t.trunkline_key IS NOT NULL AND {condition} "
        f"ORDER BY 1 LIMIT {EXAMPLES}"
    )


def missing_theirs(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """The first keys of the day that theirs lacks."""
    key = f"o.{engine.quote(table.key.ours.name)}"
    joined = _joined(table, engine, since, until)
    return f"SELECT {key} FROM {joined} WHERE t.trunkline_key IS NULL ORDER BY 1 LIMIT {EXAMPLES}"


def their_counts(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """One row: their rows of the day, distinct keys, and keys that ours lacks."""
    lacking = f"SELECT COUNT(*) FROM ({_lacking(table, engine, since, until)}) AS lacking"
    rows = _their_rows(table, engine, since, until)
    return f"SELECT COUNT(*), COUNT(DISTINCT trunkline_key), ({lacking}) FROM ({rows}) AS t"


def missing_ours(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """The first keys of the day that ours lacks."""
    return f"{_lacking(table, engine, since, until)} ORDER BY 1 LIMIT {EXAMPLES}"


def doubled(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """The first keys of the day that theirs has more than once."""
    return (
        f"SELECT trunkline_key FROM ({_their_rows(table, engine, since, until)}) AS t "
        f"GROUP BY trunkline_key HAVING COUNT(*) > 1 ORDER BY 1 LIMIT {EXAMPLES}"
    )


def _ours(table: AdoptedTable, engine: Engine) -> str:
    return quote_qualified(engine, table.obj.warehouse_table)


def _count(condition: str) -> str:
    return f"SUM(CASE WHEN t.trunkline_key IS NOT NULL AND {condition} THEN 1 ELSE 0 END)"


def _our_value(column: AdoptedColumn, engine: Engine) -> str:
    """Our value; a time is that of their zone's wall clock, which every time has, where the reverse is not unique."""
    value = f"o.{engine.quote(column.ours.name)}"
    return value if column.zone == "UTC" else engine.spelling.local(value, column.zone)


def _their_value(column: AdoptedColumn, engine: Engine, alias: str = "") -> str:
    """Their value in the type of ours."""
    value = alias + engine.quote(column.theirs)
    match column.ours.type:
        case "timestamp":
            return f"CAST({value} AS TIMESTAMP)"
        case "date":
            return f"CAST({value} AS DATE)"
        case "boolean":
            return f"CAST({value} AS BOOLEAN)"
        case "text":
            return f"CAST({value} AS {engine.spelling.types['string']})"
        case _:
            # Room for the factor: a product of decimals has the digits of both.
            return f"CAST({value} AS DECIMAL(20, 6)) * {column.factor}"


def _their_time(table: AdoptedTable, engine: Engine, alias: str = "") -> str:
    """Their time in UTC."""
    column = table.day_time
    value = _their_value(column, engine, alias)
    return value if column.zone == "UTC" else engine.spelling.utc(value, column.zone)


def _differs(column: AdoptedColumn, ours: str, theirs: str) -> str:
    """Whether two values differ; two NULLs do not."""
    same = f"{ours} = {theirs}"
    if column.tolerance:
        same = f"ABS({ours} - {theirs}) <= {column.tolerance}"
    return f"CASE WHEN {same} OR ({ours} IS NULL AND {theirs} IS NULL) THEN 0 ELSE 1 END = 1"


def _within(time: str, since: str, until: str) -> str:
    return f"{time} >= TIMESTAMP {text_literal(since)} AND {time} < TIMESTAMP {text_literal(until)}"


def _their_rows(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """Their rows of the day by key."""
    key, time = _their_value(table.key, engine), _their_time(table, engine)
    return (
        f"SELECT {key} AS trunkline_key FROM {quote_qualified(engine, table.name)} "
        f"WHERE {key} IS NOT NULL AND {_within(time, since, until)}"
    )


def _lacking(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    key = engine.quote(table.key.ours.name)
    return (
        f"SELECT DISTINCT t.trunkline_key FROM ({_their_rows(table, engine, since, until)}) AS t "
        f"LEFT JOIN (SELECT {key} FROM {_ours(table, engine)} WHERE NOT record_is_deleted) AS o "
        f"ON o.{key} = t.trunkline_key WHERE o.{key} IS NULL"
    )


def _joined(table: AdoptedTable, engine: Engine, since: str, until: str) -> str:
    """Our rows of the day, each with one of theirs of the same key."""
    key, time = engine.quote(table.key.ours.name), engine.quote(table.day_time.ours.name)
    their_key = _their_value(table.key, engine, "x.")
    values = ", ".join(
        f"{_their_value(column, engine, 'x.')} AS c{number}" for number, column in enumerate(table.compared)
    )
    ours = f"SELECT * FROM {_ours(table, engine)} WHERE NOT record_is_deleted AND {_within(time, since, until)}"
    theirs = (
        f"SELECT {their_key} AS trunkline_key, {values}, "
        f"ROW_NUMBER() OVER (PARTITION BY {their_key} ORDER BY {_their_time(table, engine, 'x.')} DESC) "
        f"AS trunkline_place FROM {quote_qualified(engine, table.name)} AS x "
        f"WHERE {their_key} IN (SELECT {key} FROM ({ours}) AS of_day)"
    )
    return (
        f"({ours}) AS o LEFT JOIN (SELECT * FROM ({theirs}) AS ranked WHERE trunkline_place = 1) AS t "
        f"ON t.trunkline_key = o.{key}"
    )
