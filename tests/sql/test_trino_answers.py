"""What a real Trino answered, as recorded in `tests/golden/trino`, is what the embedded engine answers, or it refuses by name.

`make trino` asks a real Trino again. A case that is marked `~ refused` must be refused, so that one that begins to work is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from trino_cases import FOLDER, QUERIES, Case, is_same, read_cases, read_queries
from trino_lake import queried_home

from trunkline.errors import UsageError
from trunkline.pipelines.reading import Reader, open_reader, query
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
