"""A small client of the Redshift Data API: statements by token, long polls, cancelling, results as rows.

The API runs statements asynchronously and remembers them for a day, so what matters is never to run one twice. Every
call here carries the caller's own client token, under which the API returns the same statement for eight hours;
without one, botocore generates a new token for each call. A failed statement is an exception only in `run` and `ended`.
Sources: Amazon Redshift management guide, "Using the Amazon Redshift Data API"; botocore's model `redshift-data`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trunkline import clock
from trunkline.aws.errors import RefusedError, translate_errors
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import (
    DATA_API_BATCH_MAX,
    DATA_API_STATEMENT_BYTES_MAX,
    DATA_API_WAIT_S_MAX,
    READ_S,
)

ENDED: Final = frozenset({"FINISHED", "FAILED", "ABORTED"})
# A long poll has to answer before the network's patience ends.
_POLL_S: Final = min(DATA_API_WAIT_S_MAX, READ_S - 2)
_PAUSE_S: Final = 0.2
_PAUSE_S_MAX: Final = 2.0


class SqlError(TerminalError):
    """The database refused a statement. `text` is its own message, which may quote data; `statement_id` the API's."""

    def __init__(self, text: str, statement_id: str) -> None:
        super().__init__(f"Redshift statement {statement_id} failed: {text}")
        self.text, self.statement_id = text, statement_id


class StatementTimeoutError(TransientError):
    """A statement took longer than it may and was cancelled. `statement` is its last known state."""

    def __init__(self, statement: Statement, seconds: float) -> None:
        super().__init__(f"Redshift statement {statement.id} took longer than {seconds:g} s; it is {statement.status}.")
        self.statement = statement


@dataclass(frozen=True, slots=True)
class RedshiftTarget:
    """Where statements go: a provisioned cluster, or a serverless workgroup, and a database in it.

    `db_user` is for clusters; without it, and without a secret, the IAM identity is the database's user.
    """

    database: str
    cluster: str | None = None
    workgroup: str | None = None
    db_user: str | None = None
    secret_arn: str | None = None
    region: str | None = None

    @property
    def place(self) -> dict[str, str]:
        """The members of a request that say where."""
        request = {
            "ClusterIdentifier": self.cluster,
            "WorkgroupName": self.workgroup,
            "Database": self.database,
            "DbUser": self.db_user if self.cluster else None,
            "SecretArn": self.secret_arn,
        }
        return {name: value for name, value in request.items() if value}

    @property
    def url(self) -> str:
        """The target for people: no user, no secret."""
        return f"redshift+data://{self.cluster or self.workgroup}/{self.database}"


@dataclass(frozen=True, slots=True)
class Statement:
    """What the API knows of a statement.

    `status` is SUBMITTED, PICKED, STARTED, FINISHED, FAILED or ABORTED; `duration_ms` is None where it is unknown;
    `rows` are rows returned or affected, None where that does not apply; `parts` those of a batch, in order.
    """

    id: str
    status: str
    error: str | None = None
    duration_ms: float | None = None
    has_result: bool = False
    rows: int | None = None
    created_at: datetime | None = None
    parts: tuple[Statement, ...] = ()

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class ListedStatement:
    """A statement as it is listed."""

    id: str
    name: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DataApi:
    """The Data API for one target. `sleep` stands in for time.sleep."""

    client: Any
    target: RedshiftTarget
    sleep: Callable[[float], None] = time.sleep

    def execute(self, sql: str, token: str, parameters: Mapping[str, str] | None = None, name: str = "") -> str:
        """Start a statement, or find the one started under this token; its id.

        Every parameter is used in `sql` as `:name`; no value is empty or NULL, since the API binds neither.
        """
        _check_size([sql], parameters)
        request = self._request(token, parameters, name)
        with self._translated():
            return str(self.client.execute_statement(Sql=sql, **request)["Id"])

    def batch(
        self, sqls: Sequence[str], token: str, parameters: Mapping[str, str] | None = None, name: str = ""
    ) -> str:
        """Start statements that commit together or not at all, or find them by token; the batch's id.

        Raises UsageError for no statement, or for more than the service takes.
        """
        if not 1 <= len(sqls) <= DATA_API_BATCH_MAX:
            raise UsageError(f"a batch of {len(sqls)} statements; the Data API takes 1 to {DATA_API_BATCH_MAX}.")
        _check_size(sqls, parameters)
        request = self._request(token, parameters, name)
        with self._translated():
            return str(self.client.batch_execute_statement(Sqls=list(sqls), **request)["Id"])

    def describe(self, statement_id: str, wait_s: float = 0) -> Statement:
        """The state of a statement; waits up to `wait_s` for its end where this botocore supports it."""
        request: dict[str, Any] = {"Id": statement_id}
        if wait_s >= 1 and self._can_wait("DescribeStatement"):
            request["WaitTimeSeconds"] = int(min(wait_s, _POLL_S))
        with self._translated():
            return _statement(self.client.describe_statement(**request))

    def wait(self, statement_id: str, until_s: float) -> Statement:
        """Poll until the statement ends or the monotonic clock reaches `until_s`; the last that was seen.

        A failed poll says nothing about the statement, so polling goes on.
        """
        pause = _PAUSE_S
        while True:
            left = until_s - clock.monotonic_s()
            begun = clock.monotonic_s()
            try:
                seen = self.describe(statement_id, left)
            except TransientError:
                if left <= 0:
                    raise
            else:
                if seen.is_ended or left <= 0:
                    return seen
            if clock.monotonic_s() - begun < 0.5:  # the server did not wait
                self.sleep(max(min(pause, until_s - clock.monotonic_s()), 0))
                pause = min(pause * 1.5, _PAUSE_S_MAX)

    def cancel(self, statement_id: str, wait_s: float = 10) -> Statement:
        """Cancel a statement and wait until it has ended; it may have finished meanwhile."""
        try:
            with self._translated():
                self.client.cancel_statement(Id=statement_id)
        except RefusedError:
            pass  # it has ended: its status says how
        return self.wait(statement_id, clock.monotonic_s() + wait_s)

    def find(self, name: str) -> str | None:
        """The id of the latest statement with exactly this name, None if there was none in the last 24 hours."""
        matches = [statement for statement in self.statements_named(name) if statement.name == name]
        return max(matches, key=lambda statement: statement.created_at).id if matches else None

    def statements_named(self, prefix: str) -> list[ListedStatement]:
        """The statements of the last 24 hours whose name begins with `prefix`, oldest first."""
        place = {
            key: self.target.place[key]
            for key in ("ClusterIdentifier", "WorkgroupName", "Database")
            if key in self.target.place
        }
        with self._translated():
            statements = [
                ListedStatement(str(entry["Id"]), entry["StatementName"], str(entry["Status"]), entry["CreatedAt"])
                for page in self.client.get_paginator("list_statements").paginate(
                    StatementName=prefix, Status="ALL", **place
                )
                for entry in page["Statements"]
                if entry.get("StatementName", "").startswith(prefix)
            ]
        return sorted(statements, key=lambda statement: (statement.created_at, statement.id))

    def rows(self, statement_id: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a result, page by page. DECIMAL, DATE and TIMESTAMP are text, as the API returns them."""
        for page in self.pages(statement_id):
            for row in page["Records"]:
                yield tuple(_value(field) for field in row)

    def table(self, statement_id: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Names and types of a result's columns, and its rows as `rows` gives them."""
        columns: list[tuple[str, str]] = []
        rows: list[tuple[Any, ...]] = []
        for page in self.pages(statement_id):
            columns = columns or [(item.get("name", ""), item.get("typeName", "")) for item in page["ColumnMetadata"]]
            rows += [tuple(_value(field) for field in row) for row in page["Records"]]
        return columns, rows

    def pages(self, statement_id: str) -> Iterator[Mapping[str, Any]]:
        """The pages of a result as the API returns them, with `ColumnMetadata`."""
        with self._translated():
            yield from self.client.get_paginator("get_statement_result").paginate(Id=statement_id)

    def run(
        self, sql: str, token: str, parameters: Mapping[str, str] | None = None, name: str = "", timeout_s: float = 300
    ) -> Statement:
        """Start and wait. Raises SqlError when it fails, StatementTimeoutError when it was cancelled for its length."""
        return self.wait_for(self.execute(sql, token, parameters, name), timeout_s)

    def wait_for(self, statement_id: str, timeout_s: float) -> Statement:
        """Wait for the end of a started statement. Raises what `run` raises."""
        seen = self.wait(statement_id, clock.monotonic_s() + timeout_s)
        if not seen.is_ended:
            seen = self.cancel(statement_id)
            if seen.status != "FINISHED":
                raise StatementTimeoutError(seen, timeout_s)
        if seen.status != "FINISHED":
            raise SqlError(seen.error or seen.status, statement_id)
        return seen

    def _request(self, token: str, parameters: Mapping[str, str] | None, name: str) -> dict[str, Any]:
        request: dict[str, Any] = {**self.target.place, "ClientToken": token}
        if name:
            request["StatementName"] = name
        if parameters:
            request["Parameters"] = [{"name": key, "value": value} for key, value in parameters.items()]
        return request

    def _translated(self) -> AbstractContextManager[None]:
        return translate_errors("redshift-data", self.target.url)

    def _can_wait(self, operation: str) -> bool:
        """Whether this botocore knows long polls of the operation; older ones do not."""
        return "WaitTimeSeconds" in self.client.meta.service_model.operation_model(operation).input_shape.members


def client_token(*parts: object) -> str:
    """The client token of what these name together: 64 characters, all that the API takes."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def start(begin: Callable[[], str], sleep: Callable[[float], None], pauses: Iterable[float]) -> str:
    """The id of a statement that `begin` starts under a client token; repeated after each pause while nothing answers.

    Raises what `begin` raises when it is no TransientError, or when the pauses are used up.
    """
    for pause in pauses:
        try:
            return begin()
        except TransientError:
            sleep(pause)
    return begin()


def _check_size(sqls: Sequence[str], parameters: Mapping[str, str] | None) -> None:
    most = DATA_API_STATEMENT_BYTES_MAX
    for sql in sqls:
        size = len(sql.encode()) + sum(len(value.encode()) for value in (parameters or {}).values())
        if size > most:
            raise UsageError(f"a statement of {size:,} bytes with its values; the Data API takes {most:,}.")
    for key, value in (parameters or {}).items():
        if not value:
            raise UsageError(f"parameter {key} is empty; the Data API binds no empty text and no NULL.")


def _statement(description: Mapping[str, Any]) -> Statement:
    # Nanoseconds; zero or less while unknown.
    duration, rows = description.get("Duration", -1), description.get("ResultRows", -1)
    return Statement(
        id=description["Id"],
        status=description.get("Status", "SUBMITTED"),
        error=description.get("Error") or None,
        duration_ms=duration / 1e6 if duration > 0 else None,
        has_result=bool(description.get("HasResultSet")),
        rows=rows if rows >= 0 else None,
        created_at=description.get("CreatedAt"),
        parts=tuple(map(_statement, description.get("SubStatements", ()))),
    )


def _value(field: Mapping[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
