"""Secrets are read in one place, from where a declaration says, and no error shows anything of them."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from trunkline.aws.secrets import read_secret, read_secret_fields
from trunkline.errors import UsageError
from trunkline.objects.origins import SecretName

FIELDS = json.dumps({"client_id": "me", "client_secret": "hunter2", "port": 1})


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same text in every place."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("SF", FIELDS)
    (tmp_path / "sf.json").write_text(FIELDS + "\n")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        boto3.client("ssm").put_parameter(Name="/prod/sf", Value=FIELDS, Type="SecureString")
        boto3.client("secretsmanager").create_secret(Name="prod/sf", SecretString=FIELDS)
        yield


PLACES = [("env", "SF"), ("file", "sf.json"), ("ssm", "/prod/sf"), ("secretsmanager", "prod/sf")]


@pytest.mark.parametrize(("store", "name"), PLACES)
def test_a_secret_is_read_from_its_place(store, name) -> None:
    """Whole, or one key of it; no repr shows it."""
    assert read_secret(SecretName(store, name)).reveal() == FIELDS
    assert read_secret(SecretName(store, name, "client_secret")).reveal() == "hunter2"
    fields = read_secret_fields(SecretName(store, name))
    assert {key: secret.reveal() for key, secret in fields.items()} == {"client_id": "me", "client_secret": "hunter2"}
    assert "hunter2" not in repr(fields)


@pytest.mark.parametrize(("store", "name", "message"), [
    ("env", "NONE", "the environment variable NONE, which env:NONE names, is not set"),
    ("file", "none.json", r"none\.json, which file:none\.json names, cannot be read \(No such file"),
    ("ssm", "/none", "the parameter /none does not exist"),
    ("secretsmanager", "none", "the secret none does not exist"),
])  # fmt: skip
def test_a_place_without_a_secret_is_named(store, name, message: str) -> None:
    """What, where and what to do."""
    with pytest.raises(UsageError, match=message):
        read_secret(SecretName(store, name))


def test_a_missing_key_is_named() -> None:
    """Also one whose value is no text."""
    for key in ("password", "port"):
        with pytest.raises(UsageError, match=f"the secret env:SF#{key} has no text under the key '{key}'"):
            read_secret(SecretName("env", "SF", key))


def test_a_secret_of_another_form_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the error of the decoder, which quotes it."""
    monkeypatch.setenv("SF", "{hunter2")
    with pytest.raises(UsageError, match="the secret env:SF is not a JSON object") as caught:
        read_secret_fields(SecretName("env", "SF"))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
