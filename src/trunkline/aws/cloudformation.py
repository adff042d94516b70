"""The protocol of CloudFormation's custom resources: a request, and one answer to the URL that it names.

The URL is signed: who has it can answer. It is never logged, and no error shows it.
Source: AWS CloudFormation user guide, "Custom resource request and response reference".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from trunkline.errors import TransientError, UsageError
from trunkline.limits import CONNECT_S, CUSTOM_RESOURCE_ANSWER_BYTES_MAX, READ_S

Status = Literal["SUCCESS", "FAILED"]
_KINDS: Final = ("Create", "Update", "Delete")
_CUT: Final = "..."


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """What CloudFormation wants of one resource. `physical_id` is empty at its creation."""

    kind: str
    request_id: str
    stack_id: str
    logical_id: str
    physical_id: str
    properties: Mapping[str, Any]
    url: str = field(repr=False)


def read_request(event: Mapping[str, Any]) -> ResourceRequest:
    """The request in a function's event. Raises UsageError for an event that is none."""
    names = ("RequestType", "RequestId", "StackId", "LogicalResourceId", "ResponseURL")
    missing = [name for name in names if not event.get(name)]
    if missing:
        raise UsageError(
            f"the event has no {', '.join(missing)}: only CloudFormation invokes this function, for a custom resource. "
            "By hand, run: trunkline warehouse install"
        )
    kind, request_id, stack_id, logical_id, url = (str(event[name]) for name in names)
    if kind not in _KINDS:
        raise UsageError(f"RequestType is {kind!r}; valid are {', '.join(_KINDS)}.")
    properties = event.get("ResourceProperties") or {}
    return ResourceRequest(
        kind, request_id, stack_id, logical_id, str(event.get("PhysicalResourceId", "")), properties, url
    )


def send_answer(request: ResourceRequest, status: Status, physical_id: str, reason: str, tries: int = 3) -> None:
    """Answer the request. `reason` is cut to what CloudFormation takes.

    Raises TransientError where the URL cannot be reached, or refuses the answer.
    """
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError
    from botocore.httpsession import URLLib3Session

    body = _body(request, status, physical_id, reason)
    # The signature is over an empty Content-Type.
    put = AWSRequest(method="PUT", url=request.url, data=body, headers={"Content-Type": ""}).prepare()
    session = URLLib3Session(timeout=(CONNECT_S, READ_S))
    problem = ""
    for _ in range(tries):
        try:
            code = int(session.send(put).status_code)
        except BotoCoreError as error:
            problem = type(error).__name__
            continue
        if code < 300:
            return
        problem = f"HTTP status {code}"
    raise TransientError(f"CloudFormation does not take the answer to {request.logical_id}: {problem}.")


def _body(request: ResourceRequest, status: Status, physical_id: str, reason: str) -> bytes:
    """The answer as JSON; a long reason loses its end."""
    size = len(reason)
    while True:
        shown = reason if size == len(reason) else reason[:size] + _CUT
        answer = {
            "Status": status,
            "Reason": shown,
            "PhysicalResourceId": physical_id,
            "StackId": request.stack_id,
            "RequestId": request.request_id,
            "LogicalResourceId": request.logical_id,
        }
        body = json.dumps(answer, ensure_ascii=False).encode()
        if len(body) <= CUSTOM_RESOURCE_ANSWER_BYTES_MAX or size == 0:
            return body
        size = max(0, size - max(1, (len(body) - CUSTOM_RESOURCE_ANSWER_BYTES_MAX) // 4))
