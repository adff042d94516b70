"""Evaluation exports to `contact_evaluation_record` on every engine, and Amazon's queries on evaluations."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from homes import Record, load_into, opened, table
from transcript_files import SAMPLES

from trunkline.engines.athena import ATHENA
from trunkline.ledger import index
from trunkline.objects.agents.evaluations import CONTACT_EVALUATION
from trunkline.objects.catalogue import VIEWS
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.reading import open_reader, query
from trunkline.simulator.export.evaluations import Evaluation
from trunkline.simulator.oracle.evaluations import evaluation_answers
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec, StreamFaults
from trunkline.sql.trino.translate import SETTINGS, to_duckdb
from trunkline.sql.views import select_view

SINCE, UNTIL = datetime(2026, 3, 1), datetime(2026, 3, 20)
_WHERE = (
    "WHERE \"evaluation_submitted_timestamp\" >= TIMESTAMP '2026-03-01 00:00:00' "
    "AND \"evaluation_submitted_timestamp\" < TIMESTAMP '2026-03-20 00:00:00' AND \"item_type\" = 'Form' "
    'AND "to_delete" = false AND ("evaluation_type" IS NULL OR "evaluation_type" != \'calibration\') '
    "AND \"instance_id\" = '9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa'"
)
_FROM = f'FROM "connect_datalake"."contact_evaluation_record" {_WHERE}'
QUERIES = {
    "36 evaluations performed": f'SELECT COUNT(DISTINCT "evaluation_id") AS "evaluations_performed" {_FROM}',
    "37 average evaluation score": f'SELECT AVG("score") AS "avg_evaluation_score_pct" {_FROM}',
    "38 automatic fails percent": 'SELECT CAST(COUNT(DISTINCT CASE WHEN "automatic_fail" = true THEN "evaluation_id" END) '
    f'AS DOUBLE) / NULLIF(COUNT(DISTINCT "evaluation_id"), 0) * 100.0 AS "automatic_fail_pct" {_FROM}',
}
"""Amazon's reference queries over the table, by their number in the list of the administrator guide."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Evaluation]]:
    """A simulated centre's folder, and its evaluations as they are in its files."""
    folder = tmp_path_factory.mktemp("evaluations")
    simulate(Spec(contacts=400, seed=3, redelivered=0.9, events=StreamFaults()), folder)
    documents = [json.loads(path.read_text()) for path in sorted(folder.glob("evaluations/**/*.json"))]
    stamps = [document["metadata"]["evaluationSubmitTimestamp"][:-1] for document in documents]
    return folder, [Evaluation(datetime.fromisoformat(at), one) for at, one in zip(stamps, documents, strict=True)]


def _load(home: Home, folder: Path) -> None:
    for name, place in (
        ("contact_record", "contact-records"),
        ("users", "users"),
        ("contact_evaluation", "evaluations"),
    ):
        load_into(home, folder / place, obj=home.objects[name])


@pytest.mark.parametrize("each_target", ["duckdb", "postgresql", "redshift"], indirect=True)
def test_amazons_queries_answer_what_the_oracle_does(
    tmp_path: Path, each_target: str, exported: tuple[Path, list[Evaluation]]
) -> None:
    """Queries 36 to 38: those submitted again count once, with their last score. In the warehouse and the lake."""
    folder, found = exported
    expected = evaluation_answers(found, SINCE, UNTIL)
    assert expected.performed < len(found)
    assert expected.automatic_fail
    with opened(tmp_path / "home") as home:
        _load(home, folder)
        for (name, sql), value in zip(QUERIES.items(), _values(expected), strict=True):
            ((answer,),) = home.warehouse.query(sql.replace("AS DOUBLE", "AS DOUBLE PRECISION"))
            assert float(answer) == pytest.approx(value, rel=1e-12), name
        ((evaluators, agents, times),) = home.warehouse.query(
            "SELECT COUNT(evaluator_id), COUNT(user_id), COUNT(disconnect_timestamp) "
            "FROM connect_datalake.contact_evaluation_record WHERE item_type = 'Form'"
        )
        assert evaluators == agents == times == expected.performed
        settings = home.settings
    if each_target == "duckdb":
        with open_reader(settings) as reader:
            answers = [query(reader, sql, "athena").rows[0][0] for sql in QUERIES.values()]
            lake = [
                reader.con_with_lake().execute(sql.replace('"connect_datalake"', "lake")).fetchall()[0][0]
                for sql in QUERIES.values()
            ]
        assert answers == pytest.approx(_values(expected), rel=1e-12)
        assert lake == pytest.approx(_values(expected), rel=1e-12)


def _values(expected: Any) -> list[float]:
    return [expected.performed, expected.score, expected.automatic_fail]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, exported: tuple[Path, list[Evaluation]]) -> Path:
    """A warehouse with the simulated centre's evaluations."""
    home_path = tmp_path_factory.mktemp("loaded") / "home"
    with opened(home_path) as home:
        _load(home, exported[0])
    return home_path / "warehouse.duckdb"


@pytest.mark.parametrize("name", ["contact_evaluation_item", "contact_evaluation_record"])
def test_athenas_views_mean_the_same(loaded: Path, name: str) -> None:
    """Athena's SELECT, read as Trino's SQL over the warehouse's tables, gives the warehouse's rows."""
    with duckdb.connect(loaded, read_only=True) as con:
        for setting in SETTINGS:
            con.execute(setting)
        columns = "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns()"
        tables: dict[str, dict[str, str]] = {}
        for relation, column, type_ in con.execute(columns).fetchall():
            tables.setdefault(relation, {})[column] = type_
        sql = select_view(VIEWS[name], ATHENA).replace("contact_record_plain", "contact_record")
        theirs = con.execute(to_duckdb(sql, tables)).fetchall()
        ours = con.execute(f"SELECT * FROM connect_datalake.{name}").fetchall()
    assert ours
    assert sorted(map(repr, theirs)) == sorted(map(repr, ours))


DOCUMENT: Record = {
    "schemaVersion": "3.1",
    "evaluationId": "e-1",
    "metadata": {
        "contactId": "c-1", "accountId": "111122223333", "instanceId": "i-1", "agentId": "a-1",
        "evaluationDefinitionTitle": "Quality", "evaluator": "jane", "evaluationDefinitionId": "f-1",
        "evaluationDefinitionVersion": 2, "evaluationStartTimestamp": "2026-03-03T17:57:08.649Z",
        "evaluationSubmitTimestamp": "2026-03-03T17:59:29.052Z", "score": {"percentage": 62.5},
        "evaluationSource": "ASSISTED_BY_AUTOMATION", "resubmitted": False, "acknowledgerComment": "Thanks.",
        "acknowledgedTimestamp": "2026-03-04T05:20:39.297Z", "acknowledgedByUserId": "a-1",
        "acknowledgedByUserName": "ann",
    },
    "sections": [
        {"sectionRefId": "s1", "sectionTitle": "Opening", "notes": "A note", "score": {"percentage": 100}},
        {"sectionRefId": "s2", "sectionTitle": "Greeting", "parentSectionRefId": "s1",
         "score": {"percentage": 25, "automaticFail": True, "weight": 3}},
    ],
    "questions": [
        {"questionRefId": "q1", "sectionRefId": "s1", "questionType": "NUMERIC", "questionText": "How many?",
         "answer": {"value": "7.5", "metadata": {"notApplicable": False}}, "score": {"percentage": 75}},
        {"questionRefId": "q2", "sectionRefId": "s2", "questionType": "SINGLESELECT", "questionText": "Greeted?",
         "answer": {"values": [{"valueText": "Yes", "valueRefId": "o1", "selected": False},
                               {"valueText": "No", "valueRefId": "o2", "selected": True}],
                    "automation": {"status": "OVERRIDDEN_ANSWER", "systemSuggestedValue": "Yes"}},
         "score": {"percentage": 0}},
        {"questionRefId": "q3", "sectionRefId": "s2", "questionType": "MULTISELECT", "questionText": "Topics?",
         "answer": {"values": [{"valueText": "Price", "valueRefId": "o3", "selected": True},
                               {"valueText": "Delivery", "valueRefId": "o4", "selected": True}],
                    "metadata": {"automation": {"status": "SYSTEM_ANSWER"}}}, "score": {"notApplicable": True}},
        {"questionRefId": "q4", "sectionRefId": "s2", "questionType": "DATETIME", "questionText": "When?",
         "answer": {"value": "2026-03-03T10:00:00+01:00"}, "score": {"notApplicable": True}},
        {"questionRefId": "q5", "sectionRefId": "s2", "questionType": "TEXT", "questionText": "Outcome?",
         "answer": {"value": "Solved", "assistedSuggestion": {"value": "It was solved."}, "confidence": 0.5},
         "score": {"notApplicable": True}},
    ],
}  # fmt: skip


def _write(path: Path, document: Record) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2))
    return path


@pytest.mark.parametrize("each_target", ["duckdb", "postgresql", "redshift"], indirect=True)
def test_each_kind_of_item(tmp_path: Path, each_target: str) -> None:
    """Form, sections and questions with answers of five types; what the guide does not have is kept as unmapped."""
    path = _write(tmp_path / "Evaluations/2026/03/03/17:59:29.052Z-e-1.json", DOCUMENT)
    with opened(tmp_path / "home") as home:
        load_into(home, path, obj=CONTACT_EVALUATION)
        (row,) = table(home, CONTACT_EVALUATION)
        items = home.warehouse.query(
            "SELECT item_reference_id, item_type, parent_reference_id, score, automatic_fail, numeric_answer, "
            "answer_reference_id, date_time_answer, is_automation_answer_accepted, automation_gen_ai_text_answer "
            "FROM connect_datalake.contact_evaluation_record ORDER BY item_reference_id"
        )
        selected = home.warehouse.query(
            "SELECT multi_select_answer_reference_ids FROM connect_datalake.contact_evaluation_record "
            "WHERE item_reference_id = 'q3'"
        )
        head = home.warehouse.query(
            "SELECT contact_id, user_id, evaluator_id, form_version, acknowledgement_status, acknowledger_id, "
            "evaluation_acknowledged_timestamp, to_delete, queue_id FROM connect_datalake.contact_evaluation_record "
            "WHERE item_type = 'Form'"
        )
        texts = home.warehouse.query(
            "SELECT text_answer FROM connect_datalake.contact_evaluation_item WHERE text_answer IS NOT NULL ORDER BY 1"
        )
    nothing = (None,) * 5
    assert [tuple(item) for item in items] == [
        ("f-1", "Form", None, 62.5, None, *nothing),
        ("q1", "Question", "s1", 75.0, None, 7.5, *nothing[1:]),
        ("q2", "Question", "s2", 0.0, None, None, "o2", None, False, None),
        ("q3", "Question", "s2", None, None, None, None, None, True, None),
        ("q4", "Question", "s2", None, None, None, None, datetime(2026, 3, 3, 9), None, None),
        ("q5", "Question", "s2", None, None, None, None, None, None, "It was solved."),
        ("s1", "Section", None, 100.0, None, *nothing),
        ("s2", "Subsection", "s1", 25.0, True, *nothing),
    ]
    ((ids,),) = selected
    assert (json.loads(ids) if isinstance(ids, str) else ids) == ["o3", "o4"]
    acknowledged = datetime(2026, 3, 4, 5, 20, 39, 297_000)
    assert tuple(head[0]) == ("c-1", "a-1", None, "2", "ACKNOWLEDGED", "a-1", acknowledged, False, None)
    assert [text for (text,) in texts] == ["No", "Price, Delivery", "Solved"]
    unmapped = row["record_unmapped"]
    unmapped = json.loads(unmapped) if isinstance(unmapped, str) else unmapped
    assert sorted(unmapped.values()) == [0.5, 3]


def test_the_second_copy_and_an_older_version_change_nothing(tmp_path: Path) -> None:
    """Connect writes each evaluation under an older path too; and a version that was replaced may come later."""
    again = copy.deepcopy(DOCUMENT)
    again["metadata"] |= {"evaluationSubmitTimestamp": "2026-03-05T08:00:00.000Z", "resubmitted": True}
    again["questions"] = again["questions"][:1]
    newest = _write(tmp_path / "e" / "Evaluations/2026/03/05/08:00:00.000Z-e-1.json", again)
    legacy = tmp_path / "e" / "Evaluations/contact_c-1/evaluation_e-1/2026-03-05T08:00:00.000Z.json"
    legacy.parent.mkdir(parents=True)
    shutil.copy(newest, legacy)
    with opened(tmp_path / "home", CONTACT_EVALUATION) as home:
        first = load_into(home, tmp_path / "e", obj=CONTACT_EVALUATION).counts
        older = load_into(home, _write(tmp_path / "older.json", DOCUMENT), obj=CONTACT_EVALUATION).counts
        (row,) = table(home, CONTACT_EVALUATION)
    assert (first.read, first.inserted, first.duplicate) == (2, 1, 1)
    assert older.superseded == 1
    assert (row["resubmitted"], len(row["items"])) == (True, 4)


def test_what_is_no_evaluation_is_set_aside_and_can_be_replayed(tmp_path: Path) -> None:
    """A record of another kind says what reads it; one that did not fit is read again once it does."""
    other = _write(tmp_path / "other.json", {"ContactId": "c-1", "AWSContactTraceRecordFormatVersion": "2017-03-10"})
    late = copy.deepcopy(DOCUMENT)
    late["metadata"]["evaluationSubmitTimestamp"] = "yesterday"
    with opened(tmp_path / "home", CONTACT_EVALUATION) as home:
        result = load_into(home, other, _write(tmp_path / "late.json", late), obj=CONTACT_EVALUATION)
        assert result.counts.dead_letter == 2
        assert any("trunkline load contact_record" in meaning for _, meaning in result.reasons)
        again = replay(home, CONTACT_EVALUATION, index.dead_letters(home.warehouse, CONTACT_EVALUATION.name))
    assert again.counts.dead_letter == 2


def test_amazons_columns_are_all_there() -> None:
    """46 columns as Amazon lists them, then ours."""
    names = [column.name for column in VIEWS["contact_evaluation_record"].columns]
    assert names[:4] == ["aws_account_id", "instance_id", "evaluation_id", "item_reference_id"]
    assert names[45:] == [
        "performance_category",
        "parent_reference_id",
        "question_type",
        "form_id",
        "evaluator_username",
    ]


@pytest.mark.skipif(SAMPLES is None, reason="the documents' sample files are not here")
def test_the_documents_own_sample_is_loaded(tmp_path: Path) -> None:
    """Amazon's example has a form, two sections and three questions, and no key that is unknown."""
    assert SAMPLES is not None
    sample = SAMPLES / "awsdocs_amazon-connect-admin-guide/evaluationforms-example-output-file.1.json"
    with opened(tmp_path / "home", CONTACT_EVALUATION) as home:
        load_into(home, sample, obj=CONTACT_EVALUATION)
        (row,) = table(home, CONTACT_EVALUATION)
    assert [item["item_type"] for item in row["items"]] == ["Form", "Section", "Subsection", *["Question"] * 3]
    assert (row["score"], row["evaluator"], row["form_version"], row["record_unmapped"]) == (100.0, "jane", 2, None)
