"""Instances, credentials and names of errors: what a person sets, and what the client makes of it."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from connect import DAY, simulated
from moto import mock_aws

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.simulator.centre.centre import INSTANCE_ARN, INSTANCE_ID
from trunkline.simulator.connect_api.answers import Quotas
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.connect_api.search import Assumptions
from trunkline.sources.connect_api.client import (
    Boto3Invoker,
    CallError,
    ConnectClient,
    ConnectInstance,
    connect,
    parse_instance,
    to_plain,
)
from trunkline.sources.connect_api.quota import CallClock, TokenBuckets

ROLE = "arn:aws:iam::444455556666:role/trunkline-reader"


def test_an_arn_says_region_and_account() -> None:
    """And the account's role, where one is named; GovCloud and China too."""
    assert parse_instance(INSTANCE_ARN, {"444455556666": ROLE}) == ConnectInstance(
        INSTANCE_ARN, "us-east-1", "111122223333", INSTANCE_ID
    )
    found = parse_instance(
        "arn:aws-us-gov:connect:us-gov-west-1:444455556666:instance/x-1", {"444455556666": ROLE}, "http://h"
    )
    assert (found.region, found.role, found.endpoint) == ("us-gov-west-1", ROLE, "http://h")


@pytest.mark.parametrize(
    ("arn", "roles", "said"),
    [
        ("9f3c1e52", {}, "not the ARN of a Connect instance; valid is arn:aws:connect:REGION"),
        (INSTANCE_ARN + "/queue/1", {}, "not the ARN of a Connect instance"),
        (INSTANCE_ARN, {"111122223333": "reader"}, "valid is arn:aws:iam::ACCOUNT:role/NAME"),
    ],
)
def test_an_invalid_arn_is_refused(arn: str, roles: dict[str, str], said: str) -> None:
    """With the value seen and what would be valid."""
    with pytest.raises(UsageError, match=said):
        parse_instance(arn, roles)


@mock_aws
def test_a_role_of_another_account_is_assumed() -> None:
    """The call is signed with the role's temporary credentials, not with those of the environment."""
    seen: list[tuple[str, str]] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.headers["Authorization"], self.headers.get("X-Amz-Security-Token", "")))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"UserSummaryList": []}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        invoke = connect(ConnectInstance("arn", "us-east-1", "444455556666", "i", ROLE, endpoint))
        assert invoke("ListUsers", {"InstanceId": "i"}) == {"UserSummaryList": []}
        answering.join()
        invoke.close()
    ((authorization, token),) = seen
    assert token
    assert "Credential=testing/" not in authorization
    assert "/us-east-1/connect/" in authorization


def test_an_api_that_does_not_answer_is_retried_and_then_reported() -> None:
    """Nobody listens: five tries, then what to do; no traceback of the library's."""
    client = boto3.client("connect", endpoint_url="http://127.0.0.1:9", region_name="us-east-1")
    slept: list[float] = []
    api = ConnectClient(
        parse_instance(INSTANCE_ARN, {}), Boto3Invoker(client), TokenBuckets(1.0, CallClock(lambda: 0.0, slept.append))
    )
    with pytest.raises(TransientError, match="Try again later: the run continues where it stopped"):
        api.call("ListUsers")
    assert api.calls["ListUsers"] == 5
    client.close()


@pytest.mark.parametrize(
    ("endpoint", "is_signed"), [("http://127.0.0.1", False), ("http://localhost", False), ("https://127.0.0.1", True)]
)
def test_an_emulator_needs_no_credentials(endpoint: str, is_signed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP to this machine is asked without a signature, anything else with one."""
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda *_: None)
    api = ConnectApi([simulated(1)], lambda: DAY.timestamp(), Assumptions(), Quotas(lambda: 0.0))
    with served(api) as url:
        place = endpoint + url[len("http://127.0.0.1") :]
        invoke = connect(ConnectInstance(INSTANCE_ARN, "us-east-1", "111122223333", INSTANCE_ID, None, place))
        with pytest.raises(TerminalError, match="no AWS credentials") if is_signed else nullcontext():
            assert invoke("ListUsers", {"InstanceId": INSTANCE_ID})["UserSummaryList"]
        invoke.close()


def test_errors_are_classified_as_transient_or_not() -> None:
    """No answer and the server's own faults pass; what the caller did wrong does not."""
    assert CallError("EndpointConnectionError", 0, "").is_passing
    assert CallError("InternalServiceException", 500, "").is_passing
    assert not CallError("InvalidRequestException", 400, "").is_passing


def test_times_are_texts_in_utc() -> None:
    """Whole seconds, or milliseconds where there are any."""
    from datetime import datetime

    times = {
        "a": datetime.fromisoformat("2026-03-03T10:00:00+05:30"),
        "b": [datetime.fromisoformat("2026-03-03T10:00:00.120Z")],
    }
    assert to_plain(times) == {"a": "2026-03-03T04:30:00Z", "b": ["2026-03-03T10:00:00.120Z"]}
