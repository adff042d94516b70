"""Secrets: a text that is never shown, the place where one is stored, the key of personal data, and the tokens.

A setting that is a secret has the text itself, or names its place: `secretsmanager:NAME`. `aws/secrets.py` reads it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from trunkline.errors import UsageError

SecretStore = Literal["env", "file", "ssm", "secretsmanager"]
PLACES_OF_SECRETS: Final = (
    "env:VARIABLE, file:PATH, ssm:PARAMETER or secretsmanager:NAME, each with #KEY for one key of a JSON text"
)
"""How the place of a secret is written; a parameter or secret may also be named by its ARN."""


class Secret:
    """Text that no repr, message or encoder shows; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret('***')"

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text


@dataclass(frozen=True, slots=True)
class SecretName:
    """The place of a secret. `key` is a key of the JSON text that is there; empty: the whole text."""

    store: SecretStore
    name: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.store}:{self.name}" + (f"#{self.key}" if self.key else "")


def secret_name(text: str) -> SecretName | None:
    """The place that a text names; None for any other text, which may be a secret itself."""
    store, _, rest = text.strip().partition(":")
    name, _, key = rest.partition("#")
    if store not in get_args(SecretStore) or not name:
        return None
    return SecretName(cast("SecretStore", store), name, key)


_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|PRIVATE|_KEY$|CREDENTIAL")
_SHORTEST = 6


def secret_values(environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """The values of variables whose names say that they are secrets, to be kept out of records and messages.

    Values of less than 6 characters are left out: replacing them would make a message unreadable. So are places of
    secrets, which a message has to name.
    """
    variables = os.environ if environ is None else environ
    named = {name: value.strip() for name, value in variables.items() if _SECRET_NAME.search(name.upper())}
    return frozenset(value for value in named.values() if len(value) >= _SHORTEST and secret_name(value) is None)


def serve_token(environ: Mapping[str, str] | None = None) -> Secret | SecretName | None:
    """TRUNKLINE_SERVE_TOKEN; None where it is unset or empty. Raises UsageError for a place that is not complete."""
    return given_secret("TRUNKLINE_SERVE_TOKEN", os.environ if environ is None else environ)


def edit_token(environ: Mapping[str, str] | None = None) -> Secret | SecretName | None:
    """TRUNKLINE_SERVE_EDIT_TOKEN; None where it is unset or empty. Raises UsageError as `serve_token` does."""
    return given_secret("TRUNKLINE_SERVE_EDIT_TOKEN", os.environ if environ is None else environ)


def given_secret(variable: str, variables: Mapping[str, str]) -> Secret | SecretName | None:
    """The secret in a variable, or the place that the variable names; None where it is unset or empty.

    Raises UsageError for the beginning of a place without its rest, which nobody means as a secret.
    """
    text = variables.get(variable, "").strip()
    if not text:
        return None
    name = secret_name(text)
    store, colon, _ = text.partition(":")
    if name is None and colon and store.strip().lower() in get_args(SecretStore):
        raise UsageError(
            f"{variable} begins with {store}: and names no place; valid are {PLACES_OF_SECRETS}. A text that does not "
            "begin so is the secret itself."
        )
    return name or Secret(text)


def environment_secret(variable: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The secret in an environment variable that an object's declaration names; None where it is unset or empty."""
    text = (os.environ if environ is None else environ).get(variable, "").strip()
    return Secret(text) if text else None


def pii_key_of(given: Secret | None, home: Path) -> bytes:
    """The key that hashes personal data: the given one, else the home's `pii.key`, made at first use (mode 0600).

    The file's text put into TRUNKLINE_PII_KEY gives the same key elsewhere. Two processes that start at once agree:
    the file appears whole and only once. Raises UsageError when the file is empty.
    """
    if given is not None:
        return given.reveal().encode()
    path = home / "pii.key"
    if not path.exists():
        _make_key(path)
    key = path.read_bytes().strip()
    if not key:
        raise UsageError(f"{path} is empty: restore it from a backup, since hashes made with another key do not join.")
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"pii.key.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(32).hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, does not replace the key that another process has made meanwhile.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def given_pii_key(variables: Mapping[str, str]) -> Secret | SecretName | None:
    """TRUNKLINE_PII_KEY or its place; None where it is unset. Raises UsageError where it is empty or half a place."""
    key = variables.get("TRUNKLINE_PII_KEY")
    if key is not None and not key.strip():
        raise UsageError(
            "TRUNKLINE_PII_KEY is empty: a hash without a key can be guessed. "
            "Set it to a long random text, or unset it to have one created in the home."
        )
    return given_secret("TRUNKLINE_PII_KEY", variables)
