"""Schemas, tables, procedures and views of a Redshift, created and migrated to the catalogue.

Each step may be run again. What would lose something is found before the first statement runs, so that a refused
installation leaves everything as it was.

Redshift replaces a view only by one of the same columns, so a view whose columns may have changed is dropped first, and
its grants go with it. All our views are late-binding: none depends on another, and each is dropped, created and granted
in one transaction. No reader finds a view missing, and an installation that was stopped leaves none without its grants.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from trunkline.aws.redshift_data import SqlError
from trunkline.engines.model import quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.limits import DATA_API_BATCH_MAX
from trunkline.objects.ledger import INSTALLATION, LEDGER_TABLES
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.ddl import ledger_statements, staging_table, warehouse_statements
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.sql.migrate import ServerColumn, TableChange, changes
from trunkline.sql.star import analysis_statements
from trunkline.warehouse.model import installation_rows, refuse_unsafe
from trunkline.warehouse.redshift.session import Bound, RedshiftSession

_VIEW: Final = "CREATE OR REPLACE VIEW "
# SVV_RELATION_PRIVILEGES: what can be granted, and how GRANT names the grantee.
_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "DROP")
_GRANTEES: Final = {"user": "{}", "role": "ROLE {}", "group": "GROUP {}", "public": "PUBLIC"}
_SHORT: Final = {"timestamp without time zone": "timestamp", "character varying": "varchar"}
Tables = dict[str, dict[str, ServerColumn]]


def install(db: RedshiftSession, objects: Sequence[Object], views: Sequence[View], zone: str) -> list[str]:
    """Create what is not there, add columns that the catalogue has gained; a sentence for each change.

    Raises TerminalError, before anything is changed, where that could lose something.
    """
    there, is_new = _columns(db), missing(db, objects) != []
    needed = [change for obj in objects for change in _changes(db, obj, there)]
    refuse_unsafe(needed)
    tables = [statement for change in needed for statement in change.statements]
    tables += ledger_statements(LEDGER_TABLES, REDSHIFT)
    seen = [statement for obj in objects for statement in _of(obj)]
    tables += [statement for statement in seen if not statement.startswith(_VIEW)]
    for start in range(0, len(tables), DATA_API_BATCH_MAX):
        db.send(tables[start : start + DATA_API_BATCH_MAX])
    made = [statement for statement in seen if statement.startswith(_VIEW)]
    made += analysis_statements(objects, REDSHIFT, views, zone)
    sentences = [change.sentence for change in needed]
    # Tables may have changed in an installation that was stopped before it came to the views.
    grants = _make_views(db, made, is_recreated=is_new or needed != [])
    if grants:
        sentences.append(
            f"the views were recreated, and {grants} grants on them were granted again; a user who is not a superuser "
            "may not see all grants: run sql/redshift/grants.sql where readers lost theirs"
        )
    _record(db, objects)
    return sentences


def missing(db: RedshiftSession, objects: Sequence[Object]) -> list[str]:
    """Names of the objects that were not installed as the catalogue has them now."""
    if not db.query("SELECT 1 FROM pg_tables WHERE schemaname = 'ledger' AND tablename = 'installation'"):
        return [obj.name for obj in objects]
    installed: dict[str, str] = dict(db.query("SELECT object, fingerprint FROM ledger.installation"))
    return [obj.name for obj in objects if installed.get(obj.name) != fingerprint(obj)]


def fingerprint(obj: Object) -> str:
    """Changes whenever what `install` would run for an object does."""
    statements = (*ledger_statements(LEDGER_TABLES, REDSHIFT), *_of(obj))
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()


def catalogue_fingerprint(objects: Sequence[Object], views: Sequence[View], zone: str) -> str:
    """Changes whenever what `install` would run for these objects and views does."""
    statements = analysis_statements(objects, REDSHIFT, views, zone)
    return hashlib.sha256("\n".join([*map(fingerprint, objects), *statements]).encode()).hexdigest()


def _of(obj: Object) -> tuple[str, ...]:
    return (*warehouse_statements(obj, REDSHIFT), *procedure_statements(obj, REDSHIFT))


def _columns(db: RedshiftSession) -> Tables:
    """The columns of every table that is there, as the catalogue would say them."""
    tables: Tables = {}
    for schema, table, column, type_, length, precision, scale, is_nullable in db.query(
        "SELECT table_schema, table_name, column_name, data_type, character_maximum_length, numeric_precision, "
        "numeric_scale, is_nullable "
        "FROM svv_columns WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY ordinal_position"
    ):
        name = str(_SHORT.get(type_, type_))
        if type_ == "character varying":
            name = f"{name}({length})"
        elif type_ == "numeric":
            name = f"decimal({precision},{scale})"
        tables.setdefault(f"{schema}.{table}", {})[column] = ServerColumn(name, is_nullable == "NO")
    return tables


def _changes(db: RedshiftSession, obj: Object, there: Tables) -> list[TableChange]:
    needed: list[TableChange] = []
    for table, is_staging in ((obj.warehouse_table, False), (staging_table(obj), True)):
        if table in there:
            has_rows = bool(db.query(f"SELECT 1 FROM {quote_qualified(REDSHIFT, table)} LIMIT 1"))
            needed += changes(obj, REDSHIFT, table, there[table], has_rows, is_staging)
    return needed


def _record(db: RedshiftSession, objects: Sequence[Object]) -> None:
    bound, table = Bound(), quote_qualified(REDSHIFT, INSTALLATION.name)
    marks = ", ".join(f"${number}" for number in range(1, len(objects) + 1))
    names: list[object] = [obj.name for obj in objects]
    db.send([bound.statement(f"DELETE FROM {table} WHERE object IN ({marks})", names)], bound)
    db.put(INSTALLATION, installation_rows({obj: fingerprint(obj) for obj in objects}))


def _make_views(db: RedshiftSession, statements: Sequence[str], *, is_recreated: bool) -> int:
    """Make the views; where columns may be others now, drop those that are there first.

    The number of grants that had to be given again.
    """
    if is_recreated:
        return _remake(db, statements)
    try:
        for start in range(0, len(statements), DATA_API_BATCH_MAX):
            db.send(statements[start : start + DATA_API_BATCH_MAX])
    except SqlError:  # a view of this version has other columns, though its tables have the same
        return _remake(db, statements)
    return 0


def _remake(db: RedshiftSession, statements: Sequence[str]) -> int:
    grants = _grants(db)
    units = []
    for statement in statements:
        name = statement.removeprefix(_VIEW).split(" AS", 1)[0].strip()
        units.append([f"DROP VIEW IF EXISTS {name}", statement, *grants[name]])
    for batch in _packed(units):
        db.send(batch)
    return sum(len(unit) - 2 for unit in units)


def _grants(db: RedshiftSession) -> dict[str, list[str]]:
    """GRANT statements by quoted name of view or table, as far as this user may see them."""
    grants: dict[str, list[str]] = defaultdict(list)
    for schema, relation, privilege, grantee, kind, is_admin in db.query(
        "SELECT namespace_name, relation_name, privilege_type, identity_name, identity_type, admin_option "
        "FROM svv_relation_privileges WHERE namespace_name NOT IN ('information_schema', 'pg_catalog') "
        "ORDER BY namespace_name, relation_name, identity_type, identity_name, privilege_type"
    ):
        if privilege in _PRIVILEGES and kind in _GRANTEES:
            name = f"{REDSHIFT.quote(schema)}.{REDSHIFT.quote(relation)}"
            to = _GRANTEES[kind].format(REDSHIFT.quote(grantee))
            option = " WITH GRANT OPTION" if is_admin and kind == "user" else ""
            grants[name].append(f"GRANT {privilege} ON {name} TO {to}{option}")
    return grants


def _packed(units: Sequence[list[str]]) -> Iterator[list[str]]:
    """Batches that keep units whole; one that is longer than a batch goes on in the next."""
    batch: list[str] = []
    for unit in units:
        if len(batch) + len(unit) > DATA_API_BATCH_MAX and batch:
            yield batch
            batch = []
        batch = [*batch, *unit]
        while len(batch) > DATA_API_BATCH_MAX:
            yield batch[:DATA_API_BATCH_MAX]
            batch = batch[DATA_API_BATCH_MAX:]
    if batch:
        yield batch
