"""Where an object's records come from: files, a Google Sheet, Salesforce, or an HTTP API with JSON answers. No I/O.

An origin is declared in TOML, beside the object. Secrets are never written there: the declaration names the place of a
secret, and `aws/secrets.py` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from trunkline.settings.secrets import SecretName

SalesforceApi = Literal["auto", "rest", "bulk"]
SinceFormat = Literal["iso", "date", "epoch_s", "epoch_ms"]


@dataclass(frozen=True, slots=True)
class FilesOrigin:
    """Files or objects below `paths`. New ones are discovered by listing, or announced by S3 in an SQS queue.

    `queue` is a queue's name or URL; only messages about objects below `paths` are used.
    """

    paths: tuple[str, ...]
    discovery: Literal["list", "sqs"] = "list"
    queue: str = ""


@dataclass(frozen=True, slots=True)
class SheetOrigin:
    """A tab of a Google Sheet, read whole. Columns are found by the headers in `header_row` (1 is the first row).

    A sheet with fewer than `rows_min` rows, or without one of `headers`, is not read: it is being edited. `zone` is the
    IANA zone of its dates (empty: the spreadsheet's own). With `deletes`, rows that were removed are deleted, unless
    they are more than `removed_percent_max` of the rows that were there.
    """

    sheet: str
    tab: str
    credentials: SecretName
    header_row: int = 1
    rows_min: int = 1
    headers: tuple[str, ...] = ()
    deletes: bool = False
    removed_percent_max: int = 20
    zone: str = ""


@dataclass(frozen=True, slots=True)
class SalesforceOrigin:
    """Records of one Salesforce object, those that changed since the last run.

    `fields` are API names, with dots for parents (`Owner.Name`); empty: those that the columns need. `where` is a SOQL
    condition. `archived` includes archived tasks and events. Records that changed up to `overlap_s` before the last
    run are read again, since long transactions appear late. No run begins, or goes on, while the organisation has used
    more than `api_percent_max` of its daily calls. `is_lenient`: fields that the organisation does not have, or does
    not show, are left out, for an object that is declared the same for everyone.
    """

    instance: str
    sobject: str
    credentials: SecretName
    fields: tuple[str, ...] = ()
    where: str = ""
    archived: bool = True
    api: SalesforceApi = "auto"
    overlap_s: int = 600
    api_percent_max: int = 80
    is_lenient: bool = False


@dataclass(frozen=True, slots=True)
class CursorPaging:
    """Each answer holds, at `path`, the value of `parameter` for the next page; none, null or empty ends."""

    parameter: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkPaging:
    """Each answer holds the address of the next page: at `path`, or without one in the header `Link` (RFC 8288)."""

    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OffsetPaging:
    """`parameter` counts records or pages (`unit`) from `first`; the first page without a record ends.

    `rows_parameter` asks for `rows` records a page. A page may have fewer: the next one begins after what came.
    """

    parameter: str
    unit: Literal["rows", "pages"] = "rows"
    first: int = 0
    rows_parameter: str = ""
    rows: int = 100


@dataclass(frozen=True, slots=True)
class HeaderAuth:
    """A secret in a header of every request, after `prefix`."""

    secret: SecretName
    header: str = "Authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, slots=True)
class ClientAuth:
    """OAuth 2.0 client credentials (RFC 6749, section 4.4): a token of `token_url` in every request."""

    token_url: str
    client_id: str
    secret: SecretName
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """The query parameter that asks for changes since a time: the newest version read so far less `overlap_s`."""

    parameter: str
    format: SinceFormat = "iso"
    overlap_s: int = 300


@dataclass(frozen=True, slots=True)
class HttpOrigin:
    """Pages of a JSON API. `records` is the path of the list in an answer; empty: the answer is the list.

    `parameters` are added to the address. Without `since`, every run reads all pages. No request follows another
    sooner than `calls_per_s` allows.
    """

    url: str
    records: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    paging: CursorPaging | LinkPaging | OffsetPaging | None = None
    auth: HeaderAuth | ClientAuth | None = None
    since: Since | None = None
    calls_per_s: float = 5.0


Origin: TypeAlias = FilesOrigin | SheetOrigin | SalesforceOrigin | HttpOrigin


def secrets_of(origin: Origin | None) -> tuple[SecretName, ...]:
    """The places of the secrets that an origin needs."""
    if isinstance(origin, SheetOrigin | SalesforceOrigin):
        return (origin.credentials,)
    return (origin.auth.secret,) if isinstance(origin, HttpOrigin) and origin.auth is not None else ()


def is_safe_address(url: str) -> bool:
    """Whether a secret may be sent there: over TLS, or over plain HTTP to this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
