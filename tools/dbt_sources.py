"""dbt's `sources.yml` from the catalogue: every table and view with its descriptions and tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trunkline.objects.catalogue import BUSINESS_VIEWS
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.ddl import view_columns
from trunkline.sql.family import FAMILY, LEG
from trunkline.sql.star import D_AGENT, D_QUEUE, DATE, FACT, TIME
from trunkline.sql.views import view_name

HEADER = "# Generated from the catalogue by `make golden`. Do not edit.\n"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    meaning: str
    tests: tuple[str, ...] = ()
    pii: str = "none"


@dataclass(frozen=True, slots=True)
class _Table:
    schema: str
    name: str
    meaning: str
    columns: Sequence[_Column] = field(default_factory=tuple)
    loaded_at: str | None = None


def dbt_sources(objects: Iterable[Object]) -> str:
    """One dbt source per schema, named like it. Tests: NOT NULL, single keys unique, the star's keys related."""
    listed = tuple(objects)
    tables = [table for obj in listed for table in (_lake(obj), _warehouse(obj))]
    if CONTACT_RECORD in listed:
        tables += [_statistics(), *_star()]
    lines = [HEADER, "version: 2\n", "sources:"]
    for schema in dict.fromkeys(table.schema for table in tables):
        lines += [f"  - name: {_text(schema)}", f"    schema: {_text(schema)}", "    tables:"]
        for table in tables:
            if table.schema == schema:
                lines += _table_lines(table)
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # YAML reads a JSON string as it is.
    return json.dumps(value, ensure_ascii=False)


def _table_lines(table: _Table) -> list[str]:
    lines = [f"      - name: {_text(table.name)}", f"        description: {_text(table.meaning)}"]
    if table.loaded_at:
        lines.append(f"        loaded_at_field: {_text(table.loaded_at)}")
    lines.append("        columns:")
    for column in table.columns:
        lines += [f"          - name: {_text(column.name)}", f"            description: {_text(column.meaning)}"]
        if column.pii != "none":
            lines += ["            meta:", f"              pii: {column.pii}"]
        if column.tests:
            lines += ["            tests:", *(f"              - {test}" for test in column.tests)]
    return lines


def _tests(obj: Object, name: str, is_nullable: bool) -> tuple[str, ...]:
    unique = ("unique",) if obj.key == (name,) else ()
    return (*unique, *(() if is_nullable else ("not_null",)))


def _columns(obj: Object, names: Iterable[str]) -> tuple[_Column, ...]:
    columns = (obj.by_name[name] for name in names)
    return tuple(
        _Column(c.name, f"{c.meaning} Unit: {c.unit}." if c.unit else c.meaning, _tests(obj, c.name, c.nullable), c.pii)
        for c in columns
    )


def _lake(obj: Object) -> _Table:
    return _Table(obj.database, obj.view_name, obj.grain, _columns(obj, (c.name for c in view_columns(obj))))


def _warehouse(obj: Object) -> _Table:
    schema, name = obj.warehouse_table.split(".")
    return _Table(schema, name, f"{obj.grain} Deleted rows too, marked by record_is_deleted.",
                  _columns(obj, obj.by_name), "record_loaded_at")  # fmt: skip


def _statistics() -> _Table:
    view = CONTACT_STATISTIC_RECORD
    columns = tuple(
        _Column(
            one.name,
            f"{one.meaning} {one.approximation}".strip(),
            ("unique", "not_null") if one.name == "contact_id" else ("not_null",) if one.is_condition else (),
        )
        for one in view.columns
    )
    return _Table(view.database, view.name, f"{view.grain[0].upper()}{view.grain[1:]}.", columns)


def _star() -> list[_Table]:
    schema = view_name(FACT).split(".")[0]

    def dimension(name: str, key: str, meaning: str) -> _Table:
        return _Table(schema, name, meaning, (_Column(key, "Key; the unknown row has -1 or 'unknown'.",
                                                      ("unique", "not_null")),))  # fmt: skip

    keys = [
        ("queue_key", D_QUEUE, "queue_key"), ("agent_key", D_AGENT, "agent_key"),
        *((f"{moment}_{part}_key", view, f"{part}_key")
          for moment in ("initiation", "disconnect", "initiation_local", "disconnect_local")
          for part, view in (("date", DATE), ("time", TIME))),
    ]  # fmt: skip
    fact = (
        _Column("contact_id", CONTACT_RECORD.by_name["contact_id"].meaning, ("unique", "not_null")),
        *(_Column(name, f"Key of {to}, never NULL.", ("not_null", _related(to, key))) for name, to, key in keys),
    )
    return [
        _Table(schema, FACT, "One row per contact with its statistics, no personal data.", fact),
        dimension(D_AGENT, "agent_key", "One row per agent as the latest contact has it, and one unknown."),
        dimension(D_QUEUE, "queue_key", "One row per queue as the latest contact has it, and one unknown."),
        dimension(DATE, "date_key", "One row per day of UTC, and one unknown."),
        dimension(TIME, "time_key", "One row per minute of a day, UTC, and one unknown."),
        _Table(schema, LEG, "One row per contact: what it is to the contact before it.",
               (_Column("contact_id", "The leg.", ("unique", "not_null")),
                _Column("family_id", "The customer's call it belongs to.", ("not_null",)),
                _Column("relation", "root, transfer, consult, conference, external_*, queue_transfer, callback, "
                        "monitor, disconnect_flow; NULL when the records do not say."))),
        _Table(schema, FAMILY, "One row per customer's call.",
               (_Column("family_id", "The first contact's id.", ("unique", "not_null")),)),
        *(_business(view) for view in BUSINESS_VIEWS.values()),
    ]  # fmt: skip


def _related(to: str, key: str) -> str:
    schema = view_name(FACT).split(".")[0]
    return f"relationships: {{to: \"source('{schema}', '{to}')\", field: {key}}}"


def _business(view: View) -> _Table:
    """A dimension, a fact or a bridge of the business objects: its own key is unique, its other keys lead somewhere."""
    columns = []
    for column in view.columns:
        own = ("unique", "not_null") if view.key == (column.name,) else ()
        dimension = next((name for name in _KEYED if column.name.endswith(f"{name}_key")), None)
        leads = dimension is not None and not own
        columns.append(
            _Column(
                column.name,
                column.meaning,
                ("not_null", _related(f"d_{dimension}", f"{dimension}_key")) if leads else own,
            )
        )
    return _Table(view.database, view.name, f"{view.grain[0].upper()}{view.grain[1:]}.", tuple(columns))


_KEYED = ("customer_contact", "user", "matter", "case", "date", "time")
"""Dimensions that keys of the business objects lead to; `created_by_user_key` leads to the users."""
