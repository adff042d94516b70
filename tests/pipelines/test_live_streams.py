"""Streams into a board: folded as they are read, saved with their positions, read on after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from live_events import NOON, QUEUE, after, agent_event, contact_event, contact_record, offered, snapshot, stamp
from moto import mock_aws

from trunkline.errors import UsageError
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.saved import load_state
from trunkline.pipelines.live.live_streams import LiveStream, LiveStreams
from trunkline.serve.wallboard.board import Board, BoardClock

STREAM, MESSAGES = "connect-ctr-stream", "wallboard-contact-events"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        kinesis, sqs = (boto3.client(name, region_name="eu-west-2") for name in ("kinesis", "sqs"))
        kinesis.create_stream(StreamName=STREAM, ShardCount=2)
        sqs.create_queue(QueueName=MESSAGES)
        yield kinesis, sqs


def queued(contact_id: str, at_s: float = 0) -> bytes:
    return contact_event("QUEUED", contact_id, queueInfo={"queueArn": QUEUE, "enqueueTimestamp": stamp(after(at_s))})


def run(folder: Path, services: tuple[Any, Any], is_done: Any) -> Board:
    """A board that reads both until a condition holds, and is stopped as by a signal."""
    kinesis, sqs = services
    path = folder / "live.state"
    state, positions = load_state(path, LiveRules()) or (LiveState(LiveRules()), {})
    board = Board(state, folder / "wallboard.json", BoardClock(lambda: after(60)), is_connected=True)
    streams = [LiveStream("kinesis", STREAM, kinesis), LiveStream("sqs", MESSAGES, sqs)]
    following = LiveStreams(board, path, positions, streams)

    async def follow() -> None:
        tasks = [asyncio.create_task(job) for job in following.jobs()]
        for _ in range(400):
            if is_done(board) or any(task.done() for task in tasks):
                break
            await asyncio.sleep(0.02)
        board.close()
        tasks[-1].cancel()
        await asyncio.gather(*tasks[:-1])

    asyncio.run(follow())
    following.save()
    assert is_done(board)
    return board


def messages_left(sqs: Any) -> int:
    url = sqs.get_queue_url(QueueName=MESSAGES)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(count) for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


def test_a_board_reads_on_after_a_restart(tmp_path: Path, services: tuple[Any, Any]) -> None:
    """Agent events and records come from the stream, contact events from the queue, and each is folded once."""
    kinesis, sqs = services
    url = sqs.get_queue_url(QueueName=MESSAGES)["QueueUrl"]
    talk = snapshot(contacts=[offered("c-1", "CONNECTED", 5, 5)])
    kinesis.put_record(StreamName=STREAM, Data=agent_event(5, talk), PartitionKey="a")
    kinesis.put_record(StreamName=STREAM, Data=b"not JSON", PartitionKey="b")
    for contact_id in ("c-1", "c-2"):
        sqs.send_message(QueueUrl=url, MessageBody=queued(contact_id).decode())
    first = run(tmp_path, services, lambda board: board.state.agents and len(board.state.contacts) == 2)
    assert first.counts["refused"] == 1
    assert messages_left(sqs) == 0
    assert first.lag_s[STREAM] == 0
    (queue,) = first.snapshot().queues
    assert (queue.name, queue.waiting, queue.in_progress) == ("Sales", 1, 1)

    record = contact_record(
        "c-1", Queue={"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(NOON), "Duration": 5}
    )
    kinesis.put_record(StreamName=STREAM, Data=record, PartitionKey="b")
    second = run(tmp_path, services, lambda board: "contact_record" in board.state.newest)
    assert second.counts["events"] == 1
    (queue,) = second.snapshot().queues
    assert (queue.waiting, queue.in_progress, queue.service_level) == (1, 0, 100)


def test_a_message_is_deleted_once_a_saved_state_has_it(tmp_path: Path, services: tuple[Any, Any]) -> None:
    """A process that dies before it saved has deleted nothing: the message comes again."""
    _, sqs = services
    url = sqs.get_queue_url(QueueName=MESSAGES)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=queued("c-1").decode())
    board = Board(LiveState(LiveRules()), tmp_path / "wallboard.json", BoardClock(lambda: after(60)))
    following = LiveStreams(board, tmp_path / "live.state", {}, [LiveStream("sqs", MESSAGES, sqs)])

    async def follow_without_saving() -> None:
        reading, saving = following.jobs()
        saving.close()
        task = asyncio.create_task(reading)
        for _ in range(400):
            if board.state.contacts:
                break
            await asyncio.sleep(0.02)
        board.close()
        await task

    asyncio.run(follow_without_saving())
    assert messages_left(sqs) == 1
    following.save()
    assert messages_left(sqs) == 0


def test_a_stream_that_does_not_exist_is_named(tmp_path: Path, services: tuple[Any, Any]) -> None:
    """A queue before the board opens, a stream by the job that reads it."""
    kinesis, sqs = services
    board = Board(LiveState(LiveRules()), tmp_path / "wallboard.json")
    with pytest.raises(UsageError, match="no-queue"):
        LiveStreams(board, tmp_path / "live.state", {}, [LiveStream("sqs", "no-queue", sqs)])
    following = LiveStreams(board, tmp_path / "live.state", {}, [LiveStream("kinesis", "no-stream", kinesis)])
    reading, saving = following.jobs()
    saving.close()
    with pytest.raises(UsageError, match="no-stream"):
        asyncio.run(reading)
