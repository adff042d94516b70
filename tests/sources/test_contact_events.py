"""Contact events from an SQS queue and from Lambda: deleted after effect, counted once, never in another's way."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from homes import NARROW, letters, narrow, opened, table, totals
from moto import mock_aws
from queue_fake import FolderQueue

from trunkline.errors import UsageError
from trunkline.objects.contact_event import CONTACT_EVENT
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.follow import follow_queue
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.records import Framed, ReceivedRecord
from trunkline.sources.contact_events.queue import MessageQueue
from trunkline.sources.contact_events.source import (
    ContactEventSource,
    EventDelivery,
    QueueFollowing,
)
from trunkline.sources.kinesis.lambda_events import events_of_lambda

EVENT: dict[str, Any] = {
    "version": "0", "id": "v-1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
    "time": "2026-03-03T10:00:00Z", "account": "111122223333", "region": "eu-west-2", "resources": [],
    "detail": {"eventType": "INITIATED", "contactId": "c-1", "AgentInfo": {"agentArn": "arn:x/agent/a"}},
}  # fmt: skip


def write(folder: Path, *bodies: Any) -> FolderQueue:
    queue = FolderQueue(folder)
    folder.mkdir(exist_ok=True)
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        (folder / f"{len(list(folder.iterdir())):04}").write_text(text)
    return queue


def follow(home: Home, client: FolderQueue, **options: Any) -> LoadResult:
    following = QueueFollowing(MessageQueue(client, "queue"), until_idle=True, poll_s=0, **options)
    return follow_queue(home, NARROW, following)


def test_a_message_that_was_not_deleted_is_not_counted_again(tmp_path: Path) -> None:
    """SQS refuses a deletion: the message comes again, is deleted then, and is one record all the same."""
    client = write(tmp_path / "queue", *map(narrow, "abc"))
    client.refuse_deletes = 2
    with opened(tmp_path / "home", NARROW) as home:
        assert follow(home, client).counts.inserted == 3
        assert len(list(client.folder.iterdir())) == 2
        again = FolderQueue(client.folder)
        assert follow(home, again).counts.read == 0
        assert list(client.folder.iterdir()) == []
        assert totals(home, NARROW).read == 3


def test_a_message_that_comes_again_and_again_is_a_batch_of_its_own(tmp_path: Path) -> None:
    """It may be what ends the process; the others are durable before it is."""
    client = write(tmp_path / "queue", *map(narrow, "abc"))
    client.deliveries["0001"] = 5
    with opened(tmp_path / "home", NARROW) as home:
        source = ContactEventSource(
            Runner(home, NARROW).context, QueueFollowing(MessageQueue(client, "queue"), until_idle=True, poll_s=0)
        )
        batches = [framed for framed in source.read({}) if framed is not None]
    assert [[json.loads(text)["ContactId"] for text in framed.texts] for framed in batches] == [["a", "c"], ["b"]]


def test_messages_of_several_polls_are_one_batch(tmp_path: Path) -> None:
    """For as long as they are gathered, and up to a number."""
    client = write(tmp_path / "queue", *map(narrow, "abcdefghijklmnopqrstuvwxyz"))
    seen: list[ReceivedRecord] = []
    with opened(tmp_path / "home", NARROW) as home:
        result = follow(home, client, gather_s=60, gather_max=20, watch=seen.extend)
        assert (result.batches, result.counts.inserted) == (2, 26)
    assert [record.sequence for record in seen] == [f"{number:04}" for number in range(26)]


def test_an_interrupted_run_leaves_its_messages_to_others(tmp_path: Path) -> None:
    """What was received and is not durable is visible again at once."""
    client = write(tmp_path / "queue", *map(narrow, "abc"))
    with opened(tmp_path / "home", NARROW) as home:
        following = QueueFollowing(MessageQueue(client, "queue"), until_idle=True, poll_s=0)
        rounds = ContactEventSource(Runner(home, NARROW).context, following).read({})
        assert isinstance(next(rounds), Framed)
        assert client.hidden
        rounds.close()  # type: ignore[attr-defined]
        assert not client.hidden
        assert follow(home, client).counts.inserted == 3


def test_what_sns_has_wrapped(tmp_path: Path) -> None:
    """A rule to a topic to a queue."""
    wrapped = {"Type": "Notification", "TopicArn": "arn:t", "MessageId": "m", "Message": json.dumps(EVENT)}
    client = write(tmp_path / "queue", wrapped, EVENT | {"id": "v-2"})
    with opened(tmp_path / "home", CONTACT_EVENT) as home:
        following = QueueFollowing(MessageQueue(client, "queue"), until_idle=True, poll_s=0)
        assert follow_queue(home, CONTACT_EVENT, following).counts.inserted == 2
        assert [row["event_id"] for row in table(home, CONTACT_EVENT)] == ["v-1", "v-2"]


@pytest.fixture
def sqs() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs", region_name="eu-west-2")


def test_a_message_stays_hidden_while_it_is_worked_on(sqs: Any, tmp_path: Path) -> None:
    """Longer than its visibility timeout; afterwards another reader has it."""
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(narrow("a")))
    queue = MessageQueue.named(sqs, "events", hidden_s=1)
    with queue.kept_hidden():
        (message,) = queue.receive(0)
        time.sleep(1.6)
        assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    queue.release()
    (again,) = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert again["MessageId"] == message.message_id
    assert (message.deliveries, again["Attributes"]["ApproximateReceiveCount"]) == (1, "2")


def test_a_message_that_nobody_can_store_goes_to_the_dead_letter_queue(sqs: Any, tmp_path: Path) -> None:
    """By the queue's redrive policy, since it is deleted only when its row is durable."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    url = sqs.create_queue(QueueName="events", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(narrow("a")))

    def fail(records: Any) -> None:
        raise OSError("disk full")

    with opened(tmp_path, NARROW) as home:
        for _ in range(2):
            with pytest.raises(OSError, match="disk full"):
                follow_queue(home, NARROW, QueueFollowing(MessageQueue.named(sqs, "events"), watch=fail, poll_s=0))
        following = QueueFollowing(MessageQueue.named(sqs, "events"), until_idle=True, poll_s=0)
        assert follow_queue(home, NARROW, following).counts.read == 0
    assert len(sqs.receive_message(QueueUrl=dead)["Messages"]) == 1


def queue_event(*bodies: str) -> dict[str, Any]:
    """An event as Lambda delivers it (developer guide, "Using Lambda with Amazon SQS")."""
    return {"Records": [
        {
            "messageId": f"m-{place}", "receiptHandle": "h", "body": body, "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772539200987", "SenderId": "s",
                           "ApproximateFirstReceiveTimestamp": "1772539200988"},
            "messageAttributes": {}, "md5OfBody": "x", "eventSourceARN": "arn:aws:sqs:eu-west-2:1:events",
            "awsRegion": "eu-west-2",
        }
        for place, body in enumerate(bodies)
    ]}  # fmt: skip


def test_lambda_delivers_one_event_or_messages(tmp_path: Path) -> None:
    """Of a rule's target directly, and through a queue; an event that comes both ways is a duplicate."""
    with opened(tmp_path, CONTACT_EVENT) as home:
        runner = Runner(home, CONTACT_EVENT)
        for event, expected in (
            (EVENT, (1, 0, 0)),
            (EVENT, (0, 1, 0)),
            (queue_event(json.dumps(EVENT), json.dumps(EVENT | {"id": "v-2"}), "{"), (1, 1, 1)),
        ):
            source = ContactEventSource(runner.context, delivered=EventDelivery(events_of_lambda(event)))
            counts = runner.run(source).counts
            assert (counts.inserted, counts.duplicate, counts.dead_letter) == expected
        assert [row["event_id"] for row in table(home, CONTACT_EVENT)] == ["v-1", "v-2"]
        assert len(letters(home, CONTACT_EVENT)) == 1
        assert totals(home, CONTACT_EVENT).read == 4  # the same delivery again is the same batch
    (record, *_) = events_of_lambda(queue_event("{}"))
    assert record.arrived_at == datetime(2026, 3, 3, 12, 0, 0, 987000)


@pytest.mark.parametrize("wrong", [{}, {"Records": [{}]}, {"Records": [{"kinesis": {}}]}])
def test_another_event_is_refused(wrong: dict[str, Any]) -> None:
    """A function that is attached to something else says so."""
    with pytest.raises(UsageError, match=r"neither one of EventBridge nor|holds no messages of SQS"):
        events_of_lambda(wrong)
