"""Requests to a JSON API: credentials, pace, retries, and what each failure means.

A secret is sent to the declared address alone: redirects are not followed, and a link to another server is refused. No
message shows a query, which may hold one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
import urllib3

from trunkline import clock
from trunkline.aws.secrets import read_secret
from trunkline.errors import TerminalError, TransientError
from trunkline.limits import API_ANSWER_BYTES_MAX, API_READ_S, CONNECT_S
from trunkline.objects.origins import ClientAuth, HeaderAuth, HttpOrigin
from trunkline.settings.secrets import Secret
from trunkline.sources.sessions import is_passing, retries

_TOKEN_MARGIN_S: Final = 30.0
_TOKEN_S_DEFAULT: Final = 300.0


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """A successful answer. `link` is the header `Link`, empty without one."""

    body: bytes
    link: str


class AnswerError(TerminalError):
    """The API refused a request. `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class JsonApi:
    """One API with its credentials, which are read at the first request."""

    origin: HttpOrigin
    sleep: Callable[[float], None] = time.sleep
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=urllib3.Timeout(connect=CONNECT_S, read=API_READ_S))
    )
    _token: Secret | None = None
    _token_until_s: float = 0.0
    _next_s: float = 0.0

    def get(self, url: str, parameters: Mapping[str, str]) -> ApiAnswer:
        """The answer to a GET.

        Raises TransientError where a later try may succeed, AnswerError (a TerminalError) where the API refuses the
        request, and TerminalError for an address of another server or an answer that is too long.
        """
        if urlsplit(url)[:2] != urlsplit(self.origin.url)[:2]:
            raise TerminalError(
                f"{shown(self.origin.url)} names {shown(url)} as its next page, which is another server: the "
                "credentials are not sent there. Correct paging.path, or the origin's url."
            )
        self._wait()
        target = with_parameters(url, parameters)
        response = self._request("GET", target, headers=self._headers())
        if response.status == 401 and isinstance(self.origin.auth, ClientAuth):
            self._token = None  # revoked before its time
            response = self._request("GET", target, headers=self._headers())
        if response.status >= 300:
            raise self._error(url, response)
        if len(response.data) > API_ANSWER_BYTES_MAX:
            raise TerminalError(
                f"an answer of {shown(url)} has {len(response.data):,} bytes; at most {API_ANSWER_BYTES_MAX:,} are "
                "read. Ask for fewer records a page."
            )
        return ApiAnswer(response.data, response.headers.get("Link", ""))

    def _wait(self) -> None:
        """Keep the pace of `calls_per_s`."""
        wait_s = self._next_s - clock.monotonic_s()
        if wait_s > 0:
            self.sleep(wait_s)
        self._next_s = clock.monotonic_s() + 1 / self.origin.calls_per_s

    def _request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, url, retries=retries(), redirect=False, **options)
        except urllib3.exceptions.HTTPError as error:
            # Not chained: its text has the whole address.
            reason = type(getattr(error, "reason", None) or error).__name__
        raise TransientError(
            f"{shown(url)} did not answer ({reason}): check the network and the address, then try again."
        )

    def _headers(self) -> dict[str, str]:
        auth = self.origin.auth
        headers = {"Accept": "application/json", "User-Agent": "trunkline"}
        if isinstance(auth, HeaderAuth):
            self._token = self._token or read_secret(auth.secret)
            headers[auth.header] = auth.prefix + self._token.reveal()
        elif auth is not None:
            if self._token is None or clock.monotonic_s() >= self._token_until_s:
                self._token = self._new_token(auth)
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return headers

    def _new_token(self, auth: ClientAuth) -> Secret:
        """A token by client credentials: the client in the header, as RFC 6749 prefers, else in the form."""
        form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
        secret = read_secret(auth.secret)
        header = urllib3.make_headers(basic_auth=f"{auth.client_id}:{secret.reveal()}")
        response = self._post(auth.token_url, form, header)
        if response.status in (400, 401):
            both = form | {"client_id": auth.client_id, "client_secret": secret.reveal()}
            response = self._post(auth.token_url, both, {})
        if response.status >= 300:
            raise self._error(auth.token_url, response)
        try:
            answer = msgspec.json.decode(response.data, type=dict[str, Any])
        except (msgspec.DecodeError, msgspec.ValidationError):
            answer = {}
        token, seconds = answer.get("access_token"), answer.get("expires_in", _TOKEN_S_DEFAULT)
        if not isinstance(token, str) or not token:
            raise TerminalError(f"{shown(auth.token_url)} answered without an access_token: check auth.token_url.")
        lasting_s = float(seconds) if isinstance(seconds, int | float) else _TOKEN_S_DEFAULT
        self._token_until_s = clock.monotonic_s() + max(0.0, lasting_s - _TOKEN_MARGIN_S)
        return Secret(token)

    def _post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        form_type = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return self._request("POST", url, body=urlencode(form), headers=form_type | dict(headers))

    def _error(self, url: str, response: urllib3.BaseHTTPResponse) -> TransientError | AnswerError:
        """What a failed answer means. Its body is not shown: it may quote the request."""
        status, place = response.status, f"{shown(url)} answered {response.status}"
        if is_passing(status):
            wait = response.headers.get("Retry-After", "")
            later = f" in {wait} s" if wait.isdigit() else " later"
            return TransientError(f"{place} to every try: it is throttled or fails. Try again{later}.")
        auth = self.origin.auth
        named = f"the secret {auth.secret}" if auth is not None else "that it needs credentials: declare source.auth"
        advice = {
            401: f"the credentials are wrong or expired; check {named}",
            403: f"these credentials may not read it; ask its owner, or check {named}",
            404: "there is nothing at this address; check the origin's url",
            400: "it does not understand the request; check the parameters of the origin",
        }.get(status, "it redirects, which is not followed; write its address as url" if status < 400 else "")
        return AnswerError(f"{place}" + (f": {advice}." if advice else ": see its documentation."), status)


def shown(url: str) -> str:
    """An address without its query, which may hold a secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The address with these parameters in its query, in place of those of the same name."""
    parts = urlsplit(url)
    kept = [part for part in parts.query.split("&") if part and part.partition("=")[0] not in parameters]
    return urlunsplit(parts._replace(query="&".join([*kept, *([urlencode(parameters)] if parameters else [])])))
