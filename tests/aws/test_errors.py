"""AWS errors in words: the operation, the permission and the resource; whether a retry helps; what to set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from trunkline.aws.clients import make_client
from trunkline.aws.errors import FailedCall, RefusedError, error_of, iam_action, translate_errors
from trunkline.errors import SourceChangedError, TerminalError, TransientError, UsageError

# Service, operation, its parameters, the resource named by the caller; permission and target that the message names.
DENIED: list[tuple[str, str, dict[str, Any], str, str, str]] = [
    ("s3", "put_object", {"Bucket": "lake", "Key": "a/b"}, "s3://lake/a/b", "s3:PutObject", "s3://lake/a/b"),
    ("s3", "list_objects_v2", {"Bucket": "lake"}, "s3://lake/a/", "s3:ListBucket", "the bucket lake"),
    ("s3", "list_object_versions", {"Bucket": "lake"}, "s3://lake/a", "s3:ListBucketVersions", "the bucket lake"),
    ("s3", "delete_object", {"Bucket": "lake", "Key": "a"}, "s3://lake/a", "s3:DeleteObject", "s3://lake/a"),
    ("s3", "head_object", {"Bucket": "lake", "Key": "a"}, "s3://lake/a", "s3:GetObject", "s3://lake/a"),
    ("s3", "create_multipart_upload", {"Bucket": "lake", "Key": "a"}, "s3://lake/a", "s3:PutObject", "s3://lake/a"),
    ("dynamodb", "scan", {"TableName": "calls"}, "the DynamoDB table calls", "dynamodb:Scan", "the DynamoDB table calls"),
    ("dynamodbstreams", "list_streams", {}, "the stream x", "dynamodb:ListStreams", "the stream x"),
    ("connect", "describe_contact", {"InstanceId": "i", "ContactId": "c"}, "the instance i", "connect:DescribeContact", "the instance i"),
    ("redshift-data", "describe_statement", {"Id": "x"}, "redshift+data://a/dev", "redshift-data:DescribeStatement", "redshift+data://a/dev"),
    ("glue", "get_table", {"DatabaseName": "d", "Name": "t"}, "the table d.t", "glue:GetTable", "the table d.t"),
    ("athena", "get_work_group", {"WorkGroup": "primary"}, "the workgroup primary", "athena:GetWorkGroup", "the workgroup primary"),
]  # fmt: skip


@pytest.fixture
def make() -> Iterator[Any]:
    """Makes clients, and closes them."""
    clients: list[Any] = []

    def make_one(service: str) -> Any:
        clients.append(make_client(service, "us-east-1"))
        return clients[-1]

    yield make_one
    for client in clients:
        client.close()


@pytest.mark.parametrize(("service", "method", "parameters", "resource", "action", "target"), DENIED)
def test_a_denied_call_names_permission_and_resource(
    service: str, method: str, parameters: dict[str, str], resource: str, action: str, target: str, make: Any
) -> None:
    """Each operation by its IAM action, which is not always the operation's name."""
    client = make(service)
    with Stubber(client) as stub:
        stub.add_client_error(method, "AccessDenied", "Access Denied", 403)
        with pytest.raises(RefusedError) as caught, translate_errors(service, resource):
            getattr(client, method)(**parameters)
    assert f"need {action} on {target}" in str(caught.value)
    assert caught.value.code == "AccessDenied"
    assert isinstance(caught.value, TerminalError)


def test_every_operation_in_the_table_of_actions_exists() -> None:
    """Operations whose action has another name are operations of botocore's model."""
    from trunkline.aws.errors import _IAM_ACTIONS

    operations = {
        name
        for service in ("s3", "sts", "sqs", "lambda")
        for name in boto3.client(service).meta.service_model.operation_names
    }
    assert set(_IAM_ACTIONS) <= operations
    assert iam_action("dynamodb", "Scan") == "dynamodb:Scan"


def test_aws_own_words_win_over_the_operation() -> None:
    """A put that fails for its key of KMS needs the permission on the key."""
    text = (
        "User: arn:aws:sts::111122223333:assumed-role/r is not authorized to perform: kms:GenerateDataKey on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1 because no identity-based policy allows it"
    )
    error = error_of(FailedCall("s3", "PutObject", "AccessDenied", text, 403), "s3://lake/a")
    assert "need kms:GenerateDataKey on arn:aws:kms:us-east-1:111122223333:key/1" in str(error)


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("s3", "SlowDown", 503), ("dynamodb", "ProvisionedThroughputExceededException", 400),
        ("connect", "TooManyRequestsException", 429), ("glue", "ConcurrentModificationException", 400),
        ("redshift-data", "ActiveStatementsExceededException", 400), ("athena", "NeverHeardOfIt", 500),
        ("s3", "Unknown", 429),
    ],
)  # fmt: skip
def test_what_passes_is_transient(service: str, code: str, status: int) -> None:
    """Throttling and the server's own faults, by code or by status."""
    error = error_of(FailedCall(service, "AnyOperation", code, "", status), "the resource")
    assert isinstance(error, TransientError)
    assert code in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (boto.NoCredentialsError(), TerminalError, "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (boto.ProfileNotFound(profile="x"), TerminalError, "run `aws configure`"),
        (boto.SSOTokenLoadError(error_msg="expired"), TerminalError, "no AWS credentials"),
        (boto.NoRegionError(), TerminalError, "set AWS_DEFAULT_REGION"),
        (boto.EndpointConnectionError(endpoint_url="http://x"), TransientError, "did not answer"),
        (ConnectionResetError("reset"), TransientError, "did not answer"),
        (boto.ParamValidationError(report="bad\nname"), RefusedError, "is not a valid S3 address: .*bad name"),
    ],
)
def test_errors_before_an_answer(error: Exception, kind: type[Exception], said: str) -> None:
    """No credentials, no Region, no network, no valid name: what to set, in one line."""
    with pytest.raises(kind, match=said) as caught, translate_errors("s3", "s3://lake/a"):
        raise error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("ExpiredToken", 400, "credentials have expired .*log in again"),
        ("InvalidAccessKeyId", 403, "does not accept the credentials"),
        ("RequestTimeTooSkewed", 403, "clock of this machine"),
        ("KMS.DisabledException", 400, r"refuses PutObject of s3://lake/a \(KMS.DisabledException\)"),
    ],
)
def test_a_refusal_is_terminal(code: str, status: int, said: str) -> None:
    """With AWS's code, for whoever looks it up."""
    error = error_of(FailedCall("s3", "PutObject", code, "", status), "s3://lake/a")
    assert isinstance(error, RefusedError)
    assert error.code == code
    with pytest.raises(RefusedError, match=said):
        raise error


def test_what_does_not_exist_is_the_callers_error_where_he_says_so() -> None:
    """A wrong name typed by a person is wrong usage; a lost object of ours is not."""
    call = FailedCall("s3", "GetObject", "NoSuchKey", "", 404)
    assert type(error_of(call, "s3://lake/a")) is RefusedError
    assert type(error_of(call, "s3://lake/a", UsageError)) is UsageError
    assert "the bucket lake of s3://lake/a does not exist" in str(
        error_of(FailedCall("s3", "GetObject", "NoSuchBucket"), "s3://lake/a")
    )
    assert isinstance(error_of(FailedCall("s3", "PutObject", "PreconditionFailed"), "s3://lake/a"), SourceChangedError)


def test_a_transfer_keeps_the_cause(tmp_path: Path, make: Any) -> None:
    """boto3's transfers wrap the error in one that has its text alone."""
    client = make("s3")
    path = tmp_path / "rows"
    path.write_bytes(b"rows")
    with Stubber(client) as stub:
        stub.add_client_error("put_object", "AccessDenied", "Access Denied", 403)
        with pytest.raises(RefusedError, match="s3:PutObject on s3://lake/a"), translate_errors("s3", "s3://lake/a"):
            client.upload_file(str(path), "lake", "a")


def test_other_errors_stay_as_they_are() -> None:
    """Ours, and faults of the program."""
    for error in (UsageError("x"), TransientError("y"), KeyError("z")):
        with pytest.raises(type(error)) as caught, translate_errors("s3", "s3://lake/a"):
            raise error
        assert caught.value is error


def test_a_long_key_is_shown_whole() -> None:
    """Keys of the lake are long, and their ends tell them apart."""
    key = f"s3://lake/{'a' * 200}/rows.parquet"
    assert f"s3:PutObject on {key}." in str(error_of(FailedCall("s3", "PutObject", "AccessDenied"), key))


def test_a_name_from_outside_cannot_act_on_a_terminal() -> None:
    """Control characters, also bidirectional ones, are escaped."""
    error = error_of(FailedCall("s3", "GetObject", "NoSuchKey"), "s3://lake/\x1b[2J\u202egnp.exe")
    assert str(error).isprintable()


def test_credentials_of_a_role_that_cannot_be_assumed_name_the_action() -> None:
    """The call that failed is the one for credentials, whatever was asked for."""
    answer = {"Error": {"Code": "AccessDenied", "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    with pytest.raises(RefusedError, match="need sts:AssumeRole"), translate_errors("connect", "the instance i"):
        raise ClientError(answer, "AssumeRole")
