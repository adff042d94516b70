"""Streams of a DynamoDB table through the Streams API: which there are, their shards in lineage, and their records.

Source: DynamoDB Streams API reference and developer guide: a parent is read to its end before its children, records
are kept for 24 hours, an iterator lives for 15 minutes, a closed shard ends with no next iterator. A table whose
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
VIEW_TYPE: Final = "NEW_AND_OLD_IMAGES"
_IMAGES: Final = frozenset({"NEW_AND_OLD_IMAGES", "NEW_IMAGE"})
_ENABLE_TRIES: Final = 150
_ENABLE_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of one stream. `parent` is the shard that must be read first, None where it is not there any more."""

    stream: str
    shard_id: str
    parent: str | None

    @property
    def uri(self) -> str:
        """What its positions are positions of."""
        return f"{self.stream}/{self.shard_id}"


class TrimmedError(TerminalError):
    """Records were not read in the 24 hours for which DynamoDB keeps them."""


@dataclass(frozen=True, slots=True)
class Records:
    """What one call gave: records as JSON, and the iterator to go on with (None at the end of a closed shard)."""

    records: list[bytes]
    iterator: str | None


def streams_of(client: Any, table: str) -> list[str]:
    """ARNs of the table's streams, the oldest first. Raises UsageError where it has none."""
    found: list[str] = []
    more: dict[str, str] = {}
    with translate_errors("dynamodb", f"the table {table}", UsageError):
        while True:
            answer = client.list_streams(TableName=table, **more)
            found += [one["StreamArn"] for one in answer.get("Streams", [])]
            if not answer.get("LastEvaluatedStreamArn"):
                break
            more = {"ExclusiveStartStreamArn": answer["LastEvaluatedStreamArn"]}
    if not found:
        raise UsageError(f"the table {table} has no stream; run: trunkline enable-stream {table}")
    return sorted(found)


def shards_of(client: Any, stream: str) -> list[Shard]:
    """The shards of a stream, in the order that DynamoDB lists them. Raises UsageError for one without new images."""
    found: list[tuple[str, str | None]] = []
    more: dict[str, str] = {}
    with translate_errors("dynamodbstreams", f"the stream {stream}", UsageError):
        while True:
            answer = client.describe_stream(StreamArn=stream, **more)["StreamDescription"]
            if answer.get("StreamViewType") not in _IMAGES:
                raise UsageError(
                    f"{stream} is of type {answer.get('StreamViewType')}, which has no new images; disable the stream "
                    f"and run: trunkline enable-stream {answer.get('TableName', 'TABLE')}"
                )
            found += [(one["ShardId"], one.get("ParentShardId")) for one in answer.get("Shards", [])]
            if not answer.get("LastEvaluatedShardId"):
                break
            more = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}
    there = {shard_id for shard_id, _ in found}
    return [Shard(stream, shard_id, parent if parent in there else None) for shard_id, parent in found]


def last_sequence(shard: Shard, positions: Mapping[tuple[str, str], Progress]) -> int | None:
    """The last sequence number of a shard that is durable; None before the first."""
    ends = [int(high) * SEQUENCE_SPLIT + done.offset - 1 for (uri, high), done in positions.items()
            if uri == shard.uri and high.isdigit()]  # fmt: skip
    return max(ends, default=None)


def open_shard(client: Any, shard: Shard, after: int | None) -> str:
    """An iterator that begins after a sequence number, or at the oldest record.

    Raises TrimmedError where what follows that number is kept no longer.
    """
    spot = (
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(after)}
        if after is not None
        else {"ShardIteratorType": "TRIM_HORIZON"}
    )
    answer = _asked(client.get_shard_iterator, shard, StreamArn=shard.stream, ShardId=shard.shard_id, **spot)
    return str(answer["ShardIterator"])


def read_shard(client: Any, shard: Shard, iterator: str) -> Records | None:
    """The next records, up to 1,000 or 1 MB; None where the iterator is too old and another is needed."""
    answer = _asked(client.get_records, shard, ShardIterator=iterator, Limit=RECORDS_MAX)
    if answer is None:
        return None
    return Records([as_json(one) for one in answer["Records"]], answer.get("NextShardIterator"))


def _asked(call: Callable[..., Any], shard: Shard, **arguments: Any) -> Any:
    from botocore.exceptions import ClientError

    with translate_errors("dynamodbstreams", shard.uri, UsageError):
        try:
            return call(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ExpiredIteratorException":
                return None
            if code == "TrimmedDataAccessException":
                raise TrimmedError(f"{shard.uri}: what follows the last record read is kept no longer") from error
            raise


def enable(client: Any, table: str, sleep: Callable[[float], None]) -> tuple[str, bool]:
    """Enable the table's stream with new and old images, and see that it is; its ARN, and whether it was off before.

    The document's two commands, `update-table` and `describe-table`. Raises UsageError where a stream of another type
    is on, which DynamoDB cannot change: it must be disabled first, by a person, since its readers would stop.
    """
    described = _described(client, table)
    specification = described.get("StreamSpecification", {})
    was_off = not specification.get("StreamEnabled")
    if was_off:
        with translate_errors("dynamodb", f"the table {table}", UsageError):
            client.update_table(
                TableName=table, StreamSpecification={"StreamEnabled": True, "StreamViewType": VIEW_TYPE}
            )
    elif specification.get("StreamViewType") != VIEW_TYPE:
        raise UsageError(
            f"the stream of {table} is on with {specification.get('StreamViewType')}; {VIEW_TYPE} is needed. Disable "
            f"it (aws dynamodb update-table --table-name {table} --stream-specification StreamEnabled=false), then run "
            "this again: its readers need the new stream's ARN"
        )
    for _ in range(_ENABLE_TRIES):
        described = _described(client, table)
        now = described.get("StreamSpecification", {})
        is_on = now.get("StreamEnabled") and now.get("StreamViewType") == VIEW_TYPE
        if is_on and described.get("TableStatus") == "ACTIVE" and described.get("LatestStreamArn"):
            return described["LatestStreamArn"], was_off
        sleep(_ENABLE_WAIT_S)
    raise TerminalError(
        f"the stream of {table} was not on after {_ENABLE_TRIES * _ENABLE_WAIT_S:.0f} s; look at it with: "
        f'aws dynamodb describe-table --table-name {table} --query "Table.StreamSpecification"'
    )


def _described(client: Any, table: str) -> dict[str, Any]:
    with translate_errors("dynamodb", f"the table {table}", UsageError):
        described: dict[str, Any] = client.describe_table(TableName=table)["Table"]
    return described
