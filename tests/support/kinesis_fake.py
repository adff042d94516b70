# ruff: noqa: N803 - the arguments have the names that boto3 gives them
"""A stand-in for Kinesis where emulators have no part: shards with lineage that end, throttling, expiry.

It assumes what the API reference says: a closed shard ends without a next iterator and names its children, an iterator
may be too old, a read may be refused, records that are older than the retention period are gone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dynamo_fake import client_error

ARN = "arn:aws:kinesis:eu-west-2:111122223333:stream/connect-ctr-stream"
FIRST_SEQUENCE = 49_545_115_243_490_985_018_280_067_714_973_144_582_180_062_593_244_200_961
"""Of Lambda's documentation: 56 digits."""
ARRIVED = datetime(2026, 3, 3, 12, tzinfo=UTC)


def shard_id(number: int) -> str:
    return f"shardId-{number:012}"


@dataclass
class FakeShard:
    """Records of one shard: sequence number and data. `trimmed` counts those that have expired."""

    records: list[tuple[int, bytes]] = field(default_factory=list)
    parents: tuple[str, ...] = ()
    is_closed: bool = False
    trimmed: int = 0


@dataclass
class FakeKinesis:
    """One stream. `expire` and `throttle` make the next so many reads fail; `reads` has each read's shard."""

    shards: dict[str, FakeShard]
    page: int = 2
    expire: int = 0
    throttle: int = 0
    created_at: datetime = ARRIVED
    reads: list[str] = field(default_factory=list)

    def put(self, shard: str, *payloads: Any) -> None:
        """Put records; dicts become JSON."""
        for payload in payloads:
            data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            sequence = FIRST_SEQUENCE + sum(len(each.records) for each in self.shards.values())
            self.shards[shard].records.append((sequence, data))

    def describe_stream_summary(self, **name: str) -> Any:
        return {"StreamDescriptionSummary": {"StreamARN": ARN, "StreamCreationTimestamp": self.created_at}}

    def list_shards(self, StreamARN: str | None = None, NextToken: str | None = None) -> Any:
        assert (StreamARN is None) != (NextToken is None), "a token comes alone"
        ids = sorted(self.shards)
        start = int(NextToken or 0)
        answer: dict[str, Any] = {"Shards": [self._described(name) for name in ids[start : start + 2]]}
        if start + 2 < len(ids):
            answer["NextToken"] = str(start + 2)
        return answer

    def _described(self, name: str) -> dict[str, Any]:
        shard = self.shards[name]
        names = ("ParentShardId", "AdjacentParentShardId")
        span = {"StartingSequenceNumber": "1"} | ({"EndingSequenceNumber": "9" * 56} if shard.is_closed else {})
        return {"ShardId": name, "SequenceNumberRange": span, **dict(zip(names, shard.parents, strict=False))}

    def get_shard_iterator(
        self, StreamARN: str, ShardId: str, ShardIteratorType: str, StartingSequenceNumber: str | None = None
    ) -> Any:
        shard = self.shards[ShardId]
        start = shard.trimmed
        if StartingSequenceNumber is not None:
            assert ShardIteratorType == "AT_SEQUENCE_NUMBER"
            before = sum(number < int(StartingSequenceNumber) for number, _ in shard.records)
            start = max(start, before)
        return {"ShardIterator": f"{ShardId}|{start}"}

    def get_records(self, ShardIterator: str, Limit: int, StreamARN: str) -> Any:
        name, _, start = ShardIterator.partition("|")
        if self.expire:
            self.expire -= 1
            raise client_error("ExpiredIteratorException")
        if self.throttle:
            self.throttle -= 1
            raise client_error("ProvisionedThroughputExceededException")
        shard, begin = self.shards[name], int(start)
        self.reads.append(name)
        end = min(begin + self.page, len(shard.records))
        records = [
            {"SequenceNumber": str(number), "Data": data, "ApproximateArrivalTimestamp": ARRIVED, "PartitionKey": "k"}
            for number, data in shard.records[begin:end]
        ]
        left = len(shard.records) - end
        answer: dict[str, Any] = {"Records": records, "MillisBehindLatest": 1000 * left}
        if shard.is_closed and not left:
            children = [child for child, each in self.shards.items() if name in each.parents]
            return answer | {"ChildShards": [{"ShardId": child} for child in children]}
        return answer | {"NextShardIterator": f"{name}|{end}"}


@dataclass
class FakeFanOut(FakeKinesis):
    """The same with a consumer, whose subscriptions last for `events` events each; `break_off` of them fail then."""

    events: int = 2
    break_off: int = 0
    consumers: dict[str, str] = field(default_factory=dict)

    def register_stream_consumer(self, StreamARN: str, ConsumerName: str) -> Any:
        if ConsumerName in self.consumers:
            raise client_error("ResourceInUseException")
        self.consumers[ConsumerName] = "CREATING"
        return {}

    def describe_stream_consumer(self, StreamARN: str, ConsumerName: str) -> Any:
        status = self.consumers[ConsumerName]
        self.consumers[ConsumerName] = "ACTIVE"
        return {
            "ConsumerDescription": {"ConsumerStatus": status, "ConsumerARN": f"{StreamARN}/consumer/{ConsumerName}"}
        }

    def subscribe_to_shard(self, ConsumerARN: str, ShardId: str, StartingPosition: dict[str, str]) -> Any:
        assert ConsumerARN.endswith("/consumer/ours")
        number = int(StartingPosition.get("SequenceNumber", 0))
        is_after = StartingPosition["Type"] == "AFTER_SEQUENCE_NUMBER"
        start = sum(sequence < number + is_after for sequence, _ in self.shards[ShardId].records)
        return {"EventStream": _Pushed(self, ShardId, max(start, self.shards[ShardId].trimmed))}


class _Pushed:
    """The events of one subscription."""

    def __init__(self, kinesis: FakeFanOut, shard: str, start: int) -> None:
        self._kinesis, self._iterator, self._last = kinesis, f"{shard}|{start}", "0"

    def __iter__(self) -> Any:
        for _ in range(self._kinesis.events):
            answer = self._kinesis.get_records(self._iterator, 100, ARN)
            records = answer["Records"]
            self._last = records[-1]["SequenceNumber"] if records else self._last
            more = "NextShardIterator" in answer
            self._iterator = answer.get("NextShardIterator", "")
            # Kinesis names a place to continue also where nothing came: here the number before the next record's.
            place = {"ContinuationSequenceNumber": self._last} if more else {}
            yield {"SubscribeToShardEvent": {
                "Records": records, "MillisBehindLatest": answer["MillisBehindLatest"], **place,
                **({"ChildShards": answer["ChildShards"]} if not more else {}),
            }}  # fmt: skip
            if not more:
                return
        if self._kinesis.break_off:
            self._kinesis.break_off -= 1
            raise ConnectionResetError

    def close(self) -> None:
        """Nothing."""


def one_shard(page: int = 2) -> FakeKinesis:
    """An open stream of one shard."""
    return FakeKinesis({shard_id(0): FakeShard()}, page)
