"""What a row that people staged by hand gets where its `record_*` columns are NULL.

The values keep the fold order total and a repeated call without effect: they depend on the row alone, but for the two
times of arrival and load, which the order does not look at.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.engines.model import Engine, text_literal
from trunkline.objects.model import FIDELITY_STREAM, Column, Object
from trunkline.sql.ddl import staging_table
from trunkline.sql.order import compared_columns

_TIMESTAMP_TEXT = "'YYYY-MM-DD HH24:MI:SS.US'"


def filled_values(obj: Object, engine: Engine, alias: str) -> Iterator[str]:
    """An SQL expression over a staged row called `alias` for each column of the object, in order."""
    defaults = {
        "record_version": _version(obj, engine, alias),
        "record_fidelity": text_literal(FIDELITY_STREAM),
        "record_is_redacted": "FALSE",
        "record_catalogue_version": "0",
        "record_hash": _hash(obj, engine, alias),
        "record_position": text_literal(staging_table(obj)),
        "record_arrived_at": _now(engine),
        "record_loaded_at": _now(engine),
        "record_is_deleted": "FALSE",
    }
    for column in obj.columns:
        value = f"{alias}.{engine.quote(column.name)}"
        if column.name in defaults:
            value = f"COALESCE({value}, {defaults[column.name]})"
        yield value


def _now(engine: Engine) -> str:
    # Redshift's sessions are in UTC unless somebody sets a time zone, and GETDATE has none.
    return "TIMEZONE('UTC', NOW())" if engine.name == "postgres" else "GETDATE()"


def _version(obj: Object, engine: Engine, alias: str) -> str:
    value = f"{alias}.{engine.quote(obj.version)}"
    if obj.by_name[obj.version].type == "timestamp":
        # As loads write it: microseconds without zeros at their end.
        return f"RTRIM(RTRIM(TO_CHAR({value}, {_TIMESTAMP_TEXT}), '0'), '.')"
    return as_text(obj.by_name[obj.version], engine, alias)


def as_text(column: Column, engine: Engine, alias: str) -> str:
    """A column's value as text that does not depend on a session's settings; NULL for NULL."""
    value = f"{alias}.{engine.quote(column.name)}"
    match column.type:
        case "text":
            return value
        case "boolean":  # Redshift casts no boolean to text
            return f"CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' END"
        case "timestamp":
            return f"TO_CHAR({value}, {_TIMESTAMP_TEXT})"
        case "date":
            return f"TO_CHAR({value}, 'YYYY-MM-DD')"
        case str():
            return f"CAST({value} AS VARCHAR(64))"
        case _:
            return f"JSON_SERIALIZE({value})" if engine.name == "redshift" else f"CAST({value} AS TEXT)"


def _hash(obj: Object, engine: Engine, alias: str) -> str:
    """MD5 over the MD5 of each column that the fold order does not compare by value, so without personal data.

    Column by column, because one text of the whole row could be longer than Redshift's 65,535 bytes.
    """
    left_out = {column.name for column in compared_columns(obj)}
    parts = (
        f"COALESCE(MD5({as_text(column, engine, alias)}), '-')"
        for column in obj.data_columns
        if column.name not in left_out
    )
    joined = "\n      || ".join(parts)
    return f"MD5(\n      {joined}\n    )"
