"""Where AWS clients are made: endpoint, Region, role, and one table of retries and timeouts.

A client takes Region, profile and endpoint from the AWS environment (`AWS_DEFAULT_REGION`, `AWS_PROFILE`,
`AWS_ENDPOINT_URL_S3` ...) unless the caller names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from trunkline.errors import TerminalError
from trunkline.limits import CONNECT_S, READ_S, RETRIES


@dataclass(frozen=True, slots=True)
class Policy:
    """Retries and timeouts of a client. `tries` counts the first try; `connections` is the size of the pool."""

    tries: int
    connect_s: float
    read_s: float
    connections: int
    reason: str


QUICK: Final = Policy(
    RETRIES + 1,
    CONNECT_S,
    READ_S,
    10,
    "the caller has a deadline of its own, such as a Lambda function's, and repeats a call under its own token",
)
QUICK_SEARCH: Final = Policy(
    2, 1, 2, 10, "a function that reads a stream looks for transcripts meanwhile, and must not hold its shard up"
)
POLICIES: Final[Mapping[str, Policy]] = {
    "s3": Policy(8, 10, 60, 10, "a put or read that fails costs a whole batch, so waiting is cheaper; reads resume"),
    "dynamodb": Policy(10, 10, 60, 10, "scans run at the edge of the table's throughput, where throttling is normal"),
    "dynamodbstreams": Policy(10, 10, 60, 10, "a shard allows five reads a second for all of its readers together"),
    "kinesis": Policy(3, 10, 60, 10, "a shard that is throttled waits longer and longer, and the others go on"),
    "sqs": Policy(5, 10, 60, 10, "a long poll waits for up to 20 s; a message that is not deleted comes again"),
    "sns": Policy(3, 10, 10, 10, "a message about a run; the run's record has the same, so a few tries are enough"),
    "stepfunctions": Policy(5, 10, 30, 10, "starting an execution by name is idempotent, so a try more costs nothing"),
    "connect": Policy(1, 10, 60, 16, "the caller counts every call against the quota, and so does its own retries"),
    "redshift-data": QUICK,
    "lambda": Policy(5, 10, 30, 10, "a function that goes on in its next invocation; nothing else would"),
    "glue": Policy(9, 10, 60, 10, "registration makes bursts of small calls, which Glue throttles"),
    "athena": Policy(9, 10, 60, 10, "as Glue"),
    "timestream-write": Policy(5, 10, 20, 10, "new tables throttle until they have grown; points come again each tick"),
    "ssm": Policy(5, 10, 30, 10, "a secret is read once a run; without it nothing else works"),
    "secretsmanager": Policy(5, 10, 30, 10, "as ssm"),
    "sts": Policy(5, 10, 30, 10, "a role is assumed once an hour; without it nothing else works"),
}


def make_client(
    service: str,
    region: str | None = None,
    *,
    endpoint: str | None = None,
    role: str | None = None,
    policy: Policy | None = None,
    connections: int | None = None,
    is_signed: bool = True,
) -> Any:
    """A boto3 client. `role` is the ARN of a role to assume: at the first call, and again before it expires.

    `policy` and `connections` override the service's row of POLICIES; `is_signed=False` needs no credentials.
    Raises TerminalError where Region, profile or endpoint are missing or not valid.
    """
    from botocore import UNSIGNED
    from botocore.exceptions import BotoCoreError, ClientError

    config = _config(policy or POLICIES[service], connections)
    if not is_signed:
        config = config.merge(_config_of(signature_version=UNSIGNED))
    try:
        session = _session(region)
        if role is not None:
            session = _assumed(session, role, region)
        return session.client(service, endpoint_url=endpoint, config=config)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise TerminalError(
            f"no client of {service} can be made ({error}): check AWS_DEFAULT_REGION, AWS_PROFILE and the endpoint."
        ) from error


def default_region() -> str | None:
    """The Region that the AWS environment names; None where it names none."""
    region: str | None = _session(None).region_name
    return region


def _session(region: str | None) -> Any:
    """A boto3 session whose descriptions of services are read once a process: most of what a client costs to make."""
    import boto3
    from botocore.session import get_session

    inner = get_session()
    inner.register_component("data_loader", _descriptions())
    return boto3.Session(botocore_session=inner, region_name=region)


@cache
def _descriptions() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def _config(policy: Policy, connections: int | None) -> Any:
    return _config_of(
        retries={"mode": "standard", "total_max_attempts": policy.tries},
        connect_timeout=policy.connect_s,
        read_timeout=policy.read_s,
        max_pool_connections=connections or policy.connections,
    )


def _config_of(**options: Any) -> Any:
    from botocore.config import Config

    return Config(**options)


def _assumed(session: Any, role: str, region: str | None) -> Any:
    """A session with the role's credentials."""
    from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher

    sts = session.client("sts", config=_config(POLICIES["sts"], None))
    refresh = create_assume_role_refresher(sts, {"RoleArn": role, "RoleSessionName": "trunkline"})
    assumed = _session(region)
    # botocore has no public way to give a session credentials that renew themselves.
    assumed._session._credentials = DeferredRefreshableCredentials(  # noqa: SLF001
        refresh_using=refresh, method="assume-role"
    )
    return assumed
