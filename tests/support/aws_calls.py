"""Which AWS operations code calls: recorded by a hook in every botocore client that is made meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore import handlers


@dataclass(frozen=True)
class AwsCall:
    """One call as the code made it: `s3`, `PutObject`, its parameters."""

    service: str
    operation: str
    parameters: dict[str, Any]


@contextmanager
def recorded_calls() -> Iterator[list[AwsCall]]:
    """The calls of clients that are made in the block, in order."""
    calls: list[AwsCall] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append(AwsCall(model.service_model.signing_name, model.name, dict(params)))

    hook = ("provide-client-params", note)
    handlers.BUILTIN_HANDLERS.append(hook)
    try:
        yield calls
    finally:
        handlers.BUILTIN_HANDLERS.remove(hook)
