"""The star schema over the contact table: `v_fact_call` with `d_agent`, `d_queue`, `d_date`, `d_time`.

All are views. A fact's keys are never NULL: what is not known points to a dimension's unknown row, whose key
is the text `unknown` for agents and queues and -1 for dates and times, so that an inner join keeps every contact. All
times are UTC; dates are days, times of day are minutes, of UTC and, in the facts' local keys, of one zone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from trunkline.engines.model import Engine
from trunkline.limits import EVENT_YEAR_MAX, EVENT_YEAR_MIN
from trunkline.objects.agents.instance_data import AGENT_HIERARCHY_GROUPS, ROUTING_PROFILES
from trunkline.objects.business.instance import AGENT, QUEUE
from trunkline.objects.catalogue import warehouse_views
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.objects.keys import UNKNOWN_KEY, UNKNOWN_NUMBER, date_key, time_key
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.family import family_statements
from trunkline.sql.views import CONTACTS, column_sql, create_beside_contacts, create_view, portable_table, views_on

FACT, FACT_PII, D_AGENT, D_QUEUE, DATE, TIME = (
    "v_fact_call",
    "v_fact_call_pii",
    "d_agent",
    "d_queue",
    "d_date",
    "d_time",
)

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_PLAIN = (
    "instance_id", "aws_account_id", "contact_id", "initial_contact_id", "previous_contact_id", "related_contact_id",
    "next_contact_id", "contact_association_id", "channel", "initiation_method", "disconnect_reason", "campaign_id",
    "initiation_timestamp", "connected_to_system_timestamp", "queue_enqueue_timestamp",
    "agent_connected_to_agent_timestamp", "transfer_completed_timestamp", "disconnect_timestamp",
    "last_update_timestamp", "agent_number_of_holds", "agent_longest_hold_duration_ms", "agent_pause_duration_ms",
)  # fmt: skip


def personal_columns(obj: Object) -> tuple[str, ...]:
    """Columns for the second role only: direct personal data, and free-form values that may contain some."""
    return tuple(
        column.name
        for column in obj.columns
        if column.pii == "direct" or (column.pii == "indirect" and not isinstance(column.type, str))
    )


def star_statements(objects: Iterable[Object], engine: Engine, zone: str = "UTC") -> tuple[str, ...]:
    """CREATE OR REPLACE VIEW of the star, dimensions first; none where `objects` lacks the contact record.

    `zone` is the IANA zone of the facts' local keys.
    """
    known = tuple(objects)
    if CONTACT_RECORD not in known:
        return ()
    return (
        create_beside_contacts(engine, D_AGENT, _agents(known)),
        create_beside_contacts(engine, D_QUEUE, _queues(known)),
        create_beside_contacts(engine, DATE, _dates()),
        create_beside_contacts(engine, TIME, _times()),
        create_beside_contacts(engine, FACT, _facts(engine, zone, ())),
        create_beside_contacts(engine, FACT_PII, _facts(engine, zone, personal_columns(CONTACT_RECORD))),
    )


def _dimension(key: str, alias: str, name: str, columns: tuple[str, ...]) -> str:
    """One row per id as its latest contact has it (SCD type 1), and the unknown row.

    Its name is the latest that any contact has, the id where none has one.
    """

    def place(alias: str, first: str) -> str:
        order = f"""{first}COALESCE("initiation_timestamp", TIMESTAMP '1970-01-01 00:00:00') DESC, "contact_id" DESC"""
        return f'ROW_NUMBER() OVER (\n      PARTITION BY "{key}"\n      ORDER BY {order}\n    ) AS "{alias}"'

    latest = ",\n  ".join(f'MAX(CASE WHEN "place" = 1 THEN "{column}" END) AS "{column}"' for column in columns)
    return f"""\
SELECT "{key}" AS "{alias}", "{key}",
  COALESCE(MAX(CASE WHEN "name_place" = 1 THEN "{name}" END), "{key}") AS "{name}",
  {latest}
FROM (
  SELECT "{key}", "{name}", {", ".join(f'"{column}"' for column in columns)},
    {place("place", "")},
    {place("name_place", f'CASE WHEN "{name}" IS NULL THEN 1 ELSE 0 END, ')}
  FROM {CONTACTS}
  WHERE "{key}" IS NOT NULL AND NOT "record_is_deleted"
) AS latest
GROUP BY "{key}"
UNION ALL
SELECT '{UNKNOWN_KEY}', NULL, '{UNKNOWN_KEY}', {", ".join("NULL" for _ in columns)}"""


_LEVELS = range(1, 6)
_IS_DELETED = 'CASE WHEN l."record_is_deleted" THEN 1 ELSE 0 END AS "is_deleted"'


def _agents(objects: Collection[Object]) -> str:
    """Agents of contacts and those that a listing of the instance has, whose state is the newer."""
    levels = tuple(f"agent_hierarchy_groups_level_{level}_name" for level in _LEVELS)
    columns = ("agent_arn", "agent_routing_profile_id", "agent_routing_profile_name", *levels)
    of_contacts = _dimension("agent_id", "agent_key", "agent_username", columns)
    if not {AGENT, ROUTING_PROFILES, AGENT_HIERARCHY_GROUPS}.issubset(objects):
        return of_contacts
    is_same = 'COALESCE(l."agent_routing_profile_id" = s."agent_routing_profile_id", l."agent_id" IS NULL)'
    profile = f'COALESCE(p."routing_profile_name", CASE WHEN {is_same} THEN s."agent_routing_profile_name" END)'
    names = (
        f'CASE WHEN g."agent_hierarchy_group_id" IS NULL THEN s."{name}" ELSE g."level_{level}_name" END AS "{name}"'
        for level, name in zip(_LEVELS, levels, strict=True)
    )
    shown = ",\n  ".join([
        'COALESCE(l."agent_id", s."agent_key") AS "agent_key"',
        *_newer("agent_id", "agent_username", "agent_arn", "agent_routing_profile_id"),
        f'{profile} AS "agent_routing_profile_name"',
        *names,
        'l."first_name"', 'l."last_name"', _IS_DELETED,
    ])  # fmt: skip
    profiles, groups = portable_table(ROUTING_PROFILES), portable_table(AGENT_HIERARCHY_GROUPS)
    return (
        f"SELECT {shown}\nFROM (\n{of_contacts}\n) AS s\n"
        f'FULL JOIN {portable_table(AGENT)} AS l ON l."agent_id" = s."agent_key"\n'
        f'LEFT JOIN {profiles} AS p ON p."agent_routing_profile_id" = l."agent_routing_profile_id"\n'
        f'LEFT JOIN {groups} AS g ON g."agent_hierarchy_group_id" = l."agent_hierarchy_group_id"'
    )


def _queues(objects: Collection[Object]) -> str:
    """Queues of contacts and those that a listing of the instance has, whose state is the newer."""
    of_contacts = _dimension("queue_id", "queue_key", "queue_name", ("queue_arn",))
    if QUEUE not in objects:
        return of_contacts
    listed = ("queue_description", "queue_status", "max_contacts", "hours_of_operation_id")
    shown = ",\n  ".join(
        [
            'COALESCE(l."queue_id", s."queue_key") AS "queue_key"',
            *_newer("queue_id", "queue_name", "queue_arn"),
            *(f'l."{name}"' for name in listed),
            _IS_DELETED,
        ]
    )
    return (
        f"SELECT {shown}\nFROM (\n{of_contacts}\n) AS s\n"
        f'FULL JOIN {portable_table(QUEUE)} AS l ON l."queue_id" = s."queue_key"'
    )


def _newer(*names: str) -> tuple[str, ...]:
    """Columns of a listing, of contacts where the listing has none."""
    return tuple(f'COALESCE(l."{name}", s."{name}") AS "{name}"' for name in names)


def _numbers(digits: int) -> str:
    """0 to 10^digits - 1 as "n", with functions that every engine has."""
    ten = " UNION ALL ".join(f'SELECT {digit} AS "d"' if digit == 0 else f"SELECT {digit}" for digit in range(10))
    places = [f'{10**place} * p{place}."d"' for place in range(digits)]
    tables = "\n    CROSS JOIN ".join(f"digits AS p{place}" for place in range(digits))
    return f"""\
WITH digits AS (
  {ten}
), numbers AS (
  SELECT {" + ".join(places)} AS "n"
    FROM {tables}
)"""


def _cases(value: str, names: tuple[str, ...]) -> str:
    arms = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(names, start=1))
    return f"CASE {value} {arms} END"


def _dates() -> str:
    first, last = f"DATE '{EVENT_YEAR_MIN}-01-01'", f"DATE '{EVENT_YEAR_MAX}-12-31'"
    weekday = 'CAST(EXTRACT(DOW FROM "day") AS INTEGER)'
    iso_weekday = f"CASE {weekday} WHEN 0 THEN 7 ELSE {weekday} END"
    part = {
        name: f'CAST(EXTRACT({name} FROM "day") AS INTEGER)' for name in ("YEAR", "QUARTER", "MONTH", "DAY", "WEEK")
    }
    return f"""\
{_numbers(5)}, days AS (
  SELECT {first} + CAST("n" AS INTEGER) AS "day" FROM numbers WHERE {first} + CAST("n" AS INTEGER) <= {last}
)
SELECT {part["YEAR"]} * 10000 + {part["MONTH"]} * 100 + {part["DAY"]} AS "date_key",
  "day" AS "calendar_date",
  {part["YEAR"]} AS "calendar_year",
  {part["QUARTER"]} AS "calendar_quarter",
  {part["MONTH"]} AS "month_number",
  {_cases(part["MONTH"], MONTHS)} AS "month_name",
  {part["DAY"]} AS "day_of_month",
  {part["WEEK"]} AS "iso_week",
  {iso_weekday} AS "iso_weekday",
  {_cases(iso_weekday, WEEKDAYS)} AS "weekday_name",
  CASE WHEN {weekday} IN (0, 6) THEN 1 ELSE 0 END AS "is_weekend",
  CAST(EXTRACT(YEAR FROM "day" + (4 - ({iso_weekday}))) AS INTEGER) AS "iso_year"
FROM days
UNION ALL
SELECT {UNKNOWN_NUMBER}, NULL, NULL, NULL, NULL, '{UNKNOWN_KEY}', NULL, NULL, NULL, '{UNKNOWN_KEY}', NULL, NULL"""


def _times() -> str:
    hour, minute = 'CAST(FLOOR("n" / 60.0) AS INTEGER)', 'CAST("n" % 60 AS INTEGER)'

    def label(width: int) -> str:
        whole = f"CAST(FLOOR(({minute}) / {width}.0) AS INTEGER) * {width}" if width > 1 else minute
        return f"LPAD(CAST({hour} AS VARCHAR(2)), 2, '0') || ':' || LPAD(CAST({whole} AS VARCHAR(2)), 2, '0')"

    return f"""\
{_numbers(4)}
SELECT CAST("n" AS INTEGER) AS "time_key",
  {hour} AS "hour_of_day",
  {minute} AS "minute_of_hour",
  {label(1)} AS "time_of_day",
  {label(15)} AS "quarter_hour",
  {label(30)} AS "half_hour"
FROM numbers
WHERE "n" < 1440
UNION ALL
SELECT {UNKNOWN_NUMBER}, NULL, NULL, '{UNKNOWN_KEY}', '{UNKNOWN_KEY}', '{UNKNOWN_KEY}'"""


def _keys(engine: Engine, zone: str | None = None) -> list[str]:
    """Date and time keys of a contact's beginning and end: of UTC, or of a zone's wall clock."""
    columns = []
    for moment in ("initiation", "disconnect"):
        time = f'"{moment}_timestamp"'
        if zone is not None and zone != "UTC":
            time = engine.spelling.local(time, zone)
        prefix = moment if zone is None else f"{moment}_local"
        columns += [f'{date_key(time)} AS "{prefix}_date_key"', f'{time_key(time)} AS "{prefix}_time_key"']
    return columns


def _facts(engine: Engine, zone: str, more: tuple[str, ...]) -> str:
    statistics = [
        column
        for column in CONTACT_STATISTIC_RECORD.columns
        if column.sql is not None and (column.is_condition or column.name.endswith("_ms"))
    ]
    lines = [
        *(f'"{name}"' for name in _PLAIN),
        f'COALESCE("queue_id", \'{UNKNOWN_KEY}\') AS "queue_key"',
        f'COALESCE("agent_id", \'{UNKNOWN_KEY}\') AS "agent_key"',
        *_keys(engine),
        *(column_sql(column, engine) for column in statistics),
        *(f'"{name}"' for name in more),
        # Last: CREATE OR REPLACE VIEW takes new columns at the end alone.
        *_keys(engine, zone),
    ]
    listed = ",\n  ".join(lines)
    return f'SELECT\n  {listed}\nFROM {CONTACTS}\nWHERE NOT "record_is_deleted"'


def analysis_statements(
    objects: Iterable[Object], engine: Engine, views: Iterable[View] = warehouse_views(), zone: str = "UTC"
) -> tuple[str, ...]:
    """All views for analysts in an order in which they can be created: the catalogue's, the star, contact families.

    The objects' tables must exist. A view is left out where a table that it needs is not among them. `zone` is the
    IANA zone of local keys.
    """
    known = tuple(objects)
    created = (create_view(view, engine, zone) for view in views_on(known, views))
    return *created, *star_statements(known, engine, zone), *family_statements(known, engine)
