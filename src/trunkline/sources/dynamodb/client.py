"""Clients of DynamoDB and its streams, and what their errors ask of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

from trunkline.errors import TerminalError, TransientError, TrunklineError, UsageError

_LATER: Final = frozenset({
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "InternalServerError",
    "LimitExceededException", "ServiceUnavailable", "ResourceInUseException",
})  # fmt: skip
_TRIES: Final = 10


def connect(service: Literal["dynamodb", "dynamodbstreams"], connections: int = 10) -> Any:
    """A client with the settings of the AWS environment (region, profile, endpoint) and bounded retries."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"mode": "standard", "max_attempts": _TRIES}, connect_timeout=10, read_timeout=60,
        max_pool_connections=connections,
    )  # fmt: skip
    try:
        return boto3.client(service, config=config)
    except BotoCoreError as error:
        raise TerminalError(
            f"no client of {service} can be made ({error}): set AWS_REGION and credentials (aws configure)."
        ) from error


@contextmanager
def told(table: str) -> Iterator[None]:
    """Turns errors of the service into ours, which name the table and say what to do.

    Raises UsageError for a table that is not there, TransientError where a later try may do, else TerminalError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _of_client(table, error.response.get("Error", {})) from error
    except BotoCoreError as error:
        raise TransientError(f"DynamoDB was not reached for {table} ({error}): run the same command again.") from error


def _of_client(table: str, error: dict[str, str]) -> TrunklineError:
    code, message = error.get("Code", "unknown"), error.get("Message", "")
    if code == "ResourceNotFoundException":
        return UsageError(f"there is no DynamoDB table or stream {table} in this account and Region; check both")
    if code in _LATER:
        return TransientError(f"{table}: DynamoDB says {code}; run the same command later, it goes on where it was")
    if code in ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"):
        return TerminalError(f"{table}: DynamoDB says {code}: {message} Give this role the rights, or log in again")
    return TerminalError(f"{table}: DynamoDB says {code}: {message}")
