"""What AWS sends to functions without a warehouse, into the lake: changes of DynamoDB tables, and transcripts.

Transcripts are those that S3 notifies of, and those of new calls. The warehouse merges all with its next load. A file
that is named twice is one batch, put once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trunkline import limits
from trunkline.aws.clients import QUICK_SEARCH, make_client
from trunkline.errors import SourceChangedError, TrunklineError, UsageError
from trunkline.ledger.records import BatchRecord
from trunkline.objects.model import Object
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.post_call.enrich import (
    SearchedCall,
    find_transcripts,
    not_searched_lately,
    place_of,
    record_missing,
)
from trunkline.pipelines.runner import lake_context, put_into_lake
from trunkline.sources.dynamodb.shards import Delivered, StreamSource
from trunkline.sources.dynamodb.stream import as_json
from trunkline.sources.dynamodb.tables import object_of
from trunkline.sources.files import listing
from trunkline.sources.files.listing import Message
from trunkline.sources.transcripts.files import TranscriptSource
from trunkline.sources.transcripts.names import is_transcript


@dataclass(frozen=True, slots=True)
class Arrived:
    """The account of messages: files put into the lake, files left out by a rule, and messages to deliver again."""

    processed: int
    filtered: int
    failed: tuple[str, ...]
    first_error: TrunklineError | None


class TranscriptReceiver:
    """Puts transcripts into one lake. Kept between invocations, with its flattener. `client` is a boto3 S3 client."""

    def __init__(self, lake: LakeHome, client: Any) -> None:
        self.lake, self.client = lake, client
        self._pool = FlattenPool(lake, TRANSCRIPT)

    def receive(self, messages: Iterable[Message]) -> Arrived:
        """Put the transcripts that the messages name. A message fails alone; its files are safe to put again."""
        processed = filtered = 0
        failed: list[str] = []
        first_error: TrunklineError | None = None
        for message in messages:
            urls = [url for url in message.urls if is_transcript(url)]
            filtered += len(message.urls) - len(urls)
            try:
                if not message.is_read:
                    raise TrunklineError("a message is not a notification of S3: check what else writes to the queue")
                processed += self.put(urls)
            except TrunklineError as error:
                first_error = first_error or error
                if message.id is not None:
                    failed.append(message.id)
        return Arrived(processed, filtered, tuple(failed), first_error)

    def put(self, urls: Sequence[str]) -> int:
        """Put the files that exist; how many there were. Raises TransientError or TerminalError where S3 fails."""
        # As they are now: a notification may be older than the object, and the object may no longer exist.
        files = [file for url in urls if (file := listing.find(url, self.client)) is not None]
        source = TranscriptSource(lake_context(self.lake, TRANSCRIPT), files, self.client)
        try:
            put_into_lake(self.lake, self._pool, source)
        except SourceChangedError:
            return self.put(urls)  # written again meanwhile
        return len(files)


class TranscriptSearch:
    """Looks for the transcripts of calls whose rows are in the lake, in a thread of its own.

    It never fails and never waits longer than `wait_s`: a call that is not searched here is due for `enrich`, and
    S3's notification may come first.
    """

    def __init__(self, receiver: TranscriptReceiver, wait_s: float = limits.TRANSCRIPT_SEARCH_S_MAX) -> None:
        self._receiver, self._wait_s = receiver, wait_s
        self._place = place_of(receiver.lake.settings)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transcripts")
        self._running: Future[None] | None = None

    def search(self, calls: Sequence[SearchedCall], warn: Callable[[str], None]) -> None:
        """Put the transcripts that exist into the lake, and record which do not."""
        if not calls:
            return
        if self._running is not None and not self._running.done():
            warn(f"{len(calls)} calls: their transcripts are not searched now, since the store has not answered yet")
            return
        self._running = self._thread.submit(self._find, calls)
        try:
            self._running.result(self._wait_s)
        except TimeoutError:
            warn(f"{len(calls)} calls: {self._place} has not answered within {self._wait_s:g} s; see trunkline enrich")
        except Exception as error:  # noqa: BLE001 - calls are in the lake; nothing about transcripts may repeat them
            warn(f"{len(calls)} calls: their transcripts were not searched: {safe_message(error)}")

    def _find(self, calls: Sequence[SearchedCall]) -> None:
        lake, client = self._receiver.lake, self._receiver.client
        due = not_searched_lately(lake.store, dict.fromkeys(calls))
        with ThreadPoolExecutor(limits.LOOKUP_WORKERS, thread_name_prefix="search") as pool:
            by_call = list(
                pool.map(lambda call: find_transcripts(lake.settings, self._place, call.call_id, client), due)
            )
        self._receiver.put([file.uri for files in by_call for file in files])
        record_missing(lake.store, [call for call, files in zip(due, by_call, strict=True) if not files])


def make_search(lake: LakeHome) -> TranscriptSearch | None:
    """The search under a lake's settings; None where the setting `transcripts` is empty."""
    place = lake.settings.transcripts
    if not place:
        return None
    client = make_client("s3", policy=QUICK_SEARCH) if place.startswith("s3://") else None
    return TranscriptSearch(TranscriptReceiver(lake, client))


def safe_message(error: Exception) -> str:
    """The text of an error of ours; the type of another one, whose text may contain a value of a record."""
    return str(error) if isinstance(error, TrunklineError) else type(error).__name__


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
