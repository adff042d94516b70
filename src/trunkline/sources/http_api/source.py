"""The source `http_api`: pages of a JSON API, by cursor, link or offset, and only what changed where it can say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin

import msgspec

from trunkline import clock
from trunkline.errors import TerminalError, TransientError
from trunkline.objects.model import Object
from trunkline.objects.origins import CursorPaging, HttpOrigin, LinkPaging, OffsetPaging, Since
from trunkline.settings.installation import Settings
from trunkline.sources.files.json_text import without_lone_surrogates
from trunkline.sources.http_api.client import AnswerError, ApiAnswer, JsonApi, shown
from trunkline.sources.paged import CursorLostError, PagedReading, PagedSource, epoch_s, member
from trunkline.sources.pages import PagedRecord, RecordPage

NAME: Final = "http_api"
_NEXT: Final = re.compile(r'<([^>]*)>[^,<]*;\s*rel\s*=\s*"?next"?', re.IGNORECASE)
_LOST: Final = frozenset({400, 404, 410, 422})
"""What APIs answer to a cursor that they have forgotten."""
_SECONDS_MAX: Final = 1e11
"""An epoch beyond it is in milliseconds."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """An answer: its records as they are written, and what it says of the next page."""

    records: Sequence[msgspec.Raw]
    following: Any


class HttpApiSource(PagedSource):
    """Records of a JSON API."""

    name = NAME


class HttpPages:
    """The pages of one API for one object."""

    def __init__(
        self, obj: Object, origin: HttpOrigin, settings: Settings | None = None, api: JsonApi | None = None
    ) -> None:
        self._origin, self._api = origin, api or JsonApi(origin)
        self._keys = [obj.by_name[name].path or () for name in obj.key]
        self._version = obj.by_name[obj.version].path or ()

    @property
    def uri(self) -> str:
        """The address without its query."""
        return shown(self._origin.url)

    @property
    def identity(self) -> Sequence[object]:
        """What is asked, without how fast and by whose credentials."""
        origin = self._origin
        return [origin.url, origin.records, origin.parameters, origin.since]

    def begin(self, reading: PagedReading) -> None:
        """With `since` the next reading begins before the newest record of this one."""
        reading.overlap_s = float(self._origin.since.overlap_s) if self._origin.since is not None else None
        if reading.overlap_s is None:
            reading.since = None

    def pages(self, reading: PagedReading) -> Iterator[RecordPage]:
        """The pages from the reading's cursor on.

        Raises CursorLostError where the API does not know it any more, TerminalError for an answer that is not as
        declared, and what requests raise.
        """
        cursor, is_continued = reading.cursor, reading.cursor is not None
        while True:
            read_at = clock.now_naive()
            try:
                answer = self._ask(cursor, reading)
            except AnswerError as error:
                if is_continued and error.status in _LOST:
                    raise CursorLostError from error
                raise
            is_continued = False
            opened = self._opened(answer)
            following = self._next(cursor, answer, opened)
            if following is not None and following == cursor:
                raise TerminalError(
                    f"{self.uri} names the same page as its next one again, so that reading would never end: check "
                    "source.paging."
                )
            yield RecordPage([self._record(bytes(record)) for record in opened.records], following, read_at)
            if following is None:
                return
            cursor = following

    def _ask(self, cursor: str | None, reading: PagedReading) -> ApiAnswer:
        origin, paging = self._origin, self._origin.paging
        if cursor is not None and isinstance(paging, LinkPaging):
            return self._api.get(cursor, {})
        parameters = dict(origin.parameters)
        if origin.since is not None and reading.since is not None:
            parameters[origin.since.parameter] = time_text(origin.since, reading.since)
        if isinstance(paging, OffsetPaging):
            parameters[paging.parameter] = cursor or str(paging.first)
            if paging.rows_parameter:
                parameters[paging.rows_parameter] = str(paging.rows)
        elif cursor is not None and isinstance(paging, CursorPaging):
            parameters[paging.parameter] = cursor
        return self._api.get(origin.url, parameters)

    def _opened(self, answer: ApiAnswer) -> _Opened:
        origin = self._origin
        path = origin.paging.path if isinstance(origin.paging, CursorPaging | LinkPaging) else ()
        try:
            opened = _open(answer.body, origin.records, path)
        except (msgspec.DecodeError, RecursionError):
            repaired = without_lone_surrogates(answer.body)
            if repaired is not None:
                return self._opened(ApiAnswer(repaired, answer.link))
            raise TransientError(
                f"{self.uri} answered with what is not whole JSON ({len(answer.body):,} bytes): it was cut off, or "
                "this is not the address of an API. Try again, and open the address in a browser if it stays so."
            ) from None
        if opened is None:
            place = f"at {'.'.join(origin.records)}" if origin.records else "in place of an object"
            keys = ", ".join(sorted(_members(msgspec.Raw(answer.body)))[:20]) or "none"
            raise TerminalError(
                f"{self.uri} has no list of records {place}: correct source.records. The answer's keys are {keys}."
            )
        return opened

    def _next(self, cursor: str | None, answer: ApiAnswer, opened: _Opened) -> str | None:
        """What the next page is asked by; None at the end."""
        paging = self._origin.paging
        if isinstance(paging, CursorPaging):
            return None if opened.following in (None, "", False) else str(opened.following)
        if isinstance(paging, LinkPaging):
            link = opened.following if paging.path else next(iter(_NEXT.findall(answer.link)), None)
            return urljoin(self._origin.url, link) if isinstance(link, str) and link else None
        if isinstance(paging, OffsetPaging):
            count = len(opened.records)
            return str(int(cursor or paging.first) + (count if paging.unit == "rows" else 1)) if count else None
        return None

    def _record(self, data: bytes) -> PagedRecord:
        try:
            record = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            record = None
        keys = [member(record, path) for path in self._keys]
        key = None if any(value in (None, "") for value in keys) else msgspec.json.encode(keys).decode()
        return PagedRecord(data, key, seconds_of(member(record, self._version)))


def _open(body: bytes, records: Sequence[str], following: Sequence[str]) -> _Opened | None:
    """The answer's records as they are written; None where there is no list of them. Null is an empty list."""
    value, link = _raw_at(body, records), _raw_at(body, following) if following else None
    if value is None:
        return None
    try:
        listed = msgspec.json.decode(value, type=list[msgspec.Raw] | None)
    except msgspec.ValidationError:
        return None
    return _Opened(listed or [], None if link is None else msgspec.json.decode(link))


def _raw_at(body: bytes, path: Sequence[str]) -> msgspec.Raw | None:
    value: msgspec.Raw | None = msgspec.Raw(body)
    for key in path:
        value = None if value is None else _members(value).get(key)
    return value


def _members(value: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return {}


def time_text(since: Since, at_s: float) -> str:
    """A time as the API takes it."""
    at = datetime.fromtimestamp(at_s, UTC)
    return {
        "iso": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "date": at.strftime("%Y-%m-%d"),
        "epoch_s": str(int(at_s)),
        "epoch_ms": str(int(at_s * 1000)),
    }[since.format]


def seconds_of(value: Any) -> float | None:
    """Unix seconds of a version: ISO 8601 (without an offset it is UTC), or seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at.timestamp() if at.tzinfo is not None else epoch_s(at)
        return value / 1000 if value > _SECONDS_MAX else float(value)
    except (ValueError, OverflowError):
        return None
