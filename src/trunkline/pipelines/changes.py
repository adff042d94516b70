"""Changes of DynamoDB tables into the lake, as a Lambda function hands them over, without a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunkline.errors import TrunklineError, UsageError
from trunkline.flatten.flattener import Flattener
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.pii_rule import rule_of
from trunkline.settings import Settings
from trunkline.sources.dynamodb.stream import as_json, frame_event
from trunkline.sources.dynamodb.tables import object_of, rules_of


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an event: rows in the lake, records left out by a rule, records set aside.

    `failed_from` is the sequence number from which on Lambda must deliver again, None when all is in the lake.
    """

    accepted: int = 0
    filtered: int = 0
    dead_letter: int = 0
    failed_from: str | None = None


class Processor:
    """What stays between the invocations of one function: the lake's store, and a flattener for each object."""

    def __init__(self, settings: Settings, objects: Mapping[str, Object], store: Store, scratch: Path) -> None:
        self.settings, self.objects, self.store, self.scratch = settings, objects, store, scratch
        self._flatteners: dict[str, Flattener] = {}

    def process(self, records: Sequence[Any], warn: Callable[[str], None]) -> Processed:
        """Put the records of one event into the lake, one object per table, batch and partition.

        A record that cannot be used is set aside there and never fails the event. Where one object's batch cannot be
        put and another's can, the lowest sequence number of those that failed is given, since Lambda delivers again all
        that follows it; where none can, or one has no number, the error is raised. Raises UsageError for a table that
        no setting names.
        """
        done, failed = Processed(), []
        errors: list[Exception] = []
        for stream, found in self._by_stream(records).items():
            obj = object_of(stream, self.settings, self.objects)
            try:
                done = self._put(obj, stream, found, done)
            except Exception as error:  # noqa: BLE001 - whatever failed, Lambda must deliver these records again
                warn(f"{obj.name}: {len(found)} records are to come again: {_words(error)}")
                errors.append(error)
                failed += found
        if not failed:
            return done
        numbers = [number for one in failed if (number := _number(one)) is not None]
        if len(failed) == len(records) or len(numbers) < len(failed):
            raise errors[0]
        return Processed(done.accepted, done.filtered, done.dead_letter, min(numbers, key=int))

    def _by_stream(self, records: Sequence[Any]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for record in records:
            stream = record.get("eventSourceARN") if isinstance(record, dict) else None
            if not isinstance(stream, str):
                raise UsageError("the event is of no DynamoDB stream: a record has no eventSourceARN")
            found.setdefault(stream, []).append(record)
        for stream in found:
            object_of(stream, self.settings, self.objects)
        return found

    def _put(self, obj: Object, stream: str, records: Sequence[Any], before: Processed) -> Processed:
        framed = frame_event(obj, stream, [as_json(one) for one in records], rules_of(self.settings))
        record = batches.put(self.store, self.scratch, self._flattener(obj), framed)
        return Processed(
            before.accepted + record.accepted,
            before.filtered + record.filtered,
            before.dead_letter + record.dead_letter,
        )

    def _flattener(self, obj: Object) -> Flattener:
        if obj.name not in self._flatteners:
            self._flatteners[obj.name] = Flattener(obj, rule_of(self.settings), spill=self.scratch / "spill")
        return self._flatteners[obj.name]


def _number(record: Any) -> str | None:
    """A record's sequence number, where it has one."""
    change = record.get("dynamodb")
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    return number if isinstance(number, str) and number.isdecimal() else None


def _words(error: Exception) -> str:
    # The text of a library's error may hold a value of a record.
    return str(error) if isinstance(error, TrunklineError) else type(error).__name__


__all__ = ["Processed", "Processor"]
