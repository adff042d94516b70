"""The one translation of AWS errors: what was denied or missing, which permission it takes, and whether a retry helps.

Callers name the service and the resource; the operation is in botocore's own error. Every message names the operation,
the resource, AWS's code and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from trunkline.errors import SourceChangedError, TerminalError, TransientError, TrunklineError, printable

# Codes of throttling and of failures that pass. Every 429 and 5xx status counts as well, and so does no answer at all.
_THROTTLED: Final = frozenset({
    "BandwidthLimitExceeded", "KMSThrottlingException", "LimitExceededException",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "SlowDown", "Throttling", "ThrottledException", "ThrottlingException",
    "TooManyRequestsException",
})  # fmt: skip
_PASSING: Final = frozenset({
    "ActiveSessionsExceededException", "ActiveStatementsExceededException", "ActiveWaitingRequestsExceededException",
    "ConcurrentModificationException", "DatabaseConnectionException", "InternalError", "InternalFailure",
    "InternalServerError", "InternalServerException", "InternalServiceException", "OperationTimeoutException",
    "QueryTimeoutException", "RequestTimeout", "RequestTimeoutException", "ResourceInUseException",
    "ServiceUnavailable", "ServiceUnavailableException",
})  # fmt: skip
_DENIED: Final = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "KMSAccessDeniedException",
        "UnauthorizedOperation",
    }
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_CREDENTIALS: Final = frozenset({
    "AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestTimeTooSkewed",
    "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
_MISSING: Final = frozenset({
    "404", "AWS.SimpleQueueService.NonExistentQueue", "EntityNotFoundException", "ExportNotFoundException",
    "NoSuchBucket", "NoSuchKey", "NoSuchVersion", "NotFound", "ParameterNotFound", "QueueDoesNotExist",
    "ResourceNotFoundException", "TableNotFoundException",
})  # fmt: skip
_CHANGED: Final = frozenset({"409", "412", "ConditionalRequestConflict", "PreconditionFailed"})

# IAM names most actions `service:Operation`. These are the exceptions among the operations in use.
_IAM_SERVICES: Final = {"dynamodbstreams": "dynamodb"}
_IAM_ACTIONS: Final = {
    "AssumeRole": "sts:AssumeRole",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "DeleteObjects": "s3:DeleteObject",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "Invoke": "lambda:InvokeFunction",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListObjectsV2": "s3:ListBucket",
    "SendMessageBatch": "sqs:SendMessage",
    "UploadPart": "s3:PutObject",
}
_KINDS: Final = {
    "s3": "S3 address",
    "dynamodb": "DynamoDB table",
    "dynamodbstreams": "DynamoDB stream",
    "kinesis": "Kinesis stream",
    "sqs": "SQS queue",
}
_AUTHORIZED: Final = re.compile(r"is not authorized to perform: ([a-z0-9-]+:\w+)(?: on resource: \"?([^\s\"]+))?")
_CREDENTIALS: Final = "run `aws configure`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class RefusedError(TerminalError):
    """AWS refused a call, so that it had no effect. `code` is AWS's error code, `text` AWS's message."""

    def __init__(self, message: str, code: str, text: str = "") -> None:
        super().__init__(message)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that AWS answered with an error. `service` is boto3's name; `status` the HTTP status, 0 where unknown."""

    service: str
    operation: str
    code: str
    text: str = ""
    status: int = 0

    @property
    def is_throttled(self) -> bool:
        """Whether the account or the resource had too many calls."""
        return self.code in _THROTTLED or self.status == 429

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.is_throttled or self.code in _PASSING or self.status >= 500

    @property
    def is_missing(self) -> bool:
        """Whether the resource does not exist."""
        return self.code in _MISSING


@contextmanager
def translate_errors(service: str, resource: str, missing: type[TrunklineError] | None = None) -> Iterator[None]:
    """Turn errors of boto3 into ours. `service` is boto3's name; `resource` what the calls concern, as people name it.

    Raises TransientError where a retry may help (throttling, server errors, no answer), SourceChangedError for a
    conditional request that lost, TerminalError without usable credentials, and RefusedError for everything else that
    AWS refuses; a resource that does not exist or a name that is not valid raises `missing` where that is given.
    """
    try:
        yield
    except Exception as error:
        translated = _translated(_cause(error), service, resource, missing)
        if translated is None:
            raise
        raise translated from error


def failed_call(error: Any, service: str) -> FailedCall:
    """What AWS answered, from botocore's ClientError."""
    answer = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, text = str(answer.get("Code", "Unknown")), str(answer.get("Message", ""))
    return FailedCall(service, str(error.operation_name), code, text, int(status))


def iam_action(service: str, operation: str) -> str:
    """The IAM action that allows an operation: `s3:ListBucket` for ListObjectsV2."""
    return _IAM_ACTIONS.get(operation) or f"{_IAM_SERVICES.get(service, service)}:{operation}"


def error_of(call: FailedCall, resource: str, missing: type[TrunklineError] | None = None) -> TrunklineError:
    """The error of ours for a failed call, to be raised. `missing` as `translate_errors` has it."""
    where = f"{call.operation} of {_shown(resource)}"
    if call.is_transient:
        return TransientError(f"AWS answers {call.code} to {where}{_quoted(call.text)}: try again later.")
    if call.code in _CHANGED:
        return SourceChangedError(
            f"{_shown(resource)} was changed by another program meanwhile ({call.code} to {call.operation}): "
            "run the same command again."
        )
    if call.is_missing:
        message = _missing_message(call, resource)
        return missing(message) if missing else RefusedError(message, call.code, call.text)
    if call.code in _EXPIRED:
        message = f"the AWS credentials have expired ({call.code} to {where}): log in again, or {_CREDENTIALS}."
    elif call.code in _UNKNOWN_CREDENTIALS:
        message = (
            f"AWS does not accept the credentials in use ({call.code} to {where}): {_CREDENTIALS}, and check that the "
            "clock of this machine is right."
        )
    elif call.code in _DENIED:
        message = _denied_message(call, resource)
    else:
        message = f"AWS refuses {where} ({call.code}){_quoted(call.text)}."
    return RefusedError(message, call.code, call.text)


def _cause(error: Exception) -> Exception:
    """Botocore's error behind an error of boto3's S3 transfers, which holds only its text."""
    from boto3.exceptions import RetriesExceededError, S3UploadFailedError

    if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, Exception):
        return error.__context__
    return error.last_exception if isinstance(error, RetriesExceededError) else error


def _translated(
    error: Exception, service: str, resource: str, missing: type[TrunklineError] | None
) -> TrunklineError | None:
    """Our error; None where boto3 did not raise this one."""
    from botocore import exceptions as boto

    without_credentials = (
        boto.CredentialRetrievalError,
        boto.NoAuthTokenError,
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.ProfileNotFound,
        boto.SSOError,
        boto.TokenRetrievalError,
    )
    shown = _shown(resource)
    if isinstance(error, boto.ClientError):
        return error_of(failed_call(error, service), resource, missing)
    if isinstance(error, without_credentials):
        return TerminalError(f"no AWS credentials for {shown} ({error}): {_CREDENTIALS}.")
    if isinstance(error, boto.NoRegionError):
        return TerminalError(f"no AWS Region for {shown}: set AWS_DEFAULT_REGION, such as us-east-1.")
    if isinstance(error, boto.ParamValidationError):
        valid = " Valid is s3://bucket/prefix." if service == "s3" else ""
        reason = " ".join(str(error).split())
        message = f"{shown} is not a valid {_KINDS.get(service, 'request')}: {reason}.{valid}"
        return missing(message) if missing else RefusedError(message, "ParamValidationError", str(error))
    if isinstance(error, boto.BotoCoreError | ConnectionError):
        return TransientError(
            f"{service} did not answer for {shown} ({error}): check the network and AWS_DEFAULT_REGION, then try again."
        )
    return None


def _missing_message(call: FailedCall, resource: str) -> str:
    check = "check the name, AWS_DEFAULT_REGION and the account of the credentials in use"
    if call.code == "NoSuchBucket":
        return f"the bucket {_bucket(resource)} of {_shown(resource)} does not exist: {check}."
    # What AWS says of a table or key repeats its name.
    detail = "" if call.service in _KINDS else _quoted(call.text)
    return f"{_shown(resource)} does not exist ({call.code} to {call.operation}){detail}: {check}."


def _denied_message(call: FailedCall, resource: str) -> str:
    """The permission that AWS names is preferred to the operation's own: it may concern a KMS key."""
    action, target = iam_action(call.service, call.operation), _shown(resource)
    if call.service == "s3" and action.startswith("s3:ListBucket"):
        target = f"the bucket {_bucket(resource)}"
    if named := _AUTHORIZED.search(call.text):
        action, target = named[1], named[2] or target
    message = (
        f"AWS denied {call.operation} of {_shown(resource)} ({call.code}): the credentials in use need {action} "
        f"on {target}"
    )
    if action == "s3:GetObject":
        # Without it S3 answers 403, not 404, for an object that does not exist.
        message += f", and s3:ListBucket on the bucket {_bucket(resource)} in case the object does not exist"
    return message + "."


def _bucket(resource: str) -> str:
    return _shown(resource.rpartition("s3://")[2].partition("/")[0])


def _shown(resource: str) -> str:
    # A key of the lake has some 150 characters.
    return printable(resource, 500)


def _quoted(text: str) -> str:
    return f" ({printable(text.rstrip('.'), 500)})" if text else ""
