"""The state of a run, written before and after every call, beside the release: `Rel7.txt.state.json`.

The next run finds there what a killed run has done. There is one writer: on disk the release file is locked during a
run; in S3 a put fails when another run has put meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from trunkline.aws.errors import translate_errors
from trunkline.errors import SourceChangedError, TerminalError, TransientError, printable

ENDING: Final = ".state.json"
NOT_RUN: Final = "NOT_RUN"
REQUESTED: Final = "UNKNOWN"


class CallState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one call.

    `status` is NOT_RUN, UNKNOWN (the request was sent, its answer is not recorded) or the Data API's; `asked_at` is the
    time of the request, ISO in UTC; `query_id`, `error` and `duration_ms` are None where there is none.
    """

    number: int
    status: str = NOT_RUN
    query_id: str | None = None
    error: str | None = None
    duration_ms: float | None = None
    asked_at: str | None = None


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one release (`digest`) against one target. `request_id` is that of the event that began it."""

    run_id: str
    digest: str
    target: str
    started_at: str
    calls: tuple[CallState, ...]
    request_id: str | None = None
    is_finished: bool = False
    version: int = 1


class StateStore(Protocol):
    """Storage of a run's state."""

    def load(self) -> RunState | None:
        """The last run's state, None where there is none. Raises TerminalError where it cannot be read."""
        ...

    def save(self, state: RunState) -> None:
        """Store this state; durable when it returns.

        Raises SourceChangedError where another run has written meanwhile, TerminalError where it cannot be written.
        """
        ...


class NoStateStore:
    """No storage, for a call that an event names: only the event's id identifies a repeat."""

    def load(self) -> RunState | None:
        """None: nothing is stored."""
        return None

    def save(self, state: RunState) -> None:
        """Does nothing."""


class DiskStateStore:
    """A file beside the release."""

    def __init__(self, release_path: str) -> None:
        self._path = Path(release_path + ENDING)

    def load(self) -> RunState | None:
        """As `StateStore.load`. Raises TerminalError for a file that cannot be read."""
        try:
            return _decoded(self._path.read_bytes(), str(self._path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TerminalError(f"{printable(str(self._path))} cannot be read: {error.strerror}.") from error

    def save(self, state: RunState) -> None:
        """As `StateStore.save`; atomic. Raises TerminalError where the file cannot be written."""
        try:
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".state-", delete=False) as file:
                try:
                    file.write(_encoded(state))
                    file.flush()
                    os.fsync(file.fileno())
                    os.replace(file.name, self._path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise TerminalError(
                f"{printable(str(self._path))} cannot be written ({error.strerror}); a run needs it to "
                "go on after a crash."
            ) from error


class S3StateStore:
    """An object beside the release; needs s3:PutObject there."""

    def __init__(self, s3: Any, uri: str) -> None:
        self._s3, self._uri = s3, uri + ENDING
        self._bucket, _, self._key = self._uri.removeprefix("s3://").partition("/")
        self._etag: str | None = None

    def load(self) -> RunState | None:
        """As `StateStore.load`."""
        from botocore.exceptions import ClientError

        with translate_errors("s3", self._uri):
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
            except ClientError as error:
                if error.response["Error"].get("Code") != "NoSuchKey":
                    raise
                self._etag = None
                return None
            self._etag = answer["ETag"]
            with answer["Body"] as body:
                return _decoded(body.read(), self._uri)

    def save(self, state: RunState) -> None:
        """As `StateStore.save`: SourceChangedError where another run has put since the last load or save."""
        unchanged = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        data = _encoded(state)
        try:
            with translate_errors("s3", self._uri):
                put = self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=data, **unchanged)
        except SourceChangedError as error:
            raise SourceChangedError(
                f"{printable(self._uri)} was written by another run of this release meanwhile: wait for it to end, "
                "then run again."
            ) from error
        self._etag = put["ETag"]


@contextmanager
def locked(release_path: str) -> Iterator[None]:
    """Lock a release on disk. Raises TransientError when another process runs it."""
    with Path(release_path).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TransientError(
                f"{printable(release_path)} is being run by another process: wait for it to end."
            ) from error
        yield


def _encoded(state: RunState) -> bytes:
    return msgspec.json.format(msgspec.json.encode(state)) + b"\n"


def _decoded(data: bytes, where: str) -> RunState:
    try:
        return msgspec.json.decode(data, type=RunState)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TerminalError(
            f"{printable(where)} is not a valid state of a run ({error}): find out what the last run has "
            "done, then remove the file."
        ) from error
