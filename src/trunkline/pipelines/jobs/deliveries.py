"""What Lambda delivers of streams and rules, into the lake: contact records, agent events and contact events.

The warehouse merges it with its next load. The same delivery again is the same batch, put once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.errors import TrunklineError
from trunkline.ledger.records import BatchRecord
from trunkline.objects.model import Object
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.runner import lake_context, put_into_lake
from trunkline.records import ReceivedRecord
from trunkline.sources.contact_events.source import ContactEventSource, EventDelivery
from trunkline.sources.kinesis.framing import shape_of
from trunkline.sources.kinesis.lambda_events import events_of_lambda, received_of_event
from trunkline.sources.kinesis.source import KinesisDelivery, KinesisSource
from trunkline.sources.model import Source, SourceContext

_UNKNOWN = "contact_record"
"""The object that a stream's record of no known shape belongs to, so that it is set aside once."""


@dataclass(frozen=True, slots=True)
class Received:
    """The account of a delivery: rows in the lake, records set aside, and from which number on to repeat it."""

    accepted: int
    dead_letter: int
    failed_from: str | None = None


class StreamReceiver:
    """Puts the deliveries of one function into a lake. Kept between invocations, with its flatteners."""

    def __init__(self, lake: LakeHome, objects: Mapping[str, Object]) -> None:
        self._lake, self._objects = lake, objects
        self._pools: dict[str, FlattenPool] = {}

    def receive(self, event: Mapping[str, Any], warn: Callable[[str], None]) -> Received:
        """Put what a Lambda event holds: records of Kinesis, messages of SQS, or one event of EventBridge.

        A record that cannot be used is set aside, and never fails the event. Where one object's batch cannot be put
        and another's can, `failed_from` is the first record of those that failed; where none can, or it is no stream,
        the error is raised, and Lambda repeats the whole event. Raises UsageError for an event of another kind.
        """
        records = event.get("Records")
        if isinstance(records, list) and records and "kinesis" in records[0]:
            return self._put_stream(received_of_event(event), warn)
        obj = self._objects["contact_event"]
        source = ContactEventSource(self._context(obj), delivered=EventDelivery(events_of_lambda(event)))
        return _account(self._put(obj, source))

    def _put_stream(self, records: Sequence[ReceivedRecord], warn: Callable[[str], None]) -> Received:
        names = [shape_of(record.data) or _UNKNOWN for record in records]
        done: list[BatchRecord] = []
        errors: dict[str, TrunklineError] = {}
        for name in dict.fromkeys(names):
            obj = self._objects[name]
            source = KinesisSource(
                self._context(obj), delivered=KinesisDelivery(records), takes_unknown=name == _UNKNOWN
            )
            try:
                done += self._put(obj, source)
            except TrunklineError as error:
                warn(f"{name}: its records must be delivered again: {error}")
                errors[name] = error
        if not errors:
            return _account(done)
        if not done:
            raise next(iter(errors.values()))
        # Lambda repeats everything from there on; what is in the lake already is put as a duplicate.
        failed_from = next(record.sequence for record, name in zip(records, names, strict=True) if name in errors)
        return _account(done, failed_from)

    def _context(self, obj: Object) -> SourceContext:
        return lake_context(self._lake, obj)

    def _put(self, obj: Object, source: Source) -> list[BatchRecord]:
        if obj.name not in self._pools:
            self._pools[obj.name] = FlattenPool(self._lake, obj)
        return put_into_lake(self._lake, self._pools[obj.name], source)


def _account(batches: Sequence[BatchRecord], failed_from: str | None = None) -> Received:
    accepted, dead_letter = (sum(getattr(batch, name) for batch in batches) for name in ("accepted", "dead_letter"))
    return Received(accepted, dead_letter, failed_from)
