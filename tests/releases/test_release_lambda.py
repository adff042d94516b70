"""The function `RedshiftS3SP2` as AWS would call it: every trigger, and the mission's result object field by field."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from releases import BUCKET, KEY, RAN, THREE, names
from trunkline.errors import UsageError
from trunkline.handlers.release import handler
from trunkline.limits import LAMBDA_MARGIN_S
from trunkline.releases.interface import request_of
from trunkline.settings.release import ReleaseSettings

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIELDS = ["procedure_number", "procedure_name", "query_id", "status", "sql_executed", "error", "duration_ms"]
BODY = ["message", "total_procedures", "successful_procedures", "execution_results", "s3_content"]


class Context:
    """Lambda's."""

    def __init__(self, request_id: str = "request-1", left_s: float = 900) -> None:
        self.aws_request_id, self._left_s = request_id, left_s

    def get_remaining_time_in_millis(self) -> int:
        return int(self._left_s * 1000)


@pytest.fixture(autouse=True)
def aws(endpoint, s3, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function's variables; S3 by moto, Redshift by the emulator."""
    for name, value in {"CLUSTER_ID": "analytics", "DATABASE": "dev", "DB_USER": "loader"}.items():
        monkeypatch.setenv(name, value)
    return s3


FACTS_SHOWN = "CALL connect.load_facts('2026-03-01', 7, TRUE, 'it''s');"


def put(s3: Any, text: str, key: str = KEY) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def test_success_field_by_field(aws, query, endpoint) -> None:
    """The document's object, with its fields in its order, plus `error` and `duration_ms`."""
    put(aws, THREE)
    result = handler({}, Context())
    assert list(result) == ["statusCode", "body"]
    assert result["statusCode"] == 200
    body = result["body"]
    assert list(body) == BODY
    assert body["message"] == "Executed 3 stored procedures successfully"
    assert (body["total_procedures"], body["successful_procedures"]) == (3, 3)
    assert body["s3_content"] == THREE
    assert [list(one) for one in body["execution_results"]] == [FIELDS] * 3
    assert [one["procedure_number"] for one in body["execution_results"]] == [1, 2, 3]
    assert [one["procedure_name"] for one in body["execution_results"]] == [f"connect.{name}" for name in RAN]
    assert [one["sql_executed"] for one in body["execution_results"]] == [
        "CALL connect.load_dims();",
        FACTS_SHOWN,
        "CALL connect.load_last();",
    ]
    for one in body["execution_results"]:
        assert UUID.fullmatch(one["query_id"])
        assert (one["status"], one["error"]) == ("FINISHED", None)
        assert one["duration_ms"] > 0
    assert names(query) == RAN
    json.dumps(result)
    asked = endpoint.executed()
    assert {(one["ClusterIdentifier"], one["Database"], one["DbUser"]) for one in asked} == {
        ("analytics", "dev", "loader")
    }


def test_partial_failure_field_by_field(aws, query) -> None:
    """500, the number of those that succeeded, the database's error at its call, everything else as in
    success.
    """
    put(aws, "connect.load_dims\nconnect.broken()\nconnect.load_last;")
    result = handler({}, Context())
    assert result["statusCode"] == 500
    body = result["body"]
    assert list(body) == BODY
    assert body["message"] == "Executed 2 stored procedures successfully"
    assert (body["total_procedures"], body["successful_procedures"]) == (3, 2)
    good, bad, last = body["execution_results"]
    assert (good["status"], last["status"]) == ("FINISHED", "FINISHED")
    assert list(bad) == FIELDS
    assert (bad["procedure_number"], bad["procedure_name"], bad["status"]) == (2, "connect.broken", "FAILED")
    assert bad["sql_executed"] == "CALL connect.broken();"
    assert bad["error"] == 'ERROR: column "x" does not exist'
    assert UUID.fullmatch(bad["query_id"])
    assert names(query) == ["load_dims", "load_last"]


def test_timeout_field_by_field(aws, query, monkeypatch) -> None:
    """A procedure that exceeds its time is ABORTED with the reason; the others run; 500."""
    monkeypatch.setenv("RELEASE_TIMEOUT", "1")
    put(aws, "connect.slow(60)\nconnect.load_last")
    result = handler({}, Context())
    assert result["statusCode"] == 500
    slow, last = result["body"]["execution_results"]
    assert list(result["body"]) == BODY
    assert list(slow) == FIELDS
    assert (slow["status"], slow["error"]) == ("ABORTED", "took longer than 1 s and was cancelled")
    assert UUID.fullmatch(slow["query_id"])
    assert last["status"] == "FINISHED"
    assert result["body"]["message"] == "Executed 1 stored procedures successfully"
    assert names(query) == ["load_last"]


def test_the_functions_own_timeout_field_by_field(aws, query) -> None:
    """The function answers before it is killed, with what is running and what was not run; the next one continues."""
    put(aws, "connect.slow(5)\nconnect.load_last")
    result = handler({}, Context(left_s=LAMBDA_MARGIN_S + 3))
    assert result["statusCode"] == 500
    body = result["body"]
    assert list(body) == [*BODY, "error"]
    assert "Run again" in body["error"]
    assert [one["status"] for one in body["execution_results"]] == ["STARTED", "NOT_RUN"]
    assert [one["sql_executed"] for one in body["execution_results"]] == ["CALL connect.slow(5);", None]
    assert body["execution_results"][1]["query_id"] is None
    assert (body["total_procedures"], body["successful_procedures"]) == (2, 0)
    again = handler({}, Context("request-2"))
    assert again["statusCode"] == 200
    assert again["body"]["execution_results"][0]["query_id"] == body["execution_results"][0]["query_id"]
    assert names(query) == ["slow", "load_last"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "no release file"),
        ("", "no procedure call"),
        ("a()\nDROP TABLE done;", f"s3://{BUCKET}/{KEY}:2:1: DROP is a word of SQL"),
    ],
)
def test_missing_or_bad_file_field_by_field(content, error, aws, endpoint) -> None:
    """500, nothing executed, the same fields, and why."""
    if content is not None:
        put(aws, content)
    result = handler({}, Context())
    assert error in result["body"].pop("error")
    assert result == {
        "statusCode": 500,
        "body": {
            "message": "Executed 0 stored procedures successfully",
            "total_procedures": 0,
            "successful_procedures": 0,
            "execution_results": [],
            "s3_content": content,
        },
    }
    assert endpoint.requests == []


def test_the_event_names_one_procedure(query, endpoint) -> None:
    """Its values are bound; the file is not read; cluster and database are overridden."""
    endpoint.clusters = ("analytics", "other-1")
    endpoint.databases["copy"] = endpoint.databases["dev"]
    event = {"stored_procedure_name": "echo", "parameters": ["it's; --", 1, 2.5, None, "", 10**30],
             "cluster_identifier": "other-1", "database": "copy"}  # fmt: skip
    result = handler(event, Context())
    assert result["statusCode"] == 200
    assert result["body"]["s3_content"] is None
    assert result["body"]["execution_results"][0]["sql_executed"] == (
        f"CALL echo('it''s; --', 1, 2.5, NULL, '', 1{'0' * 30});"
    )
    assert query("SELECT arguments FROM done") == [(["it's; --", "1", "2.5", None, "", "1" + "0" * 30],)]
    (asked,) = endpoint.executed()
    assert (asked["ClusterIdentifier"], asked["Database"]) == ("other-1", "copy")
    assert handler(event, Context())["statusCode"] == 200
    assert len(query("SELECT * FROM done")) == 1  # Lambda's retry of the same event


def proxy(body: object, **more: Any) -> dict[str, Any]:
    return {"httpMethod": "POST", "path": "/", "body": body, "requestContext": {"requestId": "api-1"}, **more}


@pytest.mark.parametrize("shape", ["rest", "http", "base64"])
def test_api_gateway(shape, query) -> None:
    """Overrides from the JSON body with every digit, an answer that API Gateway takes: the body is text."""
    text = '{"stored_procedure_name": "echo", "parameters": ["é", 12345678901234567890.123456789]}'
    event = proxy(text)
    if shape == "http":
        event = {
            "version": "2.0",
            "rawPath": "/",
            "requestContext": {"requestId": "a", "http": {"method": "POST"}},
            "body": text,
        }
    elif shape == "base64":
        event = proxy(base64.b64encode(text.encode()).decode(), isBase64Encoded=True)
    result = handler(event, Context())
    assert (result["statusCode"], result["isBase64Encoded"]) == (200, False)
    assert result["headers"] == {"Content-Type": "application/json"}
    assert isinstance(result["body"], str)
    assert list(json.loads(result["body"])) == BODY
    assert query("SELECT arguments FROM done") == [(["é", "12345678901234567890.123456789"],)]


@pytest.mark.parametrize(
    "event",
    [
        proxy("{"), proxy("[]"), proxy("7"), proxy('{"a": 1}'), proxy('{"database": "a", "database": "b"}'), proxy(b"x"),
        proxy('{"parameters": [NaN], "stored_procedure_name": "echo"}'), proxy("[" * 100_000), proxy("=", isBase64Encoded=True),
        proxy("", queryStringParameters={"database": "x"}),
    ],
)  # fmt: skip
def test_api_gateway_with_invalid_requests(event, endpoint) -> None:
    """Still an answer in API Gateway's form, and nothing executed."""
    result = handler(event, Context())
    assert result["statusCode"] == 500
    assert "error" in json.loads(result["body"])
    assert endpoint.requests == []


def test_eventbridge_runs_the_file_once_an_event(aws, query) -> None:
    """A schedule's event has an empty detail; delivered twice it runs once, and the next night it runs again."""
    put(aws, "connect.load_dims")
    for night in ("1", "1", "2"):
        event = {"version": "0", "id": night, "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
        result = handler(event, Context(f"request-{night}"))
        assert (result["statusCode"], result["body"]["successful_procedures"]) == (200, 1)
    assert names(query) == ["load_dims"] * 2
    event = {"id": "3", "detail-type": "x", "source": "mine", "detail": {"stored_procedure_name": "connect.load_last"}}
    assert handler(event, Context())["statusCode"] == 200
    assert names(query)[-1] == "load_last"


SCHEDULED = {"version": "0", "id": "7", "detail-type": "Scheduled Event", "source": "aws.scheduler"}


@pytest.mark.parametrize(
    "event",
    [
        {**SCHEDULED, "detail": "{}"}, {**SCHEDULED, "detail": ""}, {**SCHEDULED, "detail": " {} "}, {**SCHEDULED, "detail": None},
        SCHEDULED, {**SCHEDULED, "detail": "null"},
        {"parameters": []}, {"stored_procedure_name": None}, {"stored_procedure_name": None, "parameters": []},
        {"stored_procedure_name": None, "parameters": None, "cluster_identifier": None, "database": None},
        proxy('{"parameters": []}'), proxy(None), proxy(" "), None,
    ],
)  # fmt: skip
def test_an_event_without_overrides_runs_the_file(event, aws, query) -> None:
    """EventBridge Scheduler's default payload has the detail as JSON text; null and empty name nothing."""
    put(aws, "connect.load_dims")
    assert handler(event, Context())["statusCode"] == 200
    assert names(query) == ["load_dims"]


def test_a_detail_as_text_names_a_procedure(query) -> None:
    """With its numbers' digits, as API Gateway's body; text that is not JSON runs nothing."""
    detail = json.dumps({"stored_procedure_name": "echo", "parameters": ["a"]})[:-2] + ", 1.10]}"
    assert handler({**SCHEDULED, "detail": detail}, Context())["statusCode"] == 200
    assert query("SELECT arguments FROM done") == [(["a", "1.10"],)]
    for wrong in ("{", "[]", '"x"', "7", '{"database": "a", "database": "b"}'):
        result = handler({**SCHEDULED, "detail": wrong}, Context())
        assert (result["statusCode"], result["body"]["execution_results"]) == (500, [])


def test_without_a_context_there_is_no_deadline(aws, query) -> None:
    """Called by hand, in a shell or a test."""
    put(aws, "connect.load_dims")
    assert handler({}, None)["statusCode"] == 200
    assert names(query) == ["load_dims"]


def test_a_secret_is_bound_and_not_shown(query, endpoint) -> None:
    """Neither in the result nor in what identifies the call; another secret is another call."""
    event = {"stored_procedure_name": "echo", "parameters": ["open", {"secret": "hunter2"}, {"secret": 7}]}
    result = handler(event, Context())
    assert result["body"]["execution_results"][0]["sql_executed"] == "CALL echo('open', '***', '***');"
    assert "hunter2" not in json.dumps(result)
    assert query("SELECT arguments FROM done") == [(["open", "hunter2", "7"],)]
    assert endpoint.executed()[0]["Sql"] == "CALL echo(:a1, :a2, :a3);"
    first, second = (
        request_of({"stored_procedure_name": "echo", "parameters": [{"secret": word}]}).release for word in "ab"
    )
    assert first is not None
    assert second is not None
    assert first.digest != second.digest
    assert "secret='a'" not in repr(first)
    assert "'a'" not in repr(first)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("connect.load_dims", "connect.load_dims"), ("_p1", "_p1"), ("order", '"order"'), ("connect.user", 'connect."user"'),
        ('"Connect".load_dims', '"Connect".load_dims'), ('"load dims"', '"load dims"'), ("p$1", '"p$1"'), ("orders", "orders"),
    ],
)  # fmt: skip
def test_names_are_quoted_only_where_necessary(name: str, shown: str) -> None:
    """Reserved words, upper case, and anything but letters, digits and _."""
    release = request_of({"stored_procedure_name": name}).release
    assert release is not None
    assert release.calls[0].sql == release.calls[0].sql_shown == f"CALL {shown}();"


@pytest.mark.parametrize(
    "event",
    [
        {"stored_procedure_nam": "x"}, {"stored_procedure_name": 7}, {"parameters": ["x"]}, [], "x", 7,
        {"stored_procedure_name": "a()"}, {"stored_procedure_name": "a", "parameters": "x"},
        {"stored_procedure_name": "a", "parameters": [["x"]]}, {"stored_procedure_name": "a", "parameters": [{"secret": True}]},
        {"stored_procedure_name": "a", "parameters": [{"secret": "x", "b": 1}]}, {"stored_procedure_name": "a", "parameters": [{}]}, {"stored_procedure_name": "a", "parameters": [float("nan")]},
        {"stored_procedure_name": "a", "parameters": [10**5000]}, {"stored_procedure_name": "a", "parameters": ["\ud800"]},
        {"stored_procedure_name": "a", "parameters": ["\x00"]}, {"stored_procedure_name": "a", "parameters": [1] * 33},
        {"cluster_identifier": "X"}, {"cluster_identifier": ""}, {"database": "a b"}, {"database": "x" * 128}, {"database": ""},
        {"database": ["dev"]},
    ],
)  # fmt: skip
def test_an_invalid_event_runs_nothing(event, aws, endpoint) -> None:
    """A misspelt override must not run the whole file."""
    put(aws, THREE)
    result = handler(event, Context())
    assert result["statusCode"] == 500
    assert result["body"]["error"].startswith("event")
    assert endpoint.requests == []


def test_missing_and_wrong_variables(aws, monkeypatch, endpoint) -> None:
    """A cluster and a database have to be named; the error about a variable says what is valid."""
    put(aws, THREE)
    for name in ("DATABASE", "CLUSTER_ID"):
        monkeypatch.delenv(name)
        assert name in handler({}, Context())["body"]["error"]
    monkeypatch.setenv("RELEASE_PICK", "newest")
    assert json.loads(handler(proxy(""), Context())["body"])["error"].startswith("RELEASE_PICK is 'newest'")
    assert endpoint.requests == []
    assert ReleaseSettings.load({"RELEASE_PICK": "latest", "CLUSTER_ID": " "}).pick == "latest"
    for name, value in {"RELEASE_PICK": "last", "RELEASE_ON_FAILURE": "no", "RELEASE_TIMEOUT": "0.5"}.items():
        with pytest.raises(UsageError, match=name):
            ReleaseSettings.load({name: value})
