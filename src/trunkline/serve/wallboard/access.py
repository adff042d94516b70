"""Who may see the board: the local machine, or whoever has the token.

Without a token only requests to a loopback name are answered, so that no page of another site reaches the board through
the browser. With one, a session begins by the token and ends after its hours; programs send the token as a bearer. A
session is a signed time, so that it outlives a restart of the server, and a new token ends every session.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from trunkline import clock
from trunkline.errors import UsageError
from trunkline.limits import SESSION_HOURS_DEFAULT, TOKEN_CHARS_MIN
from trunkline.settings.secrets import Secret

COOKIE: Final = "trunkline_session"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
OPEN_PATHS: Final = ("/login", "/healthz")
"""Paths that anybody may ask for: the form, and whether the server is up."""
OPEN_PREFIXES: Final = ("/static/",)


@dataclass(frozen=True, slots=True)
class Access:
    """The rule of one server. `token` None means loopback only."""

    token: Secret | None = None
    session_hours: float = SESSION_HOURS_DEFAULT

    def check(self, host: str) -> None:
        """Raises UsageError for an address that others reach without a token, and for a short token."""
        if self.token is None and host not in LOOPBACK:
            raise UsageError(
                f"the address is {host}, which other machines reach, and there is no token. Set TRUNKLINE_SERVE_TOKEN "
                f"to a long random text, or serve on 127.0.0.1."
            )
        if self.token is not None and len(self.token.reveal()) < TOKEN_CHARS_MIN:
            raise UsageError(
                f"TRUNKLINE_SERVE_TOKEN has fewer than {TOKEN_CHARS_MIN} characters; set a long random text, for "
                "example from: openssl rand -hex 24"
            )

    def is_token(self, text: str) -> bool:
        """Whether a text is the token, in the same time for each text."""
        return self.token is not None and hmac.compare_digest(text.encode(), self.token.reveal().encode())

    def new_session(self) -> str:
        """The cookie of a session that begins now."""
        return self._signed(round(clock.now().timestamp() + self.session_hours * 3600))

    def session_ends(self, cookie: str) -> float | None:
        """When a session ends, Unix seconds. None for a cookie that is not ours, or whose time is over."""
        until, _, _ = cookie.partition(".")
        if self.token is None or not until.isdecimal() or len(until) > 12:
            return None
        if not hmac.compare_digest(cookie.encode(), self._signed(int(until)).encode()):
            return None
        return float(until) if clock.now().timestamp() < int(until) else None

    def _signed(self, until: int) -> str:
        key = self.token.reveal().encode() if self.token is not None else b""
        return f"{until}.{hmac.new(key, str(until).encode(), hashlib.sha256).hexdigest()}"

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers (names in lower case) is of somebody who may see the board."""
        if self.token is None:
            return _name_of(headers.get("host", "")) in LOOPBACK
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(credentials.strip()):
            return True
        return self.session_ends(cookie_of(headers)) is not None


def cookie_of(headers: Mapping[str, str]) -> str:
    """The session's cookie; empty without one."""
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[COOKIE].value if COOKIE in cookie else ""


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site sends the request, through the browser of somebody who may see the board."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")


def _name_of(host: str) -> str:
    """A Host header without its port."""
    return urlsplit(f"//{host}").hostname or ""


class AccessMiddleware:
    """ASGI: answers 401 or 403, or sends a person to the form, unless `Access` admits the request."""

    def __init__(self, app: Any, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self.app(scope, receive, _with_safe_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _answer(send, *refusal)

    def _refusal(self, scope: Any, headers: Mapping[str, str]) -> tuple[int, bytes, list[tuple[bytes, bytes]]] | None:
        path = scope["path"]
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if changes and is_foreign(headers):
            return 403, b"Requests from pages of other sites are refused.\n", []
        is_open = path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)
        if self.access.admits(headers) or (self.access.token is not None and is_open):
            return None
        if self.access.token is None:
            return 403, b"The board is served on this machine only; ask for it as localhost or 127.0.0.1.\n", []
        if "text/html" in headers.get("accept", ""):
            return 303, b"", [(b"location", scope.get("root_path", "").encode() + b"/login")]
        return 401, b"Send the token as: Authorization: Bearer TOKEN\n", [(b"www-authenticate", b"Bearer")]


_SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)


def _with_safe_headers(send: Any) -> Any:
    async def send_safely(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_SAFE]}
        await send(message)

    return send_safely


async def _answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers, *_SAFE]})
    await send({"type": "http.response.body", "body": body})
