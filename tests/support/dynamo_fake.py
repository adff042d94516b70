# ruff: noqa: N803 - the arguments have the names that boto3 gives them
"""Stand-ins for DynamoDB's Scan and Streams API where moto has no part: segments that are counted, shards with lineage.

They assume what the API reference says: a start key is valid in its own segment, a page may be empty and not be the
last, a closed shard ends with no next iterator, an iterator may be too old, records older than 24 hours are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


@dataclass
class FakeTable:
    """A table of `count` items made by `make`, paged by `page`. `seen` is told each page: segment and start."""

    make: Callable[[int], Item]
    count: int
    page: int = 100
    units: float = 128.0
    provisioned: int = 0
    seen: Callable[[int, int], None] = lambda segment, start: None
    removed: set[int] = field(default_factory=set)

    def describe_table(self, TableName: str) -> Any:
        return {"Table": {"ItemCount": self.count, "ProvisionedThroughput": {"ReadCapacityUnits": self.provisioned}}}

    def scan(
        self, *, TableName: str, Segment: int, TotalSegments: int, ReturnConsumedCapacity: str, ConsistentRead: bool,
        ExclusiveStartKey: Item | None = None,
    ) -> Any:  # fmt: skip
        assert 0 <= Segment < TotalSegments
        start = 0 if ExclusiveStartKey is None else int(ExclusiveStartKey["n"]["N"]) + TotalSegments
        assert ExclusiveStartKey is None or start % TotalSegments == Segment, "a key of another segment"
        start = start or Segment
        self.seen(Segment, start)
        numbers = range(start, self.count, TotalSegments)[: self.page]
        items = [self.make(number) for number in numbers if number not in self.removed]
        answer = {"Items": items, "ConsumedCapacity": {"CapacityUnits": self.units}}
        if numbers and numbers[-1] + TotalSegments < self.count:
            answer["LastEvaluatedKey"] = {"n": {"N": str(numbers[-1])}}
        return answer


@dataclass
class FakeShard:
    """Records of one shard, each a dict as boto3 gives it. `trimmed` counts those that are kept no longer."""

    records: list[Any]
    parent: str | None = None
    is_closed: bool = True
    trimmed: int = 0


@dataclass
class FakeStreams:
    """One stream with shards by id. `expire` makes the next so many reads say that the iterator is too old."""

    stream: str
    shards: dict[str, FakeShard]
    view_type: str = "NEW_AND_OLD_IMAGES"
    page: int = 2
    expire: int = 0
    reads: list[str] = field(default_factory=list)

    def list_streams(self, TableName: str, **more: Any) -> Any:
        return {"Streams": [{"StreamArn": self.stream, "TableName": TableName}]}

    def describe_stream(self, StreamArn: str, ExclusiveStartShardId: str | None = None) -> Any:
        ids = sorted(self.shards)
        start = ids.index(ExclusiveStartShardId) + 1 if ExclusiveStartShardId else 0
        listed = [
            {"ShardId": one} | ({"ParentShardId": self.shards[one].parent} if self.shards[one].parent else {})
            for one in ids[start : start + 2]
        ]
        more = {"LastEvaluatedShardId": ids[start + 1]} if start + 2 < len(ids) else {}
        return {"StreamDescription": {"StreamViewType": self.view_type, "TableName": "calls", "Shards": listed, **more}}

    def get_shard_iterator(
        self, StreamArn: str, ShardId: str, ShardIteratorType: str, SequenceNumber: str | None = None
    ) -> Any:
        shard = self.shards[ShardId]
        start = shard.trimmed
        if SequenceNumber is not None:
            assert ShardIteratorType == "AFTER_SEQUENCE_NUMBER"
            numbers = [int(one["dynamodb"]["SequenceNumber"]) for one in shard.records]
            start = sum(number <= int(SequenceNumber) for number in numbers)
            if start < shard.trimmed:
                raise client_error("TrimmedDataAccessException")
        return {"ShardIterator": f"{ShardId}|{start}"}

    def get_records(self, ShardIterator: str, Limit: int) -> Any:
        shard_id, _, start = ShardIterator.partition("|")
        if self.expire:
            self.expire -= 1
            raise client_error("ExpiredIteratorException")
        shard, begin = self.shards[shard_id], int(start)
        records = shard.records[begin : begin + self.page]
        self.reads.append(shard_id)
        end = begin + len(records)
        answer: dict[str, Any] = {"Records": records}
        if not shard.is_closed or end < len(shard.records):
            answer["NextShardIterator"] = f"{shard_id}|{end}"
        return answer
