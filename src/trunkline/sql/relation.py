"""Temporary tables as values: what one module makes and another reads is handed over as a `Relation`.

No name is agreed between modules. A relation's own name begins with `trunkline_`, and columns that are not the
object's begin with `record_`, which no object's column may. So an object may call its columns whatever it likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine
from trunkline.objects.model import Object
from trunkline.sql.order import ORDER_COLUMNS

PARTITION_DATE: Final = "record_partition_date"
"""DATE: the day of the partition that a row belongs to."""
BATCH_ID: Final = "record_batch_id"
"""Text: the batch that a row came with."""
LOST_DATE: Final = "record_lost_date"
"""DATE, of a tombstone: the day of the partition that no longer holds the best version."""
WON_DATE: Final = "record_won_date"
"""DATE, of a tombstone: the day of the partition that holds the best version."""
WINNER: Final = (*ORDER_COLUMNS, "record_position", "record_arrived_at", "record_loaded_at")
"""What a tombstone says of the best version: its place in the order of versions, its position and times."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A temporary table or view of one connection, and its columns in order. Made by `relation`."""

    name: str
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The name for a statement of the embedded engine, quoted."""
        return self.quoted(DUCKDB)

    def quoted(self, engine: Engine) -> str:
        """The name for a statement of an engine, quoted."""
        return engine.quote(self.name)

    def column(self, name: str, alias: str = "") -> str:
        """A column for a statement of the embedded engine, quoted. Raises KeyError where the relation has none such."""
        if name not in self.columns:
            raise KeyError(f"{self.name} has no column {name}; its columns are {', '.join(self.columns)}")
        return f"{alias}.{DUCKDB.quote(name)}" if alias else DUCKDB.quote(name)


def relation(purpose: str, columns: Iterable[str], part: str = "") -> Relation:
    """A relation with a private name, which depends on nothing else: a statement that names it can be prepared once.

    `part` tells several relations of one purpose on one connection apart.
    """
    return Relation(f"trunkline_{purpose}" + (f"_{part}" if part else ""), tuple(columns))


def object_rows(obj: Object, purpose: str, more: Iterable[str] = ()) -> Relation:
    """A relation of an object's rows: all its columns in catalogue order, then `more`."""
    return relation(purpose, [*(column.name for column in obj.columns), *more])


def flat_rows(obj: Object, more: Iterable[str] = ()) -> Relation:
    """The rows of one batch as the lake takes them: the object's columns, then PARTITION_DATE and `more`."""
    return object_rows(obj, "flat", [PARTITION_DATE, *more])


def tombstone_rows(obj: Object) -> Relation:
    """Tombstones as the lake takes them: the key, WINNER, BATCH_ID, LOST_DATE and WON_DATE."""
    return relation("moved", [*obj.key, *WINNER, BATCH_ID, LOST_DATE, WON_DATE])
