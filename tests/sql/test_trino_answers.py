"""What a real Trino answered, as recorded in `tests/golden/trino`, is what the embedded engine answers, or it refuses by name.

`make trino` asks a real Trino again. A case that is marked `~ refused` must be refused, so that one that begins to work is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from trino_cases import FOLDER, QUERIES, Case, is_same, read_cases, read_queries
from trino_lake import SPEC, queried_home

from trunkline.engines.catalogue import ENGINES
from trunkline.errors import UsageError
from trunkline.metrics.catalogue import select
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.catalogue import OBJECTS
from trunkline.objects.model import Object
from trunkline.pipelines.reading import Reader, open_reader, query
from trunkline.sql.lake.views import PARTITION_KEYS
from trunkline.sql.metric_query import compile_metrics
from trunkline.sql.trino.translate import SETTINGS, to_duckdb

FILES = sorted(path.stem for path in FOLDER.glob("*.txt") if path != QUERIES)
REFUSED = "not supported here"


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """The embedded engine as a query in Trino's SQL finds it."""
    with duckdb.connect() as connection:
        for setting in SETTINGS:
            connection.execute(setting)
        yield connection


def _difference(engine: duckdb.DuckDBPyConnection, case: Case) -> str | None:
    """What is wrong with the answer to a case, None where nothing is."""
    assert case.answer is not None, f"{case.expression}: no answer is recorded; run make trino with --update-golden"
    try:
        rows = engine.execute(to_duckdb(f"SELECT {case.expression}", {})).fetchall()
    except UsageError as error:
        is_failure = case.answer.startswith("!") and not case.is_refused
        return None if is_failure or case.is_refused else f"refused: {error}"
    except duckdb.Error as error:
        is_expected = case.answer.startswith("!") or (case.is_refused and REFUSED in str(error))
        return None if is_expected else f"failed: {error}"
    if case.is_refused:
        return f"answered {rows}, and is marked as refused"
    if case.answer.startswith("!"):
        return f"answered {rows}, where Trino fails with {case.answer}"
    return None if len(rows) == 1 and is_same(case.answer, rows[0][0]) else f"answered {rows}, Trino {case.answer}"


@pytest.mark.parametrize("name", FILES)
def test_an_expression_has_trinos_answer(engine: duckdb.DuckDBPyConnection, name: str) -> None:
    """Value for value and type for type; where Trino fails, the engine fails or refuses."""
    cases = [case for case in read_cases(FOLDER / f"{name}.txt") if not case.is_title]
    assert len(cases) > 50
    wrong = {case.expression: difference for case in cases if (difference := _difference(engine, case))}
    assert not wrong, "\n".join(f"{expression}\n    {difference}" for expression, difference in wrong.items())


def test_most_expressions_are_answered() -> None:
    """Refusing is no way out: at least 17 of 20 have Trino's answer."""
    cases = [case for name in FILES for case in read_cases(FOLDER / f"{name}.txt") if not case.is_title]
    assert len(cases) > 900
    assert sum(not case.is_refused for case in cases) >= 0.85 * len(cases)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The home whose files a real Trino read."""
    with open_reader(queried_home(Path(tmp_path_factory.mktemp("queried")))) as opened:
        yield opened


@pytest.mark.parametrize("number", range(len(read_queries())))
def test_a_query_has_trinos_rows(reader: Reader, number: int) -> None:
    """Queries in the style of Amazon's, over contact records and the view of statistics: the same rows in the same order."""
    asked = read_queries()[number]
    answer = query(reader, asked.sql, "athena")
    assert not asked.differences(list(answer.rows)), asked.sql


@pytest.mark.parametrize("obj", OBJECTS.values(), ids=lambda obj: obj.name)
def test_a_table_has_the_columns_that_it_has_in_athena(reader: Reader, obj: Object) -> None:
    """Every column of the object, then the partition's keys, as the view over the lake's files has."""
    in_athena = [column.name for column in obj.columns] + list(PARTITION_KEYS)
    assert [name for name, _ in query(reader, f"DESCRIBE {obj.public_view}", "athena").rows] == in_athena
    shown = query(reader, f"SELECT * FROM {obj.public_view} LIMIT 1", "athena")
    assert list(shown.columns) == in_athena


@pytest.mark.parametrize("table", ["contact_record", "contact_record_versions", "contact_record_plain"])
def test_the_files_of_the_lake_are_known(reader: Reader, table: str) -> None:
    """By the names that the page lists, and by those that Athena has."""
    counts = {
        query(
            reader, f"SELECT count(*), count(DISTINCT contact_id) FROM {database}.{table} WHERE year = '2026'", "athena"
        ).rows[0]
        for database in ("lake", "connect_datalake")
    }
    ((rows, contacts),) = counts
    assert contacts == SPEC.contacts
    assert (rows > contacts) == (table == "contact_record_versions")


def test_the_partition_of_a_row_is_its_day(reader: Reader) -> None:
    """Locally as in the lake, text with leading zeros."""
    sql = "SELECT count_if(year || '-' || month || '-' || day = CAST(date(initiation_timestamp) AS varchar)) FROM contact_record"
    assert query(reader, sql, "athena").rows == [(SPEC.contacts,)]


def test_what_is_shown_of_a_metric_runs_as_it_is(reader: Reader) -> None:
    """With its bounds written in, in Athena's dialect and in the warehouse's own."""
    metrics = select(["contacts_queued", "service_level"])
    bounds = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    answers = []
    for name in ("athena", "duckdb"):
        compiled = compile_metrics(metrics, Grouping(("channel",), "hour"), Threshold(20), *bounds, ENGINES[name])
        assert "2026-03-02 00:00:00" in compiled.literal
        assert not re.search(r"[?$]", compiled.literal)
        answers.append(query(reader, compiled.literal, name).rows)
    assert answers[0] == answers[1]
    assert len(answers[0]) > 3


def test_a_file_of_cases_is_read_as_it_is_written() -> None:
    """The recorder keeps titles, answers and marks."""
    for name in FILES:
        path = FOLDER / f"{name}.txt"
        assert "\n".join(case.text for case in read_cases(path)) + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "ours", "same"),
    [
        ("= bigint: 2", 2, True),
        ("= bigint: 2", 2.0, False),
        ("= bigint: 1", True, False),
        ("= double: 2.0", 2, False),
        ('= varchar: "2"', 2, False),
        ("= varchar: null", None, True),
        ('= varchar: ""', None, False),
        ("= array(integer): [1, null]", [1, None], True),
        ("= array(integer): [1, null]", [None, 1], False),
        ('= map(varchar, bigint): {"a": 1}', {"a": 1}, True),
        ('= map(varchar, bigint): {"a": 1}', {"a": 1, "b": 2}, False),
    ],
)
def test_a_difference_is_seen(answer: str, ours: object, same: bool) -> None:
    """The comparison tells values, types, NULL, order and size apart."""
    assert is_same(answer, ours) is same
