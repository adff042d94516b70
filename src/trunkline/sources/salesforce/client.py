"""Requests to one Salesforce organisation through simple-salesforce: login, share of calls, errors, Bulk jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from trunkline import clock, limits
from trunkline.aws.secrets import read_secret_fields
from trunkline.errors import TerminalError, TransientError, TrunklineError, UsageError, printable
from trunkline.objects.origins import SalesforceOrigin
from trunkline.settings.secrets import Secret
from trunkline.sources.sessions import is_passing, optional_library, prepare_session

_T = TypeVar("_T")
_PASSING: Final = frozenset(
    {
        "REQUEST_LIMIT_EXCEEDED",
        "SERVER_UNAVAILABLE",
        "UNABLE_TO_LOCK_ROW",
        "QUERY_TIMEOUT",
        "INVALID_QUERY_LOCATOR",
        "EXCEEDED_MAX_CONCURRENT_REQUESTS",
    }
)
"""Codes of failures that pass, beside those that their status shows."""
_ADVICE: Final[Mapping[str, str]] = {
    "API_DISABLED_FOR_ORG": "the edition has no API; ask Salesforce to enable it",
    "API_CURRENTLY_DISABLED": "the user may not use the API; give the profile the permission API Enabled",
    "INSUFFICIENT_ACCESS": "the user may not read it; give its profile Read and View All on the object",
    "INVALID_FIELD": "correct source.fields or the columns' paths, or give the user access to the field",
    "INVALID_TYPE": "correct source.sobject, or give the user's profile Read on the object",
    "NOT_FOUND": "correct source.sobject, or give the user's profile Read on the object",
    "MALFORMED_QUERY": "correct source.where and source.fields",
}
_LOGIN_HELP: Final = "in Setup, App Manager, the connected app needs the client credentials flow and a user to run as"


class SalesforceGoneError(TerminalError):
    """Salesforce does not have what was asked for, such as a Bulk job that it removed."""


@dataclass(slots=True)
class SalesforceClient:
    """One organisation, logged in at the first call. `server_at` is its clock at the last answer, naive UTC."""

    origin: SalesforceOrigin
    sleep: Callable[[float], None] = time.sleep
    server_at: datetime | None = None
    _used: tuple[int, int] = (0, 0)
    _connection: Any = None
    _described: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> Mapping[str, Any]:
        """Salesforce's description of the object: its fields with types, labels and lengths."""
        if not self._described:
            name = self.origin.sobject
            self._described = self.call(lambda connection: getattr(connection, name).describe())
        return self._described

    def query(self, soql: str) -> Mapping[str, Any]:
        """The first page of a query, with deleted and archived records."""
        answer: Mapping[str, Any] = self.call(lambda connection: connection.query(soql, include_deleted=True))
        return answer

    def query_more(self, url: str) -> Mapping[str, Any]:
        """A further page, by the address that the page before it names."""
        answer: Mapping[str, Any] = self.call(lambda connection: connection.query_more(url, identifier_is_url=True))
        return answer

    def deleted(self, start: datetime, end: datetime) -> Mapping[str, Any]:
        """What was deleted between two times (naive UTC), hard deletes too."""
        name, begin, until = self.origin.sobject, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
        answer: Mapping[str, Any] = self.call(lambda connection: getattr(connection, name).deleted(begin, until))
        return answer

    def begin_job(self, soql: str) -> str:
        """Begin a Bulk query over deleted and archived records too; returns the job's id."""
        body = {
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        job_id: str = self._bulk("POST", "", json=body).json()["id"]
        return job_id

    def wait_for_job(self, job_id: str) -> None:
        """Wait until a Bulk job is complete.

        Raises TerminalError for one that failed, TransientError for one that takes too long, and SalesforceGoneError
        for one that is not there any more.
        """
        until_s, pause_s = clock.monotonic_s() + limits.SALESFORCE_BULK_WAIT_S_MAX, limits.SALESFORCE_BULK_POLL_S
        while True:
            job = self._bulk("GET", f"/{job_id}").json()
            if job["state"] == "JobComplete":
                return
            if job["state"] in ("Failed", "Aborted"):
                reason = printable(str(job.get("errorMessage") or "no reason is given"), 300)
                raise TerminalError(
                    f"Salesforce's Bulk job {job_id} for {self.origin.sobject} ended as {job['state']} ({reason}): "
                    'correct the fields or the condition, or set source.api = "rest".'
                )
            if clock.monotonic_s() >= until_s:
                raise TransientError(
                    f"Salesforce's Bulk job {job_id} for {self.origin.sobject} is still {job['state']} after "
                    f"{limits.SALESFORCE_BULK_WAIT_S_MAX / 3600:.0f} hours: see Setup, Bulk Data Load Jobs; try again."
                )
            self.sleep(pause_s)
            pause_s = min(pause_s * 1.5, limits.SALESFORCE_BULK_POLL_S_MAX)

    def job_results(self, job_id: str, locator: str | None) -> tuple[bytes, str | None]:
        """A page of a job's results as CSV with a header, and the locator of the next page (None: there is none)."""
        parameters = {"maxRecords": str(limits.SALESFORCE_BULK_PAGE_RECORDS)}
        if locator:
            parameters["locator"] = locator
        response = self._bulk("GET", f"/{job_id}/results", params=parameters, accept="text/csv")
        following = response.headers.get("Sforce-Locator", "")
        return response.content, None if following in ("", "null") else following

    def remove_job(self, job_id: str) -> None:
        """Remove a job that is read. Salesforce removes one that is left after seven days."""
        try:
            self._bulk("DELETE", f"/{job_id}")
        except TrunklineError:
            return

    def _bulk(self, method: str, path: str, accept: str = "application/json", **options: Any) -> Any:
        def request(connection: Any) -> Any:
            headers = connection.headers | {"Accept": accept}
            url = f"{connection.bulk2_url}query{path}"
            response = connection.session.request(method, url, headers=headers, **options)
            if response.status_code >= 300:
                optional_library("simple_salesforce.util", "salesforce").exception_handler(response, "Bulk query")
            return response

        return self.call(request)

    def call(self, request: Callable[[Any], _T], is_again: bool = False) -> _T:
        """The result of a request; a session that has expired is replaced once.

        Raises TransientError where a later try may succeed, also where others have used the share of the daily calls;
        SalesforceGoneError for what does not exist, and TerminalError for any other refusal.
        """
        library = optional_library("simple_salesforce.exceptions", "salesforce")
        network = optional_library("requests.exceptions", "salesforce")
        self._check_share()
        self._connection = self._connection or self._connected()
        try:
            return request(self._connection)
        except library.SalesforceExpiredSession as error:
            if is_again:
                raise TerminalError(
                    f"Salesforce does not accept the session of {self.origin.instance}: {_LOGIN_HELP}."
                ) from error
        except library.SalesforceError as error:
            raise self._refusal(error.status, error.content) from error
        except network.RequestException as error:
            raise TransientError(
                f"{self.origin.instance} did not answer ({type(error).__name__}): check source.instance and the "
                "network, then try again."
            ) from error
        self._connection = None
        return self.call(request, is_again=True)

    def _connected(self) -> Any:
        library = optional_library("simple_salesforce", "salesforce")
        session = optional_library("requests", "salesforce").Session()
        host = f"https://{urlsplit(self.origin.instance).netloc}"
        prepare_session(session, host, self.origin.instance)
        session.hooks["response"].append(self._notice)
        return library.Salesforce(
            instance_url=host,
            session_id=self._token(session, host).reveal(),
            session=session,
            version=limits.SALESFORCE_API_VERSION,
            parse_float=Decimal,
        )

    def _token(self, session: Any, host: str) -> Secret:
        """An access token by the client credentials flow. Raises UsageError where the secret lacks a field."""
        network = optional_library("requests.exceptions", "salesforce")
        fields = read_secret_fields(self.origin.credentials)
        missing = [name for name in ("client_id", "client_secret") if name not in fields]
        if missing:
            raise UsageError(
                f"the secret {self.origin.credentials} has no {' and no '.join(missing)}: store the connected app's as "
                '{"client_id": "...", "client_secret": "..."}.'
            )
        form = {name: fields[name].reveal() for name in ("client_id", "client_secret")}
        form["grant_type"] = "client_credentials"
        reason = ""
        try:
            response = session.request("POST", f"{host}/services/oauth2/token", data=form)
        except network.RequestException as error:  # not chained: it holds the request, and so the secret
            reason = type(error).__name__
        if reason:
            raise TransientError(f"{self.origin.instance} did not answer the login ({reason}): check source.instance.")
        if is_passing(response.status_code):
            raise TransientError(
                f"{self.origin.instance} answered the login with {response.status_code}: try again later."
            )
        answer = _json(response)
        if response.status_code >= 300 or not isinstance(answer.get("access_token"), str):
            code = printable(str(answer.get("error", response.status_code)))
            raise TerminalError(
                f"Salesforce refused the login to {self.origin.instance} ({code}): check client_id and client_secret "
                f"in {self.origin.credentials}; {_LOGIN_HELP}."
            )
        return Secret(answer["access_token"])

    def _notice(self, response: Any, *_: Any, **__: Any) -> None:
        """Note the server's clock, and how many of the day's calls are used."""
        if date := response.headers.get("Date"):
            self.server_at = parsedate_to_datetime(date).astimezone(UTC).replace(tzinfo=None)
        usage = response.headers.get("Sforce-Limit-Info", "").partition("api-usage=")[2].partition(";")[0]
        used, _slash, total = usage.partition("/")
        if used.isdigit() and total.isdigit():
            self._used = int(used), int(total)

    def _check_share(self) -> None:
        used, total = self._used
        if total and 100 * used >= self.origin.api_percent_max * total:
            raise TransientError(
                f"{used:,} of the {total:,} API calls of {self.origin.instance} in 24 hours are used, and "
                f"source.api_percent_max is {self.origin.api_percent_max}: the rest is left to others. The next run "
                "goes on; raise the share, or run less often."
            )

    def _refusal(self, status: int, content: Any) -> TransientError | TerminalError:
        first = content[0] if isinstance(content, list) and content and isinstance(content[0], dict) else {}
        code, text = str(first.get("errorCode", status)), printable(str(first.get("message", "")), 300)
        reason = f"{code}: {text}" if text else code
        message = f"Salesforce refused {self.origin.sobject} of {self.origin.instance} ({reason})"
        if code in _PASSING or is_passing(status):
            return TransientError(f"{message}: try again later.")
        advice = _ADVICE.get(code, "see the error's code in Salesforce's REST API guide")
        return (SalesforceGoneError if status == 404 else TerminalError)(f"{message}: {advice}.")


def _json(response: Any) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def describe_object(origin: SalesforceOrigin) -> Mapping[str, Any]:
    """Salesforce's description of the origin's object, as `/sobjects/NAME/describe` gives it.

    Raises UsageError for credentials that are none, and what `SalesforceClient.call` raises.
    """
    return SalesforceClient(origin).describe()
