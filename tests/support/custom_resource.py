"""CloudFormation and Lambda as a custom resource's function sees them: requests, the URL for answers, invocations.

Assumed, as the user guide says: the first answer to a request counts, a body has at most 4,096 bytes, and the signature
of the URL is over an empty Content-Type.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from local_api import Call, Reply, register

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/WarehouseStack/7b5a6d10-0f3b-11f1-8a2e-0a1b2c3d4e5f"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:trunkline_install_warehouse"


@dataclass
class CustomResourceStack:
    """A stack's side. `answers` are those it took; `statuses` are what the URL answers next instead of taking one."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    invocations: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    is_invoking_refused: bool = False

    def __post_init__(self) -> None:
        self.url = register(self._take)
        self.lambda_url = register(self._invoke)
        self._requests = 0

    def request(self, kind: str, physical_id: str = "", **properties: Any) -> dict[str, Any]:
        """The event of a request, as CloudFormation sends it."""
        self._requests += 1
        event = {
            "RequestType": kind, "ServiceToken": FUNCTION, "ResponseURL": f"{self.url}?X-Amz-Signature=0a1b2c3d",
            "StackId": STACK, "RequestId": f"00000000-0000-4000-8000-{self._requests:012}",
            "LogicalResourceId": "Installation", "ResourceType": "Custom::TrunklineWarehouse",
            "ResourceProperties": {"ServiceToken": FUNCTION, "ServiceTimeout": "3600", **properties},
        }  # fmt: skip
        if kind == "Update":
            event["OldResourceProperties"] = {"ServiceToken": FUNCTION}
        return event if kind == "Create" else event | {"PhysicalResourceId": physical_id}

    def _take(self, call: Call) -> Reply:
        if self.statuses:
            return Reply(b"", self.statuses.pop(0))
        assert (call.method, call.headers.get("Content-Type", "")) == ("PUT", "")
        assert call.query == {"X-Amz-Signature": "0a1b2c3d"}
        assert len(call.body) <= 4_096
        self.answers.append(json.loads(call.body))
        return Reply()

    def _invoke(self, call: Call) -> Reply:
        if self.is_invoking_refused:
            return Reply({"Message": "not authorized"}, 403, {"X-Amzn-Errortype": "AccessDeniedException"})
        assert unquote(call.path) == f"/2015-03-31/functions/{FUNCTION}/invocations"
        assert call.headers["X-Amz-Invocation-Type"] == "Event"
        self.invocations.append(json.loads(call.body))
        return Reply(b"", 202)


@dataclass
class LambdaContext:
    """What Lambda gives the function."""

    left_s: float = 900.0
    invoked_function_arn: str = FUNCTION
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left_s * 1000)
