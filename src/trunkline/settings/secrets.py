"""Secrets: a text that is never shown, the key that hashes personal data, and the tokens."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from trunkline.errors import UsageError

STORED_SECRETS: Final[Mapping[str, str]] = {
    "TRUNKLINE_PII_KEY_SECRET": "TRUNKLINE_PII_KEY",
    "TRUNKLINE_LIVE_TOKEN_SECRET": "TRUNKLINE_LIVE_TOKEN",
}
"""Variables that name a secret where it is stored, and the variable that each stands for."""


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


_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|PRIVATE|_KEY$|CREDENTIAL")
_SHORTEST = 6


def secret_values(environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """The values of variables whose names say that they are secrets, to be kept out of records and messages.

    Values of less than 6 characters are left out: replacing them would make a message unreadable.
    """
    variables = os.environ if environ is None else environ
    named = {name: value.strip() for name, value in variables.items() if _SECRET_NAME.search(name.upper())}
    return frozenset(value for value in named.values() if len(value) >= _SHORTEST)


def serve_token(environ: Mapping[str, str] | None = None) -> Secret | None:
    """TRUNKLINE_SERVE_TOKEN; None where it is unset or empty."""
    return _token("TRUNKLINE_SERVE_TOKEN", environ)


def edit_token(environ: Mapping[str, str] | None = None) -> Secret | None:
    """TRUNKLINE_SERVE_EDIT_TOKEN; None where it is unset or empty."""
    return _token("TRUNKLINE_SERVE_EDIT_TOKEN", environ)


def _token(variable: str, environ: Mapping[str, str] | None) -> Secret | None:
    token = (os.environ if environ is None else environ).get(variable, "").strip()
    return Secret(token) if token else None


def environment_secret(variable: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The secret in an environment variable that an object's declaration names; None where it is unset or empty."""
    text = (os.environ if environ is None else environ).get(variable, "").strip()
    return Secret(text) if text else None


def pii_key_of(given: Secret | None, home: Path) -> bytes:
    """The key that hashes personal data: TRUNKLINE_PII_KEY, else the home's `pii.key`, made at first use (mode 0600).

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


def given_pii_key(variables: Mapping[str, str]) -> Secret | None:
    """TRUNKLINE_PII_KEY; None where it is unset. Raises UsageError where it is empty."""
    key = variables.get("TRUNKLINE_PII_KEY")
    if key is not None and not key.strip():
        raise UsageError(
            "TRUNKLINE_PII_KEY is empty: a hash without a key can be guessed. "
            "Set it to a long random text, or unset it to have one created in the home."
        )
    return Secret(key.strip()) if key else None


def resolve_secrets(read: Callable[[str], str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment with each variable of STORED_SECRETS replaced by the secret that it names, as `read` gives it.

    Raises UsageError where a secret is both named and given, and what `read` raises.
    """
    variables = dict(os.environ if environ is None else environ)
    for named, given in STORED_SECRETS.items():
        place = variables.pop(named, "").strip()
        if place and variables.get(given):
            raise UsageError(f"{named} and {given} are both set: unset one of them.")
        if place:
            variables[given] = read(place)
    return variables
