"""Who may see the board, and who may change its settings: the local machine, or whoever has the token for it.

Without a token only requests to a loopback name are answered, so that no page of another site reaches the board through
the browser; they may do everything. With one, a session begins by the token and ends after its hours; programs send the
token as a bearer. Settings are changed with a second token alone. A session is a time signed by its token, so that it
outlives a restart of the server, and a new token ends every session of the old one.
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
    """The rule of one server. `token` None means loopback only; `edit_token` admits and also changes settings."""

    token: Secret | None = None
    session_hours: float = SESSION_HOURS_DEFAULT
    edit_token: Secret | None = None

    def check(self, host: str) -> None:
        """Raises UsageError for an address that others reach without a token, a short token, or two equal ones."""
        if self.token is None and host not in LOOPBACK:
            raise UsageError(
                f"the address is {host}, which other machines reach, and there is no token. Set TRUNKLINE_SERVE_TOKEN "
                f"to a long random text, or serve on 127.0.0.1."
            )
        for name, token in (("TRUNKLINE_SERVE_TOKEN", self.token), ("TRUNKLINE_SERVE_EDIT_TOKEN", self.edit_token)):
            if token is not None and len(token.reveal()) < TOKEN_CHARS_MIN:
                raise UsageError(
                    f"{name} has fewer than {TOKEN_CHARS_MIN} characters; set a long random text, for example from: "
                    "openssl rand -hex 24"
                )
        if self.edit_token is not None and self.token is None:
            raise UsageError("TRUNKLINE_SERVE_EDIT_TOKEN is set without TRUNKLINE_SERVE_TOKEN; set both, or neither.")
        if self.token is not None and self.edit_token is not None and _same(self.token, self.edit_token.reveal()):
            raise UsageError("TRUNKLINE_SERVE_EDIT_TOKEN equals TRUNKLINE_SERVE_TOKEN; set it to another random text.")

    def token_of(self, text: str) -> Secret | None:
        """The token that a text is, in the same time for each text; None for another text."""
        matching = [token for token in self._tokens() if _same(token, text)]
        return matching[0] if matching else None

    def new_session(self, token: Secret) -> str:
        """The cookie of a session that begins now by a token."""
        return _signed(round(clock.now().timestamp() + self.session_hours * 3600), token)

    def _tokens(self) -> list[Secret]:
        return [token for token in (self.token, self.edit_token) if token is not None]

    def session_ends(self, cookie: str) -> float | None:
        """When a session ends, Unix seconds. None for a cookie that is not ours, or whose time is over."""
        until, _, _ = cookie.partition(".")
        return float(until) if self._token_of_session(cookie) is not None else None

    def _token_of_session(self, cookie: str) -> Secret | None:
        """The token that a session began with, while it lasts."""
        until, _, _ = cookie.partition(".")
        if not until.isdecimal() or len(until) > 12 or clock.now().timestamp() >= int(until):
            return None
        signed = [
            token
            for token in self._tokens()
            if hmac.compare_digest(cookie.encode(), _signed(int(until), token).encode())
        ]
        return signed[0] if signed else None

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers (names in lower case) is of somebody who may see the board."""
        if self.token is None:
            return _name_of(headers.get("host", "")) in LOOPBACK
        return self._token_in(headers) is not None

    def may_edit(self, headers: Mapping[str, str]) -> bool:
        """Whether a request is of somebody who may change the settings."""
        if self.token is None:
            return self.admits(headers)
        return self.edit_token is not None and self._token_in(headers) is self.edit_token

    def _token_in(self, headers: Mapping[str, str]) -> Secret | None:
        """The token that a request has as a bearer or in its session."""
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        bearer = self.token_of(credentials.strip()) if scheme.lower() == "bearer" else None
        return bearer or self._token_of_session(cookie_of(headers))


def _same(token: Secret, text: str) -> bool:
    return hmac.compare_digest(text.encode(), token.reveal().encode())


def _signed(until: int, token: Secret) -> str:
    """A time with its signature by a token."""
    return f"{until}.{hmac.new(token.reveal().encode(), str(until).encode(), hashlib.sha256).hexdigest()}"


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
