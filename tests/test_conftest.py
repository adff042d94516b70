from __future__ import annotations

import os
import socket
import time

import boto3
import pytest
from moto import mock_aws


def test_tests_reach_no_network() -> None:
    """Neither by address nor by name; a test that needs more than this machine says so at once."""
    with socket.socket() as one, pytest.raises(RuntimeError, match="only loopback"):
        one.connect(("192.0.2.1", 80))
    with pytest.raises(RuntimeError, match="looks up 's3.amazonaws.com'"):
        socket.create_connection(("s3.amazonaws.com", 443))


def test_tests_reach_their_own_servers() -> None:
    """A server on loopback is how emulators are tested."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"x")
        with server.accept()[0] as peer:
            assert peer.recv(1) == b"x"


def test_tests_see_no_settings_of_the_machine() -> None:
    """No credentials, no TRUNKLINE_ variables, and a local zone that is not UTC."""
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    assert [name for name in os.environ if name.startswith("TRUNKLINE_")] == []
    assert time.localtime(0).tm_gmtoff % 3600 != 0


@mock_aws
def test_storage_works_with_warnings_as_errors() -> None:
    """boto3 and moto raise no warning that would fail every test of S3."""
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    client.put_object(Bucket="lake", Key="a", Body=b"x")
    with client.get_object(Bucket="lake", Key="a")["Body"] as body:
        assert body.read() == b"x"
