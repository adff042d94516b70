"""A Redshift Data API in front of a real PostgreSQL, for plain boto3 over HTTP, or in process.

What comes in and what goes out is checked against botocore's own model, limits of length and pattern included (which
boto3 itself does not check). Statements really run, in threads, each on a connection of its own. What is assumed,
because the documentation does not say or because PostgreSQL stands where Redshift would:

- A ClientToken gives the same statement for 8 hours when the request is the same; with another request it is a
  ValidationException. Statements are described and listed for 24 hours, after that ResourceNotFoundException.
- `:name` is bound as a real, untyped parameter. One inside quotes or a comment, a `?`, or a brace is refused where there
  are parameters: what the service does with it is not documented. A listed parameter that is not used, or a used one that
  is not listed, is a ValidationException. 200 KB (200,000 bytes) is the most for a statement, its parameters included.
- A request holds one statement: PostgreSQL's extended protocol refuses a second one.
- A batch runs in one transaction. When one fails the others are ABORTED, the batch FAILED with "Query #n failed with ...".
  AUTO_COMMIT runs until the first that fails.
- A cancelled statement is ABORTED; cancelling one that has ended is a ValidationException.
- ListStatements takes StatementName as a prefix and, unless asked, shows FINISHED ones only.
- An unknown cluster is a ValidationException at once, an unknown database a FAILED statement.
- TRUNCATE does not commit (it does in Redshift). Sessions and CSV results are not there.
- COPY is that of redshift_copy.py; SUPER is jsonb, and comes as its JSON text.
`commands` runs what PostgreSQL lacks: pairs of a pattern and a function of (connection, match) that gives rows affected.
`translate` turns Redshift's SQL into PostgreSQL's. `committed` are the batches and statements that took effect, in order.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from botocore.session import Session

MODEL: ServiceModel = Session().get_service_model("redshift-data")
STATEMENT_BYTES_MAX = 200_000
_QUOTED_OR_COMMENT = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$\$.*?\$\$"
_PIECE = re.compile(rf"(?P<quoted>{_QUOTED_OR_COMMENT})|(?P<cast>::)|:(?P<name>[0-9a-zA-Z_]+)", re.DOTALL)
ENDED = ("FINISHED", "FAILED", "ABORTED")


class ApiError(Exception):
    """An error as the service answers it."""

    def __init__(self, code: str, message: str, status: int = 400, **more: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.more = code, message, status, more


@dataclass
class Fault:
    """What goes wrong with the next `times` requests of an operation, after letting `skip` of them pass.

    `kind`: throttle (HTTP 400 ThrottlingException), error (HTTP 500), refuse (AccessDeniedException), drop (it is done,
    and the connection breaks before the answer), lose (the connection breaks, and nothing is done).
    """

    operation: str
    kind: str
    times: int = 1
    skip: int = 0


@dataclass
class Sub:
    sql: str
    id: str
    status: str = "SUBMITTED"
    error: str = ""
    rows: list[tuple[Any, ...]] | None = None
    columns: list[Any] = field(default_factory=list)
    count: int = -1
    duration_ns: int = 0


@dataclass
class Running:
    request: dict[str, Any]
    id: str
    created: datetime
    subs: list[Sub]
    is_batch: bool
    status: str = "SUBMITTED"
    error: str = ""
    updated: datetime | None = None
    is_cancelled: bool = False
    connection: psycopg.Connection[Any] | None = None


class Emulator:
    """The service. `databases` maps a database's name to a PostgreSQL URI; `now` is its clock, `skew` moves it."""

    def __init__(
        self, databases: dict[str, str], clusters: tuple[str, ...] = ("analytics",), page_rows: int = 100
    ) -> None:
        self.databases, self.clusters, self.page_rows = databases, clusters, page_rows
        self.skew = timedelta()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.submitted_delay_s = 0.0
        self.commands: list[tuple[re.Pattern[str], Callable[[Any, re.Match[str]], int]]] = []
        self.translate: Callable[[str], str] = lambda sql: sql
        self.committed: list[Running] = []
        self._statements: dict[str, Running] = {}
        self._tokens: dict[str, tuple[datetime, Running]] = {}
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(8)
        self._free: dict[str, list[psycopg.Connection[Any]]] = {}
        self._server: ThreadingHTTPServer | None = None
        self.url = ""

    # -- the service itself

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request, checked, with its answer, checked."""
        with self._changed:
            self.requests.append((operation, request))
        model = MODEL.operation_model(operation)
        fault = self._fault(operation)
        if fault and fault.kind == "throttle":
            raise ApiError("ThrottlingException", "Rate exceeded")
        if fault and fault.kind == "error":
            raise ApiError("InternalServerException", "internal", 500)
        if fault and fault.kind == "refuse":
            raise ApiError("AccessDeniedException", "not authorized to perform this")
        if fault and fault.kind == "lose":
            raise ConnectionAbortedError
        if wrong := list(broken_rules(model.input_shape, request, "")):
            raise ApiError("ValidationException", "; ".join(wrong))
        answer: dict[str, Any] = getattr(self, "_" + re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower())(request)
        wrong = list(broken_rules(model.output_shape, answer, ""))
        assert wrong == [], f"the emulator answers wrongly: {wrong}"
        if fault:
            raise ConnectionAbortedError
        return answer

    def _fault(self, operation: str) -> Fault | None:
        with self._changed:
            for fault in self.faults:
                if fault.operation == operation and fault.times > 0:
                    if fault.skip > 0:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    return fault
        return None

    def _execute_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._submit(request, [request["Sql"]], is_batch=False)

    def _batch_execute_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._submit(request, request["Sqls"], is_batch=True)

    def _submit(self, request: dict[str, Any], sqls: list[str], is_batch: bool) -> dict[str, Any]:
        self._check_place(request)
        parameters = {one["name"]: one["value"] for one in request.get("Parameters", ())}
        if len(parameters) != len(request.get("Parameters", ())):
            raise ApiError("ValidationException", "Duplicate parameter name")
        bound = [bind(sql, parameters) for sql in sqls]
        if unused := parameters.keys() - {name for _, names in bound for name in names}:
            raise ApiError("ValidationException", f"Parameters list contains unused parameters: {sorted(unused)}")
        asked = {key: value for key, value in request.items() if key not in ("ClientToken", "WaitTimeSeconds")}
        with self._changed:
            token = request.get("ClientToken", uuid.uuid4().hex)
            if token in self._tokens and self.now() - self._tokens[token][0] < timedelta(hours=8):
                running = self._tokens[token][1]
                if running.request != asked:
                    raise ApiError("ValidationException", "The client token was used with another request")
            else:
                id_ = str(uuid.uuid4())
                subs = [Sub(sql, f"{id_}:{place}" if is_batch else id_) for place, sql in enumerate(sqls, 1)]
                running = Running(asked, id_, self.now(), subs, is_batch, updated=self.now())
                self._statements[id_] = running
                self._tokens[token] = (self.now(), running)
                self._pool.submit(self._work, running, bound, parameters)
        place = {
            key: request[key]
            for key in ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")
            if key in request
        }
        return {"Id": running.id, "CreatedAt": running.created, **place}

    def _check_place(self, request: dict[str, Any]) -> None:
        named = [key for key in ("ClusterIdentifier", "WorkgroupName") if key in request]
        if "SessionId" in request or "SessionKeepAliveSeconds" in request:
            raise ApiError("ValidationException", "sessions are not emulated")
        if len(named) != 1 or "Database" not in request:
            raise ApiError("ValidationException", "name one cluster or workgroup, and a database")
        if request[named[0]] not in self.clusters:
            raise ApiError("ValidationException", "Redshift endpoint doesn't exist in this region.")
        for sql in request.get("Sqls", [request.get("Sql", "")]):
            size = len(sql.encode()) + sum(len(one["value"].encode()) for one in request.get("Parameters", ()))
            if size > STATEMENT_BYTES_MAX:
                raise ApiError("ValidationException", f"Statement of {size} bytes is longer than 200 KB")

    # -- running

    def _work(self, running: Running, bound: list[tuple[str, list[str]]], parameters: dict[str, str]) -> None:
        if self.submitted_delay_s:
            time.sleep(self.submitted_delay_s)
        self._set(running, "PICKED")
        uri = self.databases.get(running.request["Database"])
        if uri is None:
            self._end(running, "FAILED", f'FATAL: database "{running.request["Database"]}" does not exist')
            return
        connection = self._connection(uri)
        is_transaction = running.is_batch and running.request.get("ExecutionMode", "TRANSACTION") == "TRANSACTION"
        with self._changed:
            running.connection = connection
        status, error = "FINISHED", ""
        self._set(running, "STARTED")
        try:
            connection.autocommit = not is_transaction
            for place, (sub, (sql, names)) in enumerate(zip(running.subs, bound, strict=True), 1):
                self._one(running, connection, sub, sql, [parameters[name] for name in names])
                if sub.status != "FINISHED":
                    status = sub.status
                    error = f"Query #{place} failed with {sub.error}" if running.is_batch else sub.error
                    for other in running.subs:
                        if other is not sub and (is_transaction or other.status == "SUBMITTED"):
                            other.status, other.rows = "ABORTED", None
                    break
            if is_transaction and status == "FINISHED":
                connection.commit()
        except psycopg.Error as failed:
            status, error = "FAILED", _text(failed)
        except Exception as failed:  # noqa: BLE001 - a fault of the emulator must not look like a statement that runs on
            status, error = "FAILED", f"the emulator broke: {failed!r}"
        with self._changed:
            running.connection = None
            if status == "FINISHED":
                self.committed.append(running)
        self._give_back(uri, connection)
        self._end(running, status, error)

    def _one(
        self, running: Running, connection: psycopg.Connection[Any], sub: Sub, sql: str, values: list[str]
    ) -> None:
        sub.status, begun = "STARTED", time.monotonic_ns()
        try:
            if running.is_cancelled:
                raise psycopg.errors.QueryCanceled("canceling statement due to user request")
            for pattern, command in self.commands:
                if found := pattern.fullmatch(sql.strip()):
                    sub.count = command(connection, found)
                    break
            else:
                with psycopg.RawCursor(connection) as cursor:
                    # Prepared: the extended protocol takes one statement only, whether or not there are parameters.
                    cursor.execute(self.translate(sql), values, prepare=True)
                    sub.count = cursor.rowcount
                    if cursor.description is not None:
                        sub.columns, sub.rows = list(cursor.description), cursor.fetchall()
            sub.status = "FINISHED"
        except psycopg.errors.QueryCanceled as failed:
            sub.status, sub.error = "ABORTED", _text(failed)
        except psycopg.Error as failed:
            sub.status, sub.error = "FAILED", _text(failed)
        sub.duration_ns = time.monotonic_ns() - begun

    def _connection(self, uri: str) -> psycopg.Connection[Any]:
        with self._changed:
            if self._free.get(uri):
                return self._free[uri].pop()
        return psycopg.connect(uri, autocommit=True)

    def _give_back(self, uri: str, connection: psycopg.Connection[Any]) -> None:
        if connection.closed:
            return
        connection.rollback()
        connection.autocommit = True
        connection.execute("DISCARD TEMP")
        connection.execute("RESET ALL")
        with self._changed:
            self._free.setdefault(uri, []).append(connection)

    def _set(self, running: Running, status: str) -> None:
        with self._changed:
            running.status, running.updated = status, self.now()
            self._changed.notify_all()

    def _end(self, running: Running, status: str, error: str) -> None:
        running.error = error
        if status != "FINISHED" and len(running.subs) == 1:
            running.subs[0].status, running.subs[0].rows = status, None
        self._set(running, status)

    # -- asking

    def _known(self, request: dict[str, Any]) -> tuple[Running, Sub | None]:
        """A statement, or one of a batch's."""
        id_, _, part = request["Id"].partition(":")
        running = self._statements.get(id_)
        if running is None or self.now() - running.created > timedelta(hours=24) or (part and not running.is_batch):
            raise ApiError("ResourceNotFoundException", "Query does not exist.", ResourceId=request["Id"])
        return running, running.subs[int(part) - 1] if part else None

    def _describe_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        running, part = self._known(request)
        with self._changed:
            self._changed.wait_for(lambda: running.status in ENDED, request.get("WaitTimeSeconds", 0))
        sub = part or running.subs[0]
        answer: dict[str, Any] = {
            "Id": request["Id"], "Status": part.status if part else running.status, "CreatedAt": running.created,
            "UpdatedAt": running.updated, "Duration": sum(one.duration_ns for one in running.subs) or -1,
            "HasResultSet": sub.rows is not None and not (running.is_batch and part is None),
            "ResultRows": -1 if running.is_batch and part is None else len(sub.rows) if sub.rows is not None else sub.count,
            "QueryString": sub.sql if part or not running.is_batch else "",
        }  # fmt: skip
        if error := (part.error if part else running.error):
            answer["Error"] = error
        if running.request.get("Parameters"):
            answer["QueryParameters"] = running.request["Parameters"]
        if running.is_batch and part is None:
            answer["SubStatements"] = [
                {"Id": one.id, "Status": one.status, "Error": one.error, "QueryString": one.sql, "ResultRows": one.count,
                 "Duration": one.duration_ns, "HasResultSet": one.rows is not None}
                for one in running.subs
            ]  # fmt: skip
        return answer

    def _cancel_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        running, _ = self._known(request)
        with self._changed:
            if running.status in ENDED:
                raise ApiError(
                    "ValidationException", f"Could not cancel a query that is already in {running.status} state"
                )
            running.is_cancelled = True
        self._pool.submit(self._stop_it, running)
        return {"Status": True}

    def _stop_it(self, running: Running) -> None:
        """Cancel until it has ended: PostgreSQL forgets a cancel that comes just before the statement."""
        with self._changed:
            while running.status not in ENDED:
                if running.connection:
                    running.connection.cancel_safe()
                self._changed.wait(0.05)

    def _list_statements(self, request: dict[str, Any]) -> dict[str, Any]:
        status, prefix = request.get("Status", "FINISHED"), request.get("StatementName", "")
        with self._changed:
            found = [
                one for one in self._statements.values()
                if (status in ("ALL", one.status)) and one.request.get("StatementName", "").startswith(prefix)
                and all(request.get(key, one.request.get(key)) == one.request.get(key)
                        for key in ("ClusterIdentifier", "WorkgroupName", "Database"))
                and self.now() - one.created <= timedelta(hours=24)
            ]  # fmt: skip
        found.sort(key=lambda one: one.created, reverse=True)
        start, size = int(request.get("NextToken", "0")), request.get("MaxResults") or self.page_rows
        answer: dict[str, Any] = {"Statements": [
            {"Id": one.id, "Status": one.status, "CreatedAt": one.created, "IsBatchStatement": one.is_batch,
             **({"StatementName": one.request["StatementName"]} if "StatementName" in one.request else {})}
            for one in found[start : start + size]
        ]}  # fmt: skip
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer

    def _get_statement_result(self, request: dict[str, Any]) -> dict[str, Any]:
        running, part = self._known(request)
        sub = part or running.subs[0]
        if running.status != "FINISHED" or sub.rows is None or (running.is_batch and part is None):
            raise ApiError("ResourceNotFoundException", "Query does not have result.", ResourceId=request["Id"])
        start = int(request.get("NextToken", "0"))
        page = sub.rows[start : start + self.page_rows]
        answer: dict[str, Any] = {
            "Records": [[_field(value) for value in row] for row in page],
            "ColumnMetadata": [
                {"name": one.name, "label": one.name, "typeName": one.type_display.replace("jsonb", "super")}
                for one in sub.columns
            ],
            "TotalNumRows": len(sub.rows),
        }
        if start + self.page_rows < len(sub.rows):
            answer["NextToken"] = str(start + self.page_rows)
        return answer

    # -- reaching it

    def start(self) -> Emulator:
        """Serve HTTP on loopback; `url` is the endpoint for boto3."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"emulator": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        for running in self._statements.values():
            running.is_cancelled = True
            self._stop_it(running)
        self._pool.shutdown()
        for free in self._free.values():
            for connection in free:
                connection.close()

    def settle(self) -> None:
        """Wait until everything that runs has ended."""
        with self._changed:
            self._changed.wait_for(lambda: all(one.status in ENDED for one in self._statements.values()), 30)

    def let_go(self) -> None:
        """Close the connections that wait for work, so that a database can serve as a template."""
        with self._changed:
            for free in self._free.values():
                while free:
                    free.pop().close()

    def forget(self) -> None:
        """Forget every statement, token and fault, as if a day had gone by; nothing may be running."""
        with self._changed:
            assert all(one.status in ENDED for one in self._statements.values())
            self._statements.clear()
            self._tokens.clear()
            self.committed.clear()
            self.requests.clear()
            self.faults.clear()
            self.skew, self.submitted_delay_s = timedelta(), 0.0

    def statements(self) -> list[Running]:
        """All that was taken, in order."""
        return list(self._statements.values())

    def executed(self) -> list[dict[str, Any]]:
        """The requests that were taken as new statements, in order."""
        return [one.request for one in self._statements.values()]

    def in_process(self) -> Any:
        """What looks like boto3's client and calls without a network: for thousands of cases."""
        return _InProcess(self)


class _InProcess:
    class meta:  # noqa: N801 - as boto3 has it
        service_model = MODEL

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def get_paginator(self, name: str) -> Any:
        call = getattr(self, name)

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                page = call(**request)
                yield page
                while "NextToken" in page:
                    page = call(**request, NextToken=page["NextToken"])
                    yield page

        return Paginator()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = "".join(part.capitalize() for part in name.split("_"))

        def call(**request: Any) -> dict[str, Any]:
            try:
                return self._emulator.call(operation, request)
            except ApiError as error:
                raise ClientError({"Error": {"Code": error.code, "Message": error.message}}, operation) from error

        return call


class _Handler(BaseHTTPRequestHandler):
    emulator: Emulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].removeprefix("RedshiftData.")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            if "redshift-data/aws4_request" not in self.headers.get("Authorization", ""):
                raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
            if self.headers["Content-Type"] != "application/x-amz-json-1.1":
                raise ApiError("SerializationException", "not JSON 1.1")
            answer, status = self.emulator.call(operation, json.loads(body)), 200
        except ApiError as error:
            answer = {"__type": error.code, "message": error.message, "Message": error.message, **error.more}
            status = error.status
        except ConnectionAbortedError:
            self.close_connection = True
            return
        data = json.dumps(answer, default=_json).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def bind(sql: str, parameters: dict[str, str]) -> tuple[str, list[str]]:
    """The statement with $1 and so on for `:name`, and the names in that order."""
    names: list[str] = []

    def piece(found: re.Match[str]) -> str:
        if found["quoted"] and parameters and re.search(r"[:?{}]", found["quoted"]):
            raise ApiError("ValidationException", "a placeholder's mark inside quotes or a comment")
        if found["name"] is None:
            return found[0]
        if found["name"] not in parameters:
            raise ApiError("ValidationException", f"Parameter {found['name']} is not listed")
        if found["name"] not in names:
            names.append(found["name"])
        return f"${names.index(found['name']) + 1}"

    if not sql.strip():
        raise ApiError("ValidationException", "the statement is empty")
    text = _PIECE.sub(piece, sql)
    if parameters and re.search(r"[?{}]", re.sub(_QUOTED_OR_COMMENT, "", text, flags=re.DOTALL)):
        raise ApiError("ValidationException", "a placeholder's mark that is no parameter")
    return text, names


def broken_rules(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What botocore's model says against a value: type, required, length, range, pattern, enum."""
    if shape is None:
        return
    kinds: dict[str, Any] = {
        "structure": dict, "list": list, "string": str, "integer": int, "long": int, "boolean": bool,
        "double": float, "timestamp": datetime, "blob": (bytes, str),
    }  # fmt: skip
    if not isinstance(value, kinds[shape.type_name]) or (
        shape.type_name in ("integer", "long") and isinstance(value, bool)
    ):
        yield f"{path}: {type(value).__name__} is no {shape.type_name}"
        return
    rules = shape.metadata
    size = value if isinstance(value, int) else len(value) if isinstance(value, str | list) else None
    if (
        size is not None
        and not isinstance(value, bool)
        and not rules.get("min", size) <= size <= rules.get("max", size)
    ):
        yield f"{path}: {size} is outside {rules.get('min')} to {rules.get('max')}"
    if isinstance(value, str):
        if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
            yield f"{path}: does not match {rules['pattern']}"
        if rules.get("enum") and value not in rules["enum"]:
            yield f"{path}: {value!r} is none of {rules['enum']}"
    if shape.type_name == "structure":
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
        yield from (f"{path}.{name} is unknown" for name in value if name not in shape.members)
        for name, member in shape.members.items():
            if name in value:
                yield from broken_rules(member, value[name], f"{path}.{name}")
    if shape.type_name == "list":
        for place, one in enumerate(value):
            yield from broken_rules(shape.member, one, f"{path}[{place}]")


def _text(error: psycopg.Error) -> str:
    diag = error.diag
    detail = f"\n  Detail: {diag.message_detail}" if diag.message_detail else ""
    return f"ERROR: {diag.message_primary or str(error).strip()}{detail}"


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, bytes):
        return {"blobValue": value}
    if isinstance(value, dict | list):  # SUPER comes as its JSON text
        return {"stringValue": json.dumps(value, ensure_ascii=False)}
    return {"stringValue": f"{value:f}" if isinstance(value, Decimal) else str(value)}


def _json(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else base64.b64encode(value).decode()
