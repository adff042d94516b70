"""The one place that reads secrets which are named: in a variable, a file, Parameter Store, Secrets Manager.

Objects' declarations name them, and settings, on the command line and in Lambda functions alike.

No error shows a secret, or anything of a text that may be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import UsageError
from trunkline.settings.installation import Settings, stored_url
from trunkline.settings.secrets import Secret, SecretName, environment_secret, pii_key_of
from trunkline.urls import WAREHOUSE_URLS, check_url

PII_KEY, LIVE_TOKEN, WAREHOUSE_URL = "pii_key_given", "live_token", "warehouse"
"""The settings that may name the place of a secret."""
_VARIABLES: Final = {
    PII_KEY: "TRUNKLINE_PII_KEY",
    LIVE_TOKEN: "TRUNKLINE_LIVE_TOKEN",
    WAREHOUSE_URL: "the setting warehouse",
}


def resolve_secrets(settings: Settings, *names: str) -> Settings:
    """The settings with what they name the place of: PII_KEY, LIVE_TOKEN and WAREHOUSE_URL, or only those of `names`.

    Each is read once; without places nothing is. The key is not read where personal data is not hashed. Raises
    UsageError for a place without a secret, with an empty one, or with a text that is no warehouse's URL; errors of AWS
    as ours.
    """
    places = {
        PII_KEY: settings.pii_key_given if settings.pii == "hash" else None,
        LIVE_TOKEN: settings.live_token,
        WAREHOUSE_URL: stored_url(settings.warehouse),
    }
    read: dict[str, Secret | str] = {}
    for name, place in places.items():
        if isinstance(place, SecretName) and name in (names or places):
            secret = reveal(place, _VARIABLES[name])
            read[name] = _warehouse_url(secret, place) if name == WAREHOUSE_URL else secret
    return msgspec.structs.replace(settings, **read)


def reveal(given: Secret | SecretName, setting: str) -> Secret:
    """The secret that a setting gives, or names the place of.

    Raises UsageError naming the setting, for a place without a secret or with an empty one; errors of AWS as ours.
    """
    if isinstance(given, Secret):
        return given
    try:
        text = read_secret(given).reveal().strip()
    except UsageError as error:
        raise UsageError(f"{setting} names {given}: {error}") from None
    if not text:
        raise UsageError(f"{setting} names {given}, and the secret there is empty: store it, or name another place.")
    return Secret(text)


def pii_key(settings: Settings) -> bytes:
    """The key that hashes personal data: the one that is set or stored, else the home's, made at first use (mode 0600).

    Raises UsageError when the home's file is empty, and what `reveal` raises.
    """
    given = settings.pii_key_given
    return pii_key_of(None if given is None else reveal(given, _VARIABLES[PII_KEY]), settings.home)


def live_token(settings: Settings) -> str | None:
    """The token of the live store; None where it needs none. Raises what `reveal` raises."""
    given = settings.live_token
    return None if given is None else reveal(given, _VARIABLES[LIVE_TOKEN]).reveal()


def _warehouse_url(secret: Secret, place: SecretName) -> str:
    """The URL in a secret. The error does not show it."""
    try:
        check_url(secret.reveal(), WAREHOUSE_URLS, "")
    except UsageError:
        valid = " or ".join(WAREHOUSE_URLS.values())
        raise UsageError(
            f"the text of {place}, which {_VARIABLES[WAREHOUSE_URL]} names, is not the URL of a warehouse (it is not "
            f"shown here); store a URL such as {valid}."
        ) from None
    return secret.reveal()


def read_secret(name: SecretName) -> Secret:
    """The secret at this place: its whole text, or the text of one key of a JSON object.

    Raises UsageError where there is none, or no such key; errors of AWS as ours.
    """
    secret = _whole(name)
    if not name.key:
        return secret
    value = _object_in(secret, name).get(name.key)
    if not isinstance(value, str) or not value:
        raise UsageError(f"the secret {name} has no text under the key {name.key!r}: add it, or correct the key.")
    return Secret(value)


def read_secret_fields(name: SecretName) -> Mapping[str, Secret]:
    """The texts of a secret that is a JSON object, by key; values of other types are left out. Raises UsageError."""
    fields = _object_in(read_secret(name), name)
    return {key: Secret(value) for key, value in fields.items() if isinstance(value, str)}


def _object_in(secret: Secret, name: SecretName) -> dict[str, Any]:
    """The JSON object in a secret. The error is not chained: it would quote the secret."""
    try:
        return msgspec.json.decode(secret.reveal(), type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        pass
    raise UsageError(f'the secret {name} is not a JSON object: store it as {{"key": "value", ...}}.')


def _whole(name: SecretName) -> Secret:
    if name.store == "env":
        secret = environment_secret(name.name)
        if secret is None:
            raise UsageError(f"the environment variable {name.name}, which {name} names, is not set: set it.")
        return secret
    if name.store == "file":
        return Secret(_file_text(name))
    if name.store == "ssm":
        with translate_errors("ssm", f"the parameter {name.name}", UsageError):
            answer = make_client("ssm").get_parameter(Name=name.name, WithDecryption=True)
        return Secret(answer["Parameter"]["Value"])
    with translate_errors("secretsmanager", f"the secret {name.name}", UsageError):
        answer = make_client("secretsmanager").get_secret_value(SecretId=name.name)
    return Secret(answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"].decode())


def _file_text(name: SecretName) -> str:
    try:
        text = Path(name.name).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"{name.name}, which {name} names, cannot be read ({error.strerror}): check the path."
        ) from error
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise UsageError(f"{name.name}, which {name} names, is empty or not text: write the secret into it.")
    return text
