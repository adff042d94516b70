"""A real Trino as oracle: `make trino`. Needs Java 17 and Maven, which fetches the classes that `pom.xml` names.

`--update-golden` records Trino's answers in `tests/golden/trino`, which the default tests compare the embedded engine with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from golden_files import Golden
from trino_cases import FOLDER, QUERIES, Query, read_cases, read_queries
from trino_lake import queried_home, register
from trino_server import TrinoServer, running_trino, why_not

pytestmark = [pytest.mark.trino, pytest.mark.timeout(1200)]
FILES = sorted(path.stem for path in FOLDER.glob("*.txt") if path != QUERIES)


@pytest.fixture(scope="module")
def trino(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoServer]:
    """A server of one node."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with running_trino(tmp_path_factory.mktemp("trino")) as server:
        yield server


@pytest.fixture(scope="module")
def lake(trino: TrinoServer) -> TrinoServer:
    """The server with a simulated lake's tables and views."""
    (trino.root / "queried").mkdir()
    register(trino, queried_home(trino.root / "queried"))
    return trino


TOGETHER = 40
"""How many expressions one statement asks for: a statement costs more than an expression."""


def _text(type_: str, value: object) -> str:
    return f"= {type_}: {json.dumps(value, ensure_ascii=False)}"


def _answers(trino: TrinoServer, expressions: Sequence[str]) -> list[str]:
    """What Trino gives for each expression. Where one fails, each half is asked by itself."""
    answer = trino.query("SELECT " + ", ".join(expressions))
    if answer.error is None:
        (values,) = answer.rows
        return [_text(type_, value) for (_, type_), value in zip(answer.columns, values, strict=True)]
    if len(expressions) == 1:
        return [f"! {answer.error}"]
    half = len(expressions) // 2
    return _answers(trino, expressions[:half]) + _answers(trino, expressions[half:])


def _all_answers(trino: TrinoServer, expressions: Sequence[str]) -> dict[str, str]:
    """The answers by expression; one with a FROM of its own is asked alone."""
    plain = [expression for expression in expressions if "FROM" not in expression]
    groups = [plain[start : start + TOGETHER] for start in range(0, len(plain), TOGETHER)]
    groups += [[expression] for expression in expressions if "FROM" in expression]
    return {
        expression: text for group in groups for expression, text in zip(group, _answers(trino, group), strict=True)
    }


@pytest.mark.parametrize("name", FILES)
def test_recorded_answers_are_trinos(trino: TrinoServer, golden: Golden, name: str) -> None:
    """Each expression's answer, type and all, is what the file says."""
    cases = read_cases(FOLDER / f"{name}.txt")
    answers = _all_answers(trino, [case.expression for case in cases if not case.is_title])
    cases = [case if case.is_title else replace(case, answer=answers[case.expression]) for case in cases]
    golden.check(f"trino/{name}.txt", "\n".join(case.text for case in cases))


def test_recorded_rows_are_trinos(lake: TrinoServer, golden: Golden) -> None:
    """Each query over the lake's own views gives the rows that the file says."""
    queries = []
    for asked in read_queries():
        answer = lake.query(asked.sql)
        assert answer.error is None, f"{asked.sql}\n{answer.message}"
        types = tuple(type_ for _, type_ in answer.columns)
        queries.append(Query(asked.sql, types, tuple(list(row) for row in answer.rows)))
    golden.check("trino/queries.txt", "\n\n".join(asked.text for asked in queries))


DAY = "2026-03-03"
WHERE = {
    "nothing": "true",
    "time": f"initiation_timestamp >= TIMESTAMP '{DAY} 00:00:00' AND initiation_timestamp < TIMESTAMP '{DAY} 23:59:59'",
    "keys": "year = '2026' AND month = '03' AND day = '03'",
    "date": f"year || '-' || month || '-' || day = '{DAY}'",
}


def _reads(trino: TrinoServer, table: str, condition: str) -> tuple[int, int]:
    """The splits that a count reads, and the rows."""
    answer = trino.query(f"SELECT count(contact_id) FROM {table} WHERE {WHERE[condition]}")
    assert answer.error is None, answer.message
    return answer.stats["totalSplits"], answer.stats["processedRows"]


def test_what_a_question_reads(lake: TrinoServer) -> None:
    """The partition's keys, or a date made of them, prune partitions; a time alone prunes only on the files.

    The page `ask-athena-sql` says so. The view ranks the versions of a contact, and a time is not among what it ranks by.
    """
    view = {condition: _reads(lake, "contact_record", condition) for condition in WHERE}
    files = {condition: _reads(lake, "contact_record_files", condition) for condition in WHERE}
    assert view["time"] == view["nothing"]
    assert view["keys"] == view["date"]
    assert view["keys"][0] < view["nothing"][0]
    assert view["keys"][1] < view["nothing"][1] / 3
    assert files["keys"][0] < files["nothing"][0]
    assert files["time"][1] == files["keys"][1] == view["keys"][1]
