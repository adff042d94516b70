"""The one place that reads the secrets which declarations name: a variable, a file, Parameter Store, Secrets Manager.

No error shows a secret, or anything of a text that may be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import UsageError
from trunkline.objects.origins import SecretName
from trunkline.settings.secrets import Secret, environment_secret


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


def read_stored(arn: str) -> str:
    """The whole text of a secret of Secrets Manager, named by a function's variable. Errors as `read_secret`."""
    return read_secret(SecretName("secretsmanager", arn)).reveal()
