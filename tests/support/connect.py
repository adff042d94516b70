"""A simulated Connect instance for tests: small, on a virtual clock, checked by botocore's model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from virtual_clock import VirtualClock

from trunkline.aws.service_model import checker
from trunkline.simulator.centre.centre import INSTANCE_ARN, stamp
from trunkline.simulator.connect_api.answers import ApiError, Quotas
from trunkline.simulator.connect_api.contacts import TIME_TYPES, ApiContact, SimulatedInstance, simulate_instance, until
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.connect_api.search import Assumptions
from trunkline.simulator.spec import Spec
from trunkline.sources.connect_api.client import AnswerCache, CallError, ConnectClient, Invoke, NoCache, parse_instance
from trunkline.sources.connect_api.contacts import HeldContact
from trunkline.sources.connect_api.quota import CallClock, TokenBuckets

DAY = datetime(2026, 3, 3, tzinfo=UTC)
MODEL = cache(checker)


@cache
def simulated(contacts: int = 60, seed: int = 1) -> SimulatedInstance:
    """The centre's day 2026-03-03, as its instance knows it. Shared: nothing changes it."""
    return simulate_instance(Spec(contacts=contacts, seed=seed, date=date(2026, 3, 3)), INSTANCE_ARN)


def emulator(instance: SimulatedInstance, clock: VirtualClock, check: bool = True, **assumed: Any) -> ConnectApi:
    """An API whose quotas run on the virtual clock."""
    rules: Callable[..., list[str]] = MODEL("connect") if check else (lambda operation, side, values: [])
    return ConnectApi([instance], clock.now_s, Assumptions(**assumed), Quotas(clock.now_s), rules)


@contextmanager
def boto3_client(api: ConnectApi) -> Iterator[Any]:
    """Plain boto3, over HTTP on loopback, without retries of its own."""
    with served(api) as url:
        client = boto3.client(
            "connect", endpoint_url=url, region_name="us-east-1", config=Config(retries={"total_max_attempts": 1})
        )
        yield client
        client.close()


def contact_at(
    number: int, ended_at: int, *, completed_at: int | None = None, queue: str = "q-1", agent: str | None = "a-1"
) -> ApiContact:
    """A made-up voice contact of ten minutes that ended at that second."""
    began_at = ended_at - 600
    agent_at = began_at + 120 if agent else None
    acw_end_at = completed_at if completed_at is not None else ended_at + 30
    record: dict[str, Any] = {
        "AWSAccountId": "111122223333", "Agent": agent and {
            "ARN": f"{INSTANCE_ARN}/agent/{agent}", "Username": "ana", "ConnectedToAgentTimestamp": stamp(began_at + 120),
            "AgentInteractionDuration": 400, "CustomerHoldDuration": 80, "NumberOfHolds": 1, "LongestHoldDuration": 80,
            "AfterContactWorkStartTimestamp": stamp(ended_at), "AfterContactWorkEndTimestamp": stamp(acw_end_at),
            "AfterContactWorkDuration": acw_end_at - ended_at, "HierarchyGroups": None,
        },
        "Attributes": {"n": str(number)}, "Channel": "VOICE", "ConnectedToSystemTimestamp": stamp(began_at),
        "ContactId": f"00000000-0000-4000-8000-{number:012d}", "DisconnectReason": "CUSTOMER_DISCONNECT",
        "CustomerEndpoint": {"Address": "+12015550100", "Type": "TELEPHONE_NUMBER"},
        "DisconnectTimestamp": stamp(ended_at), "InitiationMethod": "INBOUND", "InitiationTimestamp": stamp(began_at),
        "InitialContactId": None, "PreviousContactId": None, "NextContactId": None,
        "InstanceARN": INSTANCE_ARN, "LastUpdateTimestamp": stamp(acw_end_at + 40),
        "Queue": {"ARN": f"{INSTANCE_ARN}/queue/{queue}", "Name": "Support", "EnqueueTimestamp": stamp(began_at + 20),
                  "DequeueTimestamp": stamp(began_at + 120), "Duration": 100},
    }  # fmt: skip
    times = (began_at, None, agent_at, ended_at, began_at + 20)
    assert len(times) == len(TIME_TYPES)
    return ApiContact(
        record["ContactId"], began_at + 120, acw_end_at, times,
        lambda now: dict(record) if now >= acw_end_at + 40 else until(record, now),
    )  # fmt: skip


def instance_with(contacts: list[ApiContact]) -> SimulatedInstance:
    """An instance that has just these, one queue and one user."""
    return SimulatedInstance(
        INSTANCE_ARN, {one.contact_id: one for one in contacts},
        (("q-1", f"{INSTANCE_ARN}/queue/q-1", "Support"),), (("a-1", f"{INSTANCE_ARN}/agent/a-1", "ana"),),
        (), (), {"a-1": "p-1"}, {},
    )  # fmt: skip


def invoke_of(api: ConnectApi) -> Invoke:
    """Calls of the emulator without HTTP between, failing as through boto3."""

    def invoke(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return api.call(operation, dict(parameters))
        except ApiError as error:
            raise CallError(error.code, error.status, error.message) from error
        except ConnectionError as error:
            raise CallError(type(error).__name__, 0, "broken") from error

    return invoke


def asking(
    api: ConnectApi,
    clock: VirtualClock,
    *,
    share: float = 1.0,
    deadline_s: float | None = None,
    cache: AnswerCache | None = None,
) -> ConnectClient:
    """The product's client of an emulator, on the same clock."""
    pace = CallClock(clock.now_s, clock.sleep, deadline_s)
    return ConnectClient(
        parse_instance(INSTANCE_ARN, {}), invoke_of(api), TokenBuckets(share, pace), cache or NoCache()
    )


def nothing_held(ids: Sequence[str]) -> dict[str, HeldContact]:
    """An empty warehouse."""
    return {}
