"""Google's token service and Sheets API as far as Trunkline asks them, on this machine.

Assumed of the service (Sheets API, `spreadsheets.values.get`): empty cells at the end of a row and empty rows at the end
are not sent, an empty tab has no `values`, and dates are serial numbers unless text is asked for. Rows may be limited.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import unquote

from local_api import Call, Reply, register

ACCOUNT = "reader@project.iam.gserviceaccount.com"
SHEET_ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz-0123456789_abc"


@cache
def private_key() -> str:
    """A real RSA key, since the client signs its requests for tokens."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class Dated(float):
    """A cell with a date or time: its serial number, and what the sheet shows."""

    def __new__(cls, serial: float, _: str) -> Self:
        return super().__new__(cls, serial)

    def __init__(self, _: float, shown: str) -> None:
        self.shown = shown


@dataclass
class Google:
    """One spreadsheet with tabs, shared with one account.

    `failures` are replies to requests for it, given first, and `token_failures` those to requests for a token.
    """

    tabs: dict[str, list[list[Any]]] = field(default_factory=dict)
    zone: str = "America/New_York"
    is_shared: bool = True
    failures: list[Reply] = field(default_factory=list)
    token_failures: list[Reply] = field(default_factory=list)
    refuses: Callable[[], bool] = lambda: False
    name: str = ""
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = register(self._answer, self.name)

    @property
    def account(self) -> str:
        """The JSON key of the account, which names this token service."""
        return json.dumps({
            "type": "service_account", "client_email": ACCOUNT, "private_key": private_key(), "private_key_id": "k",
            "token_uri": f"{self.url}/token", "project_id": "project", "client_id": "1",
        })  # fmt: skip

    def _answer(self, call: Call) -> Reply:
        self.calls.append(call)
        failures = self.token_failures if call.path == "/token" else self.failures
        if call.path != "/token" and self.refuses():
            return _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded")
        if failures:
            return failures.pop(0)
        if call.path == "/token":
            return Reply({"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"})
        if call.headers.get("Authorization") != "Bearer t1":
            return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not self.is_shared:
            return _error(403, "PERMISSION_DENIED", "The caller does not have permission")
        prefix = f"/v4/spreadsheets/{SHEET_ID}"
        if call.path == prefix:
            sheets = [{"properties": {"title": title}} for title in self.tabs]
            return Reply({"properties": {"timeZone": self.zone}, "sheets": sheets})
        if call.path.startswith(f"{prefix}/values/"):
            return self._values(unquote(call.path.removeprefix(f"{prefix}/values/")), call)
        return _error(404, "NOT_FOUND", "Requested entity was not found.")

    def _values(self, range_: str, call: Call) -> Reply:
        name, _, part = range_[1:].rpartition("'")
        if call.query.get("valueRenderOption") != "UNFORMATTED_VALUE":
            return _error(400, "INVALID_ARGUMENT", "these tests have no formatted values")
        last = int(part.removeprefix("!1:")) if part else None
        is_shown = call.query.get("dateTimeRenderOption") == "FORMATTED_STRING"
        rows = [_without_end(row, is_shown) for row in self.tabs[name.replace("''", "'")][:last]]
        while rows and not rows[-1]:
            rows.pop()
        answer = {"range": f"{range_}!A1:Z1000", "majorDimension": "ROWS"}
        return Reply(answer | ({"values": rows} if rows else {}))


def _without_end(row: Sequence[Any], is_shown: bool) -> list[Any]:
    row = [cell.shown if is_shown and isinstance(cell, Dated) else cell for cell in row]
    while row and row[-1] in ("", None):
        row.pop()
    return ["" if cell is None else cell for cell in row]


def _error(status: int, code: str, message: str) -> Reply:
    return Reply({"error": {"code": status, "message": message, "status": code}}, status)


def claims(call: Call) -> dict[str, Any]:
    """What the client signed in its request for a token."""
    part = call.form["assertion"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
