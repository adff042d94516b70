"""The functions of state machines: errors by a few names, secrets by their places, logs, and messages sent once."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from homes import NARROW, _catalogue_of
from moto import mock_aws
from states_interpreter import Context

from trunkline.aws.errors import RefusedError
from trunkline.errors import (
    LockedError,
    RunFailedError,
    SourceChangedError,
    TerminalError,
    TransientError,
    TrunklineError,
    UnexpectedError,
    UsageError,
)
from trunkline.handlers.stages import observed
from trunkline.handlers.stages.begin import handler as begin
from trunkline.ledger.runs import decode_run
from trunkline.pipelines.run import function


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty account with a lake's bucket; no warehouse answers."""
    monkeypatch.setenv("ANALYTICS_BUCKET", "lake")
    monkeypatch.setenv("TRUNKLINE_WAREHOUSE", "redshift+data://analytics/dev?db_user=loader")
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", "http://127.0.0.1:9")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    function.function_settings.cache_clear()
    with mock_aws(config={"core": {"mock_credentials": False}}), _catalogue_of([NARROW]):
        boto3.client("s3").create_bucket(Bucket="lake")
        yield boto3
    function.function_settings.cache_clear()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransientError("x"), TransientError), (LockedError("a", "b"), LockedError), (TerminalError("x"), TerminalError),
        (SourceChangedError("x"), TerminalError), (RefusedError("x", "AccessDenied"), TerminalError),
        (UsageError("x"), UsageError), (RunFailedError("x"), RunFailedError), (KeyError("x"), UnexpectedError),
    ],
)  # fmt: skip
def test_errors_have_the_few_names_that_machines_know(error: Exception, kind: type[TrunklineError]) -> None:
    """Retry names them; a class of its own would not be retried, or be retried wrongly."""
    assert type(function.public_error(error)) is kind


def test_no_secret_leaves_with_an_error() -> None:
    """Neither a known one, nor what looks like one, nor any text of an error that is not ours."""
    told = str(
        function.public_error(TransientError("no answer to token=abc with s3cret-value"), frozenset({"s3cret-value"}))
    )
    assert told == "no answer to token=*** with ***"
    assert "4111" not in str(function.public_error(ValueError("card 4111")))
    place = "TRUNKLINE_PII_KEY names secretsmanager:prod/all#key"
    assert str(function.public_error(UsageError(f"{place}, my_secret: hunter2"))) == f"{place}, my_secret: ***"


def test_secrets_are_read_where_a_variable_says_once(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole secret, a key of a JSON secret, a parameter; the value is never shown."""
    boto3.client("secretsmanager").create_secret(Name="app", SecretString='{"pii": "from-secrets-manager"}')
    boto3.client("ssm").put_parameter(Name="/app/token", Value="from-parameter-store", Type="SecureString")
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "secretsmanager:app#pii")
    monkeypatch.setenv("TRUNKLINE_LIVE_TOKEN", "ssm:/app/token")
    settings = function.function_settings()
    assert settings.pii_key_given is not None
    assert settings.live_token is not None
    assert settings.pii_key_given.reveal() == "from-secrets-manager"
    assert settings.live_token.reveal() == "from-parameter-store"
    assert settings.secrets >= {"from-secrets-manager", "from-parameter-store"}
    assert "from-" not in repr(settings)
    boto3.client("secretsmanager").delete_secret(SecretId="app", ForceDeleteWithoutRecovery=True)
    assert function.function_settings() is settings


def test_a_missing_secret_says_which(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the error of the function."""
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "ssm:/app/none")
    with pytest.raises(UsageError, match="the parameter /app/none"):
        begin({"object": "narrow", "execution": "e"}, None)


def test_a_failure_without_a_warehouse_is_recorded_in_the_lake(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that could not begin has a record with its error; the function fails the execution."""
    event = {
        "object": "narrow", "run_id": "", "execution": "arn:aws:states:us-east-1:1:execution:narrow:x", "step": "begin",
        "failure": {"Error": "TransientError", "Cause": json.dumps({"errorMessage": "it does not answer", "stackTrace": []})},
        "begun_at_redrive": 0, "redrive": 0,
    }  # fmt: skip
    with pytest.raises(RunFailedError, match="narrow: TransientError: it does not answer"):
        function.record_failure(event)
    s3 = boto3.client("s3")
    (key,) = [item["Key"] for item in s3.list_objects_v2(Bucket="lake", Prefix="_ledger/run/narrow/")["Contents"]]
    run = decode_run(s3.get_object(Bucket="lake", Key=key)["Body"].read())
    assert (run.state, run.failed_step, run.error) == ("failed", "begin", "TransientError: it does not answer")
    assert function.record_failure(event | {"redrive": 1}) == {"is_redriven": True}


def test_an_event_that_names_no_run_is_refused() -> None:
    """Someone called the function by hand."""
    with pytest.raises(UsageError, match="the event has no run_id, execution; start the state machine"):
        function.stage_event({"object": "narrow"})


@pytest.mark.parametrize("has_powertools", [True, False])
def test_each_call_is_logged_without_its_event(
    aws: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    has_powertools: bool,
) -> None:  # fmt: skip
    """With AWS Lambda Powertools and without: object, counts, seconds; never what else an event holds."""
    if not has_powertools:
        monkeypatch.setattr(observed, "find_spec", lambda name: None)
    observed._log.cache_clear()
    caplog.set_level(logging.INFO)
    handler = observed.observed(lambda event, context: {"rows_read": 3, "secret": "hush"})
    assert handler({"object": "narrow", "phone": "+15535550143"}, None)["rows_read"] == 3
    with pytest.raises(TerminalError):
        observed.observed(_fails)({"object": "narrow"}, None)
    logged = capsys.readouterr().out + json.dumps([vars(record) for record in caplog.records], default=str)
    assert "narrow" in logged
    assert re.search(r'rows_read\\?": ?3', logged)
    assert "it is broken" in logged
    assert "hush" not in logged
    assert "5550143" not in logged
    observed._log.cache_clear()


def _fails(event: Any, context: Any) -> dict[str, Any]:
    raise TerminalError("it is broken")


def test_a_message_is_sent_once_where_a_table_is_set(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the function is called again after its answer was lost."""
    table = boto3.client("dynamodb")
    table.create_table(
        TableName="messages", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    monkeypatch.setenv("TRUNKLINE_IDEMPOTENCY_TABLE", "messages")
    sent: list[str] = []
    monkeypatch.setattr(observed, "publish_to_topic", lambda topic, subject, text: sent.append(subject))
    for _ in range(2):
        observed.publisher(Context())("topic", "Trunkline: narrow failed", "text")
    observed.publisher(Context())("topic", "Trunkline: narrow succeeded", "text")
    assert sent == ["Trunkline: narrow failed", "Trunkline: narrow succeeded"]


def test_a_message_reaches_its_topic(aws: Any) -> None:
    """Through SNS to a queue."""
    from trunkline.pipelines.run.notify import publish_to_topic

    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="runs")["TopicArn"]
    queue = sqs.create_queue(QueueName="runs")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    publish_to_topic(topic, "s" * 150, "the text")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "the text"
    assert json.loads(message["Body"])["Subject"] == "s" * 100
