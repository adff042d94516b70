"""Web systems as the source conformance suite fills them: served on this machine, read by the real clients."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from google_sheets import SHEET_ID, Google
from homes import NARROW, narrow
from local_api import Call, Reply, register
from salesforce_org import CLIENT, FIELDS, Organisation, task
from source_cases import Subject

from trunkline.objects.model import RECORD_COLUMNS, Object, own_column
from trunkline.objects.origins import CursorPaging, HttpOrigin, SalesforceApi, SalesforceOrigin, SheetOrigin
from trunkline.pipelines.runner import Runner
from trunkline.settings.secrets import SecretName
from trunkline.sources.http_api.source import HttpPages
from trunkline.sources.model import Source
from trunkline.sources.registry import open_source
from trunkline.sources.salesforce.source import SalesforcePages
from trunkline.sources.sheets.source import SheetTab


class ApiSubject(Subject):
    """A web system whose records are lines of a file, a record a page. Where it throttles, a call is refused once."""

    obj = NARROW
    is_snapshot = True
    options: ClassVar[dict[str, object]] = {"batch_bytes": 1}

    @property
    def place(self) -> str:
        """A name of the system, the same for every process that sees it."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]

    def add(self, *numbers: int) -> None:
        self.put(*(narrow(self.key(number)) for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        self.put(narrow(self.key(number), fromTheFuture=1))

    def add_broken(self, number: int) -> None:
        self.put("no object")

    @contextmanager
    def throttled(self) -> Iterator[None]:
        flag = self.folder / "throttled"
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    def put(self, *records: Any) -> None:
        with (self.folder / "records.jsonl").open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)

    def records(self) -> list[Any]:
        path = self.folder / "records.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def refuses(self) -> bool:
        """Whether this call is refused: every second one while the system throttles."""
        if not (self.folder / "throttled").exists():
            return False
        count = self.folder / "refused"
        number = int(count.read_text()) + 1 if count.exists() else 1
        count.write_text(str(number))
        return number % 2 == 1


class HttpApiSubject(ApiSubject):
    """A JSON API that pages by a cursor."""

    name = "http_api"

    def open(self, runner: Runner) -> Source:
        origin = HttpOrigin(
            register(self._answer, self.place), ("records",), paging=CursorPaging("after", ("next",)), calls_per_s=1000
        )
        return open_source(self.name, runner.context, pages=HttpPages(self.obj, origin))

    def _answer(self, call: Call) -> Reply:
        if self.refuses():
            return Reply(status=429)
        start, records = int(call.query.get("after", 0)), self.records()
        following = start + 1 if start + 1 < len(records) else None
        return Reply({"records": records[start : start + 1], "next": following})


SHEET_OBJECT = Object(
    name="own_row", database="test", warehouse_table="connect.f_own_row", grain="One row per id.",
    key=("id",), version="read_at", event_time="read_at", partition="read_at", delete_rule="Removed rows.",
    columns=(
        own_column("id", "Id", "Id.", nullable=False),
        own_column("read_at", "_read_at", "Read.", "timestamp"),
        *RECORD_COLUMNS,
    ),
    anchor="Id", origin=SheetOrigin(SHEET_ID, "Rows", SecretName("env", "SHEETS_KEY_OF_THE_SUITE")),
)  # fmt: skip


class SheetSubject(ApiSubject):
    """A tab whose rows are the records. A row that was read is not read again, so that nothing is a snapshot."""

    name = "sheets"
    obj = SHEET_OBJECT
    is_snapshot = False

    def add(self, *numbers: int) -> None:
        self.put(*([self.key(number)] for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        self.put([self.key(number), 1])

    def add_broken(self, number: int) -> None:
        self.put([1e20])

    def open(self, runner: Runner) -> Source:
        google = Google({"Rows": [["Id", "fromTheFuture"], *self.records()]}, name=self.place)
        os.environ["SHEETS_KEY_OF_THE_SUITE"] = google.account
        google.refuses = self.refuses
        settings = msgspec.structs.replace(runner.home.settings, sheets_endpoint=google.url)
        assert isinstance(self.obj.origin, SheetOrigin)
        return open_source(self.name, runner.context, tab=SheetTab(self.obj, self.obj.origin, settings))


TASK_OBJECT = Object(
    name="own_task", database="test", warehouse_table="connect.f_own_task", grain="One row per task.",
    key=("task_id",), version="changed_at", event_time="created_at", partition="created_at", delete_rule="IsDeleted.",
    columns=(
        own_column("task_id", "Id", "Id.", nullable=False),
        own_column("created_at", "CreatedDate", "Created.", "timestamp"),
        own_column("changed_at", "SystemModstamp", "Changed.", "timestamp"),
        *RECORD_COLUMNS,
    ),
    anchor="Id",
)  # fmt: skip


class SalesforceSubject(ApiSubject):
    """An organisation whose records are tasks, a record a page. Its clock moves on by a minute for each that is new."""

    name = "salesforce"
    obj = TASK_OBJECT
    api: ClassVar[SalesforceApi] = "auto"

    def add(self, *numbers: int) -> None:
        self.put(*({"Id": self.key(number)} for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        self.put({"Id": self.key(number), "fromTheFuture": "x"})

    def add_broken(self, number: int) -> None:
        self.put({"Id": self.key(number), "CreatedDate": "no time"})

    def open(self, runner: Runner) -> Source:
        records = self.records()
        tasks = [task(**(entry | {"id_": entry["Id"], "at": f"10:{at:02}:00"})) for at, entry in enumerate(records)]
        os.environ["SALESFORCE_APP_OF_THE_SUITE"] = json.dumps(CLIENT)
        now = datetime(2026, 3, 3, 10, len(records), tzinfo=UTC)
        fields = FIELDS | {"fromTheFuture": "string"}
        organisation = Organisation(tasks, now, page=1, fields=fields, refuses=self.refuses, name=self.place)
        asked = ("Id", "CreatedDate", "SystemModstamp", *(["fromTheFuture"] if "fromTheFuture" in str(records) else []))
        secret = SecretName("env", "SALESFORCE_APP_OF_THE_SUITE")
        origin = SalesforceOrigin(organisation.url, "Task", secret, asked, api=self.api)
        return open_source(self.name, runner.context, pages=SalesforcePages(self.obj, origin, runner.home.settings))


class BulkSubject(SalesforceSubject):
    """The same by the Bulk API, whose pages are rows of a table; an organisation forgets its jobs with its process."""

    api = "bulk"
