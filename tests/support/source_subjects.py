"""The systems that sources read, as the conformance suite fills them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from api_subjects import BulkSubject, HttpApiSubject, SalesforceSubject, SheetSubject
from connect_subject import ContactSubject, ListingSubject
from dynamo_fake import FakeShard, FakeStreams, FakeTable
from dynamo_tables import arn, call, change
from homes import NARROW, letters, load_into, narrow, write
from kinesis_fake import one_shard, shard_id
from queue_fake import FolderQueue
from source_cases import Subject
from transcript_files import TALK, transcribe

from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner
from trunkline.pipelines.set_aside import letter_ranges
from trunkline.sources.contact_events.queue import MessageQueue
from trunkline.sources.contact_events.source import QueueFollowing
from trunkline.sources.dynamodb.export import Export
from trunkline.sources.dynamodb.scan import Pace, Scanning
from trunkline.sources.dynamodb.shards import Following
from trunkline.sources.files import listing
from trunkline.sources.kinesis.shards import KinesisFollowing
from trunkline.sources.model import Source
from trunkline.sources.registry import file_source, list_files, open_source

AT = datetime(2026, 2, 12)


class FileSubject(Subject):
    """Files of records, each cut into several batches."""

    name = "s3_files"
    obj = NARROW
    options: ClassVar[dict[str, object]] = {"batch_bytes": 1}

    def add(self, *numbers: int) -> None:
        write(self.folder / f"{numbers[0]:04}.json", *(narrow(self.key(number)) for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        write(self.folder / f"{number:04}.json", narrow(self.key(number), fromTheFuture=1))

    def add_broken(self, number: int) -> None:
        (self.folder / f"{number:04}.json").write_bytes(b"{broken\n")

    def open(self, runner: Runner) -> Source:
        return file_source(runner.context, list_files(self.obj, [str(self.folder)]))


class MixedSubject(FileSubject):
    """Files that are read for several objects: this one takes what no object's shape has."""

    name = "mixed_files"

    def open(self, runner: Runner) -> Source:
        return open_source(self.name, runner.context, files=list_files(self.obj, [str(self.folder)]))


class RestSubject(MixedSubject):
    """The same for an object that is not the first: it takes only records of its shape."""

    name = "mixed_files_rest"

    def add_broken(self, number: int) -> None:
        write(self.folder / f"{number:04}.json", narrow(self.key(number), Began="in the morning"))


class TranscriptSubject(Subject):
    """Transcript files, each of which is one record."""

    name = "transcripts"
    obj = TRANSCRIPT
    options: ClassVar[dict[str, object]] = {"batch_bytes": 1}

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self._write(number, transcribe(TALK, "speaker"))

    def add_unknown_key(self, number: int) -> None:
        """A transcript's record is ours, so that a later version of ours is what could have another key."""
        self._write(number, {
            "callId": self.key(number), "writtenAt": "2026-03-03T10:00:00Z", "format": "transcribe", "output": "raw",
            "fromTheFuture": 1,
        })  # fmt: skip

    def add_broken(self, number: int) -> None:
        self._write(number, {"neither": "results nor a transcript"})

    def open(self, runner: Runner) -> Source:
        return file_source(runner.context, list_files(self.obj, [str(self.folder)]))

    def _write(self, number: int, content: dict[str, Any]) -> None:
        path = self.folder / "transcripts" / f"{self.key(number)}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))


class ExportSubject(Subject):
    """The data files of a table's export."""

    name = "dynamodb_export"
    obj = CALL
    options: ClassVar[dict[str, object]] = {"batch_bytes": 1}

    def add(self, *numbers: int) -> None:
        self._write(numbers[0], [{"Item": call(self.key(number))} for number in numbers])

    def add_unknown_key(self, number: int) -> None:
        self._write(number, [{"Item": call(self.key(number)) | {"fromTheFuture": {"S": "x"}}}])

    def add_broken(self, number: int) -> None:
        self._write(number, [{"neither": "an item nor a change"}])

    def open(self, runner: Runner) -> Source:
        files = listing.list_files([str(self._data)])
        export = Export("arn", arn().partition("/stream/")[0], AT, False, tuple(file.uri for file in files), None)
        return open_source(self.name, runner.context, export=export, files=files)

    @property
    def _data(self) -> Path:
        return self.folder / "AWSDynamoDB" / "01-e" / "data"

    def _write(self, number: int, lines: list[dict[str, Any]]) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / f"{number:04}.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
        summary = {
            "exportArn": "arn", "manifestFilesS3Key": "AWSDynamoDB/01-e/manifest-files.json",
            "exportTime": AT.isoformat() + "Z",
        }  # fmt: skip
        (self._data.parent / "manifest-summary.json").write_text(json.dumps(summary))
        (self._data.parent / "manifest-files.json").write_text("")


class StreamSubject(Subject):
    """A table's stream of one shard, read a record at a time. Its records are lines of a file."""

    name = "dynamodb_stream"
    obj = CALL

    def add(self, *numbers: int) -> None:
        self._write(*(change(number, new=call(self.key(number))) for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        self._write(change(number, new=call(self.key(number)) | {"fromTheFuture": {"S": "x"}}))

    def add_broken(self, number: int) -> None:
        self._write(change(number, new=call(self.key(number)) | {"amount": {"N": "five"}}))

    def open(self, runner: Runner) -> Source:
        client = FakeStreams(arn(), {"shard-1": FakeShard(_lines(self.folder), is_closed=False)}, page=1)
        following = Following("calls", client, until_idle=True, sleep=lambda _: None)
        return open_source(self.name, runner.context, following=following)

    def _write(self, *records: dict[str, Any]) -> None:
        _add_lines(self.folder, records)


class ScanSubject(Subject):
    """A table that is scanned in two segments, an item a page. Its items are lines of a file."""

    name = "dynamodb_scan"
    obj = CALL
    is_snapshot = True

    def add(self, *numbers: int) -> None:
        _add_lines(self.folder, [call(self.key(number)) for number in numbers])

    def add_unknown_key(self, number: int) -> None:
        _add_lines(self.folder, [call(self.key(number)) | {"fromTheFuture": {"S": "x"}}])

    def add_broken(self, number: int) -> None:
        _add_lines(self.folder, [call(self.key(number)) | {"amount": {"N": "five"}}])

    def open(self, runner: Runner) -> Source:
        items = _lines(self.folder)
        client = FakeTable(lambda number: items[number], len(items), page=1)
        scanning = Scanning("calls", client, 2, Pace(None, lambda _: None))
        return open_source(self.name, runner.context, scanning=scanning)


class KinesisSubject(Subject):
    """A stream of one shard, read a record at a time. Its records are lines of a file."""

    name = "kinesis"
    obj = NARROW

    def add(self, *numbers: int) -> None:
        _add_lines(self.folder, [narrow(self.key(number)) for number in numbers])

    def add_unknown_key(self, number: int) -> None:
        _add_lines(self.folder, [narrow(self.key(number), fromTheFuture=1)])

    def add_broken(self, number: int) -> None:
        _add_lines(self.folder, ["no object"])

    def open(self, runner: Runner) -> Source:
        client = one_shard(page=1)
        client.put(shard_id(0), *_lines(self.folder))
        if (self.folder / "throttled").exists():
            client.throttle = 3
        following = KinesisFollowing("calls", client, until_idle=True, sleep=lambda _: None)
        return open_source(self.name, runner.context, following=following)

    @contextmanager
    def throttled(self) -> Iterator[None]:
        flag = self.folder / "throttled"
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()


class QueueSubject(Subject):
    """A queue, a message a file, polled for one at a time. A new process sees every message that is not deleted."""

    name = "contact_events"
    obj = NARROW

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self._write(number, narrow(self.key(number)))

    def add_unknown_key(self, number: int) -> None:
        self._write(number, narrow(self.key(number), fromTheFuture=1))

    def add_broken(self, number: int) -> None:
        self._write(number, "no object")

    def open(self, runner: Runner) -> Source:
        queue = MessageQueue(FolderQueue(self.folder, page=1), "queue")
        following = QueueFollowing(queue, until_idle=True, poll_s=0)
        return open_source(self.name, runner.context, following=following)

    def _write(self, number: int, body: Any) -> None:
        (self.folder / f"{number:04}").write_text(json.dumps(body))


def _add_lines(folder: Path, records: Iterable[Any]) -> None:
    with (folder / "records.jsonl").open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


class LetterSubject(Subject):
    """Records that an older catalogue set aside, run again under one that reads them."""

    name = "dead_letter"
    obj = NARROW

    def add(self, *numbers: int) -> None:
        write(self.folder / f"{numbers[0]:04}.json", *(narrow(self.key(number)) for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        write(self.folder / f"{number:04}.json", narrow(self.key(number), fromTheFuture=1))

    def add_broken(self, number: int) -> None:
        (self.folder / f"{number:04}.json").write_bytes(b"{broken\n")

    def prepare(self, home: Home) -> None:
        """Load what is new under the older catalogue, which looks for the key in another place."""
        for path in sorted(self.folder.glob("*.json")):
            load_into(home, path, obj=_OLDER)
            path.rename(path.with_suffix(".loaded"))

    def open(self, runner: Runner) -> Source:
        ranges = letter_ranges(letters(runner.home, self.obj))
        return open_source(self.name, runner.context, letters=ranges)


_OLDER = dataclasses.replace(
    NARROW,
    catalogue_version=0,
    columns=tuple(
        dataclasses.replace(column, path=("OldId",)) if column.name == "id" else column for column in NARROW.columns
    ),
)

SUBJECTS = {
    subject.name: subject
    for subject in (
        FileSubject,
        MixedSubject,
        RestSubject,
        TranscriptSubject,
        StreamSubject,
        ScanSubject,
        ExportSubject,
        KinesisSubject,
        QueueSubject,
        LetterSubject,
        ContactSubject,
        ListingSubject,
        HttpApiSubject,
        SalesforceSubject,
        SheetSubject,
    )
}

OTHER_WAYS: dict[str, type[Subject]] = {"salesforce_bulk": BulkSubject}
"""Further ways to read a source."""
