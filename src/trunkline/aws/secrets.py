"""Secrets Manager: the text of one secret, for functions, whose environment must not hold it."""

from __future__ import annotations

from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError

_PARTS_OF_ARN = 7


def read_secret(arn: str) -> str:
    """The secret's text, from the Region that its ARN names.

    Raises TerminalError where `arn` is none or the secret is binary, and what the service's errors translate to.
    """
    parts = arn.split(":")
    if len(parts) < _PARTS_OF_ARN or parts[2] != "secretsmanager":
        raise TerminalError(
            f"{arn!r} is not the ARN of a secret; valid is arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX"
        )
    with translate_errors("secretsmanager", arn):
        answer = make_client("secretsmanager", parts[3]).get_secret_value(SecretId=arn)
    text: str | None = answer.get("SecretString")
    if not text:
        raise TerminalError(f"the secret {arn} has no text: store it as SecretString, not as bytes.")
    return text
