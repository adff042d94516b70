"""Schemas, tables, procedures and views of a Redshift, created and kept up with the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trunkline.compile.analysis import analysis_statements
from trunkline.compile.ddl import ledger_statements, warehouse_statements
from trunkline.compile.procedures import procedure_statements
from trunkline.engines.redshift import REDSHIFT
from trunkline.limits import DATA_API_BATCH_MAX
from trunkline.objects.ledger import LEDGER_TABLES
from trunkline.objects.model import Object
from trunkline.objects.view import View

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse


def install(warehouse: RedshiftWarehouse, objects: Sequence[Object], views: Sequence[View]) -> list[str]:
    """As Warehouse has it."""
    statements = list(_statements(objects))
    for start in range(0, len(statements), DATA_API_BATCH_MAX):
        warehouse.send(statements[start : start + DATA_API_BATCH_MAX])
    return []


def missing(warehouse: RedshiftWarehouse, objects: Sequence[Object]) -> list[str]:
    """As Warehouse has it."""
    there = columns(warehouse)
    return [
        obj.name
        for obj in objects
        if not {column.name for column in obj.columns} <= there.get(obj.warehouse_table, {}).keys()
    ]


def columns(warehouse: RedshiftWarehouse) -> dict[str, dict[str, str]]:
    """Types of the columns that are there, by table."""
    found: dict[str, dict[str, str]] = {}
    for schema, table, column, type_ in warehouse.query(
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema NOT IN ('information_schema', 'pg_catalog')"
    ):
        found.setdefault(f"{schema}.{table}", {})[column] = type_
    return found


def _statements(objects: Sequence[Object]) -> Iterator[str]:
    yield from ledger_statements(LEDGER_TABLES, REDSHIFT)
    for obj in objects:
        yield from warehouse_statements(obj, REDSHIFT)
        yield from procedure_statements(obj, REDSHIFT)
    yield from analysis_statements(objects, REDSHIFT)
