"""Calls of the Connect API: which instance, with which credentials, and what happens to a call that fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from trunkline.aws.clients import make_client
from trunkline.aws.errors import FailedCall, error_of, failed_call, translate_errors
from trunkline.errors import TransientError, UsageError
from trunkline.sources.connect_api.quota import TokenBucket, TokenBuckets

Answer = dict[str, Any]
Invoke = Callable[[str, Mapping[str, Any]], Answer]
"""(operation, parameters) to the answer, both as in boto3."""

_ARN: Final = re.compile(r"arn:(aws[a-z-]*):connect:([a-z0-9-]+):(\d{12}):instance/([0-9a-zA-Z-]+)")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
THROTTLED_MAX: Final = 10
_BROKEN_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class ConnectInstance:
    """A Connect instance, by its ARN, which names Region and account. `role` is assumed where given."""

    arn: str
    region: str
    account: str
    instance_id: str
    role: str | None = None
    endpoint: str | None = None


def parse_instance(arn: str, roles: Mapping[str, str], endpoint: str = "") -> ConnectInstance:
    """The instance of an ARN. `roles` maps accounts to the role to assume there. Raises UsageError for invalid ARNs."""
    match = _ARN.fullmatch(arn)
    if not match:
        raise UsageError(
            f"connect_instances has {arn!r}, which is not the ARN of a Connect instance; valid is "
            "arn:aws:connect:REGION:ACCOUNT:instance/ID, shown in the console's account overview."
        )
    role = roles.get(match[3])
    if role is not None and not _ROLE.fullmatch(role):
        raise UsageError(f"connect_roles has {role!r} for {match[3]}; valid is arn:aws:iam::ACCOUNT:role/NAME.")
    return ConnectInstance(arn, match[2], match[3], match[4], role, endpoint or None)


class AnswerCache(Protocol):
    """Earlier answers, so that a run that was killed repeats no call."""

    def recall(self, operation: str, parameters: Mapping[str, Any]) -> Answer | None:
        """The answer to the same request, or None."""

    def remember(self, operation: str, parameters: Mapping[str, Any], answer: Answer) -> None:
        """Store an answer; durable when this returns."""

    def searched_from(self, parameters: Mapping[str, Any]) -> datetime | None:
        """The start of the latest cached search that begins before this one and is otherwise the same, or None."""


class NoCache:
    """Stores nothing, so that every call is made."""

    def recall(self, operation: str, parameters: Mapping[str, Any]) -> Answer | None:
        """None."""

    def remember(self, operation: str, parameters: Mapping[str, Any], answer: Answer) -> None:
        """Does nothing."""

    def searched_from(self, parameters: Mapping[str, Any]) -> datetime | None:
        """None."""


class NotFoundError(Exception):
    """The service does not know the contact (or instance): it is older than 24 months, or deleted."""


class BadRequestError(Exception):
    """The service refuses the parameters, such as a page's token that has expired."""


@dataclass(slots=True)
class ConnectClient:
    """Calls of one instance. Answers are plain JSON values: times are text, UTC, with a Z.

    `calls` counts calls by operation; answers from the cache are not calls.
    """

    instance: ConnectInstance
    invoke: Invoke
    buckets: TokenBuckets
    cache: AnswerCache = field(default_factory=NoCache)
    calls: Counter[str] = field(default_factory=Counter)

    def call(self, operation: str, **parameters: Any) -> Answer:
        """The answer to one request, within the quota.

        Raises NotFoundError, BadRequestError for invalid parameters, DeadlineError when the deadline is too near,
        TransientError when calls are throttled or fail repeatedly, TerminalError when the service denies access.
        """
        known = self.cache.recall(operation, parameters)
        if known is not None:
            return known
        bucket = self.bucket(operation)
        answer: Answer = to_plain(
            self._call_with_retries(operation, {"InstanceId": self.instance.instance_id, **parameters}, bucket)
        )
        self.cache.remember(operation, parameters, answer)
        return answer

    def bucket(self, operation: str) -> TokenBucket:
        """What admits this instance's calls of an operation."""
        return self.buckets.of(self.instance.account, self.instance.region, operation)

    def _call_with_retries(self, operation: str, parameters: Mapping[str, Any], bucket: TokenBucket) -> Answer:
        throttled = broken = 0
        while True:
            bucket.take()
            self.calls[operation] += 1
            try:
                answer = self.invoke(operation, parameters)
            except CallError as error:
                if error.is_throttled:
                    throttled += 1
                    bucket.was_throttled()
                    if throttled < THROTTLED_MAX:
                        continue
                elif error.is_passing:
                    broken += 1
                    if broken < _BROKEN_MAX:
                        bucket.pace.sleep(2.0 ** (broken - 1))
                        continue
                raise self._error_of(operation, error) from error
            bucket.was_answered()
            return answer

    def _error_of(self, operation: str, error: CallError) -> Exception:
        where = f"{operation} on {self.instance.arn}"
        if error.code == "ResourceNotFoundException":
            return NotFoundError(where)
        if error.status == 400 and error.code in ("InvalidParameterException", "InvalidRequestException"):
            return BadRequestError(f"{where}: {error.code}: {error.text}")
        if error.is_throttled:
            return TransientError(
                f"{where} was throttled {THROTTLED_MAX} times in a row: other programs use the account's quota. "
                "Try again later, the run continues where it stopped; or ask AWS for a higher quota"
            )
        if error.is_passing:
            return TransientError(
                f"{where} fails ({error.code}: {error.text}). Try again later: the run continues where it stopped"
            )
        return error_of(FailedCall("connect", operation, error.code, error.text, error.status), self.instance.arn)


class CallError(Exception):
    """A call that failed: the service's code (or the kind of the network's error), HTTP status (0 without), text."""

    def __init__(self, code: str, status: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.status, self.text = code, status, text

    @property
    def is_throttled(self) -> bool:
        """Whether the account's quota is used up."""
        return FailedCall("connect", "", self.code, self.text, self.status).is_throttled

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.status == 0 or self.status >= 500


@dataclass(frozen=True, slots=True)
class Boto3Invoker:
    """Makes calls through a boto3 client of `connect`."""

    client: Any

    def __call__(self, operation: str, parameters: Mapping[str, Any]) -> Answer:
        """One call. Raises CallError for what the service answers, TerminalError without usable credentials."""
        from botocore import xform_name
        from botocore.exceptions import ClientError

        try:
            with translate_errors("connect", f"the Connect instance {parameters.get('InstanceId', '')}".rstrip()):
                try:
                    answer: Answer = getattr(self.client, xform_name(operation))(**parameters)
                except ClientError as error:
                    failed = failed_call(error, "connect")
                    raise CallError(failed.code, failed.status, failed.text) from error
        except TransientError as error:
            raise CallError(type(error.__cause__).__name__, 0, str(error.__cause__)) from error
        answer.pop("ResponseMetadata", None)
        return answer

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()


def connect(instance: ConnectInstance) -> Boto3Invoker:
    """Makes calls with the credentials of the AWS environment or of the instance's role, without boto3's retries.

    Plain HTTP to this machine is the emulator, which needs no credentials.
    """
    is_signed = not _is_emulator(instance)
    client = make_client(
        "connect", instance.region, endpoint=instance.endpoint, role=instance.role, is_signed=is_signed
    )
    return Boto3Invoker(client)


def _is_emulator(instance: ConnectInstance) -> bool:
    url = urlsplit(instance.endpoint or "")
    return instance.role is None and url.scheme == "http" and url.hostname in ("127.0.0.1", "::1", "localhost")


def to_plain(value: Any) -> Any:
    """An answer as JSON has it: times as text, UTC, whole seconds or milliseconds."""
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        spec = "milliseconds" if value.microsecond else "seconds"
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"
    return value
