"""The streams of a DynamoDB table through the Streams API: their shards with their parents, and their records.

Source: DynamoDB Streams API reference and developer guide: a parent is read to its end before its children, records
are kept for 24 hours, an iterator is valid for 15 minutes, a closed shard ends without a next iterator. A table whose
stream was enabled again has a new stream, and the old one can be read for 24 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, UsageError
from trunkline.positions import Progress
from trunkline.sources.dynamodb.stream import SEQUENCE_SPLIT, as_json

RECORDS_MAX: Final = 1_000
_IMAGES: Final = frozenset({"NEW_AND_OLD_IMAGES", "NEW_IMAGE"})


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of one stream. `parent` is the shard that must be read first, None where it no longer exists."""

    stream: str
    shard_id: str
    parent: str | None

    @property
    def uri(self) -> str:
        """The address that its positions refer to."""
        return f"{self.stream}/{self.shard_id}"


class TrimmedError(TerminalError):
    """Records were not read in the 24 hours for which DynamoDB keeps them."""


@dataclass(frozen=True, slots=True)
class Records:
    """The answer to one call: records as JSON, and the next iterator (None at the end of a closed shard)."""

    records: list[bytes]
    iterator: str | None


def streams_of(client: Any, table: str) -> list[str]:
    """ARNs of the table's streams, the oldest first. Raises UsageError where it has none."""
    arns: list[str] = []
    more: dict[str, str] = {}
    with translate_errors("dynamodb", f"the DynamoDB table {table}", UsageError):
        while True:
            answer = client.list_streams(TableName=table, **more)
            arns += [entry["StreamArn"] for entry in answer.get("Streams", [])]
            if not answer.get("LastEvaluatedStreamArn"):
                break
            more = {"ExclusiveStartStreamArn": answer["LastEvaluatedStreamArn"]}
    if not arns:
        raise UsageError(f"the table {table} has no stream; run: trunkline enable-stream {table}")
    return sorted(arns)


def shards_of(client: Any, stream: str) -> list[Shard]:
    """The shards of a stream, in the order that DynamoDB lists them. Raises UsageError for one without new images."""
    listed: list[tuple[str, str | None]] = []
    more: dict[str, str] = {}
    with translate_errors("dynamodbstreams", f"the DynamoDB stream {stream}", UsageError):
        while True:
            answer = client.describe_stream(StreamArn=stream, **more)["StreamDescription"]
            if answer.get("StreamViewType") not in _IMAGES:
                raise UsageError(
                    f"{stream} is of type {answer.get('StreamViewType')}, which has no new images; disable the stream "
                    f"and run: trunkline enable-stream {answer.get('TableName', 'TABLE')}"
                )
            listed += [(entry["ShardId"], entry.get("ParentShardId")) for entry in answer.get("Shards", [])]
            if not answer.get("LastEvaluatedShardId"):
                break
            more = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}
    existing = {shard_id for shard_id, _ in listed}
    return [Shard(stream, shard_id, parent if parent in existing else None) for shard_id, parent in listed]


def last_sequence(shard: Shard, positions: Mapping[tuple[str, str], Progress]) -> int | None:
    """The last sequence number of a shard that is durable; None before the first."""
    ends = [int(high) * SEQUENCE_SPLIT + done.offset - 1 for (uri, high), done in positions.items()
            if uri == shard.uri and high.isdigit()]  # fmt: skip
    return max(ends, default=None)


def open_shard(client: Any, shard: Shard, after: int | None) -> str:
    """An iterator that begins after a sequence number, or at the oldest record.

    Raises TrimmedError where the records after that number no longer exist.
    """
    start = (
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(after)}
        if after is not None
        else {"ShardIteratorType": "TRIM_HORIZON"}
    )
    answer = _call(client.get_shard_iterator, shard, StreamArn=shard.stream, ShardId=shard.shard_id, **start)
    return str(answer["ShardIterator"])


def read_shard(client: Any, shard: Shard, iterator: str) -> Records | None:
    """The next records, up to 1,000 or 1 MB; None where the iterator has expired and a new one is needed."""
    answer = _call(client.get_records, shard, ShardIterator=iterator, Limit=RECORDS_MAX)
    if answer is None:
        return None
    return Records([as_json(record) for record in answer["Records"]], answer.get("NextShardIterator"))


def _call(call: Callable[..., Any], shard: Shard, **arguments: Any) -> Any:
    from botocore.exceptions import ClientError

    with translate_errors("dynamodbstreams", shard.uri, UsageError):
        try:
            return call(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ExpiredIteratorException":
                return None
            if code == "TrimmedDataAccessException":
                raise TrimmedError(f"{shard.uri}: the records after the last one read no longer exist") from error
            raise
