"""A tab of a Google Sheet through gspread: its cells as they are stored, and the spreadsheet's time zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trunkline.aws.secrets import read_secret
from trunkline.errors import TerminalError, TransientError, UsageError, printable
from trunkline.objects.origins import SheetOrigin
from trunkline.sources.sessions import is_passing, optional_library, prepare_session

_SCOPE: Final = "https://www.googleapis.com/auth/spreadsheets.readonly"
_SERIALS: Final = "SERIAL_NUMBER"
_GOOGLE: Final = "https://sheets.googleapis.com"


@dataclass(frozen=True, slots=True)
class SheetCells:
    """A tab as it was read. Rows have different lengths: empty cells at their ends are not sent.

    A number, date or time is a number, a truth value a boolean, everything else text. `zone` is the spreadsheet's.
    """

    rows: Sequence[Sequence[Any]]
    zone: str


def read_cells(origin: SheetOrigin, endpoint: str = "") -> SheetCells:
    """All cells of the tab, unformatted. `endpoint` is that of the API where it is not Google's own.

    Raises UsageError for credentials that are none, TransientError where a later try may succeed, and TerminalError
    where the sheet is not shared, or has no such tab.
    """
    (cells,) = _read(origin, endpoint, "", _SERIALS)
    return cells


def read_first_rows(origin: SheetOrigin, rows: int, endpoint: str = "") -> tuple[SheetCells, SheetCells]:
    """So many rows of the tab, once as `read_cells` has them, and once with dates and times as people see them.

    A cell that is a number in the first and a text in the second is a date or time. Raises what `read_cells` does.
    """
    stored, shown = _read(origin, endpoint, f"!1:{rows}", _SERIALS, "FORMATTED_STRING")
    return stored, shown


def _read(origin: SheetOrigin, endpoint: str, part: str, *dates: str) -> list[SheetCells]:
    """The cells of a part of the tab, once with dates and times in each of these forms."""
    gspread = optional_library("gspread", "sheets")
    account = _account(origin)
    with _translated(origin, str(account.get("client_email", "the service account"))):
        client = gspread.http_client.HTTPClient(None, _session(account, origin, endpoint))
        sheet = client.fetch_sheet_metadata(origin.sheet, {"fields": "properties.timeZone,sheets.properties.title"})
        tabs = [str(tab["properties"]["title"]) for tab in sheet.get("sheets", ())]
        if origin.tab not in tabs:
            raise TerminalError(
                f"the Google Sheet {origin.sheet} has no tab {printable(origin.tab)!r}; its tabs are "
                f"{', '.join(printable(tab) for tab in tabs) or 'none'}: correct source.tab."
            )
        # Not get_values, which fills the rows up: a cell that is missing and one that is empty look alike then.
        quoted = "'" + origin.tab.replace("'", "''") + "'"
        options = {"majorDimension": "ROWS", "valueRenderOption": "UNFORMATTED_VALUE"}
        answers = [
            client.values_get(origin.sheet, quoted + part, {**options, "dateTimeRenderOption": form}) for form in dates
        ]
    zone = sheet.get("properties", {}).get("timeZone", "Etc/UTC")
    return [SheetCells(answer.get("values", []), zone) for answer in answers]


def _account(origin: SheetOrigin) -> dict[str, Any]:
    """The service account's key. Raises UsageError without anything of it."""
    try:
        account = msgspec.json.decode(read_secret(origin.credentials).reveal(), type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        account = {}
    missing = [key for key in ("client_email", "private_key", "token_uri") if not account.get(key)]
    if missing:
        raise UsageError(
            f"the secret {origin.credentials} is not the JSON key of a Google service account (it lacks "
            f"{', '.join(missing)}): create a key in Google Cloud, IAM, Service accounts, Keys, and store its whole "
            "text."
        )
    return account


def _session(account: dict[str, Any], origin: SheetOrigin, endpoint: str) -> Any:
    service_account = optional_library("google.oauth2.service_account", "sheets")
    transport = optional_library("google.auth.transport.requests", "sheets")
    problem = ""
    try:
        credentials = service_account.Credentials.from_service_account_info(account, scopes=[_SCOPE])
    except ValueError as error:  # its text may quote the key
        problem = type(error).__name__
    if problem:
        raise UsageError(
            f"the private_key in the secret {origin.credentials} cannot be read ({problem}): store the key's JSON file "
            "unchanged, with \\n in place of its line ends."
        )
    session = transport.AuthorizedSession(credentials)
    prepare_session(session, _GOOGLE, endpoint)
    return session


@contextmanager
def _translated(origin: SheetOrigin, account: str) -> Iterator[None]:
    """Errors of Google and of the network as ours."""
    from google.auth.exceptions import GoogleAuthError, RefreshError
    from gspread.exceptions import APIError
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise _refusal(origin, account, error.code, str(error.error.get("message", ""))) from error
    except RefreshError as error:
        if error.retryable:
            raise _no_answer(origin, error) from error
        raise TerminalError(
            f"Google refused the key of {account} ({printable(str(error.args[0]) if error.args else 'no reason')}): it "
            "was deleted or disabled, or this machine's clock is wrong. Store a new key as "
            f"{origin.credentials}, or set the clock."
        ) from error
    except (GoogleAuthError, RequestException) as error:
        raise _no_answer(origin, error) from error


def _no_answer(origin: SheetOrigin, error: Exception) -> TransientError:
    return TransientError(
        f"Google did not answer for the sheet {origin.sheet} ({type(error).__name__}): check the network, then try "
        "again."
    )


def _refusal(origin: SheetOrigin, account: str, status: int, message: str) -> TransientError | TerminalError:
    sheet = f"the Google Sheet {origin.sheet}"
    if is_passing(status):
        return TransientError(
            f"Google answered {status} to every try for {sheet}: it allows 60 reads a minute for each account. Try "
            "again in a minute, and read fewer sheets at once."
        )
    if status in (403, 404) and "has not been used" not in message and "disabled" not in message:
        return TerminalError(
            f"{account} may not read {sheet}, or it does not exist ({status}): open the sheet, press Share, and give "
            f"{account} the role Viewer; or correct source.sheet."
        )
    if status == 403:
        return TerminalError(
            f"the Google Sheets API is not enabled in the project of {account}: enable it in Google Cloud, APIs & "
            "Services, then try again in some minutes."
        )
    return TerminalError(f"Google refused {sheet} ({status}: {printable(message, 300)}).")
