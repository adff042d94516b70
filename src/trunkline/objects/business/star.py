"""Dimensions and facts of the business objects, and the bridge from contacts to cases.

`connect.d_user`, `d_customer_contact`, `d_matter` and `d_case`; `connect.v_fact_task` and `v_fact_case`;
`connect.bridge_contact_case`. All are views over the warehouse's tables, and join by the source's own ids: there are no
surrogate keys. A fact's keys are never NULL: an id that is missing, or that its dimension does not have, has the key of
the dimension's unknown row, so that an inner join keeps every fact. Dimensions also have what was deleted, with
`is_deleted`, because facts name it; facts that were deleted are left out. Free text (subjects) and dates of birth stay
in the tables. Dates and times are of UTC, and in the local keys of the installation's zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from trunkline.objects.business.links import ContactLinks
from trunkline.objects.business.salesforce import CASE, CUSTOMER_CONTACT, MATTER, TASK, USER
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.keys import UNKNOWN_KEY, date_key, time_key
from trunkline.objects.model import Column, Object
from trunkline.objects.view import ColumnType, View, ViewColumn

SCHEMA: Final = "connect"
_QUOTE: Final = "'"
OURS: Final = "Trunkline"
_TYPES: Final[Mapping[str, ColumnType]] = {
    "text": "string", "timestamp": "timestamp", "date": "date", "bigint": "bigint", "integer": "bigint",
    "boolean": "bigint", "decimal": "decimal", "double": "double",
}  # fmt: skip


def _flag(name: str) -> str:
    return f'CASE WHEN "{name}" THEN 1 WHEN NOT "{name}" THEN 0 END'


def _value(column: Column) -> str:
    return _flag(column.name) if column.type == "boolean" else f'"{column.name}"'


def _shown(obj: Object, left_out: Iterable[str] = ()) -> list[Column]:
    """The object's columns without direct personal data, and without those that the view has in another form."""
    hidden = {"is_deleted", "subject", "birthdate", "salesforce_type", "salesforce_url", *left_out}
    return [c for c in obj.data_columns if c.pii != "direct" and isinstance(c.type, str) and c.name not in hidden]


def _view_column(column: Column, sql: str) -> ViewColumn:
    meaning = (
        f"1 or 0: {column.meaning[:1].lower()}{column.meaning[1:]}" if column.type == "boolean" else column.meaning
    )
    return ViewColumn(column.name, _TYPES[str(column.type)], sql, meaning, column.source)


def _own(name: str, type_: ColumnType, meaning: str, sql: str = "") -> ViewColumn:
    return ViewColumn(name, type_, sql or f'"{name}"', meaning, OURS)


def _dimension(obj: Object, label: str) -> View:
    """One row per key there ever was, and the unknown row, whose `label` says so."""
    columns = _shown(obj)
    key = f"{obj.name}_key"
    values = ", ".join(
        f'{_value(column)} AS "{column.name}"' if column.type == "boolean" else _value(column) for column in columns
    )
    unknown = ", ".join(f"'{UNKNOWN_KEY}'" if column.name == label else "NULL" for column in columns)
    source = (
        f'(\n  SELECT "{obj.key[0]}" AS "{key}", {values}, {_flag("record_is_deleted")} AS "is_deleted"\n'
        f"  FROM {{rows}}\n  UNION ALL\n  SELECT '{UNKNOWN_KEY}', {unknown}, 0\n) AS members"
    )
    return View(
        database=SCHEMA,
        name=f"d_{obj.name}",
        base=obj.warehouse_table.partition(".")[2],
        grain=f"one row per {obj.name} there ever was, its newest version, and the row of the key {UNKNOWN_KEY}",
        columns=(
            _own(key, "string", f"The key that facts have: the {obj.name}'s id, or {UNKNOWN_KEY}. Never NULL."),
            *(_view_column(column, f'"{column.name}"') for column in columns),
            _own("is_deleted", "bigint", "1 where it was deleted in Salesforce. Never NULL."),
        ),
        key=(key,),
        needs=(obj.name,),
        source=source,
        tables={"rows": obj.warehouse_table},
    )


D_USER: Final = _dimension(USER, "name")
D_CUSTOMER_CONTACT: Final = _dimension(CUSTOMER_CONTACT, "title")
D_MATTER: Final = _dimension(MATTER, "matter_name")
D_CASE: Final = _dimension(CASE, "case_number")


def _fact(obj: Object, keys: Mapping[str, tuple[Object, str]], columns: tuple[ViewColumn, ...]) -> View:
    """One row per row of the object that was not deleted. `keys` by name: the dimension, and the column of its id."""
    joins, named = [], []
    for number, (name, (dimension, column)) in enumerate(keys.items()):
        alias, key = f"k{number}", dimension.key[0]
        joins.append(f'  LEFT JOIN {{{name}}} AS {alias} ON {alias}."{key}" = f."{column}"')
        named.append(f'COALESCE({alias}."{key}", \'{UNKNOWN_KEY}\') AS "{name}"')
    source = (
        f"(\n  SELECT f.*, {', '.join(named)}\n  FROM {{rows}} AS f\n" + "\n".join(joins)
        + '\n  WHERE NOT f."record_is_deleted"\n) AS facts'
    )  # fmt: skip
    return View(
        database=SCHEMA,
        name=f"v_fact_{obj.name}",
        base=obj.warehouse_table.partition(".")[2],
        grain=f"one row per {obj.name} that was not deleted, its newest version",
        columns=(
            *columns[:1],
            *(
                _own(name, "string", f"Key in d_{dimension.name}, from {column}; {UNKNOWN_KEY} where it is missing or "
                                     "not there. Never NULL.")
                for name, (dimension, column) in keys.items()
            ),
            *columns[1:],
        ),
        key=(f"{obj.name}_id",),
        needs=(obj.name, *dict.fromkeys(dimension.name for dimension, _ in keys.values())),
        source=source,
        tables={"rows": obj.warehouse_table}
        | {name: dimension.warehouse_table for name, (dimension, _) in keys.items()},
    )  # fmt: skip


def _date(moment: str, column: str, what: str) -> ViewColumn:
    return _own(f"{moment}_date_key", "bigint", f"Key in d_date of the day of {what}; -1 without one. Never NULL.",
                date_key(f'"{column}"'))  # fmt: skip


def _created() -> tuple[ViewColumn, ...]:
    return (
        _date("created", "created_date", "its creation"),
        _own("created_time_key", "bigint", "Key in d_time of the minute of its creation; -1 without one. Never NULL.",
             time_key('"created_date"')),
    )  # fmt: skip


def _local_keys(moment: str, column: str, what: str) -> tuple[ViewColumn, ...]:
    """Day and minute by the wall clock of the installation's zone."""
    clock, what = f'WALL_CLOCK("{column}")', f"{what} in the zone of setting `zone`"
    return (
        _own(f"{moment}_local_date_key", "bigint",
             f"Key in d_date of the day of {what}; -1 without one. Never NULL.", date_key(clock)),
        _own(f"{moment}_local_time_key", "bigint",
             f"Key in d_time of the minute of {what}; -1 without one. Never NULL.", time_key(clock)),
    )  # fmt: skip


def _fact_task(links: ContactLinks) -> View:
    keys = {
        "user_key": (USER, "owner_id"),
        "created_by_user_key": (USER, "created_by_id"),
        "case_key": (CASE, "what_id"),
        "matter_key": (MATTER, "what_id"),
        "customer_contact_key": (CUSTOMER_CONTACT, "who_id"),
    }
    contact = f'"{links.task_column}"' if links.task_column else None
    left_out = ("task_id", "what_id", "who_id", "owner_id", "created_by_id", "system_modstamp")
    columns = (
        _own("task_id", "string", "The task."),
        ViewColumn("contact_id", "string", contact, "The contact of Connect; setting `contact_link` says where it is. "
                   "NULL where the task is of none.", OURS),
        *_created(),
        _date("activity", "activity_date", "which it is due"),
        _date("completed", "completed_date_time", "its completion"),
        *(_view_column(column, _value(column)) for column in _shown(TASK, left_out)),
        _own("completion_time_ms", "bigint", "From creation to completion. NULL while it is open.",
             'MS_BETWEEN("created_date", "completed_date_time")'),
        # Last: CREATE OR REPLACE VIEW takes new columns at the end alone.
        *_local_keys("created", "created_date", "its creation"),
        *_local_keys("completed", "completed_date_time", "its completion"),
    )  # fmt: skip
    return _fact(TASK, keys, columns)


def _fact_case() -> View:
    keys = {
        "user_key": (USER, "owner_id"),
        "created_by_user_key": (USER, "created_by_id"),
        "customer_contact_key": (CUSTOMER_CONTACT, "customer_contact_id"),
        "parent_case_key": (CASE, "parent_id"),
    }
    left_out = ("case_id", "owner_id", "created_by_id", "customer_contact_id", "parent_id", "system_modstamp")
    columns = (
        _own("case_id", "string", "The case."),
        *_created(),
        _date("closed", "closed_date", "its closing"),
        *(_view_column(column, _value(column)) for column in _shown(CASE, left_out)),
        _own("open_time_ms", "bigint", "From creation to closing. NULL while it is open.",
             'MS_BETWEEN("created_date", "closed_date")'),
        *_local_keys("created", "created_date", "its creation"),
        *_local_keys("closed", "closed_date", "its closing"),
    )  # fmt: skip
    return _fact(CASE, keys, columns)


def _bridge(links: ContactLinks) -> View:
    """Contacts and cases in pairs, found by the value of an attribute, or through a task of the contact."""
    # Quoted for SQL, and for the names that are put into the FROM clause.
    attribute = f"'{links.attribute.replace(_QUOTE, _QUOTE * 2)}'".replace("{", "{{").replace("}", "}}")
    value = f'MAP_VALUE("attributes", {attribute})'
    attributes = f'(SELECT "contact_id", {value} AS "value" FROM {{contact}} WHERE NOT "record_is_deleted")'
    by_attribute = [
        f'SELECT a."contact_id", k."case_id", 1 AS "by_attribute", 0 AS "by_task" FROM {attributes} AS a '
        f'JOIN {{case}} AS k ON {column} = a."value"'
        # People copy the 15 characters of an address bar; programs have 18; a caller knows the number.
        for column in ('k."case_id"', 'SUBSTRING(k."case_id", 1, 15)', 'k."case_number"')
    ]
    by_task = (
        f'SELECT t."{links.task_column}" AS "contact_id", k."case_id", 0 AS "by_attribute", 1 AS "by_task" '
        f'FROM {{task}} AS t JOIN {{case}} AS k ON k."case_id" = t."what_id" WHERE NOT t."record_is_deleted"'
    )
    links_by = [*(by_attribute if links.attribute else []), *([by_task] if links.task_column else [])]
    pairs = "\n      UNION ALL ".join(links_by)
    pairs = pairs or (
        'SELECT "contact_id", "contact_id" AS "case_id", 0 AS "by_attribute", 0 AS "by_task" FROM {contact} WHERE 1 = 0'
    )
    source = f"""(
  SELECT c."contact_id", p."case_id", p."by_attribute", p."by_task"
  FROM {{contact}} AS c
  LEFT JOIN (
    SELECT "contact_id", "case_id", MAX("by_attribute") AS "by_attribute", MAX("by_task") AS "by_task"
    FROM (
      {pairs}
    ) AS links
    GROUP BY "contact_id", "case_id"
  ) AS p ON p."contact_id" = c."contact_id"
  WHERE NOT c."record_is_deleted"
) AS pairs"""
    return View(
        database=SCHEMA,
        name="bridge_contact_case",
        base=CONTACT_RECORD.warehouse_table.partition(".")[2],
        grain=f"one row per contact and case of it; a contact without a case has one, with the case {UNKNOWN_KEY}",
        columns=(
            _own("contact_id", "string", "The contact of Connect."),
            _own("case_key", "string", f"Key in d_case; {UNKNOWN_KEY} where the contact has no case. Never NULL.",
                 f'COALESCE("case_id", \'{UNKNOWN_KEY}\')'),
            _own("link", "string", "How the case was found: attribute, task, or both. NULL without a case.",
                 "CASE WHEN \"by_attribute\" = 1 AND \"by_task\" = 1 THEN 'both' WHEN \"by_attribute\" = 1 THEN "
                 "'attribute' WHEN \"by_task\" = 1 THEN 'task' END"),
            _own("case_count", "bigint", "Cases of the contact, to divide what is added up over cases; 0 without one.",
                 'COUNT("case_id") OVER (PARTITION BY "contact_id")'),
        ),
        key=("contact_id", "case_key"),
        needs=(CONTACT_RECORD.name, CASE.name, TASK.name),
        source=source,
        tables={
            "contact": CONTACT_RECORD.warehouse_table,
            "case": CASE.warehouse_table,
            "task": TASK.warehouse_table,
        },
    )  # fmt: skip


def business_views(links: ContactLinks) -> tuple[View, ...]:
    """Dimensions, facts and the bridge. `links` says how contacts are linked to tasks and cases."""
    return D_USER, D_CUSTOMER_CONTACT, D_MATTER, D_CASE, _fact_task(links), _fact_case(), _bridge(links)
