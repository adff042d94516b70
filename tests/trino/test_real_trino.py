"""A real Trino as oracle: `make trino`. Needs Java 17 and Maven, which fetches the classes that `pom.xml` names.

`--update-golden` records Trino's answers in `tests/golden/trino`, which the default tests compare the embedded engine with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from golden_files import Golden
from trino_cases import FOLDER, QUERIES, Case, Query, read_cases, read_queries
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


def _answer(trino: TrinoServer, expression: str) -> str:
    answer = trino.query(f"SELECT {expression}")
    if answer.error is not None:
        return f"! {answer.error}"
    ((value,),) = answer.rows
    return f"= {answer.columns[0][1]}: {json.dumps(value, ensure_ascii=False)}"


@pytest.mark.parametrize("name", FILES)
def test_recorded_answers_are_trinos(trino: TrinoServer, golden: Golden, name: str) -> None:
    """Each expression's answer, type and all, is what the file says."""

    def answered(case: Case) -> Case:
        return case if case.is_title else replace(case, answer=_answer(trino, case.expression))

    cases = [answered(case) for case in read_cases(FOLDER / f"{name}.txt")]
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
