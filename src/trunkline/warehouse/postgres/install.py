"""What a PostgreSQL warehouse needs, put in place: created where it is not there, added to where it is older.

All of it is one transaction under a lock of its own, so that two installations wait for each other and a refused one
leaves everything as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors

from trunkline.engines.model import quote_qualified
from trunkline.engines.postgres import POSTGRES
from trunkline.errors import TerminalError
from trunkline.objects.ledger import INSTALLATION, LEDGER_TABLES
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.ddl import ledger_statements, staging_table, warehouse_statements
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.sql.migrate import ServerColumn, TableChange, changes
from trunkline.sql.session import Session
from trunkline.sql.star import analysis_statements
from trunkline.warehouse.model import installation_rows, refuse_unsafe

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('trunkline warehouse install', 0))"
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(CAST($1 AS text)) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

# Each view that reads one of the views $1, however far, and is none of them; those that are read come first.
_READERS = """
WITH RECURSIVE edge AS (
  SELECT DISTINCT d.refobjid AS base, r.ev_class AS reader
  FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
), ours AS (
  SELECT CAST(to_regclass(name) AS oid) AS oid FROM unnest(CAST($1 AS text[])) AS name
), found AS (
  SELECT edge.reader, 1 AS depth FROM edge JOIN ours ON ours.oid = edge.base
  UNION
  SELECT edge.reader, found.depth + 1 FROM edge JOIN found ON found.reader = edge.base
)
SELECT format('%I.%I', n.nspname, c.relname), COALESCE(' WITH (' || array_to_string(c.reloptions, ', ') || ')', ''),
  pg_get_viewdef(c.oid), quote_literal(obj_description(c.oid, 'pg_class'))
FROM found JOIN pg_class AS c ON c.oid = found.reader JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND pg_get_userbyid(c.relowner) = current_user
  AND c.oid NOT IN (SELECT ours.oid FROM ours WHERE ours.oid IS NOT NULL)
GROUP BY c.oid, n.nspname, c.relname, c.reloptions
ORDER BY max(found.depth), 1
"""


def fingerprint(obj: Object) -> str:
    """Changes whenever what `install` would run for an object does."""
    statements = (*ledger_statements(LEDGER_TABLES, POSTGRES), *_of(obj))
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()


def _of(obj: Object, unknown: Sequence[str] = ()) -> tuple[str, ...]:
    return (*warehouse_statements(obj, POSTGRES), *procedure_statements(obj, POSTGRES, unknown))


def missing(session: Session, objects: Sequence[Object]) -> list[str]:
    """Names of objects that were not installed as the catalogue has them now."""
    if not session.query("SELECT 1 FROM pg_tables WHERE schemaname = 'ledger' AND tablename = 'installation'"):
        return [obj.name for obj in objects]
    installed: dict[str, str] = dict(session.query("SELECT object, fingerprint FROM ledger.installation"))
    return [obj.name for obj in objects if installed.get(obj.name) != fingerprint(obj)]


def install(
    session: Session, con: psycopg.Connection[Any], objects: Sequence[Object], views: Sequence[View], zone: str
) -> list[str]:
    """Install objects and the views on them; a sentence for each change of a table that was there.

    Raises TerminalError with the statements to run where rows that are there would lose something.
    """
    with con.transaction():
        con.execute(_LOCK)
        table_changes = [change for obj in objects for change in _changes(con, obj)]
        refuse_unsafe(table_changes)
        for change in table_changes:
            for statement in change.statements:
                con.execute(statement)
        for statement in ledger_statements(LEDGER_TABLES, POSTGRES):
            con.execute(statement)
        view_statements = analysis_statements(objects, POSTGRES, views, zone)
        own = [statement for obj in objects for statement in _of(obj, _unknown_columns(con, obj))]
        _run_all(con, [*own, *view_statements])
        for obj in objects:
            con.execute("DELETE FROM ledger.installation WHERE object = $1", [obj.name])
        session.put(
            INSTALLATION,
            installation_rows({obj: fingerprint(obj) for obj in objects}),
        )
    return [change.sentence for change in table_changes]


def _unknown_columns(con: psycopg.Connection[Any], obj: Object) -> list[str]:
    """The columns of an existing table that the catalogue lacks: a newer version's, or a person's."""
    known = {column.name for column in obj.columns}
    rows = con.execute(_COLUMNS, [quote_qualified(POSTGRES, obj.warehouse_table)])
    return [name for name, _, _ in rows if name not in known]


def _changes(con: psycopg.Connection[Any], obj: Object) -> list[TableChange]:
    table_changes: list[TableChange] = []
    for table, is_staging in ((obj.warehouse_table, False), (staging_table(obj), True)):
        quoted = quote_qualified(POSTGRES, table)
        there = {
            name: ServerColumn(_short(type_), required) for name, type_, required in con.execute(_COLUMNS, [quoted])
        }
        if there:
            has_rows = bool(con.execute(f"SELECT 1 FROM {quoted} LIMIT 1").fetchall())
            table_changes += changes(obj, POSTGRES, table, there, has_rows, is_staging)
            if not is_staging:
                table_changes += _key_change(con, obj, quoted)
    return table_changes


def _short(type_: str) -> str:
    return "timestamp" if type_ == "timestamp without time zone" else type_


def _key_change(con: psycopg.Connection[Any], obj: Object, quoted: str) -> list[TableChange]:
    rows = con.execute(
        "SELECT c.conname, array_agg(a.attname ORDER BY k.place) FROM pg_constraint AS c "
        "CROSS JOIN unnest(c.conkey) WITH ORDINALITY AS k (number, place) "
        "JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.number "
        "WHERE c.conrelid = to_regclass(CAST($1 AS text)) AND c.contype = 'p' GROUP BY c.conname",
        [quoted],
    ).fetchall()
    if rows and tuple(rows[0][1]) == obj.key:
        return []
    keys = ", ".join(POSTGRES.quote(key) for key in obj.key)
    drop = (f"ALTER TABLE {quoted} DROP CONSTRAINT {POSTGRES.quote(rows[0][0])}",) if rows else ()
    present = ", ".join(rows[0][1]) if rows else "nothing"
    return [
        TableChange(
            f"{obj.warehouse_table}: the key is {present}, and {', '.join(obj.key)} in the catalogue",
            (*drop, f"ALTER TABLE {quoted} ADD PRIMARY KEY ({keys})"),
            False,
        )
    ]


def _run_all(con: psycopg.Connection[Any], statements: Sequence[str]) -> None:
    """Run the statements; where a view's columns changed their order, make our views anew with their grants.

    Views that read ours, a person's or a newer version's, are made anew behind them.
    """
    try:
        with con.transaction():
            for statement in statements:
                con.execute(statement)
    except errors.InvalidTableDefinition:
        views = [name for statement in statements if (name := _view_of(statement))]
        grants = [grant for view in views for grant in _grants(con, view)]
        readers = _readers(con, views)
        try:
            for view in reversed([*views, *(reader.name for reader in readers)]):
                con.execute(f"DROP VIEW IF EXISTS {view}")
        except errors.DependentObjectsStillExist as error:
            raise TerminalError(
                f"{error.diag.message_primary}: {error.diag.message_detail}. Drop what reads it, run `trunkline "
                "warehouse install` again, and make it anew"
            ) from None
        for statement in (*statements, *grants):
            con.execute(statement)
        for reader in readers:
            _remake(con, reader)


@dataclass(frozen=True, slots=True)
class _Reader:
    """A view that reads one of ours. `name` is quoted; `statements` make it anew with its grants and comment."""

    name: str
    statements: tuple[str, ...]


def _readers(con: psycopg.Connection[Any], views: Sequence[str]) -> list[_Reader]:
    """The views that read these and are not among them, each behind those that it reads; of this user alone."""
    rows = con.execute(_READERS, [list(views)]).fetchall()
    readers = []
    for name, options, definition, comment in rows:
        statements = [f"CREATE VIEW {name}{options} AS {definition}", *_grants(con, name)]
        if comment:
            statements.append(f"COMMENT ON VIEW {name} IS {comment}")
        readers.append(_Reader(name, tuple(statements)))
    return readers


def _remake(con: psycopg.Connection[Any], reader: _Reader) -> None:
    try:
        for statement in reader.statements:
            con.execute(statement)
    except psycopg.Error as error:
        raise TerminalError(
            f"the view {reader.name} reads what this version lacks ({error.diag.message_primary}); nothing was "
            "changed. A newer version makes its own views again when it is installed. To do without this one until "
            f"then, run DROP VIEW {reader.name} CASCADE, and `trunkline warehouse install` again"
        ) from None


def _view_of(statement: str) -> str | None:
    head = "CREATE OR REPLACE VIEW "
    return statement[len(head) :].split(" AS", 1)[0].strip() if statement.startswith(head) else None


def _grants(con: psycopg.Connection[Any], view: str) -> list[str]:
    """GRANT statements that give a view's readers what they have: of the whole view, and of single columns."""
    whole = con.execute(
        "SELECT format('GRANT %s ON %s TO %s', x.privilege_type, CAST($1 AS text), "
        "COALESCE(quote_ident(r.rolname), 'PUBLIC')) "
        "FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS x LEFT JOIN pg_roles AS r ON r.oid = x.grantee "
        "WHERE c.oid = to_regclass(CAST($1 AS text)) AND x.grantee <> c.relowner",
        [view],
    ).fetchall()
    single = con.execute(
        "SELECT format('GRANT %s (%I) ON %s TO %s', x.privilege_type, a.attname, CAST($1 AS text), "
        "COALESCE(quote_ident(r.rolname), 'PUBLIC')) FROM pg_attribute AS a CROSS JOIN aclexplode(a.attacl) AS x "
        "LEFT JOIN pg_roles AS r ON r.oid = x.grantee WHERE a.attrelid = to_regclass(CAST($1 AS text))",
        [view],
    ).fetchall()
    return [grant for (grant,) in (*whole, *single)]
