"""Trino SQL on DuckDB means what Trino means: numbers, NULLs, times, texts, arrays, and what is refused."""

from __future__ import annotations

import random
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pytest
from contacts import COLUMNS, T0, at, database, handled, queued, random_contacts

from trunkline.engines.catalogue import ENGINES
from trunkline.errors import UsageError
from trunkline.metrics.catalogue import metrics_of
from trunkline.metrics.contact import CONTACTS as OF_CONTACTS
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.sql.metric_query import compile_metrics
from trunkline.sql.trino.translate import SETTINGS, to_duckdb

TABLES = {
    "connect_datalake.contact_record": COLUMNS,
    "connect_datalake.contact_statistic_record": {one.name: one.type for one in CONTACT_STATISTIC_RECORD.columns},
}
EMPTY = database([])
_READY: set[int] = set()


def run(sql: str, connection: duckdb.DuckDBPyConnection = EMPTY) -> list[tuple[Any, ...]]:
    """The rows of a Trino statement."""
    if id(connection) not in _READY:
        for setting in SETTINGS:
            connection.execute(setting)
        if connection is EMPTY:
            _READY.add(id(connection))
    return connection.execute(to_duckdb(sql, TABLES)).fetchall()


def value(expression: str) -> object:
    """The value of a Trino expression."""
    ((result,),) = run(f"SELECT {expression}")
    return result


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # Integers divide whole, towards zero, wherever the division stands.
        ("-7/2", -3),
        ("7/-2", -3),
        ("7/2*2", 6),
        ("1 + 7/2", 4),
        ("(7 + 2)/(1 + 3)", 2),
        ("-7 % 3", -1),
        ("mod(-7, 3)", -1),
        ("sum(x)/count(*) FROM (VALUES 1, 2, 4) AS t(x)", 2),
        ("avg(x) FROM (VALUES 1, 2) AS t(x)", 1.5),
        ("CAST(7 AS DOUBLE)/2", 3.5),
        ("7e0/2", 3.5),
        ("1e0/0", float("inf")),
        # A decimal literal is a decimal: the quotient has the larger scale of the two, halves rounded up.
        ("7/2.0", Decimal("3.5")),
        ("1234567/1000.0", Decimal("1234.6")),
        ("1250/1000.0", Decimal("1.3")),
        ("-1250/1000.0", Decimal("-1.3")),
        ("10/3.000", Decimal("3.333")),
        ("CAST(10 AS DECIMAL(10,2))/CAST(4 AS DECIMAL(10,3))", Decimal("2.500")),
        ("max(x)/1000.0 FROM (VALUES 12345) AS t(x)", Decimal("12.3")),
        ("avg(x)/1000.0 FROM (VALUES 12345) AS t(x)", 12.345),
        ("(SELECT 5)/2", 2),
        ("coalesce(NULL, 5)/2", 2),
        ("CASE WHEN true THEN 5 ELSE 1 END/2.00", Decimal("2.50")),
        ("if(true, 5, 1)/2", 2),
        ("NULLIF(4, 4)/2", None),
        ("TRY(1/0)", None),
        ("CAST(2.5e0 AS bigint)", 3),
        ("CAST(-2.5e0 AS integer)", -3),
        ("TRY_CAST('12x' AS bigint)", None),
        # Times: whole units passed, not boundaries; truncation; dates stay dates; UTC.
        ("date_diff('hour', TIMESTAMP '2026-01-01 00:59:00', TIMESTAMP '2026-01-01 01:58:00')", 0),
        ("date_diff('millisecond', TIMESTAMP '2026-01-01 00:00:01', TIMESTAMP '2026-01-01 00:00:00.250')", -750),
        ("date_diff('day', DATE '2026-01-01', DATE '2026-02-01')", 31),
        ("date_trunc('hour', TIMESTAMP '2026-06-09 12:59:59.999')", datetime(2026, 6, 9, 12)),
        ("date_add('month', 1, DATE '2026-01-31')", date(2026, 2, 28)),
        ("date_add('quarter', -1, TIMESTAMP '2026-01-31 10:00:00')", datetime(2025, 10, 31, 10)),
        ("date_add('week', 2, DATE '2026-01-01')", date(2026, 1, 15)),
        ("DATE '2026-03-01' - INTERVAL '1' DAY", date(2026, 2, 28)),
        (
            "date_format(TIMESTAMP '2026-06-09 03:04:05', '%Y-%m-%d %H:%i:%s %c/%e %l%p %%')",
            "2026-06-09 03:04:05 6/9 3AM %",
        ),
        ("date_parse('09.06.2026 03:04', '%d.%m.%Y %H:%i')", datetime(2026, 6, 9, 3, 4)),
        ("from_iso8601_timestamp('2026-06-09T10:00:00+05:45')", datetime(2026, 6, 9, 10)),
        ("from_iso8601_timestamp('2026-06-09T10:00:00+05:45') = TIMESTAMP '2026-06-09 04:15:00'", True),
        ("from_iso8601_timestamp('2026-06-09T10:00:00Z')", datetime(2026, 6, 9, 10)),
        ("TIMESTAMP '2026-06-09 10:00:00 America/New_York'", datetime(2026, 6, 9, 10)),
        ("TIMESTAMP '2026-06-09 10:00:00 America/New_York' = TIMESTAMP '2026-06-09 14:00:00'", True),
        ("CAST('2026-06-09 10:00:00 +02:00' AS timestamp with time zone)", datetime(2026, 6, 9, 10)),
        ("CAST('2026-06-09 10:00:00 +02:00' AS timestamp with time zone) = TIMESTAMP '2026-06-09 08:00:00'", True),
        ("TIMESTAMP '2026-11-01 05:30:00' AT TIME ZONE 'America/New_York'", datetime(2026, 11, 1, 1, 30)),
        (
            "TIMESTAMP '2026-11-01 05:30:00' AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Kathmandu'",
            datetime(2026, 11, 1, 11, 15),
        ),
        ("CAST(TIMESTAMP '2026-11-01 03:30:00' AT TIME ZONE 'America/New_York' AS date)", date(2026, 10, 31)),
        ("with_timezone(TIMESTAMP '2026-06-09 10:00:00', 'America/New_York')", datetime(2026, 6, 9, 10)),
        ("with_timezone(TIMESTAMP '2026-06-09 10:00:00', 'America/New_York') = TIMESTAMP '2026-06-09 14:00:00'", True),
        ("from_unixtime(1.5)", datetime(1970, 1, 1, 0, 0, 1, 500_000)),
        ("to_unixtime(TIMESTAMP '1970-01-01 00:01:00')", 60.0),
        ("current_timestamp > TIMESTAMP '2020-01-01 00:00:00' AND current_date > DATE '2020-01-01'", True),
        ("day_of_week(DATE '2026-06-07')", 7),
        ("EXTRACT(DOW FROM DATE '2026-06-07')", 7),
        ("CAST(TIMESTAMP '2026-06-09 10:00:00' AS varchar)", "2026-06-09 10:00:00"),
        ("CAST(date_trunc('day', TIMESTAMP '2026-06-09 10:00:00.000') AS varchar)", "2026-06-09 00:00:00.000"),
        # Texts: NULL makes NULL, no match is NULL, `$1` in replacements.
        ("'a' || 'b'", "ab"),
        ("concat('a', 'b', NULL)", None),
        ("regexp_extract('abc', 'x')", None),
        ("regexp_extract('level=3', '=(\\d)', 1)", "3"),
        ("regexp_extract_all('a1b22', '\\d+')", ["1", "22"]),
        ("regexp_replace('abab', '(b)', '<$1>')", "a<b>a<b>"),
        ("regexp_like('abc', '^a')", True),
        ("strpos('abc', 'c')", 3),
        ("position('c' IN 'abc')", 3),
        ("split_part('a,b', ',', 2)", "b"),
        ("split_part('a,b', ',', 3)", None),
        ("greatest(1, NULL)", None),
        ("lpad(CAST(7/2 AS varchar), 2, '0')", "03"),
        ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a.b')", "1"),
        ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')", None),
        ("json_extract_scalar('not json', '$.a')", None),
        # Arrays, maps and aggregates.
        ("ARRAY[10, 20][2]", 20),
        ("element_at(ARRAY[10, 20], 2)", 20),
        ("element_at(ARRAY[10, 20], 3)", None),
        ("element_at(ARRAY[10, 20], -1)", 20),
        ("element_at(MAP(ARRAY['a'], ARRAY[1]), 'a')", 1),
        ("MAP(ARRAY['a'], ARRAY[1])['a']", 1),
        ("cardinality(MAP(ARRAY['a'], ARRAY[1])) + cardinality(ARRAY[1, 2])", 3),
        ("array_sort(ARRAY[3, NULL, 1])", [1, 3, None]),
        ("transform(ARRAY[7, 9], x -> x/2)", [3, 4]),
        ("array_join(ARRAY['a', NULL, 'b'], '-')", "a-b"),
        ("contains(ARRAY[1], 1)", True),
        ("count_if(x > 1) FROM (VALUES 1, 2, 3) AS t(x)", 2),
        ("approx_percentile(x, 0.9) FROM (VALUES 1, 2, 3, 4) AS t(x)", 4),
        ("approx_distinct(x) FROM (VALUES 1, 1, 2) AS t(x)", 2),
        ("max_by(x, y) FROM (VALUES (1, 1), (NULL, 2)) AS t(x, y)", None),
        ("min_by(x, y) FROM (VALUES (1, 1), (NULL, 2)) AS t(x, y)", 1),
        ("listagg(x, '+') WITHIN GROUP (ORDER BY x) FROM (VALUES 'b', 'a') AS t(x)", "a+b"),
        ("array_agg(x ORDER BY x DESC) FROM (VALUES 1, NULL, 2) AS t(x)", [2, 1, None]),
        ("count(DISTINCT x) FILTER (WHERE x > 1) FROM (VALUES 1, 2, 2) AS t(x)", 1),
    ],
)
def test_an_expression_has_trinos_value(expression: str, expected: object) -> None:
    """The value and its type are Trino's."""
    result = value(expression)
    assert result == expected
    assert type(result) is type(expected)


def test_divisions_agree_with_exact_arithmetic() -> None:
    """Whole and decimal quotients of random numbers, ties among them, are truncated and rounded exactly."""
    rng = random.Random(5)
    for _ in range(60):
        dividend, divisor = rng.randrange(-(10**15), 10**15), rng.choice([-1, 1]) * rng.randrange(1, 10**6)
        scale = rng.randrange(1, 5)
        whole = abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)
        decimal = Decimal(divisor).scaleb(-scale)
        places = Decimal(1).scaleb(-scale)
        exact = (Decimal(dividend) / decimal).quantize(places, ROUND_HALF_UP)
        columns = f"FROM (VALUES ({dividend}, {divisor}, CAST({decimal:f} AS DECIMAL(20, {scale})))) AS t(x, y, z)"
        assert run(f"SELECT x/y, x/z {columns}") == [(whole, exact)]
        assert value(f"{5 * dividend}/{10**scale}.{'0' * scale}") == (Decimal(5 * dividend) * places).quantize(
            places, ROUND_HALF_UP
        )


def test_nulls_sort_last_in_both_directions() -> None:
    """As Trino has it, unless NULLS FIRST is written."""
    rows = "FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x"
    assert run(f"SELECT x {rows}") == [(1,), (2,), (None,)]
    assert run(f"SELECT x {rows} DESC") == [(2,), (1,), (None,)]
    assert run(f"SELECT x {rows} DESC NULLS FIRST") == [(None,), (2,), (1,)]


CONTACTS = [
    handled(8, agent_interaction_duration_ms=61_250, attributes={"language": "de"}),
    handled(30, agent_customer_hold_duration_ms=500, attributes={"language": "en"}),
    queued(12),
    queued(50, queue_id="q-2", attributes={}),
    {"channel": "CHAT", "queue_id": "q-2", "chat_agent_metrics_num_responses": 0, "disconnect_timestamp": at(7200)},
]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            (
                'SELECT "channel", SUM("is_handled") AS h, CAST(SUM("is_abandoned") AS DOUBLE)'
                ' / NULLIF(SUM("is_queued"), 0) * 100.0 AS pct'
                ' FROM "connect_datalake"."contact_statistic_record" WHERE "disconnect_timestamp" >='
                " TIMESTAMP '2026-06-09 00:00:00' AND \"instance_id\" = 'i-1' GROUP BY \"channel\" ORDER BY pct DESC;"
            ),
            [("VOICE", 2, 50.0), ("CHAT", 0, None)],
        ),
        (
            (
                'SELECT "queue_id", SUM(CASE WHEN "is_handled" = 1 AND "queue_answer_time_ms" <= 10000 THEN 1 ELSE 0 END)'
                ' AS n, MAX("queue_time_ms") / 1000.0 AS longest, AVG("handle_time_ms") / 1000.0 AS aht'
                ' FROM "AwsDataCatalog"."connect_datalake"."contact_statistic_record" GROUP BY "queue_id" ORDER BY n DESC'
            ),
            [("q-1", 1, Decimal("30.0"), 30.875), ("q-2", 0, Decimal("50.0"), None)],
        ),
        (
            (
                "SELECT date_trunc('hour', disconnect_timestamp) AS \"hour\", count(*), AVG(date_diff('millisecond',"
                ' "initiation_timestamp", "disconnect_timestamp")) / 1000.0 FROM contact_record'
                " GROUP BY date_trunc('hour', disconnect_timestamp) ORDER BY \"hour\""
            ),
            [(datetime(2026, 6, 9, 12), 4, 100.0), (datetime(2026, 6, 9, 14), 1, 7200.0)],
        ),
        (
            (
                "SELECT SUM(queue_duration_ms) / NULLIF(SUM(chat_agent_metrics_num_responses), 0) FROM contact_record"
                " WHERE channel = 'CHAT' AND (chat_agent_metrics_conversation_abandon = true OR queue_id IS NOT NULL)"
            ),
            [(None,)],
        ),
        (
            (
                "WITH per_queue AS (SELECT queue_id, count(*) AS n, SUM(count(*)) OVER () AS total FROM contact_record"
                " GROUP BY queue_id) SELECT queue_id, CAST(n AS DOUBLE) / total * 100.0, n * 100 / total FROM per_queue"
                " ORDER BY queue_id"
            ),
            [("q-1", 60.0, 60), ("q-2", 40.0, 40)],
        ),
        (
            (
                "SELECT attributes['language'] AS l, count(*) FROM contact_record"
                " WHERE cardinality(attributes) > 0 GROUP BY attributes['language'] ORDER BY l"
            ),
            [("de", 1), ("en", 1)],
        ),
        (
            "SELECT k, v, n FROM contact_record CROSS JOIN UNNEST(attributes) WITH ORDINALITY AS a(k, v, n) ORDER BY v",
            [("language", "de", 1), ("language", "en", 1)],
        ),
        (
            (
                "SELECT s.state, n FROM contact_record c CROSS JOIN UNNEST(c.agent_state_transitions) WITH ORDINALITY"
                " AS s(began, state, n) ORDER BY n"
            ),
            [],
        ),
        ("SELECT x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n) ORDER BY n", [("a", 1), ("b", 2)]),
        ("SHOW TABLES", [("contact_record",), ("contact_statistic_record",)]),
        ("SHOW TABLES IN connect_datalake '*statistic*'", [("contact_statistic_record",)]),
        ("SHOW DATABASES LIKE 'connect_d*'", [("connect_datalake",)]),
        ("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'nowhere'", [(0,)]),
    ],
)
def test_queries_of_the_reference_shapes(sql: str, expected: list[tuple[Any, ...]]) -> None:
    """The constructs of Amazon's reference queries, names and all, give the rows worked out by hand."""
    assert run(sql, database(CONTACTS)) == expected


def test_rows_of_an_array_become_columns() -> None:
    """UNNEST of an array of rows gives its fields as columns."""
    transitions = [
        {"state_start_timestamp": T0, "state": "CONNECTED"},
        {"state_start_timestamp": at(5), "state": "ENDED"},
    ]
    connection = database([{"agent_state_transitions": transitions}, {}])
    sql = (
        "SELECT state, began, n FROM contact_record CROSS JOIN UNNEST(agent_state_transitions) WITH ORDINALITY"
        " AS s(began, state, n) ORDER BY n"
    )
    assert run(sql, connection) == [("CONNECTED", T0, 1), ("ENDED", at(5), 2)]


def test_arrays_within_rows_unnest_again() -> None:
    """Steps within routing criteria come out one by one, numbered, with what their expression text holds."""
    steps = [
        {"status": "EXPIRED", "expression": '{"name": "language", "value": "de"}'},
        {"status": "ACTIVE", "expression": '{"name": "skill", "value": "x"}'},
    ]
    connection = database([{"routing_criteria": [{"activation_timestamp": T0, "index": 7, "steps": steps}]}])
    sql = (
        'SELECT activated, place, n, status, regexp_extract(expression, \'"name": "(\\w+)"\', 1),'
        " strpos(expression, 'value') > 0 FROM connect_datalake.contact_record AS r"
        " CROSS JOIN UNNEST(r.routing_criteria) AS c(activated, place, steps)"
        " CROSS JOIN UNNEST(c.steps) WITH ORDINALITY AS s(status, expression, n) ORDER BY n"
    )
    assert run(sql, connection) == [(T0, 7, 1, "EXPIRED", "language", True), (T0, 7, 2, "ACTIVE", "skill", True)]


def test_describe_and_show_columns_list_the_columns() -> None:
    """Names and types, in order."""
    described = run("DESCRIBE connect_datalake.contact_record")
    assert described == run("SHOW COLUMNS FROM awsdatacatalog.connect_datalake.contact_record")
    assert [name for name, _ in described] == list(COLUMNS)


def test_windows_can_skip_nulls() -> None:
    """IGNORE NULLS is kept, and refused where DuckDB has none, never dropped."""
    sql = "SELECT lag(y) IGNORE NULLS OVER (ORDER BY x) FROM (VALUES (1, 5), (2, NULL), (3, 7)) AS t(x, y) ORDER BY x"
    assert run(sql) == [(None,), (5,), (5,)]
    with pytest.raises(UsageError, match="not supported here"):
        to_duckdb("SELECT max(x) IGNORE NULLS OVER () FROM (VALUES 1) AS t(x)", TABLES)


def test_types_are_told_through_names() -> None:
    """Columns renamed by WITH, a subquery and VALUES keep their types, so decimals still round."""
    sql = (
        "WITH a(p) AS (SELECT CAST(1.25 AS DECIMAL(10, 2))) SELECT p/3, q/3, r/3 FROM a"
        " CROSS JOIN (SELECT CAST(2.5 AS DECIMAL(10, 1)) AS q) CROSS JOIN (VALUES 7) AS v(r)"
    )
    assert run(sql) == [(Decimal("0.42"), Decimal("0.8"), 2)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE contact_record", "DROP is not supported here; valid: one SELECT or WITH query"),
        ("INSERT INTO contact_record SELECT * FROM contact_record", "INSERT is not supported"),
        ("EXPLAIN SELECT 1", "EXPLAIN is not supported"),
        ("SHOW CREATE VIEW x", "SHOW CREATE VIEW X is not supported"),
        ("SELECT 1; SELECT 2", "2 statements were given; valid: one SELECT"),
        ("", "0 statements were given"),
        ("SELEC 1", "is not Trino SQL"),
        ("SELECT * FROM contact_records", "table 'contact_records' is not known.*Did you mean"),
        ("SELECT * FROM other.contact_record", "table 'other.contact_record' is not known"),
        ("SELECT * FROM hive.connect_datalake.contact_record", "catalog 'hive' is not known; valid: awsdatacatalog"),
        ('SELECT * FROM "/etc/passwd.csv"', "is not known; valid: connect_datalake.contact_record"),
        ("SELECT * FROM read_csv('/etc/passwd')", "table function read_csv is not supported"),
        ("SELECT read_text('/etc/passwd')", "Trino function read_text is not supported here; valid: abs"),
        ("SELECT checksum(1)", "Trino function checksum is not supported"),
        ("SELECT date_diff('fortnight', current_date, current_date)", "a unit as a literal .millisecond, second"),
        ("SELECT date_format(current_date, '%D')", "format codes"),
        ("SELECT approx_percentile(1, 2, 0.5)", "2 arguments, seen 3"),
        ("SELECT x FROM UNNEST(ARRAY[1]) AS t(x, y, z)", "UNNEST gives 1 columns, its alias names 3"),
    ],
)
def test_what_is_not_understood_is_refused(sql: str, message: str) -> None:
    """A usage error says what was seen and what is valid; nothing outside the tables can be read."""
    with pytest.raises(UsageError, match=message):
        to_duckdb(sql, TABLES)


@pytest.mark.parametrize(
    "grouping",
    [
        Grouping(),
        Grouping(("queue", "agent"), "15min", "Asia/Kathmandu"),
        Grouping(("channel",), "hour", "Australia/Lord_Howe"),
        Grouping(("routing_profile",), "day", "America/New_York"),
    ],
    ids=str,
)
def test_metrics_compiled_for_athena_agree(grouping: Grouping) -> None:
    """Every metric's Athena SQL, read as Trino, gives the rows of its DuckDB SQL."""
    connection = database(random_contacts(2, 300, datetime(2026, 10, 31, 18), 2 * 86_400))
    bounds = (datetime(2026, 10, 31, 20), datetime(2026, 11, 2, 10))
    x = Threshold(20, {"q-1": 12.5})
    athena, plain = (
        compile_metrics(list(metrics_of(OF_CONTACTS)), grouping, x, *bounds, ENGINES[name])
        for name in ("athena", "duckdb")
    )
    wanted = connection.execute(plain.sql, list(plain.params)).fetchall()
    assert len(wanted) > (1 if grouping.by else 0)
    for setting in SETTINGS:
        connection.execute(setting)
    assert connection.execute(to_duckdb(athena.sql, TABLES), list(athena.params)).fetchall() == wanted
