"""Changes of DynamoDB tables into the lake, as Lambda delivers them to a function that has no warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trunkline.errors import UsageError
from trunkline.ledger.records import BatchRecord
from trunkline.objects.call import CALL
from trunkline.objects.model import Object
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.post_call.arrivals import TranscriptSearch, safe_message
from trunkline.pipelines.post_call.enrich import SearchedCall
from trunkline.pipelines.runner import lake_context, put_into_lake
from trunkline.sources.dynamodb.shards import Delivered, StreamSource
from trunkline.sources.dynamodb.stream import as_json
from trunkline.sources.dynamodb.tables import object_of


@dataclass(frozen=True, slots=True)
class Processed:
    """The account of an event: rows in the lake, records left out by a rule, records set aside.

    `failed_from` is the sequence number from which on Lambda must deliver again, None when all is in the lake.
    """

    accepted: int = 0
    filtered: int = 0
    dead_letter: int = 0
    failed_from: str | None = None


class ChangeProcessor:
    """Puts the events of one function into a lake. Kept between invocations, with its flatteners."""

    def __init__(self, lake: LakeHome, objects: Mapping[str, Object], search: TranscriptSearch | None = None) -> None:
        self.lake, self.objects, self._search = lake, objects, search
        self._pools: dict[str, FlattenPool] = {}

    def process(self, records: Sequence[Any], warn: Callable[[str], None]) -> Processed:
        """Put the records of one event into the lake, as one batch per table, and look for its calls' transcripts.

        A record that cannot be used is set aside there and never fails the event. Where one table's batch cannot be
        put and another's can, the lowest sequence number of those that failed is returned, since Lambda delivers again
        all that follows it; where none can, or one has no number, the error is raised. Raises UsageError for a table
        that fits no object.
        """
        done: list[BatchRecord] = []
        failed: list[Any] = []
        errors: list[Exception] = []
        for stream, streamed in self._by_stream(records).items():
            obj = object_of(stream, self.lake.settings, self.objects)
            try:
                done += self._put(obj, stream, streamed)
                if self._search is not None and obj == CALL:
                    self._search.search([call for record in streamed if (call := _new_call(record))], warn)
            except Exception as error:  # noqa: BLE001 - whatever failed, Lambda must deliver these records again
                warn(f"{obj.name}: {len(streamed)} records must be delivered again: {safe_message(error)}")
                errors.append(error)
                failed += streamed
        numbers = [number for record in failed if (number := _sequence_number(record)) is not None]
        if failed and (len(failed) == len(records) or len(numbers) < len(failed)):
            raise errors[0]
        return Processed(
            accepted=sum(record.accepted for record in done),
            filtered=sum(record.filtered for record in done),
            dead_letter=sum(record.dead_letter for record in done),
            failed_from=min(numbers, key=int) if numbers else None,
        )

    def _by_stream(self, records: Sequence[Any]) -> dict[str, list[Any]]:
        by_stream: dict[str, list[Any]] = {}
        for record in records:
            stream = record.get("eventSourceARN") if isinstance(record, dict) else None
            if not isinstance(stream, str):
                raise UsageError("the event is not of a DynamoDB stream: a record has no eventSourceARN")
            by_stream.setdefault(stream, []).append(record)
        for stream in by_stream:
            object_of(stream, self.lake.settings, self.objects)
        return by_stream

    def _put(self, obj: Object, stream: str, records: Sequence[Any]) -> list[BatchRecord]:
        if obj.name not in self._pools:
            self._pools[obj.name] = FlattenPool(self.lake, obj)
        delivered = Delivered(stream, [as_json(record) for record in records])
        source = StreamSource(lake_context(self.lake, obj), delivered=delivered)
        return put_into_lake(self.lake, self._pools[obj.name], source)


def _sequence_number(record: Any) -> str | None:
    """A record's sequence number, where it has one."""
    change = record.get("dynamodb")
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    return number if isinstance(number, str) and number.isdecimal() else None


def _new_call(record: Any) -> SearchedCall | None:
    """The call of an insert or a change; None for a removal, and where it has no id."""
    try:
        image = record["dynamodb"]["NewImage"]
        call_id = image["callId"]["S"]
    except (KeyError, TypeError):
        return None
    try:
        at = datetime.fromisoformat(image["callTimestampUTC"]["S"])
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).replace(tzinfo=None)
    except (KeyError, TypeError, ValueError, OverflowError):
        at = None
    return SearchedCall(call_id, at) if isinstance(call_id, str) and call_id else None
