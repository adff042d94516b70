"""The views on an object's lake files, for Athena and for the embedded engine.

A lake file has the object's columns in catalogue order and `record_moved_to` at the end; year, month and day are in
its path alone. The views read any relation that has these columns, so the embedded engine and Athena share them.
"""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Column, Object
from trunkline.sql.order import compared_columns, hashed_terms, order_by

PARTITION_KEYS = ("year", "month", "day")
"""Text, from the path: `year=2026/month=03/day=08`."""

MOVED_TO = Column(
    "record_moved_to",
    "text",
    None,
    "Lake files only: the date YYYY-MM-DD of the partition that a better version of this row lies in. "
    "NULL for a version; set in a tombstone, a row that says its partition no longer holds the best one.",
    is_amazon=False,
    source="Trunkline",
    length_max=10,
)

FILES_SUFFIX, VERSIONS_SUFFIX = "_files", "_versions"


def lake_columns(obj: Object) -> tuple[Column, ...]:
    """The columns of a lake file, in order, without the partition keys."""
    return (*obj.columns, MOVED_TO)


def lake_rows(obj: Object, files: str, more: Sequence[tuple[str, str]] = ()) -> str:
    """DuckDB's FROM item over lake files, with every column of the current catalogue.

    `files` is a read_parquet call; `more` are (name, type) of the columns it adds. Files of an older catalogue lack
    columns or have other types: the empty part of the union gives the current names and types.
    """
    columns = [(DUCKDB.quote(column.name), DUCKDB.type_of(column)) for column in lake_columns(obj)] + list(more)
    typed = ", ".join(f"CAST(NULL AS {type_}) AS {name}" for name, type_ in columns)
    return f"(SELECT {typed} WHERE false UNION ALL BY NAME SELECT * FROM {files}) AS lake_rows"


def _ranked(
    columns: Sequence[Column], engine: Engine, source: str, by: Sequence[str], order: str, where: str, conditions: str
) -> str:
    shown = ",\n".join(f"  {engine.quote(name)}" for name in (*(c.name for c in columns), *PARTITION_KEYS))
    # Year, month and day are in PARTITION BY so that an engine can push a condition on them below the window.
    parts = ", ".join(engine.quote(name) for name in (*PARTITION_KEYS, *by))
    rank = engine.quote("record_rank")
    return (
        f"SELECT\n{shown}\nFROM (\n"
        f"  SELECT *, ROW_NUMBER() OVER (\n    PARTITION BY {parts}\n    ORDER BY {order}\n  ) AS {rank}\n"
        f"  FROM {source}{where}\n) AS ranked\nWHERE {rank} = 1{conditions}"
    )


def versions_body(obj: Object, engine: Engine, source: str) -> str:
    """SELECT of every distinct version, once per (key, version, hash); tombstones of moved rows are left out.

    `source` is a FROM item. The first delivery of a version is shown.
    """
    first = ", ".join(engine.quote(name) for name in ("record_arrived_at", "record_position", "record_loaded_at"))
    return _ranked(
        obj.columns,
        engine,
        source,
        (*obj.key, "record_version", "record_hash"),
        f"{order_by(obj, engine)}, {first}",
        f"\n  WHERE {engine.quote(MOVED_TO.name)} IS NULL",
        "",
    )


def best_body(obj: Object, engine: Engine, source: str) -> str:
    """SELECT of the best row per key within each partition.

    Tombstones take part in the ranking and are dropped after it: where one wins, a later partition holds the row.
    Deleted rows likewise.
    """
    return _ranked(obj.columns, engine, source, obj.key, order_by(obj, engine), "", _existing(engine))


def _existing(engine: Engine) -> str:
    return f"\n  AND {engine.quote(MOVED_TO.name)} IS NULL\n  AND NOT {engine.quote('record_is_deleted')}"


def has_plain(obj: Object) -> bool:
    """Whether the order of versions reads personal data, so that a view without it reads less."""
    return any(column.path is not None for column in compared_columns(obj))


def plain_columns(obj: Object) -> tuple[Column, ...]:
    """The columns that hold no personal data. The hash is over all of them."""
    return tuple(column for column in obj.data_columns if column.pii == "none")


def plain_body(obj: Object, engine: Engine, source: str) -> str:
    """SELECT of the best row per key within each partition, without personal data, which is not read either.

    The order ends with the hash here. Rows that tie there differ in personal data alone, so that whichever is taken
    shows the same.
    """
    order = ", ".join(f"{term} DESC" for term in hashed_terms(obj, engine))
    return _ranked(plain_columns(obj), engine, source, obj.key, order, "", _existing(engine))


def lake_views(obj: Object, engine: Engine, source: str) -> dict[str, str]:
    """The views over `source` by `database.view`: all versions, the best rows, and these without personal data."""
    views = {
        obj.lake_table + VERSIONS_SUFFIX: versions_body(obj, engine, source),
        obj.public_view: best_body(obj, engine, source),
    }
    return views | ({obj.plain_view: plain_body(obj, engine, source)} if has_plain(obj) else {})


def create_lake_views(obj: Object, engine: Engine, source: str) -> tuple[str, ...]:
    """CREATE OR REPLACE VIEW of each of the views over `source`."""
    return tuple(
        f"CREATE OR REPLACE VIEW {quote_qualified(engine, name)} AS\n{body}"
        for name, body in lake_views(obj, engine, source).items()
    )
