"""Schemas, tables, procedures and views of a Redshift, created and kept up with the catalogue.

Each step may be run again. What would lose something is found before the first statement runs, so that a refused
installation leaves everything as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from trunkline.engines.model import quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.limits import DATA_API_BATCH_MAX
from trunkline.objects.ledger import INSTALLATION, LEDGER_TABLES
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.ddl import ledger_statements, staging_table, warehouse_statements
from trunkline.sql.family import family_statements
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.sql.migrate import Change, Held, changes
from trunkline.sql.star import star_statements
from trunkline.sql.views import create_view, views_on
from trunkline.warehouse.installation import installation_rows, refuse_unsafe
from trunkline.warehouse.redshift.bound import Bound
from trunkline.warehouse.redshift.views import VIEW, make_views

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

_SHORT: Final = {"timestamp without time zone": "timestamp", "character varying": "varchar"}
Tables = dict[str, dict[str, Held]]


def install(warehouse: RedshiftWarehouse, objects: Sequence[Object], views: Sequence[View]) -> list[str]:
    """As Warehouse has it."""
    there, is_new = _columns(warehouse), missing(warehouse, objects) != []
    found = [change for obj in objects for change in _changes(warehouse, obj, there)]
    refuse_unsafe(found)
    tables = [statement for change in found for statement in change.statements]
    tables += ledger_statements(LEDGER_TABLES, REDSHIFT)
    seen = [statement for obj in objects for statement in _of(obj)]
    tables += [statement for statement in seen if not statement.startswith(VIEW)]
    for start in range(0, len(tables), DATA_API_BATCH_MAX):
        warehouse.send(tables[start : start + DATA_API_BATCH_MAX])
    made = [*(one for one in seen if one.startswith(VIEW)), *_analysis(objects, views)]
    sentences = [change.sentence for change in found]
    # Tables may have changed in an installation that was stopped before it came to the views.
    grants = make_views(warehouse, made, is_anew=is_new or found != [])
    if grants:
        sentences.append(
            f"the views were made anew and {grants} grants on them given again; a user who is no superuser may not see "
            "all grants: run sql/redshift/grants.sql where readers lost theirs"
        )
    _record(warehouse, objects)
    return sentences


def missing(warehouse: RedshiftWarehouse, objects: Sequence[Object]) -> list[str]:
    """As Warehouse has it: objects that were not installed as the catalogue has them now."""
    if not warehouse.query("SELECT 1 FROM pg_tables WHERE schemaname = 'ledger' AND tablename = 'installation'"):
        return [obj.name for obj in objects]
    held: dict[str, str] = dict(warehouse.query("SELECT object, fingerprint FROM ledger.installation"))
    return [obj.name for obj in objects if held.get(obj.name) != fingerprint(obj)]


def fingerprint(obj: Object) -> str:
    """Changes whenever what `install` would run for an object does."""
    statements = (*ledger_statements(LEDGER_TABLES, REDSHIFT), *_of(obj))
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()


def _of(obj: Object) -> tuple[str, ...]:
    return (*warehouse_statements(obj, REDSHIFT), *procedure_statements(obj, REDSHIFT))


def _analysis(objects: Sequence[Object], views: Sequence[View]) -> Iterator[str]:
    yield from (create_view(view, REDSHIFT) for view in views_on(objects, views))
    yield from star_statements(objects, REDSHIFT)
    yield from family_statements(objects, REDSHIFT)


def _columns(warehouse: RedshiftWarehouse) -> Tables:
    """The columns of every table that is there, as the catalogue would say them."""
    found: Tables = {}
    for schema, table, column, type_, length, is_nullable in warehouse.query(
        "SELECT table_schema, table_name, column_name, data_type, character_maximum_length, is_nullable "
        "FROM svv_columns WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY ordinal_position"
    ):
        name = f"{_SHORT.get(type_, type_)}({length})" if type_ == "character varying" else _SHORT.get(type_, type_)
        found.setdefault(f"{schema}.{table}", {})[column] = Held(str(name), is_nullable == "NO")
    return found


def _changes(warehouse: RedshiftWarehouse, obj: Object, there: Tables) -> list[Change]:
    found: list[Change] = []
    for table, is_staging in ((obj.warehouse_table, False), (staging_table(obj), True)):
        if table in there:
            has_rows = bool(warehouse.query(f"SELECT 1 FROM {quote_qualified(REDSHIFT, table)} LIMIT 1"))
            found += changes(obj, REDSHIFT, table, there[table], has_rows, is_staging)
    return found


def _record(warehouse: RedshiftWarehouse, objects: Sequence[Object]) -> None:
    bound, table = Bound(), quote_qualified(REDSHIFT, INSTALLATION.name)
    marks = ", ".join(f"${number}" for number in range(1, len(objects) + 1))
    names: list[object] = [obj.name for obj in objects]
    warehouse.send([bound.statement(f"DELETE FROM {table} WHERE object IN ({marks})", names)], bound)
    warehouse.put(INSTALLATION, installation_rows({obj: fingerprint(obj) for obj in objects}))
