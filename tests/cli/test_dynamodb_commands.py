"""`stream` and `backfill` as people type them."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from dynamo_tables import call
from moto import mock_aws

from trunkline.cli.main import run


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto knows no account's own endpoint of streams
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="calls", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "callId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "callId", "AttributeType": "S"}],
        )  # fmt: skip
        yield


def put(*items: object) -> None:
    for item in items:
        boto3.client("dynamodb").put_item(TableName="calls", Item=item)


def test_from_enable_to_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Earlier items and later changes: backfill and stream give one table, in any order."""
    home = ["--home", str(tmp_path)]
    put(call("old"), call("changed"))
    assert run(["enable-stream", "calls"]) == 0
    assert capsys.readouterr().out == "The stream of calls is now enabled, with new and old images.\n"
    assert run(["enable-stream", "calls"]) == 0
    assert capsys.readouterr().out == "The stream of calls was already enabled, with new and old images.\n"
    put(call("new"), call("changed", agentName={"S": "Bob"}))
    assert run(["backfill", "call", "--from", "dynamodb://calls", *home]) == 0
    assert capsys.readouterr().out == "3 records read = 3 inserted\n"
    boto3.client("dynamodb").delete_item(TableName="calls", Key={"callId": {"S": "old"}})
    assert run(["stream", "call", "--from", "dynamodb://calls", "--until-idle", *home]) == 0
    assert capsys.readouterr().out == "3 records read = 0 inserted + 2 updated + 1 deleted\n"
    question = "SELECT call_id, agent_name FROM post_call_analytics.calls ORDER BY 1"
    assert run(["sql", question, "--output", "csv", *home]) == 0
    assert capsys.readouterr().out == "call_id,agent_name\nchanged,Bob\nnew,Ann\n"
    assert run(["doctor", *home]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["enable-stream"], "Missing argument 'TABLE'"),
        (["enable-stream", "nothing"], "the DynamoDB table nothing does not exist"),
        (["stream", "call"], "--from is missing, and call has no usual stream; name one, such as --from kinesis://"),
        (["stream", "call", "scorecard", "--from", "dynamodb://calls"], "dynamodb://calls holds one object, and 2 are"),
        (["stream", "call", "--from", "queue://x"], "--from is 'queue://x'; name a stream, such as --from kinesis://"),
        (["stream", "scorecard", "--from", "dynamodb://calls"], "the table calls holds call by setting dynamodb_tables"),
        (["stream", "call", "--from", "dynamodb://others"], "the DynamoDB table 'others' fits no object"),
        (["stream", "cal", "--from", "dynamodb://calls"], "did you mean 'call'?"),
        (["backfill", "call", "--from", "dynamodb://"], "name a table"),
        (["backfill", "call", "--from", "exports", "--restart"], "are for a scan"),
        (["backfill", "call", "--from", "exports"], "is not an export of DynamoDB"),
        (["backfill", "scorecard", "--from", "dynamodb://calls"], "the table calls holds call"),
    ],
)  # fmt: skip
def test_wrong_usage_says_what_is_right(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and one sentence."""
    more = [] if words[0] == "enable-stream" else ["--home", str(tmp_path)]
    assert run([*words, *more]) == 2
    assert message in capsys.readouterr().err
