"""Answers of the API in a file, so that a run that was killed at any call repeats none.

One line per answer, written before the next call is made. The file has contacts as the API returns them, with phone
numbers: only its owner may read it, and it is removed when the contacts are in the lake.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.sources.connect_api.quota import CallClock

# An older answer may be out of date (after-contact work has ended, contacts were indexed): the call is made again.
AGE_S_MAX: Final = 3600.0


class JournaledSearch(msgspec.Struct, frozen=True):
    """A search's range (Unix seconds), a hash of its other parameters, and whether the answer is its first page."""

    begins_s: float
    ends_s: float
    rest: str
    is_first: bool


class JournalLine(msgspec.Struct, frozen=True):
    """One answer: the request's hash, its time (Unix seconds), and the contact or the search it is about.

    The answer stays encoded: as objects, the pages of a search would take about five times the memory.
    """

    key: str
    at_s: float
    contact_id: str | None
    answer: msgspec.Raw
    search: JournaledSearch | None = None


class CallJournal:
    """The answers of one run over an instance. `path` need not exist; its folder must."""

    def __init__(self, path: Path, pace: CallClock) -> None:
        self._path, self._pace = path, pace
        self._lock = threading.Lock()
        self._lines = {line.key: line for line in _read(path) if 0 <= pace.now_s() - line.at_s <= AGE_S_MAX}
        self._handle: int | None = None
        self._rewrite()

    def recall(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to the same request, if it is there and not too old."""
        line = self._lines.get(_key(operation, parameters))
        return None if line is None else msgspec.json.decode(line.answer)

    def remember(self, operation: str, parameters: Mapping[str, Any], answer: dict[str, Any]) -> None:
        """Store an answer; it survives the death of the process when this returns."""
        contact_id = parameters.get("ContactId") or parameters.get("InitialContactId")
        kept = msgspec.Raw(msgspec.json.encode(answer))
        line = JournalLine(_key(operation, parameters), self._pace.now_s(), contact_id, kept, _search(parameters))
        with self._lock:
            self._lines[line.key] = line
            self._append(msgspec.json.encode(line) + b"\n")

    def searched_from(self, parameters: Mapping[str, Any]) -> datetime | None:
        """The start of the latest cached search that begins before this one and is otherwise the same, or None."""
        requested = _search(parameters)
        begun = [
            search.begins_s
            for search in self._searches()
            if requested
            and search.is_first
            and (search.ends_s, search.rest) == (requested.ends_s, requested.rest)
            and search.begins_s < requested.begins_s
        ]
        return datetime.fromtimestamp(max(begun), UTC) if begun else None

    def searched_since(self) -> datetime | None:
        """When the oldest cached search was made; None when no search is cached."""
        requested = [line.at_s for line in self._lines.values() if line.search]
        return datetime.fromtimestamp(min(requested), UTC) if requested else None

    def forget(self, contact_ids: Collection[str], through: datetime) -> None:
        """Drop what is durable elsewhere: answers about these contacts, and searches that list nothing after `through`.

        The search that continues there is kept from its first page on, because only it leads to the pages read ahead:
        at most the pages of one query more.
        """
        dropped, reached_s = {None, *contact_ids}, through.timestamp()
        with self._lock:
            # A search includes the second before its first contacts: one that begins at `through` lists too little.
            begun = [search.begins_s for search in self._searches() if search.begins_s < reached_s < search.ends_s]
            since_s = max(begun, default=reached_s)
            self._lines = {
                key: line
                for key, line in self._lines.items()
                if (
                    line.search.begins_s >= since_s and line.search.ends_s > reached_s
                    if line.search
                    else line.contact_id not in dropped
                )
            }
            self._rewrite()

    def _searches(self) -> list[JournaledSearch]:
        return [line.search for line in self._lines.values() if line.search]

    def clear(self) -> None:
        """Drop everything: the run has finished."""
        with self._lock:
            self._lines = {}
            self._rewrite()

    def close(self) -> None:
        """Close the file, and remove it when it is empty."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
            if not self._lines:
                self._path.unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        if self._handle is None:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._handle, data)

    def _rewrite(self) -> None:
        """Write the file without dropped lines. It is replaced as a whole."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if not self._lines:
            self._path.unlink(missing_ok=True)
            return
        made = self._path.with_suffix(".new")
        made.unlink(missing_ok=True)
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(msgspec.json.encode(line) + b"\n" for line in self._lines.values())
        made.replace(self._path)


def _read(path: Path) -> list[JournalLine]:
    """The complete lines: the last one may be truncated, if the process died while writing."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    lines: list[JournalLine] = []
    for line in data.splitlines():
        try:
            lines.append(msgspec.json.decode(line, type=JournalLine))
        except msgspec.DecodeError:
            continue
    return lines


def _search(parameters: Mapping[str, Any]) -> JournaledSearch | None:
    requested = parameters.get("TimeRange")
    if requested is None:
        return None
    rest = {key: value for key, value in parameters.items() if key not in ("NextToken", "TimeRange")}
    return JournaledSearch(
        requested["StartTime"].timestamp(),
        requested["EndTime"].timestamp(),
        _key(requested["Type"], rest),
        "NextToken" not in parameters,
    )


def _key(operation: str, parameters: Mapping[str, Any]) -> str:
    text = operation.encode() + msgspec.json.encode(dict(parameters), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:32]
