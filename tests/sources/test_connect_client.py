"""Instances, credentials and names of errors: what a person sets, and what the client makes of it."""

from __future__ import annotations

from contextlib import nullcontext

import boto3
import pytest
from connect import DAY, simulated
from moto import mock_aws

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.simulator.centre.centre import INSTANCE_ARN, INSTANCE_ID
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.connect_api.quota import Quotas
from trunkline.simulator.connect_api.search import Assumptions
from trunkline.sources.connect_api.client import Api, CallError, Instance, connect, instance_of, plain, through_boto3
from trunkline.sources.connect_api.quota import Buckets, Pace

ROLE = "arn:aws:iam::444455556666:role/trunkline-reader"


def test_an_arn_says_region_and_account() -> None:
    """And the account's role, where one is named; GovCloud and China too."""
    assert instance_of(INSTANCE_ARN, {"444455556666": ROLE}) == Instance(
        INSTANCE_ARN, "us-east-1", "111122223333", INSTANCE_ID
    )
    found = instance_of(
        "arn:aws-us-gov:connect:us-gov-west-1:444455556666:instance/x-1", {"444455556666": ROLE}, "http://h"
    )
    assert (found.region, found.role, found.endpoint) == ("us-gov-west-1", ROLE, "http://h")


@pytest.mark.parametrize(
    ("arn", "roles", "said"),
    [
        ("9f3c1e52", {}, "no ARN of a Connect instance; valid is arn:aws:connect:REGION"),
        (INSTANCE_ARN + "/queue/1", {}, "no ARN of a Connect instance"),
        (INSTANCE_ARN, {"111122223333": "reader"}, "valid is arn:aws:iam::ACCOUNT:role/NAME"),
    ],
)
def test_what_is_no_arn_is_told(arn: str, roles: dict[str, str], said: str) -> None:
    """With the value seen and what would be valid."""
    with pytest.raises(UsageError, match=said):
        instance_of(arn, roles)


@mock_aws
def test_a_role_of_another_account_is_assumed_when_it_is_needed() -> None:
    """Credentials are the role's, asked for at the first call and renewed when they expire."""
    invoke = connect(Instance("arn", "us-east-1", "444455556666", "i", ROLE, "http://127.0.0.1:9"))
    client = _client_of(invoke)
    credentials = client._request_signer._credentials
    assert credentials.method == "assume-role"
    frozen = credentials.get_frozen_credentials()
    assert frozen.token
    assert frozen.access_key != "testing"
    assert client.meta.region_name == "us-east-1"
    client.close()


def _client_of(invoke):
    return next(cell.cell_contents for cell in invoke.__closure__ if hasattr(cell.cell_contents, "meta"))


def test_an_api_that_does_not_answer_is_tried_again_and_then_told() -> None:
    """Nobody listens: five tries, then what to do; no traceback of the library's."""
    client = boto3.client("connect", endpoint_url="http://127.0.0.1:9", region_name="us-east-1")
    slept: list[float] = []
    api = Api(instance_of(INSTANCE_ARN, {}), through_boto3(client), Buckets(1.0, Pace(lambda: 0.0, slept.append)))
    with pytest.raises(TransientError, match="Try again later: the run goes on where it is"):
        api.ask("ListUsers")
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
        invoke = connect(Instance(INSTANCE_ARN, "us-east-1", "111122223333", INSTANCE_ID, None, place))
        with pytest.raises(TerminalError, match="no AWS credentials") if is_signed else nullcontext():
            assert invoke("ListUsers", {"InstanceId": INSTANCE_ID})["UserSummaryList"]
        _client_of(invoke).close()


def test_errors_tell_whether_they_pass() -> None:
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
    assert plain(times) == {"a": "2026-03-03T04:30:00Z", "b": ["2026-03-03T10:00:00.120Z"]}
