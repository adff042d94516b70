"""Secrets are read in one place, from where a declaration says, and no error shows anything of them."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from homes import contact
from moto import mock_aws

from trunkline.aws.secrets import LIVE_TOKEN, pii_key, read_secret, read_secret_fields, resolve_secrets
from trunkline.cli.main import run
from trunkline.errors import UsageError
from trunkline.settings.installation import Settings
from trunkline.settings.secrets import Secret, SecretName

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


def settings_with(folder: Path, **variables: str) -> Settings:
    return Settings.load(folder / "home", {f"TRUNKLINE_{name.upper()}": text for name, text in variables.items()})


@pytest.mark.parametrize("place", [f"{store}:{name}#client_secret" for store, name in PLACES])
def test_settings_may_name_the_place_of_a_secret(tmp_path: Path, place: str) -> None:
    """In any place; nothing shows it, and what is known to be a secret then is kept out of records."""
    named = settings_with(tmp_path, pii_key=place, live_token=place)
    settings = resolve_secrets(named)
    assert pii_key(named) == pii_key(settings) == b"hunter2"
    assert isinstance(settings.live_token, Secret)
    assert settings.live_token.reveal() == "hunter2"
    assert "hunter2" in settings.secrets
    assert "hunter2" not in repr(settings)
    assert not (tmp_path / "home" / "pii.key").exists()
    plain = settings_with(tmp_path, pii_key="open sesame")
    assert resolve_secrets(plain) == plain


def test_only_what_is_needed_is_read(tmp_path: Path) -> None:
    """Not the live store's token by a load, nor the key where personal data is not hashed."""
    settings = settings_with(tmp_path, pii="drop", pii_key="ssm:/none", live_token="env:SF", warehouse="ssm:/none")
    resolved = resolve_secrets(settings, LIVE_TOKEN)
    assert (resolved.pii_key_given, resolved.warehouse) == (SecretName("ssm", "/none"), "ssm:/none")
    with pytest.raises(UsageError, match="the setting warehouse names ssm:/none: the parameter /none does not exist"):
        resolve_secrets(settings)


def test_a_setting_whose_secret_is_not_there_is_named(tmp_path: Path) -> None:
    """The variable, the place, and what to do; an empty secret is none."""
    with pytest.raises(UsageError, match="TRUNKLINE_PII_KEY names secretsmanager:none: the secret none does not exist"):
        resolve_secrets(settings_with(tmp_path, pii_key="secretsmanager:none"))
    boto3.client("secretsmanager").create_secret(Name="empty", SecretString="  ")
    with pytest.raises(UsageError, match="TRUNKLINE_PII_KEY names secretsmanager:empty, and the secret there is empty"):
        resolve_secrets(settings_with(tmp_path, pii_key="secretsmanager:empty"))


def test_the_url_of_a_warehouse_is_a_secret_where_it_has_a_password(tmp_path: Path) -> None:
    """Another text there is not shown."""
    boto3.client("ssm").put_parameter(Name="/dw", Value="postgresql://me:hunter2@db/dw\n", Type="SecureString")
    settings = resolve_secrets(settings_with(tmp_path, warehouse="ssm:/dw"))
    assert settings.warehouse == "postgresql://me:hunter2@db/dw"
    with pytest.raises(UsageError, match="is not the URL of a warehouse") as caught:
        resolve_secrets(settings_with(tmp_path, warehouse="env:SF#client_secret"))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_the_command_line_reads_settings_where_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The key for a load, and the warehouse's URL from the settings file; the same home with the same key opens again."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "trunkline.toml").write_text('warehouse = "ssm:/dw"\n')
    boto3.client("ssm").put_parameter(Name="/dw", Value=f"duckdb://{tmp_path}/dw.duckdb", Type="SecureString")
    (tmp_path / "a.json").write_text(json.dumps(contact("c-1")))
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "secretsmanager:prod/sf#client_secret")
    load = ["load", "contact_record", str(tmp_path / "a.json"), "--home", str(home)]
    assert run(load) == 0
    assert (tmp_path / "dw.duckdb").exists()
    assert not (home / "pii.key").exists()
    assert run(["sql", "SELECT contact_id FROM connect.f_calls", "--output", "csv", "--home", str(home)]) == 0
    assert "c-1" in capfd.readouterr().out
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "hunter2")
    assert run(load) == 0
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "secretsmanager:prod/sf#client_id")
    assert run(load) == 1
    assert "written with another key" in capfd.readouterr().err


def test_serve_reads_its_token_where_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Judged as the text itself is: this one is too short."""
    monkeypatch.setenv("TRUNKLINE_SERVE_TOKEN", "env:SF#client_secret")
    assert run(["serve", "--home", str(tmp_path / "home")]) == 2
    shown = capfd.readouterr().err
    assert "TRUNKLINE_SERVE_TOKEN" in shown
    assert "hunter2" not in shown
