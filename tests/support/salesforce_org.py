"""A Salesforce organisation as far as Trunkline asks it, on this machine.

Assumed of the service: `queryAll` gives deleted and archived records too, in pages that name the next one; a query job
gives CSV with a header on every page and ends with the locator `null`; every answer has the server's clock and the use
of the day's calls in its headers.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from local_api import Call, Reply, register

CLIENT = {"client_id": "app", "client_secret": "s3cr3t-of-the-app"}
FIELDS = {
    "Id": "id", "Subject": "string", "Description": "textarea", "ActivityDate": "date", "CreatedDate": "datetime",
    "SystemModstamp": "datetime", "IsDeleted": "boolean", "IsArchived": "boolean", "IsClosed": "boolean",
    "CallDurationInSeconds": "int", "Amount__c": "currency", "OwnerId": "reference",
}  # fmt: skip


def stamp(text: str) -> str:
    """A time of 2026-03-03 as Salesforce's REST API writes it."""
    return f"2026-03-03T{text}.000+0000"


def task(id_: str, at: str = "10:00:00", **changes: Any) -> dict[str, Any]:
    base = dict.fromkeys(FIELDS) | {
        "Id": id_, "Subject": f"Task {id_}", "CreatedDate": stamp("09:00:00"), "SystemModstamp": stamp(at),
        "IsDeleted": False, "IsArchived": False, "IsClosed": True, "Owner.Name": "Ann",
    }  # fmt: skip
    return base | changes


@dataclass
class Organisation:
    """Tasks by id, the server's clock, and how it misbehaves. `refuses` refuses a call with 503."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = datetime(2026, 3, 3, 12, tzinfo=UTC)
    page: int = 2
    fields: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    deleted: list[tuple[str, str]] = field(default_factory=list)
    used_calls: int = 10
    failures: dict[str, list[Reply]] = field(default_factory=dict)
    refuses: Callable[[], bool] = lambda: False
    name: str = ""
    calls: list[Call] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tokens: int = 0

    def __post_init__(self) -> None:
        self.url = register(self._serve, self.name)
        self._open: dict[str, tuple[str, list[dict[str, Any]]]] = {}

    def _serve(self, call: Call) -> Reply:
        self.calls.append(call)
        reply = self._answer(call)
        headers = {
            "Date": format_datetime(self.now, usegmt=True), "Sforce-Limit-Info": f"api-usage={self.used_calls}/1000",
        }  # fmt: skip
        return Reply(reply.body, reply.status, headers | dict(reply.headers))

    def _answer(self, call: Call) -> Reply:
        last = call.path.rstrip("/").rpartition("/")[2]
        if self.failures.get(last):
            return self.failures[last].pop(0)
        if call.path == "/services/oauth2/token":
            if call.form != CLIENT | {"grant_type": "client_credentials"}:
                return Reply({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
            self.tokens += 1
            return Reply({"access_token": f"t{self.tokens}", "instance_url": "https://elsewhere.example"})
        if call.headers.get("Authorization") != f"Bearer t{self.tokens}":
            return error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self.refuses():
            return error(503, "SERVER_UNAVAILABLE", "busy")
        if "/jobs/query" in call.path:
            return self._bulk(call, last)
        if "/sobjects/Task/describe" in call.path:
            fields = [{"name": name, "type": type_, "label": name} for name, type_ in self.fields.items()]
            return Reply({"name": "Task", "replicateable": True, "fields": fields})
        if "/sobjects/Task/deleted" in call.path:
            begin, end = call.query["start"], call.query["end"]
            found = [{"id": id_, "deletedDate": at} for id_, at in self.deleted if begin[:19] <= at[:19] < end[:19]]
            return Reply({"deletedRecords": found, "latestDateCovered": end})
        if "/sobjects/" in call.path:
            return error(404, "NOT_FOUND", "The requested resource does not exist")
        return self._query(call, last)

    def _query(self, call: Call, last: str) -> Reply:
        soql, rows = self._open.pop(last, ("", []))
        if not soql:
            soql = call.query["q"]
            self.queries.append(soql)
            rows = self._matching(soql)
        head, rest = rows[: self.page], rows[self.page :]
        fields = _fields(soql)
        answer = {"totalSize": len(rows), "done": not rest, "records": [_nested(row, fields) for row in head]}
        if rest:
            number = f"01g-{len(self.queries)}-{len(rest)}"
            self._open[number] = (soql, rest)
            answer["nextRecordsUrl"] = f"/services/data/v62.0/query/{number}"
        return Reply(answer)

    def _bulk(self, call: Call, last: str) -> Reply:
        if call.method == "POST":
            job = f"750{len(self.jobs)}"
            body = json.loads(call.body)
            assert (body["operation"], body["contentType"]) == ("queryAll", "CSV")
            self.queries.append(body["query"])
            self.jobs[job] = self._matching(body["query"])
            return Reply({"id": job, "state": "UploadComplete"})
        job = last if last != "results" else call.path.split("/")[-2]
        if job not in self.jobs:
            return error(404, "NOT_FOUND", "The requested resource does not exist")
        if call.method == "DELETE":
            del self.jobs[job]
            return Reply(status=204)
        if last != "results":
            return Reply({"id": job, "state": "JobComplete"})
        start, rows = int(call.query.get("locator", 0)), self.jobs[job]
        text = _csv(rows[start : start + self.page], _fields(self.queries[-1]))
        following = str(start + self.page) if start + self.page < len(rows) else "null"
        return Reply(text.encode(), headers={"Content-Type": "text/csv", "Sforce-Locator": following})

    def _matching(self, soql: str) -> list[dict[str, Any]]:
        """The tasks that meet the conditions of a query."""
        tests: list[Callable[[dict[str, Any]], bool]] = []
        for comparison, time in re.findall(r"(?<!\()SystemModstamp (>=|<) (\S+)", soql):
            at = datetime.fromisoformat(time)
            is_from = comparison == ">="
            tests.append(lambda row, at=at, is_from=is_from: (_at(row) >= at) == is_from)
        if after := re.search(r"SystemModstamp > (\S+) OR \(SystemModstamp = \S+ AND Id > '(\w+)'\)", soql):
            key = (datetime.fromisoformat(after[1]), after[2])
            tests.append(lambda row: (_at(row), row["Id"]) > key)
        if "IsArchived = false" in soql:
            tests.append(lambda row: not row["IsArchived"])
        if "(IsClosed = true)" in soql:
            tests.append(lambda row: row["IsClosed"])
        found = [row for row in self.tasks if all(test(row) for test in tests)]
        return sorted(found, key=lambda row: (_at(row), row["Id"])) if "ORDER BY SystemModstamp, Id" in soql else found


def _at(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["SystemModstamp"])


def _fields(soql: str) -> list[str]:
    return soql.partition(" FROM ")[0].removeprefix("SELECT ").split(", ")


def _nested(row: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    record: dict[str, Any] = {"attributes": {"type": "Task", "url": f"/services/data/v62.0/sobjects/Task/{row['Id']}"}}
    for name in fields:
        parent, dot, inner = name.partition(".")
        if dot:
            value = row.get(name)
            record[parent] = None if value is None else {"attributes": {"type": "Name"}, inner: value}
        else:
            record[name] = row.get(name)
    return record


def _csv(rows: Sequence[dict[str, Any]], fields: Sequence[str]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(fields)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in fields])
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).replace("+0000", "Z") if "+0000" in str(value) else str(value)


def error(status: int, code: str, message: str) -> Reply:
    return Reply([{"errorCode": code, "message": message}], status)
