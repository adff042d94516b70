"""The panels' queries: the metrics' own SQL over the dashboard's time range, and the live series of each store.

Athena's queries select partitions: a contact that ended in the time range began at most `$open_days` before it.
Sources: grafana/athena-datasource, grafana/timestream-datasource and Grafana's own documentation of their macros.
"""

from __future__ import annotations

from typing import Final

from trunkline.engines.catalogue import ENGINES
from trunkline.limits import AGENT_HEARTBEAT_S
from trunkline.live.points import SERIES
from trunkline.metrics.catalogue import select
from trunkline.metrics.question import Grouping, TemplateNumber, Threshold
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.serve.grafana.model import Check, HistoryQuery, LiveQuery, Panel, QualityQuery, StorePair
from trunkline.sql.metric_query import compile_metrics
from trunkline.sql.views import render

NOW_S: Final = 120
"""What a store was told in the last two minutes of the time range is now: points are written every few seconds."""
_AGENT_SILENT_S: Final = 2 * AGENT_HEARTBEAT_S
_TIME: Final = "disconnect_timestamp"
QUEUE_ID: Final = "$queue_id"
GOAL: Final = "${goal}"
X_VARIABLES: Final = {"": "x", "CHAT": "x_chat", "TASK": "x_task", "EMAIL": "x_email"}
"""The dashboards' variables of the service level's X by channel; that of calls and of unknown channels is `x`."""


def variable_threshold(x: Threshold) -> Threshold:
    """The same targets, those of channels as variables of the dashboard whose defaults they are."""
    by_channel = {
        channel: TemplateNumber.named(f"${{{name}}}", x.by_channel.get(channel, x.default))
        for channel, name in X_VARIABLES.items()
        if channel
    }
    default = TemplateNumber.named(f"${{{X_VARIABLES['']}}}", x.by_channel.get("VOICE", x.default))
    return Threshold(default, x.by_queue, by_channel)


def query_text(panel: Panel, stack: StorePair, x: Threshold, of_queue: bool) -> str:
    """The query of a panel in the language of its store, with Grafana's macros. `of_queue` limits it to one queue."""
    match panel.query:
        case HistoryQuery():
            return _history(panel, panel.query, stack, x, of_queue)
        case QualityQuery(check):
            return _quality(check, stack)
        case LiveQuery():
            if stack.live == "influxdb":
                return _influxql(panel.query, of_queue)
            if stack.live == "timestream":
                return _timestream(panel.query, of_queue)
            return _postgres_now(panel.query.known_in(stack), of_queue)


def queue_names(stack: StorePair) -> str:
    """The query of the variable `queue`: names of the queues that have contacts in the time range."""
    source = _contacts(stack, of_queue=False)
    return f'SELECT DISTINCT "queue_name" FROM {source} WHERE "queue_name" IS NOT NULL ORDER BY "queue_name"'


def queue_ids(stack: StorePair) -> str:
    """The query of the hidden variable `queue_id`: the id of the chosen queue, which live series have."""
    return f'SELECT DISTINCT "queue_id" FROM {_contacts(stack, of_queue=True)} ORDER BY "queue_id"'


def _history(panel: Panel, query: HistoryQuery, stack: StorePair, x: Threshold, of_queue: bool) -> str:
    metrics = select(query.metrics)
    grouping = Grouping(query.by, query.interval, "UTC")
    source = _contacts(stack, of_queue)
    compiled = compile_metrics(metrics, grouping, x, None, None, ENGINES[stack.engine], source)
    if query.interval is None:
        return compiled.sql
    numbers = ", ".join(f'"{metric.column}"' for metric in metrics)
    if panel.has_goal:
        numbers += f', CAST({GOAL} AS {ENGINES[stack.engine].spelling.types["double"]}) AS "goal"'
    inner = "\n".join(f"    {line}" for line in compiled.sql.split("\n"))
    return f'SELECT "interval_start" AS "time", {numbers}\nFROM (\n{inner}\n) AS intervals\nORDER BY "time"'


def _contacts(stack: StorePair, of_queue: bool, table: str = CONTACT_RECORD.public_view) -> str:
    """The contacts that ended in the time range, as a FROM item with the columns of the table."""
    database, name = table.split(".")
    conditions = [*_range(stack, _TIME), *_partitions(stack)]
    if of_queue:
        conditions.append('"queue_name" = ${queue:sqlstring}')
    where = " AND ".join(conditions)
    return f'(SELECT * FROM "{database}"."{name}" WHERE {where}) AS contact_record'


def _range(stack: StorePair, column: str) -> list[str]:
    start, end = "$__timeFrom()", "$__timeTo()"
    if stack.engine == "postgres":
        start, end = (f"CAST({macro} AS TIMESTAMP)" for macro in (start, end))
    return [f'"{column}" >= {start}', f'"{column}" < {end}']


def _partitions(stack: StorePair) -> list[str]:
    """Bounds of the partitions: a contact is filed under the UTC date on which it began."""
    if stack.engine != "athena":
        return []
    first = "CAST(date_add('day', -$open_days, CAST($__timeFrom() AS DATE)) AS VARCHAR)"
    last = "CAST(CAST($__timeTo() AS DATE) AS VARCHAR)"
    return [
        f'"year" BETWEEN substr({first}, 1, 4) AND substr({last}, 1, 4)',
        f'"year" || \'-\' || "month" || \'-\' || "day" BETWEEN {first} AND {last}',
    ]


def _quality(check: Check, stack: StorePair) -> str:
    """Checks read where our own columns are, which the public view leaves out: in Athena every version of a contact."""
    is_lake = stack.engine == "athena"
    table = f"{CONTACT_RECORD.public_view}_versions" if is_lake else CONTACT_RECORD.warehouse_table
    source = _contacts(stack, of_queue=False, table=table)
    engine = ENGINES[stack.engine]
    if check == "fidelity":
        return (
            'SELECT "record_fidelity", COUNT(DISTINCT "contact_id") AS "contacts", '
            'COUNT(DISTINCT CASE WHEN "record_is_redacted" THEN "contact_id" END) AS "redacted"\n'
            f'FROM {source}\nGROUP BY "record_fidelity"\nORDER BY "record_fidelity"'
        )
    if check == "partitions":
        return (
            'SELECT CAST("initiation_timestamp" AS DATE) AS "day", COUNT(DISTINCT "contact_id") AS "contacts", '
            'MAX("record_arrived_at") AS "newest_arrival"\n'
            f'FROM {source}\nGROUP BY CAST("initiation_timestamp" AS DATE)\nORDER BY "day"'
        )
    late_ms = render(f'MS_BETWEEN("{_TIME}", "record_arrived_at")', engine)
    double = engine.spelling.types["double"]
    return (
        f'SELECT date_trunc(\'hour\', "{_TIME}") AS "time", COUNT(DISTINCT "contact_id") AS "contacts",\n'
        f'    CAST(SUM({late_ms}) AS {double}) / (COUNT("record_arrived_at") * 1000.0) AS "arrived_after_avg",\n'
        f'    CAST(MAX({late_ms}) AS {double}) / 1000.0 AS "arrived_after_max"\n'
        f'FROM {source}\nGROUP BY date_trunc(\'hour\', "{_TIME}")\nORDER BY "time"'
    )


def _aggregate(series: str, field: str) -> str:
    """How a field is taken together over series: the longest time, the sum of counts; numbers of a whole queue once."""
    unit = SERIES[series].fields[field][0]
    return "MAX" if unit in ("seconds", "flag") else "SUM"


def _influxql(query: LiveQuery, of_queue: bool) -> str:
    """InfluxQL: the last point of each series, taken together; over time the highest in each interval."""
    tags = ", ".join(f'"{tag}"' for tag in SERIES[query.series].tags)
    group = "".join(f', "{tag}"' for tag in query.by)
    chosen = f" AND \"queue\" = '{QUEUE_ID}'" if of_queue else ""
    take, span = (
        ("max", "$timeFilter") if query.over_time else ("last", f"time > ${{__to}}ms - {NOW_S}s AND $timeFilter")
    )
    inner_fields = ", ".join(f'{take}("{field}") AS "{field}"' for field in query.fields)
    fields = ", ".join(f'{_aggregate(query.series, field).lower()}("{field}") AS "{field}"' for field in query.fields)
    interval = "time($__interval), " if query.over_time else ""
    inner = f'SELECT {inner_fields} FROM "{query.series}" WHERE {span}{chosen} GROUP BY {interval}{tags}'
    outer = "time($__interval)" + group if query.over_time else group.removeprefix(", ")
    return f"SELECT {fields} FROM ({inner}) WHERE {span}" + (f" GROUP BY {outer} fill(none)" if outer else "")


def _timestream(query: LiveQuery, of_queue: bool) -> str:
    """Timestream's SQL: the last record of each series, taken together; over time the highest in each interval."""
    tags = ", ".join(SERIES[query.series].tags)
    chosen = f" AND queue = '{QUEUE_ID}'" if of_queue else ""
    by = ", ".join(query.by)
    fields = ", ".join(f"{_aggregate(query.series, field)}({field}) AS {field}" for field in query.fields)
    where = f"measure_name = '{query.series}' AND $__timeFilter{chosen}"
    if query.over_time:
        inner_fields = ", ".join(f"MAX({field}) AS {field}" for field in query.fields)
        bucket = "bin(time, $__interval_ms)"
        inner = (
            f"SELECT {bucket} AS slot, {tags}, {inner_fields} FROM $__database.$__table "
            f"WHERE {where} GROUP BY {bucket}, {tags}"
        )
        group = f"slot, {by}" if by else "slot"
        return (
            f"SELECT slot AS time, {by + ', ' if by else ''}{fields}\nFROM ({inner})\nGROUP BY {group}\nORDER BY slot"
        )
    inner_fields = ", ".join(f"max_by({field}, time) AS {field}" for field in query.fields)
    where += f" AND time > from_milliseconds(${{__to}} - {NOW_S * 1000})"
    inner = f"SELECT {tags}, {inner_fields} FROM $__database.$__table WHERE {where} GROUP BY {tags}"
    group = f"\nGROUP BY {by}\nORDER BY {by}" if by else ""
    return f"SELECT {by + ', ' if by else ''}{fields}\nFROM ({inner}){group}"


_CONTACT_NOW: Final = {
    "waiting": 'COUNT(*) FILTER (WHERE "enqueued_at" IS NOT NULL AND "agent_at" IS NULL)',
    "longest_wait_s": (
        'CAST(EXTRACT(EPOCH FROM MAX("at" - "enqueued_at") FILTER (WHERE "agent_at" IS NULL)) AS DOUBLE PRECISION)'
    ),
    "in_progress": 'COUNT(*) FILTER (WHERE "agent_at" IS NOT NULL)',
    "without_record": 'COUNT(*) FILTER (WHERE "ended_at" IS NOT NULL AND NOT "has_record")',
}
_AGENT_NOW: Final = {
    "online": "COUNT(*) FILTER (WHERE \"status_type\" <> 'OFFLINE')",
    "staffed": "COUNT(*) FILTER (WHERE \"status_type\" = 'ROUTABLE')",
    "non_productive": "COUNT(*) FILTER (WHERE \"status_type\" = 'CUSTOM')",
}


def _postgres_now(query: LiveQuery, of_queue: bool) -> str:
    """PostgreSQL: what the events that are loaded say at the end of the time range, or at each minute of it."""
    end = "CAST($__timeTo() AS TIMESTAMP)"
    if query.over_time:
        ticks = (
            f"generate_series(CAST($__timeFrom() AS TIMESTAMP), {end}, "
            "CAST('$__interval_ms milliseconds' AS INTERVAL)) AS tick(\"at\")"
        )
    else:
        ticks = f'(SELECT {end} AS "at") AS tick'
    is_agents = query.series == "trunkline_agents"
    known = _AGENT_NOW if is_agents else _CONTACT_NOW
    fields = ", ".join(f'{known[field]} AS "{field}"' for field in query.fields)
    source = _AGENTS_AT if is_agents else _contacts_at(query, of_queue)
    names = [f'"{tag}"' for tag in query.by]
    groups = (['"at"'] if query.over_time else []) + names
    shown = (['"at" AS "time"'] if query.over_time else []) + names
    tail = f"\nGROUP BY {', '.join(groups)}\nORDER BY {', '.join(groups)}" if groups else ""
    return f"SELECT {', '.join([*shown, fields])}\nFROM {ticks}\nLEFT JOIN LATERAL (\n{source}\n) AS now ON TRUE{tail}"


def _contacts_at(query: LiveQuery, of_queue: bool) -> str:
    having = f"\n    HAVING MAX(\"queue_id\") = '{QUEUE_ID}'" if of_queue else ""
    needs_records = "without_record" in query.fields
    has_record = (
        'EXISTS (SELECT 1 FROM "connect_datalake"."contact_record" AS record'
        ' WHERE record."contact_id" = event."contact_id" AND record."disconnect_timestamp" IS NOT NULL)'
    )
    extra = f',\n        {has_record} AS "has_record"' if needs_records else ""
    open_only = "" if needs_records else '\n    WHERE "ended_at" IS NULL'
    return (
        "    SELECT * FROM (\n"
        '    SELECT event."contact_id", MAX("queue_id") AS "queue", MAX("channel") AS "channel",\n'
        '        MAX("queue_enqueue_timestamp") AS "enqueued_at",\n'
        '        MAX("agent_connected_to_agent_timestamp") AS "agent_at",\n'
        f'        MAX("disconnect_timestamp") AS "ended_at"{extra}\n'
        '    FROM "connect_datalake"."contact_event" AS event\n'
        '    WHERE "event_timestamp" > "at" - INTERVAL \'1 day\' AND "event_timestamp" <= "at"\n'
        f'    GROUP BY event."contact_id"{having}\n'
        f"    ) AS contact{open_only}"
    )


_AGENTS_AT: Final = f"""\
    SELECT DISTINCT ON ("agent_arn") "current_agent_status_type" AS "status_type",
        "current_routing_profile_name" AS "profile"
    FROM "connect_datalake"."agent_event"
    WHERE "event_timestamp" > "at" - INTERVAL '{_AGENT_SILENT_S} seconds' AND "event_timestamp" <= "at"
    ORDER BY "agent_arn", "event_timestamp" DESC"""
