"""The answer to a custom resource's request: small enough for CloudFormation, whatever the reason is."""

from __future__ import annotations

import json

import pytest
from custom_resource import CustomResourceStack

from trunkline.aws.cloudformation import read_request, send_answer


@pytest.mark.parametrize("reason", ["", "short", "x" * 9_000, "é" * 3_000, "\U0001f600" * 3_000, '"\n' * 4_000])
def test_a_long_reason_loses_its_end(reason: str) -> None:
    """CloudFormation takes 4,096 bytes (the stand-in refuses more); nearly all of them are used."""
    stack = CustomResourceStack()
    send_answer(read_request(stack.request("Create")), "FAILED", "id", reason)
    (answer,) = stack.answers
    kept = answer["Reason"].removesuffix("...")
    assert reason.startswith(kept)
    assert kept == reason or len(json.dumps(answer, ensure_ascii=False).encode()) > 3_000
