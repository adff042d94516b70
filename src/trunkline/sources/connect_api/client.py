"""Calls of the Connect API: which instance, by which credentials, how fast, and what becomes of a call that fails."""

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
from trunkline.sources.connect_api.quota import Bucket, Buckets

Answer = dict[str, Any]
Invoke = Callable[[str, Mapping[str, Any]], Answer]
"""(operation, parameters) to the answer, as boto3 has both."""

_ARN: Final = re.compile(r"arn:(aws[a-z-]*):connect:([a-z0-9-]+):(\d{12}):instance/([0-9a-zA-Z-]+)")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
THROTTLED_MAX: Final = 10
_BROKEN_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Instance:
    """A Connect instance, by its ARN, which names Region and account. `role` is assumed where given."""

    arn: str
    region: str
    account: str
    instance_id: str
    role: str | None = None
    endpoint: str | None = None


def instance_of(arn: str, roles: Mapping[str, str], endpoint: str = "") -> Instance:
    """The instance of an ARN. `roles` maps accounts to the role to assume there. UsageError where either is no ARN."""
    found = _ARN.fullmatch(arn)
    if not found:
        raise UsageError(
            f"connect_instances has {arn!r}, which is no ARN of a Connect instance; valid is "
            "arn:aws:connect:REGION:ACCOUNT:instance/ID, shown in the console's account overview."
        )
    role = roles.get(found[3])
    if role is not None and not _ROLE.fullmatch(role):
        raise UsageError(f"connect_roles has {role!r} for {found[3]}; valid is arn:aws:iam::ACCOUNT:role/NAME.")
    return Instance(arn, found[2], found[3], found[4], role, endpoint or None)


class Memory(Protocol):
    """Answers that were given before: what a killed run need not ask again."""

    def recall(self, operation: str, parameters: Mapping[str, Any]) -> Answer | None:
        """The answer to the same question, or None."""

    def remember(self, operation: str, parameters: Mapping[str, Any], answer: Answer) -> None:
        """Keep an answer, durably."""

    def searched_from(self, parameters: Mapping[str, Any]) -> datetime | None:
        """Where the latest search began that began before this one, was the same else, and can be recalled."""


class NoMemory:
    """Asks everything anew."""

    def recall(self, operation: str, parameters: Mapping[str, Any]) -> Answer | None:
        """Nothing."""

    def remember(self, operation: str, parameters: Mapping[str, Any], answer: Answer) -> None:
        """Forgets it."""

    def searched_from(self, parameters: Mapping[str, Any]) -> datetime | None:
        """Nowhere."""


class NotFoundError(Exception):
    """The service knows no such contact (or instance): after 24 months, or deleted."""


class BadRequestError(Exception):
    """The service refuses the parameters, such as a page's token that has expired."""


@dataclass(slots=True)
class Api:
    """One instance to ask. Answers are plain JSON values: times are text, UTC, with a Z.

    `calls` counts what was really asked, by operation; answers that are recalled are not calls.
    """

    instance: Instance
    invoke: Invoke
    buckets: Buckets
    memory: Memory = field(default_factory=NoMemory)
    calls: Counter[str] = field(default_factory=Counter)

    def ask(self, operation: str, **parameters: Any) -> Answer:
        """One answer, within the quota.

        Raises NotFoundError and BadRequestError for what the service says of the question, OutOfTimeError before the
        deadline would pass, TransientError when it is throttled or broken for long, TerminalError when it refuses us.
        """
        known = self.memory.recall(operation, parameters)
        if known is not None:
            return known
        bucket = self.bucket(operation)
        answer: Answer = plain(
            self._persist(operation, {"InstanceId": self.instance.instance_id, **parameters}, bucket)
        )
        self.memory.remember(operation, parameters, answer)
        return answer

    def bucket(self, operation: str) -> Bucket:
        """What admits this instance's calls of an operation."""
        return self.buckets.of(self.instance.account, self.instance.region, operation)

    def _persist(self, operation: str, parameters: Mapping[str, Any], bucket: Bucket) -> Answer:
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
                raise self._told(operation, error) from error
            bucket.was_answered()
            return answer

    def _told(self, operation: str, error: CallError) -> Exception:
        where = f"{operation} on {self.instance.arn}"
        if error.code == "ResourceNotFoundException":
            return NotFoundError(where)
        if error.status == 400 and error.code in ("InvalidParameterException", "InvalidRequestException"):
            return BadRequestError(f"{where}: {error.code}: {error.text}")
        if error.is_throttled:
            return TransientError(
                f"{where} was throttled {THROTTLED_MAX} times in a row: others use up the account's quota. Try again "
                "later: the run goes on where it is; or ask AWS for a higher quota"
            )
        if error.is_passing:
            return TransientError(
                f"{where} fails ({error.code}: {error.text}). Try again later: the run goes on where it is"
            )
        return error_of(FailedCall("connect", operation, error.code, error.text, error.status), self.instance.arn)


class CallError(Exception):
    """A call that failed: the service's code (or the kind of the network's error), HTTP status (0 without), text."""

    def __init__(self, code: str, status: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.status, self.text = code, status, text

    @property
    def is_throttled(self) -> bool:
        """Whether the account's quota is used up for now."""
        return FailedCall("connect", "", self.code, self.text, self.status).is_throttled

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.status == 0 or self.status >= 500


def through_boto3(client: Any) -> Invoke:
    """Calls through a boto3 client of `connect`."""
    from botocore import xform_name
    from botocore.exceptions import ClientError

    def invoke(operation: str, parameters: Mapping[str, Any]) -> Answer:
        try:
            with translate_errors("connect", f"the Connect instance {parameters.get('InstanceId', '')}".rstrip()):
                try:
                    answer: Answer = getattr(client, xform_name(operation))(**parameters)
                except ClientError as error:
                    failed = failed_call(error, "connect")
                    raise CallError(failed.code, failed.status, failed.text) from error
        except TransientError as error:
            raise CallError(type(error.__cause__).__name__, 0, str(error.__cause__)) from error
        answer.pop("ResponseMetadata", None)
        return answer

    return invoke


def connect(instance: Instance) -> Invoke:
    """Calls with the credentials of the AWS environment, or of the instance's role, without retries of boto3's.

    Plain HTTP to this machine is an emulator, which needs no credentials: somebody who tries it out has none.
    """
    return through_boto3(
        make_client(
            "connect", instance.region, endpoint=instance.endpoint, role=instance.role,
            is_signed=not _is_emulator(instance),
        )
    )  # fmt: skip


def _is_emulator(instance: Instance) -> bool:
    place = urlsplit(instance.endpoint or "")
    return instance.role is None and place.scheme == "http" and place.hostname in ("127.0.0.1", "::1", "localhost")


def plain(value: Any) -> Any:
    """An answer as JSON has it: times as text, UTC, whole seconds or milliseconds."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        spec = "milliseconds" if value.microsecond else "seconds"
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"
    return value
