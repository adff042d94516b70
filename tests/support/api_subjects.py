"""Web systems as the source conformance suite fills them: served on this machine, read by the real clients."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from homes import NARROW, narrow
from local_api import Call, Reply, register
from source_cases import Subject

from trunkline.objects.origins import CursorPaging, HttpOrigin
from trunkline.pipelines.runner import Runner
from trunkline.sources.http_api.source import HttpPages
from trunkline.sources.model import Source
from trunkline.sources.registry import open_source


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
