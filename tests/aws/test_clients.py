"""One place makes AWS clients: each service has a row of retries and timeouts with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.aws.clients import POLICIES, QUICK, make_client
from trunkline.errors import TerminalError

SRC = Path(__file__).parents[2] / "src" / "trunkline"


@pytest.mark.parametrize("service", POLICIES)
def test_a_client_has_its_rows_patience(service: str) -> None:
    """Retries, timeouts and connections are bounded, and there is a reason for them."""
    policy = POLICIES[service]
    client = make_client(service, "us-east-1")
    config = client.meta.config
    assert config.retries["total_max_attempts"] == policy.tries
    assert (config.connect_timeout, config.read_timeout) == (policy.connect_s, policy.read_s)
    assert config.max_pool_connections == policy.connections
    assert policy.reason
    client.close()


def test_a_caller_with_a_deadline_is_quick() -> None:
    """Another policy, more connections and an endpoint of one's own."""
    client = make_client("s3", "eu-west-1", policy=QUICK, connections=3, endpoint="http://127.0.0.1:9")
    config = client.meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"], config.max_pool_connections) == (10, 3, 3)
    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-1", "http://127.0.0.1:9")
    client.close()


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [({"AWS_PROFILE": "nobody"}, None), ({"AWS_DEFAULT_REGION": ""}, None), ({}, "no address")],
)
def test_what_is_missing_is_named(
    variables: dict[str, str], endpoint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that does not exist, no Region, an endpoint that is no address."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TerminalError, match="no client of dynamodb can be made .*AWS_DEFAULT_REGION, AWS_PROFILE"):
        make_client("dynamodb", endpoint=endpoint)


def test_no_other_module_makes_a_client() -> None:
    """Nor a session, nor a configuration of retries."""
    words = ("boto3.client(", "boto3.Session(", "boto3.resource(", "botocore.config", "get_session()")
    makers = {
        path.relative_to(SRC).as_posix()
        for path in SRC.rglob("*.py")
        if any(word in path.read_text() for word in words)
    }
    assert makers == {"aws/clients.py"}
