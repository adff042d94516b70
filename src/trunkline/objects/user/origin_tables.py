"""The TOML table of an origin, read into the records of `objects/origins.py`. No I/O.

What is wrong is a UsageError that names the file, the line, the key, the value and what is valid. A value that may be a
secret is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.objects.origins import (
    ClientAuth,
    CursorPaging,
    FilesOrigin,
    HeaderAuth,
    HttpOrigin,
    LinkPaging,
    OffsetPaging,
    Origin,
    SalesforceApi,
    SalesforceOrigin,
    SheetOrigin,
    Since,
    SinceFormat,
    is_safe_address,
)
from trunkline.settings.secrets import PLACES_OF_SECRETS, SecretName, secret_name

_OVERLAP_S_MAX: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of one TOML table, checked as they are read. `where` gives the file, line and table of a key."""

    table: Mapping[str, Any]
    where: Callable[[str], str]
    parent: str = ""

    def error(self, key: str, valid: str) -> UsageError:
        full = self.parent + key
        return UsageError(f"{self.where(full)} {full} = {self.table[key]!r} is not valid; {valid}")

    def missing(self, key: str, do: str) -> UsageError:
        return UsageError(f"{self.where(self.parent.rstrip('.'))} has no {self.parent}{key}; {do}")

    def only(self, *allowed: str) -> None:
        """Raises UsageError for a key that is not allowed."""
        for key in self.table:
            if key not in allowed:
                full = self.parent + key
                raise UsageError(f"{self.where(full)} has an unknown key {full!r}; keys are {', '.join(allowed)}")

    def text(self, key: str, need: str = "") -> str:
        """A text that is not empty; without the key "", or the UsageError where `need` says what to write."""
        if key not in self.table and not need:
            return ""
        if key not in self.table:
            raise self.missing(key, need)
        value = self.table[key]
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "it must be a text that is not empty")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(part, str) and part.strip() for part in value):
            raise self.error(key, "it must be a list of texts")
        return tuple(value)

    def path(self, key: str, need: str = "") -> tuple[str, ...]:
        """`a.b`, or a list of keys where one has a dot."""
        if isinstance(self.table.get(key), list):
            return self.texts(key)
        text = self.text(key, need)
        if ".." in f".{text}." and text:
            raise self.error(key, 'it must be "a.b", or ["a", "b.c"] where a key has a dot')
        return tuple(text.split(".")) if text else ()

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        value = self.table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(key, f"it must be a whole number from {low:,} to {high:,}")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.table.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(key, f"it must be a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "it must be true or false")
        return value

    def choice(self, key: str, default: str, valid: Sequence[str]) -> Any:
        value = self.table.get(key, default)
        if value not in valid:
            raise self.error(key, f"valid are {', '.join(valid)}")
        return value

    def secret(self, key: str, what: str) -> SecretName:
        """The name of a secret. No UsageError shows the value: somebody may have written the secret itself."""
        full = self.parent + key
        if key not in self.table:
            raise self.missing(key, f"name where {what} is: {PLACES_OF_SECRETS}")
        value = self.table[key]
        name = secret_name(value) if isinstance(value, str) else None
        if name is None:
            raise UsageError(
                f"{self.where(full)} {full} names no place; valid are {PLACES_OF_SECRETS}. The secret itself does not "
                "belong in this file, which people share: if it was written here, replace it at its service"
            )
        return name

    def address(self, key: str, need: str) -> str:
        """An https address; http is allowed on this machine alone, since a secret travels with each request.

        Raises UsageError without the value, in which a password may be.
        """
        text = self.text(key, need)
        try:
            parts = urlsplit(text)
            is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and not parts.username
        except ValueError:
            is_usable = False
        if not is_usable or not is_safe_address(text):
            full = self.parent + key
            raise UsageError(
                f"{self.where(full)} {full} is not an address that may receive a secret; it must be https://HOST/... "
                "without a user in it (http:// is for this machine alone)"
            )
        return text

    def inner(self, key: str) -> _Keys | None:
        """A table in this one, None without it."""
        if key not in self.table:
            return None
        if not isinstance(self.table[key], dict):
            raise self.error(key, f"it must be a table, such as {key} = {{ ... }}")
        return _Keys(self.table[key], self.where, f"{self.parent}{key}.")


def origin_from_table(table: Mapping[str, Any], where: Callable[[str], str]) -> Origin:
    """The origin that a TOML table declares.

    `where` gives the beginning of an error for a key of the table, with dots for inner tables ("" is the table itself),
    such as `objects.toml, line 12: [object.task.source]`. Raises UsageError with it, the key, the value and what is
    valid.
    """
    keys = _Keys(table, where)
    if "type" not in table:
        raise keys.missing("type", f"it is one of {', '.join(_TYPES)}")
    return _TYPES[keys.choice("type", "", tuple(_TYPES))](keys)


def _files(keys: _Keys) -> FilesOrigin:
    keys.only("type", "paths", "discovery", "queue")
    paths, discovery = keys.texts("paths"), keys.choice("discovery", "list", ("list", "sqs"))
    if not paths:
        raise keys.missing("paths", 'name folders, globs or S3 prefixes, such as paths = ["s3://bucket/prefix/"]')
    queue = keys.text("queue", "name the queue that S3 notifies" if discovery == "sqs" else "")
    if queue and discovery == "list":
        raise keys.error("queue", 'a queue is read with discovery = "sqs" alone')
    if discovery == "sqs" and not all(path.startswith("s3://") for path in paths):
        raise keys.error("paths", "S3 alone announces objects in a queue: each must begin with s3://")
    return FilesOrigin(paths, discovery, queue)


def _sheet(keys: _Keys) -> SheetOrigin:
    keys.only(
        "type", "sheet", "tab", "credentials", "header_row", "rows_min", "headers", "deletes", "removed_percent_max",
        "zone",
    )  # fmt: skip
    zone = keys.text("zone")
    if zone:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError) as error:
            raise keys.error("zone", "it must be an IANA time zone, such as Europe/Berlin") from error
    sheet = keys.text("sheet", "write the id in the sheet's address, or the address")
    match = re.fullmatch(r"(?:https://docs\.google\.com/spreadsheets/d/)?([\w-]{20,})(?:[/?#].*)?", sheet)
    if match is None:
        raise keys.error("sheet", "it must be the address of a Google Sheet, or the id after /d/ in it")
    return SheetOrigin(
        sheet=match[1],
        tab=keys.text("tab", "write the tab's name as the sheet shows it"),
        credentials=keys.secret("credentials", "the JSON key of a service account"),
        header_row=keys.integer("header_row", 1, 1, 1_000),
        rows_min=keys.integer("rows_min", 1, 0, 10_000_000),
        headers=keys.texts("headers"),
        deletes=keys.flag("deletes", default=False),
        removed_percent_max=keys.integer("removed_percent_max", 20, 1, 100),
        zone=zone,
    )


def _salesforce(keys: _Keys) -> SalesforceOrigin:
    keys.only(
        "type", "instance", "sobject", "credentials", "fields", "where", "archived", "api", "overlap_s",
        "api_percent_max",
    )  # fmt: skip
    sobject = keys.text("sobject", "write the API name of the object, such as Task")
    fields = keys.texts("fields")
    if not re.fullmatch(r"\w+", sobject, re.ASCII):
        raise keys.error("sobject", "it must be an API name, such as Task or litify_pm__Matter__c")
    if not all(re.fullmatch(r"\w+(\.\w+)*", field, re.ASCII) for field in fields):
        raise keys.error("fields", "each must be an API name, with dots for parents, such as Owner.Name")
    return SalesforceOrigin(
        instance=keys.address("instance", "write your My Domain, https://NAME.my.salesforce.com").rstrip("/"),
        sobject=sobject,
        credentials=keys.secret("credentials", "the JSON text with client_id and client_secret"),
        fields=fields,
        where=keys.text("where"),
        archived=keys.flag("archived", default=True),
        api=keys.choice("api", "auto", get_args(SalesforceApi)),
        overlap_s=keys.integer("overlap_s", 600, 0, _OVERLAP_S_MAX),
        api_percent_max=keys.integer("api_percent_max", 80, 1, 100),
    )


def _http(keys: _Keys) -> HttpOrigin:
    keys.only("type", "url", "records", "parameters", "paging", "auth", "since", "calls_per_s")
    parameters = keys.inner("parameters")
    for name, value in (parameters.table if parameters else {}).items():
        if parameters is not None and (not isinstance(value, str | int | float) or isinstance(value, bool)):
            raise parameters.error(name, "it must be a text or a number")
    return HttpOrigin(
        url=keys.address("url", "write the address of the first page"),
        records=keys.path("records"),
        parameters=tuple((name, str(value)) for name, value in parameters.table.items()) if parameters else (),
        paging=_paging(keys.inner("paging")),
        auth=_auth(keys.inner("auth")),
        since=_since(keys.inner("since")),
        calls_per_s=keys.number("calls_per_s", 5.0, 0.01, 1_000),
    )


def _paging(keys: _Keys | None) -> CursorPaging | LinkPaging | OffsetPaging | None:
    if keys is None:
        return None
    kind = keys.choice("type", "", ("cursor", "link", "offset")) if "type" in keys.table else ""
    if kind == "cursor":
        keys.only("type", "parameter", "path")
        parameter = keys.text("parameter", "name the query parameter of the cursor")
        return CursorPaging(parameter, keys.path("path", "write where an answer has the next cursor"))
    if kind == "link":
        keys.only("type", "path")
        return LinkPaging(keys.path("path"))
    if kind == "offset":
        keys.only("type", "parameter", "rows", "rows_parameter", "unit", "first")
        parameter = keys.text("parameter", "name the query parameter that counts")
        unit = keys.choice("unit", "rows", ("rows", "pages"))
        first, rows = keys.integer("first", 0, 0, 1), keys.integer("rows", 100, 1, 100_000)
        if "rows" in keys.table and "rows_parameter" not in keys.table:
            raise keys.missing("rows_parameter", "name the query parameter that takes the number of rows")
        return OffsetPaging(parameter, unit, first, keys.text("rows_parameter"), rows)
    raise keys.missing("type", "it is one of cursor, link, offset")


def _auth(keys: _Keys | None) -> HeaderAuth | ClientAuth | None:
    if keys is None:
        return None
    kind = keys.choice("type", "", ("header", "client")) if "type" in keys.table else ""
    if kind == "header":
        keys.only("type", "header", "prefix", "secret")
        prefix = keys.table.get("prefix", "Bearer ")
        if not isinstance(prefix, str):
            raise keys.error("prefix", 'it must be a text; "" for none')
        header = keys.text("header") or "Authorization"
        if not re.fullmatch(r"[A-Za-z0-9-]+", header):
            raise keys.error("header", "it must be the name of a header, such as X-Api-Key")
        return HeaderAuth(keys.secret("secret", "the token"), header, prefix)
    if kind == "client":
        keys.only("type", "token_url", "client_id", "secret", "scope")
        token_url = keys.address("token_url", "write the address that gives tokens")
        client_id = keys.text("client_id", "write the id of the client")
        return ClientAuth(token_url, client_id, keys.secret("secret", "the client's secret"), keys.text("scope"))
    raise keys.missing("type", "it is one of header, client")


def _since(keys: _Keys | None) -> Since | None:
    if keys is None:
        return None
    keys.only("parameter", "format", "overlap_s")
    parameter = keys.text("parameter", "name the query parameter that takes a time")
    format_ = keys.choice("format", "iso", get_args(SinceFormat))
    return Since(parameter, format_, keys.integer("overlap_s", 300, 0, _OVERLAP_S_MAX))


_TYPES: Final[Mapping[str, Callable[[_Keys], Origin]]] = {
    "files": _files,
    "sheet": _sheet,
    "salesforce": _salesforce,
    "http": _http,
}
