"""S3 announces new objects in a queue: what is announced is read once, and its message deleted when it is durable."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote_plus

import boto3
import pytest
from homes import NARROW, jsonl, narrow, opened, table
from moto import mock_aws
from queue_fake import FolderQueue
from source_cases import CASES, Subject

from trunkline import limits
from trunkline.aws import s3 as s3_client
from trunkline.errors import UsageError
from trunkline.objects.origins import FilesOrigin
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.pull import pull
from trunkline.pipelines.runner import Runner
from trunkline.sources.files.discovery import AnnouncedFiles, AnnouncedFileSource
from trunkline.sources.model import Source

ORIGIN = FilesOrigin(("s3://inbox/tasks/",), "sqs", "new-tasks")
OBJECT = dataclasses.replace(NARROW, origin=ORIGIN)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bucket that announces its objects in a queue."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(limits, "SQS_DISCOVERY_POLL_S", 0)
    with mock_aws():
        arn = "arn:aws:sqs:us-east-1:123456789012:new-tasks"
        boto3.client("sqs").create_queue(QueueName="new-tasks")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="inbox")
        s3.put_bucket_notification_configuration(
            Bucket="inbox",
            NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        )
        drain()  # S3 has sent a test event
        yield


def put(key: str, *ids: str, body: bytes | None = None) -> None:
    boto3.client("s3").put_object(
        Bucket="inbox", Key=key, Body=jsonl([narrow(id_) for id_ in ids]) if body is None else body
    )


def send(body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    boto3.client("sqs").send_message(QueueUrl=queue_url(), MessageBody=text)


def queue_url() -> str:
    return boto3.client("sqs").get_queue_url(QueueName="new-tasks")["QueueUrl"]


def drain() -> None:
    """Remove every message."""
    sqs = boto3.client("sqs")
    while received := sqs.receive_message(QueueUrl=queue_url(), MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            sqs.delete_message(QueueUrl=queue_url(), ReceiptHandle=message["ReceiptHandle"])


def waiting() -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url(), AttributeNames=names)["Attributes"]
    return sum(int(counts[name]) for name in names)


def ids(home: Home) -> list[str]:
    return [row["id"] for row in table(home, OBJECT)]


def test_announced_objects_are_read_and_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, whatever S3 has besides; an awkward key is read as it is. The queue is empty afterwards."""
    put("tasks/a b+c%.json", "a")
    put("tasks/2.json", "b", "c")

    def never(*_: Any) -> Any:
        raise AssertionError("the bucket was listed")

    monkeypatch.setattr(s3_client, "listing", never)
    with opened(tmp_path, OBJECT) as home:
        assert pull(home, OBJECT).counts.inserted == 3
        assert waiting() == 0
        put("tasks/3.json", "d")
        assert pull(home, OBJECT).counts.read == 1
        assert ids(home) == ["a", "b", "c", "d"]


def test_every_form_of_announcement_is_read(tmp_path: Path) -> None:
    """S3's own event, the same through SNS, and EventBridge's, whose key is not encoded."""
    for number in range(3):
        put(f"tasks/{number} x.json", str(number))
    drain()
    names = [quote_plus(f"tasks/{number} x.json") for number in range(2)]
    events = [
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "inbox"}, "object": {"key": name}}}]}
        for name in names
    ]
    send(events[0])
    send({"Type": "Notification", "Message": json.dumps(events[1])})
    send(
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "inbox"}, "object": {"key": "tasks/2 x.json"}},
        }
    )
    with opened(tmp_path, OBJECT) as home:
        pull(home, OBJECT)
        assert ids(home) == ["0", "1", "2"]
        assert waiting() == 0


def test_what_announces_nothing_is_deleted(tmp_path: Path) -> None:
    """S3's test event, a removal, an object that was removed meanwhile, the mark of a folder."""
    send({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox"})
    send(
        {
            "Records": [
                {
                    "eventName": "ObjectRemoved:Delete",
                    "s3": {"bucket": {"name": "inbox"}, "object": {"key": "tasks/1.json"}},
                }
            ]
        }
    )
    put("tasks/gone.json", "a")
    boto3.client("s3").delete_object(Bucket="inbox", Key="tasks/gone.json")
    put("tasks/folder/", body=b"")
    with opened(tmp_path, OBJECT) as home:
        assert pull(home, OBJECT).counts.read == 0
    assert waiting() == 0


def test_what_is_not_this_objects_is_left(tmp_path: Path) -> None:
    """Text that is no event, objects elsewhere, and a file of another format, which is named: the queue keeps them."""
    send("hello")
    put("other/1.json", "a")
    put("tasks/picture.png", body=b"\x89PNG\r\n\x1a\n" + bytes(100))
    put("tasks/1.json", "b")
    with opened(tmp_path, OBJECT) as home:
        result = pull(home, OBJECT)
        assert ids(home) == ["b"]
        assert [text.partition(" is ")[0] for text in result.refused] == ["s3://inbox/tasks/picture.png"]
    assert waiting() == 3


def test_a_duplicate_is_not_read_twice_and_a_new_version_is(tmp_path: Path) -> None:
    """Notifications come at least once; an object that is replaced is another version."""
    put("tasks/1.json", "a")
    with opened(tmp_path, OBJECT) as home:
        pull(home, OBJECT)
        event = {
            "Records": [
                {
                    "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": "inbox"}, "object": {"key": "tasks/1.json"}},
                }
            ]
        }
        send(event)
        send(event)
        assert pull(home, OBJECT).counts.read == 0
        assert waiting() == 0
        put("tasks/1.json", "b")
        assert pull(home, OBJECT).counts.inserted == 1


def test_a_message_outlives_a_run_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is deleted after its effect alone, and visible again when the run ends."""
    put("tasks/1.json", "a")
    with opened(tmp_path, OBJECT) as home:
        with monkeypatch.context() as broken:
            broken.setattr(Runner, "merge", lambda *_: (_ for _ in ()).throw(RuntimeError("the warehouse is down")))
            with pytest.raises(RuntimeError):
                pull(home, OBJECT)
        assert waiting() == 1
        pull(home, OBJECT)
        assert ids(home) == ["a"]
        assert waiting() == 0


def test_a_pattern_chooses_objects(tmp_path: Path) -> None:
    """As in a listing."""
    put("tasks/1.json", "a")
    put("tasks/1.txt", "b")
    obj = dataclasses.replace(NARROW, origin=FilesOrigin(("s3://inbox/tasks/*.json",), "sqs", queue_url()))
    with opened(tmp_path, obj) as home:
        pull(home, obj)
        assert ids(home) == ["a"]


def test_a_queue_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what to check."""
    obj = dataclasses.replace(NARROW, origin=dataclasses.replace(ORIGIN, queue="none"))
    with opened(tmp_path, obj) as home, pytest.raises(UsageError, match="the SQS queue none does not exist"):
        pull(home, obj)


class AnnouncedSubject(Subject):
    """Objects and their announcements, which a new process sees until they are deleted."""

    name = "s3_files"
    obj = OBJECT
    options: ClassVar[dict[str, object]] = {"batch_bytes": 1}

    def add(self, *numbers: int) -> None:
        self._put(numbers[0], jsonl([narrow(self.key(number)) for number in numbers]))

    def add_unknown_key(self, number: int) -> None:
        self._put(number, jsonl([narrow(self.key(number), fromTheFuture=1)]))

    def add_broken(self, number: int) -> None:
        self._put(number, b"{broken\n")

    def open(self, runner: Runner) -> Source:
        files = AnnouncedFiles(ORIGIN, boto3.client("s3"), FolderQueue(self.folder, page=1))
        files.origin = dataclasses.replace(ORIGIN, queue="https://queue")
        return AnnouncedFileSource(runner.context, files)

    def _put(self, number: int, body: bytes) -> None:
        key = f"tasks/{self.folder.parent.name}/{number:04}.json"
        put(key, body=body)
        event = {
            "Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "inbox"}, "object": {"key": key}}}]
        }
        (self.folder / f"{number:04}").write_text(json.dumps(event))


# Files are read as when they are named; what differs is how they are found, and forgotten.
ANNOUNCED = ("everything_once", "resumes", "same_batches", "moves_on_safely")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", [
    name if name in ANNOUNCED else pytest.param(name, marks=pytest.mark.soak) for name in CASES
])  # fmt: skip
def test_discovery_keeps_the_rules_of_a_source(case: str, tmp_path: Path) -> None:
    """What `source_cases.py` asks of any source holds of announced files too."""
    CASES[case](AnnouncedSubject, tmp_path / "run")
